/// What both sides of a TCP connection share and few segments touch: the handshake, answers, TLS; one cache line.
struct TCPShared {
  /// What the two sides have shown of themselves.
  struct Seen: OptionSet {
    let rawValue: UInt8
    static let clientHello = Seen(rawValue: 1)
    static let serverHello = Seen(rawValue: 2)
    static let applicationData = Seen(rawValue: 4)
    /// The slowest answer's request was acknowledged long before.
    static let slowestWasAcked = Seen(rawValue: 8)
    /// A SYN-ACK came again after the client had acknowledged one.
    static let synAckRepeated = Seen(rawValue: 16)
  }

  var lastSynTime: Int64 = 0
  /// From the SYN to the SYN-ACK, as seen here; -1 not known.
  var handshake: Int64 = -1
  // The server's delay: from the client's last byte to the server's first
  var slowestResponse: Int64 = 0
  var slowestFrame: FrameReference = .none
  var slowestRequest: FrameReference = .none
  var alertFrame: FrameReference = .none
  var responses: UInt32 = 0
  /// In the analyzer's names, -1 none.
  var serverName: Int32 = -1
  /// In the analyzer's list of certificates that are out of their dates, -1 none.
  var certificate: Int32 = -1
  var seen: Seen = []
  var alertLevel: UInt8 = 0
  var alertDescription: UInt8 = 0xFF
  var alertDirection: UInt8 = 0
}
