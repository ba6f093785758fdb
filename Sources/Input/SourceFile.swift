#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The bytes of one input and the name to print for it. Bytes never change and live as long as the object; rules and
/// evidence point into them, so nothing is copied while reading.
public final class SourceFile: @unchecked Sendable {
  public let name: String
  public let bytes: UnsafeRawBufferPointer
  private let mapped: Bool
  /// The file whose bytes these are, for a member of an archive.
  private let owner: SourceFile?
  /// A part of another file, as a member of an archive is.
  public var isMember: Bool { owner != nil }

  /// The number of its first line, in the file whose name it has.
  public let firstLine: Int

  private init(
    name: String, bytes: UnsafeRawBufferPointer, mapped: Bool, owner: SourceFile? = nil, firstLine: Int = 1
  ) {
    self.firstLine = firstLine
    self.name = name
    self.bytes = bytes
    self.mapped = mapped
    self.owner = owner
  }

  /// Takes over bytes that were allocated with malloc.
  convenience init(name: String, adopting bytes: UnsafeRawBufferPointer) {
    self.init(name: name, bytes: bytes, mapped: false)
  }

  /// A part of another file under a name of its own; not copied.
  public convenience init(name: String, partOf file: SourceFile, range: Range<Int>, firstLine: Int = 1) {
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range.clamped(to: 0..<file.bytes.count)])
    self.init(name: name, bytes: bytes, mapped: false, owner: file, firstLine: firstLine)
  }

  public convenience init(name: String, contents: some Collection<UInt8>) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: contents.count, alignment: 16)
    buffer.copyBytes(from: contents)
    self.init(name: name, bytes: UnsafeRawBufferPointer(buffer), mapped: false)
  }

  public convenience init(name: String, text: String) { self.init(name: name, contents: Array(text.utf8)) }

  deinit {
    if owner != nil { return }
    if mapped {
      munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    } else {
      bytes.deallocate()
    }
  }

  /// Maps a regular file, reads anything else (pipes, /dev/stdin, /proc) to its end. `name` is what messages print.
  public static func open(path: String, name: String? = nil) throws(InputError) -> SourceFile {
    try open(bytes: Array(path.utf8), name: name ?? path)
  }

  /// The same for a path that need not be UTF-8.
  public static func open(bytes path: [UInt8], name: String) throws(InputError) -> SourceFile {
    let descriptor = (path + [0]).withUnsafeBytes {
      Glibc.open($0.baseAddress!.assumingMemoryBound(to: CChar.self), O_RDONLY | O_CLOEXEC)
    }
    guard descriptor >= 0 else { throw InputError(path: name, errno: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw InputError(path: name, errno: errno) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw InputError(path: name, errno: EISDIR) }
    let size = Int(status.st_size)
    if status.st_mode & S_IFMT == S_IFREG, size > 0,
      let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED
    {
      return SourceFile(name: name, bytes: UnsafeRawBufferPointer(start: base, count: size), mapped: true)
    }
    return try read(descriptor: descriptor, name: name)
  }

  /// Reads a descriptor to its end; `limit` bytes at most (8 GiB unless told).
  public static func read(
    descriptor: Int32, name: String, limit: Int = 8 << 30
  ) throws(InputError) -> SourceFile {
    var capacity = 1 << 16
    var base = malloc(capacity)!
    var count = 0
    while true {
      if count == capacity {
        guard capacity < limit else {
          free(base)
          throw InputError(path: name, reason: "is larger than \(limit) bytes")
        }
        capacity *= 2
        base = realloc(base, capacity)!
      }
      let got = Glibc.read(descriptor, base + count, capacity - count)
      if got < 0 && errno == EINTR { continue }
      if got < 0 {
        let code = errno
        free(base)
        throw InputError(path: name, errno: code)
      }
      if got == 0 { break }
      count += got
    }
    return SourceFile(name: name, bytes: UnsafeRawBufferPointer(start: base, count: count), mapped: false)
  }

  /// How many bytes behind `bytes` may be read as well: the rest of a mapping's last page.
  public var readablePadding: Int { mapped ? -bytes.count & 0xFFF : 0 }

  /// A part of the file as text; what is not UTF-8 is replaced.
  public func text(_ range: Range<Int>) -> String {
    let clamped = range.clamped(to: 0..<bytes.count)
    return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[clamped]), as: UTF8.self)
  }

  /// The line (from 1) on which an offset stands. Costs a scan of what is before it.
  public func line(at offset: Int) -> Int {
    var line = 1
    for byte in bytes[..<min(offset, bytes.count)] where byte == 10 { line += 1 }
    return line
  }

  /// Tells the kernel that the pages read so far may leave memory; they come back when touched.
  public func releasePages(before offset: Int) {
    guard mapped, offset > 0 else { return }
    madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress), offset & ~0xFFFF, MADV_DONTNEED)
  }
}

/// An input that cannot be opened or read at all.
public struct InputError: Error, CustomStringConvertible, Sendable {
  public let path: String
  public let reason: String
  /// What the whole load may take is used up.
  public let isBudget: Bool

  public init(path: String, reason: String, isBudget: Bool = false) {
    self.path = path
    self.reason = reason
    self.isBudget = isBudget
  }

  public init(path: String, errno code: Int32) {
    self.init(path: path, reason: String(cString: strerror(code)))
  }

  public var description: String { "\(path): \(reason)" }
}
