import Findings

/// Section “NAT, masquerade, forwarding” of the catalogue.
extension CheckTests {
  static let natCases: [Case] = [
    Case("forward-drop", .iptables, "policy drop", severity: .error) {
      $0.replace("iptables-save", ":FORWARD ACCEPT", ":FORWARD DROP")
    },
    Case("forward-drop", .nftables, "policy drop", severity: .error) {
      $0.append(
        "nft",
        "\ntable inet host {\n  chain forward {\n    type filter hook forward priority 10; policy drop;\n  }\n}\n")
    },
    Case("forward-drop", .iptables, "accept RELATED,ESTABLISHED") {
      $0.remove("iptables-save", "KUBE-FORWARD", "RELATED,ESTABLISHED -j ACCEPT")
    },
    Case("one-way-udp-forward-drop", .iptables, "kube-system/kube-dns:dns", "first datagram") {
      $0.replace("iptables-save", ":FORWARD ACCEPT", ":FORWARD DROP")
      $0.replace(
        "iptables-save", "-A FORWARD -m conntrack --ctstate NEW -m comment --comment \"kubernetes service portals\"",
        "-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
          + "-A FORWARD -m conntrack --ctstate NEW -m comment --comment \"kubernetes service portals\"")
    },
    Case("masquerade-scope", .iptables, "shop/edge:https", "replies bypass", severity: .info) {
      $0.remove("iptables-save", "KUBE-SVC-TFCKRJ4VVZESZDQY", "-j KUBE-MARK-MASQ")
    },
    Case("masquerade-scope", .iptables, "shop/edge:https", "do not see the client") {
      $0.replace(
        "iptables-save", "-A \(Chains.edgeExternal) -j \(Chains.edgeLocal)",
        "-A \(Chains.edgeExternal) -j KUBE-MARK-MASQ\n-A \(Chains.edgeExternal) -j \(Chains.edgeLocal)")
    },
    Case("masquerade-scope", .iptables, "return for unmarked packets", "lose their clients' addresses") {
      $0.remove("iptables-save", "KUBE-POSTROUTING", "-j RETURN")
    },
    Case("rules-flushed", .nftables, "mark-for-masquerade: set the masquerade mark", severity: .error) {
      $0.remove("nft", "meta mark set meta mark | 0x00004000")
    },
    Case("hairpin", .iptables, "10.244.0.6", severity: .error) {
      $0.remove("iptables-save", "-s 10.244.0.6/32", "KUBE-MARK-MASQ")
    },
    Case("hairpin", .nftables, "10.244.1.6:8443") { $0.remove("nft", "ip saddr 10.244.1.6 jump") },
    Case("bridge-nf-call-off", .iptables, "cni0", severity: .error) {
      $0.replace("sysctl", "bridge-nf-call-iptables = 1", "bridge-nf-call-iptables = 0")
    },
    Case("forward-drop", .iptables, "rule 1 of filter FORWARD", "-d 10.244.0.0/16 -j DROP", severity: .error) {
      $0.replace("iptables-save", "*filter\n", "*filter\n-A FORWARD -d 10.244.0.0/16 -j DROP\n")
    },
    Case("no-route", .iptables, "a has no route to", "10.244.1.0/24", severity: .error) {
      $0.remove("ip-route", "default via")
      $0.remove("ip-route", "10.244.1.0/24 via")
    },
    Case("no-route", .nftables, "a routing rule sends these packets to table 100", severity: .error) {
      $0.append("ip-route", "unreachable 0.0.0.0/0 table 100\n")
      $0.append(
        "ip-rule",
        "0: from all lookup local\n100: from all fwmark 0x4000/0x4000 lookup 100\n32766: from all lookup main\n")
    },
    Case("no-route", .nftables, "a refuses to route to", "blackhole 10.244.1.0/24", severity: .error) {
      $0.replace("ip-route", "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink", "blackhole 10.244.1.0/24")
    },
    Case("no-route", .iptables, "10.244.0.6", "it runs here", severity: .error) {
      let others = ["0/30", "4/31", "7/32", "8/29", "16/28", "32/27", "64/26", "128/25"]
      $0.replace(
        "ip-route", "10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1",
        others.map { "10.244.0.\($0) dev cni0 scope link" }.joined(separator: "\n"))
    },
    Case("stale-udp-conntrack", .iptables, "2 UDP flows to kube-system/kube-dns:dns", "10.244.0.99 is no endpoint") {
      for port in [40001, 40002] {
        $0.append(
          "conntrack",
          "udp      17 25 src=10.244.0.5 dst=10.96.0.10 sport=\(port) dport=53 [UNREPLIED] src=10.244.0.99 dst=10.244.0.5 sport=53 dport=\(port) mark=0 use=1\n"
        )
      }
    },
    Case("un-dnated-udp", .nftables, "1 UDP flow to kube-system/kube-dns:dns", "not translated") {
      $0.append(
        "conntrack",
        "udp      17 25 src=10.244.0.5 dst=10.96.0.10 sport=40001 dport=53 [UNREPLIED] src=10.96.0.10 dst=10.244.0.5 sport=53 dport=40001 mark=0 use=1\n"
          // Answered by an endpoint, and unanswered so far.
          + "udp      17 25 src=10.244.0.5 dst=10.96.0.10 sport=40003 dport=53 src=10.244.0.2 dst=10.244.0.5 sport=53 dport=40003 mark=0 use=1\n"
          + "udp      17 25 src=10.244.0.5 dst=10.96.0.10 sport=40004 dport=53 [UNREPLIED] src=10.244.1.2 dst=10.244.0.5 sport=53 dport=40004 mark=0 use=1\n"
      )
    },
    Case("no-route", .iptables, "which has no carrier", severity: .error) {
      for file in ["ip-addr", "ip-d-link"] {
        $0.replace(file, "cni0: <BROADCAST,MULTICAST,UP,LOWER_UP>", "cni0: <NO-CARRIER,BROADCAST,MULTICAST,UP>")
      }
    },
    Case("conntrack-table-full", .iptables, "262144 of 262144", severity: .error) {
      $0.append("sysctl", "net.netfilter.nf_conntrack_count = 262144\nnet.netfilter.nf_conntrack_max = 262144\n")
    },
    Case("conntrack-table-full", .nftables, "nearly full") {
      $0.append("sysctl", "net.netfilter.nf_conntrack_count = 250000\nnet.netfilter.nf_conntrack_max = 262144\n")
    },
    Case("ip-forward-off", .nftables, "net.ipv4.ip_forward is 0", severity: .error) {
      $0.replace("sysctl", "ip_forward = 1", "ip_forward = 0")
    },
    Case("reverse-path-filter", .iptables, "flows on a", severity: .error) {
      $0.replace("sysctl", "net.ipv4.conf.all.rp_filter = 0", "net.ipv4.conf.all.rp_filter = 1")
      // Outside clients come in by eth0, and the way back to them leads elsewhere once DNAT has been done.
      $0.append(
        "ip-rule", "0:\tfrom all lookup local\n100:\tfrom 10.244.0.0/16 lookup 77\n32766:\tfrom all lookup main\n")
      $0.append("ip-rule", "32767:\tfrom all lookup default\n")
      $0.append("ip-route", "default via 192.0.2.253 dev flannel.1 table 77\n")
      $0.replace("ip-route", "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink\n", "")
      $0.append("ip-route", "10.244.1.0/24 via 192.0.2.2 dev eth0\n")
    },
    Case("notrack-before-nat", .iptables, "shop/cart:http", "NOTRACK", severity: .error) {
      $0.append(
        "iptables-save",
        "\n*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
          + "-A PREROUTING -d 10.96.0.20/32 -j NOTRACK\nCOMMIT\n")
    },
    Case("snat-port-race", .iptables, "without fully random", severity: .info) {
      $0.replace("iptables-save", " --random-fully", "")
    },
    Case("snat-port-race", .nftables, "insert_failed", "23") {
      $0.replace("nft", "masquerade fully-random", "masquerade")
      $0.append(
        "conntrack-S",
        "cpu=0 found=0 invalid=0 insert=0 insert_failed=23 drop=23 early_drop=0 error=0 search_restart=0\n")
    },
    Case("node-port-in-ephemeral-range", .iptables, "30080", "30000-60999") {
      $0.replace("sysctl", "32768", "30000")
    },
    Case("host-port-shadowing", .iptables, "shop/cart", "claimed by 2 Services") {
      $0.replace("objects.yaml", "selector: {app: office}", "selector: {app: office}, externalIPs: [10.96.0.20]")
    },
    Case("host-port-shadowing", .iptables, "shop/cart:http", "a Pod's hostPort", "10.244.0.2:80", severity: .error) {
      $0.replace(
        "iptables-save", ":KUBE-MARK-MASQ - [0:0]",
        ":CNI-HOSTPORT-DNAT - [0:0]\n:CNI-DN-abc - [0:0]\n:KUBE-MARK-MASQ - [0:0]")
      $0.replace(
        "iptables-save", "-A PREROUTING -m comment",
        "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT\n"
          + "-A CNI-HOSTPORT-DNAT -p tcp -m multiport --dports 30080 -j CNI-DN-abc\n"
          + "-A CNI-DN-abc -p tcp -m tcp --dport 30080 -j DNAT --to-destination 10.244.0.2:80\n-A PREROUTING -m comment"
      )
    },
    Case("host-port-shadowing", .iptables, "10.244.0.77:80", "no Pod has") {
      $0.replace("iptables-save", ":KUBE-MARK-MASQ - [0:0]", ":CNI-DN-abc - [0:0]\n:KUBE-MARK-MASQ - [0:0]")
      $0.replace(
        "iptables-save", "-A PREROUTING -m comment",
        "-A CNI-DN-abc -p tcp -m tcp --dport 8088 -j DNAT --to-destination 10.244.0.77:80\n-A PREROUTING -m comment")
    },
    Case("localhost-node-port", .iptables, "CVE-2020-8558") {
      $0.remove("iptables-save", "block incoming localnet connections")
    },
  ]
}
