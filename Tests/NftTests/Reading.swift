import Input
import Ruleset
import Snapshot
import Testing
import Wire

/// A text read, and the shortest ways to ask what came of it.
struct Reading {
  let snapshot: Snapshot
  var ruleset: Ruleset { snapshot.ruleset }

  init(_ text: String) {
    var snapshot = Snapshot(name: "test")
    let file = SourceFile(name: "nft.txt", text: text)
    NftTextReader.read(file, range: 0..<file.bytes.count, into: &snapshot)
    snapshot.ruleset.finish()
    self.snapshot = snapshot
  }

  init(json text: String) {
    var snapshot = Snapshot(name: "test")
    let file = SourceFile(name: "nft.json", text: text)
    NftJSONReader.read(file, range: 0..<file.bytes.count, into: &snapshot)
    snapshot.ruleset.finish()
    self.snapshot = snapshot
  }

  /// One rule in a chain `c` of a table of this family, besides sets and the like.
  init(_ family: Family, rule: String, with other: String = "") {
    self.init("table \(family.rawValue) t {\n\(other)\n\tchain x {\n\t}\n\tchain c {\n\t\t\(rule)\n\t}\n}\n")
  }

  func chain(_ name: String) -> ChainID? {
    ruleset.tables.indices.lazy.compactMap { ruleset.chain(named: name, in: TableID($0)) }.first
  }

  func rules(_ chain: String) -> [Rule] { self.chain(chain).map { ruleset.rules(of: $0).map { ruleset[$0] } } ?? [] }

  /// The clauses of the first rule of chain `c`.
  var clauses: [Clause] { rules("c").first.map { Array(ruleset.clauses(of: $0)) } ?? [] }

  var tests: [Match] {
    clauses.compactMap { clause in
      if case .match(let match) = clause { return match }
      return nil
    }
  }

  var statements: [Statement] {
    clauses.compactMap { clause in
      if case .statement(let statement) = clause { return statement }
      return nil
    }
  }

  var messages: [String] { snapshot.diagnostics.list.map(\.description) }

  /// The rules of a chain, spelled from their clauses.
  func spelled(_ chain: String = "c") -> [String] {
    var printer = NftPrinter(ruleset)
    printer.spellsFromClauses = true
    return rules(chain).map { printer.text(of: $0) }
  }

  func set(_ name: String) -> NamedSet? { ruleset.sets.first { $0.name == name } }
}

func equal(_ field: Field, _ value: UInt32, mask: UInt32 = .max, not: Bool = false) -> Match {
  Match(.equal(field, value: value, mask: mask), negated: not)
}
func v4(_ text: String) -> UInt32 { IPAddress(text)!.v4 }
func name(_ text: String) -> Bits128 { Bits128(leftAligned: text.utf8) }
