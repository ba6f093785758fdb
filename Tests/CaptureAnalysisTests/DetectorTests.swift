import CaptureAnalysis
import Findings
import Testing
import Wire

/// Faults that the lab cannot make, and their healthy likenesses.
@Suite struct DetectorTests {
  /// Two hosts behind one address, the second with an older clock: an old server with tcp_tw_recycle drops its SYNs.
  @Test(arguments: [true, false]) func timestampsBehindOneAddress(recycles: Bool) {
    var script = Script()
    for number in 0..<6 {
      let isOld = number % 2 == 1
      let port = UInt16(40_000 + number)
      if isOld, recycles {
        for (retry, delay) in [0, 1000, 3000].enumerated() {
          script.tcp(
            at: number * 100 + delay, from: (1, port), to: (2, 80), seq: 100, flags: Script.syn,
            timestamp: 1000 + UInt32(retry))
        }
      } else {
        script.handshake(at: number * 100, port: port, timestamp: isOld ? 1000 : 90_000 + UInt32(number))
      }
    }
    #expect(script.ids.contains("tcp-timestamps-nat") == recycles)
  }

  /// In the middle of a translated connection a packet arrives from the Pod itself, and the client resets it.
  @Test(arguments: [true, false]) func untranslatedInTheMiddle(reset: Bool) {
    var script = Script()
    script.handshake(at: 0, port: 40_000)
    script.tcp(at: 10, from: (1, 40_000), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: 50)
    script.tcp(at: 20, from: (2, 80), to: (1, 40_000), seq: 501, ack: 151, flags: Script.pushAck, count: 50)
    if reset {
      script.tcp(at: 30, from: (9, 8080), to: (1, 40_000), seq: 551, ack: 151, flags: Script.pushAck, count: 50)
      script.tcp(at: 31, from: (1, 40_000), to: (9, 8080), seq: 151, flags: Script.rst)
    }
    #expect(script.ids.contains("invalid-packet-reset") == reset)
  }

  /// Two taps of one node: on one the endpoint answers, on the other its answer has the dialled address again. Where
  /// nothing changes it back, the client resets it.
  @Test(arguments: [(true, false), (true, true), (false, false)])
  func answersBeforeAndAfterTranslation(works: Bool, resets: Bool) {
    var script = Script()
    script.tcp(at: 0, from: (1, 40_000), to: (2, 80), seq: 100, flags: Script.syn)
    if works { script.tcp(at: 1, from: (2, 80), to: (1, 40_000), seq: 500, ack: 101, flags: Script.synAck) }
    script.tcp(at: 2, from: (9, 8080), to: (1, 40_000), seq: 500, ack: 101, flags: Script.synAck)
    if works {
      script.tcp(at: 3, from: (1, 40_000), to: (2, 80), seq: 101, ack: 501, flags: Script.ack)
      script.tcp(at: 4, from: (1, 40_000), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: 50)
      for server: (UInt8, UInt16) in [(2, 80), (9, 8080)] {
        script.tcp(at: 5, from: server, to: (1, 40_000), seq: 501, ack: 151, flags: Script.pushAck, count: 60)
      }
      script.tcp(
        at: 6, from: (1, 40_000), to: (2, 80), seq: 151, ack: 561, flags: resets ? Script.rst : Script.ack)
    } else {
      script.tcp(at: 3, from: (1, 40_000), to: (9, 8080), seq: 101, flags: Script.rst)
    }
    #expect(script.ids.contains("reply-not-translated") != works)
  }

  /// Each tenth connection loses its first SYN and gets through with the retry after a second.
  @Test(arguments: [true, false]) func firstSynsLost(races: Bool) {
    var script = Script()
    for number in 0..<60 {
      let start = number * 50
      let port = UInt16(40_000 + number)
      if races, number % 10 == 0 {
        script.tcp(at: start, from: (1, port), to: (2, 80), seq: 100, flags: Script.syn)
        script.handshake(at: start + 1000, port: port)
      } else {
        script.handshake(at: start, port: port)
      }
    }
    #expect(script.ids.contains("snat-port-race") == races)
  }

