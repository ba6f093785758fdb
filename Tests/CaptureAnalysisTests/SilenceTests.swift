import CaptureAnalysis
import Findings
import Testing
import Wire

/// What is sent and never acknowledged: too large, cut in the middle, or answered on a way that does not lead back.
@Suite struct SilenceTests {
  /// The first thing said is a full segment: only what passed elsewhere tells a link that is too small from a host that
  /// is gone. Offload shows it as one large packet, its repetitions as segments.
  @Test(arguments: ["small", "nothing", "full"]) func largeFirstWords(passed: String) throws {
    var script = Script()
    if passed != "nothing" {
      let count = passed == "small" ? 40 : 1448
      script.handshake(at: 0, port: 40_000)
      script.tcp(at: 10, from: (1, 40_000), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: count)
      script.tcp(at: 11, from: (2, 80), to: (1, 40_000), seq: 501, ack: 101 + UInt32(count), flags: Script.ack)
    }
    script.handshake(at: 100, port: 40_001)
    script.tcp(at: 110, from: (1, 40_001), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: 7240)
    for delay in [210, 630, 1500, 3200, 6400] {
      script.tcp(at: 110 + delay, from: (1, 40_001), to: (2, 80), seq: 101, ack: 501, flags: Script.ack, count: 1448)
    }
    let finding = script.analyze().1.first { $0.id == "pmtu-black-hole" }
    #expect((finding == nil) == (passed == "full"))
    if let finding {
      #expect(finding.confidence == (passed == "small" ? .likely : .possible))
      // The segment, not what offload made of several.
      #expect(finding.verify.first?.text.contains("-s 1460 ") == true)
    }
  }

