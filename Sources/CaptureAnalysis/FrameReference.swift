/// A frame of one of the files read together, in 8 bytes: 24 bits of file, 40 bits of number.
public struct FrameReference: Hashable, Comparable, Sendable {
  public let rawValue: UInt64

  @inline(__always) init(file: Int, number: Int) {
    rawValue = UInt64(truncatingIfNeeded: file) << 40 | UInt64(truncatingIfNeeded: number) & 0xFF_FFFF_FFFF
  }

  private init() { rawValue = 0 }

  /// No frame; real ones count from 1.
  public static let none = FrameReference()

  public var file: Int { Int(rawValue >> 40) }
  public var number: Int { Int(rawValue & 0xFF_FFFF_FFFF) }
  public var exists: Bool { number > 0 }

  public static func < (a: FrameReference, b: FrameReference) -> Bool { a.rawValue < b.rawValue }
}
