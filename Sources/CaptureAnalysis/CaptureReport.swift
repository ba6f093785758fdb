import Findings
import Input
import Wire

/// A conversation as tables show it; the initiator's figures first.
public struct ConversationRow: Sendable {
  public var proto: IPProtocol
  public var client: IPAddress
  public var clientPort: UInt16
  public var server: IPAddress
  public var serverPort: UInt16
  /// Empty outside of tunnels, else e.g. `VXLAN 42`.
  public var tunnel: String
  public var packetsOut: Int
  public var packetsIn: Int
  public var bytesOut: Int
  public var bytesIn: Int
  /// Nanoseconds since 1970, and frames.
  public var start: Int64
  public var end: Int64
  public var firstFrame: FrameReference
  public var lastFrame: FrameReference
  public var retransmissions: Int
  public var resets: Int
  public var zeroWindows: Int
  /// From SYN to SYN-ACK in nanoseconds, -1 unknown.
  public var handshake: Int64
  public var slowestResponse: Int64
  public var duplicates: Int
  public var mssClient: Int
  public var mssServer: Int
  /// The TLS server name, escaped; empty where there was none.
  public var serverName: String
  /// `syn-only`, `refused`, `reset`, `closed`, `open`; empty for other protocols than TCP.
  public var state: String

  public var bytes: Int { bytesOut + bytesIn }
  public var packets: Int { packetsOut + packetsIn }
}

public struct HostRow: Sendable {
  public var address: IPAddress
  public var packets = 0
  public var bytes = 0
  public var conversations = 0
  public var retransmissions = 0
}

public struct ServiceRow: Sendable {
  public var proto: IPProtocol
  public var port: UInt16
  public var conversations = 0
  public var packets = 0
  public var bytes = 0
  public var unanswered = 0
  public var resets = 0
}

public struct TunnelRow: Sendable {
  public var kind: String
  public var source: IPAddress
  public var destination: IPAddress
  public var port: UInt16
  public var identifier: UInt32
  public var otherIdentifier: UInt32?
  public var packets: Int
  public var bytes: Int
  public var innerBytes: Int
  public var largestInner: Int
  public var badChecksums: Int
  public var firstFrame: FrameReference
}

/// How tables of conversations are sorted.
public enum ConversationOrder: String, Sendable, CaseIterable {
  case bytes, packets, retransmissions, rtt, response, start
}

/// Everything that is printed about captures.
public struct CaptureReport: Sendable {
  public var captures: [CaptureSummary]
  public var counts: CaptureCounts
  public var findings: [Finding]
  /// Nanoseconds since 1970; 0 when no frame had a time.
  public var start: Int64
  public var end: Int64
  public var conversations: [ConversationRow]
  public var conversationCount: Int
  public var evicted: Int
  public var hosts: [HostRow]
  public var services: [ServiceRow]
  public var tunnels: [TunnelRow]
  public var newConnectionsPeak: Int
  /// Peak of the simulated conntrack table.
  public var conntrackPeak: Int
  /// The table over the capture: entries, each the most of so many milliseconds.
  public var conntrackCurve: [Int] = []
  public var conntrackSpan: Int64 = 0
  public var conntrackMaximum: Int?
  public var paths: [PathRow] = []
  public var interrupted = false
  /// Names of Services, Pods and nodes, where a snapshot told them; safe to print.
  public var names: [IPAddress: String] = [:]

  public var worst: Finding.Severity? { findings.map(\.severity).max() }

  /// Takes the names of all addresses in the tables.
  public mutating func name(_ nameOf: (IPAddress) -> String?) {
    let shown =
      hosts.map(\.address) + conversations.flatMap { [$0.client, $0.server] }
      + tunnels.flatMap { [$0.source, $0.destination] }
    for address in shown where names[address] == nil { names[address] = nameOf(address) }
  }
}

extension CaptureAnalyzer {
  /// Calls `visit` for each conversation still in the table.
  public func forEachConversation(_ visit: (ConversationRow) -> Void) {
    for index in 0..<conversations.records.count { visit(row(conversations.records.pointer(index))) }
  }

