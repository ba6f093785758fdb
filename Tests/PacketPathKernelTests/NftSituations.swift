import KernelLab
import Wire

// Rulesets in nft's own language. `@ip` is the family, `@addr` the type of its addresses.
extension Situations {
  static let nft: [Situation] =
    nftLookups + nftChains + nftTranslation + nftPackets + nftKubeProxy + nftKeys + nftMaps + nftFamilies

  static func native(
    _ name: String, _ rules: String, _ flows: [String], setup: [String] = [], sysctls: [String: String] = [:],
    versions: [IPVersion] = [.v4, .v6], repeats: Int = 1, hidden: Bool = false
  ) -> Situation {
    Situation(
      name, rules, flows: flows, setup: setup, sysctls: sysctls, versions: versions, backends: [.native],
      repeats: repeats, hidden: hidden)
  }

  /// One base chain of a table of the family.
  static func chain(
    _ name: String, _ hook: String, _ lines: String, _ flows: [String], more: String = "", repeats: Int = 1,
    hidden: Bool = false, versions: [IPVersion] = [.v4, .v6], setup: [String] = []
  ) -> Situation {
    native(
      name, "table @ip t {\n\(more)\nchain c { type \(hook); policy accept;\n\(lines)\n}\n}\n", flows, setup: setup,
      versions: versions, repeats: repeats, hidden: hidden)
  }

  static let forward = "filter hook forward priority filter"
  static let prerouting = "filter hook prerouting priority mangle"
  static let destination = "nat hook prerouting priority dstnat"
  static let source = "nat hook postrouting priority srcnat"
  static let toPod = "eth0 tcp @client:40000 > @pod1:80"
  static let udpToPod = "eth0 udp @client:40000 > @pod1:80"
  static let fromPod = "veth1 tcp @pod1:40000 > @outside:80"
  static let toVIP = "eth0 tcp @client:40000 > @vip:80"

  // MARK: sets, maps, verdict maps