  /// Source ports come round within seconds, and the connections that reuse one do not come about at once.
  @Test(arguments: [true, false]) func portsUsedUp(exhausted: Bool) {
    var script = Script()
    for number in 0..<24 {
      let start = number * 500
      let port = UInt16(exhausted ? 40_000 + number % 4 : 40_000 + number)
      if exhausted, number >= 4, number % 2 == 0 {
        script.tcp(at: start, from: (1, port), to: (2, 80), seq: UInt32(number) * 1000, flags: Script.syn)
        script.tcp(at: start + 400, from: (1, port), to: (2, 80), seq: UInt32(number) * 1000, flags: Script.syn)
      } else {
        script.tcp(at: start, from: (1, port), to: (2, 80), seq: UInt32(number) * 1000, flags: Script.syn)
        script.tcp(
          at: start + 1, from: (2, 80), to: (1, port), seq: 500, ack: UInt32(number) * 1000 + 1, flags: Script.synAck)
        script.tcp(
          at: start + 2, from: (1, port), to: (2, 80), seq: UInt32(number) * 1000 + 1, ack: 501, flags: Script.ack)
      }
    }
    #expect(script.ids.contains("snat-port-exhaustion") == exhausted)
  }

  /// What a router sends back out of the same interface, or a mirror port shows at both ports: seen twice, sent once.
  @Test(arguments: [(63, 0), (64, 0), (64, 5)] as [(UInt8, Int)]) func copiesAreNotRetransmissions(ttl: UInt8, gap: Int)
  {
    var script = Script()
    script.handshake(at: 0, port: 40_000)
    for number in 0..<6 {
      let seq = UInt32(101 + number * 50)
      let at = 10 + number * 10
      script.tcp(at: at, from: (1, 40_000), to: (2, 80), seq: seq, ack: 501, flags: Script.pushAck, count: 50)
      script.tcp(
        at: at + gap, from: (1, 40_000), to: (2, 80), seq: seq, ack: 501, flags: Script.pushAck, count: 50, ttl: ttl,
        id: gap == 0 ? 7 : 8)
    }
    let (counts, findings, _) = script.analyze()
    #expect(counts.tcpRetransmissions == 6)
    #expect(counts.duplicateRetransmissions == (gap == 0 ? 6 : 0))
    #expect(findings.contains { $0.id == "packet-loss" } == (gap > 0))
  }

  /// A router whose route leads back returns each SYN; the other host only never answers.
  @Test(arguments: [true, false]) func routesThatLeadBackAreTold(back: Bool) throws {
    var script = Script()
    for time in [0, 1000, 3000] {
      script.tcp(at: time, from: (1, 40_000), to: (2, 80), seq: 100, flags: Script.syn)
      if back { script.tcp(at: time, from: (1, 40_000), to: (2, 80), seq: 100, flags: Script.syn, ttl: 63) }
    }
    let finding = try #require(script.analyze().1.first)
    #expect(finding.id == "syn-unanswered")
    #expect(finding.problem.hasPrefix("1 connection attempt"))
    #expect(finding.cause.contains("back out of the interface") == back)
  }

  /// VXLAN on a port that nobody told: three packets teach it, the fourth is walked.
  @Test func vxlanPortsAreLearned() {
    let inner = AnalyzerTests.ipv4(
      6, from: [10, 244, 0, 1], to: [10, 244, 0, 2], AnalyzerTests.tcp(1000, 80, seq: 1, ack: 0, flags: 2))
    var script = Script()
    for number in 0..<5 {
      script.add(
        AnalyzerTests.ipv4(
          17, AnalyzerTests.udp(50_000, 7777, AnalyzerTests.vxlan + AnalyzerTests.ethernet + inner)), at: number)
    }
    #expect(script.analyze().0.vxlan == 2)
    // The same bytes with something reserved set are no VXLAN.
    var other = Script()
    var header = AnalyzerTests.vxlan
    header[3] = 1
    for number in 0..<5 {
      other.add(
        AnalyzerTests.ipv4(17, AnalyzerTests.udp(50_000, 7777, header + AnalyzerTests.ethernet + inner)), at: number)
    }
    #expect(other.analyze().0.vxlan == 0)
  }

  @Test func announcedMTUsStandInThePaths() throws {
    var script = Script()
    script.handshake(at: 0, port: 40_000)
    script.tcp(at: 10, from: (1, 40_000), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: 1400)
    let quoted = Array(
      AnalyzerTests.ipv4(6, from: [10, 0, 0, 1], AnalyzerTests.tcp(40_000, 80, seq: 101, ack: 501, flags: 24)))
    script.add(
      AnalyzerTests.ipv4(1, from: [10, 0, 0, 9], to: [10, 0, 0, 1], [3, 4, 0, 0, 0, 0, 0x05, 0x14] + quoted), at: 11)
    let paths = script.analyze().2.paths
    let path = try #require(paths.first)
    #expect(path.source.description == "10.0.0.1")
    #expect(path.announced == 1300)
    #expect(paths.dropFirst().allSatisfy { !$0.isLimited })
  }

