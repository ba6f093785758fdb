import Findings
import Intent
import Wire

/// Ranges of addresses that should have nothing in common overlap: who has an address in both is reached by some only.
enum CIDROverlap: Check {
  static let id = "cidr-overlap"

  static func run(_ context: CheckContext) -> [Finding] {
    let blocks = context.intent.nodes.flatMap { node in node.podCIDRs.map { (node: node.name, range: $0) } }
    var found: [Finding] = []
    let ordered = blocks.sorted { $0.range.address < $1.range.address }
    for (first, second) in zip(ordered, ordered.dropFirst())
    where first.node != second.node && overlap(first.range, second.range) {
      found.append(
        finding(
          Finding.Subject(kind: "Node", name: second.node, node: second.node),
          "the Pod ranges of \(first.node) (\(first.range)) and \(second.node) (\(second.range)) overlap",
          "two nodes were given the same range ← the controller that hands ranges out ran twice, or a Node was edited"))
    }
    for node in context.intent.nodes {
      for address in node.internalIPs {
        guard let block = blocks.first(where: { $0.range.contains(address) }) else { continue }
        found.append(
          finding(
            Finding.Subject(kind: "Node", name: node.name, node: node.name),
            "\(node.name)'s own address \(address) lies in the Pod range \(block.range) of \(block.node)",
            "the cluster's Pod range was taken from the nodes' network"))
      }
    }
    for service in context.intent.services {
      guard
        let hit = service.clusterIPs.lazy.compactMap({ address in
          blocks.first { $0.range.contains(address) }.map { (address, $0) }
        }).first
      else { continue }
      found.append(
        finding(
          context.subject(service),
          "Service \(service.fullName)'s address \(hit.0) lies in the Pod range \(hit.1.range) of \(hit.1.node)",
          "the ranges of Services and Pods overlap"))
    }
    return found
  }

  private static func overlap(_ a: IPPrefix, _ b: IPPrefix) -> Bool { a.contains(b.address) || b.contains(a.address) }

  private static func finding(_ subject: Finding.Subject, _ problem: String, _ cause: String) -> Finding {
    Finding(
      id: id, severity: .error, confidence: .certain, subject: subject, problem: problem, cause: cause, evidence: [],
      fix: [
        .advice(
          "give Pods, Services and nodes ranges that have nothing in common; a range in use is changed by new nodes")
      ],
      verify: ["kubectl get nodes -o custom-columns=NAME:.metadata.name,RANGE:.spec.podCIDRs"],
      reference: "kubernetes/kops#16340")
  }
}
