import Wire

/// One rule all of whose matches held, or the policy that ended a base chain, as the kernel's tracing told it.
public struct ObservedStep: Hashable, Sendable, CustomStringConvertible {
  public var hook: String
  public var chain: ChainName
  /// From 1 inside the dumped chain; nil for a policy.
  public var rule: Int?
  /// "jump X", "goto X", "accept", "drop", "return", "continue", "policy accept" …
  public var verdict: String

  public var description: String { "\(hook): \(chain) \(rule.map(String.init) ?? "-") \(verdict)" }
}

/// What the kernel did with one probe.
public struct Observation: Hashable, Sendable {
  public enum Verdict: String, Sendable { case forward, deliver, drop, reject, noroute }

  public var verdict: Verdict
  /// The packet on the wire, or at the end of the INPUT hook; for the other verdicts as it was sent.
  public var source: IPAddress
  public var destination: IPAddress
  public var sourcePort: UInt16?
  public var destinationPort: UInt16?
  public var outInterface: String?
  public var rejectWith: String?
  /// What went wrong where no rule dropped it: an ICMP error's name or an errno.
  public var detail: String?
  public var mark: UInt32
  public var steps: [ObservedStep]
}

extension Observation: CustomStringConvertible {
  public var description: String {
    let from = sourcePort.map { "\(source) \($0)" } ?? "\(source)"
    let to = destinationPort.map { "\(destination) \($0)" } ?? "\(destination)"
    let head = [verdict.rawValue, outInterface, rejectWith, detail].compactMap { $0 }.joined(separator: " ")
    return (["\(head), \(from) > \(to), mark \(mark)"] + steps.map { "    \($0)" }).joined(separator: "\n")
  }
}
