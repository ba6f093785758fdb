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

  /// Places of one cause that are asked for each command: the first, for they have the cause in common.
  private static let mostNodes = 4
  private static let mostFlows = 48
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
    var kept: [Fix] = []
    var hasWorking = false
    for fix in finding.fix {
      guard let command = fix.command else {
        kept.append(fix)
        continue
      }
      switch judge(command, finding) {
      case .works:
        if !hasWorking { kept.append(fix) }
        hasWorking = true
      case .harmless: kept.append(fix)
      case .notModelled:
        // Objects: what is written for them then nobody has seen yet, so it is no promise.
        kept.append(.advice("change what the rules are made of: \(command)", why: fix.why))
      case .useless, .harmful: break
      }
    }
    if kept.isEmpty {
      kept = [
        .advice("no single change to this node mends it: what stops the traffic here is not the only thing that does")
      ]
    }
    finding.fix = kept
  }

  enum Verdict { case works, harmless, useless, harmful, notModelled }

  private mutating func judge(_ command: ShellCommand, _ finding: Finding) -> Verdict {
    var sites: [String] = []
    for name in finding.occurrences.compactMap(\.node) + [finding.subject.node].compactMap({ $0 })
    where !sites.contains(name) && places[name] != nil {
      sites.append(name)
    }
    let traffic = finding.occurrences.contains { $0.traffic != nil }
    // Of captures, and what no trace shows: sizes of tables, timers, offloads.
    guard !sites.isEmpty else { return .harmless }
    for name in sites.prefix(Self.mostNodes) {
      var trial = Trial(places[name]!.snapshot, cluster: names?.cluster)
      do {
        try trial.apply(command.text)
      } catch {
        return traffic ? .useless : .harmless
      }
      guard trial.limits.isEmpty else { return .notModelled }
      let probe = FlowProbe(NodeModel(trial.snapshot, indexed: true), names)
      for occurrence in finding.occurrences.lazy.filter({ $0.node == name || $0.node == nil }).prefix(Self.mostFlows) {
        guard let traffic = occurrence.traffic else { continue }
        if !probe.fare(traffic).isGood { return .useless }
      }
      for (question, wasGood) in baseline(name) where wasGood {
        let flow = probe.flow(question.frontend, question.source, isLocal: question.isLocal)
        if !probe.fare(flow).isGood { return .harmful }
      }
    }
    return traffic ? .works : .harmless
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
