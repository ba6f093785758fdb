import Input
import Ruleset
import Snapshot
import Wire

// Tables of iptables-nft: their rules are spelled as iptables-save does and read by its reader.
extension NftSource {
  /// The rules of such a table that were listed since the last reading of them.
  struct XtTable {
    var version: IPVersion
    var text: [UInt8] = []
  }

  /// A table has iptables' chains, and another tool's rules.
  struct AlienTable: Error {
    var table: TableKey
  }

  static let builtIn: Set<String> = ["filter", "nat", "mangle", "raw", "security"]

  /// Finds the tables that iptables-nft owns: by their names and by their base chains.
  mutating func findXtables() {
    for (key, id) in tables where Self.builtIn.contains(key.name) && !native.contains(key) {
      let table = lowering.ruleset[id]
      guard table.family == .ip || table.family == .ip6 else { continue }
      let bases = lowering.ruleset.chains.filter { $0.table == id && $0.base != Chain.notBase }
      let fits = bases.allSatisfy { chain in
        IptablesSaveReader.isBuiltIn(
          lowering.ruleset.names[chain.name], of: table.name, lowering.ruleset.bases[Int(chain.base)])
      }
      guard fits, !bases.isEmpty else { continue }
      lowering.ruleset.tables[Int(id.index)].backend = .iptablesNft
      xtables[id] = XtTable(version: table.family == .ip ? .v4 : .v6)
    }
  }

  /// The versions of whose tables xtables' own tool would tell more; it is installed.
  var opaqueVersions: Set<IPVersion> {
    Set(opaqueTables.compactMap { xtables[$0]?.version }.filter { Tool.find(XtablesSource.nftTool($0)) != nil })
  }

  /// One rule's line. False: the table is none of iptables-nft.
  mutating func spell(_ expressions: Attributes?, userdata: Attributes?, of chain: String, in table: TableID) -> Bool {
    guard let version = xtables[table]?.version else { return false }
    var rule = XtRule(version, ipsetNames)
    let text = rule.text(expressions, userdata: userdata)
    if rule.isAlien {
      alien = tables.first { $0.value == table }?.key
      return true
    }
    for name in rule.opaque {
      opaque.insert("\(name) of xtables")
      opaqueTables.insert(table)
    }
    xtables[table]?.text += Array("-A \(XtText.quoted(chain))\(text)\n".utf8)
    return true
  }

  /// Reads the lines that were spelled.
  mutating func readSpelled() throws {
    if let alien { throw AlienTable(table: alien) }
    for (id, table) in xtables.sorted(by: { $0.key.index < $1.key.index }) where !table.text.isEmpty {
      xtables[id]?.text = []
      let file = SourceFile(
        name: "\(table.version == .v4 ? "iptables" : "ip6tables")-nft \(lowering.ruleset[id].name)",
        contents: table.text)
      IptablesSaveReader.readRules(
        file, of: id, version: table.version, into: &lowering.ruleset, &diagnostics)
    }
  }
}
