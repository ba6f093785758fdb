import Findings
import Input
import Intent
import PacketPath
import ServiceMap
import Snapshot
import Wire

/// Traces what assertions name, and tells which do not hold.
public struct AssertionRun {
  /// The id of its findings.
  public static let id = "expectation-failed"

  /// One assertion, and what contradicts it.
  public struct Case: Sendable {
    public var name: String
    public var findings: [Finding]
  }

  public private(set) var cases: [Case] = []
  public private(set) var traced = 0
  private let file: String
  private let bundle: Bundle
  private let intent: Cluster
  private let text: FlowText
  private let frontends: Set<Frontend>
  private let nodePorts: Set<NodePort>
  /// Made when a node is first asked.
  private var tracers: [Int: PathTracer] = [:]

  private struct NodePort: Hashable {
    var port: UInt16
    var ipProtocol: IPProtocol
  }

  /// `file`: where the assertions were read from, for the evidence.
  public init(_ assertions: [Assertion], file: String, _ bundle: Bundle, _ intent: Cluster) {
    self.file = file
    self.bundle = bundle
    self.intent = intent
    text = FlowText(names: intent.isEmpty ? nil : NameResolver(intent))
    frontends = Set(intent.services.lazy.filter(\.isProxied).flatMap(\.claims))
    nodePorts = Set(
      intent.services.filter(\.isProxied).flatMap(\.ports).filter { $0.nodePort != 0 }
        .map { NodePort(port: $0.nodePort, ipProtocol: $0.ipProtocol) })
    for assertion in assertions {
      let name =
        assertion.name.isEmpty
        ? "\(assertion.sources[0].text) → \(assertion.destinations[0].text): \(assertion.result.rawValue)"
        : assertion.name
      cases.append(Case(name: escaped(name), findings: run(assertion, name: escaped(name))))
    }
  }

  private mutating func run(_ assertion: Assertion, name: String) -> [Finding] {
    var findings: [Finding] = []
    for source in assertion.sources {
      let nodes = nodes(assertion, source.text)
      if nodes.isEmpty {
        let reason = assertion.node.map { "the bundle has no node “\($0)”" } ?? "the bundle has no node"
        findings.append(undecided(assertion, name, source.line, node: nil, escaped(reason)))
      }
      for node in nodes {
        for destination in assertion.destinations {
          if let finding = judge(assertion, name, source, destination, node) { findings.append(finding) }
        }
      }
    }
    return findings
  }

  /// The nodes that the source's packets pass first.
  private func nodes(_ assertion: Assertion, _ source: String) -> [Int] {
    let all = Array(bundle.snapshots.indices)
    if let name = assertion.node { return all.filter { isNode($0, name) } }
    let parts = source.split(separator: "/").map(String.init)
    var home: String?
    if parts.first == "node", parts.count > 1 { home = parts[1] }
    if parts.first == "pod" {
      let (namespace, pod) = (parts.count > 2 ? parts[1] : "default", parts[parts.count - 1])
      home = intent.pods.last { $0.namespace == namespace && $0.name == pod }?.node
    }
    guard let home else { return all }
    let own = all.filter { isNode($0, home) }
    return own.isEmpty ? all : own
  }

  private func isNode(_ index: Int, _ name: String) -> Bool {
    let snapshot = bundle.snapshots[index]
    if snapshot.name == name { return true }
    return intent.node(addresses: (snapshot.addresses ?? []).map(\.address), name: snapshot.name)?.name == name
  }

  private mutating func judge(
    _ assertion: Assertion, _ name: String, _ source: Assertion.Text, _ destination: Assertion.Text, _ node: Int
  ) -> Finding? {
    let snapshot = bundle.snapshots[node]
    let tracer = tracers[node] ?? PathTracer(snapshot, indexed: true)
    tracers[node] = tracer
    // The node itself, where the source is the node that is looked at.
    let isOwn = source.text.hasPrefix("node/") && isNode(node, String(source.text.dropFirst(5)))
    let flow: Flow
    var endpoints: Set<EndpointAddress>?
    do {
      flow = try text.flow(
        to: destination.text, from: isOwn ? Flow.local : source.text, interface: assertion.interface,
        ipProtocol: assertion.ipProtocol, through: tracer)
      if let named = assertion.endpoints { endpoints = try addresses(named, flow) }
    } catch {
      return undecided(assertion, name, destination.line, node: snapshot.name, escaped(error.description))
    }
    traced += 1
    let judge = AssertionJudge(
      assertion: assertion, snapshot: snapshot, intent: intent, isFrontend: isFrontend(flow, snapshot),
      endpoints: endpoints)
    let mismatches = judge.mismatches(tracer.trace(flow))
    guard !mismatches.isEmpty else { return nil }
    return finding(assertion, name, source, destination, flow, snapshot, mismatches)
  }

