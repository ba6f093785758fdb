import Testing

struct NftSituation: Sendable, CustomTestStringConvertible {
  var name: String
  var text: String
  var testDescription: String { name }
}

/// Small rulesets that together use every expression the kernel knows.
enum NftSituations {
  static let all: [NftSituation] = [
    chain(
      "addresses", "ip",
      [
        "ip saddr 10.0.0.1 ip daddr 192.0.2.0/24 accept", "ip saddr != 10.0.0.0/12 drop",
        "ip daddr 10.0.0.5-10.0.0.9 accept", "ip saddr { 10.0.0.1, 10.0.0.3, 192.0.2.0/24 } accept",
        "ip protocol tcp accept", "ip ttl 1 drop", "ip length 100-200 accept", "ip dscp cs1 accept", "ip id 7 accept",
        "ip version 4 accept", "ip hdrlength 5 accept",
      ]),
    chain(
      "addresses of version 6", "ip6",
      [
        "ip6 saddr fd00::1 accept", "ip6 daddr fd00:1::/64 drop", "ip6 daddr fd00:1::/61 drop",
        "ip6 saddr fd00::1-fd00::9 accept", "ip6 nexthdr udp accept", "ip6 hoplimit 1 drop", "ip6 dscp cs1 accept",
        "icmpv6 type { nd-neighbor-solicit, nd-router-advert } accept", "ip6 flowlabel 5 accept",
      ]),
    chain(
      "inet", "inet",
      [
        "ip daddr 10.0.0.1 accept", "ip daddr != 10.0.0.1 accept", "ip6 daddr fd00::1 tcp dport 80 accept",
        "meta nfproto ipv4 accept", "meta nfproto ipv6 udp dport 53 accept",
        "meta l4proto { tcp, udp } th dport 53 accept",
        "icmp type echo-request accept", "icmpv6 type echo-request accept",
        "ip saddr 10.0.0.0/8 tcp dport { 80, 443 } accept",
        "meta l4proto tcp accept", "meta protocol ip accept",
      ]),
    chain(
      "ports", "ip",
      [
        "tcp dport 80 accept", "tcp dport 80-90 accept", "tcp dport != 22 drop", "udp sport { 53, 100-200 } accept",
        "tcp sport 1 tcp dport 2 accept", "tcp flags syn accept", "tcp flags & (syn | ack) == syn accept",
        "tcp flags != syn accept", "sctp dport 80 accept", "tcp dport > 1024 accept", "tcp dport <= 80 accept",
        "udp length 20 accept", "icmp type echo-request icmp code 0 accept", "th dport 5 accept",
      ]),
    chain(
      "meta", "inet",
      [
        "meta mark 0x4000 accept", "meta mark & 0x4000 == 0x4000 accept", "meta mark & 0x1 != 0x1 drop",
        "iifname \"eth*\" accept", "iifname \"eth7\" accept", "iif \"eth7\" accept", "oifname != \"lo\" accept",
        "iifname { \"eth7\", \"lo\" } accept", "meta skuid 1000 accept", "meta length 100-200 accept",
        "meta pkttype broadcast drop", "iiftype 1 accept", "meta cpu 1 accept", "meta mark 1-10 accept",
        "meta mark { 1, 3, 5-9 } accept", "meta priority 1:2 accept",
      ]),
    chain(
      "connections", "inet",
      [
        "ct state established,related accept", "ct state new accept", "ct state invalid drop", "ct status dnat accept",
        "ct mark 0x1 accept", "ct direction original accept", "ct original ip daddr 10.0.0.1 accept",
        "meta l4proto tcp ct original proto-dst 80 accept", "ct zone 5 accept", "ct state { new, established } accept",
        "ct state vmap { established : accept, invalid : drop }", "ct mark & 0xff00 == 0x100 accept",
        "ct expiration 10s accept", "ct reply ip saddr 10.244.1.0/24 accept", "ct original ip6 daddr fd00::/64 accept",
        "ct original ip saddr != 10.0.0.0/12 accept", "ct original ip saddr 10.0.0.5-10.0.0.9 accept",
      ]),
    chain(
      "marks", "inet",
      [
        "meta mark set 0x1", "meta mark set mark or 0x4000", "meta mark set mark and 0xffffbfff",
        "meta mark set mark xor 0x4000",
        "ct mark set mark", "meta mark set ct mark", "ct mark set 0x5", "meta mark set ct mark and 0xff",
        "ct mark set mark and 0xff00", "meta mark set numgen random mod 4", "notrack",
        "meta mark set ip saddr map { 10.0.0.1 : 0x1, 10.0.0.2 : 0x2 }",
      ]),
    chain(
      "fib", "inet", hook: "prerouting",
      [
        "fib daddr type local accept", "fib saddr type != local drop", "fib daddr type { local, broadcast } accept",
        "fib daddr . iif type local accept",
      ]),
    chain(
      "reverse path", "ip", hook: "prerouting",
      [
        "fib saddr . iif oif missing drop", "fib saddr . mark oif exists accept", "fib daddr oifname \"eth7\" accept",
      ]),
    chain(
      "rejects", "inet",
      [
        "reject", "reject with icmpx admin-prohibited", "reject with icmp host-unreachable",
        "reject with icmpv6 no-route",
        "tcp dport 80 reject with tcp reset", "reject with tcp reset",
      ]),
    chain("rejects of one family", "ip", ["reject", "reject with icmp net-unreachable", "reject with tcp reset"]),
    chain(
      "time", "inet",
      [
        "limit rate 10/second accept", "limit rate over 10 mbytes/second drop", "quota over 25 mbytes drop",
        "limit rate 5/minute burst 10 packets accept", "ct count over 20 drop", "counter accept", "log accept",
        "log prefix \"dropped: \" level info drop", "log group 5 accept",
      ]),
    chain(
      "queues", "inet",
      ["meta nftrace set 1", "tcp option maxseg size set 1400"]),
    chain("comments", "inet", ["tcp dport 80 counter accept comment \"the web\"", "accept comment \"all\""]),
    chain(
      "not modelled", "inet",
      [
        "socket transparent 1 accept", "rt classid 5 accept", "tcp option maxseg size 500 accept",
        "tcp option sack-perm exists accept",
        "jhash ip saddr . tcp dport mod 16 seed 0x5 1 accept", "symhash mod 2 1 accept", "numgen inc mod 3 1 accept",
        "@nh,72,8 6 accept", "ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.2 . 443 } accept",
      ]),
    NftSituation(
      name: "nat",
      text: """
        table ip t {
          map m { type ipv4_addr . inet_service : ipv4_addr . inet_service
            elements = { 10.96.0.1 . 80 : 10.0.0.1 . 8080 }; }
          chain pre { type nat hook prerouting priority dstnat; policy accept;
            meta l4proto tcp dnat to 10.0.0.1:80
            dnat to 10.0.0.1
            meta l4proto udp dnat to 10.0.0.1-10.0.0.9:80-90 random,persistent
            dnat to numgen random mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }
            ip protocol tcp dnat ip addr . port to ip daddr . tcp dport map @m
            meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 80 }
            tcp dport 80 redirect to :8080
            redirect
          }
          chain post { type nat hook postrouting priority srcnat; policy accept;
            masquerade
            meta l4proto tcp masquerade to :1024-2048 fully-random
            snat to 192.0.2.1
            snat to 192.0.2.1-192.0.2.3
          }
        }
        table inet t6 {
          chain pre { type nat hook prerouting priority dstnat; policy accept;
            dnat ip to 10.0.0.1
            meta l4proto tcp dnat ip6 to [fd00::1]:80
            tcp dport 80 dnat to :8080
          }
          chain mangle { type filter hook prerouting priority mangle; policy accept;
            tcp dport 80 tproxy ip to 127.0.0.1:5000
          }
        }
        """),
    NftSituation(
      name: "sets",
      text: """
        table inet t {
          comment "a table"
          set a { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 }; }
          set b { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.5-192.0.2.9, 198.51.100.0/24 comment "x" }; }
          set c { type ipv4_addr . inet_proto . inet_service; flags interval; elements = { 10.0.0.0/8 . tcp . 80-90, 10.0.0.1 . udp . 53 }; }
          set d { type ifname; elements = { "eth0", "eth1" }; }
          set e { type mark; elements = { 0x1, 0x4000 }; }
          set f { type inet_service; flags interval; elements = { 80, 1000-2000, 65535 }; }
          set g { type ipv6_addr; elements = { fd00::1 }; }
          set h { type ipv4_addr; flags dynamic,timeout; timeout 1h; size 1024; }
          map v { type ipv4_addr . inet_service : verdict; elements = { 10.0.0.1 . 80 : goto x, 10.0.0.2 . 80 : drop }; }
          map w { type inet_service : ipv4_addr; elements = { 80 : 10.0.0.1, 443 : 10.0.0.2 }; }
          map z { type ipv4_addr : verdict; flags interval; elements = { 10.0.0.0/8 : accept, * : drop }; }
          counter cn { packets 0 bytes 0 }
          chain x { drop; }
          chain y { type filter hook input priority filter + 5; policy drop;
            ip saddr @a accept
            ip daddr @b accept
            ip daddr . meta l4proto . th dport @c accept
            iifname @d accept
            meta mark @e accept
            tcp dport @f accept
            ip6 saddr @g accept
            ip daddr . tcp dport vmap @v
            ip saddr vmap @z
            update @h { ip saddr timeout 1h }
            counter name "cn"
            tcp dport vmap { 80 : accept, 81-90 : drop, 100 : jump x }
            jump x
            goto x
          }
          chain p { type filter hook prerouting priority raw; policy accept;
            numgen random mod 2 vmap { 0 : jump x, 1 : accept }
            ip daddr set tcp dport map @w
          }
        }
        """),
  ]

  private static func chain(_ name: String, _ family: String, hook: String = "output", _ rules: [String])
    -> NftSituation
  {
    NftSituation(
      name: name,
      text: "table \(family) t {\n  chain c { type filter hook \(hook) priority raw; policy accept;\n"
        + rules.map { "    \($0)\n" }.joined() + "  }\n}\n")
  }
}
