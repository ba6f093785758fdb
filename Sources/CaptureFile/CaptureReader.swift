import Input
import Wire

/// What a capture file says of itself.
public struct CaptureHeader: Sendable {
  public enum Format: Sendable { case pcap, pcapng }

  public var format: Format = .pcap
  public var bigEndian = false
  public var nanoseconds = false
  public var modified = false
  public var compression: String?
  public var sections = 0

  /// `pcap-le-us`, `pcapng-be`, with `+gzip` or `+zstd`.
  public var name: String {
    let order = bigEndian ? "be" : "le"
    let plain =
      format == .pcapng ? "pcapng-\(order)" : "pcap-\(order)-\(modified ? "modified" : nanoseconds ? "ns" : "us")"
    return compression.map { "\(plain)+\($0)" } ?? plain
  }
}

/// One capturing interface.
public struct CaptureInterface: Sendable {
  public var linkType: LinkType
  /// 0: no limit.
  public var snapLength: UInt32
  /// Units of the timestamps per second.
  public var unitsPerSecond: UInt64 = 1_000_000
  /// Seconds to add to each.
  public var timeOffset: Int64 = 0
  /// Index into `CaptureReader.interfaceNames`, or -1.
  var name: Int32 = -1
}

/// Reads pcap and pcapng files, plain or compressed with gzip or zstd, from one end to the other.
///
/// Everything that cannot be taken as it stands ends in `damage`: what was read before stays good. Record lengths are
/// bounded (`maximumRecord`), as are the numbers of interfaces and names kept, so that memory is bounded whatever the
/// file says. libpcap's reader refuses pcapng files whose interfaces differ in link type or snap length; this one does
/// not.
public struct CaptureReader: ~Copyable {
  /// Bytes of a packet record that are believed; Wireshark's limit is 256 KiB, tcpdump's records may be a little larger.
  public static let maximumRecord = 262_144 + 65_536
  /// Bytes of a pcapng block that is not a packet; larger ones are passed over.
  static let maximumBlock = 16 << 20
  static let maximumInterfaces = 1 << 20
  static let maximumNames = 1024

  public let name: String
  public private(set) var header = CaptureHeader()
  /// Of the section being read.
  public private(set) var interfaces: [CaptureInterface] = []
  /// Names as the file spells them, at most 64 bytes each; not safe to print unescaped.
  public private(set) var interfaceNames: [[UInt8]] = []
  /// All link types met, in the order of their first frame, with the frames of each.
  public private(set) var linkTypes: [(LinkType, Int)] = []
  /// What is wrong with the file, if anything, with its byte offset.
  public private(set) var damage: Diagnostic?
  /// Packets that the capturing tool says it lost (pcapng interface statistics).
  public private(set) var dropped: UInt64 = 0
  public private(set) var frames = 0
  public var offset: Int { buffer.offset }

  private var buffer: StreamBuffer
  private let progressSource: any ByteStream
  private var swapped = false
  private var linkType = LinkType.ethernet
  private var subsecondFactor: Int64 = 1000
  private var recordHeader = 16
  private var sectionStarted = false

  /// Bytes of the input taken so far (compressed ones of a compressed file).
  public var consumed: Int { progressSource.consumed }

  /// Opens a file, `-` for standard input. Throws when it cannot be opened or is not a capture.
  public static func open(path: String) throws(CaptureError) -> CaptureReader {
    let stream: FileStream
    do { stream = try FileStream(path: path) } catch { throw .cannotOpen(error) }
    return try open(stream: stream, name: path == "-" ? "standard input" : path)
  }

  public static func open(stream source: any ByteStream, name: String) throws(CaptureError) -> CaptureReader {
    let (stream, compression) = try decompressed(source, name: name)
    var reader = CaptureReader(plain: stream, source: source, name: name)
    reader.header.compression = compression
    try reader.readHeader()
    return reader
  }

  private init(plain: any ByteStream, source: any ByteStream, name: String) {
    self.name = name
    progressSource = source
    buffer = StreamBuffer(plain)
  }

