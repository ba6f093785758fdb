import Findings
import Intent
import Journey
import PacketPath
import ServiceMap
import Snapshot
import Wire

/// Journeys through all nodes of a bundle that end where no check of one node looks: on the wire, in a tunnel, on the far
/// node, in the Pod's own namespace, or on the way back.
enum PathBroken: LateCheck {
  static let id = "path-broken"

  /// So many are asked at most, so that a large cluster is checked in seconds.
  private static let maximumFlows = 2000

  static func run(_ context: CheckContext, beside found: [Finding]) -> [Finding] {
    let nodes = context.nodes.filter { $0.pod == nil && $0.hasWholeRules }
    let snapshots = nodes.map(\.snapshot)
    guard JourneyQuestions.matter(snapshots) else { return [] }
    let questions = JourneyQuestions(snapshots, context.intent)
    let judge = JourneyJudge(questions.map, NameResolver(context.intent))
    var broken: [Key: Broken] = [:]
    var order: [Key] = []
    for asked in chosen(questions, nodes, context, judge) {
      let flow = asked.question.flow
      var answer = judge.judge(flow)
      // What works for small packets may not for full ones.
      if answer.answer.isGood, flow.ipProtocol == .tcp, asked.question.origin != .outside {
        var full = flow
        full.length = fullLength
        answer = judge.judge(full)
      }
      guard [.dropped, .refused, .lost, .partly].contains(answer.answer), let journey = answer.deciding else {
        continue
      }
      let key = Key(journey)
      if broken[key] == nil {
        order.append(key)
        let isKnown = isPolicy(journey) || isBeyond(journey) || isTold(journey, by: found)
        var entry = Broken(journey: journey, isTold: isKnown)
        if !entry.isTold {
          let causes = judge.findings(answer)
          entry.isTold = causes.contains { cause in
            wanted.contains(cause.id)
              || found.contains { $0.id == cause.id && $0.cause == cause.cause && $0.severity > .info }
          }
          // What stops it on one node is best told as the check of that node would, had it asked.
          entry.cause = causes.first { $0.severity > .info }
        }
        broken[key] = entry
      }
      broken[key]!.asked.append(asked)
    }
    var findings: [Finding] = []
    // One rule that stops several is one finding; what fails always says it better than what fails for a share.
    let entries = order.map { broken[$0]! }.filter { !$0.isTold }
    for entry in entries.filter({ $0.journey.probability > 0.999 })
      + entries.filter({ $0.journey.probability <= 0.999 })
    {
      let own = finding(entry)
      let line = own.evidence.first { $0.line != nil }
      if let line, let at = findings.firstIndex(where: { $0.id == own.id && $0.evidence.contains(line) }) {
        findings[at].occurrences += own.occurrences
      } else {
        findings.append(own)
      }
    }
    return findings
  }

  /// Bytes of a packet on a link of 1500 and wider ones: what the client's own device does not take, its kernel does not
  /// send.
  private static let fullLength: UInt32 = 65535

  private struct Asked {
    var question: JourneyQuestions.Question
    /// `namespace/name:port`
    var service: String
  }

  /// Journeys that end alike.
  private struct Key: Hashable {
    var place: Place?
    var isReply: Bool
    var what: String

    init(_ journey: Journey) {
      place = journey.failedAt
      isReply = journey.ending.phase.isReply
      what = journey.what
    }
  }

  private struct Broken {
    var journey: Journey
    /// Another finding says it, and why.
    var isTold: Bool
    /// As a check of one node tells it.
    var cause: Finding?
    var asked: [Asked] = []
  }

  // MARK: - What is asked

