import Input
import Wire

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
  public internal(set) var header = CaptureHeader()
  /// Of the section being read.
  public internal(set) var interfaces: [CaptureInterface] = []
  /// Names as the file spells them, at most 64 bytes each; not safe to print unescaped.
  public internal(set) var interfaceNames: [[UInt8]] = []
  /// All link types met, in the order of their first frame.
  public internal(set) var linkTypes: [LinkType] = []
  /// What is wrong with the file, if anything, with its byte offset.
  public internal(set) var damage: Diagnostic?
  /// Packets that the capturing tool says it lost (pcapng interface statistics).
  public internal(set) var dropped: UInt64 = 0
  public internal(set) var frames = 0
  /// Blocks before the frame that hold no packet and have a number in Wireshark.
  var unreadFrames = 0
  public var offset: Int { buffer.offset }

  var buffer: StreamBuffer
  private let progressSource: any ByteStream
  var swapped = false
  private var linkType = LinkType.ethernet
  private var subsecondFactor: Int64 = 1000
  private var recordHeader = 16

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

  @inline(__always) func u16(_ at: Int) -> UInt16 {
    let value = buffer.next.loadUnaligned(fromByteOffset: at, as: UInt16.self)
    return swapped ? value.byteSwapped : value
  }
  @inline(__always) func u32(_ at: Int) -> UInt32 { Self.word(buffer.next, at, swapped) }
  @inline(__always) private static func word(_ base: UnsafeRawPointer, _ at: Int, _ swapped: Bool) -> UInt32 {
    let value = base.loadUnaligned(fromByteOffset: at, as: UInt32.self)
    return swapped ? value.byteSwapped : value
  }
  func u64(_ at: Int) -> UInt64 {
    let value = buffer.next.loadUnaligned(fromByteOffset: at, as: UInt64.self)
    return swapped ? value.byteSwapped : value
  }

  mutating func fail(_ message: String, at offset: Int? = nil) {
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
    if header.format == .pcap {
      count = swapped ? heldRecords(frames, swapped: true) : heldRecords(frames, swapped: false)
    }
    while count < frames.count, holdsFrame, next(&frames[count]) { count &+= 1 }
    return count
  }

  /// Whether the next frame can be had without reading on, which would move the bytes of those before.
  @inline(__always) var holdsFrame: Bool {
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
    let captured = Int(u32(8))
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
    take(buffer.next, captured, swapped, number: frames, &frame)
    buffer.consume(total)
    if frames == 1 { linkTypes = [linkType] }
    return true
  }

  /// Fills `batch` behind its first frame with the pcap records that the buffer holds whole; says how far. `swapped` is
  /// given for the compiler to make a loop of each.
  @inline(__always) private mutating func heldRecords(
    _ batch: UnsafeMutableBufferPointer<Frame>, swapped: Bool
  ) -> Int {
    let start = buffer.next
    let length = recordHeader
    let known = frames &- 1
    var at = start
    var left = buffer.available
    var count = 1
    while count < batch.count, left >= length {
      let captured = Int(Self.word(at, 8, swapped))
      guard captured <= Self.maximumRecord, left &- length >= captured else { break }
      count &+= 1
      take(at, captured, swapped, number: known &+ count, &batch[count &- 1])
      at += length &+ captured
      left &-= length &+ captured
    }
    frames = known &+ count
    buffer.consume(at - start)
    return count
  }

  /// The record whose header begins at `record`.
  @inline(__always) private func take(
    _ record: UnsafeRawPointer, _ captured: Int, _ swapped: Bool, number: Int, _ frame: inout Frame
  ) {
    frame.bytes = PacketBytes(
      base: record + recordHeader, count: captured, wireCount: max(Int(Self.word(record, 12, swapped)), captured))
    frame.time =
      Int64(Self.word(record, 0, swapped)) &* 1_000_000_000 &+ Int64(Self.word(record, 4, swapped)) &* subsecondFactor
    frame.number = number
    frame.linkType = linkType
    frame.interface = 0
  }
}
