import Wire

/// A protocol header as nft names it, and the fields it has.
public struct NftHeader: Sendable {
  public struct HeaderField: Sendable {
    public var name: NftWord
    /// Bits from the start of the header.
    public var offset: UInt32
    public var length: UInt32
    public var type: NftType
    /// The walk's field; nil: read from the raw bytes.
    public var field: Field?
    /// A second word, as in `arp saddr ip`.
    public var qualifier: NftWord?
  }

  public var name: NftWord
  public var base: PayloadBase
  public var needs: NftNeeds
  public var fields: [HeaderField]

  init(_ name: NftWord, _ base: PayloadBase, _ needs: NftNeeds, _ fields: [HeaderField]) {
    self.name = name
    self.base = base
    self.needs = needs
    self.fields = fields
  }

  /// The key of one field.
  public func term(_ field: HeaderField) -> NftTerm {
    let expression: Expression =
      if let known = field.field { .field(known) } else {
        .payload(base, offset: field.offset, length: field.length)
      }
    return NftTerm(expression, field.type, width: Int(field.length), needs: needs)
  }

  public func field(named name: NftWord, qualifier: NftWord? = nil) -> HeaderField? {
    for field in fields where field.name == name && field.qualifier == qualifier { return field }
    return nil
  }

  /// By the word a key begins with.
  public static func named(_ word: NftWord) -> NftHeader? {
    switch word {
    case .ip: ip
    case .ip6: ip6
    case .tcp: tcp
    case .udp: udp
    case .th: th
    case .icmp: icmp
    case .icmpv6: icmpv6
    case .ether: ether
    case .vlan: vlan
    case .arp: arp
    case .udplite: udplite
    case .sctp: sctp
    case .dccp: dccp
    case .ah: ah
    case .esp: esp
    case .comp: comp
    case .igmp: igmp
    case .gre: gre
    default: nil
    }
  }

  /// All of them, for finding the name of raw bytes.
  public static let all = [
    ip, ip6, tcp, udp, icmp, icmpv6, ether, vlan, arp, udplite, sctp, dccp, ah, esp, comp, igmp, th,
  ]
}

private func f(
  _ name: NftWord, _ offset: UInt32, _ length: UInt32, _ type: NftType = .integer, _ field: Field? = nil,
  _ qualifier: NftWord? = nil
) -> NftHeader.HeaderField {
  NftHeader.HeaderField(name: name, offset: offset, length: length, type: type, field: field, qualifier: qualifier)
}

