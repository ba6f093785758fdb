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
      var nearest: (text: String, key: String, value: String, score: Int)?
      for pod in context.intent.pods where pod.namespace == service.namespace {
        for pair in service.selector {
          guard let other = pod.labels.first(where: { $0.key == pair.key }) else { continue }
          let score = zip(other.value, pair.value).prefix { $0 == $1 }.count
          if nearest == nil || score > nearest!.score {
            nearest = ("\(other.key)=\(other.value) (Pod \(pod.name))", other.key, other.value, score)
          }
        }
      }
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(service),
        problem: "the selector of Service \(service.fullName) matches no Pod",
        cause: "“\(wanted)” is wanted"
          + (nearest.map { "; the nearest that exists is \($0.text)" }
            ?? "; no Pod in namespace \(service.namespace) has such a label"),
        fix: [fix(service, nearest.map { ($0.key, $0.value) })],
        verify: ["kubectl -n \(service.namespace) get pods -l \(wanted)"])
    }
  }
  /// A command that wants the nearest label instead; labels that are none (they could end the quotes) are not spelled.
  private static func fix(_ service: Service, _ nearest: (key: String, value: String)?) -> String {
    let edit = "kubectl -n \(service.namespace) edit service \(service.name)  # spec.selector"
    guard let nearest, isLabel(nearest.key), isLabel(nearest.value), !nearest.value.isEmpty else { return edit }
    return
      "kubectl -n \(service.namespace) patch service \(service.name) -p '{\"spec\":{\"selector\":{\"\(nearest.key)\":\"\(nearest.value)\"}}}'  # or correct the Pods' labels"
  }

  private static func isLabel(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "-_./".utf8.contains(byte)
    }
  }
}
