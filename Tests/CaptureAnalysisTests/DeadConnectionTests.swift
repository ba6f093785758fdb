import CaptureAnalysis
import Findings
import Testing

/// Connections that stop: forgotten on the way, taken and not answered, refused by what stands before the server.
@Suite struct DeadConnectionTests {
  /// After a pause the request goes out eight times; its size is no reason, as far larger ones pass everywhere.
  @Test(arguments: [0, 6000]) func forgottenConnections(pause: Int) throws {
    var script = Script()
    script.handshake(at: 0, port: 41_000, server: (2, 8080))
    script.tcp(at: 10, from: (1, 41_000), to: (2, 8080), seq: 101, ack: 501, flags: Script.pushAck, count: 30, id: 20)
    script.tcp(at: 11, from: (2, 8080), to: (1, 41_000), seq: 501, ack: 131, flags: Script.pushAck, count: 80, id: 21)
    script.tcp(at: 12, from: (1, 41_000), to: (2, 8080), seq: 131, ack: 581, flags: Script.ack, id: 22)
    for (number, delay) in [0, 205, 410, 830, 1660, 3300, 6700].enumerated() {
      script.tcp(
        at: 20 + pause + delay, from: (1, 41_000), to: (2, 8080), seq: 131, ack: 581, flags: Script.pushAck, count: 600,
        id: UInt16(30 + number))
    }
    let finding = try #require(script.analyze().1.first)
    #expect(finding.id == "connection-died" && finding.severity == .error)
    #expect(finding.cause.contains("forgot") == (pause > 3000))
  }

  /// The node that translates forgot the connection: it resets what the server says, from nearer than the client is.
  @Test(arguments: [63, 64] as [UInt8]) func translationsThatExpire(clientTTL: UInt8) {
    var script = Script()
    let client: (UInt8, UInt16) = (1, 42_000)
    script.tcp(at: 0, from: client, to: (2, 80), seq: 100, flags: Script.syn, ttl: clientTTL)
    script.tcp(at: 1, from: (2, 80), to: client, seq: 500, ack: 101, flags: Script.synAck)
    script.tcp(
      at: 2, from: client, to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: 40, ttl: clientTTL, id: 9)
    script.tcp(at: 9000, from: (2, 80), to: client, seq: 501, ack: 141, flags: Script.pushAck, count: 50)
    script.tcp(at: 9001, from: client, to: (2, 80), seq: 141, flags: Script.rst, ttl: 64)
    #expect(script.ids.contains("nat-entry-expired") == (clientTTL == 63))
  }

  /// The same at the client: the late answer comes with the endpoint's own address.
  @Test(arguments: [100, 8000]) func answersThatComeUntranslated(pause: Int) {
    var script = Script()
    script.handshake(at: 0, port: 42_001)
    script.tcp(at: 10, from: (1, 42_001), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: 50, id: 11)
    script.tcp(at: 20 + pause, from: (9, 8080), to: (1, 42_001), seq: 501, ack: 151, flags: Script.pushAck, count: 50)
    script.tcp(at: 21 + pause, from: (1, 42_001), to: (9, 8080), seq: 151, flags: Script.rst, id: 12)
    #expect(script.ids.contains("nat-entry-expired") == (pause > 3000))
    #expect(script.ids.contains("invalid-packet-reset") == (pause < 3000))
  }

  private static let get = Array("GET /healthz HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n".utf8)

  /// A probe is accepted and acknowledged, and gives up after a second.
  @Test(arguments: [true, false]) func probesThatTimeOut(answered: Bool) {
    var script = Script()
    for number in 0..<3 {
      let (port, at) = (UInt16(43_000 + number), number * 2000)
      script.handshake(at: at, port: port, server: (2, 8080))
      script.tcp(
        at: at + 3, from: (1, port), to: (2, 8080), seq: 101, ack: 501, flags: Script.pushAck, payload: Self.get)
      let end = 101 + UInt32(Self.get.count)
      script.tcp(at: at + 4, from: (2, 8080), to: (1, port), seq: 501, ack: end, flags: Script.ack)
      if answered {
        script.tcp(at: at + 9, from: (2, 8080), to: (1, port), seq: 501, ack: end, flags: Script.pushAck, count: 40)
      }
      script.tcp(at: at + 1004, from: (1, port), to: (2, 8080), seq: end, ack: answered ? 541 : 501, flags: 17)
      script.tcp(
        at: at + 1005, from: (2, 8080), to: (1, port), seq: answered ? 541 : 501, ack: end + 1, flags: Script.ack)
    }
    #expect(script.ids.contains("request-unanswered") == !answered)
  }

