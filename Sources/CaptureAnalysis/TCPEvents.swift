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
