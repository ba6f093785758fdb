import Findings
import Intent

/// A selector that matches no Pod, with the labels that the namespace's Pods have.
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
      let pods = context.intent.pods.filter { $0.namespace == service.namespace }
      let meant = misspelt(service, pods, context)
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(service),
        problem: "the selector of Service \(service.fullName) matches no Pod",
        cause: "“\(wanted)” is wanted; "
          + (meant.map { "the nearest that exists is \($0.key)=\($0.value) (Pod \($0.pod))" } ?? present(pods, service)),
        fix: [
          meant.flatMap { patch(service, $0.key, $0.value) }
            ?? .advice("correct spec.selector (\(service.editCommand)), or the Pods' labels")
        ],
        verify: ["kubectl -n \(service.namespace) get pods -l \(wanted)"])
    }
  }

  /// The labels of the namespace's Pods, of the keys that the selector asks for if there are such; six at most.
  private static func present(_ pods: [Pod], _ service: Service) -> String {
    let nowhere = "no Pod in namespace \(service.namespace) has"
    let labels = pods.lazy.flatMap(\.labels)
    var pairs = Set(labels.filter { label in service.selector.contains { $0.key == label.key } }.map(spelt))
    let hasKey = !pairs.isEmpty
    // The hash stands for a ReplicaSet; no Service selects it.
    if !hasKey { pairs = Set(labels.filter { $0.key != "pod-template-hash" }.map(spelt)) }
    guard !pairs.isEmpty else { return "\(nowhere) any label" }
    let list =
      pairs.sorted().prefix(6).joined(separator: ", ") + (pairs.count > 6 ? " and \(pairs.count - 6) more" : "")
    return hasKey ? "Pods in namespace \(service.namespace) have \(list)" : "\(nowhere) such a label; they have \(list)"
  }

  private static func spelt(_ label: (key: String, value: String)) -> String { "\(label.key)=\(label.value)" }

  /// The one label that the selector misspells by a letter: Pods have all else that it asks for, and no Service
  /// selects them. Names that differ by a digit are names of different things, and so may short ones be.
  private static func misspelt(
    _ service: Service, _ pods: [Pod], _ context: CheckContext
  ) -> (key: String, value: String, pod: String)? {
    var found: (key: String, value: String, pod: String)?
    for pod in pods {
      let differing = service.selector.filter { pair in
        !pod.labels.contains { $0.key == pair.key && $0.value == pair.value }
      }
      guard differing.count == 1, let wanted = differing.first,
        let label = pod.labels.first(where: { $0.key == wanted.key }),
        differsByLetter(Array(label.value.utf8), Array(wanted.value.utf8))
      else { continue }
      if let found, found.value != label.value || found.key != label.key { return nil }
      let isTaken = context.intent.services.contains {
        $0.namespace == pod.namespace && !$0.selector.isEmpty && pod.matches($0.selector)
      }
      if isTaken { return nil }
      if found == nil { found = (label.key, label.value, pod.name) }
    }
    return found
  }

  /// One byte, no digit, was left out, put in or changed in a word of five or more.
  private static func differsByLetter(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    let (short, long) = a.count < b.count ? (a, b) : (b, a)
    guard long.count >= 5, long.count - short.count <= 1, a != b else { return false }
    let start = zip(short, long).prefix { $0 == $1 }.count
    let end = zip(short.reversed(), long.reversed()).prefix { $0 == $1 }.count
    let isDigit = { (byte: UInt8) in (48...57).contains(byte) }
    if isDigit(long[start]) || short.count == long.count && isDigit(short[start]) { return false }
    return start + end >= long.count - 1
  }

  /// A command that wants the label instead; what is no label (it could end the JSON) is not spelled.
  private static func patch(_ service: Service, _ key: String, _ value: String) -> Fix? {
    guard isLabel(key), isLabel(value), !value.isEmpty else { return nil }
    let change = "{\"spec\":{\"selector\":{\"\(key)\":\"\(value)\"}}}"
    return .command(
      "kubectl -n \(service.namespace) patch service \(service.name) -p \(change)", why: "or correct the Pods' labels")
  }

  private static func isLabel(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "-_./".utf8.contains(byte)
    }
  }
}