  /// Every frontend on every node, or where these are too many, Services by turns: each node asks for as many.
  private static func chosen(
    _ questions: JourneyQuestions, _ nodes: [NodeContext], _ context: CheckContext, _ judge: JourneyJudge
  ) -> [Asked] {
    let intent = context.intent
    var ports: [(service: Service, port: Service.Port)] = []
    for service in intent.services where service.isProxied {
      for port in service.ports where port.ipProtocol.hasPorts {
        let isServed = service.clusterIPs.contains { !EndpointSelection.isEmpty(intent, service, port, $0.version) }
        if isServed { ports.append((service, port)) }
      }
    }
    guard !ports.isEmpty else { return [] }
    let share = max(maximumFlows / max(nodes.count, 1), 1)
    var chosen: [Asked] = []
    for number in nodes.indices {
      var left = share
      // Other nodes begin with other Services, so that all are asked for by some.
      for step in ports.indices where left > 0 {
        let (service, port) = ports[(step + number) % ports.count]
        for frontend in frontends(service, port, nodes[number]) {
          let own = questions.ask(frontend, on: number, judge)
          left -= own.count
          chosen += own.map { Asked(question: $0, service: service.portName(port)) }
        }
      }
    }
    return chosen
  }

  private static func frontends(_ service: Service, _ port: Service.Port, _ node: NodeContext) -> [Frontend] {
    var list = service.clusterIPs.map { Frontend(.clusterIP, $0, port.port, port.ipProtocol) }
    if port.nodePort != 0 {
      for version in Set(service.clusterIPs.map(\.version)) {
        if let address = node.address(version) {
          list.append(Frontend(.nodePort, address, port.nodePort, port.ipProtocol))
        }
      }
    }
    return list
  }

  /// What says that the objects want it so.
  private static let wanted: Set<String> = [
    NoLocalEndpointsExternal.id, NoLocalEndpointsInternal.id, NoEndpoints.id, SourceRanges.id, TopologyHints.id,
    NetworkPolicyDrop.id,
  ]

  /// An endpoint that no dump is of may well know the way to Pods: another node, a router's neighbour.
  private static func isBeyond(_ journey: Journey) -> Bool {
    if case .routerUnaware = journey.ending.cause { journey.ending.arrival?.place == nil } else { false }
  }

  /// A network policy's chain ends it: network-policy-drop tells.
  private static func isPolicy(_ journey: Journey) -> Bool {
    guard case .leg(let fork, let number)? = journey.parts.last, case .stopped = journey.ending.cause,
      let step = fork.trace.ender(of: fork.trace.outcomes[number])
    else { return false }
    return NetworkPolicyDrop.isPolicyChain(step.chain)
  }

  // MARK: - What is said

  private static func finding(_ broken: Broken) -> Finding {
    if var cause = broken.cause {
      // It is this node's, whoever asks.
      cause.subject.node = nil
      cause.occurrences = occurrences(broken)
      return cause
    }
    let (journey, first) = (broken.journey, broken.asked[0])
    let (flow, node) = (first.question.flow, first.question.node)
    let services = Set(broken.asked.map(\.service))
    let whose = services.count == 1 ? printable(first.service) : "\(services.count) Services"
    let way =
      journey.ending.phase.isReply ? "answers of \(whose) do not come back" : "packets for \(whose) do not arrive"
    let who = flow.isLocal ? "\(printable(node)) itself" : "\(first.question.origin.rawValue) (\(printable(node)))"
    let place = journey.failedAt?.node ?? node
    let source = flow.isLocal ? Flow.local : "\(flow.source)"
    let verify: ShellCommand =
      "kubepath trace \("\(first.question.frontend)") --from \(source) --node \(node) -s bundle/"
    return Finding(
      id: id, severity: .error, confidence: .likely,
      subject: Finding.Subject(kind: "Node", name: place),
      problem: "\(way), e.g. \(first.question.frontend) from \(who)", cause: journey.what,
      evidence: evidence(journey), fix: [.advice(advice(journey))], verify: [verify],
      occurrences: occurrences(broken))
  }

  private static func occurrences(_ broken: Broken) -> [Finding.Occurrence] {
    broken.asked.map {
      Finding.Occurrence(
        node: $0.question.node, service: $0.service,
        traffic: Finding.Traffic(
          ipProtocol: $0.question.flow.ipProtocol, source: $0.question.flow.source,
          isLocal: $0.question.flow.isLocal, address: $0.question.flow.destination,
          port: $0.question.flow.destinationPort))
    }
  }