  /// A question of client 1 to server 53 and its answer, `delay` later, with a response code.
  private static func ask(
    _ script: inout Script, at start: Int, _ identifier: UInt8, _ name: [String], delay: Int?, code: UInt8 = 0
  ) {
    let labels: [UInt8] = name.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0, 0, 1, 0, 1]
    let port = UInt16(30_000) + UInt16(identifier)
    let question: [UInt8] = [0x12, identifier, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + labels
    script.add(
      AnalyzerTests.ipv4(17, from: [10, 0, 0, 1], to: [10, 0, 0, 53], AnalyzerTests.udp(port, 53, question)), at: start)
    guard let delay else { return }
    let answer: [UInt8] = [0x12, identifier, 0x81, 0x80 | code, 0, 1, 0, 0, 0, 0, 0, 0] + labels
    script.add(
      AnalyzerTests.ipv4(17, from: [10, 0, 0, 53], to: [10, 0, 0, 1], AnalyzerTests.udp(53, port, answer)),
      at: start + delay)
  }

  /// A resolver that answers after more than a second is too slow, one that needs a tenth of that is not.
  @Test(arguments: [1500, 150]) func lateAnswersAreTold(delay: Int) throws {
    var script = Script()
    for number in 0..<4 as Range<UInt8> {
      Self.ask(&script, at: Int(number) * 100, number, ["example", "org"], delay: number == 2 ? delay : 5)
    }
    let found = script.analyze().1.filter { $0.id.hasPrefix("dns") }
    #expect(found.map(\.id) == (delay > 1000 ? ["dns-service"] : []))
    guard delay > 1000 else { return }
    let finding = try #require(found.first)
    #expect(finding.problem == "1 DNS answer from 10.0.0.53 came later than 1 s, at most after 1.5 s")
    #expect(finding.evidence.first?.frame == 5)
  }

  /// SERVFAIL and REFUSED are the resolver's fault, NXDOMAIN is an answer.
  @Test(arguments: [2, 5, 3] as [UInt8]) func resolversThatFailAreTold(code: UInt8) {
    var script = Script()
    Self.ask(&script, at: 0, 1, ["example", "org"], delay: 5, code: code)
    #expect(script.ids.contains("dns-failure") == (code != 3))
  }

  /// A Service's name that no suffix makes exist; one that the second suffix does is there, an outside name that exists as it
  /// is as well.
  @Test(arguments: ["gone", "second", "outside"]) func namesThatDoNotExist(kind: String) {
    var script = Script()
    let base = kind == "outside" ? ["example", "org"] : ["cart"]
    for (number, suffix) in [
      ["shop", "svc", "cluster", "local"], ["svc", "cluster", "local"], ["cluster", "local"], [],
    ].enumerated() {
      let exists = kind == "second" && number == 1 || kind == "outside" && number == 3
      Self.ask(&script, at: number * 10, UInt8(number), base + suffix, delay: 1, code: exists ? 0 : 3)
    }
    #expect(script.ids.contains("dns-failure") == (kind == "gone"))
  }

  /// Questions that were answered and come again: the answers do not arrive.
  @Test(arguments: [5000, 0]) func answersThatDoNotArrive(again: Int) {
    var script = Script()
    for number in 0..<3 as Range<UInt8> {
      Self.ask(&script, at: Int(number) * 3000, number, ["web", "shop", "svc", "cluster", "local"], delay: 1)
      if again > 0 {
        Self.ask(
          &script, at: Int(number) * 3000 + again / 5, number, ["web", "shop", "svc", "cluster", "local"], delay: 1)
      }
    }
    #expect(script.ids == (again > 0 ? ["dns-answers-lost"] : []))
  }

  /// Outside names with a cluster suffix: a few happen, many are a search list at work. Names of Services are none.
  @Test(arguments: [(6, true), (4, true), (6, false)]) func searchListsAreTold(count: Int, isOutside: Bool) {
    var script = Script()
    for number in 0..<count {
      let name = (isOutside ? ["www", "example", "org"] : ["web"]) + ["default", "svc", "cluster", "local"]
      Self.ask(&script, at: number * 10, UInt8(number), name, delay: 1, code: 3)
    }
    #expect(script.ids.contains("dns-service") == (count > 5 && isOutside))
  }

