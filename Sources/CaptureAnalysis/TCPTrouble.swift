/// What went wrong in one direction of a TCP connection: retransmissions, resets, windows of zero, holes.
struct TCPTrouble {
  var retransmissions: UInt32 = 0
  var timeouts: UInt32 = 0
  var fast: UInt32 = 0
  var spurious: UInt32 = 0
  var outOfOrder: UInt32 = 0
  var zeroWindows: UInt32 = 0
  var firstRetransmission: FrameReference = .none
  var firstZeroWindow: FrameReference = .none
  /// 0: the window is open.
  var zeroWindowSince: Int64 = 0
  var longestZeroWindow: Int64 = 0
  var firstReset: FrameReference = .none
  var firstResetTime: Int64 = 0
  /// The first segment behind the latest hole, which begins at `holeStart`.
  var hole: FrameReference = .none
  var holeTime: Int64 = 0
  var holeStart: UInt32 = 0
  var holeLength: UInt32 = 0

  // The segment that is sent again and again, now and at its worst
  var stuckSequence: UInt32 = 0
  var stuckLength: UInt32 = 0
  var stuckFirst: FrameReference = .none
  /// When it was sent again for the first time.
  var stuckSince: Int64 = 0
  var stuckLast: FrameReference = .none
  var worstSequence: UInt32 = 0
  var worstLength: UInt32 = 0
  var worstCount: UInt16 = 0
  var worstFirst: FrameReference = .none
  var worstSince: Int64 = 0
  var worstLast: FrameReference = .none
}
