import KernelLab
import Wire

// More of nft's keys, maps and verdicts. `@ip` is the family, `@addr` the type of its addresses.
extension Situations {
  static let nftKeys: [Situation] = [
    chain(
      "nft: shifts and masks", prerouting,
      """
      meta mark set 0x12
      meta mark set meta mark << 8
      meta mark 0x1200 counter
      meta mark set (meta mark >> 4) & 0xff
      tcp dport & 0x1 == 0x1 drop
      tcp dport & 0xfff0 == 0x50 counter
      meta mark & 0xf0 != 0x20 counter
      """, [toPod, "eth0 tcp @client:1 > @pod1:81", udpToPod]),
    chain(
      "nft: comparisons", forward,
      """
      tcp dport >= 80 tcp dport < 90 counter
      tcp dport > 80 drop
      tcp sport <= 1024 reject
      tcp dport != { 70-79, 443 } counter
      meta mark < 0x1 counter
      """, [toPod, "eth0 tcp @client:1000 > @pod1:80", "eth0 tcp @client:40000 > @pod1:81"]),
    chain(
      "nft: addresses with interfaces", forward,
      "@ip daddr . iifname { @pod1 . \"eth0\" } counter\niifname . oifname { \"eth0\" . \"veth1\" } drop\n@ip saddr . iifname != @own reject",
      [toPod, fromPod, "eth0 tcp @client:1 > @pod2:80"],
      more: "set own { type @addr . ifname; elements = { @client . \"eth0\", @pod1 . \"veth1\" }; }"),
    chain(
      "nft: sets that must not match", forward,
      "@ip saddr . tcp sport . tcp dport != @known drop\ncounter", [toPod, "eth0 tcp @client:1 > @pod1:80", udpToPod],
      more:
        "set known { type @addr . inet_service . inet_service; flags interval; elements = { @lan . 1024-65535 . 80-90 }; }"
    ),
    chain(
      "nft: flags", forward,
      """
      tcp flags & (fin | syn) == syn counter
      tcp flags vmap { syn : continue, ack : drop }
      tcp flags { syn, syn | ack } counter
      tcp flags != syn drop
      """, [toPod, "eth0 tcp @client:1 > @pod1:80 flags=17", udpToPod]),
    chain(
      "nft: types of ICMP", forward, "icmp type vmap { echo-request : drop, echo-reply : accept }\ncounter",
      ["eth0 icmp @client > @pod1", toPod], versions: [.v4]),
    chain(
      "nft: types of ICMPv6", forward,
      "icmpv6 type { echo-request, nd-neighbor-solicit } reject\ncounter", ["eth0 icmp @client > @pod1", toPod],
      versions: [.v6]),
    chain(
      "nft: fields of the IPv4 header", forward,
      "ip protocol vmap { tcp : continue, udp : drop }\nip frag-off & 0x1fff == 0 counter\nip version 4 counter\nip length < 30 drop\nip protocol != tcp counter",
      [toPod, udpToPod], hidden: true, versions: [.v4]),
    chain(
      "nft: what fib finds, as a map's key", prerouting,
      "fib daddr type vmap { local : jump x, unicast : accept }\ndrop",
      [toPod, "eth0 tcp @client:1 > @node:22", "eth0 tcp @client:1 > @node:23"],
      more: "chain x { tcp dport 22 accept; counter; }"),
    chain(
      "nft: connection facts as keys", forward,
      """
      ct original @ip daddr @vip counter
      ct reply @ip saddr @pods jump x
      meta l4proto tcp ct reply proto-src { 80, 8080 } counter
      ct status & dnat == dnat counter
      ct state . ct direction { new . original } counter
      ct mark vmap { 0x0 : continue, 0x1 : drop }
      meta l4proto tcp ct original proto-src 40000 drop
      """, [toVIP, toPod],
      more:
        "chain d { type nat hook prerouting priority dstnat; policy accept; tcp dport 80 @ip daddr @vip dnat to @pod1; }\nchain x { counter; }"
    ),
  ]

  // MARK: maps whose values are chosen, and that change

