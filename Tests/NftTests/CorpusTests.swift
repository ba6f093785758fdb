import Foundation
import Input
import Ruleset
import Snapshot
import Testing

@Suite("nft: the corpus", .enabled(if: Corpus.root != nil))
struct NftCorpusTests {
  static let verbose = ProcessInfo.processInfo.environment["KUBEPATH_TEST_VERBOSE"] != nil

  @Test("JSON that the real nft accepts is read without a complaint")
  func json() throws {
    var files = 0
    var rules = 0
    var unknown = 0
    for dump in Corpus.dumps where dump.kind == "nft-json" {
      var snapshot = Snapshot(name: "corpus")
      let file = try Corpus.open(dump)
      NftJSONReader.read(file, range: 0..<file.bytes.count, into: &snapshot)
      snapshot.ruleset.finish()
      files += 1
      rules += snapshot.ruleset.rules.count
      let unmodelled = Unmodelled(snapshot.ruleset)
      unknown += unmodelled.texts.count
      let complaints = snapshot.diagnostics.list.filter { $0.severity > .note }
      // Two dumps were cut off by the tool that wrote them; what loads is what they were made from.
      let cut = file.bytes.last { $0 > 0x20 } != UInt8(ascii: "}")
      if dump.loads == "yes", !cut { #expect(complaints.isEmpty) }
      if Self.verbose {
        for complaint in complaints { print("\(dump.loads) \(complaint)") }
        for text in unmodelled.texts { print("unknown \(dump.path): \(text)") }
      }
    }
    print("nft JSON: \(files) files, \(rules) rules, \(unknown) unknown clauses")
  }

  @Test("text that the real nft accepts is read without a complaint")
  func text() throws {
    var files = 0
    var rules = 0
    var unknown = 0
    for dump in Corpus.dumps where dump.kind == "nft-text" || dump.kind == "nft-script" {
      var snapshot = Snapshot(name: "corpus")
      let file = try Corpus.open(dump)
      NftTextReader.read(file, range: 0..<file.bytes.count, into: &snapshot)
      snapshot.ruleset.finish()
      files += 1
      rules += snapshot.ruleset.rules.count
      let unmodelled = Unmodelled(snapshot.ruleset)
      unknown += unmodelled.texts.count
      let complaints = snapshot.diagnostics.list.filter { $0.severity > .note }
      if dump.loads == "yes" || dump.loads == "n/a" {
        #expect(
          complaints.allSatisfy { dump.kind == "nft-script" && $0.message.contains("not followed") }, "\(complaints)")
      }
      if Self.verbose {
        for complaint in complaints { print("\(dump.loads) \(complaint)") }
        for text in unmodelled.texts { print("unknown \(dump.path): \(text)") }
      }
    }
    print("nft text: \(files) files, \(rules) rules, \(unknown) unknown clauses")
  }
}
