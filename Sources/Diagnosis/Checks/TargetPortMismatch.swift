import Findings
import Intent

/// A targetPort whose number, name or protocol no container of the matching Pods declares.
enum TargetPortMismatch: Check {
  static let id = "target-port-mismatch"

  static func run(_ context: CheckContext) -> [Finding] {
    var findings: [Finding] = []
    guard !context.intent.pods.isEmpty else { return [] }
    var known: [Int: [Pod]] = [:]
    for (index, service) in context.intent.services.enumerated() where service.isProxied && !service.selector.isEmpty {
      guard let selection = context.objects.selection(ofService: index) else { continue }
      let declaring = known[selection] ?? declaring(context.objects.pods(ofService: index), context.intent)
      known[selection] = declaring
      guard !declaring.isEmpty else { continue }
      for port in service.ports {
        if let finding = check(service, port, declaring, context) { findings.append(finding) }
      }
    }
    return findings
  }

  /// The Pods that declare ports; of those that are alike, one.
  private static func declaring(_ pods: [Int32], _ intent: Cluster) -> [Pod] {
    var seen: Set<[String]> = []
    return pods.map { intent.pods[Int($0)] }.filter { pod in
      guard !pod.ports.isEmpty, !pod.isOver else { return false }
      let ports = pod.ports.map { "\($0.name) \($0.port) \($0.ipProtocol)" }
      return seen.insert(ports + pod.labels.flatMap { [$0.key, $0.value] }).inserted
    }
  }

  private static func check(_ service: Service, _ port: Service.Port, _ pods: [Pod], _ context: CheckContext)
    -> Finding?
  {
    let number = port.targetPort.isEmpty ? port.port : UInt16(port.targetPort)
    guard let number else {
      let isDeclared = pods.contains { $0.ports.contains { $0.name == port.targetPort } }
      // A name that some EndpointSlice resolved is declared somewhere.
      let isResolved = !EndpointSelection(context.intent, service, port, service.clusterIPs[0].version, node: nil).known
        .isEmpty
      return isDeclared || isResolved ? nil : finding(service, port, pods, .error, .certain, context)
    }
    let same = pods.flatMap(\.ports).filter { $0.port == number }
    if same.contains(where: { $0.ipProtocol == port.ipProtocol }) { return nil }
    // One that is served under both protocols is often declared under one.
    let isServedToo = service.ports.contains { other in
      other.port == port.port && same.contains { $0.ipProtocol == other.ipProtocol }
    }
    if isServedToo { return nil }
    // A number need not be declared to be listened on: where every declared port has its Service, this one may be served, too.
    let isLikely = !same.isEmpty || !untargeted(service, pods, context).isEmpty
    return finding(service, port, pods, isLikely ? .error : .warning, isLikely ? .likely : .possible, context)
  }

  /// Declared ports to which no Service leads.
  private static func untargeted(_ service: Service, _ pods: [Pod], _ context: CheckContext) -> [ContainerPort] {
    var targeted: [Service.Port] = []
    for other in context.intent.services where other.namespace == service.namespace && !other.selector.isEmpty {
      if pods.contains(where: { $0.matches(other.selector) }) { targeted += other.ports }
    }
    return unique(pods).filter { declared in
      !targeted.contains { $0.ipProtocol == declared.ipProtocol && leads($0, to: declared) }
    }
  }

  private static func leads(_ port: Service.Port, to declared: ContainerPort) -> Bool {
    port.targetPort.isEmpty
      ? port.port == declared.port
      : UInt16(port.targetPort).map { $0 == declared.port } ?? (port.targetPort == declared.name)
  }

  private static func unique(_ pods: [Pod]) -> [ContainerPort] {
    var seen: Set<ContainerPort> = []
    return pods.flatMap(\.ports).filter { seen.insert($0).inserted }
  }

  private static func finding(
    _ service: Service, _ port: Service.Port, _ pods: [Pod], _ severity: Finding.Severity,
    _ confidence: Finding.Confidence, _ context: CheckContext
  ) -> Finding {
    let explanation = explanation(service, port, pods, context.intent)
    let target = port.targetPort.isEmpty ? "\(port.port)" : port.targetPort
    return Finding(
      id: id, severity: severity, confidence: confidence, subject: context.subject(service, port),
      problem:
        "\(service.portName(port)) sends to port “\(target)”\(port.ipProtocol == .tcp ? "" : "/\(port.ipProtocol)"), which no matching Pod declares",
      cause: explanation.cause, evidence: explanation.evidence, fix: explanation.fix, verify: explanation.verify)
  }

  static func explanation(_ service: Service, _ port: Service.Port, _ pods: [Pod], _ intent: Cluster) -> Explanation {
    let declared = unique(pods)
    let list = Set(
      declared.map {
        let number = "\($0.port)\($0.ipProtocol == .tcp ? "" : "/\($0.ipProtocol)")"
        return $0.name.isEmpty ? number : "\($0.name) (\(number))"
      }
    ).sorted().joined(separator: ", ")
    let target = port.targetPort.isEmpty ? "\(port.port)" : port.targetPort
    let number = UInt16(target)
    let isProtocol = number.map { number in declared.contains { $0.port == number } } ?? false
    var fix = Fix.look(service.editCommand, why: "correct targetPort")
    if let at = service.ports.firstIndex(of: port) {
      if isProtocol {
        let right = declared.first { $0.port == number }!.ipProtocol
        fix = patch(service, "/spec/ports/\(at)/protocol", "\"\("\(right)".uppercased())\"")
      } else if let meant = meant(service, port, declared) {
        fix = patch(service, "/spec/ports/\(at)/targetPort", "\(meant.port)")
      }
    }
    return Explanation(
      cause:
        "targetPort \(target)\(isProtocol ? " is \(port.ipProtocol) in the Service" : ""); the containers declare \(list)",
      evidence: [
        intent.evidence(service, ": port \(port.port), targetPort \(target), \(port.ipProtocol)")
      ]
        + pods.prefix(1).map { intent.evidence($0, ": containers declare \(list)") },
      fix: [fix],
      verify: [service.slicesCommand])
  }

  private static func patch(_ service: Service, _ path: String, _ value: String) -> Fix {
    let json = "[{\"op\":\"replace\",\"path\":\"\(path)\",\"value\":\(value)}]"
    return .command("kubectl -n \(service.namespace) patch service \(service.name) --type=json -p \(json)")
  }

  /// The declared port that the Service most likely means: of the port's name, of its own number, else the only one left.
  private static func meant(_ service: Service, _ port: Service.Port, _ declared: [ContainerPort]) -> ContainerPort? {
    let fitting = declared.filter { $0.ipProtocol == port.ipProtocol }
    if let same = fitting.first(where: { !$0.name.isEmpty && $0.name == port.name }) { return same }
    if let same = fitting.first(where: { $0.port == port.port }) { return same }
    let free = fitting.filter { declared in !service.ports.contains { leads($0, to: declared) } }
    return free.count == 1 ? free[0] : fitting.count == 1 ? fitting[0] : nil
  }
}
