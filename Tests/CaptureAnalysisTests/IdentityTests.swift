import CaptureAnalysis
import CaptureFile
import Findings
import Testing
import Wire

/// What belongs together: the two directions of a tunnel whose identifier is the sender's, copies of a mirror port, frames
/// by their numbers.
@Suite struct IdentityTests {
  private static func carried(_ inner: Script, from source: UInt8, vni: UInt8, geneve: Bool) -> [UInt8] {
    let frame = [UInt8](repeating: 2, count: 12) + [8, 0] + inner.frames.last!.bytes
    let header: [UInt8] = geneve ? [0, 0, 0x65, 0x58, 0, 0, vni, 0] : [8, 0, 0, 0, 0, 0, vni, 0]
    return AnalyzerTests.ipv4(
      17, from: [192, 168, 7, source], to: [192, 168, 7, 3 - source],
      AnalyzerTests.udp(50_000, geneve ? 6081 : 8472, header + frame))
  }

  /// Cilium's identities differ by direction, and the conversations inside are whole. Where nothing answers under the other
  /// identifier, the VNIs are a fault.
  @Test(arguments: [(true, false), (true, true), (false, false)]) func identifiersOfTheSender(
    answers: Bool, geneve: Bool
  ) {
    var script = Script()
    for number in 0..<3 as Range<UInt16> {
      var inner = Script()
      let at = Int(number) * 100
      func add(_ source: UInt8) {
        script.add(Self.carried(inner, from: source, vni: source == 1 ? 61 : 74, geneve: geneve), at: at)
      }
      inner.tcp(at: at, from: (11, 40_000 + number), to: (12, 80), seq: 100, flags: Script.syn)
      add(1)
      if answers {
        inner.tcp(at: at, from: (12, 80), to: (11, 40_000 + number), seq: 500, ack: 101, flags: Script.synAck)
        add(2)
        inner.tcp(at: at, from: (11, 40_000 + number), to: (12, 80), seq: 101, ack: 501, flags: Script.ack)
        add(1)
      } else {
        inner.tcp(at: at, from: (12, 50_000 + number), to: (11, 80), seq: 100, flags: Script.syn)
        add(2)
      }
    }
    let (counts, findings, report) = script.analyze()
    #expect(counts.tcp == (answers ? 9 : 6))
    if answers {
      #expect(findings.filter { $0.severity != .info }.isEmpty && !findings.contains { $0.id == "one-direction-only" })
      #expect(report.conversations.filter { $0.proto == .tcp }.count == 3)
    } else {
      #expect(findings.contains { $0.id == "vxlan-port" && $0.problem.contains("different VNIs") })
    }
  }

  /// A mirror port shows a burst, and a third of a millisecond later the same burst: equal identifications are copies, new ones
  /// are sent again.
  @Test(arguments: [true, false]) func mirroredBursts(copies: Bool) {
    var script = Script()
    script.handshake(at: 0, port: 40_000)
    for round in 0..<4 as Range<UInt32> {
      for pass in 0..<2 {
        for number in 0..<3 as Range<UInt32> {
          script.tcp(
            at: 10 + Int(round) * 20 + pass * 2, from: (1, 40_000), to: (2, 80), seq: 101 + (round * 3 + number) * 50,
            ack: 501,
            flags: Script.pushAck, count: 50,
            id: UInt16(100 + round * 6 + number) + (copies || pass == 0 ? 0 : 3))
        }
      }
    }
    let (_, findings, _) = script.analyze()
    #expect(findings.contains { $0.id == "packet-loss" } == !copies)
  }

  /// What a port that others use carries is no Geneve because of its number.
  @Test func geneveLooksLikeGeneve() {
    var script = Script()
    script.add(
      AnalyzerTests.ipv4(
        17, AnalyzerTests.udp(4500, 6081, [0, 0, 0, 0, 1, 2, 3, 4] + [UInt8](repeating: 9, count: 60))), at: 0)
    let (counts, findings, _) = script.analyze()
    #expect(counts.geneve == 0 && counts.undecoded == 0 && findings.isEmpty)
  }

  /// A SYN whose acknowledgment field is not empty says nothing by it.
  @Test func unusedFieldsAreNotRead() {
    var script = Script()
    for time in [0, 1000, 3000] {
      script.tcp(
        at: time, from: (1, 40_000), to: (2, 80), seq: 100, ack: 77_777, flags: Script.syn, id: UInt16(9 + time))
    }
    #expect(script.ids == ["syn-unanswered"])
  }

