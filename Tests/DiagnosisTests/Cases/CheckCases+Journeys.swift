import Findings

/// What decides beyond the first packet and beyond one node.
extension CheckTests {
  static let journeyCases: [Case] = [
    Case(
      "cidr-overlap", .iptables, "the Pod ranges of a (10.244.0.0/24) and b (10.244.0.0/24) overlap", severity: .error
    ) {
      $0.replace("objects.yaml", "podCIDRs: [10.244.1.0/24]", "podCIDRs: [10.244.0.0/24]")
    },
    Case("close-wait-timeout", .nftables, "after 10 s") {
      $0.append("sysctl", "net.netfilter.nf_conntrack_tcp_timeout_close_wait = 10\n")
    },
    Case("syn-sent-to-dead-endpoint", .iptables, "10.244.7.99, which is gone", "10.244.0.5:41000") {
      $0.append(
        "conntrack",
        "tcp      6 110 SYN_SENT src=10.244.0.5 dst=10.96.0.20 sport=41000 dport=80 [UNREPLIED] src=10.244.7.99 dst=10.244.0.5 sport=8080 dport=41000 mark=0 use=1\n"
      )
    },
    Case("node-local-dns-rules", .iptables, "no NOTRACK rule is for it", "169.254.20.10") {
      $0.append(
        "ip-addr",
        """
        8: nodelocaldns: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default
            inet 169.254.20.10/32 scope global nodelocaldns

        """)
    },
  ]
}
