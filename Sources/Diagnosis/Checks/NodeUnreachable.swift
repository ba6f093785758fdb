import Findings
import Intent
import Snapshot
import Wire

/// A node is dead, and the API does not know it yet: its address does not answer ARP, connections to its Pods stay without
/// an answer, it does not renew its Lease.
enum NodeUnreachable: Check {
  static let id = "node-unreachable"

  /// Seconds after which the API server's view of a node is out of date.
  private static let leaseAge = 40
  /// So many connections without an answer are no chance.
  private static let manyUnanswered = 3

  private struct Signs {
    var evidence: [Finding.Evidence] = []
    var words: [String] = []
  }

  static func run(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    guard !intent.nodes.isEmpty else { return [] }
    var signs: [String: Signs] = [:]
    for node in context.nodes { neighbours(node, context, &signs) }
    for node in context.nodes { connections(node, context, &signs) }
    leases(intent, &signs)
    return intent.nodes.compactMap { node in
      // One that is NotReady has its finding, which says the same.
      guard node.ready, let found = signs[node.name] else { return nil }
      let hurt = services(on: node, context)
      return Finding(
        id: id, severity: hurt.isEmpty ? .warning : .error, confidence: found.words.count > 1 ? .certain : .likely,
        subject: NodeNotReady.subject(node),
        problem:
          "node \(node.name) does not answer, and its Pods are still endpoints\(hurt.isEmpty ? "" : ": connections to \(context.names(of: hurt)) hang as often as they are sent there")",
        cause: found.words.joined(separator: "; ")
          + " ← the machine or its network is down; the API notices after some 40 seconds",
        evidence: found.evidence,
        fix: [
          .advice(
            "see whether \(node.name) is up (console, ping \(node.internalIPs.first.map { "\($0)" } ?? node.name)), and start it or its network again"
          ),
          .advice(
            "if it will not come back soon, tell the cluster: \("kubectl taint nodes \(node.name) node.kubernetes.io/out-of-service=nodeshutdown:NoExecute" as ShellCommand)"
          ),
        ],
        verify: ["ping -c 3 \(node.internalIPs.first.map { "\($0)" } ?? node.name)", "kubectl get node \(node.name)"])
    }
  }

  private static func neighbours(_ node: NodeContext, _ context: CheckContext, _ signs: inout [String: Signs]) {
    for neighbour in node.snapshot.neighbours ?? [] where neighbour.state.contains("FAILED") {
      guard let other = context.intent.nodes.first(where: { $0.internalIPs.contains(neighbour.address) }) else {
        continue
      }
      signs[other.name, default: Signs()].words.append("\(neighbour.address) does not answer ARP on \(node.name)")
      signs[other.name]!.evidence.append(
        node.snapshot.evidence(
          "ip neigh of \(node.name): \(neighbour.address) dev \(neighbour.interface) \(neighbour.state)",
          at: neighbour.place))
    }
  }

  private static func connections(_ node: NodeContext, _ context: CheckContext, _ signs: inout [String: Signs]) {
    var unanswered: [String: (count: Int, first: ConnectionEntry)] = [:]
    var answered: Set<String> = []
    for entry in node.snapshot.connections ?? [] {
      guard let pod = context.intent.podOfAddress[entry.reply.source] else { continue }
      let home = context.intent.pods[pod].node
      if !entry.unreplied {
        answered.insert(home)
      } else if entry.state == "SYN_SENT" {
        unanswered[home, default: (0, entry)].count += 1
      }
    }
    for (home, found) in unanswered.sorted(by: { $0.key < $1.key })
    where found.count >= manyUnanswered && !answered.contains(home) && home != node.name {
      signs[home, default: Signs()].words.append(
        "\(found.count) connections from \(node.name) to its Pods have no answer")
      signs[home]!.evidence.append(
        Finding.Evidence(
          file: node.snapshot.fileName(found.first.file), line: found.first.line > 0 ? found.first.line : nil,
          text:
            "SYN_SENT [UNREPLIED] \(found.first.original.source) → \(found.first.original.destination):\(found.first.original.destinationPort), led to \(found.first.reply.source) on \(home), and \(found.count - 1) more"
        ))
    }
  }

  private static func leases(_ intent: Cluster, _ signs: inout [String: Signs]) {
    let own = intent.leases.filter { $0.namespace == "kube-node-lease" && $0.renewed > 0 }
    guard own.count > 1, let newest = own.map(\.renewed).max() else { return }
    for lease in own where newest - lease.renewed > leaseAge {
      signs[lease.name, default: Signs()].words.append(
        "its Lease was renewed \(newest - lease.renewed) seconds before those of other nodes")
      signs[lease.name]!.evidence.append(
        intent.evidence(
          "Lease", lease.name, "kube-node-lease/\(lease.name)", in: lease.file,
          ": \(newest - lease.renewed) s behind the newest"))
    }
  }

  /// Those that still send connections there.
  private static func services(on node: Node, _ context: CheckContext) -> [Int] {
    let intent = context.intent
    guard let id = intent.nameID(node.name) else { return [] }
    return intent.services.indices.filter { index in
      intent.services[index].slices.contains { slice in
        intent.slices[slice].endpoints.contains { $0.node == id && $0.ready }
      }
    }
  }
}