  /// A SYN and a reset of the same client with another hop limit are two packets, not one that runs in a circle.
  @Test func otherPacketsAreNoCircle() {
    var script = Script()
    script.tcp(at: 0, from: (1, 40_000), to: (2, 80), seq: 100, flags: Script.syn, ttl: 242)
    script.tcp(at: 21, from: (1, 40_000), to: (2, 80), seq: 101, flags: Script.rst, ttl: 55, id: 0)
    #expect(script.ids.isEmpty)
  }

  /// Zero windows behind the connection's end stop nobody.
  @Test func closedWindowsBehindTheEnd() {
    var script = Script()
    script.handshake(at: 0, port: 40_000)
    script.tcp(at: 10, from: (2, 80), to: (1, 40_000), seq: 501, ack: 101, flags: 17, id: 8)
    script.tcp(at: 11, from: (1, 40_000), to: (2, 80), seq: 101, ack: 502, flags: 17, id: 9)
    script.tcp(at: 300, from: (1, 40_000), to: (2, 80), seq: 102, ack: 502, flags: Script.ack, id: 10, window: 0)
    script.tcp(at: 900, from: (2, 80), to: (1, 40_000), seq: 502, ack: 102, flags: Script.ack, id: 11)
    #expect(!script.ids.contains("zero-window"))
  }

  /// A length in a segment of its own belongs to the message that follows.
  @Test func domainMessagesBehindTheirLength() {
    var script = Script()
    script.handshake(at: 0, port: 40_000, server: (2, 53))
    let question: [UInt8] = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 119, 119, 119, 0, 0, 1, 0, 1]
    script.tcp(
      at: 10, from: (1, 40_000), to: (2, 53), seq: 101, ack: 501, flags: Script.pushAck,
      payload: [0, UInt8(question.count)], id: 8)
    script.tcp(
      at: 11, from: (1, 40_000), to: (2, 53), seq: 103, ack: 501, flags: Script.pushAck, payload: question, id: 9)
    #expect(script.analyze().0.dnsQueries == 1)
  }

  /// One connection before and after its addresses were translated, in two captures: what the second lacks was lost between
  /// them, and what was sent again counts once.
  @Test func twoPointsOfOneConnection() throws {
    var script = Script()
    func both(
      at: Int, toServer: Bool, seq: UInt32, ack: UInt32, flags: UInt8, count: Int = 0, id: UInt16, isLost: Bool = false
    ) {
      let ends: [((UInt8, UInt16), (UInt8, UInt16))] = [((1, 40_000), (2, 80)), ((3, 55_000), (9, 8080))]
      // The sender's side first.
      for file in toServer ? [0, 1] : [1, 0] where !(isLost && file == (toServer ? 1 : 0)) {
        script.file = file
        let (client, server) = ends[file]
        script.tcp(
          at: at, from: toServer ? client : server, to: toServer ? server : client, seq: seq, ack: ack, flags: flags,
          count: count,
          ttl: file == 0 ? 64 : 63, id: id)
      }
      script.file = 1
    }
    both(at: 0, toServer: true, seq: 100, ack: 0, flags: Script.syn, id: 1)
    both(at: 1, toServer: false, seq: 500, ack: 101, flags: Script.synAck, id: 51)
    both(at: 2, toServer: true, seq: 101, ack: 501, flags: Script.ack, id: 2)
    for number in 0..<12 as Range<UInt32> {
      let (at, seq) = (10 + Int(number) * 1000, 101 + number * 50)
      let isLost = number % 3 == 0
      both(
        at: at, toServer: true, seq: seq, ack: 501, flags: Script.pushAck, count: 50, id: UInt16(10 + number * 2),
        isLost: isLost)
      if isLost {
        both(
          at: at + 300, toServer: true, seq: seq, ack: 501, flags: Script.pushAck, count: 50,
          id: UInt16(11 + number * 2))
      }
      both(at: at + 400, toServer: false, seq: 501, ack: seq + 50, flags: Script.ack, id: UInt16(60 + number))
    }
    let finding = try #require(script.analyze().1.first { $0.id == "packet-loss" })
    #expect(finding.problem.contains("(4 of 16)"))
    #expect(finding.cause.hasPrefix("4 packets of 1 connection lost between "))
    #expect(finding.cause.hasSuffix("(4 towards the server)"))
  }
}