  /// Far more source ports than the translated address has room for, after thousands of other pairs.
  @Test(arguments: [true, false]) func portsUsedUpAmongManyOthers(exhausted: Bool) {
    var script = Script()
    for number in 0..<5000 {
      script.tcp(
        at: number, from: (UInt8(3 + number % 200), UInt16(20_000 + number / 200)),
        to: (UInt8(210 + number % 7), UInt16(1000 + number)), seq: 1, flags: Script.syn)
    }
    for number in 0..<(exhausted ? 25_000 : 2000) {
      script.tcp(
        at: 10_000 + number, from: (1, UInt16(32_768 + number)), to: (2, 80), seq: 1, flags: Script.syn)
      guard number % 100 != 0 || !exhausted else { continue }
      script.tcp(
        at: 10_000 + number, from: (2, 80), to: (1, UInt16(32_768 + number)), seq: 1, ack: 2, flags: Script.synAck)
    }
    #expect(script.ids.contains("snat-port-exhaustion") == exhausted)
  }

  /// Three nodes share a VNI: the first talks with the second, and the third never answers it, or does, or gets only what
  /// is flooded to all.
  @Test(arguments: ["silent", "answers", "flooded"]) func oneWayTunnelsAmongOthers(third: String) {
    var script = Script()
    script.carry((1, 2), (1, 2), Script.syn, at: 0)
    script.carry((2, 1), (2, 1), Script.synAck, at: 1)
    script.carry((1, 2), (1, 2), Script.ack, at: 2)
    for number in 0..<4 {
      if third == "flooded" {
        let group = AnalyzerTests.ipv4(
          17, from: [10, 244, 0, 1], to: [224, 0, 0, 251], AnalyzerTests.udp(9, 5353, [1]))
        script.tunnel((1, 3), group, at: 10 + number * 1000)
      } else {
        script.carry((1, 3), (1, 3), Script.syn, at: 10 + number * 1000)
        if third == "answers" { script.carry((3, 1), (3, 1), Script.synAck, at: 11 + number * 1000) }
      }
    }
    #expect(script.ids.contains("vxlan-port") == (third == "silent"))
  }

  /// The receiving node shows the inner SYN behind the tunnel: the tunnel works. The sending one shows it before.
  @Test(arguments: [true, false]) func tunnelsThatAreTakenOutOf(receives: Bool) {
    var script = Script()
    for number in 0..<4 {
      let inner = AnalyzerTests.ipv4(
        6, from: [10, 244, 0, 1], to: [10, 244, 0, 2],
        AnalyzerTests.tcp(40_000, 80, seq: 100, ack: 0, flags: Script.syn))
      script.add(inner, at: number * 1000 + (receives ? 1 : -1) + 1)
      script.carry((1, 2), (1, 2), Script.syn, at: number * 1000 + 1)
    }
    #expect(script.ids.contains("vxlan-port") == !receives)
    #expect(script.ids.contains("syn-unanswered"))
  }

  /// The second node answers the first at an address that is not the first's, as with a wrong public-ip annotation.
  @Test(arguments: [9, 1] as [UInt8]) func answersToAnotherVTEP(address: UInt8) throws {
    var script = Script()
    for number in 0..<4 {
      script.carry((1, 2), (1, 2), Script.syn, at: number * 1000)
      script.carry((2, address), (2, 1), Script.synAck, at: number * 1000 + 1)
    }
    let findings = script.analyze().1.filter { ["wrong-vtep", "vxlan-port"].contains($0.id) }
    guard address == 9 else { return #expect(findings.isEmpty) }
    #expect(findings.map(\.id) == ["wrong-vtep"])
    let finding = try #require(findings.first)
    #expect(finding.problem == "10.0.0.2 gets VXLAN packets from 10.0.0.1 and sends its own to 10.0.0.9")
  }
}

extension Script {
  /// A segment of the Pods 10.244.0.x in VXLAN between the nodes 10.0.0.x; SYN-ACKs go back from port 80.
  fileprivate mutating func carry(_ outer: (UInt8, UInt8), _ pods: (UInt8, UInt8), _ flags: UInt8, at time: Int) {
    let answer = flags == Script.synAck
    let acknowledges = flags == Script.ack
    let segment = AnalyzerTests.tcp(
      answer ? 80 : 40_000, answer ? 40_000 : 80, seq: answer ? 500 : acknowledges ? 101 : 100,
      ack: answer ? 101 : acknowledges ? 501 : 0, flags: flags)
    tunnel(outer, AnalyzerTests.ipv4(6, from: [10, 244, 0, pods.0], to: [10, 244, 0, pods.1], segment), at: time)
  }

  fileprivate mutating func tunnel(_ outer: (UInt8, UInt8), _ inner: [UInt8], at time: Int) {
    add(
      AnalyzerTests.ipv4(
        17, from: [10, 0, 0, outer.0], to: [10, 0, 0, outer.1],
        AnalyzerTests.udp(50_000, 4789, AnalyzerTests.vxlan + AnalyzerTests.ethernet + inner)), at: time)
  }
}
