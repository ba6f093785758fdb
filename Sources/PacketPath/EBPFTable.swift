import Snapshot
import Wire

/// The frontends that Cilium's eBPF programs serve on a node, by address and port. The map that packets meet counts
/// where the snapshot has it, else the agent's list.
public struct EBPFTable: Sendable {
  private struct Key: Hashable {
    var address: IPAddress
    var port: UInt16
  }

  let frontends: [EBPFFrontend]
  private var index: [Key: [Int]] = [:]

  /// Nil: the snapshot has none.
  init?(_ snapshot: Snapshot) {
    guard let all = snapshot.ebpfFrontends, !all.isEmpty else { return nil }
    frontends = all
    let source: EBPFFrontend.Source = all.contains { $0.source == .datapath } ? .datapath : .agent
    for (position, frontend) in all.enumerated() where frontend.source == source {
      index[Key(address: frontend.address, port: frontend.port), default: []].append(position)
    }
  }

  /// Indexes into the snapshot's `ebpfFrontends` of those that count.
  public var positions: [Int] { index.values.joined().sorted() }

  /// The frontend that takes a connection. `isOwnAddress`: the destination is the node's, where frontends of any address
  /// answer too. `fromInside`: the client is in the cluster.
  func find(
    _ address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol, isOwnAddress: Bool, fromInside: Bool
  ) -> Int? {
    var found = index[Key(address: address, port: port)] ?? []
    if found.isEmpty, isOwnAddress {
      let any = IPAddress(bits: .zero, version: address.version)
      found = index[Key(address: any, port: port)] ?? []
    }
    found.removeAll { frontends[$0].ipProtocol != nil && frontends[$0].ipProtocol != ipProtocol }
    return found.first { frontends[$0].isInternal == fromInside } ?? found.first
  }
}