  private func addresses(_ named: [Assertion.Text], _ flow: Flow) throws(FlowText.Failure) -> Set<EndpointAddress> {
    var all: Set<EndpointAddress> = []
    for entry in named {
      let socket = try text.destination(entry.text, version: flow.version).socket
      all.insert(EndpointAddress(socket.address, socket.port ?? flow.destinationPort))
    }
    return all
  }

  private func isFrontend(_ flow: Flow, _ snapshot: Snapshot) -> Bool {
    if frontends.contains(Frontend(.address, flow.destination, flow.destinationPort, flow.ipProtocol)) { return true }
    return nodePorts.contains(NodePort(port: flow.destinationPort, ipProtocol: flow.ipProtocol))
      && (snapshot.addresses ?? []).contains { $0.address == flow.destination }
  }

  private func finding(
    _ assertion: Assertion, _ name: String, _ source: Assertion.Text, _ destination: Assertion.Text, _ flow: Flow,
    _ snapshot: Snapshot, _ mismatches: [AssertionJudge.Mismatch]
  ) -> Finding {
    let certain = mismatches.contains { $0.confidence == .certain }
    let likely = mismatches.contains { $0.confidence == .likely }
    let share = mismatches.reduce(0) { $0 + $1.probability }
    let always = share > 1 - 1e-6
    let worst = mismatches.first { $0.confidence == .certain } ?? mismatches[0]
    let part = always || !certain ? "" : "for \(Int((share * 1000).rounded()) / 10) % of new connections "
    let from = EndpointAddress(flow.source, flow.sourcePort)
    let to = EndpointAddress(flow.destination, flow.destinationPort)
    let route = flow.ipProtocol.hasPorts ? "\(from) → \(to)" : "\(flow.source) → \(flow.destination)"
    var evidence = [entry(assertion, line: destination.line)]
    for item in mismatches.prefix(3).flatMap(\.evidence) where !evidence.contains(item) { evidence.append(item) }
    return Finding(
      id: Self.id, severity: certain || always && likely ? .error : .warning,
      confidence: certain ? .certain : always && likely ? .likely : .possible,
      subject: Finding.Subject(kind: "Expectation", name: name, node: snapshot.name),
      problem:
        "“\(name)” does not hold on \(snapshot.name): \(escaped(source.text)) → \(escaped(destination.text)) is expected to be \(Self.participle(assertion))",
      cause: "\(part)\(worst.what) (\(flow.ipProtocol) \(route), from \(flow.from))",
      evidence: evidence,
      verify: [
        "kubepath trace \(destination.text) --from \(source.text) --node \(snapshot.name) -s BUNDLE"
      ])
  }

  private static func participle(_ assertion: Assertion) -> String {
    switch assertion.result {
    case .allow:
      assertion.sourceAddress.map { "allowed with the client's address \($0.rawValue)" } ?? "allowed"
    case .refuse: "refused"
    case .drop: "dropped"
    case .deny: "refused or dropped"
    }
  }

  /// It cannot be asked: a name that nobody has, a node that is not there.
  private func undecided(
    _ assertion: Assertion, _ name: String, _ line: Int, node: String?, _ reason: String
  ) -> Finding {
    Finding(
      id: Self.id, severity: .error, confidence: .certain,
      subject: Finding.Subject(kind: "Expectation", name: name, node: node),
      problem: "“\(name)” cannot be traced", cause: reason, evidence: [entry(assertion, line: line)])
  }

  private func entry(_ assertion: Assertion, line: Int) -> Finding.Evidence {
    Finding.Evidence(file: file, line: line, text: "result: \(assertion.result.rawValue)")
  }
}
