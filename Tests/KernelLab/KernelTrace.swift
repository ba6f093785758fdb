import Glibc

/// The place of a chain: `ip nat PREROUTING`.
public struct ChainName: Hashable, Sendable, CustomStringConvertible {
  public var family: String
  public var table: String
  public var chain: String

  public init(_ family: String, _ table: String, _ chain: String) {
    self.family = family
    self.table = table
    self.chain = chain
  }

  public var description: String { "\(family) \(table) \(chain)" }
}

private let familyNames: [UInt8: String] = [1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"]
private let hookNames = ["prerouting", "input", "forward", "output", "postrouting", "ingress"]
private let deviceHookNames = ["ingress", "egress"]

func familyName(_ number: UInt8) -> String { familyNames[number] ?? String(number) }

/// The nf_tables rules of a namespace: which rule of which chain a handle means, and the hook of each base chain.
struct RuleIndex {
  private(set) var places: [ChainName: [UInt64: Int]] = [:]
  private(set) var hooks: [ChainName: String] = [:]

  /// To be made by a thread inside the namespace.
  init() throws(LabError) {
    let socket = try NetlinkSocket()
    for message in try socket.dump(10 << 8 | 7) {  // NFT_MSG_GETRULE
      let attributes = message.attributes
      guard let table = attributes.text(1), let chain = attributes.text(2), let handle = attributes.number(3) else {
        continue
      }
      let name = ChainName(familyName(message.family), table, chain)
      places[name, default: [:]][handle] = (places[name]?.count ?? 0) + 1
    }
    for message in try socket.dump(10 << 8 | 4) {  // NFT_MSG_GETCHAIN
      let attributes = message.attributes
      guard let table = attributes.text(1), let chain = attributes.text(3), let hook = attributes.nested(4)?.number(1)
      else { continue }
      let family = familyName(message.family)
      let names = family == "netdev" ? deviceHookNames : hookNames
      let known = Int(hook) < names.count ? names[Int(hook)] : "?"
      hooks[ChainName(family, table, chain)] = known
    }
  }
}

/// One nf_tables trace event: what `nft monitor trace` prints as a line.
struct TraceEvent {
  enum Kind: UInt64 {
    case policy = 1
    case chainEnd, rule
  }

  var kind: Kind
  var chain: ChainName
  var handle: UInt64?
  /// "jump X", "accept", "policy drop" …
  var verdict: String
  var packetIdentity: UInt64
  var mark: UInt32
  /// Network and transport header; only with the first event of a base chain.
  var header: [UInt8]?
  var outInterface: UInt32?

  init?(_ message: NetlinkMessage) {
    guard message.kind == 10 << 8 | 17 else { return nil }  // NFT_MSG_TRACE
    let a = message.attributes
    guard let table = a.text(1), let name = a.text(2), let kind = Kind(rawValue: a.number(4) ?? 0) else { return nil }
    self.kind = kind
    chain = ChainName(familyName(message.family), table, name)
    handle = a.number(3)
    packetIdentity = a.number(6) ?? 0
    mark = UInt32(a.number(14) ?? 0)
    header = a[8].map { Array($0) + Array(a[9] ?? []) }
    outInterface = a.number(12).map { UInt32(truncatingIfNeeded: $0) }
    if kind == .policy {
      verdict = "policy " + Self.name(of: UInt32(truncatingIfNeeded: a.number(16) ?? 0))
    } else {
      let nested = a.nested(5)
      verdict = Self.name(of: UInt32(truncatingIfNeeded: nested?.number(1) ?? 0))
      if let target = nested?.text(2) { verdict += " " + target }
    }
  }

  private static func name(of code: UInt32) -> String {
    switch code {
    case 0xFFFF_FFFF: "continue"
    case 0xFFFF_FFFE: "break"
    case 0xFFFF_FFFD: "jump"
    case 0xFFFF_FFFC: "goto"
    case 0xFFFF_FFFB: "return"
    default: ["drop", "accept", "stolen", "queue"][Int(code & 0xFF) & 3]
    }
  }
}

/// The nf_tables trace of a namespace.
final class TraceSocket {
  private let socket: NetlinkSocket

  init() throws(LabError) {
    socket = try NetlinkSocket()
    try socket.join(group: 9)  // NFNLGRP_NFTRACE
  }

  func events() -> [TraceEvent] { socket.pending().compactMap(TraceEvent.init) }
}

/// One TRACE record of legacy xtables: `TRACE: table:chain:kind:number `.
struct LogRecord {
  var chain: ChainName
  var number: Int
  var hook: String
  var mark: UInt32
  var packet: [UInt8]

  init?(_ message: NetlinkMessage) {
    guard message.kind == 4 << 8 else { return nil }  // NFULNL_MSG_PACKET
    let a = message.attributes
    guard let prefix = a.text(10), prefix.hasPrefix("TRACE: "), let header = a[1], header.count >= 3 else { return nil }
    // A chain's name may itself contain colons, the table's cannot.
    let parts = prefix.dropFirst(7).split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count >= 4, let number = Int(parts[parts.count - 1].filter { $0 != " " }) else { return nil }
    chain = ChainName(familyName(message.family), String(parts[0]), parts[1..<(parts.count - 2)].joined(separator: ":"))
    self.number = number
    let index = Int(header[header.startIndex + 2])
    hook = index < hookNames.count ? hookNames[index] : "?"
    mark = UInt32(a.number(2) ?? 0)
    packet = Array(a[9] ?? [])
  }
}

/// NFLOG group 0 as the logger of both families: there xtables writes its TRACE records.
final class LogSocket {
  private let socket: NetlinkSocket

  init() throws(LabError) {
    socket = try NetlinkSocket()
    for family in [2, 10] as [UInt8] {
      try configure(netlinkAttribute(1, [4]), family: family)  // unbind whoever logs for the family
      try configure(netlinkAttribute(1, [3]), family: family)  // log for the family
    }
    try configure(netlinkAttribute(1, [1]))  // bind the group
    try configure(netlinkAttribute(2, [0, 0, 1, 0, 2, 0]))  // copy 256 bytes of each packet
    try configure(netlinkAttribute(5, [0, 0, 0, 1]))  // deliver each record at once
  }

  private func configure(_ body: [UInt8], family: UInt8 = 0) throws(LabError) {
    try socket.command(4 << 8 | 1, family: family, body: body)
  }

  func records() -> [LogRecord] { socket.pending().compactMap(LogRecord.init) }
}

/// The conntrack table of a namespace.
final class ConntrackSocket {
  private let socket: NetlinkSocket

  init() throws(LabError) { socket = try NetlinkSocket() }

  func flush() throws(LabError) { try socket.command(1 << 8 | 2) }
}
