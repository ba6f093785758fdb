/// What both sides of a TCP connection share; two cache lines.
struct TCPShared {
  var lastSynTime: Int64 = 0
  /// From the SYN to the first pure ACK; 0 not known.
  var firstRoundTrip: Int64 = 0
  /// From the SYN to the SYN-ACK, as seen here; -1 not known.
  var handshake: Int64 = -1
  /// When the other side acknowledged the last request without answering it.
  var requestAcked: Int64 = 0
  // The server's delay: from the client's last byte to the server's first
  var slowestResponse: Int64 = 0
  var slowestFrame: FrameReference = .none
  var slowestRequest: FrameReference = .none
  var responses: UInt32 = 0
  var lastDataDirection: UInt8 = 0xFF
  var slowestWasAcked = false
  var sawReset = false
  var sawFin = false

  // TLS
  var sawClientHello = false
  var sawServerHello = false
  var sawApplicationData = false
  var alertLevel: UInt8 = 0
  var alertDescription: UInt8 = 0xFF
  var alertDirection: UInt8 = 0
  var alertFrame: FrameReference = .none
  /// In the analyzer's names, -1 none.
  var serverName: Int32 = -1
  /// In the analyzer's list of certificates that are out of their dates, -1 none.
  var certificate: Int32 = -1
}
