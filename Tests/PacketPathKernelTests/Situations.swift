import KernelLab
import Wire

/// Hand-picked nodes, each for one thing the walk must do as the kernel does.
enum Situations {
  static let all: [Situation] = hooks + targets + translation + routing + services + matches + chains + rejects

  // MARK: every hook

  static let hooks: [Situation] = [
    Situation(
      "no rules at all", "",
      flows: [
        "eth0 tcp @client:40000 > @node:22", "eth0 tcp @client:40000 > @pod1:80", "local udp @node:5000 > @outside:53",
        "local tcp @loop:4000 > @loop:80", "local tcp @node:4000 > @node:80", "veth2 icmp @pod2 > @outside",
      ]),
    Situation(
      "one counting rule in each chain of each table",
      """
      *raw
      -A PREROUTING
      -A OUTPUT
      *mangle
      -A PREROUTING
      -A INPUT
      -A FORWARD
      -A OUTPUT
      -A POSTROUTING
      *nat
      -A PREROUTING
      -A INPUT
      -A OUTPUT
      -A POSTROUTING
      *filter
      -A INPUT
      -A FORWARD
      -A OUTPUT
      """,
      flows: [
        "eth0 tcp @client:40000 > @node:22", "eth0 tcp @client:40000 > @pod1:80", "local udp @node:5000 > @outside:53",
        "local tcp @loop:4000 > @loop:80", "veth1 tcp @pod1:4000 > @pod2:80",
      ]),
    Situation(
      "the security table",
      """
      *security
      -A INPUT -p tcp -j ACCEPT
      -A FORWARD -p udp -j DROP
      *filter
      -A FORWARD -p udp -j ACCEPT
      """, flows: ["eth0 tcp @client:40000 > @node:22", "eth0 udp @client:40000 > @pod1:80"]),
    Situation(
      "ACCEPT ends a table, not the hook",
      """
      *raw
      -A PREROUTING -j ACCEPT
      *mangle
      -A PREROUTING -p tcp -j ACCEPT
      -A PREROUTING -j MARK --set-mark 1
      -A FORWARD -j ACCEPT
      *filter
      -A FORWARD -m mark --mark 1 -j DROP
      """, flows: ["eth0 tcp @client:40000 > @pod1:80", "eth0 udp @client:40000 > @pod1:80"]),
    Situation(
      "DROP in raw PREROUTING", "*raw\n-A PREROUTING -p udp -j DROP\n",
      flows: ["eth0 tcp @client:40000 > @pod1:80", "eth0 udp @client:40000 > @pod1:80"]),
    Situation(
      "DROP in mangle POSTROUTING", "*mangle\n-A POSTROUTING -o veth1 -j DROP\n",
      flows: [
        "eth0 tcp @client:40000 > @pod1:80", "eth0 tcp @client:40000 > @pod2:80", "local tcp @podgw:1 > @pod1:80",
      ]),
    Situation(
      "DROP in mangle INPUT", "*mangle\n-A INPUT -i eth0 -s @client -j DROP\n",
      flows: ["eth0 tcp @client:40000 > @node:80", "eth0 tcp @client2:40000 > @node:80"]),
    Situation(
      "policies of all tables",
      """
      *mangle
      :FORWARD DROP
      -A FORWARD -s @client -j RETURN
      -A FORWARD -s @client2 -j ACCEPT
      *filter
      :INPUT DROP
      :OUTPUT DROP
      -A INPUT -p udp -j ACCEPT
      -A OUTPUT -d @outside -j ACCEPT
      """,
      flows: [
        "eth0 tcp @client:40000 > @pod1:80", "eth0 tcp @client2:40000 > @pod1:80", "eth0 tcp @client:40000 > @node:80",
        "eth0 udp @client:40000 > @node:80", "local tcp @node:40000 > @outside:80",
        "local tcp @node:40000 > @outside2:80",
      ]),
  ]

  // MARK: targets that change a packet

