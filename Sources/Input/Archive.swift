import CZlib
import CZstd

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Unpacks .gz, .zst, .tar and their combinations in memory. Nothing is written to disk, so a member's path is only a
/// name; sizes are bounded, because a few kilobytes can unpack to petabytes.
public enum Archive {
  /// What one load may unpack to in all, whatever stands in what: a bomb in an archive of bombs takes from the same budget.
  public final class Budget {
    /// Bytes that are left, and how many there were.
    private(set) var left: Int
    private var total: Int
    public let members: Int

    /// Files of any size may unpack to this much.
    public static let smallest = 256 << 20
    private static let largest = 4 << 30
    /// Text of rules shrinks to a thirtieth; what grows by more than this is no text of rules.
    private static let ratio = 200

    public init(bytes: Int = smallest, members: Int = 100_000, plain: Int? = nil) {
      plainLimit = plain ?? max(Self.smallest, Self.eighthOfMemory)
      left = bytes
      total = bytes
      self.members = members
    }

    /// A file of this size was handed over: it may unpack to more than the smallest budget.
    public func allow(_ compressed: Int) {
      let wanted = min(Self.largest, compressed.multipliedReportingOverflow(by: Self.ratio).partialValue)
      guard wanted > total else { return }
      left += wanted - total
      total = wanted
    }

    /// Files that are read as they are take nothing of what may be unpacked. All of them together may be this much: reading
    /// takes several times their size.
    private static let eighthOfMemory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) / 8
    private let plainLimit: Int
    private var plain = 0

    /// A file is read as it is.
    public func admit(_ file: SourceFile) throws(InputError) {
      guard !file.isMember else { return }
      plain += file.bytes.count
      guard plain <= plainLimit else {
        throw InputError(
          path: file.name,
          reason:
            "and what was read before it are more than \(plainLimit >> 20) MiB, an eighth of this machine's memory; hand over fewer files",
          isBudget: true)
      }
    }

    fileprivate func take(_ bytes: Int, of file: SourceFile) throws(InputError) {
      guard bytes <= left else { throw exhausted(file) }
      left -= bytes
    }