  static let nftLookups: [Situation] = [
    chain(
      "nft: named sets", forward, "@ip saddr @hosts accept\ntcp dport @ports drop", [toPod, udpToPod, fromPod],
      more:
        "set hosts { type @addr; elements = { @pod1, @client2 }; }\nset ports { type inet_service; elements = { 80 }; }"
    ),
    chain(
      "nft: sets of intervals", forward, "@ip daddr @nets counter\ntcp dport @ports drop\n@ip saddr != @nets reject",
      [toPod, "eth0 tcp @client:1 > @pod1:8085", fromPod],
      more: """
        set nets { type @addr; flags interval; elements = { @pods, @client-@client2 }; }
        set ports { type inet_service; flags interval; elements = { 8080-8090, 443 }; }
        """),
    chain(
      "nft: concatenated sets", forward,
      "@ip daddr . meta l4proto . th dport @svc accept\n@ip saddr . @ip daddr { @client . @pod1 } drop",
      [toPod, udpToPod, "eth0 tcp @client:1 > @pod1:81"],
      more: "set svc { type @addr . inet_proto . inet_service; elements = { @pod1 . tcp . 80, @pod2 . udp . 80 }; }"),
    chain(
      "nft: concatenations of intervals", forward, "@ip daddr . tcp dport @svc drop\n@ip saddr . udp dport @svc reject",
      [toPod, "eth0 tcp @client:1 > @pod2:85", "eth0 udp @client:1 > @pod2:85"],
      more: "set svc { type @addr . inet_service; flags interval; elements = { @pods . 80-90, @client . 53 }; }"),
    chain(
      "nft: sets of interfaces, with wildcards", forward,
      "iifname { \"eth0\", \"veth2\" } oifname \"veth*\" accept\niifname @names drop",
      [toPod, fromPod, "veth2 udp @pod2:1 > @outside:53"],
      more: "set names { type ifname; flags interval; elements = { \"veth*\" }; }"),
    chain(
      "nft: verdict maps", forward, "tcp dport vmap @v\n@ip saddr vmap { @client : drop, @pod1 : accept }",
      [toPod, "eth0 tcp @client:1 > @pod1:81", "eth0 tcp @client2:1 > @pod1:82", fromPod],
      more:
        "chain x { @ip saddr @client return; accept; }\nmap v { type inet_service : verdict; elements = { 80 : jump x, 81 : goto x, 82 : drop }; }"
    ),
    chain(
      "nft: verdict maps of intervals with a catch-all", forward, "@ip saddr vmap @v",
      [toPod, fromPod, "eth0 udp @far:1 > @pod1:1"],
      more: "map v { type @addr : verdict; flags interval; elements = { @lan : accept, * : drop }; }"),
    chain(
      "nft: verdict maps of states", forward,
      "ct state vmap { established : accept, related : accept, invalid : drop, new : continue }\ncounter drop",
      [toPod, "eth0 icmp @client > @pod1"]),
    chain(
      "nft: verdict maps of concatenations", forward, "@ip daddr . meta l4proto . th dport vmap @v\ndrop",
      [toPod, udpToPod, "eth0 icmp @client > @pod1"],
      more:
        "chain x { counter; }\nmap v { type @addr . inet_proto . inet_service : verdict; elements = { @pod1 . tcp . 80 : accept, @pod1 . udp . 80 : jump x }; }"
    ),
    chain(
      "nft: marks out of maps", prerouting,
      "meta mark set @ip saddr map @m\nmeta mark set tcp dport map { 80 : 0x7, 443 : 0x8 }\nmeta mark 0x7 counter",
      [toPod, udpToPod, "eth0 udp @client2:1 > @pod1:80"],
      more: "map m { type @addr : mark; elements = { @client : 0x5, @pod1 : 0x6 }; }"),
    chain(
      "nft: a set that a rule fills", forward,
      "@ip daddr @seen drop\nadd @seen { @ip saddr }\n@ip saddr @seen counter\n@ip daddr @seen reject",
      [toPod], more: "set seen { type @addr; flags dynamic; size 16; }"),
    chain(
      "nft: a set that a rule empties", forward,
      "@ip saddr @seen counter\ndelete @seen { @ip saddr }\n@ip saddr @seen drop",
      [toPod], more: "set seen { type @addr; flags dynamic; size 16; elements = { @client }; }"),
    chain(
      "nft: a map that a rule fills", prerouting,
      "update @m { @ip saddr : 0x9 }\nmeta mark set @ip saddr map @m\nmeta mark 0x9 counter", [toPod],
      more: "map m { type @addr : mark; flags dynamic,timeout; timeout 1h; size 16; }"),
  ]

  // MARK: chains and hooks

