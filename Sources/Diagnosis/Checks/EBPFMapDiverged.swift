import Findings
import Intent
import Snapshot
import Wire

/// Cilium's agent wants one thing, and the map that its programs look packets up in holds another.
enum EBPFMapDiverged: Check {
  static let id = "ebpf-map-diverged"

  private struct Key: Hashable {
    var address: IPAddress
    var port: UInt16
    var ipProtocol: IPProtocol?
    var isInternal: Bool
  }

  /// What the agent has and the map lacks.
  struct Divergence {
    var wanted: EBPFFrontend
    var present: EBPFFrontend?
    var missing: [EndpointAddress]
  }

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node in divergences(node.snapshot).map { finding($0, node) } }
  }

  static func divergences(_ snapshot: Snapshot) -> [Divergence] {
    let all = snapshot.ebpfFrontends ?? []
    guard all.contains(where: { $0.source == .agent }), all.contains(where: { $0.source == .datapath }) else {
      return []
    }
    var map: [Key: EBPFFrontend] = [:]
    for frontend in all where frontend.source == .datapath { map[key(frontend)] = frontend }
    return all.filter { $0.source == .agent && $0.proxyPort == nil }.compactMap { wanted in
      guard map[key(wanted)]?.proxyPort == nil else { return nil }
      let inAgent = Set(wanted.usable.map { EndpointAddress($0.address, $0.port) })
      let inMap = Set((map[key(wanted)]?.backends ?? []).map { EndpointAddress($0.address, $0.port) })
      guard !inAgent.isSubset(of: inMap) else { return nil }
      return Divergence(wanted: wanted, present: map[key(wanted)], missing: inAgent.subtracting(inMap).sorted())
    }
  }

  private static func key(_ frontend: EBPFFrontend) -> Key {
    Key(
      address: frontend.address, port: frontend.port, ipProtocol: frontend.ipProtocol,
      isInternal: frontend.isInternal)
  }

  private static func finding(_ divergence: Divergence, _ node: NodeContext) -> Finding {
    let (wanted, present, missing) = (divergence.wanted, divergence.present, divergence.missing)
    let name = EndpointAddress(wanted.address, wanted.port).description
    return Finding(
      id: id, severity: .error, confidence: .likely,
      subject: Finding.Subject(kind: "Frontend", name: name, node: node.name),
      problem: "\(name) on \(node.name) does not reach \(missing.prefix(3).map(\.description).joined(separator: ", "))",
      cause:
        "Cilium's agent knows \(missing.count == 1 ? "it" : "them") as active, its BPF map does not ← the map is full, or an update failed",
      evidence: [wanted, present].compactMap { $0 }.map { frontend in
        Finding.Evidence(
          file: node.snapshot.fileName(frontend.file), line: frontend.line > 0 ? frontend.line : nil,
          text: "\(name): \(frontend.backends.count) backends in \(frontend.source == .agent ? "the agent" : "the map")"
        )
      },
      fix: [
        .advice(
          """
          restart Cilium's agent: \
          \("kubectl -n kube-system delete pod -l k8s-app=cilium --field-selector spec.nodeName=\(node.name)" as ShellCommand)
          """),
        .advice("see whether the map is too small: cilium-dbg config | grep -i bpf-lb-map-max"),
      ],
      verify: ["cilium-dbg bpf lb list"])
  }
}
