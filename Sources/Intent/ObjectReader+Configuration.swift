import Input
import Wire

/// ConfigMaps in which components of the cluster keep their configuration, as text in a text.
extension ObjectReader {
  mutating func configMap(_ value: JSONValue, _ meta: Metadata) {
    guard let data = value["data"] else { return }
    switch (meta.namespace, meta.name) {
    case ("kube-system", "kube-proxy"): documents(data["config.conf"], meta)
    case ("kube-system", "coredns"):
      guard let text = data["Corefile"]?.string else { return }
      cluster.corefile = Corefile(text)
      cluster.corefile!.file = file
    case ("kube-system", "kubeadm-config"): documents(data["ClusterConfiguration"], meta)
    case ("kube-system", let name) where name.hasPrefix("kubelet-config"): documents(data["kubelet"], meta)
    default: if let network = data["net-conf.json"] { flannel(network, meta) }
    }
  }

  /// The documents of a member, each by its own kind.
  private mutating func documents(_ member: JSONValue?, _ meta: Metadata) {
    guard let text = member?.string else { return }
    let inner = SourceFile(name: cluster.files[file].name + " ConfigMap " + meta.name, text: text)
    do throws(Diagnostic) {
      try YAMLToJSON.visit(inner) { part throws(Diagnostic) in
        let document = try JSONDocument(part)
        document.withRoot { root in
          switch root["kind"]?.string {
          case "KubeletConfiguration": kubeletConfiguration(root)
          case "KubeProxyConfiguration": proxyConfiguration(root)
          case "ClusterConfiguration": clusterConfiguration(root)
          default: break
          }
        }
      }
    } catch {
      cluster.diagnostics.add(error)
    }
  }

  mutating func proxyConfiguration(_ value: JSONValue) {
    var configuration = ProxyConfiguration()
    configuration.file = file
    for (key, member) in value.members {
      switch key {
      case "mode": configuration.mode = member.string ?? ""
      case "clusterCIDR": configuration.clusterCIDRs = Self.ranges(member)
      case "ipvs": configuration.strictARP = member["strictARP"]?.bool
      default: break
      }
    }
    cluster.proxyConfiguration = configuration
  }

  mutating func clusterConfiguration(_ value: JSONValue) {
    var configuration = ClusterConfiguration()
    configuration.file = file
    configuration.controlPlaneEndpoint = value["controlPlaneEndpoint"]?.string ?? ""
    if let networking = value["networking"] {
      configuration.podRanges = Self.ranges(networking["podSubnet"])
      configuration.serviceRanges = Self.ranges(networking["serviceSubnet"])
      configuration.dnsDomain = networking["dnsDomain"]?.string ?? ""
    }
    cluster.clusterConfiguration = configuration
  }

  /// A kubeconfig, as /etc/kubernetes/kubelet.conf is one: of it only where the API server is dialled.
  mutating func kubeconfig(_ value: JSONValue) {
    for item in value["clusters"]?.elements ?? value.elements {
      guard let url = item["cluster"]?["server"]?.string, let server = DialledServer(url, file: file) else { continue }
      cluster.dialledServers.append(server)
    }
  }

  /// `10.244.0.0/16,fd00::/48`
  private static func ranges(_ value: JSONValue?) -> [IPPrefix] {
    (value?.string ?? "").split(separator: ",").compactMap { IPPrefix($0.filter { $0 != " " }) }
  }

  private mutating func flannel(_ member: JSONValue, _ meta: Metadata) {
    guard let text = member.string else { return }
    var overlay = OverlayConfiguration()
    overlay.configMap = meta.fullName
    overlay.file = file
    do throws(Diagnostic) {
      let inner = SourceFile(name: cluster.files[file].name + " ConfigMap " + meta.name, text: text)
      try JSONDocument(inner).withRoot { root in
        overlay.network = root["Network"]?.text?.trimmed.prefix
        let backend = root["Backend"]
        overlay.backend = backend?["Type"]?.string ?? ""
        overlay.mtu = backend?["MTU"]?.int ?? root["MTU"]?.int
      }
      cluster.overlays.append(overlay)
    } catch {
      cluster.diagnostics.add(error)
    }
  }
}
