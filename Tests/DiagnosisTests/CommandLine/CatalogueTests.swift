import Diagnosis
import Foundation
import Report
import Testing

/// Every finding that can be met has a page that one can learn from.
@Suite struct CatalogueTests {
  @Test(arguments: Catalogue.entries.map(\.id)) func hasEveryPart(_ id: String) throws {
    let entry = try #require(Catalogue.entry(id))
    #expect(!entry.summary.isEmpty && !entry.signs.isEmpty && !entry.undo.isEmpty && !entry.example.isEmpty)
    #expect(entry.summary.hasSuffix("."))
    #expect(entry.why.split(separator: " ").count >= 8, "\(entry.why)")
    #expect(!entry.see.isEmpty && !entry.references.isEmpty && !entry.sources.isEmpty)
    #expect(!entry.fixes.isEmpty && entry.fixes.allSatisfy { !$0.owner.isEmpty && !$0.text.isEmpty })
    #expect(entry.example.contains("kubepath "))
    for reference in entry.references { #expect(reference.hasPrefix("https://") || reference.hasPrefix("kubepath ")) }
    let page = CatalogueText.page(entry, style: Style(coloured: false, width: 80))
    for heading in ["WHAT", "HOW IT SHOWS", "WHY", "SEE IT", "FIX", "UNDO", "EXAMPLE", "FROM", "READ MORE"] {
      #expect(page.contains("\n\(heading)"))
    }
    for command in entry.see + [entry.example] { #expect(page.contains("  \(command)\n"), "a command is broken") }
  }

  @Test func eachIdIsThereOnce() {
    let ids = Catalogue.entries.map(\.id)
    #expect(Set(ids).count == ids.count && ids.count > 100)
  }

  @Test func everyCheckHasAPageThatNamesIt() {
    for check in Checks.all { #expect(Catalogue.entry(check.id)?.sources.contains(.check) ?? false, "\(check.id)") }
  }

  /// Ids stand as literals where findings are made.
  @Test(
    arguments: [("CaptureAnalysis", Catalogue.Source.capture), ("Diagnosis", nil)] as [(String, Catalogue.Source?)])
  func everyFindingMadeHasAPage(_ target: String, _ source: Catalogue.Source?) throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources/\(target)")
      .standardized
    let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
    var seen: Set<String> = []
    for case let file as URL in files where file.pathExtension == "swift" && !file.path.contains("/Catalogue/") {
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(of: /\bid(?:: | = )"([a-z0-9]+(?:-[a-z0-9]+)*)"/) { seen.insert(String(match.1)) }
    }
    #expect(seen.count > 20)
    for id in seen.sorted() {
      let entry = Catalogue.entry(id)
      #expect(entry != nil, "\(id) has no page")
      if let source { #expect(entry?.sources.contains(source) ?? false, "\(id): from \(source)") }
    }
  }
}
