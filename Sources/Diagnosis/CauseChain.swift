import Findings
import Intent

/// One cause is one finding of severity error. Where the cause is a thing of its own (a node, a plugin, the control plane) its
/// finding is the one, and what it does to Services stays listed as information; where it is the Service's own Pods, workload
/// or selector, the Service's finding is the one, which ends in the cause and its fix, and the cause is the information.
enum CauseChain {
  static func link(_ findings: inout [Finding], _ context: CheckContext) {
    defer {
      linkAgents(&findings)
      linkRules(&findings)
    }
    let places = Places(findings)
    for entry in context.endpointCauses.entries {
      let services = entry.services.map { context.intent.services[$0] }
      let cause = entry.cause.check.flatMap { id in
        places.find(id, entry, context).first { isAbout(findings[$0], entry, context) }
      }
      var symptoms = services.flatMap { places[NoEndpoints.id, $0.namespace, $0.name] }.sorted().filter { at in
        findings[at].severity == .error && services.contains { isAbout(findings[at], $0) }
      }
      // What all Pods of the cluster feel.
      let wide = (places[DNSService.id] + places[APIServerUnreachable.id]).sorted().filter { at in
        findings[at].severity == .error && findings[at].subject.node == nil
          && services.contains { isAbout(findings[at], $0) }
      }
      if let cause { findings[cause].occurrences = services.map { Finding.Occurrence(service: $0.fullName) } }
      if entry.cause.standsAlone, cause != nil {
        for at in symptoms + wide { findings[at].severity = .info }
        continue
      }
      if !wide.isEmpty {
        for at in symptoms { findings[at].severity = .info }
      } else if !symptoms.isEmpty {
        symptoms.removeFirst()
        for at in symptoms { findings[at].severity = .info }
      } else {
        continue
      }
      if let cause { findings[cause].severity = .info }
    }
  }

  /// Where findings stand, by their id and whom they are about.
  private struct Places {
    private struct Subject: Hashable {
      var id: String
      var namespace: String?
      var name: String?
    }

    private var byID: [String: [Int]] = [:]
    private var bySubject: [Subject: [Int]] = [:]

    init(_ findings: [Finding]) {
      for (at, finding) in findings.enumerated() {
        byID[finding.id, default: []].append(at)
        let subject = Subject(id: finding.id, namespace: finding.subject.namespace, name: finding.subject.name)
        bySubject[subject, default: []].append(at)
      }
    }

    subscript(id: String) -> [Int] { byID[id] ?? [] }
    subscript(id: String, namespace: String?, name: String?) -> [Int] {
      bySubject[Subject(id: id, namespace: namespace, name: name)] ?? []
    }

    /// Those that may be about what a cause names.
    func find(_ id: String, _ entry: EndpointCauses.Entry, _ context: CheckContext) -> [Int] {
      switch entry.cause {
      case .untold: return []
      case .node, .networkPlugin, .addresses, .controlPlane: return self[id]
      case .workload(let index):
        let workload = context.intent.workloads[index]
        return self[id, workload.namespace, workload.name]
      case .refused(let name), .volume(let name): return self[id, name.namespace, name.name]
      case .pod, .selector, .unwritten, .targetPort:
        let service = context.intent.services[entry.services[0]]
        return self[id, service.namespace, service.name]
      }
    }
  }

  /// A rule that closes a port which the cluster needs stops Services there, too: what the port is for says more.
  private static func linkRules(_ findings: inout [Finding]) {
    // The API server is one of those that it stops: who is cut off is told with the rule.
    let rules = findings.filter { $0.id == ForwardDrop.id && $0.severity == .error }.flatMap(\.evidence)
    for at in findings.indices where findings[at].id == APIServerUnreachable.id && findings[at].severity == .error {
      if let own = findings[at].evidence.first(where: { $0.line != nil }), rules.contains(own) {
        findings[at].severity = .info
      }
    }
    let told = findings.filter { $0.id == ControlPlanePort.id }.compactMap { $0.evidence.first { $0.line != nil } }
    guard !told.isEmpty else { return }
    for at in findings.indices where findings[at].id == ForwardDrop.id {
      if let own = findings[at].evidence.first(where: { $0.line != nil }), told.contains(own) {
        findings[at].severity = .info
      }
    }
  }

  /// An agent of the network plugin that is down is the end of the chain where a route is missing for want of it.
  private static func linkAgents(_ findings: inout [Finding]) {
    for at in findings.indices where findings[at].id == NetworkPluginDown.id && findings[at].severity == .warning {
      let isTold = findings.contains {
        $0.id == NoRoute.id && $0.severity == .error && $0.cause.contains(findings[at].cause)
      }
      if isTold { findings[at].severity = .info }
    }
  }

  private static func isAbout(_ finding: Finding, _ service: Service) -> Bool {
    finding.subject.kind == "Service" && finding.subject.namespace == service.namespace
      && finding.subject.name == service.name
  }

  private static func isAbout(_ finding: Finding, _ entry: EndpointCauses.Entry, _ context: CheckContext) -> Bool {
    let subject = finding.subject
    switch entry.cause {
    case .untold: return false
    case .node(let name), .networkPlugin(let name), .addresses(let name):
      return subject.kind == "Node" && subject.name == name
    case .controlPlane(let component): return finding.problem.hasPrefix(component.rawValue)
    case .workload(let index):
      let workload = context.intent.workloads[index]
      return subject.kind == workload.kind.rawValue && subject.namespace == workload.namespace
        && subject.name == workload.name
    case .refused(let name), .volume(let name): return subject.namespace == name.namespace && subject.name == name.name
    case .pod, .selector, .unwritten, .targetPort:
      return isAbout(finding, context.intent.services[entry.services[0]])
    }
  }
}
