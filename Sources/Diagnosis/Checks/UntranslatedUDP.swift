import Findings

/// UDP flows that began before the Service's rule existed pass it by.
enum UntranslatedUDP: Check {
  static let id = "un-dnated-udp"

  static func run(_ context: CheckContext) -> [Finding] {
    UnansweredUDP.all(.untranslated, context).map { flow in
      flow.finding(
        id, context, problem: "it is not translated on \(flow.node.name)",
        cause:
          "the flow is older than the Service's rule ← its first datagram came before kube-proxy, or while there was no endpoint, and nat rules see no other",
        reference: "kubernetes/kubernetes#48370")
    }
  }
}
