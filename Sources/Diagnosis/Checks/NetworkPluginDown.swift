import Findings
import Intent

/// The network plugin does not set up Pods: its agent is down on a node, or runs nowhere.
enum NetworkPluginDown: Check {
  static let id = "network-plugin-down"

  static func run(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    var told: Set<String> = []
    var findings: [Finding] = []
    for entry in context.endpointCauses.entries {
      guard case .networkPlugin(let node) = entry.cause else { continue }
      told.insert(node)
      findings.append(finding(node, entry.explanation, context.names(of: entry.services), .error, context))
    }
    // An agent that is down where nothing is down yet: no new Pod, and routes that do not follow.
    for node in intent.nodes where node.ready && !told.contains(node.name) {
      guard let pod = context.plugin.pods[node.name], !intent.pods[pod].ready,
        let fault = context.plugin.fault(on: node.name, context.objects, intent)
      else { continue }
      findings.append(finding(node.name, fault, "", .warning, context))
    }
    return findings
  }

  private static func finding(
    _ node: String, _ explanation: Explanation, _ down: String, _ severity: Finding.Severity, _ context: CheckContext
  ) -> Finding {
    let agent = severity == .error ? context.plugin.fault(on: node, context.objects, context.intent) : nil
    let fix = (agent?.fix ?? []) + explanation.fix
    return Finding(
      id: id, severity: severity, confidence: .certain, subject: Finding.Subject(kind: "Node", name: node, node: node),
      problem: down.isEmpty
        ? "the network plugin's agent on \(node) is not ready: new Pods get no interface there, and routes to its Pods may go"
        : "new Pods on \(node) get no network, which takes down \(down)",
      cause: explanation.cause + (agent.map { " ← \($0.cause)" } ?? ""),
      evidence: explanation.evidence + (agent?.evidence ?? []),
      fix: fix.enumerated().filter { fix.firstIndex(of: $0.element) == $0.offset }.map(\.element),
      verify: (agent?.verify ?? []) + explanation.verify)
  }
}
