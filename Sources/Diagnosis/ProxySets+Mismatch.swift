import Intent
import Snapshot
import Wire

extension ProxySets {
  /// Where an ipset of a node differs from what the cluster's objects ask for.
  struct Mismatch: Sendable {
    /// Index in the snapshot's ipsets.
    var set: Int
    var missing: Set<Member> = []
    var extra: [(member: Member, line: Int)] = []
  }

  static func mismatches(_ intent: Cluster, _ node: NodeContext) -> [Mismatch] {
    guard node.isIPVS, !intent.services.isEmpty, let ipsets = node.snapshot.ipsets else { return [] }
    let wanted = ProxySets(intent, node)
    return ipsets.indices.compactMap { index in
      let set = ipsets[index]
      guard let contents = wanted.sets[set.name] else { return nil }
      let version: IPVersion = set.name.hasPrefix("KUBE-6-") ? .v6 : .v4
      var mismatch = Mismatch(set: index)
      var present: Set<Member> = []
      for element in set.elements {
        guard let member = member(element, version) else { continue }
        present.insert(member)
        if !contents.required.contains(member), !contents.allowed.contains(member) {
          mismatch.extra.append((member, element.line))
        }
      }
      mismatch.missing = contents.required.subtracting(present)
      return mismatch.missing.isEmpty && mismatch.extra.isEmpty ? nil : mismatch
    }
  }
}

extension NodeContext {
  /// IPVS mode: a set lacks the element that stands for what was traced, so ipvs-set-mismatch names the cause.
  func isExplainedBySets(_ observation: Observation) -> Bool {
    guard !setMismatches.isEmpty else { return false }
    let frontend = observation.frontend
    let member =
      observation.faults.contains(.hairpin)
      ? nil
      : frontend.kind == .nodePort
        ? ProxySets.Member(port: frontend.port)
        : ProxySets.Member(address: frontend.address, ipProtocol: frontend.ipProtocol, port: frontend.port)
    return setMismatches.contains { mismatch in
      mismatch.missing.contains {
        member == $0 || member == nil && $0.source == observation.source && $0.ipProtocol == frontend.ipProtocol
      }
    }
  }
}