  static let nftChains: [Situation] = [
    native(
      "nft: several base chains at a hook, by priority",
      """
      table @ip t {
        chain late { type filter hook forward priority 10; policy accept; counter drop; }
        chain early { type filter hook forward priority -10; policy accept; tcp dport 80 accept; udp dport 80 drop; }
      }
      """, [toPod, udpToPod]),
    native(
      "nft: accept ends one base chain, drop all",
      """
      table @ip a {
        chain c { type filter hook forward priority 0; policy drop; tcp dport 80 accept; }
      }
      table @ip b {
        chain c { type filter hook forward priority 1; policy accept; @ip saddr @client2 drop; }
      }
      """, [toPod, udpToPod, "eth0 tcp @client2:1 > @pod1:80"]),
    native(
      "nft: inet and ip at one hook and priority",
      """
      table @ip a {
        chain c { type filter hook forward priority 0; policy accept; meta mark set 0x1; }
      }
      table inet b@6 {
        chain c { type filter hook forward priority 0; policy accept; meta mark 0x1 counter; meta mark set 0x2; }
      }
      """, [toPod]),
    native(
      "nft: what an inet table says of one family",
      """
      table inet t@6 {
        chain c { type filter hook forward priority filter; policy accept;
          meta nfproto ipv4 tcp dport 80 drop
          meta nfproto ipv6 udp dport 80 drop
          @ip saddr @client counter
          ip saddr != 10.0.0.1 counter
          ip6 daddr != fd00::1 counter
        }
      }
      """, [toPod, udpToPod], versions: [.v4]),
    native(
      "nft: goto, return and nested jumps",
      """
      table @ip t {
        chain a { tcp dport 80 goto b; counter; }
        chain b { @ip saddr @client return; drop; }
        chain c { type filter hook forward priority filter; policy drop;
          jump a
          udp dport 80 return
          tcp dport 80 accept
        }
      }
      """, [toPod, udpToPod, "eth0 tcp @client2:1 > @pod1:80"]),
    native(
      "nft: a dormant table",
      "table @ip t {\n flags dormant\n chain c { type filter hook forward priority 0; policy drop; }\n}\n",
      [toPod]),
    native(
      "nft: nat chains before and after filter chains",
      """
      table @ip t {
        chain n { type nat hook prerouting priority dstnat; policy accept; @ip daddr @vip dnat to @pod1; }
        chain before { type filter hook prerouting priority -101; policy accept; @ip daddr @vip counter; }
        chain after { type filter hook prerouting priority -99; policy accept; @ip daddr @pod1 counter; @ip daddr @vip drop; }
      }
      """, [toVIP]),
    native(
      "nft: two nat chains, the first binding wins",
      """
      table @ip t {
        chain one { type nat hook prerouting priority -110; policy accept; tcp dport 80 dnat to @pod1; }
        chain two { type nat hook prerouting priority -90; policy accept; dnat to @pod2; }
      }
      """, [toVIP, "eth0 udp @client:1 > @vip:80"]),
    native(
      "nft: input, output and all policies",
      """
      table inet t@6 {
        chain i { type filter hook input priority filter; policy drop; iif "lo" accept; tcp dport 22 accept; }
        chain o { type filter hook output priority filter; policy drop; oifname "eth0" accept; oif "lo" accept; }
        chain f { type filter hook forward priority filter; policy drop; }
      }
      """,
      [
        "eth0 tcp @client:1 > @node:22", "eth0 tcp @client:1 > @node:23", "local tcp @node:1 > @outside:80",
        "local udp @node:1 > @far:80", toPod,
      ]),
    native(
      "nft: a local packet is routed again",
      """
      table @ip t {
        chain c { type route hook output priority mangle; policy accept; tcp dport 80 meta mark set 0x64; }
        chain f { type filter hook output priority filter; policy accept; oifname "eth1" counter; }
      }
      """, ["local tcp @node:40000 > @outside:80", "local tcp @node:40000 > @outside:81"],
      setup: ["route add default via @gateway2 dev eth1 table 100", "rule add fwmark 0x64 lookup 100"]),
  ]

  // MARK: address translation