  func row(_ c: UnsafeMutablePointer<Conversation>) -> ConversationRow {
    let view = self.view(c)
    let client = Int(c.pointee.initiator)
    let server = 1 - client
    var state = ""
    if view.isTCP {
      if view.clientHalf.syns > 0, view.server.synAcks == 0, view.server.resets > 0 {
        state = "refused"
      } else if view.clientHalf.syns > 0, c.pointee.packets[server] == 0 {
        state = "syn-only"
      } else if c.pointee.phase.contains(.reset) {
        state = "reset"
      } else {
        state = c.pointee.phase.contains(.fin) ? "closed" : "open"
      }
    }
    return ConversationRow(
      proto: IPProtocol(rawValue: c.pointee.proto), client: c.pointee.client, clientPort: c.pointee.clientPort,
      server: c.pointee.server, serverPort: c.pointee.serverPort, tunnel: Self.tunnelText(c.pointee.scope),
      packetsOut: Int(c.pointee.packets[client]), packetsIn: Int(c.pointee.packets[server]),
      bytesOut: c.pointee.bytes(client), bytesIn: c.pointee.bytes(server), start: c.pointee.firstTime,
      end: c.pointee.lastTime, firstFrame: c.pointee.firstFrame, lastFrame: c.pointee.lastFrame,
      retransmissions: Int(view.clientHalf.health.retransmissions) + Int(view.server.health.retransmissions)
        + max(0, Int(view.clientHalf.syns) - 1) + max(0, Int(view.server.syns) - 1),
      resets: Int(view.clientHalf.resets) + Int(view.server.resets),
      zeroWindows: Int(view.clientHalf.health.zeroWindows) + Int(view.server.health.zeroWindows),
      handshake: view.tcp?.handshake ?? -1,
      slowestResponse: view.tcp?.slowestResponse ?? 0, duplicates: Int(c.pointee.remarks.pointee.duplicates),
      mssClient: Int(view.clientHalf.maximumSegment), mssServer: Int(view.server.maximumSegment),
      serverName: view.tcp.map { serverNames.plain($0.serverName) } ?? "", state: state)
  }

  static func tunnelText(_ scope: UInt32) -> String {
    guard scope != 0 else { return "" }
    guard let kind = TunnelKind(rawValue: UInt8(truncatingIfNeeded: scope >> 24)) else { return "nested" }
    return kind == .ipip || scope & 0xFF_FFFF == 0 ? kind.name : "\(kind.name) \(scope & 0xFF_FFFF)"
  }

  private static func add(
    _ row: UnsafeMutablePointer<HostRow>, _ c: UnsafeMutablePointer<Conversation>, _ retransmissions: Int
  ) {
    row.pointee.packets &+= c.pointee.totalPackets
    row.pointee.bytes &+= c.pointee.totalBytes
    row.pointee.conversations &+= 1
    row.pointee.retransmissions &+= retransmissions
  }

  private static func add(
    _ row: inout ServiceRow, _ c: UnsafeMutablePointer<Conversation>, unanswered: Bool, reset: Bool
  ) {
    row.conversations += 1
    row.packets += c.pointee.totalPackets
    row.bytes += c.pointee.totalBytes
    if unanswered { row.unanswered += 1 }
    if reset { row.resets += 1 }
  }

  /// All tunnels, those with the most bytes first.
  public func tunnelRows() -> [TunnelRow] {
    var rows: [TunnelRow] = []
    for index in 0..<tunnels.count {
      let t = tunnels.tunnels.pointer(index).pointee
      let version: IPVersion = t.key.version == 4 ? .v4 : .v6
      rows.append(
        TunnelRow(
          kind: t.key.kind.name, source: IPAddress(bits: t.key.source, version: version),
          destination: IPAddress(bits: t.key.destination, version: version), port: t.key.port,
          identifier: t.identifier, otherIdentifier: t.hasOther ? t.otherIdentifier : nil, packets: t.packets,
          bytes: t.bytes, innerBytes: t.innerBytes, largestInner: t.largestInner, badChecksums: t.checksumBad,
          firstFrame: t.firstFrame))
    }
    return rows.sorted { $0.bytes > $1.bytes }
  }

