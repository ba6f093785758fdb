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

  @Test("the nodes of kube-proxy: text, text with handles and JSON come to the same rules")
  func kubeProxy() throws {
    let root = Corpus.root!.deletingLastPathComponent().appending(path: "kube-proxy")
    let nodes = try FileManager.default.contentsOfDirectory(atPath: root.path).sorted()
    var compared = 0
    for node in nodes {
      func read(_ name: String) throws -> Ruleset? {
        let path = root.appending(path: node).appending(path: name).path
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let file = try SourceFile.open(path: path, name: "\(node)/\(name)")
        guard file.bytes.count > 0 else { return nil }
        var snapshot = Snapshot(name: node)
        if name.hasSuffix("json") {
          NftJSONReader.read(file, range: 0..<file.bytes.count, into: &snapshot)
        } else {
          NftTextReader.read(file, range: 0..<file.bytes.count, into: &snapshot)
        }
        snapshot.ruleset.finish()
        #expect(snapshot.diagnostics.list.filter { $0.severity > .note }.isEmpty, "\(snapshot.diagnostics.list)")
        return snapshot.ruleset
      }
      guard let text = try read("nft-list-ruleset.txt") else { continue }
      let spelled = Self.rules(text)
      if let handles = try read("nft-list-ruleset-a.txt") { #expect(Self.rules(handles) == spelled, "\(node)") }
      if let json = try read("nft-j.json") {
        let difference = Self.rules(json).difference(from: spelled)
        #expect(difference.isEmpty, "\(node)")
        compared += 1
      }
    }
    print("kube-proxy nodes: \(compared) alike in text and JSON")
  }

  /// Every chain with its rules, spelled from the clauses; without counters, which run on between two dumps.
  private static func rules(_ ruleset: Ruleset) -> [String] {
    var printer = NftPrinter(ruleset)
    printer.spellsFromClauses = true
    // Of iptables-nft's tables, text and JSON show different parts.
    return ruleset.declared.filter { ruleset[ruleset[$0].table].name == "kube-proxy" }.flatMap { chain in
      ["\(ruleset[ruleset[chain].table].family) \(ruleset.name(of: chain)) \(ruleset[ruleset[chain].table].backend)"]
        + ruleset.rules(of: chain).map {
          printer.text(of: ruleset[$0]).replacing(/counter packets \d+ bytes \d+/, with: "counter")
        }
    }.sorted()
  }
}