  static let targets: [Situation] = [
    Situation(
      "MARK in all its spellings",
      """
      *mangle
      -A PREROUTING -j MARK --set-mark 0xff
      -A PREROUTING -j MARK --and-mark 0xf0
      -A PREROUTING -j MARK --or-mark 0x4000
      -A PREROUTING -j MARK --xor-mark 0x10
      -A PREROUTING -j MARK --set-xmark 0x8000/0x8020
      -A PREROUTING -j MARK --set-mark 0x1/0x3
      -A FORWARD -m mark --mark 0xc0c1 -j ACCEPT
      -A FORWARD -m mark ! --mark 0xc0c1 -j DROP
      """, flows: ["eth0 tcp @client:40000 > @pod1:80"]),
    Situation(
      "CONNMARK saves and restores",
      """
      *mangle
      -A PREROUTING -j MARK --set-mark 0x1234
      -A PREROUTING -j CONNMARK --save-mark --nfmask 0xff00 --ctmask 0xffff
      -A PREROUTING -j MARK --set-mark 0
      -A FORWARD -m connmark --mark 0x1200 -j CONNMARK --restore-mark
      -A POSTROUTING -m mark --mark 0x1200/0xff00 -j ACCEPT
      """, flows: ["eth0 tcp @client:40000 > @pod1:80"]),
    Situation(
      "CONNMARK set, or, and",
      """
      *mangle
      -A OUTPUT -j CONNMARK --set-mark 0x11
      -A OUTPUT -j CONNMARK --or-mark 0x100
      -A OUTPUT -j CONNMARK --and-mark 0x1f0
      -A POSTROUTING -m connmark --mark 0x110 -j ACCEPT
      """, flows: ["local tcp @node:40000 > @outside:80", "local tcp @node:40000 > @node:80"]),
    Situation(
      "NOTRACK means no NAT",
      """
      *raw
      -A PREROUTING -p udp -j CT --notrack
      -A OUTPUT -p udp -j NOTRACK
      *nat
      -A PREROUTING -d @vip -p tcp -j DNAT --to-destination @pod1:8080
      -A PREROUTING -d @vip -p udp -j DNAT --to-destination @pod1:8080
      -A OUTPUT -d @vip -p udp -j DNAT --to-destination @pod1:8080
      -A POSTROUTING -j MASQUERADE
      *filter
      -A FORWARD -m conntrack --ctstate UNTRACKED -j ACCEPT
      -A FORWARD -m conntrack --ctstate DNAT -j ACCEPT
      """,
      flows: [
        "eth0 tcp @client:40000 > @vip:80", "eth0 udp @client:40000 > @vip:80", "local udp @node:40000 > @vip:80",
        "local tcp @node:40000 > @vip:80",
      ]),
    Situation(
      "TTL set, then matched one lower",
      """
      *mangle
      -A PREROUTING -j @TTL-set 10
      -A FORWARD -m @ttl-eq 9 -j ACCEPT
      -A FORWARD -j DROP
      """, flows: ["eth0 tcp @client:40000 > @pod1:80"]),
    Situation(
      "DSCP set, then matched",
      """
      *mangle
      -A PREROUTING -j DSCP --set-dscp 0x2e
      -A FORWARD -m dscp --dscp-class EF -j ACCEPT
      -A FORWARD -j DROP
      """, flows: ["eth0 tcp @client:40000 > @pod1:80"]),
    Situation(
      "TOS set, then matched",
      """
      *mangle
      -A PREROUTING -j TOS --set-tos 0x10/0x3f
      -A FORWARD -m tos --tos 0x10/0x3f -j ACCEPT
      -A FORWARD -j DROP
      """, flows: ["eth0 udp @client:40000 > @pod1:80"]),
    Situation(
      "TCPMSS clamps and goes on",
      """
      *mangle
      -A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1300
      -A FORWARD -p tcp -m tcpmss --mss 1300 -j ACCEPT
      -A FORWARD -p tcp -j DROP
      """, flows: ["eth0 tcp @client:40000 > @pod1:80", "eth0 udp @client:40000 > @pod1:80"], hidden: true),
    Situation(
      "LOG, NFLOG and a bare rule go on",
      """
      *filter
      -A FORWARD -j LOG --log-prefix "seen -j DROP "
      -A FORWARD -j NFLOG --nflog-group 5
      -A FORWARD -m comment --comment "nothing to do"
      -A FORWARD -j DROP
      """, flows: ["eth0 tcp @client:40000 > @pod1:80"]),
    Situation(
      "CLASSIFY and SET go on",
      """
      *mangle
      -A POSTROUTING -j CLASSIFY --set-class 0001:0002
      -A POSTROUTING -j SET --add-set seen@6 src --exist
      -A POSTROUTING -m set --match-set seen@6 src -j ACCEPT
      """, flows: ["eth0 tcp @client:40000 > @pod1:80"],
      sets: "create seen@6 hash:ip family @inet\n", hidden: true),
    Situation(
      "A set that the chain fills is looked at again",
      """
      *filter
      :X - [0:0]
      -A FORWARD -j X
      -A FORWARD -j X
      -A X -m set --match-set seen@6 src -j ACCEPT
      -A X -j SET --add-set seen@6 src --exist
      """, flows: ["eth0 tcp @client:40000 > @pod1:80"],
      sets: "create seen@6 hash:ip family @inet\n", hidden: true),
    Situation(
      "conntrack zone from CT",
      """
      *raw
      -A PREROUTING -i eth0 -j CT --zone 7
      *nat
      -A PREROUTING -d @vip -p tcp -j DNAT --to-destination @pod1:8080
      """, flows: ["eth0 tcp @client:40000 > @vip:80"]),
  ]

  // MARK: NAT

