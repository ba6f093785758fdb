/// Mutations of an input, the same for the same seed: what a reader must survive.
///
///     for input in Mutator(seed: 1, tokens: ["-A", "\""]).mutations(of: dump, count: 500) { read(input) }
public struct Mutator {
  private var state: UInt64
  /// Words of the format; a mutation may insert one.
  private let tokens: [[UInt8]]
  /// Inputs never grow beyond this many bytes.
  private let limit: Int

  public init(seed: UInt64, tokens: [String] = [], limit: Int = 1 << 16) {
    state = seed
    self.tokens = tokens.map { Array($0.utf8) }
    self.limit = limit
  }

  /// `count` inputs, each a few mutations away from the original.
  public func mutations(of original: some Collection<UInt8>, count: Int) -> some Sequence<[UInt8]> {
    let start = Array(original.prefix(limit))
    return sequence(state: (self, 0)) { state -> [UInt8]? in
      guard state.1 < count else { return nil }
      state.1 += 1
      return state.0.mutate(start)
    }
  }

  public func mutations(of original: String, count: Int) -> some Sequence<[UInt8]> {
    mutations(of: Array(original.utf8), count: count)
  }

  private mutating func mutate(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0...number(4) {
      change(&bytes)
      if bytes.count > limit { bytes.removeLast(bytes.count - limit) }
    }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return bytes.append(UInt8(truncatingIfNeeded: next())) }
    let at = number(bytes.count)
    switch number(9) {
    case 0: bytes[at] ^= 1 << UInt8(number(8))
    case 1: bytes[at] = UInt8(truncatingIfNeeded: next())
    case 2: bytes.removeLast(bytes.count - at)  // truncate
    case 3: bytes.removeSubrange(at..<min(bytes.count, at + 1 + number(40)))
    case 4: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 1 + number(200))], at: at)  // duplicate
    case 5:  // splice: a piece from somewhere else
      let from = number(bytes.count)
      bytes.insert(contentsOf: Array(bytes[from..<min(bytes.count, from + 1 + number(100))]), at: at)
    case 6: if !tokens.isEmpty { bytes.insert(contentsOf: tokens[number(tokens.count)], at: at) }
    case 7:  // a line leaves its place
      let line = bytes[at...].prefix { $0 != 10 }
      bytes.removeSubrange(at..<(at + line.count))
      bytes.insert(contentsOf: line, at: number(bytes.count + 1))
    default:  // a number becomes a hostile one
      guard let digit = bytes[at...].firstIndex(where: { $0 >= 48 && $0 <= 57 }) else { return }
      let end = bytes[digit...].firstIndex { $0 < 48 || $0 > 57 } ?? bytes.count
      let hostile = ["0", "-1", "65536", "4294967296", "18446744073709551616", "99999999999999999999999999", ""]
      bytes.replaceSubrange(digit..<end, with: Array(hostile[number(hostile.count)].utf8))
    }
  }

  // SplitMix64
  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  private mutating func number(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// Runs a reader over mutations until all are done or the time is up; returns how many it read. A reader that is
/// out of proportion slow fails by the time of its slowest input.
public struct FuzzRun {
  public var inputs = 0
  public var slowest: Duration = .zero
  public var slowestInput: [UInt8] = []

  public init(_ inputs: some Sequence<[UInt8]>, within limit: Duration = .seconds(5), read: ([UInt8]) throws -> Void)
    rethrows
  {
    let clock = ContinuousClock()
    let start = clock.now
    for input in inputs {
      let before = clock.now
      try read(input)
      let spent = before.duration(to: clock.now)
      self.inputs += 1
      if spent > slowest { (slowest, slowestInput) = (spent, input) }
      if start.duration(to: clock.now) > limit { break }
    }
  }
}
