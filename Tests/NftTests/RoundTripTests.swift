import Foundation
import Input
import Ruleset
import Snapshot
import Testing

/// Read, print, load with the real nft into a network namespace, list: the listing must be that of the dump itself.
@Suite("nft: round trip through the kernel", .enabled(if: Corpus.root != nil && RoundTrip.isPossible))
struct NftRoundTripTests {
  @Test("source text", .timeLimit(.minutes(10)))
  func sourceText() throws {
    let result = try RoundTrip.run(fromClauses: false)
    #expect(result.same * 100 >= result.loaded * 95, "\(result.same) of \(result.loaded)")
  }

  @Test("spelled from clauses", .timeLimit(.minutes(10)))
  func fromClauses() throws {
    let result = try RoundTrip.run(fromClauses: true)
    #expect(result.same * 100 >= result.loaded * 80, "\(result.same) of \(result.loaded)")
  }
}

enum RoundTrip {
  static let isPossible = shell("unshare -n nft list ruleset") == 0

  @discardableResult
  static func shell(_ command: String) -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return -1 }
    process.waitUntilExit()
    return process.terminationStatus
  }

  static func run(fromClauses: Bool) throws -> (loaded: Int, same: Int) {
    let verbose = ProcessInfo.processInfo.environment["KUBEPATH_TEST_VERBOSE"] != nil
    let folder = FileManager.default.temporaryDirectory.appending(path: "kubepath-round-trip-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let dumps = Corpus.dumps.filter { $0.loads == "yes" && ($0.kind == "nft-text" || $0.kind == "nft-json") }
    var script = "cd \"\(folder.path)\"\n"
    for (index, dump) in dumps.enumerated() {
      let file = try Corpus.open(dump)
      var snapshot = Snapshot(name: "corpus")
      let isJSON = dump.kind == "nft-json"
      if isJSON {
        NftJSONReader.read(file, range: 0..<file.bytes.count, into: &snapshot)
      } else {
        NftTextReader.read(file, range: 0..<file.bytes.count, into: &snapshot)
      }
      snapshot.ruleset.finish()
      let text = NftPrinter.print(snapshot.ruleset, fromClauses: fromClauses)
      try text.write(to: folder.appending(path: "\(index).print"), atomically: false, encoding: .utf8)
      let source = Corpus.root!.appending(path: dump.path).path
      script +=
        "unshare -n sh -c 'nft \(isJSON ? "-j" : "") -f \"\(source)\" && nft list ruleset' > \(index).a 2>/dev/null || rm \(index).a\n"
      script +=
        "[ -f \(index).a ] && { unshare -n sh -c 'nft -f \(index).print && nft list ruleset' > \(index).b 2> \(index).err; }\n"
    }
    try script.write(to: folder.appending(path: "run.sh"), atomically: false, encoding: .utf8)
    shell("sh \"\(folder.path)/run.sh\"")
    var loaded = 0
    var same = 0
    for (index, dump) in dumps.enumerated() {
      guard let expected = try? String(contentsOf: folder.appending(path: "\(index).a"), encoding: .utf8) else {
        continue
      }
      loaded += 1
      let got = (try? String(contentsOf: folder.appending(path: "\(index).b"), encoding: .utf8)) ?? ""
      let (a, b) = (normalised(expected), normalised(got))
      if a == b {
        same += 1
      } else if verbose {
        let error = (try? String(contentsOf: folder.appending(path: "\(index).err"), encoding: .utf8)) ?? ""
        print(
          "differs (clauses: \(fromClauses)) \(dump.path) \(error.split(separator: "\n").prefix(3).joined(separator: " | "))"
        )
        for (x, y) in zip(a, b) where x != y {
          print("  want \(x)\n  got  \(y)")
          break
        }
      }
    }
    print("round trip (from clauses: \(fromClauses)): \(same) of \(loaded) the same")
    return (loaded, same)
  }

  /// Lines, with what differs from load to load evened out: the order of elements in sets, and time left.
  static func normalised(_ text: String) -> [String] {
    var lines: [String] = []
    var open = ""
    for line in text.split(separator: "\n") {
      let trimmed = line.trimmingCharacters(in: .whitespaces)
      if !open.isEmpty {
        open += " " + trimmed
        if trimmed.hasSuffix("}") {
          lines.append(sorted(open))
          open = ""
        }
      } else if trimmed.hasPrefix("elements = {"), !trimmed.hasSuffix("}") {
        open = trimmed
      } else {
        lines.append(sorted(trimmed))
      }
    }
    return lines
  }

  private static func sorted(_ line: String) -> String {
    guard let brace = line.firstIndex(of: "{"), let end = line.lastIndex(of: "}"), brace < end else { return line }
    let elements = line[line.index(after: brace)..<end].split(separator: ",").map { element in
      var words = element.split(separator: " ").map(String.init)
      while let at = words.firstIndex(of: "expires"), at + 1 < words.count { words.removeSubrange(at...at + 1) }
      return words.joined(separator: " ")
    }
    return line[...brace] + elements.sorted().joined(separator: ", ") + line[end...]
  }
}