  static let translation: [Situation] = [
    Situation(
      "DNAT with and without a port",
      """
      *nat
      -A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination @pod1:8080
      -A PREROUTING -p tcp -m tcp --dport 81 -j DNAT --to-destination @pod2
      -A PREROUTING -p icmp -j DNAT --to-destination @pod2
      """,
      flows: [
        "eth0 tcp @client:40000 > @vip:80", "eth0 tcp @client:40000 > @vip:81", "eth0 tcp @client:40000 > @vip:82",
        "eth0 tcp @client:40000 > @node:80",
      ]),
    Situation(
      "DNAT of pings", "*nat\n-A PREROUTING -p @icmp -j DNAT --to-destination @pod2\n",
      flows: ["eth0 icmp @client > @vip", "eth0 icmp @client > @node"]),
    Situation(
      "DNAT to the node itself", "*nat\n-A PREROUTING -d @vip -p tcp -j DNAT --to-destination @node:8080\n",
      flows: ["eth0 tcp @client:40000 > @vip:80", "veth1 tcp @pod1:40000 > @vip:80"]),
    Situation(
      "DNAT where there is no route", "*nat\n-A PREROUTING -d @vip -p tcp -j DNAT --to-destination @dead:80\n",
      flows: ["eth0 tcp @client:40000 > @vip:80"], setup: ["route add unreachable @deads"]),
    Situation(
      "the first DNAT wins",
      """
      *nat
      -A PREROUTING -d @vip -p tcp -j DNAT --to-destination @pod1:1
      -A PREROUTING -d @vip -p tcp -j DNAT --to-destination @pod2:2
      """, flows: ["eth0 tcp @client:40000 > @vip:80"]),
    Situation(
      "DNAT in OUTPUT reroutes",
      """
      *nat
      -A OUTPUT -d @vip -p tcp -m tcp --dport 80 -j DNAT --to-destination @pod1:8080
      -A OUTPUT -d @vip -p tcp -m tcp --dport 81 -j DNAT --to-destination @node:8080
      *filter
      -A OUTPUT -o veth1 -j ACCEPT
      -A OUTPUT -o lo -j ACCEPT
      """,
      flows: ["local tcp @node:40000 > @vip:80", "local tcp @node:40000 > @vip:81", "local tcp @node:40000 > @vip:82"]),
    Situation(
      "DNAT in OUTPUT without a route", "*nat\n-A OUTPUT -d @vip -p tcp -j DNAT --to-destination @dead:80\n",
      flows: ["local tcp @node:40000 > @vip:80"], setup: ["route add unreachable @deads"]),
    Situation(
      "SNAT with and without a port",
      """
      *nat
      -A POSTROUTING -o eth0 -p tcp -m tcp --dport 80 -j SNAT --to-source @nodeb
      -A POSTROUTING -o eth0 -p tcp -m tcp --dport 81 -j SNAT --to-source @nodeb:7000
      """,
      flows: [
        "veth1 tcp @pod1:40000 > @outside:80", "veth1 tcp @pod1:40000 > @outside:81",
        "veth1 tcp @pod1:40000 > @outside:82",
      ]),
    Situation(
      "SNAT in INPUT",
      """
      *nat
      -A INPUT -s @client -p tcp -j SNAT --to-source @client2
      *filter
      -A INPUT -s @client -j ACCEPT
      """, flows: ["eth0 tcp @client:40000 > @node:80", "eth0 udp @client:40000 > @node:80"]),
    Situation(
      "MASQUERADE takes the address of the way out", "*nat\n-A POSTROUTING ! -d @pods -j MASQUERADE\n",
      flows: [
        "veth1 tcp @pod1:40000 > @outside:80", "veth1 tcp @pod1:40000 > @far:80", "veth1 tcp @pod1:40000 > @pod2:80",
        "veth1 udp @pod1:40000 > @remote:80", "local tcp @podgw:40000 > @outside:80", "local tcp @node:4000 > @node:80",
        "veth1 icmp @pod1 > @outside",
      ]),
    Situation(
      "MASQUERADE towards an interface without an address", "*nat\n-A POSTROUTING -o veth2 -j MASQUERADE\n",
      flows: ["eth0 tcp @client:40000 > @pod2:80"]),
    Situation(
      "MASQUERADE picks a port", "*nat\n-A POSTROUTING -o eth0 -p tcp -j MASQUERADE --to-ports 5000-5999\n",
      flows: ["veth1 tcp @pod1:40000 > @outside:80"], repeats: 5),
    Situation(
      "REDIRECT in PREROUTING and OUTPUT",
      """
      *nat
      -A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080
      -A PREROUTING -p udp -j REDIRECT
      -A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8081
      """,
      flows: [
        "eth0 tcp @client:40000 > @outside:80", "veth1 udp @pod1:40000 > @outside:53",
        "local tcp @node:40000 > @outside:80",
      ]),
    Situation(
      "REDIRECT on an interface without an address", "*nat\n-A PREROUTING -p tcp -j REDIRECT --to-ports 8080\n",
      flows: ["veth2 tcp @pod2:40000 > @outside:80"]),
    Situation(
      "NETMAP maps a network",
      """
      *nat
      -A PREROUTING -d @netmap -j NETMAP --to @pods
      -A POSTROUTING -s @pods -o eth0 -j NETMAP --to @netmap
      """,
      flows: [
        "eth0 tcp @client:40000 > 10.97.0.2:80", "veth1 tcp @pod1:40000 > @outside:80",
      ], versions: [.v4]),
    Situation(
      "DNAT and SNAT of one packet",
      """
      *nat
      -A PREROUTING -d @vip -p tcp -j DNAT --to-destination @pod2:8080
      -A POSTROUTING -d @pod2 -p tcp -m tcp --dport 8080 -j SNAT --to-source @podgw
      *filter
      :FORWARD DROP
      -A FORWARD -d @pod2 -p tcp -m tcp --dport 8080 -m conntrack --ctstate NEW,DNAT -j ACCEPT
      """, flows: ["eth0 tcp @client:40000 > @vip:80", "veth2 tcp @pod2:40000 > @vip:80"]),
    Situation(
      "DNAT before rp_filter and INPUT",
      """
      *nat
      -A PREROUTING -d @node -p tcp -m tcp --dport 30080 -j DNAT --to-destination @loop:80
      """, flows: ["eth0 tcp @client:40000 > @node:30080"], versions: [.v4]),
    Situation(
      "DNAT to the loopback with route_localnet",
      "*nat\n-A PREROUTING -d @node -p tcp -m tcp --dport 30080 -j DNAT --to-destination @loop:80\n",
      flows: ["eth0 tcp @client:40000 > @node:30080", "veth1 tcp @pod1:40000 > @node:30080"],
      sysctls: ["net/ipv4/conf/all/route_localnet": "1"], versions: [.v4]),
    Situation(
      "ACCEPT in nat ends translation",
      """
      *nat
      -A PREROUTING -s @client -j ACCEPT
      -A PREROUTING -d @vip -p tcp -j DNAT --to-destination @pod1:8080
      """, flows: ["eth0 tcp @client:40000 > @vip:80", "eth0 tcp @client2:40000 > @vip:80"]),
    Situation(
      "ctorigdst and ctstatus behind DNAT",
      """
      *nat
      -A PREROUTING -d @vip -p tcp -j DNAT --to-destination @pod1:8080
      *filter
      -A FORWARD -m conntrack --ctorigdst @vip --ctorigdstport 80 -j RETURN
      -A FORWARD -m conntrack --ctorigdst @vip2 -j DROP
      -A FORWARD -m conntrack ! --ctstate DNAT -j DROP
      """, flows: ["eth0 tcp @client:40000 > @vip:80", "eth0 tcp @client:40000 > @pod1:80"]),
  ]

  // MARK: routing

