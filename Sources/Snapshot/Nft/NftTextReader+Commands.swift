import Input
import Ruleset
import Wire

// Commands on what is there already.
extension NftTextReader {
  /// Applies `add`, `create` and `insert` to the tables and sets of a snapshot. What is wrong with them becomes
  /// diagnostics, as with any text.
  public static func apply(_ file: SourceFile, to snapshot: inout Snapshot) {
    guard let base = file.bytes.baseAddress else { return }
    var ruleset = Ruleset()
    swap(&ruleset, &snapshot.ruleset)
    let index = ruleset.addFile(file)
    var reader = NftReader(
      scanner: NftScanner(base.assumingMemoryBound(to: UInt8.self), 0..<file.bytes.count, line: 1), ruleset: ruleset,
      file: index, fileName: file.name)
    ruleset = Ruleset()
    reader.adoptTables()
    reader.readAll()
    snapshot.diagnostics.add(contentsOf: reader.diagnostics)
    swap(&reader.lowering.ruleset, &snapshot.ruleset)
    snapshot.ruleset.finish()
    withExtendedLifetime(file) {}
  }
}

extension NftReader {
  /// Takes tables and sets that were read before for this text's own.
  mutating func adoptTables() {
    for (index, table) in lowering.ruleset.tables.enumerated()
    where !table.dormant && (table.backend == .nft || table.backend == .iptablesNft) {
      let key = "\(table.family.rawValue) \(table.name)"
      if tables[key] == nil { tables[key] = TableID(index) }
    }
    for index in lowering.ruleset.sets.indices where !lowering.ruleset.sets[index].name.isEmpty {
      let set = lowering.ruleset.sets[index]
      let name = lowering.ruleset.names.intern(set.name)
      sets[SetKey(table: set.table.index, name: name)] = SetInfo(
        id: SetID(index), keys: set.keyTypes.map { Self.type($0) ?? .integer }, widths: set.keyTypes.map { _ in 0 },
        data: set.dataTypes.map { Self.type($0) ?? .object }, line: Int(set.line))
    }
  }

  private static func type(_ name: String) -> NftType? {
    if name == NftType.verdict.name { return .verdict }
    var name = name
    return name.withUTF8 { NftType(named: UnsafeRawBufferPointer($0)) }
  }
}
