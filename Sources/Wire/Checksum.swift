/// The Internet checksum (RFC 1071): the one's complement sum of 16-bit words.
public enum Checksum {
  /// Sum of the bytes as 16-bit words, folded to 16 bits; an odd last byte is padded with zero. `seed`: of words in memory
  /// order.
  @inlinable public static func sum(_ base: UnsafeRawPointer, _ count: Int, seed: UInt64 = 0) -> UInt16 {
    UInt16(bigEndian: fold(total(base, count) &+ seed))
  }

  /// Whether a total, of words in memory order that are not all zero, folds to all ones: is right where the checksum was
  /// among them.
  @inlinable @inline(__always) public static func isRight(_ total: UInt64) -> Bool { total.isMultiple(of: 0xFFFF) }

  /// Sum of the bytes as 16-bit words in memory order, less than 2^35. The sum does not depend on byte order (RFC 1071,
  /// 2.B), so words are added as they stand and swapped once at the end.
  @inlinable public static func total(_ base: UnsafeRawPointer, _ count: Int) -> UInt64 {
    var first: UInt64 = 0
    var second: UInt64 = 0
    var at = 0
    if count >= 128 {
      // Halves of each word go to two 64-bit sums, so no carry is lost and the loop vectorises.
      while at &+ 32 <= count {
        let a = base.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        let b = base.loadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self)
        let c = base.loadUnaligned(fromByteOffset: at &+ 16, as: UInt64.self)
        let d = base.loadUnaligned(fromByteOffset: at &+ 24, as: UInt64.self)
        first &+= (a & 0xFFFF_FFFF) &+ (b & 0xFFFF_FFFF) &+ (c & 0xFFFF_FFFF) &+ (d & 0xFFFF_FFFF)
        second &+= (a >> 32) &+ (b >> 32) &+ (c >> 32) &+ (d >> 32)
        at &+= 32
      }
    }
    // Few words are not worth that loop's setting up: their carries are added as they come.
    while at &+ 8 <= count {
      let (sum, carry) = first.addingReportingOverflow(base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      first = sum &+ (carry ? 1 : 0)
      at &+= 8
    }
    if at &+ 4 <= count {
      second &+= UInt64(base.loadUnaligned(fromByteOffset: at, as: UInt32.self))
      at &+= 4
    }
    if at &+ 2 <= count {
      second &+= UInt64(base.loadUnaligned(fromByteOffset: at, as: UInt16.self))
      at &+= 2
    }
    if at < count { second &+= UInt64(UInt16(littleEndian: UInt16(base.load(fromByteOffset: at, as: UInt8.self)))) }
    return halves(first) &+ halves(second)
  }

  /// A sum folded to 16 bits with end-around carry.
  @inlinable public static func fold(_ value: UInt64) -> UInt16 {
    var sum = (value & 0xFFFF_FFFF) &+ (value >> 32)
    sum = (sum & 0xFFFF) &+ (sum >> 16)
    sum = (sum & 0xFFFF) &+ (sum >> 16)
    sum = (sum & 0xFFFF) &+ (sum >> 16)
    return UInt16(truncatingIfNeeded: sum)
  }

  /// The pseudo-header's share of a TCP or UDP checksum (RFC 9293 3.1, RFC 8200 8.1), to be used as `seed`.
  @inlinable public static func pseudoHeader(
    source: Bits128, destination: Bits128, protocol number: UInt8, length: Int
  ) -> UInt64 {
    halves(source.high.bigEndian) &+ halves(source.low.bigEndian) &+ halves(destination.high.bigEndian)
      &+ halves(destination.low.bigEndian) &+ pseudoHeader(source: 0, destination: 0, protocol: number, length: length)
  }

  /// The same of IPv4.
  @inlinable public static func pseudoHeader(
    source: UInt32, destination: UInt32, protocol number: UInt8, length: Int
  ) -> UInt64 {
    UInt64(source.bigEndian) &+ UInt64(destination.bigEndian) &+ UInt64(UInt16(number).bigEndian)
      &+ UInt64(UInt32(truncatingIfNeeded: length).bigEndian)
  }

  @inlinable static func halves(_ word: UInt64) -> UInt64 { (word & 0xFFFF_FFFF) &+ (word >> 32) }
}