  static let nftTranslation: [Situation] = [
    chain("nft: dnat to an address", destination, "@ip daddr @vip dnat to @pod1", [toVIP, "eth0 icmp @client > @vip"]),
    chain(
      "nft: dnat to an address and a port", destination, "@ip daddr @vip tcp dport 80 dnat to @pod1:8080",
      [toVIP, "eth0 tcp @client:1 > @vip:81"]),
    chain(
      "nft: dnat out of a named map", destination, "@ip daddr @vip dnat to tcp dport map @m",
      [toVIP, "eth0 tcp @client:1 > @vip:443", "eth0 tcp @client:1 > @vip:22"],
      more: "map m { type inet_service : @addr; elements = { 80 : @pod1, 443 : @pod2 }; }"),
    chain(
      "nft: dnat to address and port out of a map", destination, "dnat @ip addr . port to @ip daddr . tcp dport map @m",
      [toVIP, "eth0 tcp @client:1 > @vip:81", "eth0 udp @client:1 > @vip:80"],
      more: "map m { type @addr . inet_service : @addr . inet_service; elements = { @vip . 80 : @pod1 . 8080 }; }"),
    chain(
      "nft: dnat to a range of addresses", destination, "@ip daddr @vip dnat to @pod1-@pod2b",
      [toVIP, "eth0 tcp @client2:1 > @vip:80", "eth0 tcp @far:1 > @vip:80", "eth0 udp @outside:9 > @vip:53"]),
    chain(
      "nft: persistent dnat to a range", destination, "@ip daddr @vips dnat to @pod1-@pod2b persistent",
      [toVIP, "eth0 tcp @client:1 > @vip2:80", "eth0 tcp @far:1 > @vip:80"]),
    chain(
      "nft: numgen random", destination, "@ip daddr @vip dnat to numgen random mod 2 map { 0 : @pod1, 1 : @pod2 }",
      [toVIP], repeats: 40),
    chain(
      "nft: numgen inc", destination,
      "@ip daddr @vip dnat to numgen inc mod 3 map { 0 : @pod1, 1 : @pod2, 2 : @pod1b }",
      [toVIP], repeats: 30),
    chain(
      "nft: jhash of the source", destination,
      "@ip daddr @vip dnat to jhash @ip saddr mod 2 seed 0xcafe map { 0 : @pod1, 1 : @pod2 }",
      [toVIP, "eth0 tcp @client2:1 > @vip:80", "eth0 tcp @far:1 > @vip:80", "eth0 tcp @hop:1 > @vip:80"]),
    chain(
      "nft: redirect", destination, "tcp dport 80 redirect to :8080\nudp dport 80 redirect",
      [toVIP, "eth0 udp @client:1 > @vip:80"]),
    chain("nft: masquerade", source, "oifname \"eth0\" masquerade", [fromPod, toPod, "veth1 icmp @pod1 > @outside"]),
    chain(
      "nft: masquerade to random ports, and rules behind", source, "@ip saddr @pods masquerade fully-random", [fromPod],
      more: "chain late { type filter hook postrouting priority 200; policy accept; tcp sport 1-1000 drop; }",
      hidden: true),
    chain("nft: snat", source, "@ip saddr @pods snat to @nodeb", [fromPod, toPod]),
    chain(
      "nft: snat by a map of sources", source, "snat to @ip saddr map { @pod1 : @node, @pod2 : @nodeb }",
      [fromPod, "veth2 tcp @pod2:1 > @outside:80", toPod]),
    chain(
      "nft: a prefix onto a prefix", destination, "dnat @ip prefix to @ip daddr map { @netmap : @pods }",
      ["eth0 tcp @client:1 > 10.97.0.2:80"], versions: [.v4]),
    native(
      "nft: translation in an inet table",
      """
      table inet t@6 {
        chain d { type nat hook prerouting priority dstnat; policy accept; @ip daddr @vip meta l4proto tcp dnat @ip to @pod1:8080; }
        chain s { type nat hook postrouting priority srcnat; policy accept; @ip daddr @pod1 snat @ip to @node; }
      }
      """, [toVIP, toPod]),
    native(
      "nft: dnat of local packets",
      """
      table @ip t {
        chain o { type nat hook output priority -100; policy accept; @ip daddr @vip dnat to @pod1; @ip daddr @vip2 dnat to @node; }
        chain s { type nat hook postrouting priority srcnat; policy accept; oifname "veth1" masquerade; }
      }
      """, ["local tcp @node:40000 > @vip:80", "local tcp @node:40000 > @vip2:80"]),
    native(
      "nft: no tracking, no translation",
      """
      table @ip t {
        chain r { type filter hook prerouting priority raw; policy accept; @ip daddr @vip notrack; ct state untracked counter; }
        chain d { type nat hook prerouting priority dstnat; policy accept; @ip daddr @vips dnat to @pod1; }
        chain f { type filter hook forward priority 0; policy accept; ct state untracked counter; ct mark set ct mark | 0x1; ct mark set 0x2; }
      }
      """, [toVIP, "eth0 tcp @client:1 > @vip2:80"]),
  ]

  // MARK: what a packet is asked

