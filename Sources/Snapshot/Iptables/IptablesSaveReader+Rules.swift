import Input
import Ruleset
import Wire

// For rules whose tables and chains another source declared.
extension IptablesSaveReader {
  /// Appends rules, one a line (`-A CHAIN …`), to the chains of a table that is declared already.
  public static func readRules(
    _ file: SourceFile, of table: TableID, version: IPVersion, into ruleset: inout Ruleset,
    _ diagnostics: inout Diagnostics
  ) {
    // The ruleset leaves its owner while it is changed, so that its arrays stay uniquely referenced.
    var parser = IptablesParser(
      ruleset: ruleset, diagnostics: diagnostics, file: file, version: version, backend: ruleset[table].backend)
    ruleset = Ruleset()
    diagnostics = Diagnostics()
    parser.table = table
    var at = 0
    while at < file.bytes.count {
      parser.line += 1
      let end = parser.lineEnd(from: at, limit: file.bytes.count)
      parser.readLine(at, end)
      at = end + 1
    }
    parser.resolveJumps()
    ruleset = parser.ruleset
    diagnostics = parser.diagnostics
  }

  /// Whether iptables has a built-in chain of this name, hook and priority in a table of this name.
  public static func isBuiltIn(_ chain: String, of table: String, _ base: BaseChain) -> Bool {
    var name = chain
    return name.withUTF8 { bytes in
      guard let start = bytes.baseAddress,
        let place = IptablesParser.place(table, Token(start: start, count: bytes.count))
      else { return false }
      return place.hook == base.hook && place.priority == base.priority
    }
  }
}
