import Input
import Ruleset
import Testing
import Wire

@testable import Snapshot

@Suite struct IptablesReaderTests {
  static func read(_ text: String) -> Snapshot {
    var snapshot = Snapshot(name: "n")
    IptablesSaveReader.read(SourceFile(name: "d.txt", text: text), into: &snapshot)
    snapshot.ruleset.finish()
    return snapshot
  }

  /// Clauses of the rule that stands on a line.
  static func clauses(_ snapshot: Snapshot, line: Int) -> [[Clause]] {
    snapshot.ruleset.rules.filter { $0.line == line }.map { Array(snapshot.ruleset.clauses(of: $0)) }
  }

  static func target(_ snapshot: Snapshot, line: Int) -> [String] {
    clauses(snapshot, line: line).compactMap { clauses in
      switch clauses.last {
      case .statement(.jump(let chain)): "jump " + snapshot.ruleset.name(of: chain)
      case .statement(.goto(let chain)): "goto " + snapshot.ruleset.name(of: chain)
      default: nil
      }
    }
  }

  /// Targets are looked up in batches behind the parsing: each jump must still get its own chain, wherever it is declared.
  @Test func jumpsFindTheirChains() {
    let snapshot = Self.read(
      """
      *nat
      :PREROUTING ACCEPT [0:0]
      :A - [0:0]
      :B - [0:0]
      -A PREROUTING -s 10.0.0.1,10.0.0.2 -j A
      -A PREROUTING -g B
      -A A -j LATER
      :LATER - [0:0]
      -A B -j NOWHERE
      COMMIT
      *filter
      :INPUT ACCEPT [0:0]
      :A - [0:0]
      -A INPUT -j A
      COMMIT
      """)
    #expect(Self.target(snapshot, line: 5) == ["jump A", "jump A"])
    #expect(Self.target(snapshot, line: 6) == ["goto B"])
    #expect(Self.target(snapshot, line: 7) == ["jump LATER"])
    #expect(
      snapshot.diagnostics.list.filter { $0.severity == .error }.map(\.description).joined().contains("NOWHERE"))
    #expect(snapshot.diagnostics.list.filter { $0.severity == .error }.map(\.position) == [.line(9)])
    // The filter table's A is another chain than that of nat.
    guard case .statement(.jump(let chain)) = Self.clauses(snapshot, line: 14)[0].last else {
      Issue.record("no jump")
      return
    }
    #expect(snapshot.ruleset[snapshot.ruleset[chain].table].name == "filter")
  }

  /// More jumps than wait at a time, to more chains than the first tables hold.
  @Test func manyChains() {
    let count = 20_000
    var text = "*nat\n:PREROUTING ACCEPT [0:0]\n"
    for index in 0..<count { text += ":KUBE-SEP-\(index &* 7919 % count) - [0:0]\n" }
    for index in 0..<count { text += "-A PREROUTING -d 10.0.0.1/32 -j KUBE-SEP-\(index)\n" }
    let snapshot = Self.read(text + "COMMIT\n")
    #expect(snapshot.diagnostics.list.isEmpty)
    #expect(snapshot.ruleset.rules.count == count)
    let wrong = snapshot.ruleset.rules.indices.filter { index in
      guard case .statement(.jump(let chain)) = snapshot.ruleset.clauses(of: snapshot.ruleset.rules[index]).last else {
        return true
      }
      return snapshot.ruleset.name(of: chain) != "KUBE-SEP-\(index)"
    }
    #expect(wrong.isEmpty)
    for index in [0, 1, count / 2, count - 1] {
      let chain = snapshot.ruleset.chain(named: "KUBE-SEP-\(index)", in: TableID(0))
      #expect(chain.map { snapshot.ruleset.name(of: $0) } == "KUBE-SEP-\(index)")
    }
  }

  @Test func tableReentered() {
    let snapshot = Self.read(
      """
      -t nat -N A
      -t filter -N B
      -t nat -A A -j RETURN
      -t nat -A PREROUTING -j A
      """)
    let nat = snapshot.ruleset.tables(.ip, "nat")
    #expect(nat.count == 1)
    #expect(snapshot.ruleset.chains.filter { snapshot.ruleset.names[$0.name] == "A" }.count == 1)
    #expect(Self.target(snapshot, line: 4) == ["jump A"])
  }

  @Test func quotesAndNegation() {
    let snapshot = Self.read(
      """
      *filter
      :INPUT DROP [12:3456]
      :C - [0:0]
      [5:420] -A INPUT ! -s 10.0.0.0/8 -m comment --comment "a \\"quoted\\" -j DROP" -j C
      -A INPUT -s ! 10.0.0.0/8 -m comment --comment plain -j C
      -A INPUT -m comment --comment 'it is' -p tcp -m tcp ! --dport 80 -j ACCEPT
      COMMIT
      """)
    #expect(snapshot.diagnostics.list.isEmpty)
    #expect(Self.clauses(snapshot, line: 4) == Self.clauses(snapshot, line: 5))
    #expect(
      Self.clauses(snapshot, line: 6) == [
        [
          .match(Match(.equal(.protocol, value: 6, mask: 0xFF))),
          .match(Match(.equal(.destinationPort, value: 80, mask: 0xFFFF), negated: true)), .statement(.accept),
        ]
      ])
    #expect(snapshot.ruleset.bases.first?.policyDrops == true)
  }

  /// What an option needs collected must not leak into the next rule.
  @Test func rulesDoNotLeak() {
    let snapshot = Self.read(
      """
      *nat
      :PREROUTING ACCEPT [0:0]
      :A - [0:0]
      -A PREROUTING -m statistic --mode nth --every 3 --packet 1 -j A
      -A PREROUTING -m statistic --mode random --probability 0.5 -j A
      -A PREROUTING -j A
      -A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1:80
      -A PREROUTING -j A
      COMMIT
      """)
    #expect(Self.clauses(snapshot, line: 4)[0].first == .match(Match(.nth(every: 3, packet: 1))))
    #expect(Self.clauses(snapshot, line: 5)[0].first == .match(Match(.random(threshold: 1 << 30))))
    #expect(Self.clauses(snapshot, line: 6)[0].count == 1)
    #expect(Self.clauses(snapshot, line: 8)[0].count == 1)
  }

  @Test(arguments: [
    ("*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j RETURN\n", "COMMIT is missing"),
    ("*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p nosuch -j RETURN\nCOMMIT\n", "no protocol"),
    ("*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.0.0.300 -j RETURN\nCOMMIT\n", "no IPv4 address"),
    ("*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m comment --comment\nCOMMIT\n", ""),
    (
      "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m comment --comment \"a\nb\" -j RETURN\nCOMMIT\n",
      "d.txt:3: a quoted text has no end"
    ),
    ("*nat\n:PREROUTING ACCEPT [0:0]\nbroken\nCOMMIT\nnot a rule\n", "left out"),
  ])
  func badLinesAreToldAndTheRestIsKept(_ text: String, _ message: String) {
    let snapshot = Self.read(text)
    #expect(snapshot.ruleset.tables.count == 1)
    #expect(snapshot.ruleset.chains.count == 1)
    if !message.isEmpty {
      #expect(snapshot.diagnostics.list.contains { $0.description.contains(message) }, "\(snapshot.diagnostics.list)")
    }
  }

  /// What a line break in a comment takes away is unknown, not nothing.
  @Test func aRuleCutInItsCommentHasAnUnknownRest() {
    let snapshot = Self.read(
      "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.1 -m comment --comment \"a\nb\" -j DROP\nCOMMIT\n")
    let clauses = Self.clauses(snapshot, line: 3)
    #expect(clauses.count == 1)
    if case .statement(.unknown)? = clauses.first?.last { return }
    Issue.record("\(clauses)")
  }

  /// Of a copy that broke off, the chain whose rules were being written and those behind it may have more rules, and the
  /// last line may lack its end.
  @Test func aDumpWithoutItsEndSaysWhatItMayLack() {
    let snapshot = Self.read(
      "*filter\n:INPUT ACCEPT [0:0]\n:A - [0:0]\n:B - [0:0]\n-A INPUT -j A\n-A A -s 10.0.0.1 -j DROP\n-A A -s 10.0.0.2 -j DR"
    )
    let cut = snapshot.ruleset.chains.filter(\.isCut).map { snapshot.ruleset.names[$0.name] }
    #expect(cut == ["A", "B"])
    #expect(snapshot.ruleset.tables[0].isCut)
    let last = Self.clauses(snapshot, line: 7)
    #expect(last.first?.contains { if case .statement(.unknown) = $0 { true } else { false } } == true)
  }
}
