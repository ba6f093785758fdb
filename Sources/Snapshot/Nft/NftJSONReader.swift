import Input
import Ruleset
import Wire

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Reads `nft -j list ruleset`. The JSON is another spelling of nft's language: each of its objects is written again as
/// a command of that language, and `NftTextReader`'s parser reads the commands, so that both ways into the ruleset
/// cannot come apart, and rules from JSON have a text to print. Memory: the commands, about a third of the JSON.
public enum NftJSONReader {
  public static func read(_ file: SourceFile, range: Range<Int>, into snapshot: inout Snapshot) {
    let range = range.clamped(to: 0..<file.bytes.count)
    var writer = NftJSONWriter(bytesOfJSON: range.count)
    let lines = lineNumbers(file, range)
    var number = 0
    let isWhole = JSONElements.visit("nftables", in: file, range: range) { element in
      writer.object(element, number: number)
      number += 1
    }
    var isCut = false
    if !isWhole {
      writer.reset()
      isCut = !readWhole(file, range, &writer, &snapshot.diagnostics)
    }
    let text = writer.out.takeFile(name: file.name)
    var ruleset = Ruleset()
    swap(&ruleset, &snapshot.ruleset)
    let index = ruleset.addFile(text)
    var reader = NftReader(
      scanner: NftScanner(
        text.bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), 0..<text.bytes.count, line: 1),
      ruleset: ruleset, file: index, fileName: file.name)
    ruleset = Ruleset()
    reader.lineMap = writer.sources.map { $0 < lines.count ? lines[$0] : lines.last ?? 1 }
    for message in writer.messages {
      let line = message.object < lines.count ? lines[message.object] : 1
      reader.diagnostics.add(Diagnostic(.warning, file: file.name, .line(line), message.text))
    }
    reader.reserve(text.bytes.count)
    reader.readAll()
    if isCut { markCutChains(&reader.lowering.ruleset, of: index) }
    snapshot.diagnostics.add(contentsOf: reader.diagnostics)
    swap(&reader.lowering.ruleset, &snapshot.ruleset)
    withExtendedLifetime(text) {}
  }

  /// nft lists the chains of a table before its rules, so each chain may lack some.
  private static func markCutChains(_ ruleset: inout Ruleset, of file: UInt32) {
    for chain in ruleset.chains.indices
    where ruleset.chains[chain].isDefined && ruleset[ruleset.chains[chain].table].file == file {
      ruleset.markCut(ChainID(chain))
    }
  }

  /// A text of another form than nft prints, or a malformed one: false.
  private static func readWhole(
    _ file: SourceFile, _ range: Range<Int>, _ writer: inout NftJSONWriter, _ diagnostics: inout Diagnostics
  ) -> Bool {
    do {
      let document = try JSONDocument(file, range: range)
      document.withRoot { root in writer.document(root) }
      return true
    } catch {
      diagnostics.add(error)
      salvage(file, range, &writer)
      return false
    }
  }

  /// What can be read of a text that is cut off or broken: the objects of its list that are whole.
  private static func salvage(_ file: SourceFile, _ range: Range<Int>, _ writer: inout NftJSONWriter) {
    guard var at = file.bytes[range].firstIndex(of: UInt8(ascii: "[")).map({ $0 + 1 }) else { return }
    var object = 0
    while let extent = JSONValidator.extent(in: file.bytes, from: at, end: range.upperBound) {
      if let document = try? JSONDocument(file, range: extent) {
        document.withRoot { value in writer.object(value, number: object) }
      }
      object += 1
      at = extent.upperBound
      while at < range.upperBound, file.bytes[at] <= 0x20 || file.bytes[at] == UInt8(ascii: ",") { at += 1 }
    }
  }

  /// The line of each object of the list. nft prints all on one line; other tools put line breaks between.
  private static func lineNumbers(_ file: SourceFile, _ range: Range<Int>) -> [Int] {
    let bytes = file.bytes
    let first = range.lowerBound > 0 ? file.line(at: range.lowerBound) : 1
    let trimmed = bytes[range].lastIndex { $0 > 0x20 }.map { $0 + 1 } ?? range.upperBound
    guard trimmed > range.lowerBound,
      memchr(bytes.baseAddress! + range.lowerBound, 10, trimmed - range.lowerBound) != nil
    else { return [first] }
    var lines: [Int] = []
    var line = first
    var depth = 0
    var at = range.lowerBound
    while at < trimmed {
      switch bytes[at] {
      case 10: line += 1
      case UInt8(ascii: "{"):
        if depth == 2 { lines.append(line) }
        depth += 1
      case UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: "\""):
        at += 1
        while at < trimmed, bytes[at] != UInt8(ascii: "\"") {
          if bytes[at] == UInt8(ascii: "\\") { at += 1 }
          at += 1
        }
      default: break
      }
      at += 1
    }
    return lines
  }
}

extension NftJSONReader {
  static let descriptor = DumpDescriptor(
    .nftJSON, role: .rules, commands: ["nft -j list ruleset"],
    json: { head in
      // kube-proxy's configuration has a key of that name, too.
      guard head.contains("\"nftables\"") else { return false }
      return isFirstKey("\"nftables\"", head) || !head.contains("\"apiVersion\"")
    },
    read: { dump, snapshot in read(dump.section.file, range: dump.section.range, into: &snapshot) },
    recognises: { _ in false })

  private static func isFirstKey(_ key: StaticString, _ head: ByteText) -> Bool {
    var at = 0
    while at < head.bytes.count, head.bytes[at] <= 0x20 || head.bytes[at] == UInt8(ascii: "{") { at += 1 }
    return head.dropFirst(at).hasPrefix(key)
  }
}
