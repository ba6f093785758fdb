import Findings
import Intent

/// A Service has no endpoint that can be used: clients are refused at once.
enum NoEndpoints: Check {
  static let id = "no-endpoints"

  static func run(_ context: CheckContext) -> [Finding] {
    var findings: [Finding] = []
    var ports: [Int: [Int]] = [:]
    var order: [Int] = []
    for entry in context.withoutEndpoints {
      if ports[entry.service] == nil { order.append(entry.service) }
      ports[entry.service, default: []].append(entry.port)
    }
    for index in order {
      let service = context.intent.services[index]
      // One that has none at any port is told of once.
      if ports[index]!.count == service.ports.count {
        findings.append(finding(index, service, ports[index]!, context))
      } else {
        for port in ports[index]! { findings.append(finding(index, service, [port], context)) }
      }
    }
    return findings + context.headlessWithoutEndpoints.map { headless($0, context) }
  }

  /// DNS answers for a Service without a ClusterIP with the addresses of its ready Pods.
  private static func headless(_ index: Int, _ context: CheckContext) -> Finding {
    let service = context.intent.services[index]
    let entry = context.endpointCauses.ofService[index].map { context.endpointCauses.entries[$0] }
    return Finding(
      id: id, severity: .error, confidence: .certain, subject: context.subject(service),
      problem:
        "\(service.name).\(service.namespace).svc resolves to no address: headless Service \(service.fullName) has no ready endpoint",
      cause: "no ready endpoint ← \(context.whyNoEndpoint(service))",
      evidence: [context.intent.evidence(service, ": clusterIP None")] + (entry?.explanation.evidence ?? []),
      fix: entry?.explanation.fix ?? [],
      verify: [service.slicesCommand] + (entry?.explanation.verify ?? []))
  }

  private static func finding(_ index: Int, _ service: Service, _ ports: [Int], _ context: CheckContext) -> Finding {
    let port = ports.count == 1 ? service.ports[ports[0]] : nil
    let slices = service.slices
    let which = ports.map { service.ports[$0].name.isEmpty ? "\(service.ports[$0].port)" : service.ports[$0].name }
    var evidence = [
      context.intent.evidence(
        service,
        slices.isEmpty
          ? ": no EndpointSlice belongs to it"
          : ": \(slices.count) EndpointSlices, none with a usable endpoint for port \(which.joined(separator: ", "))")
    ]
    // Where rules to refuse with are missing, another finding says so.
    let isRefused = !context.nodes.contains { node in
      node.observations.contains {
        $0.service == index && ports.contains($0.port) && $0.faults.contains(.notRefused)
      }
    }
    let entry = context.endpointCauses.ofService[index].map { context.endpointCauses.entries[$0] }
    let others = (entry?.services ?? []).filter { $0 != index }
    evidence += entry?.explanation.evidence ?? []
    let place: ShellCommand = "kubectl -n \(service.namespace)"
    let look: [Fix] = [
      .look(service.describeCommand, why: "its selector, ports and Events"),
      .look("\(place) get pods -o wide", why: "the Pods that it should have"),
    ]
    let name = port.map { service.portName($0) } ?? "\(service.fullName) (\(which.joined(separator: ", ")))"
    return Finding(
      id: id, severity: .error, confidence: .certain, subject: context.subject(service, port),
      problem:
        "\(name) has no endpoint: \(isRefused ? "every connection is refused (ICMP port unreachable)" : "connections time out")"
        + (others.isEmpty ? "" : "; so has \(context.names(of: others))")
        + (context.places.text(service).map { "; it takes down \($0)" } ?? ""),
      cause: "no ready endpoint ← \(context.whyNoEndpoint(service))", evidence: evidence,
      fix: entry.map { $0.explanation.fix.isEmpty ? look : $0.explanation.fix } ?? look,
      verify: [service.slicesCommand] + (entry?.explanation.verify ?? []),
      reference: "kubernetes/kubernetes#17359")
  }
}