  /// The nodes and Pods that it passes, as far as it comes.
  private static func evidence(_ journey: Journey) -> [Finding.Evidence] {
    var places: [String] = []
    for case .leg(let fork, _) in journey.parts where fork.phase == journey.ending.phase {
      let name = "\(fork.flow.from == Flow.local ? "socket" : fork.flow.from)"
      places.append("\(places.isEmpty ? "from" : "to") \(name) (\(fork.flow.source) to \(fork.flow.destination))")
    }
    return [Finding.Evidence(text: "the dumps of all nodes, walked: \(places.joined(separator: ", "))")]
  }

  private static func advice(_ journey: Journey) -> String {
    switch journey.ending.cause {
    case .stopped:
      "see whose rule it is, and let this traffic pass there, in the owner's configuration"
    case .notListening: "bind the server to 0.0.0.0 or [::], start it, or correct targetPort"
    case .speechless: "what refuses the packet is the first thing to see; that its answer is lost only makes it slow"
    case .nobodyAt, .linkDown:
      "see the Pod and its link: ip link, ip neigh and the network plugin's log on the node; make the Pod anew"
    case .neighbourStopped: "accept ICMPv6 (neighbour discovery) in those rules"
    case .tunnel:
      "compare both ends of the tunnel (ip -d link, bridge fdb, ip neigh), and restart the network plugin's agent there"
    case .routerUnaware:
      "Pods' addresses are to stay between the nodes: route them over the tunnel, or tell the router, or masquerade"
    case .ownSource: "masquerade what a Pod sends to itself (hairpin)"
    case .unexpected, .astray:
      "answers have to pass the node that translated the request: masquerade there, or route them back through it"
    case .tooBig: "lower the MTU at the sender, clamp the MSS, or let ICMP fragmentation-needed pass"
    case .circle: "two routes lead to each other: ip route on both nodes"
    case .answered, .listenerUnknown, .left, .unknown: "trace it"
    }
  }

  // MARK: - What others tell

  private static func isTold(_ journey: Journey, by found: [Finding]) -> Bool {
    let cause = journey.ending.cause
    // Of rules inside a Pod no other check knows.
    if case .stopped = cause, journey.failedAt?.pod != nil { return false }
    let roots = roots(of: cause)
    return found.contains { finding in
      guard roots.contains(finding.id), finding.severity > .info else { return false }
      guard case .stopped = cause, let node = journey.failedAt?.node else { return true }
      return finding.subject.node == node || finding.subject.name == node
        || finding.occurrences.contains { $0.node == node }
    }
  }

  /// The checks that tell the same at its root.
  private static func roots(of cause: Ending.Cause) -> Set<String> {
    switch cause {
    case .stopped:
      [
        ForwardDrop.id, IPForwardOff.id, ReversePathFilter.id, NoRoute.id, PodRoute.id, Hairpin.id, BridgePort.id,
        ControlPlanePort.id, RulesFlushed.id, NetworkPolicyDrop.id, InvalidPacketReset.id, PodNamespace.id,
        KubeProxyNotProgramming.id, StalePodFirewall.id, MasqueradeScope.id,
      ]
    case .notListening: [NothingListening.id, TargetPortMismatch.id]
    case .tunnel, .linkDown: [WrongVTEP.id, VXLANPort.id, NoRoute.id, ControlPlanePort.id]
    case .nobodyAt: [StaleEndpoints.id, StaleRules.id, NodeUnreachable.id, NoRoute.id, WrongVTEP.id]
    case .routerUnaware: [NoRoute.id, EgressMasquerade.id, MasqueradeScope.id, RulesFlushed.id]
    case .ownSource, .unexpected, .astray:
      [
        Hairpin.id, MasqueradeScope.id, RulesFlushed.id, BridgeNFCallOff.id, NotrackBeforeNAT.id,
        KubeProxyNotProgramming.id, EgressMasquerade.id,
      ]
    case .tooBig: [OverlayMTU.id, PodMTU.id]
    case .speechless, .neighbourStopped, .circle, .answered, .listenerUnknown, .left, .unknown: []
    }
  }
}