  static let routing: [Situation] = [
    Situation(
      "a mark chooses the routing table",
      """
      *mangle
      -A PREROUTING -s @pod1 -j MARK --set-mark 0x10
      -A OUTPUT -p udp -j MARK --set-mark 0x10
      """,
      flows: [
        "veth1 tcp @pod1:40000 > @outside:80", "veth1 tcp @pod1b:40000 > @outside:80",
        "local udp @node:40000 > @outside:80",
        "local tcp @node:40000 > @outside:80",
      ],
      setup: ["rule add fwmark 0x10/0x10 lookup 100 pref 1000", "route add default via @gateway2 dev eth1 table 100"]),
    Situation(
      "a socket's mark chooses the routing table", "",
      flows: ["local udp @node:40000 > @outside:80 mark=0x10", "local udp @node:40000 > @outside:80 mark=0x20"],
      setup: ["rule add fwmark 0x10/0x10 lookup 100 pref 1000", "route add default via @gateway2 dev eth1 table 100"]),
    Situation(
      "a source chooses the routing table", "*nat\n-A POSTROUTING -o eth1 -j MASQUERADE\n",
      flows: ["veth1 tcp @pod1:40000 > @outside:80", "veth1 tcp @pod1b:40000 > @outside:80"],
      setup: ["rule add from @pod1 lookup 101 pref 1001", "route add default via @gateway2 dev eth1 table 101"]),
    Situation(
      "an interface chooses the routing table", "",
      flows: ["veth1 tcp @pod1:40000 > @outside:80", "veth2 tcp @pod2:40000 > @outside:80"],
      setup: ["rule add iif veth2 lookup 102 pref 1002", "route add default via @gateway2 dev eth1 table 102"]),
    Situation(
      "the longest prefix wins", "",
      flows: [
        "eth0 tcp @client:40000 > @vip:80", "eth0 tcp @client:40000 > @vip2:80", "local tcp @node:40000 > @vip:80",
      ],
      setup: ["route add @vips via @gateway2 dev eth1", "route add @vip2/@host via @pod1 dev veth1"]),
    Situation(
      "unreachable", "", flows: ["eth0 tcp @client:40000 > @dead:80", "local tcp @node:40000 > @dead:80"],
      setup: ["route add unreachable @deads"]),
    Situation(
      "blackhole", "", flows: ["eth0 tcp @client:40000 > @dead:80", "local tcp @node:40000 > @dead:80"],
      setup: ["route add blackhole @deads"]),
    Situation(
      "prohibit", "", flows: ["eth0 tcp @client:40000 > @dead:80", "local tcp @node:40000 > @dead:80"],
      setup: ["route add prohibit @deads"]),
    Situation(
      "a local route makes an address local", "*filter\n-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT\n",
      flows: [
        "eth0 tcp @client:40000 > @vip:80", "eth0 tcp @client:40000 > @vip2:80", "local tcp @node:40000 > @vip:80",
      ],
      setup: ["route add local @vip/@host dev lo"]),
    Situation(
      "no forwarding", "", flows: ["eth0 tcp @client:40000 > @pod1:80", "eth0 tcp @client:40000 > @node:80"],
      sysctls: ["net/ipv4/ip_forward": "0"], versions: [.v4]),
    Situation(
      "addrtype of sources and destinations",
      """
      *filter
      -A INPUT -m addrtype --src-type LOCAL -j ACCEPT
      -A INPUT -m addrtype --dst-type LOCAL -j ACCEPT
      -A FORWARD -m addrtype --dst-type UNICAST -j ACCEPT
      -A OUTPUT -m addrtype --src-type LOCAL ! --dst-type LOCAL -j ACCEPT
      -A OUTPUT -m addrtype --src-type LOCAL --dst-type LOCAL -j RETURN
      """,
      flows: [
        "eth0 tcp @client:40000 > @node:80", "eth0 tcp @client:40000 > @nodeb:80", "eth0 tcp @client:40000 > @pod1:80",
        "local tcp @node:40000 > @outside:80", "local tcp @node:40000 > @node2:80", "local tcp @loop:40000 > @loop:80",
      ]),
    Situation(
      "what comes over lo came in no Ethernet frame",
      """
      *mangle
      -A PREROUTING -i lo -m mac ! --mac-source 02:00:00:00:02:02
      -A INPUT -i lo -m mac --mac-source 00:00:00:00:00:00
      """,
      flows: ["local tcp @node:40000 > @node2:80", "local tcp @loop:40000 > @loop:80"]),
    Situation(
      "an address type asked for one interface passes prohibiting routes over",
      """
      *mangle
      -A PREROUTING -m addrtype ! --dst-type UNREACHABLE --limit-iface-in -j DROP
      """,
      flows: ["eth0 tcp @client:40000 > @dead:80", "eth0 tcp @client:40000 > @node:80"],
      setup: ["route add prohibit @deads"]),
    Situation(
      "a mark set in OUTPUT reroutes what NAT chose",
      """
      *mangle
      -A OUTPUT -d @vip -j MARK --set-mark 0x10
      *nat
      -A OUTPUT -d @vip -p tcp -j DNAT --to-destination @outside:8080
      -A POSTROUTING -o eth1 -j MASQUERADE
      """,
      flows: ["local tcp @node:40000 > @vip:80"],
      setup: ["rule add fwmark 0x10 lookup 100 pref 1000", "route add default via @gateway2 dev eth1 table 100"]),
  ]
}

extension Situations {
  // MARK: Services as kube-proxy writes them

  /// The chains that every kube-proxy node has, the dispatch left out.
  private static let kubeFrame = """
    *nat
    -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
    -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
    -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
    -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
    -A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully

    """

  private static let kubeFilter = """
    *filter
    -A INPUT -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES
    -A FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES
    -A FORWARD -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES
    -A FORWARD -j KUBE-FORWARD
    -A OUTPUT -m conntrack --ctstate NEW -j KUBE-SERVICES
    -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
    -A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
    -A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    :KUBE-SERVICES -
    :KUBE-EXTERNAL-SERVICES -

    """

  /// One ServicePort with its endpoints; the remote ones stand behind the uplink.
  private static func service(_ endpoints: [String], front: String = "@vip", port: Int = 80) -> String {
    var text = """
      -A KUBE-SERVICES -d \(front)/@host -p tcp -m comment --comment "ns/web cluster IP" -m tcp --dport \(port) -j KUBE-SVC-A
      -A KUBE-SVC-A ! -s @pods -d \(front)/@host -p tcp -m tcp --dport \(port) -j KUBE-MARK-MASQ

      """
    for (number, endpoint) in endpoints.enumerated() {
      let left = endpoints.count - number
      let chance = left == 1 ? "" : " -m statistic --mode random --probability \(1 / Double(left))"
      let host = endpoint.split(separator: ":")[0]
      text += """
        -A KUBE-SVC-A -m comment --comment "ns/web -> \(endpoint)"\(chance) -j KUBE-SEP-\(number)
        -A KUBE-SEP-\(number) -s \(host)/@host -j KUBE-MARK-MASQ
        -A KUBE-SEP-\(number) -p tcp -m tcp -j DNAT --to-destination \(endpoint)

        """
    }
    return text
  }

