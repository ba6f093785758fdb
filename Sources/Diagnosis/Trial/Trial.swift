import Intent
import Snapshot

/// What commands would do to a node: applied to what is known of it, never to the node itself.
public struct Trial: Sendable {
  public private(set) var snapshot: Snapshot
  /// The cluster's objects; nil: there are none.
  private let cluster: Cluster?
  /// What a command changes and the model does not follow, each a sentence.
  public private(set) var limits: [String] = []

  /// What was tried, as it was given.
  public private(set) var commands: [String] = []

  public init(_ snapshot: Snapshot, cluster: Cluster? = nil) {
    self.snapshot = snapshot
    self.cluster = cluster
  }

  /// Why a command cannot be tried, as a sentence.
  public struct Failure: Error, CustomStringConvertible, Equatable {
    public let description: String
    init(_ description: String) { self.description = description }
  }

  /// One or several commands of a shell, in order. What stands before one that fails stays applied.
  public mutating func apply(_ text: String) throws(Failure) {
    for words in try ShellWords.commands(text) { try apply(words) }
    commands.append(text)
  }

  private mutating func apply(_ words: [String]) throws(Failure) {
    var words = words[...]
    if words.first == "sudo" { words = words.dropFirst() }
    guard let first = words.first else { return }
    let name = first.split(separator: "/").last.map(String.init) ?? first
    let arguments = Array(words.dropFirst())
    switch name {
    case "iptables", "ip6tables", "iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy":
      try IptablesTrial.apply(name, arguments, to: &snapshot)
    case "nft": try NftTrial.apply(arguments, to: &snapshot)
    case "ipset": try IPSetTrial.apply(arguments, to: &snapshot)
    case "ip": try IPTrial.apply(arguments, to: &snapshot)
    case "bridge": try BridgeTrial.apply(arguments, to: &snapshot)
    case "sysctl": try SysctlTrial.apply(arguments, to: &snapshot)
    case "modprobe": try SysctlTrial.load(arguments, to: &snapshot)
    case "conntrack": try ConntrackTrial.apply(arguments, to: &snapshot)
    case "kubectl", "oc": limits.append(try KubectlTrial.apply(arguments, to: cluster))
    default:
      throw Failure("'\(printable(first))' is not among the commands that can be tried: \(Self.understood).")
    }
  }

  /// For help texts and errors.
  public static let understood =
    "iptables, ip6tables, nft, ipset, ip route, ip rule, ip address, ip link set, bridge link set, sysctl -w, "
    + "modprobe br_netfilter, conntrack -D, kubectl patch, label, annotate, scale, set selector and delete"
}
