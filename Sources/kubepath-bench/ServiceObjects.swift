/// The Kubernetes objects that the rules of a `ServiceRules` stand for, as `kubectl get -o json` prints them: a Node, a
/// Service and an EndpointSlice each.
struct ServiceObjects {
  var rules: ServiceRules

  func write(to path: String) {
    let out = FileWriter(path)
    out.put("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n")
    out.put(#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"node-a"},"status":{"addresses":["#)
    out.put(#"{"type":"InternalIP","address":"192.0.2.10"}],"conditions":[{"type":"Ready","status":"True"}]}}"#)
    for service in 0..<rules.services {
      out.put(",\n" + self.service(service))
      out.put(",\n" + slice(service))
    }
    out.put("\n]}\n")
    out.close()
  }

  private func service(_ number: Int) -> String {
    let vip = rules.vip(number)
    return #"{"apiVersion":"v1","kind":"Service","metadata":{"name":"service-\#(number)","#
      + #""namespace":"shop-\#(number % 50)"},"spec":{"type":"ClusterIP","clusterIP":"\#(vip)","clusterIPs":["\#(vip)"],"#
      + #""ipFamilies":["IPv4"],"selector":{"app":"service-\#(number)"},"#
      + #""ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":8080}]}}"#
  }

  private func slice(_ number: Int) -> String {
    let name = "service-\(number)"
    var text =
      #"{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","addressType":"IPv4","metadata":{"#
      + #""name":"\#(name)-x7k2p","namespace":"shop-\#(number % 50)","labels":{"kubernetes.io/service-name":"\#(name)"}},"#
      + #""ports":[{"name":"http","protocol":"TCP","port":8080}],"endpoints":["#
    for endpoint in 0..<rules.endpoints {
      let node = (number + endpoint) % 250 == 0 ? "node-a" : "node-\((number + endpoint) % 250)"
      text += endpoint == 0 ? "" : ","
      text +=
        #"{"addresses":["\#(rules.endpoint(number, endpoint))"],"nodeName":"\#(node)","#
        + #""conditions":{"ready":true,"serving":true,"terminating":false}}"#
    }
    return text + "]}"
  }

  /// The node's other dumps, so that packets are routed.
  static func writeFacts(to folder: String) {
    for (name, text) in [
      (
        "ip-addr.txt",
        "2: eth0: <UP> mtu 1500\n    inet 192.0.2.10/24 scope global eth0\n3: cni0: <UP> mtu 1450\n    inet 10.128.0.1/24 scope global cni0\n"
      ),
      (
        "ip-route.txt",
        """
        default via 192.0.2.1 dev eth0
        10.128.0.0/24 dev cni0 proto kernel scope link src 10.128.0.1
        192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10
        local 10.128.0.1 dev cni0 table local proto kernel scope host src 10.128.0.1
        local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1
        local 192.0.2.10 dev eth0 table local proto kernel scope host src 192.0.2.10

        """
      ),
      (
        "sysctl.txt",
        "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.eth0.rp_filter = 0\nnet.ipv4.conf.cni0.rp_filter = 0\n"
      ),
    ] {
      let out = FileWriter("\(folder)/\(name)")
      out.put(text)
      out.close()
    }
  }
}
