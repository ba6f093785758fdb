/// The packets of a connection that a journey follows, in order.
public enum Phase: Int, Sendable, Hashable {
  /// The first packet, and the answer to it.
  case request, reply
  /// Of TCP: what follows once the handshake is through, both ways. NAT rules are not asked again, and connection
  /// tracking has made up its mind.
  case furtherRequest, furtherReply

  public var isReply: Bool { self == .reply || self == .furtherReply }
  /// What answers such a packet.
  var answered: Phase { isFurther ? .furtherReply : .reply }
  public var isFurther: Bool { self == .furtherRequest || self == .furtherReply }
}
