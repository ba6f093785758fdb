/// What one side of a TCP connection sent. Sequence numbers as on the wire. Three cache lines: each segment touches the first
/// of both sides, one with a payload the second of its own; what only unhealthy connections need stands elsewhere.
struct TCPHalf {
  /// The highest end of what was sent; 0 not known.
  var nextSequence: UInt32 = 0
  /// The highest end without a hole.
  var highestAckable: UInt32 = 0
  var nextSequenceTime: Int64 = 0
  var lastAckTime: Int64 = 0
  var lastAck: UInt32 = 0
  var window: UInt32 = 0
  var duplicateAcks: UInt16 = 0
  /// Of the IPv4 header that came last; a copy on a mirror port has that of its original, what is sent again has a new one.
  var lastIdentification: UInt16 = 0
  /// Of the last segment in this direction, to know it again on the other side of a router.
  var lastSequence: UInt32 = 0
  var lastLength: UInt32 = 0
  var watchedEnd: UInt32 = 0
  var watchedLength: UInt32 = 0
  /// The largest payload known to have arrived (one candidate at a time is watched).
  var largestAcked: UInt32 = 0
  var lastEvents: TCPEvents = []
  var stuckCount: UInt16 = 0
  var lastTTL: UInt8 = 0
  var hasBase = false
  var isZeroWindow = false
  var hasTimestamp = false

  /// The largest payload sent.
  var largestPayload: UInt32 = 0
  var segments: UInt32 = 0
  var baseSequence: UInt32 = 0
  var lastData: Int64 = 0
  var lastDataFrame: FrameReference = .none
  /// TLS records in the byte stream
  var tls: TLSStream = TLSStream()
  /// `TCPTrouble.none` of the analyzer until something goes wrong.
  var trouble: UnsafeMutablePointer<TCPTrouble>

  // Handshake
  var firstSynTime: Int64 = 0
  var lastSynTime: Int64 = 0
  var firstSyn: FrameReference = .none
  var secondSyn: FrameReference = .none
  var lastSyn: FrameReference = .none
  var synAck: FrameReference = .none
  /// The number that the SYN-ACK acknowledged.
  var synAckAcknowledges: UInt32 = 0
  var timestamp: UInt32 = 0
  var maximumSegment: UInt16 = 0
  var syns: UInt16 = 0
  var synAcks: UInt16 = 0
  var resets: UInt16 = 0

  init(trouble: UnsafeMutablePointer<TCPTrouble>) { self.trouble = trouble }

  /// To be read; it may be the one that all healthy halves share.
  var health: TCPTrouble { trouble.pointee }
}