  static let nftMaps: [Situation] = [
    chain(
      "nft: dnat out of a map of intervals", destination, "@ip daddr @vip dnat to @ip saddr map @m",
      [toVIP, "eth0 tcp @far:1 > @vip:80"],
      more: "map m { type @addr : @addr; flags interval; elements = { @client-@client2 : @pod2, @pods : @pod1 }; }"),
    chain(
      "nft: dnat out of a map of concatenated intervals", destination,
      "dnat @ip addr . port to @ip daddr . tcp dport map @m",
      [toVIP, "eth0 tcp @client:1 > @vip:95", "eth0 tcp @client:1 > @vip:443"],
      more:
        "map m { type @addr . inet_service : @addr . inet_service; flags interval; elements = { @vip . 80-90 : @pod1 . 8080, @vip . 443 : @pod2 . 8443 }; }"
    ),
    chain(
      "nft: redirect out of a map", destination,
      "meta l4proto tcp redirect to :tcp dport map { 80 : 8080, 443 : 8443 }",
      [toVIP, "eth0 tcp @client:1 > @vip:443", "eth0 tcp @client:1 > @vip:22"]),
    chain(
      "nft: marks out of intervals", prerouting,
      "meta mark set tcp dport map { 1-79 : 0x1, 80-90 : 0x2 }\nmeta mark vmap { 0x1 : drop, 0x2-0x9 : accept }\ncounter",
      [toPod, "eth0 tcp @client:1 > @pod1:79", udpToPod]),
    chain(
      "nft: verdict maps with timeouts", forward, "tcp dport vmap @v\ncounter",
      [toPod, "eth0 tcp @client:1 > @pod1:81"],
      more:
        "map v { type inet_service : verdict; flags timeout; timeout 2h; elements = { 80 timeout 1h : drop, 81 : accept }; }"
    ),
    chain(
      "nft: transport and port as a map's key", forward,
      "meta l4proto . th dport vmap { tcp . 80-90 : accept, udp . 80 : drop }\nreject",
      [toPod, udpToPod, "eth0 udp @client:1 > @pod1:81"]),
    chain(
      "nft: a set filled with timeouts", forward,
      "update @seen { @ip saddr . tcp dport timeout 30s }\n@ip saddr . tcp dport @seen counter\ntcp dport . @ip saddr @other drop\nadd @other { tcp dport . @ip saddr timeout 1m }\ntcp dport . @ip saddr @other reject",
      [toPod],
      more:
        "set seen { type @addr . inet_service; flags dynamic,timeout; timeout 1h; size 16; }\nset other { type inet_service . @addr; flags dynamic,timeout; size 16; }"
    ),
    chain(
      "nft: numgen inc with an offset", prerouting,
      "meta mark set numgen inc mod 3 offset 10\nmeta mark 0xa counter\nmeta mark 0xb drop", [toPod], repeats: 30),
    chain(
      "nft: numgen random with an offset, as a map's key", forward,
      "numgen random mod 3 offset 5 vmap { 5 : accept, 6-7 : drop }", [toPod], repeats: 40),
    chain(
      "nft: two numbers drawn in one rule", forward,
      "numgen inc mod 2 0 numgen random mod 2 vmap { 0 : accept, 1 : drop }", [toPod], repeats: 60),
    chain(
      "nft: jhash of several keys, with an offset", prerouting,
      "meta mark set jhash @ip saddr . @ip daddr mod 7 seed 0xdeadbeef offset 100\nmeta mark 100-103 counter",
      [toPod, fromPod, "eth0 tcp @client2:1 > @pod1:80", "eth0 tcp @far:1 > @pod2:80"]),
    chain(
      "nft: jhash of a port, as a map's key", destination,
      "@ip daddr @vip dnat to jhash tcp sport . @ip saddr mod 2 seed 0x1 map { 0 : @pod1, 1 : @pod2 }",
      [
        toVIP, "eth0 tcp @client:40001 > @vip:80", "eth0 tcp @client:40002 > @vip:80",
        "eth0 tcp @client:40003 > @vip:80",
      ]
    ),
    chain(
      "nft: symhash", destination, "@ip daddr @vip dnat to symhash mod 2 map { 0 : @pod1, 1 : @pod2 }",
      [toVIP, "eth0 tcp @client2:5 > @vip:80"], hidden: true),
    chain(
      "nft: named counters and quotas", forward,
      "counter name \"c\"\ncounter name tcp dport map { 80 : \"c\" }\nquota name \"q\" drop\ncounter", [toPod],
      more: "counter c { packets 0 bytes 0; }\nquota q { over 100 mbytes; }", hidden: true),
  ]

  // MARK: families and priorities side by side

  static let nftFamilies: [Situation] = [
    native(
      "nft: named priorities and offsets",
      """
      table @ip t {
        chain a { type filter hook forward priority filter + 10; policy accept; meta mark 0x2 drop; counter; }
        chain b { type filter hook forward priority mangle - 1; policy accept; udp dport 80 meta mark set 0x2; }
        chain c { type filter hook forward priority security; policy accept; counter; }
        chain d { type nat hook prerouting priority dstnat - 5; policy accept; @ip daddr @vip dnat to @pod1; }
        chain e { type nat hook prerouting priority dstnat + 5; policy accept; @ip daddr @vip dnat to @pod2; }
      }
      """, [toPod, udpToPod, toVIP]),
    native(
      "nft: inet translation out of a map",
      """
      table inet t@6 {
        map m { type @addr : @addr; elements = { @vip : @pod1, @vip2 : @pod2 }; }
        chain d { type nat hook prerouting priority dstnat; policy accept; dnat @ip to @ip daddr map @m; }
        chain o { type nat hook output priority -100; policy accept; meta l4proto tcp redirect to :9; }
        chain s { type nat hook postrouting priority srcnat; policy accept; oifname "veth*" masquerade; }
      }
      """, [toVIP, "eth0 udp @client:1 > @vip2:53", "local tcp @node:1 > @outside:80"]),
    native(
      "nft: tables of bridge, arp and netdev beside",
      """
      table bridge b@6 {
        chain f { type filter hook forward priority 0; policy drop; }
      }
      table netdev n@6 {
        chain i { type filter hook ingress device "veth2" priority 0; policy accept; counter; }
      }
      table arp a@6 {
        chain i { type filter hook input priority 0; policy accept; }
      }
      table @ip t {
        chain c { type filter hook forward priority 0; policy accept; tcp dport 80 drop; }
      }
      """, [toPod, udpToPod]),
    native(
      "nft: inet chains of both families, one set each",
      """
      table inet t@6 {
        set four { type ipv4_addr; elements = { 192.0.2.77 }; }
        set six { type ipv6_addr; elements = { fd77::1 }; }
        set mine { type @addr; elements = { @client }; }
        chain c { type filter hook prerouting priority raw; policy accept;
          ip saddr @four drop
          ip6 saddr @six drop
          @ip saddr @mine jump own
          meta protocol vmap { ip : continue, ip6 : continue }
          meta l4proto { icmp, ipv6-icmp } accept
          udp dport 80 drop
        }
        chain own { tcp dport 80 notrack return; counter; }
      }
      """, [toPod, udpToPod, "eth0 icmp @client > @pod1"]),
  ]
}