  private static let nodePorts = """
    -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS

    """

  static let services: [Situation] = [
    Situation(
      "ClusterIP with one endpoint", kubeFrame + service(["@pod1:8080"]) + kubeFilter,
      flows: [
        "veth2 tcp @pod2:40000 > @vip:80", "veth2 tcp @pod2:40000 > @vip:81", "eth0 tcp @client:40000 > @vip:80",
        "local tcp @node:40000 > @vip:80",
      ]),
    Situation(
      "ClusterIP with three endpoints",
      kubeFrame + service(["@pod1:8080", "@pod2:8080", "@remote:8080"]) + kubeFilter,
      flows: [
        "eth0 tcp @client:40000 > @vip:80", "veth2 tcp @pod2b:40000 > @vip:80", "local tcp @node:40000 > @vip:80",
      ],
      repeats: 60),
    Situation(
      "ClusterIP with ten endpoints",
      kubeFrame
        + service(
          [
            "@pod1:8080", "@pod2:8080", "@remote:8080", "@pod1b:8080", "@pod2b:8080", "@remote2:8080", "@pod1:8081",
            "@pod2:8081", "@pod1:8082", "@pod2:8082",
          ]) + kubeFilter,
      flows: ["eth0 tcp @client:40000 > @vip:80"], repeats: 160),
    Situation(
      "a Service without endpoints refuses",
      kubeFrame + ":KUBE-SERVICES -\n" + kubeFilter + """
        -A KUBE-SERVICES -d @vip/@host -p tcp -m comment --comment "ns/none has no endpoints" -m tcp --dport 80 -j REJECT --reject-with @rejectport
        -A KUBE-EXTERNAL-SERVICES -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j REJECT --reject-with @rejectport
        """,
      flows: [
        "veth1 tcp @pod1:40000 > @vip:80", "eth0 tcp @client:40000 > @vip:80", "local tcp @node:40000 > @vip:80",
        "eth0 tcp @client:40000 > @node:30080",
      ]),
    Situation(
      "an endpoint dials itself: hairpin", kubeFrame + service(["@pod1:8080"]) + kubeFilter,
      flows: ["veth1 tcp @pod1:40000 > @vip:80"]),
    Situation(
      "NodePort, externalTrafficPolicy Cluster",
      kubeFrame + service(["@pod1:8080"]) + nodePorts + """
        -A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-EXT-A
        -A KUBE-EXT-A -j KUBE-MARK-MASQ
        -A KUBE-EXT-A -j KUBE-SVC-A

        """ + kubeFilter,
      flows: [
        "eth0 tcp @client:40000 > @node:30080", "eth0 tcp @client:40000 > @nodeb:30080",
        "veth2 tcp @pod2:40000 > @podgw:30080",
        "local tcp @node:40000 > @node:30080", "local tcp @loop:40000 > @loop:30080",
        "eth0 tcp @client:40000 > @node:30081",
      ]),
    Situation(
      "NodePort, externalTrafficPolicy Local, a local endpoint",
      kubeFrame + service(["@pod1:8080"]) + nodePorts + """
        -A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-EXT-A
        -A KUBE-EXT-A -s @pods -j KUBE-SVC-A
        -A KUBE-EXT-A -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ
        -A KUBE-EXT-A -m addrtype --src-type LOCAL -j KUBE-SVC-A
        -A KUBE-EXT-A -j KUBE-SVL-A
        -A KUBE-SVL-A -j KUBE-SEP-0

        """ + kubeFilter,
      flows: [
        "eth0 tcp @client:40000 > @node:30080", "veth2 tcp @pod2:40000 > @node:30080",
        "local tcp @node:40000 > @node:30080",
      ]),
    Situation(
      "NodePort, externalTrafficPolicy Local, no local endpoint",
      kubeFrame + service(["@remote:8080"]) + nodePorts + """
        -A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-EXT-A
        -A KUBE-EXT-A -s @pods -j KUBE-SVC-A
        -A KUBE-EXT-A -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ
        -A KUBE-EXT-A -m addrtype --src-type LOCAL -j KUBE-SVC-A

        """ + kubeFilter + """
          -A KUBE-EXTERNAL-SERVICES -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j DROP
          """,
      flows: [
        "eth0 tcp @client:40000 > @node:30080", "veth2 tcp @pod2:40000 > @node:30080",
        "local tcp @node:40000 > @node:30080",
      ]),
    Situation(
      "source ranges of a load balancer",
      kubeFrame + service(["@pod1:8080"]) + """
        -A KUBE-SERVICES -d @lb/@host -p tcp -m tcp --dport 80 -j KUBE-FW-A
        -A KUBE-FW-A -s @client/@host -j KUBE-EXT-A
        -A KUBE-FW-A -m comment --comment "other traffic to ns/web will be dropped by KUBE-PROXY-FIREWALL"
        -A KUBE-EXT-A -j KUBE-MARK-MASQ
        -A KUBE-EXT-A -j KUBE-SVC-A

        """ + kubeFilter + """
          -A INPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL
          -A FORWARD -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL
          -A KUBE-PROXY-FIREWALL -d @lb/@host -p tcp -m tcp --dport 80 -j DROP
          """, flows: ["eth0 tcp @client:40000 > @lb:80", "eth0 tcp @client2:40000 > @lb:80"]),
    Situation(
      "an empty Service chain leaves the packet alone",
      kubeFrame + ":KUBE-SVC-A -\n-A KUBE-SERVICES -d @vip/@host -p tcp -m tcp --dport 80 -j KUBE-SVC-A\n" + kubeFilter,
      flows: ["veth1 tcp @pod1:40000 > @vip:80", "local tcp @node:40000 > @vip:80"]),
    Situation(
      "the last endpoint has a probability: a share is untranslated",
      kubeFrame + """
        -A KUBE-SERVICES -d @vip/@host -p tcp -m tcp --dport 80 -j KUBE-SVC-A
        -A KUBE-SVC-A -m statistic --mode random --probability 0.5 -j KUBE-SEP-0
        -A KUBE-SVC-A -m statistic --mode random --probability 0.5 -j KUBE-SEP-1
        -A KUBE-SEP-0 -p tcp -j DNAT --to-destination @pod1:8080
        -A KUBE-SEP-1 -p tcp -j DNAT --to-destination @pod2:8080

        """ + kubeFilter, flows: ["eth0 tcp @client:40000 > @vip:80"], repeats: 60),
    Situation(
      "a Service on a bridge", kubeFrame + service(["@pod1:8080"]) + kubeFilter,
      flows: [
        "cni0 tcp @pod2:40000 > @vip:80", "cni0 tcp @pod1:40000 > @vip:80", "eth0 tcp @client:40000 > @vip:80",
        "local tcp @node:40000 > @vip:80",
      ], bridge: true),
  ]

