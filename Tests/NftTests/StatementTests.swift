import Input
import Ruleset
import Snapshot
import Testing
import Wire

@Suite("nft: statements")
struct NftStatementTests {
  static let plain: [(Family, String, Statement)] = [
    (.ip, "accept", .accept), (.ip, "drop", .drop), (.ip, "return", .return), (.ip, "continue", .continue),
    (.ip, "notrack", .noTrack),
    (.ip, "meta mark set 0x10", .setMark(clear: .max, flip: 16)),
    (.ip, "meta mark set meta mark | 0x00004000", .setMark(clear: 0x4000, flip: 0x4000)),
    (.ip, "meta mark set mark or 0x4000", .setMark(clear: 0x4000, flip: 0x4000)),
    (.ip, "meta mark set meta mark & 0xffff", .setMark(clear: 0xFFFF_0000, flip: 0)),
    (.ip, "meta mark set meta mark ^ 0x4000", .setMark(clear: 0, flip: 0x4000)),
    (.ip, "meta mark set mark and 0xffff00ff or 0x100", .setMark(clear: 0xFF00, flip: 0x100)),
    (.ip, "ct mark set 5", .setConnectionMark(clear: .max, flip: 5)),
    (.ip, "ct mark set ct mark or 5", .setConnectionMark(clear: 5, flip: 5)),
    (.ip, "ct zone set 3", .setZone(3, direction: .both)),
    (.ip, "ct original zone set 3", .setZone(3, direction: .original)),
    (.ip, "dnat to 10.0.0.1", .destinationNAT4(address: v4("10.0.0.1"), port: 0, persistent: false)),
    (.ip, "dnat to 10.0.0.1:80 persistent", .destinationNAT4(address: v4("10.0.0.1"), port: 80, persistent: true)),
    (.ip, "reject", .reject(.icmpPortUnreachable)), (.ip6, "reject", .reject(.icmp6PortUnreachable)),
    (.inet, "reject", .reject(.icmpxPortUnreachable)),
    (.ip, "reject with icmp host-unreachable", .reject(.icmpHostUnreachable)),
    (.ip, "reject with icmp type prot-unreachable", .reject(.icmpProtocolUnreachable)),
    (.inet, "reject with icmpx admin-prohibited", .reject(.icmpxAdminProhibited)),
    (.ip6, "reject with icmpv6 addr-unreachable", .reject(.icmp6AddressUnreachable)),
  ]

  @Test(arguments: plain)
  func plainStatements(_ family: Family, _ text: String, _ expected: Statement) {
    let reading = Reading(family, rule: text)
    #expect(reading.messages == [])
    #expect(reading.clauses == [.statement(expected)])
  }

  @Test func marksBetweenPacketAndConnection() {
    let restore = Reading(.ip, rule: "meta mark set ct mark & 0xff")
    #expect(restore.ruleset.markCopies == [MarkCopy(packetMask: .max, connectionMask: 0xFF)])
    guard case .statement(.restoreMark)? = restore.clauses.first else {
      Issue.record("\(restore.clauses)")
      return
    }
    let save = Reading(.ip, rule: "ct mark set meta mark")
    #expect(save.ruleset.markCopies == [MarkCopy(packetMask: .max, connectionMask: .max)])
    // Not a plain copy: an expression.
    let mixed = Reading(.ip, rule: "meta mark set ct mark and 0xff or 0x100")
    guard case .statement(.setField(.mark, _))? = mixed.clauses.first else {
      Issue.record("\(mixed.clauses)")
      return
    }
    let map = Reading(.ip, rule: "meta mark set ip saddr map { 10.0.0.1 : 0x1, 10.0.0.2 : 0x2 }")
    guard case .statement(.setField(.mark, let id))? = map.clauses.first,
      case .map(.field(.source4), let set) = map.ruleset.expressions[Int(id.index)],
      case .values(let data, _, 1) = map.ruleset.sets[Int(set.index)].data
    else {
      Issue.record("\(map.clauses)")
      return
    }
    #expect(data == [Bits128(UInt32(1)), Bits128(UInt32(2))])
  }

