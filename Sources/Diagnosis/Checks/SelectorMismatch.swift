import Findings
import Intent

/// A selector that matches no Pod, with the nearest labels that exist.
enum SelectorMismatch: Check {
  static let id = "selector-mismatch"

  static func run(_ context: CheckContext) -> [Finding] {
    context.endpointCauses.entries.compactMap { entry in
      guard case .selector(let index) = entry.cause else { return nil }
      let service = context.intent.services[index]
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(service),
        problem: "the selector of Service \(service.fullName) matches no Pod",
        cause: entry.explanation.cause, evidence: entry.explanation.evidence, fix: entry.explanation.fix,
        verify: entry.explanation.verify)
    }
  }

  /// `index` into `Cluster.services`.
  static func explanation(_ index: Int, _ objects: ObjectIndex, _ intent: Cluster) -> Explanation {
    let service = intent.services[index]
    let wanted = service.selector.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    let pods = (objects.labelExamples[service.namespace] ?? []).map { intent.pods[Int($0)] }
    let meant = nearest(service, pods, intent)
    if meant == nil, let stranger = objects.strangers[index].map({ intent.pods[$0] }) {
      return elsewhere(service, wanted, stranger, intent)
    }
    let edit = Fix.look(service.editCommand, why: "correct spec.selector, or the Pods' labels")
    let there =
      meant.map { meant in
        let have =
          meant.value.map { "the nearest that exists is \(meant.key)=\($0)" }
          ?? "the nearest Pods have no label \(meant.key)"
        let rest = service.selector.count > 1 ? "all but \(meant.key)=\(meant.wanted) fits: " : ""
        return "\(rest)\(have) (Pod \(meant.pod.name))"
      } ?? present(pods, service)
    return Explanation(
      cause: "its selector matches no Pod ← “\(wanted)” is wanted; \(there)",
      evidence: [intent.evidence(service, ": selector \(wanted)")]
        + (meant.map { meant in
          [
            intent.evidence(meant.pod, ": \(meant.pod.labels.map(spelt).joined(separator: ","))")
          ]
        } ?? []),
      fix: [meant.flatMap { patch(service, $0.key, $0.value) } ?? edit],
      verify: ["kubectl -n \(service.namespace) get pods -l \(wanted)"])
  }

  /// Pods that fit stand in another namespace.
  private static func elsewhere(
    _ service: Service, _ wanted: String, _ pod: Pod, _ intent: Cluster
  ) -> Explanation {
    Explanation(
      cause:
        "its selector matches no Pod ← “\(wanted)” is wanted; such Pods are in namespace \(pod.namespace) (\(pod.name)), and a Service selects those of its own namespace only",
      evidence: [intent.evidence(service, ": selector \(wanted)"), intent.evidence(pod, ": \(wanted)")],
      fix: [
        .advice(
          "make the Service in namespace \(pod.namespace), or the Pods in \(service.namespace); to keep the name here, a Service of type ExternalName with \(service.name).\(pod.namespace).svc.cluster.local"
        )
      ],
      verify: ["kubectl -n \(service.namespace) get pods -l \(wanted)"])
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

  private struct Nearest {
    var key: String
    var wanted: String
    /// Nil: the Pod does not have the label.
    var value: String?
    var pod: Pod
  }

  /// The one label in which Pods differ that have all else that the selector asks for. Where it asks for nothing else, the
  /// label must be the same but for a letter, and no other Service's: names that differ by a digit are names of different
  /// things, and so may short ones be.
  private static func nearest(_ service: Service, _ pods: [Pod], _ intent: Cluster) -> Nearest? {
    var found: Nearest?
    for pod in pods where !pod.isOver {
      let differing = service.selector.filter { pair in
        !pod.labels.contains { $0.key == pair.key && $0.value == pair.value }
      }
      guard differing.count == 1, let wanted = differing.first else { continue }
      let value = pod.labels.first { $0.key == wanted.key }?.value
      if service.selector.count == 1 {
        guard let value, differsByLetter(Array(value.utf8), Array(wanted.value.utf8)) else { continue }
        let isTaken = intent.services.contains {
          $0.namespace == pod.namespace && !$0.selector.isEmpty && pod.matches($0.selector)
        }
        if isTaken { return nil }
      }
      if let found, found.value != value || found.key != wanted.key { return nil }
      if found == nil { found = Nearest(key: wanted.key, wanted: wanted.value, value: value, pod: pod) }
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

  /// A command that wants the label instead, or no longer wants it; labels that are none (they could end the quotes) are not
  /// spelled.
  private static func patch(_ service: Service, _ key: String, _ value: String?) -> Fix? {
    guard isLabel(key), isLabel(value ?? ""), value != "" else { return nil }
    let json = value.map { "\"\($0)\"" } ?? "null"
    let patch = "{\"spec\":{\"selector\":{\"\(key)\":\(json)}}}"
    return .command(
      "kubectl -n \(service.namespace) patch service \(service.name) -p \(patch)", why: "or correct the Pods' labels")
  }

  private static func isLabel(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "-_./".utf8.contains(byte)
    }
  }
}
