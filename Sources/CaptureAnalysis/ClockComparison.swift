import CaptureFile
import Glibc
import Wire

/// By how much the clocks of captures differ that saw the same packets. A packet is known again by what no hop changes;
/// between two taps it takes some time one way and about the same the other, so that half the sum of both differences is
/// the clocks' (as in NTP, RFC 5905).
struct ClockComparison {
  /// Enough to meet, and soon read.
  private static let framesPerFile = 100_000
  private static let maximumSights = 1 << 19
  private static let fewest = 8
  /// A smaller difference is left: routing and offloads make as much.
  private static let tolerance: Int64 = 10_000_000
  /// Of packets on one way; queues make no more.
  private static let spread: Int64 = 100_000_000

  /// By fingerprint, on the first file's clock; nil where a file shows it more than once.
  private var sights: [UInt64: Int64?] = [:]

  /// Nanoseconds that each file's clock is ahead of the first one's; 0 where that cannot be told, or is little.
  static func offsets(_ paths: [String]) -> [Int64] {
    var comparison = ClockComparison()
    return paths.map { path in
      var status = stat()
      // What comes through a pipe can be read but once.
      guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return 0 }
      guard let reader = try? CaptureReader.open(path: path) else { return 0 }
      return comparison.offset(reader)
    }
  }

  private mutating func offset(_ reader: consuming CaptureReader) -> Int64 {
    var own: [UInt64: Int64?] = [:]
    var differences: [[Int64]] = [[], []]
    var frame = Frame.empty
    while reader.frames < Self.framesPerFile, reader.next(&frame) {
      guard frame.time != 0 else { continue }
      let time = frame.time
      Self.visit(frame) { fingerprint, direction in
        if let seen = own[fingerprint] {
          // A router's or a bridge's second sight comes at once.
          if let seen, time &- seen > Self.tolerance { own[fingerprint] = .some(nil) }
          return
        }
        own[fingerprint] = .some(time)
        if let known = sights[fingerprint], let known { differences[direction].append(time &- known) }
      }
    }
    let offset = Self.estimate(differences)
    for (fingerprint, time) in own where sights.count < Self.maximumSights && sights[fingerprint] == nil {
      sights[fingerprint] = .some(time.map { $0 &- offset })
    }
    return offset
  }

  private static func estimate(_ differences: [[Int64]]) -> Int64 {
    let known = differences.map { $0.sorted() }.filter { $0.count >= 3 }
    let count = known.reduce(0) { $0 + $1.count }
    guard count >= fewest else { return 0 }
    let medians = known.map { $0[$0.count / 2] }
    let close = zip(known, medians).reduce(0) { sum, way in
      sum + way.0.count { ($0 &- way.1).magnitude < spread.magnitude }
    }
    guard close * 4 >= count * 3 else { return 0 }
    let offset = medians.reduce(0) { $0 &+ $1 / Int64(medians.count) }
    // Of absurd times no sum is made.
    return (tolerance...Int64.max / 4).contains(Int64(clamping: offset.magnitude)) ? offset : 0
  }

  /// The packets of a frame: the outermost, and what VXLAN on its usual ports carries.
  private static func visit(_ frame: Frame, _ body: (_ fingerprint: UInt64, _ direction: Int) -> Void) {
    guard var packet = network(frame.bytes, frame.linkType) else { return }
    for _ in 0..<3 {
      guard let (transport, proto, seed, direction) = transport(packet) else { return }
      if let fingerprint = fingerprint(transport, proto, seed) { body(fingerprint, direction) }
      guard proto == .udp, let header = UDPHeader(transport),
        [VXLANHeader.standardPort, VXLANHeader.linuxPort].contains(header.destinationPort),
        transport.count > UDPHeader.length + VXLANHeader.length,
        let inner = network(transport.dropping(UDPHeader.length + VXLANHeader.length), .ethernet)
      else { return }
      packet = inner
    }
  }

  private static func network(_ bytes: PacketBytes, _ link: LinkType) -> PacketBytes? {
    var at: Int
    switch link {
    case .ethernet: at = EthernetHeader.length
    case .linuxCooked: at = LinuxCookedHeader.length
    case .linuxCooked2: return bytes.count > LinuxCookedHeader2.length ? bytes.dropping(LinuxCookedHeader2.length) : nil
    case .raw, .ipv4, .ipv6: return bytes
    default: return nil
    }
    while bytes.count > at + VLANTag.length, EtherType(rawValue: bytes.u16(at - 2)).isVLAN { at += VLANTag.length }
    return bytes.count > at ? bytes.dropping(at) : nil
  }

  /// What stands behind the IP header, a number of its fields that stay the same on the way, and the direction.
  private static func transport(_ packet: PacketBytes) -> (PacketBytes, IPProtocol, UInt64, Int)? {
    if let header = IPv4Header(packet) {
      guard !header.isFragment else { return nil }
      let addresses = UInt64(header.source) << 32 | UInt64(header.destination)
      let rest = UInt64(header.identification) << 16 | UInt64(header.totalLength)
      // Without an identification the same datagram may be sent again.
      if header.identification == 0, header.proto != .tcp { return nil }
      return (
        packet.dropping(header.headerLength), header.proto, mix(addresses, rest),
        header.source < header.destination ? 0 : 1
      )
    }
    guard let header = IPv6Header(packet), header.nextHeader == 6 else { return nil }
    let source = mix(header.source.low, header.source.high)
    let destination = mix(header.destination.low, header.destination.high)
    return (
      packet.dropping(IPv6Header.length), .tcp, mix(source &+ destination &* 3, UInt64(header.payloadLength)),
      source < destination ? 0 : 1
    )
  }

  /// Without the checksum, which a network card may fill in later.
  private static func fingerprint(_ bytes: PacketBytes, _ proto: IPProtocol, _ seed: UInt64) -> UInt64? {
    switch proto {
    case .tcp where bytes.count >= 16: mix(mix(seed, bytes.u64(0)), bytes.u64(8))
    case .udp where bytes.count >= 16: mix(mix(seed, bytes.u64(0) >> 16), bytes.u64(8))
    case .icmp where bytes.count >= 8: mix(seed, bytes.u64(0))
    default: nil
    }
  }
}
