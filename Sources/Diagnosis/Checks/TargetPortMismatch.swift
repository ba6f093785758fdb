import Findings
import Intent

/// A targetPort that no container of the matching Pods declares.
enum TargetPortMismatch: Check {
  static let id = "target-port-mismatch"

  static func run(_ context: CheckContext) -> [Finding] {
    var findings: [Finding] = []
    guard !context.intent.pods.isEmpty else { return [] }
    for service in context.intent.services where service.isProxied && !service.selector.isEmpty {
      var pods: [Pod]?
      for port in service.ports where !port.targetPort.isEmpty {
        if pods == nil { pods = context.podsOf(service) }
        let declaring = pods!.filter { !$0.ports.isEmpty }
        guard !declaring.isEmpty else { continue }
        let number = UInt16(port.targetPort)
        let fits = declaring.contains { pod in pod.ports.contains { $0.name == port.targetPort || $0.port == number } }
        // A name that some EndpointSlice resolved is declared somewhere.
        guard !fits,
          EndpointSelection(context.intent, service, port, service.clusterIPs[0].version, node: nil).known.isEmpty
        else { continue }
        let declared = Set(
          declaring.flatMap(\.ports).map { $0.name.isEmpty ? "\($0.port)" : "\($0.name) (\($0.port))" }
        ).sorted().joined(separator: ", ")
        findings.append(
          Finding(
            id: id, severity: number == nil ? .error : .warning, confidence: number == nil ? .certain : .possible,
            subject: context.subject(service, port),
            problem: "\(service.portName(port)) sends to port “\(port.targetPort)”, which no matching Pod declares",
            cause: "the containers declare \(declared)",
            fix: [
              .advice(
                "correct targetPort: \(service.editCommand)")
            ],
            verify: [service.slicesCommand]
          ))
      }
    }
    return findings
  }
}
