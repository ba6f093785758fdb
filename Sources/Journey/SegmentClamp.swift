import Ruleset

/// A rule that rewrites the MSS option of a SYN: iptables' TCPMSS, nft's `tcp option maxseg size set`.
enum SegmentClamp {
  case size(Int)
  /// What the routes of both directions take.
  case pathMTU

  init?(_ ruleset: Ruleset, _ rule: RuleID) {
    for case .statement(.note(let id)) in ruleset.clauses(of: ruleset[rule]) {
      let words = ruleset[id].split(separator: " ")
      if words.contains("--clamp-mss-to-pmtu") || words.contains("maxseg") && words.suffix(2) == ["rt", "mtu"] {
        self = .pathMTU
        return
      }
      if let at = words.firstIndex(of: "--set-mss"), at + 1 < words.count, let size = Int(words[at + 1]) {
        self = .size(size)
        return
      }
      if words.contains("maxseg"), words.dropLast().last == "set", let size = words.last.flatMap({ Int($0) }) {
        self = .size(size)
        return
      }
    }
    return nil
  }
}
