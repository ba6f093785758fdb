import Findings

/// A node uses only the endpoints that the slices' hints assign to it: by design.
enum TopologyHints: Check {
  static let id = "topology-hints"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node in
      Set(node.usesHints).sorted().map { index in
        let service = context.intent.services[index]
        return Finding(
          id: id, severity: .info, confidence: .certain, subject: context.subject(service, node: node.name),
          problem: "\(node.name) uses only some endpoints of \(service.fullName)",
          cause: "hints in its EndpointSlices assign them to zone “\(node.node?.zone ?? "")”; no fault",
          verify: [
            "kubectl -n \(service.namespace) get endpointslices -l kubernetes.io/service-name=\(service.name) -o yaml"
          ])
      }
    }
  }
}
