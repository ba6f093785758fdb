import Findings
import Wire

/// Looks at conversations as they end or are evicted, and at the tables at the end, and yields findings. A detector's
/// own state is bounded: it groups what it sees and keeps a few examples.
protocol Detector {
  init()
  /// One conversation with its TCP state, if it has one.
  mutating func examine(_ c: ConversationView)
  /// At the end.
  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding]
}

extension Detector {
  mutating func examine(_ c: ConversationView) {}
}

/// A conversation with both halves, read in place; good only during `examine`.
struct ConversationView {
  private let pointer: UnsafeMutablePointer<Conversation>
  private let shared: UnsafeMutablePointer<TCPShared>?
  let clientPointer: UnsafeMutablePointer<TCPHalf>
  let serverPointer: UnsafeMutablePointer<TCPHalf>
  /// Of the frame that the walk has come to.
  let now: Int64
  /// Who dialled, and whom: most detectors ask.
  let client: IPAddress
  let target: Target

  init(
    _ pointer: UnsafeMutablePointer<Conversation>, _ shared: UnsafeMutablePointer<TCPShared>?,
    client: UnsafeMutablePointer<TCPHalf>, server: UnsafeMutablePointer<TCPHalf>, now: Int64
  ) {
    self.pointer = pointer
    self.now = now
    self.shared = shared
    clientPointer = client
    serverPointer = server
    self.client = pointer.pointee.client
    target = pointer.pointee.target
  }

  @inline(__always) var record: Conversation { pointer.pointee }
  /// To be read; they may be those that all unremarkable conversations share.
  @inline(__always) var remarks: ConversationRemarks { pointer.pointee.remarks.pointee }
  var tcp: TCPShared? { shared?.pointee }
  @inline(__always) var isTCP: Bool { shared != nil }
  /// Only where `isTCP`.
  @inline(__always) var both: TCPShared { shared.unsafelyUnwrapped.pointee }
  /// What the dialling side sent; all zero where there is no TCP state.
  @inline(__always) var clientHalf: TCPHalf { clientPointer.pointee }
  @inline(__always) var server: TCPHalf { serverPointer.pointee }
}

/// All detectors, by their types: each conversation is shown to most of them, and a call through an existential costs
/// more than what most of them look at.
struct DetectorSet {
  private var blackHole = BlackHoleDetector()
  private var missing = MissingSegmentsDetector()
  private var untranslated = ReplyNotTranslatedDetector()
  private var conntrack = ConntrackTableDetector()
  private var timestamps = TimestampsNATDetector()
  private var refused = ConnectionRefusedDetector()
  private var unanswered = SynUnansweredDetector()
  private var halfOpen = HalfOpenDetector()
  private var reset = ConnectionResetDetector()
  private var handshake = TLSHandshakeDetector()
  private var segmentSize = MSSDetector()
  private var zeroWindow = ZeroWindowDetector()
  private var slowServer = SlowServerDetector()
  private var loss = PacketLossDetector()
  private var died = ConnectionDiedDetector()
  private var expired = NATEntryExpiredDetector()
  private var ignored = RequestUnansweredDetector()
  private var plaintext = PlaintextDetector()
  private var fastOpen = FastOpenDetector()
  private var timeWait = TimeWaitDetector()
  private var limits = CaptureLimitsDetector()

  mutating func examine(_ c: ConversationView) {
    // What else there is, the tables know: DNS, fragments, tunnels, ICMP.
    guard c.isTCP else { return }
    blackHole.examine(c)
    missing.examine(c)
    untranslated.examine(c)
    conntrack.examine(c)
    timestamps.examine(c)
    refused.examine(c)
    unanswered.examine(c)
    halfOpen.examine(c)
    reset.examine(c)
    handshake.examine(c)
    segmentSize.examine(c)
    zeroWindow.examine(c)
    slowServer.examine(c)
    loss.examine(c)
    died.examine(c)
    expired.examine(c)
    ignored.examine(c)
    plaintext.examine(c)
    fastOpen.examine(c)
    timeWait.examine(c)
    limits.examine(c)
  }

  /// For the end, in the order in which findings of equal weight are shown.
  var inOrder: [any Detector] {
    [
      FragmentationDetector(), TunnelDetector(), TunnelEndsDetector(), blackHole, missing, untranslated, expired, died,
      DuplicateAddressDetector(), UnansweredARPDetector(), PingDetector(), conntrack,
      timestamps, RejectedByICMPDetector(), refused, DNSDetector(), unanswered, halfOpen, CertificateDateDetector(),
      handshake, plaintext, ignored, timeWait, fastOpen, reset, segmentSize, zeroWindow, slowServer, loss, limits,
    ]
  }
}
