/// What both sides of a TCP connection share and few segments touch: the handshake, answers, TLS; one cache line.
struct TCPShared {
  /// What the two sides have shown of themselves.
  struct Seen: OptionSet {
    let rawValue: UInt16
    static let clientHello = Seen(rawValue: 1)
    static let serverHello = Seen(rawValue: 2)
    static let applicationData = Seen(rawValue: 4)
    /// The slowest answer's request was acknowledged long before.
    static let slowestWasAcked = Seen(rawValue: 8)
    /// A SYN-ACK came again after the client had acknowledged one.
    static let synAckRepeated = Seen(rawValue: 16)
    /// The first SYN carried data (TCP Fast Open, RFC 7413).
    static let synData = Seen(rawValue: 32)
    /// A repeated SYN-ACK echoes a timestamp that only the client's acknowledgment can have brought.
    static let acknowledgmentArrived = Seen(rawValue: 64)
    /// The client's first words are an HTTP request.
    static let plainRequest = Seen(rawValue: 128)
    /// The server's first words are an HTTP answer that asks for HTTPS.
    static let wantsTLS = Seen(rawValue: 256)
    /// The server answered the SYN by a bare acknowledgment (RFC 9293 3.10.7.4: of a connection that it still has).
    static let challenged = Seen(rawValue: 512)
  }

  var lastSynTime: Int64 = 0
  /// From the SYN to the SYN-ACK, as seen here; -1 not known.
  var handshake: Int64 = -1
  // The server's delay: from the client's last byte to the server's first
  var slowestResponse: Int64 = 0
  var slowestFrame: FrameReference = .none
  var slowestRequest: FrameReference = .none
  var alertFrame: FrameReference = .none
  /// In the analyzer's names, -1 none.
  var serverName: Int32 = -1
  /// In the analyzer's list of certificates that are out of their dates, -1 none.
  var certificate: Int32 = -1
  var seen: Seen = []
  /// Bytes of the segment that ended the request of the slowest answer; 0 not known.
  var slowestRequestLength: UInt16 = 0
  var alertLevel: UInt8 = 0
  var alertDescription: UInt8 = 0xFF
  var alertDirection: UInt8 = 0
}