  static let nftPackets: [Situation] = [
    chain(
      "nft: marks of packets and connections", prerouting,
      """
      meta mark set 0x4000
      meta mark set meta mark | 0x3
      ct mark set meta mark & 0xff
      meta mark set meta mark ^ 0x1
      meta mark & 0x4000 == 0x4000 counter
      meta mark set ct mark
      ct mark 0x3 counter
      """, [toPod]),
    native(
      "nft: fib",
      """
      table @ip t {
        chain c { type filter hook prerouting priority filter; policy accept;
          fib daddr type local counter
          fib daddr type { local, broadcast } counter
          fib saddr type != local counter
          fib daddr . iif type local counter
          fib saddr . iif oif missing drop
          fib daddr type unicast counter
        }
        chain i { type filter hook input priority filter; policy accept; fib saddr oifname "lo" counter; fib daddr oif "eth0" counter; }
      }
      """,
      [toPod, "eth0 tcp @client:1 > @node:22", "eth1 tcp @client:1 > @node2:22", "local tcp @node:1 > @nodeb:80"]),
    chain(
      "nft: ports, flags and protocols", forward,
      """
      meta l4proto { tcp, udp } th dport 80-90 counter
      tcp dport != 80 drop
      tcp flags syn / fin,syn,rst,ack accept
      udp sport { 53, 5353 } reject
      meta l4proto != tcp counter
      """, [toPod, "eth0 tcp @client:1 > @pod1:81", "eth0 udp @client:53 > @pod1:9", "eth0 icmp @client > @pod1"]),
    chain(
      "nft: raw payload", forward,
      "@th,16,16 80 counter\n@nh,0,4 6 counter\n@nh,0,4 4 drop\n@th,0,32 0x9c400050 counter",
      [toPod, "eth0 tcp @client:1 > @pod1:81"]),
    chain(
      "nft: connection facts", forward,
      """
      ct original @ip daddr @pod1 counter
      meta l4proto tcp ct original proto-dst 80 counter
      ct reply @ip saddr @pod1 counter
      ct direction original counter
      ct status dnat drop
      meta l4proto tcp ct zone 0 counter
      """, [toPod]),
    chain(
      "nft: rejections", forward,
      """
      tcp dport 1 reject
      tcp dport 2 reject with tcp reset
      udp dport 3 reject
      """, ["eth0 tcp @client:9 > @pod1:1", "eth0 tcp @client:9 > @pod1:2", "eth0 udp @client:9 > @pod1:3"]),
    native(
      "nft: rejections of both families",
      """
      table inet t@6 {
        chain c { type filter hook forward priority filter; policy accept;
          tcp dport 1 reject with icmpx admin-prohibited
          tcp dport 2 reject with icmpx no-route
          tcp dport 3 reject with icmpx host-unreachable
          tcp dport 4 reject
        }
      }
      """, (1...4).map { "eth0 tcp @client:9 > @pod1:\($0)" }),
    chain(
      "nft: lengths, hop limits and packet types", forward,
      "meta length 60-100 counter\nmeta length > 200 drop\nmeta pkttype host counter",
      ["eth0 udp @client:1 > @pod1:1 length=80", "eth0 udp @client:1 > @pod1:1 length=300"], hidden: true),
    chain(
      "nft: rates", forward, "limit rate 100000/second counter\nlimit rate over 1/day drop", [toPod], hidden: true),
    chain(
      "nft: owners of local packets", "filter hook output priority filter",
      "meta skuid 0 counter\nmeta skuid 1000 drop",
      ["local tcp @node:1 > @outside:80"], hidden: true),
    chain(
      "nft: header writes", prerouting, "tcp dport 80 @ip daddr set @pod2\nudp dport set 53", [toPod, udpToPod],
      versions: [.v4]),
  ]

  // MARK: kube-proxy's nftables mode