  // MARK: matches

  static let matches: [Situation] = [
    Situation(
      "addresses, prefixes and their negation",
      """
      *filter
      -A FORWARD ! -s @lan -d @pod1 -j DROP
      -A FORWARD -s @client/@host ! -d @pod1 -j DROP
      -A FORWARD -s @lan -d @pods -j ACCEPT
      """,
      flows: [
        "eth0 tcp @client:40000 > @pod1:80", "eth0 tcp @client:40000 > @pod2:80", "eth0 tcp @outside:40000 > @pod1:80",
        "eth0 tcp @client2:40000 > @pod2:80",
      ]),
    Situation(
      "interfaces with + and negation",
      """
      *filter
      -A FORWARD -i veth+ -o eth0 -j DROP
      -A FORWARD ! -i eth+ -j ACCEPT
      -A FORWARD -i eth0 ! -o veth1 -j REJECT
      -A FORWARD -o + -j RETURN
      -A INPUT -i lo -j ACCEPT
      """,
      flows: [
        "veth1 tcp @pod1:40000 > @outside:80", "veth1 tcp @pod1:40000 > @pod2:80", "eth0 tcp @client:40000 > @pod1:80",
        "eth0 tcp @client:40000 > @pod2:80", "local tcp @node:40000 > @node:80",
      ]),
    Situation(
      "ports, ranges and multiport",
      """
      *filter
      -A FORWARD -p tcp -m tcp --dport 80:90 -j ACCEPT
      -A FORWARD -p tcp -m tcp ! --sport 1024:65535 -j DROP
      -A FORWARD -p tcp -m multiport --dports 443,8000:8010 -j REJECT --reject-with tcp-reset
      -A FORWARD -p udp -m multiport --sports 53,5353 -j ACCEPT
      -A FORWARD -p udp -m multiport --ports 99,5000:6000 -j DROP
      -A FORWARD -p udp -m multiport ! --dports 1,2,3 -j RETURN
      """,
      flows: [
        "eth0 tcp @client:40000 > @pod1:85", "eth0 tcp @client:1000 > @pod1:22", "eth0 tcp @client:40000 > @pod1:8010",
        "eth0 udp @client:53 > @pod1:7000", "eth0 udp @client:7000 > @pod1:5500", "eth0 udp @client:7000 > @pod1:7000",
        "eth0 udp @client:7000 > @pod1:2",
      ]),
    Situation(
      "tcp flags and options",
      """
      *filter
      -A FORWARD -p tcp -m tcp ! --syn -m conntrack --ctstate NEW -j DROP
      -A FORWARD -p tcp -m tcp --tcp-flags ALL SYN -j ACCEPT
      """, flows: ["eth0 tcp @client:40000 > @pod1:80", "eth0 tcp @client:40000 > @pod1:80 flags=16"]),
    Situation(
      "icmp types",
      """
      *filter
      -A INPUT -p @icmp @reply -j DROP
      -A INPUT -p @icmp @echo -j ACCEPT
      -A FORWARD -p @icmp @unreach -j DROP
      -A FORWARD -p @icmp -j ACCEPT
      """,
      flows: ["eth0 icmp @client > @node", "eth0 icmp @client > @pod1", "eth0 udp @client:1 > @pod1:1"]),
    Situation(
      "iprange",
      """
      *filter
      -A FORWARD -m iprange --src-range @client-@client2 -j ACCEPT
      -A FORWARD -m iprange ! --dst-range @pod1-@pod2 -j DROP
      """,
      flows: ["eth0 tcp @client:40000 > @pod1:80", "eth0 tcp @hop:40000 > @pod1:80", "eth0 tcp @hop:40000 > @pod1b:80"]),
    Situation(
      "length",
      """
      *filter
      -A FORWARD -m length --length 0:100 -j ACCEPT
      -A FORWARD -m length ! --length 200:300 -j DROP
      """,
      flows: [
        "eth0 udp @client:40000 > @pod1:80 length=80", "eth0 udp @client:40000 > @pod1:80 length=250",
        "eth0 udp @client:40000 > @pod1:80 length=400",
      ]),
    Situation(
      "conntrack states of a first packet",
      """
      *raw
      -A PREROUTING -m conntrack --ctstate INVALID -j MARK --set-mark 1
      *mangle
      -A PREROUTING -m conntrack --ctstate INVALID -j DROP
      *filter
      -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j DROP
      -A FORWARD -m state --state NEW -j ACCEPT
      """, flows: ["eth0 tcp @client:40000 > @pod1:80", "eth0 icmp @client > @pod1"]),
    Situation(
      "conntrack addresses, ports, protocol and direction",
      """
      *filter
      -A FORWARD -m conntrack --ctproto 17 -j DROP
      -A FORWARD -m conntrack --ctorigsrc @client --ctorigdstport 80 --ctdir ORIGINAL -j ACCEPT
      -A FORWARD -m conntrack --ctreplsrc @pod1 -j RETURN
      """,
      flows: [
        "eth0 tcp @client:40000 > @pod1:80", "eth0 udp @client:40000 > @pod1:80", "eth0 tcp @client:1 > @pod1:81",
      ]),
    Situation(
      "statistic with three ways",
      """
      *filter
      -A FORWARD -m statistic --mode random --probability 0.25 -j ACCEPT
      -A FORWARD -m statistic --mode random --probability 0.5 -j DROP
      """, flows: ["eth0 tcp @client:40000 > @pod1:80"], repeats: 60),
    Situation(
      "owner of local packets",
      """
      *filter
      -A OUTPUT -m owner --uid-owner 1000 -j DROP
      -A OUTPUT -m owner --uid-owner 0 -j ACCEPT
      """, flows: ["local tcp @node:40000 > @outside:80"], hidden: true),
    Situation(
      "MAC address", "*filter\n-A FORWARD -m mac --mac-source 02:00:00:00:02:01 -j DROP\n",
      flows: ["eth0 tcp @client:40000 > @pod1:80", "veth1 tcp @pod1:40000 > @pod2:80"], hidden: true),
    Situation(
      "packet type",
      "*filter\n-A FORWARD -m pkttype --pkt-type broadcast -j DROP\n-A FORWARD -m pkttype --pkt-type unicast -j ACCEPT\n",
      flows: ["eth0 tcp @client:40000 > @pod1:80"], hidden: true),
    Situation(
      "a generous limit",
      "*filter\n-A FORWARD -m limit --limit 1000/sec --limit-burst 1000 -j ACCEPT\n-A FORWARD -j DROP\n",
      flows: ["eth0 tcp @client:40000 > @pod1:80"], hidden: true),
    Situation(
      "recent",
      "*filter\n-A FORWARD -m recent --rcheck --name lab --rsource -j DROP\n-A FORWARD -m recent --set --name lab --rsource -j ACCEPT\n",
      flows: ["eth0 tcp @client:40000 > @pod1:80"], versions: [.v4], hidden: true),
    Situation(
      "rpfilter", "*raw\n-A PREROUTING -m rpfilter --invert -j DROP\n",
      flows: [
        "eth0 tcp @client:40000 > @pod1:80", "veth1 tcp @client:40000 > @pod2:80", "eth0 tcp @outside:4000 > @node:80",
      ]),
    Situation(
      "bridge ports: physdev",
      """
      *filter
      -A FORWARD -m physdev --physdev-in veth1 -j ACCEPT
      -A FORWARD -m physdev --physdev-in veth2 -j DROP
      """, flows: ["cni0 tcp @pod1:40000 > @outside:80", "cni0 tcp @pod2:40000 > @outside:80"], bridge: true,
      hidden: true),
    Situation(
      "bridge: from pod to pod and out",
      """
      *filter
      -A FORWARD -i cni0 -o eth0 -j ACCEPT
      -A FORWARD -i cni0 -o cni0 -j REJECT
      *nat
      -A POSTROUTING -s @pods ! -o cni0 -j MASQUERADE
      """,
      flows: [
        "cni0 tcp @pod1:40000 > @outside:80", "eth0 tcp @client:40000 > @pod2:80", "cni0 tcp @pod1:40000 > @podgw:80",
      ],
      bridge: true),
    Situation(
      "sets of addresses",
      """
      *filter
      -A FORWARD -m set --match-set hosts@6 src -j ACCEPT
      -A FORWARD -m set ! --match-set nets@6 dst -j DROP
      -A FORWARD -m set --match-set both@6 src,dst -j REJECT
      """,
      flows: [
        "eth0 tcp @client:40000 > @pod1:80", "eth0 tcp @client2:40000 > @outside:80",
        "eth0 tcp @client2:40000 > @pod2:80",
        "eth0 tcp @client2:40000 > @pod1:80",
      ],
      sets: """
        create hosts@6 hash:ip family @inet
        add hosts@6 @client
        create nets@6 hash:net family @inet
        add nets@6 @pods
        add nets@6 @pod1b/@host nomatch
        create both@6 hash:ip,port,ip family @inet
        add both@6 @client2,tcp:80,@pod2

        """),
    Situation(
      "sets of ports and networks",
      """
      *filter
      -A FORWARD -m set --match-set ipport@6 dst,dst -j ACCEPT
      -A FORWARD -m set --match-set netport@6 src,dst -j DROP
      -A FORWARD -m set --match-set netif@6 src,src -j RETURN
      """,
      flows: [
        "eth0 tcp @client:40000 > @pod1:80", "eth0 udp @client:40000 > @pod1:80", "eth0 udp @client:40000 > @pod2:53",
        "veth1 tcp @pod1:40000 > @pod2:22", "eth0 tcp @client:40000 > @pod2:22",
      ],
      sets: """
        create ipport@6 hash:ip,port family @inet
        add ipport@6 @pod1,tcp:80
        create netport@6 hash:net,port family @inet
        add netport@6 @lan,udp:50-60
        create netif@6 hash:net,iface family @inet
        add netif@6 @pods,veth1

        """),
    Situation(
      "sets of pairs of networks, and of marks",
      """
      *mangle
      -A PREROUTING -j MARK --set-mark 0x7
      *filter
      -A FORWARD -m set --match-set netnet@6 src,dst -j REJECT
      -A FORWARD -m set --match-set marked@6 src,src -j DROP
      """, flows: ["eth0 tcp @client:40000 > @pod1:81", "veth1 tcp @pod1:40000 > @outside:81"],
      sets: """
        create netnet@6 hash:net,net family @inet
        add netnet@6 @lan,@pods
        create marked@6 hash:ip,mark family @inet
        add marked@6 @pod1,0x7

        """),
    Situation(
      "bitmaps and lists of sets",
      """
      *filter
      -A FORWARD -m set --match-set ports dst -j ACCEPT
      -A FORWARD -m set --match-set all src -j REJECT
      """,
      flows: [
        "eth0 tcp @client:40000 > @pod1:81", "eth0 tcp @client:40000 > @pod1:90", "eth0 tcp @client2:40000 > @pod1:90",
        "eth0 tcp @hop:40000 > @pod1:90",
      ],
      sets: """
        create ports bitmap:port range 80-89
        add ports 81
        create one hash:ip family inet
        add one @client2
        create all list:set
        add all one

        """, versions: [.v4]),
    Situation(
      "rules about a protocol number", "*filter\n-A FORWARD -p 17 -j DROP\n-A FORWARD ! -p tcp -j ACCEPT\n",
      flows: ["eth0 tcp @client:40000 > @pod1:80", "eth0 udp @client:40000 > @pod1:80", "eth0 icmp @client > @pod1"]),
    Situation(
      "sctp ports", "*filter\n-A FORWARD -p sctp -m sctp --dport 36412 -j DROP\n",
      flows: ["eth0 udp @client:40000 > @pod1:36412"]),
    Situation(
      "quoted comments with everything in them",
      """
      *filter
      -A FORWARD -m comment --comment "it's \\"quoted\\" -j DROP \\\\ done" -j ACCEPT
      -A FORWARD -j DROP
      """, flows: ["eth0 tcp @client:40000 > @pod1:80"]),
  ]

