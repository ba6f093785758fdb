import Findings
import Intent
import PacketPath
import Ruleset
import Snapshot
import Wire

/// How to let packets pass that a rule or a policy stops: in what the node's operators own, the narrowest first. What it
/// proposes is tried before it is printed (`FixTrial`).
struct Remedy {
  /// Packets as the rule met them.
  struct Passage: Hashable {
    var ipProtocol: IPProtocol
    /// Nil: anybody.
    var source: IPAddress?
    var destination: IPAddress
    var port: UInt16
  }

  let step: Step
  let snapshot: Snapshot
  /// Nil: no objects tell.
  let cluster: Cluster?
  private let ruleset: Ruleset
  let owner: ChainOwner

  init(at step: Step, _ snapshot: Snapshot, _ cluster: Cluster?) {
    self.step = step
    self.snapshot = snapshot
    self.cluster = cluster
    ruleset = snapshot.ruleset
    owner = ChainOwner(step.chain, snapshot.ruleset)
  }

  /// More passages than these are not spelled one by one.
  private static let most = 3

  /// For the answers to connections that were let pass.
  var fixesForReplies: [Fix] {
    switch owner {
    case .operators:
      [.command(established(place), why: "lets the answers to what passed pass"), configuration]
    case .docker:
      dockersUserChain.map {
        [.command(established(Place(table: ruleset[step.chain].table, chain: $0))), configuration]
      } ?? [owners]
    default: [owners]
    }
  }

  func fixes(for passages: [Passage]) -> [Fix] {
    let passages = passages.reduce(into: [Passage]()) { if !$0.contains($1) { $0.append($1) } }
    guard let first = passages.first else { return [] }
    switch owner {
    case .operators: return accepting(passages, in: place) + [configuration]
    case .docker:
      guard step.hook == .forward, let chain = dockersUserChain else { return [owners] }
      return accepting(passages, in: Place(table: ruleset[step.chain].table, chain: chain)) + [configuration]
    case .firewalld: return [firewalld(first)]
    case .ufw: return [ufw(first)]
    case _ where owner.enforcesPolicies: return [policy(passages)]
    default: return [owners]
    }
  }

  // MARK: Advice

  private var configuration: Fix {
    .advice("keep it where the node's firewall is configured: rules that were only loaded are gone at the next start")
  }

  private var owners: Fix {
    .advice(
      "\(owner.rawValue) keeps this chain and writes it again: change what it is told"
        + (owner.configuration.map { " (\($0))" } ?? "") + ", not the chain")
  }

  private func firewalld(_ passage: Passage) -> Fix {
    let range = podRanges(passage.destination.version).first
    let command: ShellCommand =
      if step.hook == .input {
        "firewall-cmd --permanent --add-port=\(passage.port)/\("\(passage.ipProtocol)") && firewall-cmd --reload"
      } else {
        "firewall-cmd --permanent --zone=trusted --add-source=\(range.map { "\($0)" } ?? "POD-RANGE") && firewall-cmd --reload"
      }
    return .advice("firewalld keeps this chain and writes it again; let it accept the traffic: \(command)")
  }

  private func ufw(_ passage: Passage) -> Fix {
    let source = passage.source.map { "\($0)" } ?? "any"
    let target: ShellCommand =
      passage.ipProtocol.hasPorts
      ? "proto \("\(passage.ipProtocol)") from \(source) to \(passage.destination) port \(passage.port)"
      : "from \(source) to \(passage.destination)"
    let verb: ShellCommand = step.hook == .forward ? "ufw route allow" : "ufw allow"
    return .advice("ufw keeps this chain; let it accept the traffic: \(verb) \(target)")
  }

  private func policy(_ passages: [Passage]) -> Fix {
    var names: [NetworkPolicy] = []
    for passage in passages {
      for address in [passage.destination, passage.source].compactMap({ $0 }) {
        guard let cluster, let pod = cluster.podOfAddress[address].map({ cluster.pods[$0] }) else { continue }
        for policy in (cluster.policiesOfNamespace[pod.namespace] ?? []).map({ cluster.networkPolicies[$0] })
        where policy.selects(pod) && !names.contains(where: { $0.fullName == policy.fullName }) {
          names.append(policy)
        }
      }
    }
    guard !names.isEmpty else {
      let list: ShellCommand = "kubectl get networkpolicies --all-namespaces"
      return .advice("\(owner.rawValue) writes this chain for a policy; find the one that selects the Pod: \(list)")
    }
    let edits = names.prefix(Self.most).map(\.editCommand.text).joined(separator: "; ")
    return .advice("\(owner.rawValue) writes this chain for a NetworkPolicy; allow the traffic there: \(edits)")
  }

  // MARK: Commands

  /// Where a rule is put: first in the chain, or before a rule of it (from 1).
  private struct Place {
    var table: TableID
    var chain: ChainID
    var number: Int?
  }

  private var place: Place {
    // Where Docker runs, the chain that it leaves to the node's users is asked first, and lasts.
    if step.hook == .forward, step.rule == nil, table.name == "filter", let chain = dockersUserChain {
      return Place(table: ruleset[step.chain].table, chain: chain)
    }
    return Place(table: ruleset[step.chain].table, chain: step.chain, number: step.rule == nil ? nil : step.position)
  }

