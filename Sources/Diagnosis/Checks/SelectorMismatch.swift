import Findings
import Intent

/// A selector that matches no Pod, with the nearest labels that exist.
enum SelectorMismatch: Check {
  static let id = "selector-mismatch"

  static func run(_ context: CheckContext) -> [Finding] {
    guard !context.intent.pods.isEmpty else { return [] }
    var seen: Set<Int> = []
    return context.withoutEndpoints.compactMap { entry in
      guard seen.insert(entry.service).inserted else { return nil }
      let service = context.intent.services[entry.service]
      guard !service.selector.isEmpty, context.podsOf(service).isEmpty else { return nil }
      let wanted = service.selector.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
      var nearest: (text: String, score: Int)?
      for pod in context.intent.pods where pod.namespace == service.namespace {
        for pair in service.selector {
          guard let other = pod.labels.first(where: { $0.key == pair.key }) else { continue }
          let score = zip(other.value, pair.value).prefix { $0 == $1 }.count
          if nearest == nil || score > nearest!.score {
            nearest = ("\(other.key)=\(other.value) (Pod \(pod.name))", score)
          }
        }
      }
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(service),
        problem: "the selector of Service \(service.fullName) matches no Pod",
        cause: "“\(wanted)” is wanted"
          + (nearest.map { "; the nearest that exists is \($0.text)" }
            ?? "; no Pod in namespace \(service.namespace) has such a label"),
        fix: ["kubectl -n \(service.namespace) patch service \(service.name) -p '{\"spec\":{\"selector\":{…}}}'"],
        verify: ["kubectl -n \(service.namespace) get pods -l \(wanted)"])
    }
  }
}
