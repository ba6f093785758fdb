/// Bob Jenkins' lookup3 as include/linux/jhash.h has it.
enum JenkinsHash {
  static func hash(_ key: [UInt8], seed: UInt32) -> UInt32 {
    var a = UInt32(0xDEAD_BEEF) &+ UInt32(key.count) &+ seed
    var b = a
    var c = a
    var at = 0
    func word(_ from: Int) -> UInt32 {
      UInt32(key[from]) | UInt32(key[from + 1]) << 8 | UInt32(key[from + 2]) << 16 | UInt32(key[from + 3]) << 24
    }
    func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x << n | x >> (32 - n) }
    var left = key.count
    while left > 12 {
      a = a &+ word(at)
      b = b &+ word(at + 4)
      c = c &+ word(at + 8)
      a = a &- c
      a ^= rotate(c, 4)
      c = c &+ b
      b = b &- a
      b ^= rotate(a, 6)
      a = a &+ c
      c = c &- b
      c ^= rotate(b, 8)
      b = b &+ a
      a = a &- c
      a ^= rotate(c, 16)
      c = c &+ b
      b = b &- a
      b ^= rotate(a, 19)
      a = a &+ c
      c = c &- b
      c ^= rotate(b, 4)
      b = b &+ a
      at += 12
      left -= 12
    }
    guard left > 0 else { return c }
    var tail = [UInt8](repeating: 0, count: 12)
    for index in 0..<left { tail[index] = key[at + index] }
    func tailWord(_ from: Int) -> UInt32 {
      UInt32(tail[from]) | UInt32(tail[from + 1]) << 8 | UInt32(tail[from + 2]) << 16 | UInt32(tail[from + 3]) << 24
    }
    a = a &+ tailWord(0)
    b = b &+ tailWord(4)
    c = c &+ tailWord(8)
    c ^= b
    c = c &- rotate(b, 14)
    a ^= c
    a = a &- rotate(c, 11)
    b ^= a
    b = b &- rotate(a, 25)
    c ^= b
    c = c &- rotate(b, 16)
    a ^= c
    a = a &- rotate(c, 4)
    b ^= a
    b = b &- rotate(a, 14)
    c ^= b
    c = c &- rotate(b, 24)
    return c
  }
}
