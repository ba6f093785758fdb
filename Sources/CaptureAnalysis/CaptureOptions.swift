/// What may be told to the analysis; all of it has a default.
public struct CaptureOptions: Sendable {
  /// Conversations kept at once; beyond, the longest idle goes. About 1 KB each for TCP.
  public var maximumConversations = 131_072
  /// UDP ports that carry VXLAN, besides 4789 and 8472.
  public var vxlanPorts: [UInt16] = []
  /// nf_conntrack_max of the node, where it is known.
  public var conntrackMaximum: Int?
  public var timeouts = ConntrackTimeouts()
  /// The link's MTU where it is known; else it is learned from what the capture shows.
  public var linkMTU: Int?

  public init() {}
}