  /// Plain HTTP where TLS is wanted: a sidecar resets, a server says it, another answers by an alert. A program that answers
  /// some and resets others is none of these.
  @Test(arguments: ["reset", "told", "alert", "mixed"]) func plainWhereTLSIsWanted(way: String) throws {
    var script = Script()
    let told = Array("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n".utf8)
    for number in 0..<3 {
      let (port, at) = (UInt16(44_000 + number), number * 100)
      script.handshake(at: at, port: port, server: (2, 8443))
      script.tcp(
        at: at + 3, from: (1, port), to: (2, 8443), seq: 101, ack: 501, flags: Script.pushAck, payload: Self.get)
      let end = 101 + UInt32(Self.get.count)
      switch way {
      case "told":
        script.tcp(at: at + 4, from: (2, 8443), to: (1, port), seq: 501, ack: end, flags: Script.pushAck, payload: told)
      case "alert":
        script.tcp(
          at: at + 4, from: (2, 8443), to: (1, port), seq: 501, ack: end, flags: Script.pushAck,
          payload: [21, 3, 1, 0, 2, 2, 70])
      case "mixed" where number == 0:
        script.tcp(
          at: at + 4, from: (2, 8443), to: (1, port), seq: 501, ack: end, flags: Script.pushAck,
          payload: Array("HTTP/1.1 200 OK".utf8))
      default: script.tcp(at: at + 4, from: (2, 8443), to: (1, port), seq: 501, ack: end, flags: 20)
      }
    }
    let finding = script.analyze().1.first { $0.id == "plaintext-to-tls" }
    #expect((finding == nil) == (way == "mixed"))
    #expect(script.ids.contains("connection-reset") == (way == "mixed"))
  }

  /// A peer that repeats its SYN-ACK because it waits for data (deferred accept) is healthy: the timestamp that it echoes came
  /// with the client's acknowledgment.
  @Test func deferredAcceptIsNoFullQueue() {
    var script = Script()
    for number in 0..<2 {
      let (port, at) = (UInt16(45_000 + number), number * 50)
      script.tcp(at: at, from: (1, port), to: (2, 443), seq: 100, flags: Script.syn, timestamp: 1000)
      script.tcp(
        at: at + 1, from: (2, 443), to: (1, port), seq: 500, ack: 101, flags: Script.synAck, timestamp: 9, echo: 1000)
      script.tcp(
        at: at + 2, from: (1, port), to: (2, 443), seq: 101, ack: 501, flags: Script.ack, timestamp: 1001, id: 8)
      script.tcp(
        at: at + 1200, from: (2, 443), to: (1, port), seq: 500, ack: 101, flags: Script.synAck, timestamp: 1209,
        echo: 1001)
    }
    #expect(script.ids.isEmpty)
  }

  /// SYNs with data vanish, plain ones are answered a second later.
  @Test(arguments: [true, false]) func fastOpen(dropped: Bool) {
    var script = Script()
    for number in 0..<3 {
      let (port, at) = (UInt16(46_000 + number), number * 3000)
      script.tcp(at: at, from: (1, port), to: (2, 80), seq: 100, flags: Script.syn, count: 7)
      let late = dropped ? 1020 : 0
      if dropped { script.tcp(at: at + late, from: (1, port), to: (2, 80), seq: 100, flags: Script.syn, id: 8) }
      script.tcp(
        at: at + late + 1, from: (2, 80), to: (1, port), seq: 500, ack: dropped ? 101 : 108, flags: Script.synAck)
      script.tcp(
        at: at + late + 2, from: (1, port), to: (2, 80), seq: dropped ? 101 : 108, ack: 501, flags: Script.ack, id: 9)
    }
    #expect(script.ids == (dropped ? ["fastopen-dropped"] : []))
  }

  /// The server still holds the old connection of the same ports.
  @Test func portsUsedAgainTooSoon() {
    var script = Script()
    script.handshake(at: 0, port: 47_000)
    script.tcp(at: 10, from: (2, 80), to: (1, 47_000), seq: 501, ack: 101, flags: 17, id: 8)
    script.tcp(at: 11, from: (1, 47_000), to: (2, 80), seq: 101, ack: 502, flags: 17, id: 9)
    script.tcp(at: 12, from: (2, 80), to: (1, 47_000), seq: 502, ack: 102, flags: Script.ack, id: 10)
    for (number, at) in [20_000, 21_000].enumerated() {
      script.tcp(at: at, from: (1, 47_000), to: (2, 80), seq: 70_000, flags: Script.syn, id: UInt16(20 + number))
      if number == 0 {
        script.tcp(at: at + 1, from: (2, 80), to: (1, 47_000), seq: 502, ack: 102, flags: Script.ack, id: 11)
        script.tcp(at: at + 2, from: (1, 47_000), to: (2, 80), seq: 102, flags: Script.rst, id: 0)
      } else {
        script.tcp(at: at + 1, from: (2, 80), to: (1, 47_000), seq: 9000, ack: 70_001, flags: Script.synAck, id: 12)
        script.tcp(at: at + 2, from: (1, 47_000), to: (2, 80), seq: 70_001, ack: 9001, flags: Script.ack, id: 22)
      }
    }
    #expect(script.ids.contains("syn-meets-time-wait"))
  }

