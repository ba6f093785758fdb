import Ruleset

/// What to print for a rule: its line in the dump, or nft's spelling of it where it came from the running kernel.
enum RuleText {
  static func of(_ rule: Rule, _ ruleset: Ruleset) -> String {
    let source = ruleset.sourceText(of: rule)
    return source.isEmpty ? NftPrinter(ruleset).text(of: rule) : source
  }
}
