import PacketPath

/// How large a packet may be at one point of its way.
struct SizeLimit: Sendable {
  enum Manner: Sendable {
    /// The sender's own device: its kernel makes no larger ones.
    case own
    /// A router: it drops what is larger and tells the sender (ICMP).
    case router
    /// A link takes no larger ones, and nobody is told.
    case silent
  }

  var bytes: Int
  var manner: Manner
  /// Where the packet is then.
  var namespace: Int
  /// The packet as it stands there.
  var flow: Flow

  /// What a veth, and a bridge's port, take beyond their MTU: room for a VLAN tag.
  static let linkSlack = 4

  var largest: Int { manner == .silent ? bytes + Self.linkSlack : bytes }
}
