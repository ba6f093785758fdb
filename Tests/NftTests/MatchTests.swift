import Input
import Ruleset
import Snapshot
import Testing
import Wire

@Suite("nft: matches")
struct NftMatchTests {
  /// nft 1.0.6 lists the values of such sets so, in text as in JSON.
  @Test func valuesThatNftCallsInvalid() {
    let text = Reading(
      .ip, rule: "ct reply proto-src { 0x50 [invalid type]-0x5a [invalid type], 0x64 [invalid type] } accept")
    let json = Reading(
      json: #"""
        {"nftables": [{"table": {"family": "ip", "name": "t"}}, {"chain": {"family": "ip", "table": "t", "name": "c"}},
        {"rule": {"family": "ip", "table": "t", "chain": "c", "expr": [{"match": {"op": "==",
        "left": {"ct": {"key": "proto-src", "dir": "reply"}},
        "right": {"set": [{"range": ["0x50 [invalid type]", "0x5a [invalid type]"]}, "0x64 [invalid type]"]}}},
        {"accept": null}]}}]}
        """#)
    for reading in [text, json] {
      #expect(reading.messages == [])
      #expect(reading.spelled() == ["ct reply proto-src { 80-90, 100 } accept"])
    }
  }

  static let plain: [(Family, String, [Match])] = [
    (.ip, "ip saddr 10.0.0.1", [equal(.source4, v4("10.0.0.1"))]),
    (.ip, "ip saddr != 10.0.0.0/8", [equal(.source4, v4("10.0.0.0"), mask: 0xFF00_0000, not: true)]),
    (.inet, "ip daddr 10.0.0.1", [equal(.destination4, v4("10.0.0.1"))]),
    // A negated match must not hold for the other family.
    (.inet, "ip daddr != 10.0.0.1", [equal(.networkProtocol, 2), equal(.destination4, v4("10.0.0.1"), not: true)]),
    (
      .ip, "ip saddr 10.0.0.1-10.0.0.6",
      [Match(.range(.source4, low: v4("10.0.0.1"), high: v4("10.0.0.6")))]
    ),
    (.ip, "tcp dport 22", [equal(.protocol, 6), equal(.destinationPort, 22)]),
    (.ip, "tcp dport != 22", [equal(.protocol, 6), equal(.destinationPort, 22, not: true)]),
    (.ip, "tcp sport 1024-2000", [equal(.protocol, 6), Match(.range(.sourcePort, low: 1024, high: 2000))]),
    (.ip, "tcp dport < 1024", [equal(.protocol, 6), Match(.range(.destinationPort, low: 0, high: 1023))]),
    (.ip, "tcp dport > 1023", [equal(.protocol, 6), Match(.range(.destinationPort, low: 1024, high: 65535))]),
    (.ip, "tcp dport ssh", [equal(.protocol, 6), equal(.destinationPort, 22)]),
    // Named once, the protocol is not asked again.
    (
      .ip, "meta l4proto udp udp sport 1 udp dport 2",
      [equal(.protocol, 17), equal(.sourcePort, 1), equal(.destinationPort, 2)]
    ),
    (.ip, "ip protocol tcp tcp dport 80", [equal(.headerProtocol4, 6), equal(.destinationPort, 80)]),
    (.ip, "th dport 80", [equal(.destinationPort, 80)]),
    (.inet, "icmp type echo-request", [equal(.networkProtocol, 2), equal(.protocol, 1), equal(.icmpType, 8)]),
    (.ip6, "icmpv6 type nd-neighbor-solicit", [equal(.protocol, 58), equal(.icmp6Type, 135)]),
    // Flags: any of them, unless an operator says otherwise.
    (.ip, "ct state established,related", [Match(.anyBit(.connectionState, mask: 6))]),
    (.ip, "ct state new", [Match(.anyBit(.connectionState, mask: 8))]),
    (.ip, "ct state == new", [equal(.connectionState, 8)]),
    (.ip, "ct state != established,related", [equal(.connectionState, 6, not: true)]),
    (.ip, "ct status dnat", [Match(.anyBit(.connectionStatus, mask: 32))]),
    (.ip, "ct status & dnat == dnat", [equal(.connectionStatus, 32, mask: 32)]),
    (.ip, "ct status & (dnat | snat) == 0", [equal(.connectionStatus, 0, mask: 48)]),
    (.ip, "tcp flags syn", [equal(.protocol, 6), Match(.anyBit(.tcpFlags, mask: 2))]),
    (.ip, "tcp flags & (syn | ack) == syn", [equal(.protocol, 6), equal(.tcpFlags, 2, mask: 18)]),
    (.ip, "tcp flags & (syn | ack) != syn", [equal(.protocol, 6), equal(.tcpFlags, 2, mask: 18, not: true)]),
    (.ip, "tcp flags syn / syn,ack", [equal(.protocol, 6), equal(.tcpFlags, 2, mask: 18)]),
    (.ip, "tcp flags ! syn,rst", [equal(.protocol, 6), Match(.anyBit(.tcpFlags, mask: 6), negated: true)]),
    (.ip, "tcp flags == fin | syn", [equal(.protocol, 6), equal(.tcpFlags, 3)]),
    (.ip, "meta mark 0x10", [equal(.mark, 16)]),
    (.ip, "mark and 0xff == 0x1", [equal(.mark, 1, mask: 0xFF)]),
    (.ip, "meta mark & 0x4000 != 0x0", [equal(.mark, 0, mask: 0x4000, not: true)]),
    (.ip, "ct mark 7", [equal(.connectionMark, 7)]),
    (.ip, "meta nfproto ipv4", [equal(.networkProtocol, 2)]),
    (.ip, "meta pkttype broadcast", [equal(.packetType, 1)]),
    (.ip, "meta skuid 1000", [equal(.userID, 1000)]),
    (.ip, "ip ttl < 64", [Match(.range(.timeToLive, low: 0, high: 63))]),
    (.ip, "ip dscp cs1", [equal(.dscp, 8)]),
    (.ip, "ct direction reply", [equal(.connectionDirection, 1)]),
    (.inet, "ct original ip daddr 1.2.3.4", [equal(.networkProtocol, 2), equal(.originalDestination, v4("1.2.3.4"))]),
    (.ip, "ct original proto-dst 80", [equal(.originalDestinationPort, 80)]),
    (.ip, "ct zone 3", [equal(.connectionZone, 3)]),
    (.ip, "tcp option maxseg size > 500", [Match(.range(.tcpMaximumSegment, low: 501, high: 65535))]),
    (.ip, "tcp option sack exists", [equal(.protocol, 6), Match(.tcpOption(5))]),
  ]

  @Test(arguments: plain)
  func plainTests(_ family: Family, _ text: String, _ expected: [Match]) {
    let reading = Reading(family, rule: text + " accept")
    #expect(reading.messages == [])
    #expect(reading.tests == expected)
    #expect(reading.statements == [.accept])
    // The text of the rule is its own line.
    #expect(reading.rules("c").map { reading.ruleset.sourceText(of: $0) } == [text + " accept"])
    #expect(reading.rules("c").map(\.line) == [6])
  }

  @Test func interfaces() {
    let exact = Reading(.ip, rule: #"iifname "eth0" accept"#)
    guard case .match(let match)? = exact.clauses.first, case .equalWide(.inputInterface, let id) = match.test else {
      Issue.record("\(exact.clauses)")
      return
    }
    #expect(exact.ruleset.wide[Int(id.index)] == WidePair(name("eth0"), .ones))
    let wild = Reading(.ip, rule: #"oifname != "veth*" accept"#)
    guard case .match(let other)? = wild.clauses.first, case .equalWide(.outputInterface, let mask) = other.test else {
      Issue.record("\(wild.clauses)")
      return
    }
    #expect(other.negated)
    #expect(wild.ruleset.wide[Int(mask.index)] == WidePair(name("veth"), .mask(leading: 32)))
    let index = Reading(.ip, rule: #"iif "lo" accept"#)
    guard case .match(let byIndex)? = index.clauses.first, case .equalWide(.inputInterfaceIndex, let lo) = byIndex.test
    else {
      Issue.record("\(index.clauses)")
      return
    }
    #expect(index.ruleset.wide[Int(lo.index)].a == name("lo"))
  }

  @Test func addresses6() {
    let reading = Reading(.ip6, rule: "ip6 saddr fd00::/8 accept")
    guard case .match(let match)? = reading.clauses.first, case .equalWide(.source6, let id) = match.test else {
      Issue.record("\(reading.clauses)")
      return
    }
    #expect(reading.ruleset.wide[Int(id.index)] == WidePair(IPAddress("fd00::")!.bits, .mask(leading: 8)))
  }

  @Test func anonymousSets() {
    let reading = Reading(.ip, rule: "tcp dport { 22, 80-90, 443 } accept")
    guard case .match(let match)? = reading.clauses.dropFirst().first, case .lookup(let id) = match.test else {
      Issue.record("\(reading.clauses)")
      return
    }
    let lookup = reading.ruleset.lookups[Int(id.index)]
    let set = reading.ruleset.sets[Int(lookup.set.index)]
    #expect(lookup.key == .field(.destinationPort))
    #expect(set.lows == [22, 80, 443].map { Bits128(UInt32($0)) })
    #expect(set.highs == [22, 90, 443].map { Bits128(UInt32($0)) })
    #expect(set.flags.contains(.anonymous) && set.flags.contains(.interval))
    // Values of flags, not any of them.
    let state = Reading(.ip, rule: "ct state { new, established } accept")
    #expect(state.ruleset.sets.last?.lows == [Bits128(UInt32(8)), Bits128(UInt32(2))])
  }

  @Test func concatenation() {
    let reading = Reading(
      .ip, rule: "ip daddr . meta l4proto . th dport { 10.0.0.1 . tcp . 80, 10.0.0.0/24 . udp . 53 } accept")
    #expect(reading.messages == [])
    guard case .match(let match)? = reading.clauses.first, case .lookup(let id) = match.test else {
      Issue.record("\(reading.clauses)")
      return
    }
    let lookup = reading.ruleset.lookups[Int(id.index)]
    let set = reading.ruleset.sets[Int(lookup.set.index)]
    #expect(lookup.key == .concatenation([.field(.destination4), .field(.protocol), .field(.destinationPort)]))
    #expect(set.components == 3 && set.count == 2)
    #expect(set.highs[3] == Bits128(v4("10.0.0.255")))
  }

  @Test func routeLookups() {
    let local = Reading(.ip, rule: "fib daddr type local accept")
    guard case .match(let match)? = local.clauses.first, case .addressType(let id) = match.test else {
      Issue.record("\(local.clauses)")
      return
    }
    #expect(local.ruleset.addressTypeTests[Int(id.index)].destinationTypes == AddressType.local.bit)
    let several = Reading(.ip, rule: "fib saddr . iif type != { local, broadcast } accept")
    let test = several.ruleset.addressTypeTests.first
    #expect(test?.sourceTypes == AddressType.local.bit | AddressType.broadcast.bit && test?.limitToInput == true)
    #expect(several.tests.first?.negated == true)
    for text in ["fib saddr . iif oif missing", "fib saddr . iif oif 0"] {
      let missing = Reading(.ip, rule: text + " drop")
      #expect(missing.ruleset.reversePathTests.first?.invert == true)
      #expect(missing.ruleset.reversePathTests.first?.loose == false)
    }
    // nft 1.1.4 and later list `oif missing` so.
    for (text, isMissing) in [("fib saddr . iif check missing", true), ("fib saddr . iif check exists", false)] {
      let check = Reading(.ip6, rule: text + " drop")
      let oif = Reading(.ip6, rule: text.replacing("check", with: "oif") + " drop")
      #expect(check.messages == [])
      #expect(check.ruleset.reversePathTests.map(\.invert) == [isMissing])
      #expect(check.tests == oif.tests)
      let json = Reading(
        json: #"""
          {"nftables": [{"table": {"family": "ip6", "name": "t"}}, {"chain": {"family": "ip6", "table": "t", "name": "c"}},
          {"rule": {"family": "ip6", "table": "t", "chain": "c", "expr": [{"match": {"op": "==",
          "left": {"fib": {"result": "check", "flags": ["saddr", "iif"]}}, "right": \#(!isMissing)}}, {"drop": null}]}}]}
          """#)
      #expect(json.messages == [])
      #expect(json.ruleset.reversePathTests.map(\.invert) == [isMissing])
    }
    let loose = Reading(.ip, rule: "fib saddr . mark oif exists accept")
    #expect(loose.ruleset.reversePathTests.first?.loose == true)
    #expect(loose.ruleset.reversePathTests.first?.validMark == true)
  }

  @Test func computedKeys() {
    let raw = Reading(.ip, rule: "@nh,72,8 6 accept")
    #expect(
      raw.ruleset.comparisons == [Comparison(.payload(.network, offset: 72, length: 8), .equal, Bits128(UInt32(6)))])
    let random = Reading(.ip, rule: "numgen random mod 10 offset 5 < 7 accept")
    #expect(
      random.ruleset.comparisons == [Comparison(.randomNumber(modulus: 10, offset: 5), .less, Bits128(UInt32(7)))])
    let hash = Reading(.ip, rule: "jhash ip saddr . tcp dport mod 4 seed 0xdeadbeef 1 accept")
    #expect(hash.tests.first == equal(.protocol, 6))
    #expect(
      hash.ruleset.comparisons.first?.left
        == .jenkinsHash(
          .concatenation([.field(.source4), .field(.destinationPort)]), modulus: 4, seed: 0xDEAD_BEEF, offset: 0))
    let shifted = Reading(.ip, rule: "meta mark >> 8 & 0xf == 3 accept")
    #expect(shifted.messages == [])
    #expect(
      shifted.ruleset.comparisons.first?.left
        == .and(.shiftRight(.field(.mark), .constant(Bits128(UInt32(8)))), .constant(Bits128(UInt32(15)))))
  }

  @Test(arguments: [
    "osf name \"Linux\"", "socket transparent 1", "ip option lsrr exists", "rt nexthop 10.0.0.1", "frag id 5",
    "ipsec in reqid 1", "meta sdifname \"br0\"", "vxlan vni 10", "meta time \"2022-05-30 21:51:23\"",
  ])
  func unmodelled(_ text: String) {
    let reading = Reading(.inet, rule: text + " counter accept")
    #expect(reading.messages == [])
    #expect(Unmodelled(reading.ruleset).texts.count == 1)
    #expect(reading.statements.last == .accept)
  }
}
