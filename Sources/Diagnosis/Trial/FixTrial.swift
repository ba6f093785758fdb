import Findings
import Intent
import PacketPath
import ServiceMap
import Snapshot
import Wire

/// Tries the commands of findings on the model before anybody reads them: a command stays if it makes the traffic arrive
/// that the finding is about, and nothing fail that arrived before. Of several that do, the narrowest stays.
public struct FixTrial {
  /// A node to try on.
  public struct Place {
    var name: String
    var snapshot: Snapshot

    public init(name: String, snapshot: Snapshot) {
      self.name = name
      self.snapshot = snapshot
    }
  }

  private let places: [String: Place]
  private let names: NameResolver?
  /// How each node's frontends fare without any fix.
  private var known: [String: [Question: Bool]] = [:]

  private struct Question: Hashable {
    var frontend: Frontend
    var source: IPAddress
    var isLocal: Bool
  }

  /// Of one cause: the first, for they have it in common. Fewer where nodes have many rules.
  private static let mostNodes = 32
  private static let mostRules = 2_000_000
  private static let mostFlows = 512
  /// Frontends of a node that must not get worse, evenly chosen.
  private static let mostFrontends = 64

  /// `names`: of the cluster's objects; nil: there are none.
  public init(_ places: [Place], _ names: NameResolver?) {
    self.places = Dictionary(places.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
    self.names = names
  }

  public mutating func vet(_ findings: inout [Finding]) {
    for index in findings.indices where findings[index].fix.contains(where: { $0.command != nil }) {
      vet(&findings[index])
    }
  }

  mutating func vet(_ finding: inout Finding) {
    let trials = finding.fix.map { fix in fix.command.map { judge($0, finding) } }
    // What no command mends has another cause besides.
    var mended: Set<Int> = []
    for case .tried(let good)? in trials { mended.formUnion(good) }
    var kept: [Fix] = []
    var works = false
    for (fix, trial) in zip(finding.fix, trials) {
      switch trial {
      case nil, .harmless?: kept.append(fix)
      case .tried(let good)?:
        if !works, !good.isEmpty, good == mended {
          works = true
          kept.append(fix)
        }
      case .useless?: break
      case .notModelled?:
        // Objects: what is written for them then nobody has seen yet, so it is no promise.
        kept.append(.advice("change what the rules are made of: \(fix.text)", why: fix.why))
      }
    }
    if kept.isEmpty {
      kept = [
        .advice("no single change to this node mends it: what stops the traffic here is not the only thing that does")
      ]
    }
    finding.fix = kept
    guard works else { return }
    let tried = Set(traffic(finding).map(\.index))
    finding.occurrences = finding.occurrences.enumerated().compactMap { index, occurrence in
      if mended.contains(index) || occurrence.traffic == nil { return occurrence }
      // Of what was not asked, only the place is told.
      return tried.contains(index) ? nil : Finding.Occurrence(node: occurrence.node, service: occurrence.service)
    }
  }

  private enum Outcome {
    /// The occurrences that it makes arrive, and nothing fails that arrived.
    case tried(Set<Int>)
    /// It changes nothing that a trace shows, and breaks nothing.
    case harmless
    /// It cannot be tried, or breaks something.
    case useless
    case notModelled
  }

  /// The occurrences whose traffic is asked: of the first nodes, for they have the cause in common.
  private func traffic(_ finding: Finding) -> [(index: Int, node: String, traffic: Finding.Traffic)] {
    var counts: [String: Int] = [:]
    var rules = 0
    var list: [(index: Int, node: String, traffic: Finding.Traffic)] = []
    for (index, occurrence) in finding.occurrences.enumerated() {
      guard let node = occurrence.node ?? finding.subject.node, places[node] != nil, let traffic = occurrence.traffic,
        counts[node] != nil || counts.isEmpty || counts.count < Self.mostNodes && rules < Self.mostRules,
        counts[node, default: 0] < Self.mostFlows
      else { continue }
      if counts[node] == nil { rules += places[node]!.snapshot.ruleset.rules.count }
      counts[node, default: 0] += 1
      list.append((index, node, traffic))
    }
    return list
  }

  private mutating func judge(_ command: ShellCommand, _ finding: Finding) -> Outcome {
    let asked = traffic(finding)
    var nodes: [String] = []
    for name in asked.map(\.node) + [finding.subject.node].compactMap({ $0 })
    where !nodes.contains(name) && places[name] != nil {
      nodes.append(name)
    }
    // Of captures, and what no trace shows: sizes of tables, timers, offloads.
    guard !nodes.isEmpty else { return .harmless }
    var good: Set<Int> = []
    for name in nodes {
      var trial = Trial(places[name]!.snapshot, cluster: names?.cluster)
      do {
        try trial.apply(command.text)
      } catch {
        return asked.isEmpty ? .harmless : .useless
      }
      guard trial.limits.isEmpty else { return .notModelled }
      let probe = FlowProbe(NodeModel(trial.snapshot, indexed: true), names)
      for item in asked where item.node == name && probe.fare(item.traffic).isGood { good.insert(item.index) }
      for (question, wasGood) in baseline(name) where wasGood {
        let flow = probe.flow(question.frontend, question.source, isLocal: question.isLocal)
        if !probe.fare(flow).isGood { return .useless }
      }
    }
    return asked.isEmpty ? .harmless : .tried(good)
  }

  private mutating func baseline(_ name: String) -> [Question: Bool] {
    if let known = known[name] { return known }
    let place = places[name]!
    let probe = FlowProbe(NodeModel(place.snapshot, indexed: true), names)
    let all = ServiceMap.candidates(probe.tracer.model)
    let step = max(1, all.count / Self.mostFrontends)
    var answers: [Question: Bool] = [:]
    for index in stride(from: 0, to: all.count, by: step) {
      for (origin, source) in probe.origins(of: all[index]) {
        let question = Question(frontend: all[index], source: source, isLocal: origin == .node)
        answers[question] = probe.fare(all[index], origin, source).isGood
      }
    }
    known[name] = answers
    return answers
  }
}

extension FlowProbe {
  func fare(_ traffic: Finding.Traffic) -> Fare {
    fare(
      flow(
        Frontend(.address, traffic.address, traffic.port, traffic.ipProtocol), traffic.source, isLocal: traffic.isLocal)
    )
  }
}

extension CheckContext {
  var fixTrial: FixTrial {
    FixTrial(
      nodes.map { FixTrial.Place(name: $0.name, snapshot: $0.snapshot) }, intent.isEmpty ? nil : NameResolver(intent))
  }
}
