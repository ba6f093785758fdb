#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Bytes of text in the making, for output that comes a hundred thousand times: one check of the capacity a call, no
/// reference counts, used again after `removeAll`.
public struct TextBuffer: ~Copyable {
  @usableFromInline var base: UnsafeMutablePointer<UInt8>
  @usableFromInline var capacity: Int
  @usableFromInline var used = 0

  /// Large buffers lie on huge pages; what of them is never written takes no memory.
  public init(capacity: Int = 1 << 16) {
    self.capacity = max(capacity, 64)
    base = malloc(self.capacity)!.assumingMemoryBound(to: UInt8.self)
    adviseHugePages()
  }

  deinit { free(base) }

  @inlinable public var count: Int { used }

  /// What was written so far. Valid until the next call that writes.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: used) }

  /// What was written becomes the bytes of a file; the buffer is empty then.
  public mutating func takeFile(name: String) -> SourceFile {
    let taken = UnsafeRawBufferPointer(start: base, count: used)
    capacity = 64
    used = 0
    base = malloc(capacity)!.assumingMemoryBound(to: UInt8.self)
    return SourceFile(name: name, adopting: taken)
  }

  public mutating func removeAll() { used = 0 }
  public mutating func newline() { byte(10) }

  /// Room for `more` bytes.
  @inlinable mutating func reserve(_ more: Int) {
    if used &+ more > capacity { grow(more) }
  }

  @usableFromInline mutating func grow(_ more: Int) {
    capacity = max(capacity * 2, used + more)
    base = realloc(base, capacity)!.assumingMemoryBound(to: UInt8.self)
    adviseHugePages()
  }

  private func adviseHugePages() {
    if capacity >= 1 << 22 { Input.adviseHugePages(base, capacity) }
  }

  @inlinable @inline(__always) public mutating func byte(_ value: UInt8) {
    reserve(1)
    base[used] = value
    used &+= 1
  }

  @inlinable @inline(__always) public mutating func literal(_ text: StaticString) {
    let length = text.utf8CodeUnitCount
    reserve(length)
    UnsafeMutableRawPointer(base + used).copyMemory(from: text.utf8Start, byteCount: length)
    used &+= length
  }

  @inlinable public mutating func raw(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    reserve(bytes.count)
    UnsafeMutableRawPointer(base + used).copyMemory(from: start, byteCount: bytes.count)
    used &+= bytes.count
  }

  public mutating func raw(_ text: String) {
    var copy = text
    copy.withUTF8 { raw(UnsafeRawBufferPointer($0)) }
  }

  public mutating func decimal(_ value: some BinaryInteger) {
    if value < 0 { byte(UInt8(ascii: "-")) }
    decimal(UInt64(value.magnitude))
  }

  @inlinable public mutating func decimal(_ value: UInt64) {
    var digits = 1
    var rest = value
    while rest >= 10 {
      rest /= 10
      digits &+= 1
    }
    reserve(digits)
    var at = used &+ digits
    used = at
    rest = value
    repeat {
      at &-= 1
      base[at] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
  }
}
