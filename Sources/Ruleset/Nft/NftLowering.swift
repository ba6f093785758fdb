import Wire

/// Builds rules of nft's language out of clauses. What the language leaves unsaid is said here once, for every reader
/// (text, JSON, netlink): the protocol that a header needs, flags that ask for any bit, marks computed from marks.
///
/// A rule: `beginRule()`, then matches and statements in order, then `endRule(…)`.
public struct NftLowering: Sendable {
  public var ruleset: Ruleset
  public private(set) var family = Family.inet
  public private(set) var table = TableID(0)

  /// NFPROTO_* that the rule's matches so far, or the family, fix; 0: open.
  var knownNetwork: UInt8 = 0
  /// The transport protocol + 1 that the rule's matches so far fix; 0: open.
  var knownTransport: UInt16 = 0
  /// First clause of the open rule.
  public private(set) var firstClause = 0
  /// Texts seen already, by their bytes: counters and comments repeat.
  private var textNames = NameTable()
  private var textIDs: [TextID] = []

  public init(_ ruleset: Ruleset) { self.ruleset = ruleset }

  public mutating func enter(_ id: TableID) {
    table = id
    family = ruleset[id].family
  }

  public mutating func beginRule() {
    firstClause = ruleset.clauses.count
    knownTransport = 0
    knownNetwork =
      switch family {
      case .ip: 2
      case .ip6: 10
      default: 0
      }
  }

  public mutating func endRule(in chain: ChainID, file: UInt32, line: Int, offset: Int, length: Int) {
    ruleset.addRule(to: chain, firstClause: firstClause, file: file, line: line, offset: offset, length: length)
  }

  /// Takes the open rule's clauses out, to build other rules in between (`jump { … }`); `resume` puts them back.
  public mutating func suspend() -> Suspended {
    let list = Array(ruleset.clauses[firstClause...])
    ruleset.clauses.removeSubrange(firstClause...)
    return Suspended(clauses: list, network: knownNetwork, transport: knownTransport)
  }

  public mutating func resume(_ rule: Suspended) {
    firstClause = ruleset.clauses.count
    ruleset.clauses.append(contentsOf: rule.clauses)
    knownNetwork = rule.network
    knownTransport = rule.transport
  }

  public struct Suspended: Sendable {
    var clauses: [Clause]
    var network: UInt8
    var transport: UInt16
  }

  // MARK: Clauses

  @inlinable public mutating func add(_ test: Test, negated: Bool = false) {
    ruleset.clauses.append(.match(Match(test, negated: negated)))
  }

  @inlinable public mutating func add(_ statement: Statement) {
    ruleset.clauses.append(.statement(statement))
  }

  /// Puts a match before the open rule's others.
  public mutating func addFirst(_ test: Test) {
    ruleset.clauses.insert(.match(Match(test)), at: firstClause)
  }

  /// The number of a text, known or new.
  public mutating func text(_ bytes: UnsafeRawBufferPointer) -> TextID {
    let name = textNames.intern(bytes)
    if Int(name.index) < textIDs.count { return textIDs[Int(name.index)] }
    let id = ruleset.addText(String(decoding: bytes, as: UTF8.self))
    textIDs.append(id)
    return id
  }

  public mutating func text(_ string: String) -> TextID {
    var copy = string
    return copy.withUTF8 { text(UnsafeRawBufferPointer($0)) }
  }

  /// Tests what a key needs, unless an earlier match of the rule already fixed it. `always`: also where the field's
  /// absence would make the match fail anyway (a negated match must not hold for the other family).
  public mutating func require(_ needs: NftNeeds, always: Bool = true) {
    if needs.network != 0, knownNetwork != needs.network, knownNetwork == 0 {
      if always {
        // The link-layer families have no nfproto.
        if family == .inet {
          add(.equal(.networkProtocol, value: UInt32(needs.network), mask: .max))
        } else {
          add(.equal(.etherType, value: needs.network == 2 ? 0x0800 : 0x86DD, mask: .max))
        }
        knownNetwork = needs.network
      }
    }
    if needs.transport != 0, knownTransport != needs.transport {
      add(.equal(.protocol, value: UInt32(needs.transport - 1), mask: .max))
      knownTransport = needs.transport
    }
  }

  /// The same for a key; concatenations need what all their parts need.
  public mutating func require(_ term: NftTerm, always: Bool = true) {
    if term.parts.isEmpty { return require(term.needs, always: always) }
    for part in term.parts { require(part.needs, always: always) }
  }
}