  /// All Pods of a node that is down are one finding, which says how many, and no full conntrack table.
  @Test func deadNodes() throws {
    var script = Script()
    for number in 0..<6 as Range<UInt16> {
      script.handshake(at: Int(number) * 400, port: 48_000 + number, server: (2, 80))
    }
    for host in 100..<124 as Range<UInt8> {
      for (retry, delay) in [0, 1000, 3000].enumerated() {
        var packet = AnalyzerTests.ipv4(
          6, from: [10, 0, 0, 1], to: [10, 9, 9, host], id: UInt16(host) * 8 + UInt16(retry),
          AnalyzerTests.tcp(50_000, 80, seq: UInt32(host) * 1000, ack: 0, flags: Script.syn))
        packet[8] = 64
        script.add(packet, at: Int(host) * 10 - 900 + delay)
      }
    }
    let errors = script.analyze().1.filter { $0.severity == .error }
    #expect(errors.map(\.id) == ["syn-unanswered"])
    #expect(errors.first?.problem.hasPrefix("24 addresses of 10.9.9.0/24") == true)
  }

  /// One refused attempt of a stranger stands behind what those suffer who are served.
  @Test func strangersComeLast() {
    var script = Script()
    script.tcp(at: 0, from: (77, 50_000), to: (3, 1082), seq: 9, flags: Script.syn)
    script.tcp(at: 1, from: (3, 1082), to: (77, 50_000), seq: 0, ack: 10, flags: 20)
    script.handshake(at: 100, port: 49_000)
    script.tcp(at: 110, from: (1, 49_000), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: 90, id: 8)
    script.tcp(at: 111, from: (2, 80), to: (1, 49_000), seq: 501, ack: 191, flags: Script.ack, id: 9)
    script.tcp(at: 2600, from: (2, 80), to: (1, 49_000), seq: 501, ack: 191, flags: Script.pushAck, count: 90, id: 10)
    #expect(script.ids == ["slow-server-not-network", "connection-refused"])
  }

  /// A clock that was set in between makes any time of a handshake: nothing traps.
  @Test func aHandshakeOfThirtyYears() {
    var script = Script()
    let years = 30 * 365 * 86_400_000
    script.tcp(at: 0, from: (1, 49_300), to: (2, 80), seq: 100, flags: Script.syn)
    script.tcp(at: years, from: (2, 80), to: (1, 49_300), seq: 500, ack: 101, flags: Script.synAck)
    script.tcp(at: years + 1, from: (1, 49_300), to: (2, 80), seq: 101, ack: 501, flags: Script.ack)
    script.tcp(
      at: years + 2, from: (1, 49_300), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: 90, id: 8)
    script.tcp(at: years + 3, from: (2, 80), to: (1, 49_300), seq: 501, ack: 191, flags: Script.ack, id: 9)
    script.tcp(
      at: years + 9000, from: (2, 80), to: (1, 49_300), seq: 501, ack: 191, flags: Script.pushAck, count: 90, id: 9)
    #expect(!script.ids.contains("slow-server-not-network"))
  }

  /// A keepalive owes no answer, a request does.
  @Test(arguments: [19, 90]) func streamsThatOweNothing(size: Int) {
    var script = Script()
    script.handshake(at: 0, port: 49_100, server: (2, 4000))
    script.tcp(at: 10, from: (1, 49_100), to: (2, 4000), seq: 101, ack: 501, flags: Script.pushAck, count: size, id: 8)
    let end = 101 + UInt32(size)
    script.tcp(at: 11, from: (2, 4000), to: (1, 49_100), seq: 501, ack: end, flags: Script.ack, id: 9)
    script.tcp(
      at: 30_000, from: (2, 4000), to: (1, 49_100), seq: 501, ack: end, flags: Script.pushAck, count: 19, id: 10)
    #expect(script.ids == (size == 19 ? [] : ["slow-server-not-network"]))
  }
}
