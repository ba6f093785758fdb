import Ruleset
import Wire

/// Something that neither the flow nor the snapshot tells and on which a trace hangs: it is so or it is not, and the same
/// wherever the trace asks.
public struct Fact: Sendable, Hashable {
  /// What is asked. Equal questions have one answer.
  enum Question: Hashable, Sendable {
    /// Only this clause asks it: what time decides, or what a dump hides.
    case clause(rule: UInt32, clause: UInt32)
    /// Whether a set holds values, which `subject` stands for.
    case ipset(String, options: String, returnNoMatch: Bool, subject: UInt64)
    case text(String)
    case test(Test, subject: UInt64)
    case local(IPAddress)
    case target(rule: UInt32)
    case program(rule: UInt32)
    case bridgeCalls(IPVersion)
    case device(ChainID)
    /// One of all that are asked of a trace is so.
    case inputPort(Bits128)
    case outputPort(Bits128)

    init(_ match: Match, rule: UInt32, clause: UInt32, subject: UInt64, _ ruleset: Ruleset) {
      switch match.test {
      case .timeDependent, .nth: self = .clause(rule: rule, clause: clause)
      case .unknown(let text):
        self = ruleset.isHiddenXtables(text) ? .clause(rule: rule, clause: clause) : .text(ruleset[text])
      case .ipset(let id):
        let test = ruleset.ipsetTests[Int(id.index)]
        self = .ipset(test.name, options: test.otherOptions, returnNoMatch: test.returnNoMatch, subject: subject)
      case let test: self = .test(test, subject: subject)
      }
    }
  }

  /// What would tell it.
  public enum Source: Sendable, Hashable {
    /// A dump that is missing: the command that prints it.
    case dump(String)
    /// An option of the flow, such as `--uid`.
    case flow(String)
    /// Only the moment decides: a rate, a quota, an earlier packet.
    case time
    /// A program on the node.
    case program
    /// A match or target that is not modelled.
    case notModelled
  }

  let question: Question
  public let source: Source
  /// How it reads where it holds and where it does not.
  private let positive: Assumption
  private let negative: Assumption

  /// The fact behind an assumption, and whether the assumption takes it to hold; nil: the assumption is no fact that
  /// could be either way, such as that a missing sysctl has its usual value.
  static func of(_ assumption: Assumption, _ ruleset: Ruleset) -> (fact: Fact, holds: Bool)? {
    switch assumption {
    case .local(let address, let local):
      return (
        Fact(.local(address), .dump("ip addr"), .local(address, true), .local(address, false)), local
      )
    case .target(let rule, let text, let drops):
      let source: Source = ruleset.isHiddenXtables(text) ? .dump("iptables-save") : .notModelled
      return (
        Fact(
          .target(rule: rule), source, .target(rule: rule, text, drops: true),
          .target(rule: rule, text, drops: false)), drops
      )
    case .program(let rule, let text, let accepts):
      return (
        Fact(
          .program(rule: rule), .program, .program(rule: rule, text, accepts: true),
          .program(rule: rule, text, accepts: false)), accepts
      )
    case .clause(let rule, let clause, let subject, let holds):
      let asked = ruleset.clauses[Int(ruleset.rules[Int(rule)].firstClause) + Int(clause)]
      func of(_ holds: Bool) -> Assumption { .clause(rule: rule, clause: clause, subject: subject, holds: holds) }
      guard case .match(let match) = asked else {
        return (Fact(.clause(rule: rule, clause: clause), .time, of(true), of(false)), holds)
      }
      let question = Question(match, rule: rule, clause: clause, subject: subject, ruleset)
      return (
        Fact(question, source(of: match, ruleset), of(!match.negated), of(match.negated)), holds != match.negated
      )
    case .bridgeCalls(let version, let calls):
      return (
        Fact(
          .bridgeCalls(version), .dump("sysctl -a"), .bridgeCalls(version, true), .bridgeCalls(version, false)), calls
      )
    case .device(let chain, let stands):
      return (Fact(.device(chain), .dump("nft list ruleset"), .device(chain, true), .device(chain, false)), stands)
    case .inputPort(let port):
      return (Fact(.inputPort(port), Self.bridgePorts, .inputPort(port), .inputPort(port)), true)
    case .outputPort(let port):
      return (Fact(.outputPort(port), Self.bridgePorts, .outputPort(port), .outputPort(port)), true)
    case .route, .forwarding, .looseReversePath, .wholeChain, .noRules, .emptyChain, .noVirtualServer, .text: return nil
    }
  }

  private static let bridgePorts = Source.dump("ip -d link; bridge fdb; ip neigh")

  /// Facts of one kind of which exactly one holds; nil: it stands alone.
  var alternatives: Int? {
    switch question {
    case .inputPort: 0
    case .outputPort: 1
    default: nil
    }
  }

  private init(_ question: Question, _ source: Source, _ positive: Assumption, _ negative: Assumption) {
    self.question = question
    self.source = source
    self.positive = positive
    self.negative = negative
  }

  private static func source(of match: Match, _ ruleset: Ruleset) -> Source {
    switch match.test {
    case .timeDependent, .nth: .time
    case .ipset: .dump("ipset save")
    case .unknown(let text): ruleset.isHiddenXtables(text) ? .dump("iptables-save") : .notModelled
    case .equal(let field, _, _), .range(let field, _, _), .anyBit(let field, _), .equalWide(let field, _),
      .rangeWide(let field, _):
      source(of: field)
    case .tcpOption: .notModelled
    case .socket(let test): test.transparent ? .notModelled : .dump("ss -lntu")
    case .reversePath: .dump("ip route show table all")
    default: .notModelled
    }
  }

  private static func source(of field: Field) -> Source {
    switch field {
    case .userID: .flow("--uid")
    case .groupID: .flow("--gid")
    case .length, .ip4TotalLength, .ip6PayloadLength, .udpLength: .flow("--length")
    case .mark: .flow("--mark")
    case .tcpFlags: .flow("--tcp-flags")
    case .outputInterface, .outputInterfaceIndex: .dump("ip route show table all")
    case .inputBridgePort, .outputBridgePort: bridgePorts
    case .inputInterfaceType, .outputInterfaceType, .inputInterfaceGroup, .outputInterfaceGroup: .dump("ip -d link")
    case .sourcePort: .flow("--source-port")
    default: .notModelled
    }
  }

  /// One clause, escaped for output.
  func sentence(_ holds: Bool, _ ruleset: Ruleset) -> String {
    let text = (holds ? positive : negative).sentence(ruleset)
    return holds || alternatives == nil ? text : "not: \(text)"
  }

  public static func == (a: Fact, b: Fact) -> Bool { a.question == b.question }
  public func hash(into hasher: inout Hasher) { hasher.combine(question) }
}