  /// Alpha of 1.29 (chains per Service, affinity by sets), and the general availability of 1.33 (dispatch before DNAT).
  static let nftKubeProxy: [Situation] = [
    native(
      "nft: kube-proxy, session affinity", kubeProxy(filter: "", clusterIPs: ""),
      ["eth0 tcp @client:40000 > @vip3:80", "local tcp @node:40000 > @vip3:80"]),
    native(
      "nft: kube-proxy 1.29",
      kubeProxy(
        filter: """
          chain filter-input { type filter hook input priority filter; policy accept; ct state new jump service-endpoints-check; }
          chain filter-forward { type filter hook forward priority filter; policy accept; ct state new jump service-endpoints-check; }
          chain filter-output { type filter hook output priority filter; policy accept; ct state new jump service-endpoints-check; }
          """, clusterIPs: ""), kubeFlows, repeats: 30),
    native(
      "nft: kube-proxy 1.33",
      kubeProxy(
        filter: """
          chain filter-prerouting { type filter hook prerouting priority -110; policy accept; ct state new jump firewall-check; }
          chain filter-input { type filter hook input priority -110; policy accept; ct state new jump nodeport-endpoints-check; ct state new jump service-endpoints-check; }
          chain filter-forward { type filter hook forward priority -110; policy accept; ct state new jump service-endpoints-check; ct state new jump cluster-ips-check; }
          chain filter-output { type filter hook output priority -110; policy accept; ct state new jump firewall-check; }
          chain filter-output-post-dnat { type filter hook output priority -90; policy accept; ct state new jump service-endpoints-check; ct state new jump cluster-ips-check; }
          chain nodeport-endpoints-check { @ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports; }
          chain firewall-check { @ip daddr . meta l4proto . th dport vmap @firewall-ips; }
          chain firewall-web { @ip saddr != { @lan } drop; }
          chain cluster-ips-check { @ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"; }
          map no-endpoint-nodeports { type inet_proto . inet_service : verdict; elements = { tcp . 30081 : goto reject-chain }; }
          map firewall-ips { type @addr . inet_proto . inet_service : verdict; elements = { @lb . tcp . 80 : goto firewall-web }; }
          """, clusterIPs: "set cluster-ips { type @addr; elements = { @vip, @vip2, @vip3 }; }"), kubeFlows, repeats: 30
    ),
  ]

  private static let kubeFlows = [
    "veth1 tcp @pod1:40000 > @vip:80", toVIP, "eth0 tcp @client:40000 > @vip2:80",
    "eth0 tcp @client:40000 > @node:30080", "eth0 tcp @client:40000 > @lb:80", "eth0 tcp @far:40000 > @lb:80",
    "local tcp @node:40000 > @vip:80", "eth0 tcp @client:40000 > @vip:81",
  ]

  private static func kubeProxy(filter: String, clusterIPs: String) -> String {
    """
    table @ip kube-proxy {
      comment "rules for kube-proxy"
      \(clusterIPs)
      set nodeport-ips { type @addr; elements = { @node }; }
      set affinity-web { type @addr; flags dynamic,timeout; timeout 3h; size 65535; }
      map no-endpoint-services { type @addr . inet_proto . inet_service : verdict; elements = { @vip2 . tcp . 80 : goto reject-chain }; }
      map service-ips { type @addr . inet_proto . inet_service : verdict; elements = { @vip . tcp . 80 : goto service-web, @vip3 . tcp . 80 : goto service-sticky, @lb . tcp . 80 : goto external-web }; }
      map service-nodeports { type inet_proto . inet_service : verdict; elements = { tcp . 30080 : goto external-web }; }
      chain mark-for-masquerade { meta mark set meta mark | 0x4000; }
      chain masquerading { meta mark & 0x4000 == 0 return; meta mark set meta mark ^ 0x4000; masquerade fully-random; }
      chain reject-chain { reject; }
      chain service-endpoints-check { @ip daddr . meta l4proto . th dport vmap @no-endpoint-services; }
      chain endpoint-one { @ip saddr @pod1 jump mark-for-masquerade; meta l4proto tcp dnat to @pod1:8080; }
      chain endpoint-two { @ip saddr @pod2 jump mark-for-masquerade; meta l4proto tcp dnat to @pod2:8080; }
      chain endpoint-sticky { update @affinity-web { @ip saddr }; meta l4proto tcp dnat to @pod2:8080; }
      chain service-web { @ip daddr @vip tcp dport 80 @ip saddr != @pods jump mark-for-masquerade; numgen random mod 2 vmap { 0 : goto endpoint-one, 1 : goto endpoint-two }; }
      chain service-sticky { @ip saddr @affinity-web goto endpoint-sticky; numgen random mod 1 vmap { 0 : goto endpoint-sticky }; }
      chain external-web { jump mark-for-masquerade; goto service-web; }
      chain services { @ip daddr . meta l4proto . th dport vmap @service-ips; @ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports; }
      \(filter)
      chain nat-prerouting { type nat hook prerouting priority dstnat; policy accept; jump services; }
      chain nat-output { type nat hook output priority -100; policy accept; jump services; }
      chain nat-postrouting { type nat hook postrouting priority srcnat; policy accept; jump masquerading; }
    }
    """
  }
}
