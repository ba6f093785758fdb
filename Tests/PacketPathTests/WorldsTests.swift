import Snapshot
import Testing
import Wire

@testable import PacketPath

/// What is not known is either so or not: the worlds of a trace, and what is said where there are too many.
@Suite struct WorldsTests {
  /// What stands in front of a Service of some endpoints, each of which a set may keep a client from.
  static func endpoints(_ count: Int) -> String {
    "*nat\n:PREROUTING ACCEPT [0:0]\n"
      + (0..<count).map {
        let chance = $0 == count - 1 ? "" : " -m statistic --mode random --probability \(1 / Double(count - $0))"
        return "-A PREROUTING -d 10.96.0.9/32 -p tcp\(chance) -j DNAT --to-destination 10.244.1.\($0 + 10):80\n"
      }.joined() + "COMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n"
      + (0..<count).map { "-A FORWARD -d 10.244.1.\($0 + 10)/32 -m set --match-set s\($0) src -j DROP\n" }.joined()
      + "COMMIT\n"
  }

  private static func trace(_ rules: String) -> Trace {
    PathTracer(node(rules)).trace(flow("192.0.2.77", "10.96.0.9", 80, from: "eth0"))
  }

  /// The share that is forwarded, in tenths of a percent.
  private static func forwarded(_ trace: Trace) -> (Worlds.Shares) -> Int {
    { shares in
      Int(
        (shares.reduce(0) { $0 + (trace.outcomes[$1.outcome].verdict == .forward ? $1.chance : 0) } * 1000).rounded())
    }
  }

  @Test func fewFactsAreLookedAtInAllTheirCombinations() {
    let trace = Self.trace(Self.endpoints(4))
    var judged = 0
    let judge = Self.forwarded(trace)
    let results = trace.worlds.results { shares in
      judged += 1
      return judge(shares)
    }
    #expect(results.isComplete)
    #expect(judged == 16)
    #expect(Set(results.list.map(\.result)) == [0, 250, 500, 750, 1000])
    #expect(results.deciding.count == 4)
  }

  /// Facts that endpoints hang on one each multiply: what is said then comes from some of their combinations.
  @Test(arguments: [10, 12, 40]) func manyIndependentFactsAreLookedAtOneByOne(_ count: Int) {
    let trace = Self.trace(Self.endpoints(count))
    var judged = 0
    let judge = Self.forwarded(trace)
    let results = trace.worlds.results { shares in
      judged += 1
      return judge(shares)
    }
    #expect(trace.worlds.facts.count == count)
    #expect(!results.isComplete)
    #expect(judged <= 2 * (count + 1))
    #expect(results.deciding.count == count)
    #expect(Set(results.list.map(\.result)).isSuperset(of: [0, 1000]))
    for entry in results.list { #expect(entry.facts.count == count) }
  }

  /// Facts that are asked one behind the other do not: each but the last rules out those behind it.
  @Test func factsBehindEachOtherAreFew() {
    let trace = Self.trace(
      "*filter\n:FORWARD ACCEPT [0:0]\n"
        + (0..<100).map { "-A FORWARD -m set --match-set s\($0) src -j DROP\n" }.joined() + "COMMIT\n")
    var judged = 0
    let results = trace.worlds.results { shares in
      judged += 1
      return trace.outcomes[shares[0].outcome].verdict
    }
    #expect(results.isComplete)
    #expect(judged == 101)
    #expect(Set(results.list.map(\.result)) == [.drop, .forward])
  }

  /// Ways by chance are bounded like all others, whatever each changes, and what was cut off is said.
  @Test(
    arguments: [
      { "-m statistic --mode random --probability 0.5 -j MARK --set-xmark \(1 << ($0 % 31))/\(1 << ($0 % 31))" },
      { "-m statistic --mode random --probability 0.5 -s 192.0.2.0/2\($0 % 9) -j TTL --ttl-dec 1" },
      { _ in "-m statistic --mode random --probability 0.5 -j X" },
    ] as [@Sendable (Int) -> String]) func chanceIsBounded(_ rule: @Sendable (Int) -> String)
  {
    let text =
      "*mangle\n:FORWARD ACCEPT [0:0]\n:X - [0:0]\n" + (0..<40).map { "-A FORWARD \(rule($0))\n" }.joined()
      + "-A X -m statistic --mode random --probability 0.5 -j MARK --set-xmark 0x1/0x1\nCOMMIT\n"
    let trace = PathTracer(node(text)).trace(flow("10.244.1.7", "198.51.100.7", 80, from: "cni0"))
    #expect(trace.truncated > 0 || trace.outcomes.count < 100)
    // One for each way, and the one that was there.
    #expect(trace.outcomes.count <= Engine.maximumDraws + 1)
    #expect(abs(trace.outcomes.reduce(0) { $0 + $1.probability } - 1) < 1e-6)
  }
}
