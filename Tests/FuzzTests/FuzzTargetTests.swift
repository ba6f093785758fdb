import Foundation
import FuzzSupport
import Input
import Testing

/// Every reader has a fuzz target, and every target survives damaged copies of its seeds.
@Suite struct FuzzTargetTests {
  private static let sources = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
      "Sources")

  /// By the rule that a reader stands in a file named after it.
  @Test func everyReaderHasATarget() throws {
    let files = try #require(FileManager.default.enumerator(at: Self.sources, includingPropertiesForKeys: nil))
    let covered = Set(FuzzTarget.all.flatMap(\.readers))
    var found = 0
    for case let file as URL in files where file.pathExtension == "swift" {
      let name = file.deletingPathExtension().lastPathComponent
      // Extensions stand beside their type; the protocol reads nothing.
      guard name.hasSuffix("Reader"), name != "DumpReader" else { continue }
      found += 1
      #expect(covered.contains(name), "\(name) has no target in FuzzTarget.swift")
    }
    #expect(found > 30)
  }

  @Test func namesAreDistinct() {
    #expect(Set(FuzzTarget.all.map(\.name)).count == FuzzTarget.all.count)
  }

  @Test(arguments: FuzzTarget.all.map(\.name)) func survivesDamage(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let tokens = ["\n", " ", "{", "[", "\"", ":", "-", "/", "\u{0}", "\u{1B}", "0x", "[0:0]", "\t", ",", "=", "!"]
    let seeds = target.seeds.isEmpty ? [""] : target.seeds
    for (index, seed) in seeds.enumerated() {
      let count = max(400 / seeds.count, 8)
      let run = FuzzRun(
        Mutator(seed: UInt64(index) + 11, tokens: tokens).mutations(of: seed, count: count), within: .seconds(2)
      ) { target.run(SourceFile(name: "f", contents: $0)) }
      #expect(run.inputs > 0)
      #expect(run.slowest < .seconds(2), "\(String(decoding: run.slowestInput, as: UTF8.self))")
    }
  }
}
