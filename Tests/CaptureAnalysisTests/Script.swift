import CaptureAnalysis
import CaptureFile
import Findings
import Wire

/// Frames of raw IPv4 written one by one, with their times in milliseconds.
struct Script {
  private(set) var frames: [(bytes: [UInt8], time: Int64, file: Int)] = []
  /// The capture that frames are added to.
  var file = 0

  static let syn: UInt8 = 2
  static let rst: UInt8 = 4
  static let ack: UInt8 = 16
  static let synAck: UInt8 = 18
  static let pushAck: UInt8 = 24

  mutating func add(_ bytes: [UInt8], at milliseconds: Int) {
    frames.append((bytes, Int64(milliseconds) * 1_000_000, file))
  }

  mutating func removeLast() { frames.removeLast() }

  static func word(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }

  /// `10.0.0.last:port` to another; with a TCP timestamp option if one is given.
  mutating func tcp(
    at milliseconds: Int, from: (UInt8, UInt16), to: (UInt8, UInt16), seq: UInt32, ack: UInt32 = 0, flags: UInt8,
    count: Int = 0, payload: [UInt8] = [], timestamp: UInt32? = nil, ttl: UInt8 = 64, id: UInt16 = 7,
    window: UInt16? = nil, mss: UInt16? = nil, echo: UInt32 = 0
  ) {
    var segment = AnalyzerTests.tcp(from.1, to.1, seq: seq, ack: ack, flags: flags)
    if let window { segment.replaceSubrange(14..<16, with: [UInt8(window >> 8), UInt8(window & 0xFF)]) }
    if let timestamp {
      segment[12] = 0x80
      segment += [1, 1, 8, 10] + Self.word(timestamp) + Self.word(echo)
    }
    if let mss {
      segment[12] &+= 0x10
      segment += [2, 4, UInt8(mss >> 8), UInt8(mss & 0xFF)]
    }
    segment += [UInt8](repeating: 65, count: count) + payload
    var packet = AnalyzerTests.ipv4(6, from: [10, 0, 0, from.0], to: [10, 0, 0, to.0], id: id, segment)
    packet[8] = ttl
    // Another hop limit changes the header's sum by as much.
    packet[10] = 0
    packet[11] = 0
    let sum = packet.withUnsafeBytes { ~Checksum.sum($0.baseAddress!, 20) }
    packet[10] = UInt8(sum >> 8)
    packet[11] = UInt8(sum & 0xFF)
    add(packet, at: milliseconds)
  }

  /// SYN, SYN-ACK and ACK of client 1 and server 2, from sequence numbers 100 and 500.
  mutating func handshake(at start: Int, port: UInt16, server: (UInt8, UInt16) = (2, 80), timestamp: UInt32? = nil) {
    tcp(at: start, from: (1, port), to: server, seq: 100, flags: Self.syn, timestamp: timestamp)
    tcp(at: start + 1, from: server, to: (1, port), seq: 500, ack: 101, flags: Self.synAck)
    tcp(at: start + 2, from: (1, port), to: server, seq: 101, ack: 501, flags: Self.ack)
  }

  func analyze(_ options: CaptureOptions = CaptureOptions()) -> (CaptureCounts, [Finding], CaptureReport) {
    var analyzer = CaptureAnalyzer(options: options)
    if file != 0 { analyzer.expectCopies() }
    for (index, frame) in frames.sorted(by: { $0.time < $1.time }).enumerated() {
      frame.bytes.withUnsafeBytes {
        analyzer.consume(
          Frame(
            bytes: PacketBytes($0), time: 1_700_000_000_000_000_000 + frame.time, number: index + 1, linkType: .ipv4,
            file: frame.file))
      }
    }
    let findings = analyzer.finish()
    return (analyzer.counts, findings, analyzer.report(captures: [], findings: findings, top: 20))
  }

  private static func little(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

  /// A pcap file of those frames whose index `take` wants, by a clock that is ahead by milliseconds.
  func pcap(ahead: Int = 0, _ take: (Int) -> Bool = { _ in true }) -> [UInt8] {
    let word = Self.little
    var bytes = word(0xA1B2_C3D4) + [2, 0, 4, 0] + word(0) + word(0) + word(65_535) + word(228)
    for (index, frame) in frames.enumerated() where take(index) {
      let micro = 1_700_000_000_000_000 + frame.time / 1000 + Int64(ahead) * 1000
      bytes += word(UInt32(micro / 1_000_000)) + word(UInt32(micro % 1_000_000))
      bytes += word(UInt32(frame.bytes.count)) + word(UInt32(frame.bytes.count)) + frame.bytes
    }
    return bytes
  }

  /// A pcapng file in which two interfaces show every frame, the second 10 µs after the first.
  var twiceInOneFile: [UInt8] {
    let word = Self.little
    func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
      let padding = [UInt8](repeating: 0, count: -body.count & 3)
      let length = word(UInt32(12 + body.count + padding.count))
      return word(type) + length + body + padding + length
    }
    var bytes = block(0x0A0D_0D0A, word(0x1A2B_3C4D) + [1, 0, 0, 0] + word(.max) + word(.max))
    for _ in 0..<2 { bytes += block(1, [228, 0, 0, 0] + word(0)) }
    for frame in frames {
      for interface: UInt32 in 0..<2 {
        let micro = UInt64(1_700_000_000_000_000 + frame.time / 1000) + UInt64(interface) * 10
        let size = word(UInt32(frame.bytes.count))
        let time = word(UInt32(micro >> 32)) + word(UInt32(truncatingIfNeeded: micro))
        bytes += block(6, word(interface) + time + size + size + frame.bytes)
      }
    }
    return bytes
  }

  var ids: [String] { analyze().1.map(\.id) }
}
