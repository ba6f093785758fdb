import PacketPath
import Snapshot
import Wire

/// The connections that a namespace knew when it was looked at (`conntrack -L`), by the packet that began each.
struct ConntrackTable: Sendable {
  private struct Key: Hashable {
    var tuple: ConnectionEntry.Tuple
    var ipProtocol: UInt8
  }

  private let entries: [Key: ConnectionEntry]

  init(_ snapshot: Snapshot) {
    var entries: [Key: ConnectionEntry] = [:]
    for entry in snapshot.connections ?? [] {
      entries[Key(tuple: entry.original, ipProtocol: entry.ipProtocol)] = entry
    }
    self.entries = entries
  }

  /// The entry that a first packet falls into; nil: it begins a connection of its own.
  func entry(of flow: Flow) -> ConnectionEntry? {
    guard !entries.isEmpty else { return nil }
    let tuple = ConnectionEntry.Tuple(
      source: flow.source, destination: flow.destination, sourcePort: flow.sourcePort,
      destinationPort: flow.destinationPort)
    guard let entry = entries[Key(tuple: tuple, ipProtocol: flow.ipProtocol.rawValue)] else { return nil }
    // A SYN opens a connection that is closing anew (nf_conntrack_proto_tcp.c).
    if flow.ipProtocol == .tcp, let state = entry.state, !Self.kept.contains(state) { return nil }
    return entry
  }

  private static let kept: Set<String> = ["SYN_SENT", "SYN_SENT2", "SYN_RECV", "ESTABLISHED"]
}