  /// SYN and SYN-ACK, both again and again: the server answers, the client does not hear it.
  @Test(arguments: [true, false]) func answersThatDoNotArrive(arrives: Bool) throws {
    var script = Script()
    for time in [0, 1000, 3000] {
      script.tcp(at: time, from: (1, 40_000), to: (2, 80), seq: 100, flags: Script.syn)
      script.tcp(at: time + 1, from: (2, 80), to: (1, 40_000), seq: 500, ack: 101, flags: Script.synAck)
    }
    if arrives { script.tcp(at: 3002, from: (1, 40_000), to: (2, 80), seq: 101, ack: 501, flags: Script.ack) }
    let finding = script.analyze().1.first { $0.id == "syn-unanswered" }
    #expect((finding != nil) == !arrives)
    if let finding { #expect(finding.problem.contains("do not arrive")) }
  }

  /// A connection that worked, and then nothing comes back; a late answer is plain loss.
  @Test(arguments: [true, false]) func connectionsThatDie(dies: Bool) throws {
    var script = Script()
    script.handshake(at: 0, port: 40_000)
    script.tcp(at: 10, from: (1, 40_000), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: 20)
    script.tcp(at: 11, from: (2, 80), to: (1, 40_000), seq: 501, ack: 121, flags: Script.ack)
    for delay in [0, 210, 630, 1500, 3200, 6400] {
      script.tcp(at: 5000 + delay, from: (1, 40_000), to: (2, 80), seq: 121, ack: 501, flags: Script.pushAck, count: 20)
    }
    if !dies { script.tcp(at: 11_401, from: (2, 80), to: (1, 40_000), seq: 501, ack: 141, flags: Script.ack) }
    #expect(script.ids.contains("connection-died") == dies)
    #expect(script.ids.contains("packet-loss") != dies)
  }

  /// A packet that runs in a circle on one wire is proof without a retry.
  @Test(arguments: [true, false]) func circles(loops: Bool) {
    var script = Script()
    for ttl in (loops ? 50 : 64)...64 {
      script.tcp(at: 0, from: (1, 40_000), to: (2, 80), seq: 100, flags: Script.syn, ttl: UInt8(114 - ttl))
    }
    let finding = script.analyze().1.first { $0.id == "syn-unanswered" }
    #expect((finding != nil) == loops)
    if let finding { #expect(finding.cause.contains("circle")) }
  }

  /// One connection captured at both of its ends: what two files show was sent once.
  @Test(arguments: [1, 30]) func twoEndsOfOneConnection(delay: Int) {
    var script = Script()
    for file in 0...1 {
      script.file = file
      let late = file * delay
      for (at, from, to, seq, ack, flags, count) in [
        (0, (1, 40_000), (2, 80), 100, 0, Script.syn, 0), (40, (2, 80), (1, 40_000), 500, 101, Script.synAck, 0),
        (80, (1, 40_000), (2, 80), 101, 501, Script.ack, 0), (81, (1, 40_000), (2, 80), 101, 501, Script.pushAck, 30),
        (120, (2, 80), (1, 40_000), 501, 131, Script.pushAck, 600),
        (121, (2, 80), (1, 40_000), 1101, 131, Script.pushAck, 600),
        (122, (2, 80), (1, 40_000), 1701, 131, Script.pushAck, 600),
      ] as [(Int, (UInt8, UInt16), (UInt8, UInt16), UInt32, UInt32, UInt8, Int)] {
        script.tcp(at: at + late, from: from, to: to, seq: seq, ack: ack, flags: flags, count: count)
      }
    }
    let (counts, findings, _) = script.analyze()
    #expect(findings.isEmpty, "\(findings.map(\.problem))")
    #expect(counts.duplicateFrames == 7)
  }

  /// A node shows an attempt before and behind its translation: one attempt, and how far it came.
  @Test(arguments: [nil, 7000] as [UInt32?]) func translatedAttemptsAreOne(timestamp: UInt32?) throws {
    var script = Script()
    for time in [0, 1000, 3000] {
      script.tcp(at: time, from: (1, 40_000), to: (2, 80), seq: 100, flags: Script.syn, timestamp: timestamp)
      // Masqueraded too, where only a timestamp tells whose it is.
      script.tcp(
        at: time, from: timestamp == nil ? (1, 40_000) : (3, 50_000), to: (9, 8080), seq: 100, flags: Script.syn,
        timestamp: timestamp)
    }
    let findings = script.analyze().1
    #expect(findings.map(\.id) == ["syn-unanswered"])
    let finding = try #require(findings.first)
    #expect(finding.problem.hasPrefix("1 connection attempt to 10.0.0.2:80 "))
    #expect(finding.evidence.contains { $0.frame == 2 && $0.text.contains("10.0.0.9:8080") })
  }

  /// A FIN has the number of the acknowledgment before it, and repeats nothing.
  @Test func endingsAreNoCopies() {
    var script = Script()
    script.handshake(at: 0, port: 40_000)
    script.tcp(at: 2, from: (1, 40_000), to: (2, 80), seq: 101, ack: 501, flags: Script.ack | 1)
    script.tcp(at: 3, from: (2, 80), to: (1, 40_000), seq: 501, ack: 102, flags: Script.ack)
    script.tcp(at: 3, from: (2, 80), to: (1, 40_000), seq: 501, ack: 102, flags: Script.ack | 1)
    script.tcp(at: 4, from: (1, 40_000), to: (2, 80), seq: 102, ack: 502, flags: Script.ack)
    let (counts, findings, _) = script.analyze()
    #expect(counts.duplicateFrames == 0)
    #expect(findings.isEmpty)
  }

  /// On the node both SYNs show, to the Service and to the Pod behind it; the Pod answers by itself.
  @Test func untranslatedAnswersSeenOnTheNode() throws {
    var script = Script()
    for time in [0, 1000] {
      script.tcp(at: time, from: (1, 40_000), to: (2, 80), seq: 100, flags: Script.syn)
      script.tcp(at: time, from: (1, 40_000), to: (9, 8080), seq: 100, flags: Script.syn, ttl: 63)
      script.tcp(at: time + 1, from: (9, 8080), to: (1, 40_000), seq: 500, ack: 101, flags: Script.synAck)
      script.tcp(at: time + 2, from: (1, 40_000), to: (9, 8080), seq: 101, flags: Script.rst)
    }
    let findings = script.analyze().1
    #expect(findings.map(\.id) == ["reply-not-translated"])
    #expect(
      findings.first?.problem
        == "answers to 10.0.0.2:80 come from 10.0.0.9:8080, which the client never dialled (1 connection)")
  }

  /// The display filter shows every conversation that stands in the evidence.
  @Test func filtersShowAllExamples() throws {
    var script = Script()
    for port in [40_000, 40_001] as [UInt16] {
      for time in [0, 1000] { script.tcp(at: time, from: (1, port), to: (2, 80), seq: 100, flags: Script.syn) }
    }
    let finding = try #require(script.analyze().1.first)
    #expect(
      finding.evidence.last?.filter
        == "ip.addr==10.0.0.1 && ip.addr==10.0.0.2 && tcp.port==80 "
        + "&& (tcp.port==40000 || tcp.port==40001)")
  }
}