extension NftHeader {
  public static let ip = NftHeader(
    .ip, .network, .ip,
    [
      f(.saddr, 96, 32, .ipv4, .source4), f(.daddr, 128, 32, .ipv4, .destination4),
      f(.protocol, 72, 8, .transport, .headerProtocol4), f(.version, 0, 4, .integer, .ipVersion),
      f(.hdrlength, 4, 4, .integer, .ipOptions), f(.dscp, 8, 6, .dscp, .dscp), f(.ecn, 14, 2, .ecn, .ecn),
      f(.length, 16, 16, .integer, .ip4TotalLength), f(.id, 32, 16, .integer, .ipIdentification), f(.fragOff, 48, 16),
      f(.ttl, 64, 8, .integer, .timeToLive), f(.checksum, 80, 16),
    ])
  public static let ip6 = NftHeader(
    .ip6, .network, .ip6,
    [
      f(.saddr, 64, 128, .ipv6, .source6), f(.daddr, 192, 128, .ipv6, .destination6),
      f(.nexthdr, 48, 8, .transport, .headerProtocol6), f(.version, 0, 4, .integer, .ipVersion),
      f(.dscp, 4, 6, .dscp, .dscp), f(.ecn, 10, 2, .ecn, .ecn), f(.flowlabel, 12, 20, .integer, .flowLabel),
      f(.length, 32, 16, .integer, .ip6PayloadLength), f(.hoplimit, 56, 8, .integer, .timeToLive),
    ])
  public static let tcp = NftHeader(
    .tcp, .transport, .init(transport: 6),
    [
      f(.dport, 16, 16, .port, .destinationPort), f(.sport, 0, 16, .port, .sourcePort), f(.sequence, 32, 32),
      f(.ackseq, 64, 32), f(.doff, 96, 4), f(.reserved, 100, 4), f(.flags, 104, 8, .tcpFlags, .tcpFlags),
      f(.window, 112, 16), f(.checksum, 128, 16, .integer, .transportChecksum), f(.urgptr, 144, 16),
    ])
  public static let udp = NftHeader(
    .udp, .transport, .init(transport: 17),
    [
      f(.dport, 16, 16, .port, .destinationPort), f(.sport, 0, 16, .port, .sourcePort),
      f(.length, 32, 16, .integer, .udpLength), f(.checksum, 48, 16, .integer, .transportChecksum),
    ])
  public static let th = NftHeader(
    .th, .transport, .init(),
    [f(.dport, 16, 16, .port, .destinationPort), f(.sport, 0, 16, .port, .sourcePort)])
  public static let udplite = NftHeader(
    .udplite, .transport, .init(transport: 136),
    [
      f(.dport, 16, 16, .port, .destinationPort), f(.sport, 0, 16, .port, .sourcePort), f(.csumcov, 32, 16),
      f(.checksum, 48, 16, .integer, .transportChecksum),
    ])
  public static let sctp = NftHeader(
    .sctp, .transport, .init(transport: 132),
    [
      f(.dport, 16, 16, .port, .destinationPort), f(.sport, 0, 16, .port, .sourcePort), f(.vtag, 32, 32),
      f(.checksum, 64, 32),
    ])
  public static let dccp = NftHeader(
    .dccp, .transport, .init(transport: 33),
    [
      f(.dport, 16, 16, .port, .destinationPort), f(.sport, 0, 16, .port, .sourcePort), f(.type, 67, 4, .dccpType),
    ])
  public static let icmp = NftHeader(
    .icmp, .transport, NftNeeds(ip: 1),
    [
      f(.type, 0, 8, .icmpType, .icmpType), f(.code, 8, 8, .icmpCode, .icmpCode), f(.checksum, 16, 16), f(.id, 32, 16),
      f(.sequence, 48, 16), f(.gateway, 32, 32), f(.mtu, 48, 16),
    ])
  public static let icmpv6 = NftHeader(
    .icmpv6, .transport, NftNeeds(ip6: 58),
    [
      f(.type, 0, 8, .icmp6Type, .icmp6Type), f(.code, 8, 8, .icmp6Code, .icmp6Code), f(.checksum, 16, 16),
      f(.parameterProblem, 32, 32), f(.mtu, 32, 32), f(.id, 32, 16), f(.sequence, 48, 16), f(.maxDelay, 32, 16),
      f(.taddr, 64, 128, .ipv6), f(.daddr, 192, 128, .ipv6),
    ])
  public static let igmp = NftHeader(
    .igmp, .transport, NftNeeds(ip: 2),
    [f(.type, 0, 8, .igmpType), f(.mrt, 8, 8), f(.checksum, 16, 16), f(.group, 32, 32, .ipv4)])
  public static let ah = NftHeader(
    .ah, .transport, .init(transport: 51),
    [
      f(.nexthdr, 0, 8, .transport), f(.hdrlength, 8, 8), f(.reserved, 16, 16), f(.spi, 32, 32), f(.sequence, 64, 32),
    ])
  public static let esp = NftHeader(
    .esp, .transport, .init(transport: 50), [f(.spi, 0, 32), f(.sequence, 32, 32)])
  public static let comp = NftHeader(
    .comp, .transport, .init(transport: 108), [f(.nexthdr, 0, 8, .transport), f(.flags, 8, 8), f(.cpi, 16, 16)])
  public static let gre = NftHeader(
    .gre, .transport, .init(transport: 47),
    [f(.flags, 0, 5), f(.version, 13, 3), f(.protocol, 16, 16, .etherType)])
  public static let ether = NftHeader(
    .ether, .link, .init(),
    [
      f(.saddr, 48, 48, .ethernet, .sourceMAC), f(.daddr, 0, 48, .ethernet, .destinationMAC),
      f(.type, 96, 16, .etherType),
    ])
  public static let vlan = NftHeader(
    .vlan, .link, .init(),
    [
      f(.id, 116, 12, .vlan, .vlanID), f(.pcp, 112, 3), f(.dei, 115, 1), f(.cfi, 115, 1), f(.type, 128, 16, .etherType),
    ])
  public static let arp = NftHeader(
    .arp, .network, .init(),
    [
      f(.htype, 0, 16), f(.ptype, 16, 16, .etherType), f(.hlen, 32, 8), f(.plen, 40, 8),
      f(.operation, 48, 16, .arpOperation), f(.saddr, 64, 48, .ethernet, nil, .ether),
      f(.saddr, 112, 32, .ipv4, nil, .ip), f(.daddr, 144, 48, .ethernet, nil, .ether),
      f(.daddr, 192, 32, .ipv4, nil, .ip),
    ])
}

extension NftNeeds {
  init(ip transport: UInt8) {
    self.init(transport: transport)
    network = 2
  }
  init(ip6 transport: UInt8) {
    self.init(transport: transport)
    network = 10
  }
}
