import Findings

/// Section “Endpoints and policy” of the catalogue.
extension CheckTests {
  static let endpointCases: [Case] = [
    Case("no-endpoints", .iptables, "shop/cart:http", "2 Pods match, none ready", "readiness probe", severity: .error) {
      $0.replace(
        "objects.yaml",
        "[{addresses: [10.244.0.5], conditions: {ready: true}, nodeName: a}, "
          + "{addresses: [10.244.1.5], conditions: {ready: true}, nodeName: b}]", "[]")
      for _ in 0..<2 {
        $0.replace("objects.yaml", "labels: {app: cart}},", "labels: {app: cart}}, x: 0,")
      }
      $0.replace(
        "objects.yaml", "podIP: 10.244.0.5, conditions: [{type: Ready, status: \"True\"}]",
        "podIP: 10.244.0.5, conditions: [{type: Ready, status: \"False\", reason: ContainersNotReady}]")
      $0.replace(
        "objects.yaml", "podIP: 10.244.1.5, conditions: [{type: Ready, status: \"True\"}]",
        "podIP: 10.244.1.5, conditions: [{type: Ready, status: \"False\", reason: ContainersNotReady}]")
    },
    Case("no-local-endpoints-external", .nftables, "30443", "externalTrafficPolicy Local", "runs on b", severity: .info)
    {
      $0.replace("objects.yaml", "{addresses: [10.244.0.6], conditions: {ready: true}, nodeName: a}, ", "")
    },
    Case("no-local-endpoints-internal", .iptables, "shop/office:http", "runs on b", severity: .info) {
      $0.replace("objects.yaml", "selector: {app: office}", "selector: {app: office}, internalTrafficPolicy: Local")
    },
    Case("health-check-node-port", .iptables, "31500", "is closed", severity: .error) {
      $0.replace(
        "iptables-save", "-A INPUT -j KUBE-FIREWALL",
        "-A INPUT -p tcp -m tcp --dport 31500 -j DROP\n-A INPUT -j KUBE-FIREWALL")
    },
    Case("health-check-node-port", .iptables, "31500", "is not accepted") {
      $0.remove("iptables-save", "health check node port")
    },
    Case("health-check-node-port", .iptables, "INPUT → KUBE-NODEPORTS") {
      $0.remove("iptables-save", "-A INPUT", "-j KUBE-NODEPORTS")
    },
    Case("source-ranges", .iptables, "shop/office:http", severity: .error) {
      $0.replace(
        "iptables-save", "\"shop/office:http loadbalancer IP\" -m tcp --dport 80 -j KUBE-FW-",
        "\"shop/office:http loadbalancer IP\" -m tcp --dport 80 -j KUBE-EXT-")
    },
    Case("source-ranges", .nftables, "shop/office:http", severity: .error) {
      $0.remove("nft", "203.0.113.8 . tcp . 80", "goto firewall-")
      $0.replace(
        "nft", "map firewall-ips {\n    type ipv4_addr . inet_proto . inet_service : verdict\n  }",
        "map firewall-ips {\n    type ipv4_addr . inet_proto . inet_service : verdict\n  }")
    },
    Case("source-ranges", .iptables, "FORWARD → KUBE-PROXY-FIREWALL") {
      $0.remove("iptables-save", "-A FORWARD", "-j KUBE-PROXY-FIREWALL")
    },
    Case("stale-rules", .iptables, "shop/edge:https", "10.244.1.99:8443", severity: .error) {
      $0.replace("iptables-save", "--to-destination 10.244.1.6:8443", "--to-destination 10.244.1.99:8443")
    },
    Case("stale-rules", .nftables, "shop/edge:https", "10.244.1.99:8443", severity: .error) {
      $0.replace("nft", "dnat to 10.244.1.6:8443", "dnat to 10.244.1.99:8443")
    },
    Case("stale-rules", .ipvs, "shop/edge:https", "10.244.1.99:8443", severity: .error) {
      $0.replace("ipvsadm-Sn", "-r 10.244.1.6:8443", "-r 10.244.1.99:8443")
    },
    Case("stale-rules", .iptables, "shop/edge:https", "90 %") {
      $0.replace(
        "iptables-save", "\"shop/edge:https -> 10.244.0.6:8443\" -m statistic --mode random --probability 0.5",
        "\"shop/edge:https -> 10.244.0.6:8443\" -m statistic --mode random --probability 0.9")
    },
    Case("stale-rules", .nftables, "shop/edge:https", "a share", severity: .error) {
      $0.replace(
        "nft", "numgen random mod 2 vmap { 0 : goto endpoint-HBS5NWCU",
        "numgen random mod 4 vmap { 0 : goto endpoint-HBS5NWCU")
    },
    Case("stale-rules", .iptables, "shop/edge:https", "treated like outside ones", "a Pod on this node") {
      $0.remove("iptables-save", Chains.edgeExternal, "-s 10.244.0.0/16")
    },
    Case("stale-rules", .nftables, "shop/edge:https", "treated like outside ones", "the node itself") {
      $0.remove("nft", "fib saddr type local goto service-Y3PDBKDA")
    },
    Case("stale-rules", .nftables, "cluster-ips", "10.96.0.30") {
      $0.replace("nft", "10.96.0.20, 10.96.0.30, ", "10.96.0.20, ")
    },
    Case("stale-rules", .iptables, "shop/empty:http", "is not refused", "30099") {
      $0.remove("iptables-save", "KUBE-EXTERNAL-SERVICES", "--dport 30099", "REJECT")
    },
    Case("session-affinity", .iptables, "10.244.0.5:8080", "do not come back") {
      $0.remove("iptables-save", Chains.cart, "--rcheck", "10.244.0.5:8080")
    },
    Case("session-affinity", .iptables, "10.244.0.5:8080", "no new clients") {
      $0.remove("iptables-save", Chains.cart, "statistic")
    },
    Case("session-affinity", .iptables, "new clients go to", "90 %") {
      $0.replace(
        "iptables-save", "\"shop/cart:http -> 10.244.0.5:8080\" -m statistic --mode random --probability 0.5",
        "\"shop/cart:http -> 10.244.0.5:8080\" -m statistic --mode random --probability 0.9")
    },
    Case("session-affinity", .iptables, "does not keep clients", severity: .error) {
      $0.remove("iptables-save", Chains.cart, "--rcheck")
    },
    Case("session-affinity", .nftables, "do not come back", "10.244.1.5:8080") {
      $0.remove("nft", "update @affinity-J6SR727L")
    },
    Case("session-affinity", .nftables, "never", "10800") { $0.remove("nft", "timeout 3h") },
    Case("session-affinity", .iptables, "after 10800 seconds", "600") {
      $0.replace(
        "objects.yaml", "sessionAffinity: ClientIP",
        "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 600}}")
    },
    Case("session-affinity", .nftables, "does not ask for it") {
      $0.replace("objects.yaml", ", sessionAffinity: ClientIP", "")
    },
    Case("dual-stack-family-missing", .iptables, "shop/cart:http", "IPv6") {
      $0.replace("objects.yaml", "clusterIPs: [10.96.0.20]", "clusterIPs: [10.96.0.20, \"fd00:96::20\"]")
    },
    Case("topology-hints", .iptables, "shop/cart", "zone “z1”", severity: .info) {
      $0.replace(
        "objects.yaml", "metadata: {name: a}", "metadata: {name: a, labels: {topology.kubernetes.io/zone: z1}}")
      $0.replace(
        "objects.yaml", "{addresses: [10.244.0.5], conditions: {ready: true}, nodeName: a}",
        "{addresses: [10.244.0.5], conditions: {ready: true}, nodeName: a, hints: {forZones: [{name: z1}]}}")
      $0.replace(
        "objects.yaml", "{addresses: [10.244.1.5], conditions: {ready: true}, nodeName: b}",
        "{addresses: [10.244.1.5], conditions: {ready: true}, nodeName: b, hints: {forZones: [{name: z2}]}}")
    },
  ]
}
