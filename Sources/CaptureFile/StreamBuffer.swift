import Input
import Wire

/// A window over a byte stream: `need(n)` makes the next n bytes contiguous, reading ahead by up to 256 KiB (what a core's own cache holds). Streaming is
/// no slower than mapping the file, and memory stays the same whatever the file's size.
@usableFromInline struct StreamBuffer: ~Copyable {
  private let stream: any ByteStream
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  private var start = 0
  private var end = 0
  /// Offset in the (decompressed) input of the next byte.
  private(set) var offset = 0
  /// Why reading stopped before the end, if it did.
  private(set) var failure: InputError?
  private var atEnd = false

  init(_ stream: any ByteStream, capacity: Int = 1 << 18) {
    self.stream = stream
    self.capacity = capacity
    base = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit { base.deallocate() }

  var available: Int { end &- start }
  var next: UnsafeRawPointer { UnsafeRawPointer(base + start) }

  /// Whether `count` bytes follow; false at the end of the input (fewer are then available) or on a read error.
  @inline(__always) mutating func need(_ count: Int) -> Bool {
    end &- start >= count || refill(count)
  }

  @inline(never) private mutating func refill(_ count: Int) -> Bool {
    if start > 0 {
      base.copyMemory(from: base + start, byteCount: end - start)
      end -= start
      start = 0
    }
    if count > capacity {
      // Rare: a record larger than the buffer. The readers cap what they ask for.
      let larger = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
      larger.copyMemory(from: base, byteCount: end)
      base.deallocate()
      base = larger
      capacity = count
    }
    while end < count, !atEnd {
      do {
        let got = try stream.read(into: UnsafeMutableRawBufferPointer(start: base + end, count: capacity - end))
        if got == 0 { atEnd = true }
        end += got
      } catch {
        failure = error
        atEnd = true
      }
    }
    return end >= count
  }

  @inline(__always) mutating func consume(_ count: Int) {
    start &+= count
    offset &+= count
  }

  /// Passes over bytes without keeping them; false when the input ends before.
  mutating func skip(_ count: Int) -> Bool {
    var left = count
    while left > 0 {
      guard need(1) else { return false }
      let step = min(left, available)
      consume(step)
      left -= step
    }
    return true
  }
}
