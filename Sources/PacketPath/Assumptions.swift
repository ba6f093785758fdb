import Ruleset
import Snapshot
import Wire

/// Something that a walk took for granted.
enum Assumption: Hashable {
  /// A clause of a rule holds, or does not. `subject`: see `Engine.subject(of:_:)`.
  case clause(rule: UInt32, clause: UInt32, subject: UInt64, holds: Bool)
  /// A target that is not modelled.
  case target(rule: UInt32, TextID, drops: Bool)
  /// The program that a rule gives the packet to.
  case program(rule: UInt32, String, accepts: Bool)
  /// An address is one of the node's, or is not.
  case local(IPAddress, Bool)
  /// There is a route to the address: the snapshot has none.
  case route(IPAddress)
  /// The node forwards packets of this version: the snapshot has no sysctls.
  case forwarding(IPVersion)
  /// rp_filter is not strict on the interface: the snapshot has no sysctls.
  case looseReversePath(Bits128)
  /// The dump ends before the chain does; no rule behind that is for the packet.
  case wholeChain(ChainID)
  /// The port by which a frame comes to a bridge.
  case inputPort(Bits128)
  /// The port behind which its destination is.
  case outputPort(Bits128)
  /// Bridges show packets of this version to the hooks of IP, or do not.
  case bridgeCalls(IPVersion, Bool)
  /// A chain of devices whose device the dump does not tell stands on the packet's way, or does not.
  case device(ChainID, Bool)
  /// No dump of rules was read.
  case noRules
  /// A chain that rules jump to and the dump does not have is empty.
  case emptyChain(ChainID)
  /// IPVS, whose table the snapshot does not have, takes nothing at the address.
  case noVirtualServer(IPAddress)
  /// A sentence.
  case text(String)
}

/// What a snapshot does not have, and an outcome needed: the outcome holds if nothing of it matters to the packet.
public struct Gaps: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// No dump of rules.
  public static let rules = Gaps(rawValue: 1)
  /// A dump of rules breaks off, is an excerpt, or lacks a chain.
  public static let partOfRules = Gaps(rawValue: 2)
  public static let routes = Gaps(rawValue: 4)
  /// The table of IPVS.
  public static let virtualServers = Gaps(rawValue: 8)
}

/// What an outcome had to assume. Put into words only when somebody asks: of many flows mostly nobody does.
public struct Assumptions: Sendable {
  /// An assumption and the one before it, by its index; -1: it is the first.
  struct Node: Sendable {
    var previous: Int32
    var assumption: Assumption
  }

  private let tree: [Node]
  private let leaf: Int32
  /// Nil: all that lead to the leaf; else what the endings that are one outcome have in common.
  private let common: [Assumption]?
  private let model: NodeModel
  /// Sentences about the outcome that no walk made.
  var remarks: [String] = []

  init(_ remark: String, _ model: NodeModel) {
    self.init([], leaf: -1, common: nil, model)
    remarks = [remark]
  }

  init(_ tree: [Node], leaf: Int32, common: [Assumption]?, _ model: NodeModel) {
    self.tree = tree
    self.leaf = leaf
    self.common = common
    self.model = model
  }

  var isEmpty: Bool { (common?.isEmpty ?? (leaf < 0)) && remarks.isEmpty }

  /// Each once, in the order of the alphabet; remarks last.
  public var sentences: [String] {
    isEmpty ? [] : (common ?? Self.path(tree, leaf)).map { $0.sentence(model.ruleset) }.sorted() + remarks
  }

  /// The same without the rest of the walk that they come from: what is kept for long.
  var detached: Assumptions {
    var copy = Assumptions([], leaf: -1, common: common ?? Self.path(tree, leaf), model)
    copy.remarks = remarks
    return copy
  }

  /// What dumps that are missing or incomplete were taken to lack.
  var gaps: Gaps {
    if let common { return common.reduce(into: []) { $0.formUnion($1.gap) } }
    var gaps: Gaps = []
    var at = leaf
    while at >= 0 {
      gaps.formUnion(tree[Int(at)].assumption.gap)
      at = tree[Int(at)].previous
    }
    return gaps
  }

  /// The assumptions that lead to a leaf, each once, the newest first.
  static func path(_ tree: [Node], _ leaf: Int32) -> [Assumption] {
    var list: [Assumption] = []
    /// Few are compared one by one.
    var known: Set<Assumption> = []
    var at = leaf
    while at >= 0 {
      let node = tree[Int(at)]
      at = node.previous
      if list.count < few {
        if !list.contains(node.assumption) { list.append(node.assumption) }
      } else {
        if known.isEmpty { known = Set(list) }
        if known.insert(node.assumption).inserted { list.append(node.assumption) }
      }
    }
    return list
  }
  private static let few = 16

  /// Adds them to a set; those of one tree that were added before are passed over.
  func gather(into set: inout Set<Assumption>, _ remarks: inout [String], _ seen: inout SeenNodes) {
    remarks += self.remarks
    if let common { return set.formUnion(common) }
    seen.begin(tree)
    var at = leaf
    while at >= 0, seen.insert(at) {
      set.insert(tree[Int(at)].assumption)
      at = tree[Int(at)].previous
    }
  }
}

extension Trace {
  /// What had to be assumed for some outcome, each a sentence, in the order of the alphabet.
  public var assumptions: [String] {
    var set: Set<Assumption> = []
    var remarks: [String] = []
    var seen = SeenNodes()
    for outcome in outcomes { outcome.assumed?.gather(into: &set, &remarks, &seen) }
    return Set(set.map { $0.sentence(model.ruleset) } + remarks).sorted()
  }

