/// The rules of an iptables-save dump as text, by chain: what legacy TRACE records do not tell is read from here.
public struct SavedRules: Sendable {
  public private(set) var rules: [ChainName: [String]] = [:]
  /// "accept" or "drop"; only built-in chains have one.
  public private(set) var policies: [ChainName: String] = [:]

  public init() {}

  public mutating func add(_ dump: String, family: String) {
    var table = ""
    for line in dump.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 2)
      if line.hasPrefix("*") {
        table = String(line.dropFirst())
      } else if line.hasPrefix(":"), words.count >= 2 {
        let name = ChainName(family, table, String(words[0].dropFirst()))
        rules[name] = []
        if words[1] != "-" { policies[name] = words[1].lowercased() }
      } else if words.first == "-A", words.count >= 2 {
        rules[ChainName(family, table, String(words[1])), default: []].append(words.count > 2 ? String(words[2]) : "")
      }
    }
  }

  /// `nft list ruleset`: one rule a line inside chains.
  public mutating func add(nft listing: String) {
    var family = ""
    var table = ""
    var chain: ChainName?
    for line in listing.split(separator: "\n") {
      let words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
      switch words.first {
      case "table" where words.count >= 3: (family, table) = (words[1], words[2])
      case "chain" where words.count >= 2:
        chain = ChainName(family, table, words[1])
        rules[ChainName(family, table, words[1])] = []
      case "}": chain = nil
      case "type" where chain != nil && words.contains("hook"): break
      case .some: if let chain { rules[chain, default: []].append(words.joined(separator: " ")) }
      case nil: break
      }
    }
  }

  public func text(_ chain: ChainName, _ rule: Int?) -> String? {
    guard let rule, let all = rules[chain], rule >= 1, rule <= all.count else { return nil }
    return all[rule - 1]
  }

  /// What a rule that matched does, in the words of nf_tables' tracing.
  func verdict(_ chain: ChainName, _ rule: Int) -> String {
    guard let words = text(chain, rule).map(Self.words), let at = words.firstIndex(where: { $0 == "-j" || $0 == "-g" }),
      at + 1 < words.count
    else { return "continue" }
    let target = words[at + 1]
    if rules[ChainName(chain.family, chain.table, target)] != nil,
      policies[ChainName(chain.family, chain.table, target)] == nil
    {
      return (words[at] == "-g" ? "goto " : "jump ") + target
    }
    switch target {
    case "ACCEPT", "DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP", "TPROXY": return "accept"
    case "DROP", "REJECT": return "drop"
    case "RETURN": return "return"
    default: return "continue"
    }
  }

  /// The answer of a REJECT rule; nil for other rules.
  func rejectKind(_ chain: ChainName, _ rule: Int?) -> String? {
    // nft's reject: what was answered says which kind; a rule without an answer tells it itself.
    if let words = text(chain, rule).map(Self.words), let at = words.firstIndex(of: "reject"),
      at == 0 || !words[at - 1].hasPrefix("-")
    {
      return words.count > at + 2 ? words[(at + 2)...].joined(separator: "-") : "port-unreachable"
    }
    guard let words = text(chain, rule).map(Self.words), let at = words.firstIndex(of: "REJECT"), at > 0,
      words[at - 1] == "-j"
    else { return nil }
    if let with = words.firstIndex(of: "--reject-with"), with + 1 < words.count { return words[with + 1] }
    return chain.family == "ip6" ? "icmp6-port-unreachable" : "icmp-port-unreachable"
  }

  /// The words of a rule outside its quoted strings.
  private static func words(_ rule: String) -> [String] {
    let bare = rule.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 0 }.map(\.element).joined(separator: " ")
    return bare.split(separator: " ").map(String.init)
  }
}