  private static func decompressed(
    _ source: any ByteStream, name: String
  ) throws(CaptureError) -> (any ByteStream, String?) {
    var magic = try peek(source, name: name)
    var stream: any ByteStream = PrefixedStream(magic, source)
    var compression: [String] = []
    while magic.count >= 4, compression.count < 2 {
      if magic[0] == 0x1F, magic[1] == 0x8B {
        stream = GzipStream(stream)
        compression.append("gzip")
      } else if magic.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
        stream = ZstdStream(stream)
        compression.append("zstd")
      } else {
        break
      }
      magic = try peek(stream, name: name)
      stream = PrefixedStream(magic, stream)
    }
    return (stream, compression.isEmpty ? nil : compression.joined(separator: "+"))
  }

  private static func peek(_ stream: any ByteStream, name: String) throws(CaptureError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 4)
    var count = 0
    do {
      while count < 4 {
        let got = try bytes.withUnsafeMutableBytes { (whole) throws(InputError) -> Int in
          try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: whole[count...]))
        }
        if got == 0 { break }
        count += got
      }
    } catch {
      throw .malformed(Diagnostic(.error, file: name, .offset(0), (error as? InputError)?.reason ?? "\(error)"))
    }
    return Array(bytes[..<count])
  }

  // MARK: numbers in the file's order

  @inline(__always) private func u16(_ at: Int) -> UInt16 {
    let value = buffer.next.loadUnaligned(fromByteOffset: at, as: UInt16.self)
    return swapped ? value.byteSwapped : value
  }
  @inline(__always) private func u32(_ at: Int) -> UInt32 {
    let value = buffer.next.loadUnaligned(fromByteOffset: at, as: UInt32.self)
    return swapped ? value.byteSwapped : value
  }
  private func u64(_ at: Int) -> UInt64 {
    let value = buffer.next.loadUnaligned(fromByteOffset: at, as: UInt64.self)
    return swapped ? value.byteSwapped : value
  }

  private mutating func fail(_ message: String, at offset: Int? = nil) {
    guard damage == nil else { return }
    let reason = buffer.failure.map { "\(message): \($0.reason)" } ?? message
    damage = Diagnostic(.error, file: name, .offset(offset ?? buffer.offset), reason)
  }

  private mutating func readHeader() throws(CaptureError) {
    guard buffer.need(4) else {
      let message =
        buffer.available == 0 ? "the file is empty" : "\(buffer.available) bytes are too short for a capture"
      throw .malformed(Diagnostic(.error, file: name, .offset(0), message))
    }
    swapped = false
    let magic = u32(0)
    switch magic {
    case 0xA1B2_C3D4, 0xA1B2_3C4D, 0xA1B2_CD34: swapped = false
    case 0xD4C3_B2A1, 0x4D3C_B2A1, 0x34CD_B2A1: swapped = true
    case 0x0A0D_0D0A:
      header.format = .pcapng
      return
    default:
      throw .malformed(
        Diagnostic(
          .error, file: name, .offset(0),
          "not a capture: starts with \(hex(magic.byteSwapped)), expected a pcap or pcapng header (gzip and zstd are "
            + "understood)"))
    }
    let order = swapped ? magic.byteSwapped : magic
    header.bigEndian = swapped != (UInt16(1).littleEndian != 1)
    header.nanoseconds = order == 0xA1B2_3C4D
    header.modified = order == 0xA1B2_CD34
    header.sections = 1
    guard buffer.need(24) else {
      throw .malformed(
        Diagnostic(.error, file: name, .offset(buffer.available), "the file header is cut, 24 bytes expected"))
    }
    if header.modified { recordHeader = 24 }
    subsecondFactor = header.nanoseconds ? 1 : 1000
    let network = u32(20)
    // The upper bits hold the length of a frame check sequence (ignored) and reserved bits.
    linkType = LinkType(rawValue: UInt16(truncatingIfNeeded: network & 0xFFFF))
    interfaces = [
      CaptureInterface(
        linkType: linkType, snapLength: u32(16), unitsPerSecond: header.nanoseconds ? 1_000_000_000 : 1_000_000)
    ]
    buffer.consume(24)
  }

  /// Moves on to the next frame; false at the end of the file or where damage stops the reading.
  @inline(__always) public mutating func next(_ frame: inout Frame) -> Bool {
    header.format == .pcap ? nextRecord(&frame) : nextBlock(&frame)
  }

  /// Moves on by as many frames as the buffer holds whole, at least one if there is one, at most `frames.count`; their
  /// bytes are good until the next call. 0 at the end.
  public mutating func next(_ frames: UnsafeMutableBufferPointer<Frame>) -> Int {
    guard next(&frames[0]) else { return 0 }
    var count = 1
    while count < frames.count, holdsFrame, next(&frames[count]) { count &+= 1 }
    return count
  }

  /// Whether the next frame can be had without reading on, which would move the bytes of those before.
  @inline(__always) private var holdsFrame: Bool {
    if header.format == .pcap {
      let available = buffer.available
      return available >= recordHeader && available &- recordHeader >= Int(u32(8))
    }
    guard buffer.available >= 12 else { return false }
    let type = u32(0)
    return (type == 6 || type == 2 || type == 3) && buffer.available >= Int(u32(4))
  }

  @inline(__always) private mutating func nextRecord(_ frame: inout Frame) -> Bool {
    guard buffer.need(recordHeader) else {
      if buffer.available > 0 || buffer.failure != nil { fail("the file ends inside a record header") }
      return false
    }
    let seconds = u32(0)
    let fraction = u32(4)
    let captured = Int(u32(8))
    let original = Int(u32(12))
    guard captured <= Self.maximumRecord else {
      fail("record \(frames + 1) claims \(captured) captured bytes, at most \(Self.maximumRecord) are believed")
      return false
    }
    let total = recordHeader &+ captured
    guard buffer.need(total) else {
      fail(
        "the file ends inside record \(frames + 1): \(buffer.available - recordHeader) of its \(captured) bytes are there"
      )
      return false
    }
    frames &+= 1
    frame.bytes = PacketBytes(base: buffer.next + recordHeader, count: captured, wireCount: max(original, captured))
    frame.time = Int64(seconds) &* 1_000_000_000 &+ Int64(fraction) &* subsecondFactor
    frame.number = frames
    frame.linkType = linkType
    frame.interface = 0
    buffer.consume(total)
    if linkTypes.isEmpty { linkTypes.append((linkType, 0)) }
    linkTypes[0].1 &+= 1
    return true
  }

  // MARK: pcapng

  private mutating func nextBlock(_ frame: inout Frame) -> Bool {
    while true {
      guard buffer.need(12) else {
        if buffer.available > 0 || buffer.failure != nil { fail("the file ends inside a block header") }
        return false
      }
      let start = buffer.offset
      var type = u32(0)
      if buffer.next.loadUnaligned(as: UInt32.self) == 0x0A0D_0D0A {
        type = 0x0A0D_0D0A
        switch buffer.next.loadUnaligned(fromByteOffset: 8, as: UInt32.self) {
        case 0x1A2B_3C4D: swapped = false
        case 0x4D3C_2B1A: swapped = true
        default:
          fail("a section header with an unknown byte-order magic", at: start + 8)
          return false
        }
      }
      let length = Int(u32(4))
      guard length >= 12, length & 3 == 0 else {
        fail("a block of type \(hex(type)) claims a length of \(length) bytes", at: start + 4)
        return false
      }
      let isPacket = type == 6 || type == 2 || type == 3
      if isPacket ? length > Self.maximumRecord + 65_536 : length > Self.maximumBlock {
        if isPacket {
          fail("packet block \(frames + 1) claims \(length) bytes, more than is believed", at: start + 4)
          return false
        }
        guard buffer.skip(length) else {
          fail("the file ends inside a block of \(length) bytes (type \(hex(type)))", at: start)
          return false
        }
        continue
      }
      guard buffer.need(length) else {
        fail(
          "the file ends inside a block of type \(hex(type)): \(buffer.available) of its \(length) bytes are there",
          at: start)
        return false
      }
      let trailer = Int(u32(length - 4))
      guard trailer == length else {
        fail("a block's two lengths differ: \(length) at its head, \(trailer) at its end", at: start)
        return false
      }
      var isFrame = false
      switch type {
      case 0x0A0D_0D0A: startSection(length)
      case 1: addInterface(length)
      case 5: addStatistics(length)
      case 6: isFrame = enhancedPacket(length, &frame)
      case 2: isFrame = oldPacket(length, &frame)
      case 3: isFrame = simplePacket(length, &frame)
      default: break
      }
      if damage != nil { return false }
      buffer.consume(length)
      if isFrame { return true }
    }
  }

  private mutating func startSection(_ length: Int) {
    header.sections += 1
    if header.sections == 1 { header.bigEndian = swapped }
    interfaces.removeAll(keepingCapacity: true)
    interfaceNames.removeAll(keepingCapacity: true)
  }

  private mutating func addInterface(_ length: Int) {
    guard length >= 20 else { return fail("an interface block of \(length) bytes, at least 20 expected") }
    guard interfaces.count < Self.maximumInterfaces else {
      return fail("more than \(Self.maximumInterfaces) interfaces in one section")
    }
    var interface = CaptureInterface(linkType: LinkType(rawValue: u16(8)), snapLength: u32(12))
    var at = 16
    while at + 4 <= length - 4 {
      let code = u16(at)
      let size = Int(u16(at + 2))
      guard code != 0, at + 4 + size <= length - 4 else { break }
      switch (code, size) {
      case (9, 1...):
        let value = buffer.next.load(fromByteOffset: at + 4, as: UInt8.self)
        let exponent = UInt64(value & 0x7F)
        if value & 0x80 != 0 {
          interface.unitsPerSecond = 1 << min(exponent, 63)
        } else {
          interface.unitsPerSecond = (0..<min(exponent, 19)).reduce(1) { power, _ in power * 10 }
        }
      case (14, 8): interface.timeOffset = Int64(bitPattern: u64(at + 4))
      case (2, 1...) where interfaceNames.count < Self.maximumNames:
        interface.name = Int32(interfaceNames.count)
        interfaceNames.append(Array(UnsafeRawBufferPointer(start: buffer.next + at + 4, count: min(size, 64))))
      default: break
      }
      at += 4 + ((size + 3) & ~3)
    }
    interfaces.append(interface)
  }

  private mutating func addStatistics(_ length: Int) {
    guard length >= 24 else { return }
    var at = 20
    while at + 4 <= length - 4 {
      let code = u16(at)
      let size = Int(u16(at + 2))
      guard code != 0, at + 4 + size <= length - 4 else { break }
      // isb_ifdrop and isb_osdrop.
      if code == 5 || code == 7, size == 8 { dropped &+= u64(at + 4) }
      at += 4 + ((size + 3) & ~3)
    }
  }

  private mutating func enhancedPacket(_ length: Int, _ frame: inout Frame) -> Bool {
    guard length >= 32 else {
      fail("a packet block of \(length) bytes, at least 32 expected")
      return false
    }
    let captured = Int(u32(20))
    guard captured <= length - 32 else {
      fail("packet block \(frames + 1) claims \(captured) captured bytes and holds \(length - 32)")
      return false
    }
    return take(
      &frame, interface: u32(8), units: UInt64(u32(12)) << 32 | UInt64(u32(16)), at: 28, captured: captured,
      original: Int(u32(24)))
  }

  private mutating func oldPacket(_ length: Int, _ frame: inout Frame) -> Bool {
    guard length >= 32 else {
      fail("a packet block of \(length) bytes, at least 32 expected")
      return false
    }
    let captured = Int(u32(20))
    guard captured <= length - 32 else {
      fail("packet block \(frames + 1) claims \(captured) captured bytes and holds \(length - 32)")
      return false
    }
    return take(
      &frame, interface: UInt32(u16(8)), units: UInt64(u32(12)) << 32 | UInt64(u32(16)), at: 28, captured: captured,
      original: Int(u32(24)))
  }

  private mutating func simplePacket(_ length: Int, _ frame: inout Frame) -> Bool {
    guard length >= 16 else {
      fail("a simple packet block of \(length) bytes, at least 16 expected")
      return false
    }
    let original = Int(u32(8))
    var captured = min(original, length - 16)
    if let first = interfaces.first, first.snapLength > 0 { captured = min(captured, Int(first.snapLength)) }
    return take(&frame, interface: 0, units: 0, at: 12, captured: captured, original: original)
  }

  private mutating func take(
    _ frame: inout Frame, interface index: UInt32, units: UInt64, at: Int, captured: Int, original: Int
  ) -> Bool {
    guard Int(index) < interfaces.count else {
      fail("packet block \(frames + 1) names interface \(index), the section has \(interfaces.count)")
      return false
    }
    let interface = interfaces[Int(index)]
    frames += 1
    frame.bytes = PacketBytes(base: buffer.next + at, count: captured, wireCount: max(original, captured))
    frame.time = Self.nanoseconds(units, per: interface.unitsPerSecond, offset: interface.timeOffset)
    frame.number = frames
    frame.linkType = interface.linkType
    frame.interface = index
    if let known = linkTypes.firstIndex(where: { $0.0 == interface.linkType }) {
      linkTypes[known].1 += 1
    } else {
      linkTypes.append((interface.linkType, 1))
    }
    return true
  }

  /// Any resolution to nanoseconds, clamped to 1970...2116: the difference of two times never overflows.
  static func nanoseconds(_ units: UInt64, per second: UInt64, offset: Int64) -> Int64 {
    min(max(0, unclamped(units, per: second, offset: offset)), Int64.max / 2)
  }

  private static func unclamped(_ units: UInt64, per second: UInt64, offset: Int64) -> Int64 {
    let base: Int64
    switch second {
    case 1_000_000: base = units > UInt64(Int64.max) / 1000 ? .max : Int64(units) * 1000
    case 1_000_000_000: base = Int64(clamping: units)
    default:
      let (whole, part) = units.quotientAndRemainder(dividingBy: second)
      let product = part.multipliedFullWidth(by: 1_000_000_000)
      let fraction = second.dividingFullWidth(product).quotient
      let (scaled, overflow) = whole.multipliedReportingOverflow(by: 1_000_000_000)
      base = overflow ? .max : Int64(clamping: scaled &+ fraction)
    }
    let (shift, overflow) = offset.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return base }
    let (sum, past) = base.addingReportingOverflow(shift)
    return past ? base : sum
  }
}

/// Why a capture could not be read at all.
public enum CaptureError: Error, CustomStringConvertible, Sendable {
  case cannotOpen(InputError)
  case malformed(Diagnostic)

  public var description: String {
    switch self {
    case .cannotOpen(let error): error.description
    case .malformed(let diagnostic): diagnostic.description
    }
  }
}

func hex(_ value: UInt32) -> String { "0x" + String(value, radix: 16) }
