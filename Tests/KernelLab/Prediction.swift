import Foundation
import Wire

/// What `kubepath trace -o json` says of one flow: the fields of the contract that the kernel can confirm.
public struct Prediction: Decodable, Sendable, Equatable {
  public struct Packet: Decodable, Sendable, Equatable {
    public var source: String
    public var sourcePort: UInt16?
    public var destination: String
    public var destinationPort: UInt16?
  }

  public struct Step: Decodable, Sendable, Equatable {
    public var hook: String
    public var family: String
    public var table: String
    public var chain: String
    public var rule: Int?
    public var verdict: String

    /// In the words of the kernel's trace, which knows no reject.
    var spelled: String {
      let word = verdict.split(separator: " ").first.map(String.init) ?? ""
      let kept = ["jump", "goto", "policy"].contains(word) ? verdict : word == "reject" ? "drop" : word
      return "\(hook): \(family) \(table) \(chain) \(rule.map(String.init) ?? "-") \(kept)"
    }
  }

  public struct Outcome: Decodable, Sendable, Equatable {
    public var verdict: String
    public var probability: Double
    public var assumptions: [String]
    public var packet: Packet?
    public var outInterface: String?
    public var rejectWith: String?
    public var mark: UInt32?
    public var steps: [Step]
  }

  public var id: String
  public var outcomes: [Outcome]

  /// Runs a kubepath executable over a recorded folder; one prediction for each flow, by identifier.
  public static func predictions(of executable: String, for folder: String) throws -> [String: Prediction] {
    try predictions(of: executable, ["--flows", "\(folder)/flows.ndjson", "-s", folder])
  }

  /// Runs `kubepath trace` with these arguments.
  public static func predictions(of executable: String, _ arguments: [String]) throws -> [String: Prediction] {
    let result = try runCommand([executable, "trace"] + arguments + ["-o", "json"])
    // 1: a path fails, which is what many situations are about.
    guard result.status == 0 || result.status == 1 else {
      throw LabError("kubepath: exit \(result.status), \(result.errors)")
    }
    let decoder = JSONDecoder()
    let all = try result.output.split(separator: "\n").map { try decoder.decode(Prediction.self, from: Data($0.utf8)) }
    return Dictionary(all.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
  }
}

extension Recording.Answer {
  /// Nil when a prediction agrees with what the kernel did; else the first disagreement, to be read by people.
  public func disagreement(with prediction: Prediction?, hidden: Bool) -> String? {
    guard let prediction, !prediction.outcomes.isEmpty else { return "no answer" }
    let total = outcomes.values.reduce(0, +)
    var seen = [Int](repeating: 0, count: prediction.outcomes.count)
    for (observation, count) in outcomes {
      let faults = prediction.outcomes.map { fault(of: $0, against: observation) }
      if let match = faults.firstIndex(where: { $0 == nil }) {
        seen[match] += count
      } else {
        let nearest = faults.compactMap { $0 }.max { $0.rank < $1.rank }
        return "\(nearest?.text ?? "")\n  the kernel: \(observation)"
      }
    }
    let sum = prediction.outcomes.map(\.probability).reduce(0, +)
    guard abs(sum - 1) < 1e-6 else { return "probabilities add up to \(sum)" }
    guard !hidden else { return nil }
    if total == 1, prediction.outcomes.count > 1 { return "\(prediction.outcomes.count) outcomes where one is certain" }
    for (outcome, count) in zip(prediction.outcomes, seen) {
      if !outcome.assumptions.isEmpty { return "assumes \(outcome.assumptions) where nothing is unknown" }
      if unlikely(count, of: total, at: outcome.probability) {
        return "probability \(outcome.probability) of \(outcome.verdict) seen \(count) times of \(total)"
      }
    }
    return nil
  }

  private func fault(of outcome: Prediction.Outcome, against observed: Observation) -> (rank: Int, text: String)? {
    // What vanishes between two hooks looks alike, whether a bridge keeps it or it is not routed.
    let isKept = outcome.verdict == "drop" && outcome.steps.last.map { !$0.verdict.hasSuffix("drop") } ?? true
    guard outcome.verdict == observed.verdict.rawValue || isKept && observed.verdict == .noroute else {
      return (0, "verdict \(outcome.verdict), not \(observed.verdict.rawValue)")
    }
    if observed.verdict == .reject, outcome.rejectWith != observed.rejectWith {
      return (1, "rejects with \(outcome.rejectWith ?? "nothing"), not \(observed.rejectWith ?? "nothing")")
    }
    let steps = outcome.steps.map(\.spelled)
    let kernel = observed.steps.map(\.description)
    if steps != kernel {
      let at = zip(steps, kernel).enumerated().first { $1.0 != $1.1 }?.offset ?? min(steps.count, kernel.count)
      let mine = at < steps.count ? steps[at] : "the end"
      return (2 + at, "step \(at + 1) is \(mine), not \(at < kernel.count ? kernel[at] : "the end")")
    }
    if observed.verdict == .forward || observed.verdict == .deliver {
      if let text = packetFault(outcome, observed) { return (100_000, text) }
      // A frame that only the bridge saw is known by the wire of its port.
      let isPort = outcome.outInterface == "cni0" && observed.outInterface?.hasPrefix("veth") == true
      if observed.verdict == .forward, outcome.outInterface != observed.outInterface, !isPort {
        return (100_000, "leaves by \(outcome.outInterface ?? "nothing"), not \(observed.outInterface ?? "nothing")")
      }
      if outcome.mark != observed.mark { return (100_001, "mark \(outcome.mark ?? 0), not \(observed.mark)") }
    }
    return nil
  }

  private func packetFault(_ outcome: Prediction.Outcome, _ observed: Observation) -> String? {
    guard let packet = outcome.packet else { return "no packet" }
    guard IPAddress(packet.source) == observed.source else { return "source \(packet.source), not \(observed.source)" }
    guard IPAddress(packet.destination) == observed.destination else {
      return "destination \(packet.destination), not \(observed.destination)"
    }
    guard probe.ipProtocol.hasPorts else { return nil }
    guard packet.destinationPort == observed.destinationPort else {
      return "destination port \(packet.destinationPort ?? 0), not \(observed.destinationPort ?? 0)"
    }
    if let port = packet.sourcePort {
      return port == observed.sourcePort
        ? nil : "source port \(port), not \(observed.sourcePort.map(String.init) ?? "any")"
    }
    let translated = observed.source != probe.source || observed.sourcePort != probe.sourcePort
    return translated ? nil : "source port unknown though nothing translated it"
  }

  /// Two-sided binomial test, far out in the tail: chance alone fails it once in a million.
  private func unlikely(_ count: Int, of total: Int, at probability: Double) -> Bool {
    guard probability > 0, probability < 1 else { return count != (probability <= 0 ? 0 : total) }
    var term = pow(1 - probability, Double(total))
    var (below, above) = (0.0, 0.0)
    for successes in 0...total {
      if successes <= count { below += term }
      if successes >= count { above += term }
      term *= Double(total - successes) / Double(successes + 1) * probability / (1 - probability)
    }
    return min(below, above) < 5e-7
  }
}
