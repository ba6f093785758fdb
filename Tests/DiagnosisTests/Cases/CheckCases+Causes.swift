import Findings

/// Section “Up the chain of causes” of the catalogue.
extension CheckTests {
  private static func policy(_ name: String, _ spec: String) -> String {
    "- {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: \(name), namespace: shop}, spec: {\(spec)}}\n"
  }

  static let causeCases: [Case] = [
    Case("selector-mismatch", .iptables, "app=empt", "app=empty (Pod empty-a)", severity: .error) {
      $0.replace("objects.yaml", "selector: {app: empty}", "selector: {app: empt}")
    },
    Case("target-port-mismatch", .iptables, "shop/empty:http", "“admin”", "web (8080)", severity: .error) {
      $0.replace(
        "objects.yaml", "{name: http, port: 80, protocol: TCP, nodePort: 30099}",
        "{name: http, port: 80, protocol: TCP, nodePort: 30099, targetPort: admin}")
      $0.replace(
        "objects.yaml", "labels: {app: empty}}, spec: {nodeName: a}",
        "labels: {app: empty}}, spec: {nodeName: a, containers: [{ports: [{name: web, containerPort: 8080}]}]}")
    },
    Case("nothing-listening", .iptables, "listens on 127.0.0.1 only", "server", severity: .error) {
      $0.replace("objects.yaml", "[{addresses: [10.244.1.7]", "[{addresses: [192.0.2.1]")
      $0.append("ss", "tcp LISTEN 0 128 127.0.0.1:8080 0.0.0.0:* users:((\"server\",pid=9,fd=3))\n")
    },
    Case("nothing-listening", .iptables, "no process listens on port 8080", severity: .info) {
      $0.replace("objects.yaml", "[{addresses: [10.244.1.7]", "[{addresses: [192.0.2.1]")
    },
    Case("network-policy-drop", .iptables, "cali-fw-x", "shop/deny", severity: .info) {
      $0.replace("iptables-save", ":KUBE-FORWARD - [0:0]", ":cali-fw-x - [0:0]\n:KUBE-FORWARD - [0:0]")
      $0.replace(
        "iptables-save", "-A FORWARD -m conntrack",
        "-A FORWARD -d 10.244.1.7/32 -j cali-fw-x\n-A cali-fw-x -j DROP\n-A FORWARD -m conntrack")
      $0.append(
        "objects.yaml",
        "- {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: shop}, spec: {podSelector: {}}}\n"
      )
    },
    Case("network-policy-drop", .iptables, "nobody reaches shop/cart:http", "NetworkPolicy shop/deny", severity: .error)
    {
      $0.append("objects.yaml", policy("deny", "podSelector: {}, policyTypes: [Ingress]"))
    },
    Case(
      "network-policy-drop", .iptables, "clients outside the cluster do not reach shop/cart:http", severity: .info
    ) {
      $0.append("objects.yaml", policy("inside", "podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]"))
    },
    Case(
      "network-policy-drop", .iptables, "cannot resolve names", "port 53 of kube-system/kube-dns's Pods",
      severity: .error
    ) {
      $0.append(
        "objects.yaml",
        policy("inward", "podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]"))
    },
    Case("kube-proxy-not-programming", .iptables, "nothing listens on port 10256", severity: .info) {
      $0.remove("ss", ":10256")
    },
    Case("health-check-node-port", .iptables, "nothing answers at port 31500") { $0.remove("ss", ":31500") },
    Case("dns-service", .nftables, "no Pod of the cluster resolves names", severity: .error) {
      for address in ["10.244.0.2", "10.244.1.2"] {
        $0.replace(
          "objects.yaml", "{addresses: [\(address)], conditions: {ready: true}",
          "{addresses: [\(address)], conditions: {ready: false}")
      }
    },
    Case("apiserver-unreachable", .iptables, "10.96.0.1:443", severity: .error) {
      $0.remove("iptables-save", "KUBE-SERVICES", "default/kubernetes")
    },
    Case("apiserver-unreachable", .nftables, "no API server is announced", severity: .error) {
      $0.replace("objects.yaml", "[{addresses: [192.0.2.10], conditions: {ready: true}}]", "[]")
    },
    Case("ipam-exhausted", .iptables, "room for 5", severity: .error) {
      $0.replace("objects.yaml", "podCIDRs: [10.244.0.0/24]", "podCIDRs: [10.244.0.0/29]")
      for number in 3...4 {
        $0.append("objects.yaml", ClusterFixture.pod("shop", "x\(number)", "a", "10.244.0.\(number)", 80) + "\n")
      }
    },
    Case("ipam-exhausted", .iptables, "failed to assign an IP address", severity: .error) {
      $0.replace(
        "objects.yaml", "podIP: 10.244.0.9, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff}}}]",
        "containerStatuses: [{state: {waiting: {reason: ContainerCreating, message: \"failed to assign an IP address to container\"}}}]"
      )
    },
    Case("load-balancer-address", .iptables, "shop/office", "no Pod of a load-balancer controller", severity: .error) {
      $0.replace("objects.yaml", ", status: {loadBalancer: {ingress: [{ip: 203.0.113.8}]}}", "")
    },
    Case("ingress-path", .iptables, "shop.example/pay", "shop/till does not exist", severity: .error) {
      $0.append(
        "objects.yaml",
        """
        - {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: shop, namespace: shop}, spec: {rules: [{host: shop.example,
           http: {paths: [{path: /pay, pathType: Prefix, backend: {service: {name: till, port: {number: 80}}}}]}}]}}

        """)
    },
  ]
}
