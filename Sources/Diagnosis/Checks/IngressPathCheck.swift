import Findings

/// An Ingress that leads to a Service or port that does not exist.
enum IngressPathCheck: Check {
  static let id = "ingress-path"

  static func run(_ context: CheckContext) -> [Finding] {
    guard !context.intent.services.isEmpty else { return [] }
    return context.intent.ingressPaths.compactMap { path in
      let full = "\(path.namespace)/\(path.service)"
      let place = "\(path.host.isEmpty ? "*" : path.host)\(path.path)"
      let cause: String
      if let service = context.intent.service(full) {
        guard !service.ports.contains(where: { $0.name == path.port || "\($0.port)" == path.port }) else { return nil }
        cause = "Service \(full) has no port “\(path.port)”"
      } else {
        cause = "Service \(full) does not exist"
      }
      return Finding(
        id: id, severity: .error, confidence: .certain,
        subject: Finding.Subject(kind: "Ingress", namespace: path.namespace, name: path.ingress),
        problem: "\(place) answers with an error from the Ingress controller", cause: cause,
        fix: [
          .advice(
            """
            correct the path's backend: \
            \("kubectl -n \(path.namespace) edit ingress \(path.ingress)" as ShellCommand)
            """)
        ],
        verify: ["kubectl -n \(path.namespace) describe ingress \(path.ingress)"])
    }
  }
}
