import Input
import Ruleset
import Wire

/// Which tables of a node nobody handed over. `iptables -t nat -S` prints one table: the others may have rules, unlike those that
/// a whole iptables-save does not have.
enum GivenTables {
  /// The tables that nearly every node has rules in, and that decide.
  private static let deciding = ["filter", "nat"]

  static func missing(_ dumps: [RecognisedDump], _ ruleset: borrowing Ruleset) -> [IPVersion: [String]] {
    // nft lists the tables of both versions.
    let listsAll = dumps.contains { dump in
      switch dump.format {
      case .nftText, .nftJSON: !(dump.command.map { Prompt.printsExcerpt($0) } ?? false)
      default: false
      }
    }
    guard !listsAll else { return [:] }
    var missing: [IPVersion: [String]] = [:]
    for (version, family) in [(IPVersion.v4, Family.ip), (.v6, .ip6)] {
      let own = dumps.filter { isIptables($0) && RuleSelection.Variant($0).version == version }
      guard !own.isEmpty, own.allSatisfy(printsOneTable) else { continue }
      let tables = deciding.filter { name in !ruleset.tables.contains { $0.family == family && $0.name == name } }
      if !tables.isEmpty { missing[version] = tables }
    }
    return missing
  }

  private static func isIptables(_ dump: RecognisedDump) -> Bool {
    dump.format == .iptablesSave || dump.format == .iptablesListing
  }

  /// `iptables -S` and `-L` always do; iptables-save where it is told to.
  private static func printsOneTable(_ dump: RecognisedDump) -> Bool {
    guard dump.format == .iptablesSave else { return true }
    if let command = dump.command, command.contains("save") {
      return command.contains(" -t") || command.contains(" --table")
    }
    for line in dump.section.lines {
      switch line.text.first {
      case UInt8(ascii: "*"): return false
      case UInt8(ascii: "-"): return true
      default: continue
      }
    }
    return false
  }
}