  // MARK: chains

  static let chains: [Situation] = [
    Situation(
      "jump, return and the rest of the caller",
      """
      *filter
      -A FORWARD -j A
      -A FORWARD -p tcp -j DROP
      -A A -s @client -j B
      -A A -p udp -j RETURN
      -A A -j ACCEPT
      -A B -p tcp -j RETURN
      -A B -m comment --comment "falls off the end"
      """,
      flows: [
        "eth0 tcp @client:40000 > @pod1:80", "eth0 udp @client:40000 > @pod1:80", "eth0 udp @client2:40000 > @pod1:80",
      ]),
    Situation(
      "goto returns to the caller's caller",
      """
      *filter
      -A FORWARD -j A
      -A FORWARD -j DROP
      -A A -p tcp -g B
      -A A -j ACCEPT
      -A B -m tcp -p tcp --dport 80 -j ACCEPT
      """,
      flows: [
        "eth0 tcp @client:40000 > @pod1:80", "eth0 tcp @client:40000 > @pod1:81", "eth0 udp @client:40000 > @pod1:81",
      ]),
    Situation(
      "goto out of a built-in chain ends at the policy",
      """
      *filter
      :FORWARD DROP
      -A FORWARD -p tcp -g A
      -A FORWARD -j ACCEPT
      -A A -p tcp -m tcp --dport 80 -j ACCEPT
      """,
      flows: [
        "eth0 tcp @client:40000 > @pod1:80", "eth0 tcp @client:40000 > @pod1:81", "eth0 udp @client:40000 > @pod1:81",
      ]),
    Situation(
      "goto inside goto",
      """
      *filter
      -A FORWARD -j A
      -A FORWARD -p tcp -m tcp --dport 82 -j DROP
      -A A -g B
      -A A -j DROP
      -A B -j C
      -A B -p tcp -m tcp --dport 81 -j DROP
      -A C -g D
      -A D -p tcp -m tcp --dport 80 -j ACCEPT
      -A D -j RETURN
      """,
      flows: [
        "eth0 tcp @client:40000 > @pod1:80", "eth0 tcp @client:40000 > @pod1:81", "eth0 tcp @client:40000 > @pod1:82",
      ]),
    Situation(
      "RETURN in a built-in chain means its policy",
      """
      *filter
      :INPUT DROP
      -A INPUT -p tcp -j RETURN
      -A INPUT -j ACCEPT
      -A FORWARD -j RETURN
      -A FORWARD -j DROP
      """,
      flows: [
        "eth0 tcp @client:40000 > @node:80", "eth0 udp @client:40000 > @node:80", "eth0 tcp @client:40000 > @pod1:80",
      ]),
    Situation(
      "a chain called twice, and one nobody calls",
      """
      *mangle
      -A PREROUTING -j BUMP
      -A PREROUTING -j BUMP
      -A BUMP -m mark --mark 0x1 -j MARK --set-mark 0x2
      -A BUMP -m mark --mark 0 -j MARK --set-mark 0x1
      -A IDLE -j DROP
      """, flows: ["eth0 tcp @client:40000 > @pod1:80"]),
    Situation(
      "one chain from several hooks",
      """
      *filter
      -A INPUT -j ALL
      -A FORWARD -j ALL
      -A OUTPUT -j ALL
      -A ALL -i eth0 -o veth1 -j ACCEPT
      -A ALL -i eth0 -j DROP
      -A ALL -o eth0 -j REJECT
      """,
      flows: [
        "eth0 tcp @client:40000 > @pod1:80", "eth0 tcp @client:40000 > @node:80", "local tcp @node:40000 > @outside:80",
        "local tcp @node:40000 > @node:80",
      ]),
  ]

