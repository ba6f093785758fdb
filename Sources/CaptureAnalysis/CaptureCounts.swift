/// What the JSON contract counts. Headers that travel are counted, outer and inner of tunnels, not those quoted inside
/// ICMP errors; fragments, retransmissions, VXLAN and Geneve by frame; SYNs, resets and checksums by header.
public struct CaptureCounts: Sendable, Equatable {
  public var packets = 0
  public var bytes = 0
  public var capturedBytes = 0
  public var snapped = 0
  public var undecoded = 0

  public var ipv4Fragments = 0
  public var ipv6Fragments = 0
  public var icmpFragmentationNeeded = 0
  public var icmpv6PacketTooBig = 0
  public var vxlan = 0
  public var geneve = 0
  public var gre = 0
  public var ipip = 0
  public var wireguard = 0
  public var esp = 0
  public var vlan = 0
  public var sctp = 0
  public var arp = 0
  public var icmp = 0

  public var tcp = 0
  public var udp = 0
  /// SYN without ACK.
  public var tcpSyn = 0
  public var tcpSynAck = 0
  public var tcpRst = 0
  /// Plain, fast and spurious ones, as Wireshark's `tcp.analysis.retransmission`.
  public var tcpRetransmissions = 0
  public var tcpFastRetransmissions = 0
  public var tcpSpuriousRetransmissions = 0
  public var tcpOutOfOrder = 0
  public var tcpLostSegments = 0
  public var tcpDuplicateAcks = 0
  public var tcpZeroWindows = 0
  /// Acknowledgments of segments not seen until then, as Wireshark's `tcp.analysis.ack_lost_segment`.
  public var tcpAckedUnseen = 0

  public var badIPv4HeaderChecksums = 0
  public var badUDPChecksums = 0
  public var badTCPChecksums = 0
  /// Of the bad ones: the sum of the pseudo-header alone, which a network card was to complete (checksum offload).
  public var offloadedChecksums = 0

  public var dnsQueries = 0
  public var dnsResponses = 0
  public var dnsUnanswered = 0
  public var tlsAlerts = 0

  /// Copies of one packet met on several interfaces of a capture on `any`.
  public var duplicateFrames = 0
  /// Of `tcpRetransmissions`: those that are such copies, not sent twice.
  public var duplicateRetransmissions = 0
}
