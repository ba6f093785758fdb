import Findings
import Intent

/// A Service has no endpoint that can be used: clients are refused at once.
enum NoEndpoints: Check {
  static let id = "no-endpoints"

  static func run(_ context: CheckContext) -> [Finding] {
    context.withoutEndpoints.map { entry in
      let service = context.intent.services[entry.service]
      let port = service.ports[entry.port]
      // The evidence in the rules, where a node refuses it.
      var evidence: [Finding.Evidence] = []
      let slices = service.slices
      evidence.append(
        Finding.Evidence(
          file: context.intent.files.indices.contains(service.file) ? context.intent.files[service.file].name : nil,
          text: slices.isEmpty
            ? "no EndpointSlice belongs to the Service"
            : "\(slices.count) EndpointSlices, none with a usable endpoint for port \(port.name.isEmpty ? "\(port.port)" : port.name)"
        ))
      // Where rules to refuse with are missing, another finding says so.
      let isRefused = !context.nodes.contains { node in
        node.observations.contains {
          $0.service == entry.service && $0.port == entry.port && $0.faults.contains(.notRefused)
        }
      }
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(service, port),
        problem:
          "\(service.portName(port)) has no endpoint: \(isRefused ? "every connection is refused (ICMP port unreachable)" : "connections time out")",
        cause: "no ready endpoint ← \(context.whyNoEndpoint(service))", evidence: evidence,
        fix: [
          .advice(
            """
            make its Pods ready, or correct selector and port names: \
            \(service.describeCommand); \
            \("kubectl -n \(service.namespace) get pods -o wide" as ShellCommand)
            """)
        ],
        verify: [service.slicesCommand],
        reference: "kubernetes/kubernetes#17359")
    }
  }
}
