import CaptureAnalysis
import Findings
import Testing
import Wire

/// What comes instead of the answer that was asked for: silence, a reset, another protocol, an ICMP error.
@Suite struct AnswerTests {
  /// A TLS 1.2 ClientHello, as far as the analysis reads it.
  private static let clientHello: [UInt8] = [22, 3, 1, 0, 42, 1, 0, 0, 38, 3, 3] + [UInt8](repeating: 7, count: 36)

  /// What a server says to a ClientHello: plain text, nothing for seconds, nothing yet, or a ServerHello.
  @Test(arguments: ["plain", "silence", "soon over", "TLS"]) func clientHellosAreAnswered(by answer: String) throws {
    var script = Script()
    script.handshake(at: 0, port: 40_000)
    script.tcp(
      at: 10, from: (1, 40_000), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, payload: Self.clientHello)
    script.tcp(at: 11, from: (2, 80), to: (1, 40_000), seq: 501, ack: 148, flags: Script.ack)
    switch answer {
    case "plain", "TLS":
      let payload = answer == "TLS" ? [22, 3, 3, 0, 4, 2, 0, 0, 0] : Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)
      script.tcp(
        at: 12, from: (2, 80), to: (1, 40_000), seq: 501, ack: 148, flags: Script.pushAck, payload: payload)
    default:
      script.tcp(
        at: answer == "silence" ? 5000 : 500, from: (1, 40_000), to: (2, 80), seq: 148, ack: 501,
        flags: Script.ack | 1)
    }
    let finding = script.analyze().1.first {
      $0.id == (answer == "plain" ? "plaintext-to-tls" : "tls-handshake-failure")
    }
    #expect((finding != nil) == (answer == "plain" || answer == "silence"))
    #expect(finding?.severity == (answer == "plain" ? .error : answer == "silence" ? .warning : nil))
  }

  /// A request that is answered by a reset; behind the client's FIN a reset is a way to hang up.
  @Test(arguments: [true, false], [10, 900_000]) func resetsInsteadOfAnswers(hangsUp: Bool, pause: Int) throws {
    var script = Script()
    script.handshake(at: 0, port: 40_000)
    script.tcp(at: 3, from: (1, 40_000), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: 10)
    script.tcp(at: 4, from: (2, 80), to: (1, 40_000), seq: 501, ack: 111, flags: Script.pushAck, count: 10)
    script.tcp(
      at: pause, from: (1, 40_000), to: (2, 80), seq: 111, ack: 511, flags: Script.pushAck | (hangsUp ? 1 : 0),
      count: 10)
    script.tcp(at: pause + 1, from: (2, 80), to: (1, 40_000), seq: 511, ack: 0, flags: Script.rst)
    let finding = script.analyze().1.first { $0.id == "connection-reset" }
    #expect((finding == nil) == hangsUp)
    if let finding { #expect(finding.cause.contains("idle timeout") == (pause > 1000)) }
  }

  /// Time exceeded about a packet sent with many hops is a circle; about one sent with few, traceroute.
  @Test(arguments: [64, 5] as [UInt8]) func datagramsThatRunInCircles(ttl: UInt8) {
    var script = Script()
    for number in 0..<3 {
      var packet = AnalyzerTests.ipv4(
        17, from: [10, 0, 0, 1], to: [10, 9, 9, 9], AnalyzerTests.udp(UInt16(40_000 + number), 514, [1, 2]))
      packet[8] = ttl
      script.add(packet, at: number * 100)
      script.icmp(11, 0, about: packet, at: number * 100 + 1)
    }
    let ids = script.ids
    #expect(ids.contains("rejected-by-icmp") == (ttl == 64))
  }

  /// All fragments pass here, and the receiver says that it did not get them all.
  @Test(arguments: [1, 0] as [UInt8]) func reassemblyThatFailsElsewhere(code: UInt8) throws {
    var script = Script()
    let datagram = AnalyzerTests.udp(5000, 5001, [UInt8](repeating: 1, count: 1200))
    let first = AnalyzerTests.ipv4(17, fragment: 0x2000, Array(datagram[..<800]))
    let second = AnalyzerTests.ipv4(17, fragment: 100, Array(datagram[800...]))
    script.add(first, at: 0)
    script.add(second, at: 1)
    script.icmp(11, code, about: first, at: 30_000)
    let ids = script.ids
    #expect(ids.contains("udp-fragments-lost") == (code == 1))
    #expect(ids.contains("fragmentation") == (code == 0))
  }

  /// New connections everywhere wait for their second SYN while an old one goes on: a full table, though in the end
  /// all are answered. Where one place only is affected and others take new connections, it is not the table.
  @Test(arguments: [1, 3]) func firstSynsLostEverywhere(places: Int) {
    var script = Script()
    script.handshake(at: 0, port: 30_000)
    for time in [3, 10] {
      script.tcp(
        at: time * 1000, from: (1, 30_000), to: (2, 80), seq: UInt32(101 + time), ack: 501, flags: Script.pushAck,
        count: 7)
      script.tcp(
        at: time * 1000 + 1, from: (2, 80), to: (1, 30_000), seq: 501, ack: UInt32(108 + time), flags: Script.ack)
    }
    for number in 0..<60 {
      let server = (UInt8(2 + number % 3), UInt16(81))
      let at = 5000 + number * 20
      if Int(server.0) - 2 < places {
        script.tcp(at: at, from: (1, UInt16(40_000 + number)), to: server, seq: 100, flags: Script.syn)
        script.tcp(at: at + 1020, from: (1, UInt16(40_000 + number)), to: server, seq: 100, flags: Script.syn)
        script.tcp(
          at: at + 1021, from: server, to: (1, UInt16(40_000 + number)), seq: 500, ack: 101, flags: Script.synAck)
      } else {
        script.handshake(at: at, port: UInt16(40_000 + number), server: server)
      }
    }
    #expect(script.ids.contains("conntrack-table-full") == (places == 3))
  }

  /// A reader that empties its buffer at once is healthy, one that leaves it full is not.
  @Test(arguments: [5, 400]) func readerStops(milliseconds: Int) {
    var script = Script()
    script.handshake(at: 0, port: 40_000)
    script.tcp(at: 10, from: (1, 40_000), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: 1000)
    script.tcp(at: 11, from: (2, 80), to: (1, 40_000), seq: 501, ack: 1101, flags: Script.ack, window: 0)
    script.tcp(at: 11 + milliseconds, from: (2, 80), to: (1, 40_000), seq: 501, ack: 1101, flags: Script.ack)
    let finding = script.analyze().1.first { $0.id == "zero-window" }
    #expect(finding?.severity == (milliseconds < 100 ? .info : .warning))
    #expect(finding?.problem.contains("up to \(milliseconds) ms") == true)
  }

  /// Acknowledged, but not in the capture.
  @Test(arguments: [true, false]) func segmentsThatTheCaptureLost(lost: Bool) {
    var script = Script()
    script.handshake(at: 0, port: 40_000)
    for number in 0..<4 as Range<UInt32> {
      let at = 10 + Int(number) * 10
      if !lost || number % 2 == 0 {
        script.tcp(
          at: at, from: (1, 40_000), to: (2, 80), seq: 101 + number * 10, ack: 501, flags: Script.pushAck, count: 10)
      }
      script.tcp(at: at + 1, from: (2, 80), to: (1, 40_000), seq: 501, ack: 111 + number * 10, flags: Script.ack)
    }
    let (counts, findings, _) = script.analyze()
    // The hole before the third is open too; the fourth shows nothing new. So counts Wireshark.
    #expect(counts.tcpAckedUnseen == (lost ? 2 : 0))
    #expect(findings.contains { $0.id == "capture-damaged" } == lost)
  }
}

extension Script {
  /// An ICMP error from 10.0.0.254 that quotes the packet's header and eight bytes.
  fileprivate mutating func icmp(_ type: UInt8, _ code: UInt8, about packet: [UInt8], at time: Int) {
    let error: [UInt8] = [type, code, 0, 0, 0, 0, 0, 0] + packet.prefix(28)
    add(AnalyzerTests.ipv4(1, from: [10, 0, 0, 254], to: Array(packet[12..<16]), error), at: time)
  }
}