  @Test func tcpResetNeedsTCP() {
    let reading = Reading(.inet, rule: "reject with tcp reset")
    #expect(reading.tests == [equal(.protocol, 6)])
    #expect(reading.statements == [.reject(.tcpReset)])
  }

  private func translation(_ family: Family, _ text: String) -> Translation? {
    let reading = Reading(family, rule: text)
    #expect(reading.messages == [], "\(text)")
    return reading.ruleset.translations.first
  }

  @Test func translations() throws {
    let address = Bits128(v4("10.0.0.1"))
    var expected = Translation(.destination, addresses: address...address, ports: 80...80)
    expected.version = .v4
    #expect(translation(.inet, "dnat ip to 10.0.0.1:80") == expected)
    expected = Translation(.destination, addresses: address...Bits128(v4("10.0.0.5")), ports: 80...90)
    #expect(translation(.ip, "dnat to 10.0.0.1-10.0.0.5:80-90") == expected)
    let six = IPAddress("fd00::1")!.bits
    #expect(
      translation(.ip6, "dnat to [fd00::1]:80") == Translation(.destination, addresses: six...six, ports: 80...80))
    #expect(translation(.ip6, "dnat to fd00::1") == Translation(.destination, addresses: six...six))
    expected = Translation(.source, addresses: address...address)
    expected.choice = .fullyRandom
    expected.persistent = true
    #expect(translation(.ip, "snat to 10.0.0.1 fully-random,persistent") == expected)
    expected = Translation(.masquerade, ports: 5000...5100)
    expected.choice = .random
    #expect(translation(.ip, "masquerade to :5000-5100 random") == expected)
    #expect(translation(.ip, "redirect to :8080") == Translation(.redirect, ports: 8080...8080))
    #expect(translation(.ip, "redirect") == Translation(.redirect))
  }

  @Test func translationsByMap() throws {
    let byMap = Reading(.ip, rule: "dnat to numgen random mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }")
    let map = try #require(byMap.ruleset.translations.first?.addressExpression)
    guard case .map(.randomNumber(modulus: 2, offset: 0), _) = byMap.ruleset.expressions[Int(map.index)] else {
      Issue.record("not a map")
      return
    }
    let pair = Reading(
      .ip, rule: "dnat ip addr . port to ip daddr . tcp dport map { 1.1.1.1 . 80 : 10.0.0.1 . 8080 }")
    #expect(pair.messages == [])
    #expect(pair.ruleset.translations.first?.addressAndPort != nil)
    // The data of a named map tells that it yields both.
    let named = Reading(
      .inet, rule: "dnat ip to ip daddr . tcp dport map @m",
      with: "map m {\n type ipv4_addr . inet_service : ipv4_addr . inet_service\n }")
    #expect(named.ruleset.translations.first?.addressAndPort != nil)
    #expect(named.ruleset.translations.first?.version == .v4)
    let port = Reading(.ip, rule: "redirect to :tcp dport map { 80 : 8080 }")
    #expect(port.ruleset.translations.first?.portExpression != nil)
    let prefix = Reading(.ip, rule: "snat ip prefix to ip saddr map { 10.1.0.0/16 : 10.2.0.0/16 }")
    #expect(prefix.ruleset.translations.first?.prefix == true)
  }

  @Test func verdictMaps() throws {
    let reading = Reading(.ip, rule: "numgen random mod 2 vmap { 0 : goto x, 1 : jump x }")
    guard case .statement(.verdictMap(let id))? = reading.clauses.first else {
      Issue.record("\(reading.clauses)")
      return
    }
    let lookup = reading.ruleset.lookups[Int(id.index)]
    let x = try #require(reading.chain("x"))
    #expect(lookup.key == .randomNumber(modulus: 2, offset: 0))
    guard case .verdicts(let verdicts) = reading.ruleset.sets[Int(lookup.set.index)].data else {
      Issue.record("no verdicts")
      return
    }
    #expect(verdicts == [.goto(x), .jump(x)])
  }

  enum Kind { case note, timed, handOff, unknown }

  static let others: [(String, Kind)] = [
    ("counter packets 3 bytes 99", .note), ("log prefix \"a b\" level info", .note), ("log flags all", .note),
    ("limit rate 10/second burst 5 packets", .timed), ("limit rate over 10 mbytes/minute", .timed),
    ("quota over 25 mbytes", .timed), ("ct helper set \"ftp\"", .note), ("tcp option maxseg size set rt mtu", .note),
    ("queue flags bypass to 1-4", .handOff), ("queue num 3", .handOff), ("fwd to \"eth1\"", .handOff),
    ("dup to 10.0.0.1 device \"eth0\"", .note), ("flow add @f", .note), ("meta nftrace set 1", .note),
    ("synproxy mss 1460 wscale 7 timestamp sack-perm", .handOff), ("xt target \"DNAT\"", .unknown),
    ("xt target \"LOG\"", .note),
  ]

  @Test(arguments: others)
  func keptAsText(_ text: String, _ kind: Kind) {
    let reading = Reading(.ip, rule: text, with: "set s {\n type ipv4_addr\n flags dynamic,timeout\n }")
    #expect(reading.messages == [])
    let found: (Kind, String)? =
      switch reading.statements.last {
      case .note(let id): (.note, reading.ruleset[id])
      case .timeDependent(let id): (.timed, reading.ruleset[id])
      case .handOff(let id): (.handOff, reading.ruleset[id])
      case .unknown(let id): (.unknown, reading.ruleset[id])
      default: nil
      }
    #expect(found?.0 == kind)
    #expect(found?.1 == text)
  }

  /// What a rule changes in a set: the element, its properties, and what a map's element leads to.
  @Test(arguments: [
    ("update @s { ip saddr timeout 1m }", SetUpdate.Operation.update, "timeout 1m", nil, false),
    ("add @s { ip saddr limit rate over 10/second }", .add, "limit rate over 10/second", nil, true),
    ("delete @s { ip saddr }", .delete, "", nil, false),
    (
      "update @m { ip saddr timeout 1m : 0x00000004 }", .update, "timeout 1m", Expression.constant(Bits128(UInt32(4))),
      false
    ),
    ("add @m { ip saddr : meta mark }", .add, "", .field(.mark), false),
  ])
  func setUpdates(
    _ text: String, _ operation: SetUpdate.Operation, _ details: String, _ data: Expression?, _ limited: Bool
  ) {
    let reading = Reading(
      .ip, rule: text,
      with: """
        set s {\n type ipv4_addr\n flags dynamic,timeout\n }
        map m {\n type ipv4_addr : mark\n flags dynamic,timeout\n }
        """)
    #expect(reading.messages == [])
    guard case .updateSet(let id)? = reading.statements.last else {
      Issue.record("\(reading.statements)")
      return
    }
    let update = reading.ruleset.setUpdates[Int(id.index)]
    #expect(update.operation == operation)
    #expect(update.key == .field(.source4))
    #expect(update.details.map { reading.ruleset[$0] } ?? "" == details)
    #expect(update.data == data)
    #expect(update.isLimited == limited)
    #expect(reading.spelled() == [text])
  }

  @Test func comments() {
    let reading = Reading(.ip, rule: "ip saddr 10.0.0.1 accept comment \"a # b\" # handle 7")
    guard case .match(let match)? = reading.clauses.last, case .note(let text) = match.test else {
      Issue.record("\(reading.clauses)")
      return
    }
    #expect(reading.ruleset[text] == "comment \"a # b\"")
    #expect(
      reading.rules("c").map { reading.ruleset.sourceText(of: $0) } == ["ip saddr 10.0.0.1 accept comment \"a # b\""])
  }

  @Test func inlineChains() throws {
    let reading = Reading(.ip, rule: "tcp dport 53 jump {\n ip saddr 10.0.0.1 accept\n drop\n }")
    #expect(reading.messages == [])
    guard case .statement(.jump(let chain))? = reading.clauses.last else {
      Issue.record("\(reading.clauses)")
      return
    }
    #expect(reading.ruleset[chain].ruleCount == 2 && reading.ruleset[chain].isInline)
    #expect(reading.tests == [equal(.protocol, 6), equal(.destinationPort, 53)])
  }
}
