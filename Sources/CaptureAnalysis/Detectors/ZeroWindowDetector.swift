import Findings
import Wire

/// Receivers that stop reading: they announce a window of zero.
struct ZeroWindowDetector: Detector {
  /// Shorter ones come and go on every fast network, as a reader takes what filled its buffer.
  private static let patience: Int64 = 100_000_000
  private var tally = Tally<IPAddress>()

  mutating func examine(_ c: ConversationView) {
    guard c.isTCP else { return }
    if c.clientHalf.health.zeroWindows > 0 { side(c, c.clientHalf, c.client) }
    if c.server.health.zeroWindows > 0 { side(c, c.server, c.target.address) }
  }

  private mutating func side(_ c: ConversationView, _ half: TCPHalf, _ address: IPAddress) {
    let longest = max(
      half.health.longestZeroWindow,
      half.health.zeroWindowSince > 0 ? c.record.lastTime - half.health.zeroWindowSince : 0)
    tally.add(
      address, amount: longest,
      example: .init(
        frames: [half.health.firstZeroWindow],
        text:
          "\(c.endpoints): \(address) announced a zero window \(half.health.zeroWindows) times, at most \(seconds(longest)) long",
        filter: c.filter + " && tcp.window_size==0 && tcp.flags.reset==0"))
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tally.top(3).map { address, entry in
      Finding(
        id: "zero-window", severity: entry.worst >= Self.patience ? .warning : .info, confidence: .certain,
        subject: .init(kind: "Host", name: address.description),
        problem:
          "\(address) stops reading\(entry.worst > 0 ? " for up to \(seconds(entry.worst))" : ""): zero windows in "
          + plural(entry.count, "conversation") + (entry.worst > 0 ? "" : ", the last that it says there"),
        cause:
          "the application at \(address) reads slower than data comes ← it is busy, blocked, or throttled by its CPU limit",
        evidence: facts.evidence([(address, entry)]),
        fix: [.advice("look at the application's CPU throttling: cat /sys/fs/cgroup/.../cpu.stat (nr_throttled)")],
        verify: ["ss -tmi dst \(address)  # Recv-Q must not stay high"])
    }
  }
}
