/// Events per second, second by second, over a bounded window of seconds.
struct RateMeter {
  private static let maximum = 1 << 17
  private(set) var perSecond: [UInt32] = []
  private var origin: Int64 = .min

  mutating func add(_ time: Int64) {
    let second = time / 1_000_000_000
    if origin == .min { origin = second }
    let at = Int(clamping: second - origin)
    guard at >= 0, at < Self.maximum else { return }
    if at >= perSecond.count { perSecond.append(contentsOf: repeatElement(0, count: at + 1 - perSecond.count)) }
    perSecond[at] &+= 1
  }

  var peak: Int { Int(perSecond.max() ?? 0) }
}