    fileprivate func exhausted(_ file: SourceFile) -> InputError {
      InputError(
        path: file.name,
        reason:
          "unpacks, with what was unpacked before, to more than \(total >> 20) MiB; unpack it by hand if it is meant to",
        isBudget: true)
    }
  }

  /// Whether the bytes begin as an archive or a compressed file does.
  public static func isArchive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    isGzip(bytes) || isZstandard(bytes) || isTar(bytes)
  }

  /// The regular files in an archive, in order. A compressed file that is no tar is one member, named without its
  /// suffix.
  public static func members(of file: SourceFile, budget: Budget = Budget()) throws(InputError) -> [SourceFile] {
    var content = file
    var name = file.name
    var level = 0
    while isGzip(content.bytes) || isZstandard(content.bytes) {
      level += 1
      guard level <= 3 else { throw InputError(path: file.name, reason: "is compressed more than three times over") }
      for suffix in [".gz", ".zst", ".tgz"] where name.hasSuffix(suffix) {
        name = String(name.dropLast(suffix.count)) + (suffix == ".tgz" ? ".tar" : "")
        break
      }
      let gzip = isGzip(content.bytes)
      let bytes = gzip ? try gunzip(content, budget) : try unzstd(content, budget)
      content = SourceFile(name: name, adopting: bytes)
    }
    guard isTar(content.bytes) else { return level == 0 ? [] : [content] }
    return try tarMembers(content, archive: file.name, budget)
  }

  private static func isGzip(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count > 10 && bytes[0] == 0x1F && bytes[1] == 0x8B && bytes[2] == 8
  }
  private static func isZstandard(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count > 8 && startsFrame(bytes, at: 0)
  }
  /// Of RFC 8878. The library also takes frames of its early years, whose windows no parameter bounds.
  private static func startsFrame(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
    guard bytes.count - offset >= 4 else { return false }
    let magic = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    return magic == 0xFD2F_B528 || magic & ~0xF == 0x184D_2A50
  }
  private static func isTar(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= 512 && UnsafeRawBufferPointer(rebasing: bytes[257..<262]).equals("ustar") && checksumHolds(bytes, 0)
  }

  // MARK: Compression

  private static func gunzip(_ file: SourceFile, _ budget: Budget) throws(InputError) -> UnsafeRawBufferPointer {
    var stream = z_stream()
    // 32: gzip or zlib, told by the header.
    guard inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw InputError(path: file.name, reason: "zlib cannot start")
    }
    defer { inflateEnd(&stream) }
    var output = GrowingBuffer(estimate: file.bytes.count.multipliedReportingOverflow(by: 4).partialValue)
    var at = 0
    var problem: InputError?
    while true {
      // zlib counts in 32 bits.
      if stream.avail_in == 0, at < file.bytes.count {
        let amount = min(file.bytes.count - at, 1 << 30)
        stream.next_in = UnsafeMutableRawPointer(mutating: file.bytes.baseAddress! + at).assumingMemoryBound(
          to: UInt8.self)
        stream.avail_in = UInt32(amount)
        at += amount
      }
      let room = output.reserve()
      stream.next_out = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
      stream.avail_out = UInt32(min(room.count, 1 << 30))
      let before = stream.avail_out
      let status = inflate(&stream, Z_NO_FLUSH)
      output.count += Int(before - stream.avail_out)
      if output.count > budget.left {
        problem = budget.exhausted(file)
        break
      }
      if status == Z_STREAM_END {
        // Members of gzip may follow one another.
        if stream.avail_in == 0, at == file.bytes.count { break }
        if stream.avail_in > 0, stream.next_in[0] == 0x1F, inflateReset(&stream) == Z_OK { continue }
        break
      }
      if status != Z_OK {
        let offset = at - Int(stream.avail_in)
        let reason =
          status == Z_BUF_ERROR && offset == file.bytes.count
          ? "is truncated: its gzip data ends early" : "is damaged: not gzip data at byte \(offset)"
        problem = InputError(path: file.name, reason: reason)
        break
      }
    }
    let bytes = try output.finish(or: problem)
    try budget.take(bytes.count, of: file)
    return bytes
  }

  /// Powers of two: what `zstd -19` needs, so many times the input, and what any frame may ask for.
  private static let smallestWindow = 23
  private static let windowShare = 6
  private static let largestWindow = 27

  private static func unzstd(_ file: SourceFile, _ budget: Budget) throws(InputError) -> UnsafeRawBufferPointer {
    guard let stream = ZSTD_createDStream() else { throw InputError(path: file.name, reason: "zstd cannot start") }
    defer { ZSTD_freeDStream(stream) }
    // A frame names the window that it needs; nine bytes may ask for 128 MiB.
    let window = max(smallestWindow, min(file.bytes.count, 1 << 27).powerOfTwo + windowShare)
    ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, CInt(min(window, largestWindow)))
    var input = ZSTD_inBuffer(src: file.bytes.baseAddress, size: file.bytes.count, pos: 0)
    var output = GrowingBuffer(estimate: file.bytes.count.multipliedReportingOverflow(by: 4).partialValue)
    var problem: InputError?
    var isBetweenFrames = true
    while true {
      if isBetweenFrames, !startsFrame(file.bytes, at: input.pos) {
        problem = InputError(path: file.name, reason: "is damaged at byte \(input.pos): no zstd frame starts there")
        break
      }
      let room = output.reserve()
      var target = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
      let status = ZSTD_decompressStream(stream, &target, &input)
      output.count += target.pos
      if ZSTD_isError(status) != 0 {
        problem = InputError(
          path: file.name,
          reason: "is damaged at byte \(input.pos): \(String(cString: ZSTD_getErrorName(status)))")
        break
      }
      if output.count > budget.left {
        problem = budget.exhausted(file)
        break
      }
      // 0: a frame ends here. Output that fills the room exactly may not be all.
      isBetweenFrames = status == 0
      if input.pos == input.size, status == 0 || target.pos < target.size {
        if status != 0 { problem = InputError(path: file.name, reason: "is truncated: its zstd data ends early") }
        break
      }
    }
    let bytes = try output.finish(or: problem)
    try budget.take(bytes.count, of: file)
    return bytes
  }

  private struct GrowingBuffer {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    var count = 0

    init(estimate: Int) {
      capacity = min(max(estimate, 1 << 16), 1 << 28)
      base = malloc(capacity)!
    }

    /// Free space behind what is there.
    mutating func reserve() -> UnsafeMutableRawBufferPointer {
      if capacity - count < 1 << 14 {
        capacity *= 2
        base = realloc(base, capacity)!
      }
      return UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count)
    }

    mutating func finish(or problem: InputError?) throws(InputError) -> UnsafeRawBufferPointer {
      if let problem {
        free(base)
        throw problem
      }
      return UnsafeRawBufferPointer(start: realloc(base, max(count, 1)), count: count)
    }
  }

  // MARK: tar

  private static func checksumHolds(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> Bool {
    guard let stored = number(bytes, at + 148, 8) else { return false }
    var sum = 0
    for index in 0..<512 { sum += index >= 148 && index < 156 ? 32 : Int(bytes[at + index]) }
    return sum == stored
  }

  /// Octal digits, or GNU's binary form with the top bit set.
  private static func number(_ bytes: UnsafeRawBufferPointer, _ at: Int, _ length: Int) -> Int? {
    if bytes[at] & 0x80 != 0 {
      var value = Int(bytes[at] & 0x3F)
      for index in 1..<length {
        guard value < 1 << 48 else { return nil }
        value = value << 8 | Int(bytes[at + index])
      }
      return value
    }
    var value = 0
    var digits = 0
    for index in 0..<length {
      let byte = bytes[at + index]
      if byte == 0x20 && digits == 0 { continue }
      guard byte >= 48, byte <= 55 else { break }
      value = value << 3 | Int(byte - 48)
      digits += 1
    }
    return digits > 0 ? value : nil
  }

  private static func text(_ bytes: UnsafeRawBufferPointer, _ at: Int, _ length: Int) -> String {
    let field = bytes[at..<at + length]
    return String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
  }

  private static func tarMembers(
    _ file: SourceFile, archive: String, _ budget: Budget
  ) throws(InputError) -> [SourceFile] {
    let bytes = file.bytes
    var members: [SourceFile] = []
    var at = 0
    var longName: String?
    while at + 512 <= bytes.count {
      if bytes[at] == 0 {
        at += 512
        continue
      }
      guard checksumHolds(bytes, at), let size = number(bytes, at + 124, 12) else {
        throw InputError(path: archive, reason: "is damaged: no tar header at byte \(at)")
      }
      let start = at + 512
      guard size <= bytes.count - start else {
        throw InputError(path: archive, reason: "is truncated inside \(escaped(text(bytes, at, 100)))")
      }
      var name = text(bytes, at, 100)
      // POSIX headers keep a long path's beginning apart; GNU's use the field for other things.
      if bytes[at + 263] == 48 || bytes[at + 262] == 0,
        UnsafeRawBufferPointer(rebasing: bytes[at + 257..<at + 263]).equals("ustar\0")
      {
        let prefix = text(bytes, at + 345, 155)
        if !prefix.isEmpty { name = prefix + "/" + name }
      }
      switch bytes[at + 156] {
      case UInt8(ascii: "L"): longName = text(bytes, start, min(size, 4096))
      case UInt8(ascii: "x"): longName = paxPath(bytes, start, size) ?? longName
      case UInt8(ascii: "g"), UInt8(ascii: "K"): break
      case UInt8(ascii: "0"), 0, UInt8(ascii: "7"):
        guard members.count < budget.members else {
          throw InputError(path: archive, reason: "holds more than \(budget.members) files")
        }
        name = longName ?? name
        longName = nil
        if !name.hasSuffix("/") {
          members.append(SourceFile(name: escaped(name), partOf: file, range: start..<start + size))
        }
      default: longName = nil
      }
      at = start + (size + 511) / 512 * 512
    }
    if at < bytes.count, bytes[at] != 0 {
      throw InputError(path: archive, reason: "is truncated inside a header at byte \(at)")
    }
    return members
  }

  /// `27 path=some/long/name\n` among the records of a pax header.
  private static func paxPath(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ size: Int) -> String? {
    var rest = ByteText(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<start + size]))
    while let (length, _) = rest.split(at: 0x20), let count = length.int, count > length.count + 1, count <= rest.count
    {
      let record = rest[length.count + 1..<count - 1]
      if record.hasPrefix("path=") { return record.dropFirst(5).string }
      rest = rest.dropFirst(count)
    }
    return nil
  }
}

extension Int {
  /// The greatest power of two that is not above it.
  fileprivate var powerOfTwo: Int { self > 0 ? Int.bitWidth - 1 - leadingZeroBitCount : 0 }
}