  /// What had to be assumed for each of them.
  public var commonAssumptions: [String] {
    var common: Set<String>?
    for outcome in outcomes {
      if let known = common, known.isEmpty { break }
      // Of many outcomes most have nothing in common: sentences are made of a few.
      let own = Set(outcome.assumptions)
      common = common?.intersection(own) ?? own
    }
    return (common ?? []).sorted()
  }
}

extension Assumption {
  fileprivate var gap: Gaps {
    switch self {
    case .wholeChain, .emptyChain: .partOfRules
    case .noRules: .rules
    case .route: .routes
    case .noVirtualServer: .virtualServers
    default: []
    }
  }

  func sentence(_ ruleset: Ruleset) -> String {
    switch self {
    case .text(let text): return text
    case .noRules: return "the node has no rules: no dump of them was read"
    case .emptyChain(let chain):
      return "chain \(printable(ruleset.name(of: chain))), which the dump does not have, is empty"
    case .noVirtualServer(let address):
      return "IPVS, whose table is not in the snapshot, has no virtual server for \(address)"
    case .local(let address, let local):
      return "\(address) is \(local ? "" : "not ")an address of this node"
    case .route(let address): return "there is a route to \(address) (the snapshot has no routes)"
    case .forwarding(let version): return "\(Engine.forwardingKey(version)) is 1 (the snapshot has no sysctls)"
    case .looseReversePath(let interface):
      return "rp_filter is not strict on \(printable(NodeModel.name(interface))) (the snapshot has no sysctls)"
    case .inputPort(let port): return "the frame comes by port \(printable(NodeModel.name(port)))"
    case .outputPort(let port): return "the destination is behind port \(printable(NodeModel.name(port)))"
    case .device(let chain, let stands):
      return
        "chain \(printable(ruleset.name(of: chain))), whose device the dump does not tell, \(stands ? "stands" : "does not stand") on the packet's way"
    case .bridgeCalls(let version, let calls):
      return
        "net.bridge.bridge-nf-call-\(version == .v4 ? "iptables" : "ip6tables") is \(calls ? 1 : 0) (the snapshot does not tell)"
    case .wholeChain(let id):
      let chain = ruleset[id]
      return
        "chain \(ruleset[chain.table].name) \(printable(ruleset.names[chain.name])), which the dump cuts off, has no rule for the packet behind its end"
    case .target(let rule, let text, let drops):
      return
        "'\(ruleset[text])' \(drops ? "drops the packet" : "lets the packet go on unchanged") (\(ruleset.place(of: RuleID(Int(rule)))))"
    case .program(let rule, let text, let accepts):
      let place = ruleset.place(of: RuleID(Int(rule)))
      return accepts
        ? "the program behind '\(text)' accepts the packet (\(place))"
        : "the program behind '\(text)' drops the packet, or none listens (\(place))"
    case .clause(let rule, let clause, _, let holds):
      let clause = ruleset.clauses[Int(ruleset.rules[Int(rule)].firstClause) + Int(clause)]
      let text = Self.text(clause, ruleset) ?? ruleset.spelling(of: clause, in: RuleID(Int(rule)))
      return "'\(text)' \(holds ? "holds" : "does not hold") (\(ruleset.place(of: RuleID(Int(rule)))))"
    }
  }

  /// What an undecided clause asks, in the dump's words where they were kept; nil: as nft spells it.
  private static func text(_ clause: Clause, _ ruleset: Ruleset) -> String? {
    switch clause {
    case .match(let match):
      let sign = match.negated ? "! " : ""
      switch match.test {
      case .unknown(let text), .timeDependent(let text): return sign + ruleset[text]
      case .ipset(let id): return sign + "set " + printable(ruleset.ipsetTests[Int(id.index)].name)
      case .equal(let field, let value, let mask): return "\(sign)\(field) & 0x\(String(mask, radix: 16)) == \(value)"
      case .range(let field, let low, let high):
        return low == high ? "\(sign)\(field) == \(low)" : "\(sign)\(field) in \(low)-\(high)"
      case .equalWide(let field, let id):
        let pair = ruleset.wide[Int(id.index)]
        let isMAC = field == .sourceMAC || field == .destinationMAC
        let value =
          isMAC
          ? pair.a.bytes.suffix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
          : printable(NodeModel.name(pair.a)) + (pair.b == .ones ? "" : "+")
        return "\(sign)\(field) == \(value)"
      case .socket(let test): return "\(sign)socket\(test.transparent ? " --transparent" : "")"
      case .rangeWide(let field, _): return "\(sign)\(field) is set"
      case .tcpOption(let kind): return "\(sign)TCP option \(kind)"
      default: return nil
      }
    case .statement(.timeDependent(let text)), .statement(.unknown(let text)): return ruleset[text]
    case .statement: return nil
    }
  }
}

extension Ruleset {
  /// "nat KUBE-SVC-A rule 3".
  func place(of rule: RuleID) -> String {
    let chain = self[rules[Int(rule.index)].chain]
    var position = Int(rule.index) - Int(chain.firstRule)
    if !order.isEmpty { position = (0..<Int(chain.ruleCount)).first { self.rule(at: $0, of: chain) == rule } ?? 0 }
    return "\(self[chain.table].name) \(printable(names[chain.name])) rule \(position + 1)"
  }
}
