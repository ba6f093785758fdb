import Findings

/// What network plugins, firewalls and caches on the node do, or fail to do.
extension CheckTests {
  static let pluginCases: [Case] = [
    Case("hairpin", .iptables, "10.244.0.2 cannot reach itself", "hairpin mode is off", severity: .error) {
      for _ in 0..<2 { $0.replace("ip-d-link", "hairpin on", "hairpin off") }
    },
    Case("bridge-port", .nftables, "isolated: nothing passes between them", severity: .error) {
      for _ in 0..<2 { $0.replace("ip-d-link", "hairpin on\n", "hairpin on isolated on\n") }
    },
    Case("bridge-port", .iptables, "Pods of a reach nothing", "veth5, veth6", severity: .error) {
      for _ in 0..<2 { $0.replace("ip-d-link", "bridge_slave state forwarding", "bridge_slave state blocking") }
    },
    Case("pod-route", .iptables, "shop/job-a", "10.244.0.8", severity: .error) {
      $0.append("objects.yaml", ClusterFixture.pod("shop", "job", "a", "10.244.0.8", 80))
      $0.replace(
        "ip-route", "10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1",
        [2, 5, 6].map { "10.244.0.\($0) dev cni0 scope link" }.joined(separator: "\n"))
    },
    Case("pod-route", .iptables, "table 2, which has no routes", "shop/cart-a", severity: .error) {
      $0.append(
        "ip-rule",
        "0:\tfrom all lookup local\n512:\tfrom all to 10.244.0.5 lookup main\n1536:\tfrom 10.244.0.5 lookup 2\n"
          + "32766:\tfrom all lookup main\n")
      for own in ["127.0.0.0/8", "192.0.2.1", "10.244.0.0", "10.244.0.1"] {
        $0.append("ip-route", "local \(own) dev lo table local proto kernel scope host\n")
      }
    },
    Case("egress-masquerade", .iptables, "flannel masquerades", "10.244.0.2", severity: .error) {
      $0.replace("iptables-save", ":KUBE-MARK-MASQ - [0:0]", ":FLANNEL-POSTRTG - [0:0]\n:KUBE-MARK-MASQ - [0:0]")
      $0.replace(
        "iptables-save", "-A PREROUTING -m comment",
        "-A POSTROUTING -m comment --comment \"flanneld masq\" -j FLANNEL-POSTRTG\n"
          + "-A FLANNEL-POSTRTG -s 10.250.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE\n-A PREROUTING -m comment")
    },
    Case("egress-masquerade", .iptables, "192.0.2.77", "no interface", severity: .error) {
      $0.replace("iptables-save", ":KUBE-MARK-MASQ - [0:0]", ":AWS-SNAT-CHAIN-0 - [0:0]\n:KUBE-MARK-MASQ - [0:0]")
      $0.replace(
        "iptables-save", "-A PREROUTING -m comment",
        "-A POSTROUTING -j AWS-SNAT-CHAIN-0\n-A AWS-SNAT-CHAIN-0 ! -d 10.0.0.0/8 -j SNAT --to-source 192.0.2.77\n"
          + "-A PREROUTING -m comment")
    },
    Case("chain-not-reached", .iptables, "KUBE-ROUTER-FORWARD", "NetworkPolicies", severity: .error) {
      $0.replace(
        "iptables-save", "*filter\n",
        "*filter\n:KUBE-ROUTER-FORWARD - [0:0]\n-A KUBE-ROUTER-FORWARD -m mark --mark 0x20000/0x20000 -j ACCEPT\n")
    },
    Case("proxy-route", .iptables, "no routing rule is for mark 0x200", "Cilium", severity: .error) {
      $0.append("iptables-save", proxyRules)
      $0.append("ip-rule", "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n")
    },
    Case("proxy-route", .iptables, "leads to table 2004", severity: .error) {
      $0.append("iptables-save", proxyRules)
      $0.append("ip-rule", "0:\tfrom all lookup local\n9:\tfrom all fwmark 0x200/0xf00 lookup 2004\n")
    },
    Case("hairpin", .iptables, "hostPort 9300", "10.244.0.5") {
      $0.replace(
        "iptables-save", ":KUBE-MARK-MASQ - [0:0]",
        ":CNI-DN-a1 - [0:0]\n:CNI-HOSTPORT-SETMARK - [0:0]\n:KUBE-MARK-MASQ - [0:0]")
      $0.replace(
        "iptables-save", "-A PREROUTING -m comment",
        """
        -A CNI-HOSTPORT-SETMARK -j MARK --set-xmark 0x2000/0x2000
        -A CNI-DN-a1 -s 127.0.0.1/32 -p tcp -m tcp --dport 9300 -j CNI-HOSTPORT-SETMARK
        -A CNI-DN-a1 -p tcp -m tcp --dport 9300 -j DNAT --to-destination 10.244.0.5:8080
        -A PREROUTING -m comment
        """)
    },
    Case("stale-pod-firewall", .iptables, "shop/cart-a", "shop/old-0", severity: .error) {
      $0.replace(
        "iptables-save", "*filter\n",
        """
        *filter
        :KUBE-POD-FW-OLD - [0:0]
        :KUBE-ROUTER-FORWARD - [0:0]
        -A KUBE-ROUTER-FORWARD -d 10.244.0.5/32 -m comment --comment "rule to jump traffic destined to POD name:old-0 namespace: shop to chain KUBE-POD-FW-OLD" -j KUBE-POD-FW-OLD

        """)
    },
    Case("network-policy-drop", .iptables, "kube-router is behind the objects", severity: .error) {
      $0.append("objects.yaml", Self.policy("ingress: [{}]"))
      $0.replace("iptables-save", "*filter\n", Self.podFirewall)
    },
    Case("network-policy-drop", .iptables, "as the objects ask", severity: .info) {
      $0.append("objects.yaml", Self.policy("policyTypes: [Ingress]"))
      $0.replace("iptables-save", "*filter\n", Self.podFirewall)
    },
    Case("notrack-before-nat", .iptables, "kube-system/kube-dns:dns", "nodelocaldns is gone", severity: .error) {
      $0.append("iptables-save", Self.cacheRules)
    },
    Case("forward-drop", .iptables, "← ufw, which does not know the Pods", severity: .error) {
      $0.replace(
        "iptables-save", ":FORWARD ACCEPT", ":ufw-before-input - [0:0]\n:ufw-before-forward - [0:0]\n:FORWARD DROP")
      $0.replace(
        "iptables-save", "-A FORWARD -m conntrack --ctstate NEW -m comment --comment \"kubernetes service portals\"",
        "-A FORWARD -j ufw-before-forward\n"
          + "-A FORWARD -m conntrack --ctstate NEW -m comment --comment \"kubernetes service portals\"")
    },
  ]

