import CaptureAnalysis
import CaptureFile
import Foundation
import Testing
import Wire

@Suite struct AnalyzerTests {
  /// An IPv4 packet around `payload`, header checksum filled in.
  static func ipv4(
    _ proto: UInt8, from: [UInt8] = [10, 0, 0, 1], to: [UInt8] = [10, 0, 0, 2], fragment: UInt16 = 0, id: UInt16 = 7,
    _ payload: [UInt8]
  ) -> [UInt8] {
    let total = UInt16(20 + payload.count)
    var header: [UInt8] = [
      0x45, 0, UInt8(total >> 8), UInt8(total & 0xFF), UInt8(id >> 8), UInt8(id & 0xFF), UInt8(fragment >> 8),
      UInt8(fragment & 0xFF), 64, proto, 0, 0,
    ]
    header += from + to
    let sum = header.withUnsafeBytes { ~Checksum.sum($0.baseAddress!, 20) }
    header[10] = UInt8(sum >> 8)
    header[11] = UInt8(sum & 0xFF)
    return header + payload
  }

  static func udp(_ source: UInt16, _ destination: UInt16, _ payload: [UInt8]) -> [UInt8] {
    let length = UInt16(8 + payload.count)
    return [
      UInt8(source >> 8), UInt8(source & 0xFF), UInt8(destination >> 8), UInt8(destination & 0xFF), UInt8(length >> 8),
      UInt8(length & 0xFF), 0, 0,
    ] + payload
  }

  static func tcp(
    _ source: UInt16, _ destination: UInt16, seq: UInt32, ack: UInt32, flags: UInt8, _ payload: [UInt8] = []
  )
    -> [UInt8]
  {
    func word(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }
    return [UInt8(source >> 8), UInt8(source & 0xFF), UInt8(destination >> 8), UInt8(destination & 0xFF)] + word(seq)
      + word(ack) + [0x50, flags, 0x20, 0, 0, 0, 0, 0] + payload
  }

