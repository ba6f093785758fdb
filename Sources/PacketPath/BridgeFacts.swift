import Ruleset
import Snapshot
import Wire

/// What the walk asks of one bridge: its ports, and behind which of them an address lives.
final class BridgeFacts: Sendable {
  struct Port: Sendable {
    var name: Bits128
    // Nil: not in the snapshot.
    var hairpin: Bool?
    var isolated: Bool?
    var forwards: Bool?
  }

  let ports: [Port]
  /// Of the bridge itself, as a number.
  let mac: Bits128?
  /// The subnets of the bridge's addresses: who has one of these sends to the others in it directly.
  let subnets: [IPPrefix]
  /// Link addresses by IP address, of the neighbour table; ports by link address, of the forwarding table.
  private let neighbours: [IPAddress: Bits128]
  private let learned: [Bits128: Bits128]
  /// Rules or flags tell one port from another: which one a frame comes by then makes a difference.
  let portsDiffer: Bool

  /// With more ports than this, none of which is known to be the packet's, they are not tried one by one.
  static let maximumPorts = 64

  init(_ link: Link, ports slaves: [Link], _ snapshot: Snapshot, rulesTellPorts: Bool) {
    ports = slaves.map {
      Port(
        name: Bits128(leftAligned: $0.name.utf8), hairpin: $0.hairpin, isolated: $0.isolated, forwards: $0.forwards)
    }
    mac = link.mac.flatMap(Self.number)
    subnets = (snapshot.addresses ?? []).filter { $0.interface == link.name && !$0.address.isLinkLocal }.map {
      IPPrefix($0.address, length: $0.prefixLength)
    }
    var neighbours: [IPAddress: Bits128] = [:]
    for entry in snapshot.neighbours ?? [] where entry.interface == link.name {
      if let mac = entry.mac.flatMap(Self.number) { neighbours[entry.address] = mac }
    }
    self.neighbours = neighbours
    var learned: [Bits128: Bits128] = [:]
    let names = Set(slaves.map(\.name))
    for entry in snapshot.forwardingEntries ?? [] where entry.master == link.name && names.contains(entry.interface) {
      if let mac = Self.number(entry.mac) { learned[mac] = Bits128(leftAligned: entry.interface.utf8) }
    }
    self.learned = learned
    let first = ports.first
    portsDiffer =
      rulesTellPorts
      || ports.contains {
        $0.hairpin != first?.hairpin || $0.isolated != first?.isolated || $0.forwards != first?.forwards
      }
  }

  /// `02:00:00:00:00:01` as a number.
  static func number(_ mac: String) -> Bits128? {
    let parts = mac.split(separator: ":")
    guard parts.count == 6 else { return nil }
    var value: UInt64 = 0
    for part in parts {
      guard let byte = UInt8(part, radix: 16) else { return nil }
      value = value << 8 | UInt64(byte)
    }
    return Bits128(value)
  }

  func linkAddress(of address: IPAddress) -> Bits128? { neighbours[address] }

  /// The port behind which an address lives; zero: not known.
  func port(of address: IPAddress) -> Bits128 {
    if let mac = neighbours[address], let port = learned[mac] { return port }
    return ports.count == 1 ? ports[0].name : .zero
  }

  /// A port's flags; those of any, where it is not known (they are alike then, or were tried one by one).
  func flags(_ port: Bits128) -> Port? { ports.first { $0.name == port } ?? ports.first }

  func isPort(_ name: Bits128) -> Bool { ports.contains { $0.name == name } }

  /// Whether a sender at `source` reaches `destination` without going through the bridge's own address.
  func joins(_ source: IPAddress, _ destination: IPAddress) -> Bool {
    let own = subnets.filter { $0.address.version == source.version }
    return own.isEmpty || own.contains { $0.contains(source) && $0.contains(destination) }
  }
}
