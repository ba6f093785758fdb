import FuzzSupport
import Input
import Testing

@testable import Snapshot

/// What holds for every dump format, told by its descriptor.
@Suite struct FormatTests {
  @Test(arguments: DumpFormat.allCases) func everyFormatIsRecognisedByItsSample(_ format: DumpFormat) throws {
    let text = try #require(FormatSamples.text(of: format), "no sample of \(format) in FormatSamples.swift")
    #expect(format.descriptor.format == format)
    #expect(!format.descriptor.commands.isEmpty)
    let prompt = FormatSamples.command(of: format).map { "$ \($0)\n" } ?? ""
    let found = Recognition.divide(SourceFile(name: "sample", text: prompt + text))
    #expect(found.dumps.map(\.format) == [format])
    #expect(found.unread.isEmpty)
  }

  /// Behind another dump, before another, and with prompts between them: each is found.
  @Test(arguments: DumpFormat.allCases) func aFormatStandsBesideEveryOther(_ format: DumpFormat) throws {
    guard format != .kernelLog, format != .componentLog, FormatSamples.command(of: format) == nil,
      let text = FormatSamples.text(of: format)
    else { return }
    for other in DumpFormat.allCases where other != format && FormatSamples.command(of: other) == nil {
      guard let second = FormatSamples.text(of: other) else { continue }
      let command = other.descriptor.commands[0]
      let both = "\(text)\n\nroot@node-a:~# \(command)\n\(second)\n"
      let found = Recognition.dumps(in: SourceFile(name: "two", text: both)).map(\.format)
      #expect(found == [format, other], "\(format) then \(other)")
    }
  }

  @Test(arguments: DumpFormat.allCases) func aSampleIsReadWithoutAWarning(_ format: DumpFormat) throws {
    let text = try #require(FormatSamples.text(of: format))
    let prompt = FormatSamples.command(of: format).map { "$ \($0)\n" } ?? ""
    let snapshot = SnapshotLoader.load([SourceFile(name: "sample", text: prompt + text)], name: "node")
    let warnings = snapshot.diagnostics.list.filter { $0.severity > .note }.map(\.message)
    // A listing of one chain is a part of a table, and what nft does not print is said.
    let expected = format == .iptablesListing ? 1 : 0
    #expect(warnings.count == expected, "\(warnings)")
  }

  /// An empty file says "none" for the formats whose descriptor says so, and only for those.
  @Test(arguments: DumpFormat.allCases) func anEmptyFileMeansWhatTheDescriptorSays(_ format: DumpFormat) {
    for entry in format.descriptor.collected {
      let snapshot = SnapshotLoader.load([SourceFile(name: entry.file, text: "")], name: "node")
      #expect(snapshot.unrecognised.isEmpty == (format.descriptor.empty != nil), "\(entry.file)")
    }
  }

  @Test func theCommandsAreInTheMessageForUnknownFiles() {
    for command in ["iptables-save", "nft list ruleset", "ip -d addr", "kubectl get"] {
      #expect(SnapshotLoader.expected.contains(command))
    }
  }
}