  // MARK: rejects

  static let rejects: [Situation] = [
    Situation(
      "reject kinds in FORWARD",
      """
      *filter
      -A FORWARD -p tcp -m tcp --dport 1 -j REJECT
      -A FORWARD -p tcp -m tcp --dport 2 -j REJECT --reject-with tcp-reset
      -A FORWARD -p tcp -m tcp --dport 3 -j REJECT --reject-with @rejecthost
      -A FORWARD -p tcp -m tcp --dport 4 -j REJECT --reject-with @rejectnet
      -A FORWARD -p tcp -m tcp --dport 5 -j REJECT --reject-with @rejectadmin
      """, flows: (1...6).map { "eth0 tcp @client:40000 > @pod1:\($0)" }),
    Situation(
      "reject kinds of IPv4 alone",
      """
      *filter
      -A INPUT -p udp -m udp --dport 1 -j REJECT --reject-with icmp-proto-unreachable
      -A INPUT -p udp -m udp --dport 2 -j REJECT --reject-with icmp-net-prohibited
      -A INPUT -p udp -m udp --dport 3 -j REJECT --reject-with icmp-host-prohibited
      """, flows: (1...3).map { "eth0 udp @client:40000 > @node:\($0)" }, versions: [.v4]),
    Situation(
      "reject in INPUT and OUTPUT",
      """
      *filter
      -A INPUT -p tcp -j REJECT --reject-with tcp-reset
      -A INPUT -p udp -j REJECT
      -A OUTPUT -d @outside -p tcp -j REJECT --reject-with tcp-reset
      -A OUTPUT -d @outside -j REJECT --reject-with @rejectadmin
      """,
      flows: [
        "eth0 tcp @client:40000 > @node:80", "eth0 udp @client:40000 > @node:80", "local tcp @node:40000 > @outside:80",
        "local udp @node:40000 > @outside:80",
      ]),
  ]
}
