import Wire

/// A flow as the lab sends it: one first packet.
public struct Probe: Sendable, Hashable {
  public var id = ""
  public var ipProtocol: IPProtocol
  public var source: IPAddress
  public var destination: IPAddress
  public var sourcePort: UInt16 = 0
  public var destinationPort: UInt16 = 0
  public var icmpType: UInt8?
  public var icmpCode: UInt8 = 0
  /// The interface IP sees, or "local".
  public var from: String
  /// The port of the bridge by which the frame comes, where `from` is a bridge.
  public var port: String?
  /// Bytes of the whole IP packet; padded to it.
  public var length: Int?
  /// SO_MARK of a local sender.
  public var mark: UInt32?
  /// Whose local socket sends it; nil: root's.
  public var user: UInt32?
  public var group: UInt32?
  public var tcpFlags: UInt8 = 2

  public init(_ ipProtocol: IPProtocol, from: String, source: IPAddress, destination: IPAddress) {
    self.ipProtocol = ipProtocol
    self.from = from
    self.source = source
    self.destination = destination
  }

  public var isV6: Bool { source.version == .v6 }

  /// The contract's JSON of a flow.
  public var json: String {
    var fields = [
      #""id": "\#(id)""#, #""protocol": "\#(ipProtocol)""#, #""source": "\#(source)""#,
      #""destination": "\#(destination)""#, #""from": "\#(from)""#,
    ]
    if ipProtocol.hasPorts {
      fields += [#""sourcePort": \#(sourcePort)"#, #""destinationPort": \#(destinationPort)"#]
    }
    if let icmpType { fields += [#""icmpType": \#(icmpType)"#, #""icmpCode": \#(icmpCode)"#] }
    if let length { fields.append(#""length": \#(length)"#) }
    if let mark { fields.append(#""mark": \#(mark)"#) }
    if let user { fields.append(#""uid": \#(user)"#) }
    if let group { fields.append(#""gid": \#(group)"#) }
    if ipProtocol == .tcp, tcpFlags != 2 { fields.append(#""tcpFlags": \#(tcpFlags)"#) }
    return "{" + fields.joined(separator: ", ") + "}"
  }
}

extension IPAddress {
  /// Network byte order.
  var bytes: [UInt8] {
    version == .v4
      ? (0..<4).map { UInt8(v4 >> UInt32(24 - 8 * $0) & 0xFF) }
      : (0..<16).map { UInt8(($0 < 8 ? bits.high : bits.low) >> UInt64(56 - 8 * ($0 & 7)) & 0xFF) }
  }

  init(bytes: ArraySlice<UInt8>) {
    if bytes.count == 4 {
      self.init(v4: bytes.reduce(0) { $0 << 8 | UInt32($1) })
    } else {
      let half: (ArraySlice<UInt8>) -> UInt64 = { $0.reduce(0) { $0 << 8 | UInt64($1) } }
      self.init(v6: Bits128(high: half(bytes.prefix(8)), low: half(bytes.dropFirst(8))))
    }
  }
}

func internetChecksum(_ bytes: [UInt8]) -> UInt16 {
  var sum: UInt32 = 0
  for index in stride(from: 0, to: bytes.count, by: 2) {
    sum += UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
  }
  while sum >> 16 != 0 { sum = (sum & 0xFFFF) + sum >> 16 }
  return ~UInt16(truncatingIfNeeded: sum)
}

extension Probe {
  /// The IP packet. `identity` becomes the IPv4 identification or the IPv6 flow label, by which traces and frames are
  /// recognised whatever happened to addresses and ports; TCP carries it in its sequence number too, so that a reset
  /// can be told.
  func packet(identity: UInt16) -> [UInt8] {
    let headerSize = isV6 ? 40 : 20
    let fixed = ipProtocol == .tcp ? 24 : 8
    let padding = [UInt8](repeating: 0, count: max(0, (length ?? 0) - headerSize - fixed))
    let size = fixed + padding.count
    var pseudo = source.bytes + destination.bytes
    if isV6 {
      appendBig(UInt32(size), to: &pseudo)
      pseudo += [0, 0, 0, ipProtocol.rawValue]
    } else {
      pseudo += [0, ipProtocol.rawValue]
      appendBig(UInt16(size), to: &pseudo)
    }

    var body: [UInt8] = []
    var checksumAt: Int?
    switch ipProtocol {
    case .tcp:
      appendBig(sourcePort, to: &body)
      appendBig(destinationPort, to: &body)
      appendBig(Self.sequenceBase + UInt32(identity), to: &body)
      body += [0, 0, 0, 0, 6 << 4, tcpFlags, 0xFA, 0xF0, 0, 0, 0, 0, 2, 4, 5, 0xB4]  // window 64240, MSS 1460
      checksumAt = 16
    case .icmp, .icmpv6:
      body += [icmpType ?? (isV6 ? 128 : 8), icmpCode, 0, 0, 0x10, 0x92, UInt8(identity >> 8), UInt8(identity & 0xFF)]
      if !isV6 { pseudo = [] }
      checksumAt = 2
    case .sctp:
      // Only the ports are read; conntrack wants a chunk (INIT), whose CRC the namespace is told not to check.
      appendBig(sourcePort, to: &body)
      appendBig(destinationPort, to: &body)
      body += [0, 0, 0, 0]
    default:
      appendBig(sourcePort, to: &body)
      appendBig(destinationPort, to: &body)
      appendBig(UInt16(size), to: &body)
      body += [0, 0]
      checksumAt = 6
    }
    body += padding
    if let at = checksumAt {
      var sum = internetChecksum(pseudo + body)
      if ipProtocol == .udp, sum == 0 { sum = 0xFFFF }
      body[at] = UInt8(sum >> 8)
      body[at + 1] = UInt8(sum & 0xFF)
    }

    var header: [UInt8] = []
    if isV6 {
      appendBig(UInt32(6) << 28 | UInt32(identity), to: &header)
      appendBig(UInt16(body.count), to: &header)
      return header + [ipProtocol.rawValue, 64] + source.bytes + destination.bytes + body
    }
    header += [0x45, 0]
    appendBig(UInt16(20 + body.count), to: &header)
    appendBig(identity, to: &header)
    header += [0, 0, 64, ipProtocol.rawValue, 0, 0] + source.bytes + destination.bytes
    let sum = internetChecksum(header)
    header[10] = UInt8(sum >> 8)
    header[11] = UInt8(sum & 0xFF)
    return header + body
  }

  static let sequenceBase: UInt32 = 0x5E00_0000
}

/// What is read of an IP packet, or of the first bytes of one.
struct SeenPacket {
  var identity: UInt32
  var ipProtocol: IPProtocol
  var source: IPAddress
  var destination: IPAddress
  var sourcePort: UInt16?
  var destinationPort: UInt16?
  var tcpFlags: UInt8?
  var tcpAcknowledged: UInt32?
  var icmpType: UInt8?
  var icmpCode: UInt8?
  /// The identity of the packet that an ICMP error quotes.
  var quotedIdentity: UInt32?

  init?(_ raw: some Collection<UInt8>) {
    let bytes = Array(raw)
    func word(_ at: Int) -> UInt16 { UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1]) }
    func identity(at start: Int) -> UInt32? {
      guard bytes.count >= start + 6 else { return nil }
      if bytes[start] >> 4 == 4 { return UInt32(word(start + 4)) }
      return UInt32(bytes[start + 1] & 0xF) << 16 | UInt32(word(start + 2))
    }
    guard bytes.count >= 20, let own = identity(at: 0) else { return nil }
    self.identity = own
    let start: Int
    if bytes[0] >> 4 == 4 {
      start = Int(bytes[0] & 15) * 4
      ipProtocol = IPProtocol(rawValue: bytes[9])
      source = IPAddress(bytes: bytes[12..<16])
      destination = IPAddress(bytes: bytes[16..<20])
    } else if bytes[0] >> 4 == 6, bytes.count >= 40 {
      start = 40
      ipProtocol = IPProtocol(rawValue: bytes[6])
      source = IPAddress(bytes: bytes[8..<24])
      destination = IPAddress(bytes: bytes[24..<40])
    } else {
      return nil
    }
    if ipProtocol.hasPorts, bytes.count >= start + 4 {
      sourcePort = word(start)
      destinationPort = word(start + 2)
    }
    if ipProtocol == .tcp, bytes.count >= start + 14 {
      tcpAcknowledged = UInt32(word(start + 8)) << 16 | UInt32(word(start + 10))
      tcpFlags = bytes[start + 13]
    }
    if ipProtocol.isICMP, bytes.count >= start + 8 {
      icmpType = bytes[start]
      icmpCode = bytes[start + 1]
      let isError = ipProtocol == .icmp ? [3, 11].contains(bytes[start]) : bytes[start] < 128
      if isError { quotedIdentity = identity(at: start + 8) }
    }
  }

  /// The name that iptables gives to an ICMP error.
  var errorName: String? {
    guard let icmpType, let icmpCode, quotedIdentity != nil else { return nil }
    if ipProtocol == .icmp {
      switch (icmpType, icmpCode) {
      case (3, 0): return "icmp-net-unreachable"
      case (3, 1): return "icmp-host-unreachable"
      case (3, 2): return "icmp-proto-unreachable"
      case (3, 3): return "icmp-port-unreachable"
      case (3, 9): return "icmp-net-prohibited"
      case (3, 10): return "icmp-host-prohibited"
      case (3, 13): return "icmp-admin-prohibited"
      case (11, _): return "icmp-ttl-exceeded"
      default: return "icmp-\(icmpType)-\(icmpCode)"
      }
    }
    switch (icmpType, icmpCode) {
    case (1, 0): return "icmp6-no-route"
    case (1, 1): return "icmp6-adm-prohibited"
    case (1, 3): return "icmp6-addr-unreachable"
    case (1, 4): return "icmp6-port-unreachable"
    case (1, 5): return "icmp6-policy-fail"
    case (1, 6): return "icmp6-reject-route"
    case (3, _): return "icmp6-ttl-exceeded"
    default: return "icmp6-\(icmpType)-\(icmpCode)"
    }
  }
}