  private static func policy(_ spec: String) -> String {
    """
    - {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: cart, namespace: shop},
       spec: {podSelector: {matchLabels: {app: cart}}, \(spec)}}

    """
  }

  /// kube-router's chain of Pod shop/cart-a, which accepts nothing.
  private static let podFirewall = """
    *filter
    :KUBE-POD-FW-CART - [0:0]
    -A FORWARD -d 10.244.0.5/32 -m comment --comment "rule to jump traffic destined to POD name:cart-a namespace: shop to chain KUBE-POD-FW-CART" -j KUBE-POD-FW-CART
    -A KUBE-POD-FW-CART -m comment --comment "rule to REJECT traffic destined for POD name:cart-a namespace: shop" -j REJECT

    """

  /// NodeLocal DNS Cache's, for the cluster's DNS address.
  static let cacheRules = """

    *raw
    :PREROUTING ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    -A PREROUTING -d 10.96.0.10/32 -p udp -m udp --dport 53 -m comment --comment "NodeLocal DNS Cache: skip conntrack" -j NOTRACK
    -A OUTPUT -d 10.96.0.10/32 -p udp -m udp --dport 53 -m comment --comment "NodeLocal DNS Cache: skip conntrack" -j NOTRACK
    COMMIT

    """

  private static let proxyRules = """
    *mangle
    :PREROUTING ACCEPT [0:0]
    :CILIUM_PRE_mangle - [0:0]
    -A PREROUTING -j CILIUM_PRE_mangle
    -A CILIUM_PRE_mangle -p tcp -m mark --mark 0x12340200 -j TPROXY --on-port 13330 --on-ip 127.0.0.1 --tproxy-mark 0x200/0xffffffff
    COMMIT

    """
}
