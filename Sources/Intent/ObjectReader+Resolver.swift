import Input
import Wire

extension ObjectReader {
  /// A kubelet's configuration file (`kubelet.config.k8s.io`): it has a kind and no name.
  mutating func kubeletConfiguration(_ value: JSONValue) {
    if let domain = value["clusterDomain"]?.string, !domain.isEmpty { cluster.clusterDomain = domain }
    guard let list = value["clusterDNS"] else { return }
    resolver(list, .kubelet, ObjectName("KubeletConfiguration"))
  }

  /// `spec.dnsConfig` of the Pod that is about to be added.
  mutating func podResolver(_ spec: JSONValue, _ what: ObjectName) {
    guard spec["dnsPolicy"]?.text.map({ $0 == "None" }) ?? false, let list = spec["dnsConfig"]?["nameservers"] else {
      return
    }
    resolver(list, .pod(cluster.pods.count), what)
  }

  private mutating func resolver(_ list: JSONValue, _ origin: ResolverSetting.Origin, _ what: ObjectName) {
    var servers: [IPAddress] = []
    for item in list.elements { if let server = address(item, what) { servers.append(server) } }
    if !servers.isEmpty { cluster.resolvers.append(ResolverSetting(origin: origin, nameservers: servers, file: file)) }
  }
}
