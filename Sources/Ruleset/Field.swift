/// A property of a packet, its connection or its surroundings that a match compares. Each has a value of at most
/// 128 bits; numbers are in host order in the low bits, interface names left-aligned (`Bits128(leftAligned:)`).
public enum Field: UInt8, Sendable, Hashable, CaseIterable {
  // Interfaces.
  case inputInterface  // name; empty where the packet has none (output)
  case outputInterface
  case inputInterfaceIndex  // nft iif: the name here too, as dumps print it; an index without a link is its digits
  case outputInterfaceIndex
  case inputInterfaceType  // ARPHRD_*
  case outputInterfaceType
  case inputInterfaceGroup
  case outputInterfaceGroup
  case inputBridgePort  // physdev: name of the port of a bridge
  case outputBridgePort
  case inputBridge  // nft ibrname: the bridge whose port the input interface is
  case outputBridge
  // Network header.
  case networkProtocol  // NFPROTO_*: 2 ip, 10 ip6
  case etherType  // 0x0800, 0x86dd
  case source  // address, of the family of the packet
  case destination
  case source4  // IPv4 address; no such field in an IPv6 packet: the match fails
  case destination4
  case source6
  case destination6
  case headerProtocol4  // `ip protocol`
  case headerProtocol6  // `ip6 nexthdr`
  case `protocol`  // transport protocol, behind extension headers
  case timeToLive  // or hop limit
  case dscp  // six bits
  case ecn  // two bits
  case typeOfService  // eight bits
  case length  // bytes from the network header on
  case ip4TotalLength  // the same, of an IPv4 packet only (nft `ip length`)
  case ip6PayloadLength
  case fragmentOffset  // of iptables -f: 0 for the first fragment
  case ipVersion
  case ipIdentification
  case ipOptions  // IPv4 header length in 32-bit words
  case flowLabel
  // Transport header.
  case sourcePort
  case destinationPort
  case tcpFlags  // FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128
  case tcpOption  // presence; operand tells which: see Test.tcpOption
  case tcpMaximumSegment  // MSS option
  case icmpType  // type only
  case icmpCode
  case icmpTypeAndCode  // type << 8 | code
  case icmp6Type
  case icmp6Code
  case icmp6TypeAndCode
  case transportChecksum
  case udpLength
  // Marks and connection tracking.
  case mark
  case connectionMark
  case connectionState  // bits of ConnectionState
  case connectionStatus  // bits of IPS_* (include/uapi/linux/netfilter/nf_conntrack_common.h)
  case connectionDirection  // 0 original, 1 reply
  case connectionZone
  case connectionProtocol  // L4 protocol of the tuple
  case connectionFamily  // NFPROTO_* of the tuple
  case originalSource, originalDestination, originalSourcePort, originalDestinationPort
  case replySource, replyDestination, replySourcePort, replyDestinationPort
  case connectionExpiration  // seconds left
  case connectionHelper
  case connectionLabel
  case connectionBytes, connectionPackets
  // Link layer and host.
  case sourceMAC, destinationMAC  // 48 bits, right-aligned
  case packetType  // PACKET_*: 0 host, 1 broadcast, 2 multicast
  case userID
  case groupID
  case socketExists
  case priority  // skb priority (CLASSIFY, meta priority)
  case cgroup
  case cpu
  case realm
  case time, day, hour  // nft meta time (ns), day (0 Sunday), hour (seconds of the day)
  case securityMark
  case random  // meta random: 32 bits
  case ipsec  // whether the packet was, or will be, transformed by IPsec
  case vlanID
  case routingClass
}

/// Bits of `Field.connectionState`. The first seven are nft's `ct state`; SNAT and DNAT are xt_conntrack's virtual
/// states.
public enum ConnectionState {
  public static let invalid: UInt32 = 1
  public static let established: UInt32 = 2
  public static let related: UInt32 = 4
  public static let new: UInt32 = 8
  public static let untracked: UInt32 = 64
  public static let sourceNAT: UInt32 = 256
  public static let destinationNAT: UInt32 = 512
}

/// Bits of `Field.connectionStatus`.
public enum ConnectionStatus {
  public static let expected: UInt32 = 1
  public static let seenReply: UInt32 = 2
  public static let assured: UInt32 = 4
  public static let confirmed: UInt32 = 8
  public static let sourceNAT: UInt32 = 16
  public static let destinationNAT: UInt32 = 32
  public static let dying: UInt32 = 512
}