  static let ethernet: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]
  static let vxlan: [UInt8] = [8, 0, 0, 0, 0, 0, 42, 0]

  static func run(_ frames: [[UInt8]], link: LinkType = .ipv4, step: Int64 = 1_000_000) -> (CaptureCounts, [String]) {
    var analyzer = CaptureAnalyzer()
    for (index, bytes) in frames.enumerated() {
      bytes.withUnsafeBytes {
        analyzer.consume(
          Frame(bytes: PacketBytes($0), time: 1_000_000_000 + Int64(index) * step, number: index + 1, linkType: link))
      }
    }
    let findings = analyzer.finish()
    return (analyzer.counts, findings.map(\.id))
  }

  @Test func innerPacketsAreCounted() {
    let inner = Self.ipv4(6, from: [10, 244, 0, 1], to: [10, 244, 0, 2], Self.tcp(1000, 80, seq: 1, ack: 0, flags: 2))
    let (counts, ids) = Self.run([Self.ipv4(17, Self.udp(5555, 8472, Self.vxlan + Self.ethernet + inner))])
    #expect(counts.vxlan == 1)
    #expect(counts.tcpSyn == 1)
    #expect(counts.udp == 1)
    #expect(ids == ["vxlan-overhead"])
  }

  @Test func fragmentsOfATunnelArePutTogether() {
    let inner = Self.ipv4(6, Self.tcp(1000, 80, seq: 1, ack: 0, flags: 2, [UInt8](repeating: 1, count: 600)))
    let datagram = Self.udp(5555, 4789, Self.vxlan + Self.ethernet + inner)
    let frames = [
      Self.ipv4(17, fragment: 0x2000, Array(datagram[..<400])),
      Self.ipv4(17, fragment: 50, Array(datagram[400...])),
    ]
    let (counts, ids) = Self.run(frames)
    #expect(counts.ipv4Fragments == 2)
    #expect(counts.vxlan == 1)
    #expect(counts.tcpSyn == 1)
    #expect(ids.first == "overlay-mtu")
    // In the other order as well.
    #expect(Self.run(frames.reversed()).0.vxlan == 1)
  }

  /// Nobody puts pieces with a corrupt header together, so nothing arrives whole.
  @Test func corruptFragmentsAreCountedAndPromiseNothing() {
    var piece = Self.ipv4(17, fragment: 0x2000, [UInt8](repeating: 1, count: 400))
    piece[10] ^= 1
    let (counts, ids) = Self.run([piece])
    #expect(counts.ipv4Fragments == 1)
    #expect(!ids.contains("fragmentation"))
  }

  @Test func retransmissionsAreCountedAfterWireshark() {
    func segment(_ seq: UInt32, _ ack: UInt32, flags: UInt8 = 0x18, _ count: Int = 0) -> [UInt8] {
      Self.ipv4(6, Self.tcp(1000, 80, seq: seq, ack: ack, flags: flags, [UInt8](repeating: 65, count: count)))
    }
    let frames = [
      segment(100, 0, flags: 2), segment(100, 0, flags: 2), segment(101, 1, 10), segment(111, 1, 10),
      segment(101, 1, 10),
    ]
    let (counts, _) = Self.run(frames, step: 500_000_000)
    #expect(counts.tcpSyn == 2)
    #expect(counts.tcpRetransmissions == 2)
  }

  @Test func quotedHeadersAreNotCounted() {
    let quoted = Self.ipv4(6, Self.tcp(1000, 80, seq: 1, ack: 0, flags: 2))
    let (counts, ids) = Self.run([
      Self.ipv4(6, Self.tcp(1000, 80, seq: 1, ack: 0, flags: 2)),
      Self.ipv4(1, from: [10, 0, 0, 9], to: [10, 0, 0, 1], [3, 13, 0, 0, 0, 0, 0, 0] + quoted),
    ])
    #expect(counts.tcpSyn == 1)
    #expect(ids.contains("rejected-by-icmp"))
  }

  @Test func nestingIsBounded() {
    var packet = Self.ipv4(17, Self.udp(1, 2, []))
    for _ in 0..<200 { packet = Self.ipv4(4, packet) }
    let (counts, _) = Self.run([packet])
    #expect(counts.undecoded == 1)
  }

  @Test func evictionIsCountedAndStopsNothing() {
    var options = CaptureOptions()
    options.maximumConversations = 64
    var analyzer = CaptureAnalyzer(options: options)
    for index in 0..<5000 {
      let port = UInt16(1024 + index)
      Self.ipv4(6, Self.tcp(port, 80, seq: 1, ack: 0, flags: 2)).withUnsafeBytes {
        analyzer.consume(
          Frame(bytes: PacketBytes($0), time: Int64(index + 1) * 1_000_000, number: index + 1, linkType: .ipv4))
      }
    }
    _ = analyzer.finish()
    let report = analyzer.report(captures: [], findings: [], top: 5)
    #expect(report.conversationCount == 5000)
    #expect(report.evicted == 5000 - 64)
  }

  @Test func namesFromTheWireAreEscaped() {
    #expect(printable([0x1B, 0x5B, 0x33, 0x31, 0x6D, 0x61, 0x5C, 0xFF]) == "\\x1b[31ma\\x5c\\xff")
  }

  /// Real frames of every kind with bytes changed and cut at random: nothing may trap.
  @Test func mutations() throws {
    var seeds: [([UInt8], LinkType)] = []
    for row in CapturesFolderTests.rows {
      guard
        var reader = try? CaptureReader.open(path: CapturesFolderTests.folder.appendingPathComponent(row.file).path)
      else { continue }
      var frame = Frame.empty
      var taken = 0
      while taken < 30, reader.next(&frame) {
        seeds.append((Array(frame.bytes.buffer), frame.linkType))
        taken += 1
      }
    }
    try #require(!seeds.isEmpty)
    var state: UInt64 = 99
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let links: [UInt16] = [0, 1, 9, 50, 101, 106, 108, 113, 192, 228, 229, 239, 242, 276]
    var analyzer = CaptureAnalyzer()
    for round in 0..<20_000 {
      var (bytes, link) = seeds[random(seeds.count)]
      for _ in 0...random(4) where !bytes.isEmpty {
        bytes[random(min(bytes.count, random(8) == 0 ? bytes.count : 80))] = UInt8(random(256))
      }
      if random(5) == 0 { bytes.removeLast(random(bytes.count + 1)) }
      if random(10) == 0 { link = LinkType(rawValue: links[random(links.count)]) }
      let wire = bytes.count + (random(6) == 0 ? random(3000) : 0)
      let time = random(50) == 0 ? Int64(random(1 << 30)) << 32 : 1_700_000_000_000_000_000 + Int64(round) * 1_000_000
      bytes.withUnsafeBytes { raw in
        let base = raw.baseAddress ?? UnsafeRawPointer(bitPattern: 16)!
        analyzer.consume(
          Frame(
            bytes: PacketBytes(base: base, count: raw.count, wireCount: wire), time: min(time, .max / 2),
            number: round + 1,
            linkType: link, interface: UInt32(random(3))))
      }
    }
    let findings = analyzer.finish()
    #expect(analyzer.counts.packets == 20_000)
    _ = analyzer.report(captures: [], findings: findings, top: 10)
  }

  @Test func conntrackTimeoutsComeFromSysctls() {
    let sysctls = [
      "net.netfilter.nf_conntrack_udp_timeout": 11, "net.netfilter.nf_conntrack_tcp_timeout_established": 86_400,
      "net.netfilter.nf_conntrack_tcp_timeout_close": -5,
    ]
    var timeouts = ConntrackTimeouts()
    timeouts.take { sysctls[$0] }
    #expect(timeouts.udp == 11)
    #expect(timeouts.tcpEstablished == 86_400)
    #expect(timeouts.tcpClose == 10)
    #expect(timeouts.udpStream == 120)
  }

  /// An ICMP port-unreachable from 10.0.0.2 about `packet`.
  private static func portUnreachable(_ packet: [UInt8]) -> [UInt8] {
    ipv4(1, from: [10, 0, 0, 2], to: [10, 0, 0, 1], [3, 3, 0, 0, 0, 0, 0, 0] + packet)
  }

  @Test(arguments: [(33_434, "info"), (161, "error"), (50_000, "warning")] as [(UInt16, String)])
  func rejectionsWeighByWhatWasAsked(port: UInt16, severity: String) {
    let packet = Self.ipv4(17, Self.udp(40_000, port, [1, 2, 3, 4]))
    var analyzer = CaptureAnalyzer()
    for (index, bytes) in [packet, Self.portUnreachable(packet), packet, Self.portUnreachable(packet)].enumerated() {
      bytes.withUnsafeBytes {
        analyzer.consume(
          Frame(bytes: PacketBytes($0), time: 1_000_000_000 + Int64(index), number: index + 1, linkType: .ipv4))
      }
    }
    #expect(
      analyzer.finish().filter { $0.id == "rejected-by-icmp" }.map(\.severity.rawValue) == [severity])
  }

  @Test func corruptHeadersMakeErrorsWarnings() {
    let packet = Self.ipv4(17, Self.udp(40_000, 161, [1, 2, 3, 4]))
    var corrupt = packet
    corrupt[8] = 63
    var analyzer = CaptureAnalyzer()
    let frames =
      [packet, Self.portUnreachable(packet), packet, Self.portUnreachable(packet)] + Array(repeating: corrupt, count: 6)
    for (index, bytes) in frames.enumerated() {
      bytes.withUnsafeBytes {
        analyzer.consume(
          Frame(bytes: PacketBytes($0), time: 1_000_000_000 + Int64(index), number: index + 1, linkType: .ipv4))
      }
    }
    let found = analyzer.finish()
    #expect(found.contains { $0.id == "rejected-by-icmp" })
    #expect(!found.contains { $0.severity == .error })
  }
}
