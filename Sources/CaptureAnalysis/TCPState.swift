/// What one side of a TCP connection sent. Sequence numbers as on the wire.
struct TCPHalf {
  // What nearly every segment touches comes first and shares cache lines.
  var baseSequence: UInt32 = 0
  /// The highest end of what was sent; 0 not known.
  var nextSequence: UInt32 = 0
  var nextSequenceTime: Int64 = 0
  /// The highest end without a hole.
  var highestAckable: UInt32 = 0
  var lastAck: UInt32 = 0
  var lastAckTime: Int64 = 0
  var window: UInt32 = 0
  var duplicateAcks: UInt32 = 0
  var lastEvents: TCPEvents = []
  var hasBase = false
  /// Of the last segment in this direction, to know it again on the other side of a router.
  var lastTTL: UInt8 = 0
  var lastSequence: UInt32 = 0
  var lastLength: UInt32 = 0
  var stuckCount: UInt16 = 0
  var syns: UInt16 = 0
  var synAcks: UInt16 = 0
  var segments: UInt32 = 0
  var payload: UInt64 = 0
  /// The largest payload sent, and the largest known to have arrived (one candidate at a time is watched).
  var largestPayload: UInt32 = 0
  var largestAcked: UInt32 = 0
  var watchedEnd: UInt32 = 0
  var watchedLength: UInt32 = 0
  var stuckSequence: UInt32 = 0
  var zeroWindowSince: Int64 = 0
  /// TLS records in the byte stream
  var tls: TLSStream = TLSStream()
  var lastData: Int64 = 0
  var lastDataFrame: FrameReference = .none
  var firstData: FrameReference = .none

  // Handshake
  var firstSynTime: Int64 = 0
  var lastSynTime: Int64 = 0
  var firstSyn: FrameReference = .none
  var secondSyn: FrameReference = .none
  var lastSyn: FrameReference = .none
  var synAck: FrameReference = .none
  /// The number that the SYN-ACK acknowledged.
  var synAckAcknowledges: UInt32 = 0
  var maximumSegment: UInt16 = 0
  var hasTimestamp = false
  var timestamp: UInt32 = 0

  // Health
  var retransmissions: UInt32 = 0
  var timeouts: UInt32 = 0
  var fast: UInt32 = 0
  var spurious: UInt32 = 0
  var outOfOrder: UInt32 = 0
  var zeroWindows: UInt32 = 0
  var firstRetransmission: FrameReference = .none
  var firstZeroWindow: FrameReference = .none
  var longestZeroWindow: Int64 = 0
  var resets: UInt16 = 0
  var firstReset: FrameReference = .none
  var firstResetTime: Int64 = 0
  /// The first segment behind a hole.
  var firstHole: FrameReference = .none

  // The segment that is sent again and again, now and at its worst
  var stuckLength: UInt32 = 0
  var stuckFirst: FrameReference = .none
  var stuckLast: FrameReference = .none
  var worstSequence: UInt32 = 0
  var worstLength: UInt32 = 0
  var worstCount: UInt16 = 0
  var worstFirst: FrameReference = .none
  var worstLast: FrameReference = .none
}

/// What both sides share.
struct TCPShared {
  var lastSynTime: Int64 = 0
  /// From the SYN to the first pure ACK; 0 not known.
  var firstRoundTrip: Int64 = 0
  var sawReset = false
  var sawFin = false
  /// From the SYN to the SYN-ACK, as seen here; -1 not known.
  var handshake: Int64 = -1
  var lastDataDirection: UInt8 = 0xFF
  // The server's delay: from the client's last byte to the server's first
  var responses: UInt32 = 0
  var responseTotal: Int64 = 0
  var slowestResponse: Int64 = 0
  var slowestFrame: FrameReference = .none
  var slowestRequest: FrameReference = .none
  var slowResponses: UInt32 = 0
  /// When the other side acknowledged the last request without answering it.
  var requestAcked: Int64 = 0
  var slowestWasAcked = false
  var alertLevel: UInt8 = 0
  var alertDescription: UInt8 = 0xFF
  var alertDirection: UInt8 = 0
  var alertFrame: FrameReference = .none
  var serverName: Int32 = -1
  var sawClientHello = false
  var sawServerHello = false
  var sawApplicationData = false
  /// The server certificate's dates in seconds since 1970, where the handshake shows them; `notAfter` 0: it does not.
  var certificateNotBefore: Int64 = 0
  var certificateNotAfter: Int64 = 0
  var certificateFrame: FrameReference = .none
  var certificateTime: Int64 = 0
}

/// What Wireshark's sequence analysis calls a segment.
struct TCPEvents: OptionSet {
  let rawValue: UInt16
  static let retransmission = TCPEvents(rawValue: 1)
  static let fast = TCPEvents(rawValue: 2)
  static let spurious = TCPEvents(rawValue: 4)
  static let outOfOrder = TCPEvents(rawValue: 8)
  static let lostSegment = TCPEvents(rawValue: 16)
  static let ackedLost = TCPEvents(rawValue: 32)
  static let keepAlive = TCPEvents(rawValue: 64)
  static let keepAliveAck = TCPEvents(rawValue: 128)
  static let zeroWindow = TCPEvents(rawValue: 256)
  static let zeroWindowProbe = TCPEvents(rawValue: 512)
  static let zeroWindowProbeAck = TCPEvents(rawValue: 1024)
  static let duplicateAck = TCPEvents(rawValue: 2048)
  static let windowUpdate = TCPEvents(rawValue: 4096)
  static let anyRetransmission: TCPEvents = [.retransmission, .fast, .spurious]
}
