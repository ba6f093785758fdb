import Findings
import Testing

/// Attempts that go into a tunnel: what is sure of them comes first, and one cause is told once.
@Suite struct TunnelTests {
  /// The last packet of a script, in VXLAN 42 from 192.168.0.1 to .2.
  private static func wrapped(_ script: Script) -> [UInt8] {
    let inner = [UInt8](repeating: 2, count: 12) + [8, 0] + script.frames.last!.bytes
    return AnalyzerTests.ipv4(
      17, from: [192, 168, 0, 1], to: [192, 168, 0, 2], AnalyzerTests.udp(50_000, 8472, AnalyzerTests.vxlan + inner))
  }

  /// Nothing comes back from the tunnel. Of one destination that says little: that one may be down.
  @Test(arguments: [1, 2]) func nothingComesBack(destinations: Int) {
    var script = Script()
    for number in 0..<destinations {
      for (retry, time) in [0, 1000, 3000].enumerated() {
        var inner = Script()
        inner.tcp(
          at: time, from: (1, 40_000), to: (UInt8(2 + number), 80), seq: 100, flags: Script.syn,
          id: UInt16(retry))
        script.add(Self.wrapped(inner), at: time + number)
      }
    }
    let found = script.analyze().1.filter { $0.severity == .error }
    #expect(found.first?.id == (destinations == 1 ? "syn-unanswered" : "vxlan-port"))
    #expect(found.first { $0.id == "vxlan-port" }?.confidence == (destinations == 1 ? .possible : .likely))
  }

  /// The SYN comes through the tunnel, its SYN-ACK leaves beside it: the SYN was answered, the answer is not heard.
  @Test func answerLeavesBeside() {
    var script = Script()
    for time in [0, 1000, 3000] {
      var inner = Script()
      inner.tcp(at: time, from: (1, 40_000), to: (2, 80), seq: 100, flags: Script.syn, timestamp: 9000)
      script.add(Self.wrapped(inner), at: time)
      script.tcp(at: time + 1, from: (1, 40_000), to: (2, 80), seq: 100, flags: Script.syn, timestamp: 9000)
      script.tcp(at: time + 2, from: (2, 80), to: (1, 40_000), seq: 500, ack: 101, flags: Script.synAck)
    }
    let found = script.analyze().1.filter { $0.severity == .error }
    #expect(found.map(\.id) == ["syn-unanswered"])
    #expect(found.first?.cause.contains("did not masquerade") == true)
  }
}
