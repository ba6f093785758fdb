import Findings
import Wire

/// Looks at conversations as they end or are evicted, and at the tables at the end, and yields findings. A detector's
/// own state is bounded: it groups what it sees and keeps a few examples.
protocol Detector {
  init()
  /// One conversation with its TCP state, if it has one.
  mutating func examine(_ c: borrowing ConversationView)
  /// At the end.
  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding]
}

extension Detector {
  mutating func examine(_ c: borrowing ConversationView) {}
}

/// A conversation with both halves, the client's first.
struct ConversationView {
  let record: Conversation
  let tcp: TCPShared?
  let clientHalf: TCPHalf
  let server: TCPHalf
  let serverName: String
}

/// All detectors, in the order in which findings of equal weight are shown.
struct DetectorSet {
  var all: [any Detector] = [
    FragmentationDetector(), TunnelDetector(), BlackHoleDetector(), ReplyNotTranslatedDetector(),
    DuplicateAddressDetector(), ConntrackTableDetector(), TimestampsNATDetector(), RejectedByICMPDetector(),
    ConnectionRefusedDetector(), DNSDetector(), SynUnansweredDetector(), TLSHandshakeDetector(), MSSDetector(),
    ZeroWindowDetector(), SlowServerDetector(), PacketLossDetector(), CaptureLimitsDetector(),
  ]
}
