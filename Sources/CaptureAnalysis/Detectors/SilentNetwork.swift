import Findings
import Wire

/// Several addresses of one range to which no attempt is ever answered: one cause, most often the node whose Pods they are.
struct SilentNetwork {
  /// Of a node's Pods, as nearly all networks give them out.
  private static let (bits4, bits6) = (24, 64)
  /// Two may be two faults.
  private static let fewest = 3

  private(set) var prefix: IPPrefix
  private(set) var entries: [(Target, Tally<Target>.Entry)]
  var targets: [Target] { entries.map(\.0) }

  static func among(_ silent: [(Target, Tally<Target>.Entry)]) -> [SilentNetwork] {
    var networks: [IPPrefix: SilentNetwork] = [:]
    for (target, entry) in silent {
      let prefix = IPPrefix(target.address, length: target.address.version == .v4 ? bits4 : bits6)
      networks[prefix, default: SilentNetwork(prefix: prefix, entries: [])].entries.append((target, entry))
    }
    return networks.values.filter { Set($0.targets.map(\.address)).count >= fewest }
      .sorted { ($1.entries.count, $0.prefix.description) < ($0.entries.count, $1.prefix.description) }
  }

  func finding(_ facts: borrowing CaptureAnalyzer) -> Finding {
    let addresses = Set(targets.map(\.address)).count
    let ports = Set(targets.map(\.port))
    let attempts = entries.reduce(0) { $0 + $1.1.count }
    let first = entries[0]
    return Finding(
      id: "syn-unanswered", severity: .error, confidence: .certain,
      subject: .init(
        kind: "Network", name: prefix.description, address: first.0.address,
        port: ports.count == 1 ? ports.first.map(String.init) : nil),
      problem: "\(addresses) addresses of \(prefix) answer nothing: \(plural(attempts, "connection attempt"))"
        + (ports.count == 1 ? " to port \(ports.first!)" : "") + ", retries included",
      cause:
        "they have one thing in common ← the node whose Pods they are is down or cut off, its route or tunnel is missing, or a "
        + "rule drops all that goes there",
      evidence: facts.evidence(Array(entries.prefix(3)), filter: "ip.addr==\(prefix) && tcp.flags.syn==1"),
      fix: [
        .advice(
          "see whose range it is and whether that node is alive: kubectl get nodes -o wide; kubectl get pods -A -o wide | grep "
            + "\(first.0.address); ip route get \(first.0.address)"),
        .advice("then what drops it: \(first.0.traceCommand(from: first.1))"),
      ], verify: ["ping -c 3 \(first.0.address)"])
  }
}
