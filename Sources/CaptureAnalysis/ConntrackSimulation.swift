/// Timeouts of the kernel's connection tracking in seconds (nf_conntrack_*_timeout*), the defaults of Linux 6.
public struct ConntrackTimeouts: Sendable {
  public var tcpSynSent = 120
  public var tcpSynReceived = 60
  public var tcpEstablished = 432_000
  public var tcpTimeWait = 120
  public var tcpClose = 10
  public var udp = 30
  public var udpStream = 120
  public var icmp = 30
  public var generic = 600
  public init() {}

  /// Takes those that `value` knows by their sysctl, in seconds; others stay.
  public mutating func take(_ value: (String) -> Int?) {
    let names: [(String, WritableKeyPath<ConntrackTimeouts, Int>)] = [
      ("tcp_timeout_syn_sent", \.tcpSynSent), ("tcp_timeout_syn_recv", \.tcpSynReceived),
      ("tcp_timeout_established", \.tcpEstablished), ("tcp_timeout_time_wait", \.tcpTimeWait),
      ("tcp_timeout_close", \.tcpClose), ("udp_timeout", \.udp), ("udp_timeout_stream", \.udpStream),
      ("icmp_timeout", \.icmp), ("generic_timeout", \.generic),
    ]
    for (name, path) in names {
      guard let seconds = value("net.netfilter.nf_conntrack_\(name)"), (0...Int(Int32.max)).contains(seconds) else {
        continue
      }
      self[keyPath: path] = seconds
    }
  }
}

/// Which of the timeouts ends an entry when no packet comes any more.
enum ConntrackLifetime: UInt8, CaseIterable {
  case tcpSynSent, tcpSynReceived, tcpEstablished, tcpTimeWait, tcpClose, udp, udpStream, icmp, generic
}

extension ConntrackTimeouts {
  subscript(_ lifetime: ConntrackLifetime) -> Int {
    switch lifetime {
    case .tcpSynSent: tcpSynSent
    case .tcpSynReceived: tcpSynReceived
    case .tcpEstablished: tcpEstablished
    case .tcpTimeWait: tcpTimeWait
    case .tcpClose: tcpClose
    case .udp: udp
    case .udpStream: udpStream
    case .icmp: icmp
    case .generic: generic
    }
  }
}

/// How many entries the kernel's table would hold over the capture, had every conversation gone through it. Each entry
/// adds one interval to a difference array; bins double in width when the capture is longer than the array.
struct ConntrackSimulation {
  private static let bins = 1 << 14
  private var difference = [Int32](repeating: 0, count: bins + 1)
  /// Milliseconds per bin.
  private(set) var width: Int64 = 100
  private(set) var entries = 0

  mutating func add(from first: Int64, until end: Int64) {
    entries += 1
    let start = max(0, first)
    while start / width >= Int64(Self.bins) { coarsen() }
    difference[Int(start / width)] += 1
    let last = max(start, end) / width + 1
    if last < Int64(Self.bins) { difference[Int(last)] -= 1 }
  }

  private mutating func coarsen() {
    for index in 0..<Self.bins / 2 { difference[index] = difference[2 * index] + difference[2 * index + 1] }
    for index in Self.bins / 2..<Self.bins { difference[index] = 0 }
    width *= 2
  }

  /// At most `count` points over `duration` milliseconds, each the most entries of its span; and that span in milliseconds.
  func points(duration: Int64, count: Int = 60) -> (entries: [Int], span: Int64) {
    let all = curve(duration: duration)
    let step = max(1, (all.count + count - 1) / count)
    let points = stride(from: 0, to: all.count, by: step).map { all[$0..<min($0 + step, all.count)].max() ?? 0 }
    return (points, width * Int64(step))
  }

  /// Entries at the end of each bin, up to `duration` milliseconds.
  func curve(duration: Int64) -> [Int] {
    var sum = 0
    return (0...Int(min(Int64(Self.bins - 1), duration / width))).map {
      sum += Int(difference[$0])
      return sum
    }
  }
}