  private var dockersUserChain: ChainID? {
    ruleset.chain(named: ChainOwner.dockersUserChain, in: ruleset[step.chain].table).flatMap {
      ruleset[$0].isDefined ? $0 : nil
    }
  }

  private func accepting(_ passages: [Passage], in place: Place) -> [Fix] {
    var fixes: [Fix] = []
    if passages.count <= Self.most {
      let each = passages.map { command(matching($0), place) }
      fixes.append(.command(joined(each), why: "lets this pass and nothing else"))
      fixes.append(.command(joined(each + [established(place)]), why: "lets this pass, and the answers to what passed"))
    }
    let ranges = Set(passages.map(\.destination.version)).sorted { $0.rawValue < $1.rawValue }.flatMap(podRanges)
    if step.hook == .forward, !ranges.isEmpty, ranges.count <= Self.most {
      let both = ranges.flatMap { [command(matching(to: $0), place), command(matching(from: $0), place)] }
      fixes.append(.command(joined(both), why: "lets Pods and what they talk to pass"))
    }
    if step.rule == nil { fixes.append(.command(opened, why: "lets everything pass that no rule drops")) }
    return fixes
  }

  private func joined(_ commands: [ShellCommand]) -> ShellCommand {
    commands.dropFirst().reduce(commands[0]) { $0 + " && " + $1 }
  }

  /// The matches of a rule, in the place's language.
  private func matching(_ passage: Passage) -> [String] {
    let isV4 = passage.destination.version == .v4
    guard !isNft else {
      let ip = isV4 ? "ip" : "ip6"
      return (passage.source.map { [ip, "saddr", "\($0)"] } ?? []) + [ip, "daddr", "\(passage.destination)"]
        + (passage.ipProtocol.hasPorts
          ? ["\(passage.ipProtocol)", "dport", "\(passage.port)"] : ["meta", "l4proto", "\(passage.ipProtocol)"])
    }
    return (passage.source.map { ["-s", "\($0)"] } ?? []) + [
      "-d", "\(passage.destination)", "-p", "\(passage.ipProtocol)",
    ]
      + (passage.ipProtocol.hasPorts ? ["--dport", "\(passage.port)"] : [])
  }

  private func matching(to range: IPPrefix) -> [String] {
    isNft ? [ip(range), "daddr", "\(range)"] : ["-d", "\(range)"]
  }
  private func matching(from range: IPPrefix) -> [String] {
    isNft ? [ip(range), "saddr", "\(range)"] : ["-s", "\(range)"]
  }
  private func ip(_ range: IPPrefix) -> String { range.address.version == .v4 ? "ip" : "ip6" }

  private func established(_ place: Place) -> ShellCommand {
    command(
      isNft ? ["ct", "state", "established,related"] : ["-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED"], place)
  }

  private var table: Table { ruleset[ruleset[step.chain].table] }
  private var isNft: Bool { table.backend == .nft }
  private var tool: String {
    let name = table.family == .ip6 ? "ip6tables" : "iptables"
    // Where both are in use, the plain name may mean either.
    let backends = Set(ruleset.tables.filter { $0.backend != .nft }.map(\.backend))
    return backends.isSuperset(of: [.iptablesLegacy, .iptablesNft])
      ? name + (table.backend == .iptablesLegacy ? "-legacy" : "-nft") : name
  }

  private func command(_ matches: [String], _ place: Place) -> ShellCommand {
    let chain = ruleset.name(of: place.chain)
    guard isNft else {
      return ShellCommand(
        words: [tool, "-t", table.name, "-I", chain] + (place.number.map { ["\($0)"] } ?? []) + matches + [
          "-j", "ACCEPT",
        ])
    }
    return ShellCommand(
      words: ["nft", "insert", "rule", table.family.rawValue, table.name, chain]
        + (place.number.map { ["index", "\($0 - 1)"] } ?? []) + matches + ["accept"])
  }

  private var opened: ShellCommand {
    let chain = ruleset.name(of: step.chain)
    return isNft
      ? ShellCommand(words: ["nft", "chain", table.family.rawValue, table.name, chain, "{ policy accept; }"])
      : ShellCommand(words: [tool, "-t", table.name, "-P", chain, "ACCEPT"])
  }

  /// Of the cluster's nodes; without objects, the networks behind this node's bridges.
  private func podRanges(_ version: IPVersion) -> [IPPrefix] {
    let ranges = (cluster?.nodes ?? []).flatMap(\.podCIDRs).filter { $0.address.version == version }
    guard ranges.isEmpty else { return [Self.common(ranges)].compactMap { $0 } }
    return (snapshot.routes ?? []).filter { route in
      route.type == .unicast && route.destination.address.version == version && route.destination.length > 0
        && route.destination.length < version.width
        && route.nextHops.contains { hop in
          hop.gateway == nil
            && hop.interface.map { $0.hasPrefix("cni") || $0.hasPrefix("cbr") || $0.hasPrefix("kube-") } == true
        }
    }.map(\.destination)
  }

  /// The range that holds them all, if it is no wider than clusters are.
  private static func common(_ ranges: [IPPrefix]) -> IPPrefix? {
    guard let first = ranges.first else { return nil }
    let widest = first.address.version == .v4 ? 8 : 40
    for length in stride(from: first.length, through: widest, by: -1) {
      let range = IPPrefix(first.address, length: length)
      if ranges.allSatisfy({ range.length <= $0.length && range.contains($0.address) }) { return range }
    }
    return nil
  }
}