  /// The tables for printing; `top` rows each.
  public func report(
    captures: [CaptureSummary], findings: [Finding], top: Int, order: ConversationOrder = .bytes
  ) -> CaptureReport {
    var rows = Ranking(capacity: top)
    var hosts = Paged<HostRow>()
    var hostIndex = HashIndex()
    var services: [ServiceRow] = []
    var servicePorts = KeyTable<UInt32>()
    var paths = PathTable()
    for index in 0..<conversations.records.count {
      prefetchNeighbours(index)
      let c = conversations.records.pointer(index)
      add(c, to: &paths)
      let tcp = Int(c.pointee.tcp)
      let client = Int(c.pointee.initiator)
      var retransmissions = 0
      if tcp >= 0 {
        for half in tcp * 2...tcp * 2 + 1 {
          let half = halves.pointer(half)
          retransmissions += Int(half.pointee.health.retransmissions) + max(0, Int(half.pointee.syns) - 1)
        }
      }
      let rank: Int64 =
        switch order {
        case .bytes: Int64(c.pointee.totalBytes)
        case .packets: Int64(c.pointee.totalPackets)
        case .retransmissions: Int64(retransmissions)
        case .rtt: tcp >= 0 ? shared.pointer(tcp).pointee.handshake : -1
        case .response: tcp >= 0 ? shared.pointer(tcp).pointee.slowestResponse : -1
        case .start: -c.pointee.firstTime
        }
      rows.add(index, rank)
      for direction in 0...1 {
        let bits = c.pointee.bits(direction)
        let hash =
          mix(bits.low ^ 0xC2B2_AE3D_27D4_EB4F, bits.high ^ UInt64(c.pointee.version) ^ 0x9E37_79B9_7F4A_7C15) | 1
        var at = hostIndex.find(hash)
        if at == nil, hosts.count < 65_536 {
          at = hosts.count
          hosts.add().initialize(to: HostRow(address: c.pointee.address(direction)))
          hostIndex.insert(hash, hosts.count - 1)
        }
        if let at { Self.add(hosts.pointer(at), c, retransmissions) }
      }
      guard IPProtocol(rawValue: c.pointee.proto).hasPorts else { continue }
      let port = c.pointee.serverPort
      let key = UInt32(c.pointee.proto) << 16 | UInt32(port)
      let unanswered = c.pointee.packets[1 - client] == 0
      let reset = c.pointee.phase.contains(.reset)
      guard let at = servicePorts.number(key) else { continue }
      if at == services.count {
        services.append(ServiceRow(proto: IPProtocol(rawValue: c.pointee.proto), port: port))
      }
      Self.add(&services[at], c, unanswered: unanswered, reset: reset)
    }
    let hasTime = start <= end
    let duration = hasTime ? (end - start) / 1_000_000 : 0
    let occupancy = conntrack.points(duration: duration)
    var report = CaptureReport(
      captures: captures, counts: counts, findings: findings, start: hasTime ? start : 0, end: hasTime ? end : 0,
      conversations: rows.indices.map { row(conversations.records.pointer($0)) },
      conversationCount: conversations.records.count + conversations.evicted, evicted: conversations.evicted,
      hosts: Array(
        (0..<hosts.count).map { hosts[$0] }
          .sorted { $0.bytes != $1.bytes ? $0.bytes > $1.bytes : $0.address < $1.address }.prefix(top)),
      services: Array(
        services.sorted { $0.bytes != $1.bytes ? $0.bytes > $1.bytes : $0.port < $1.port }.prefix(top)),
      tunnels: Array(tunnelRows().prefix(top)), newConnectionsPeak: newConnections.peak,
      conntrackPeak: occupancy.entries.max() ?? 0)
    report.conntrackCurve = occupancy.entries
    report.conntrackSpan = occupancy.span
    report.conntrackMaximum = options.conntrackMaximum
    report.paths = pathRows(paths, top: top)
    return report
  }
}
