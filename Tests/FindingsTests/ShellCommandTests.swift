import Foundation
import Testing

@testable import Findings

/// Names come from dumps that anybody may have written; a command that is pasted must not run them.
@Suite struct ShellCommandTests {
  static let hostile = [
    "", "a b", "a'b", "a\"b", "$(id)", "`id`", "a;b", "a&b|c>d<e", "*", "?x[1]", "~root", "#x", "!x", "\\", "a\\'b",
    "{a,b}",
    "line\nbreak", "tab\tstop", "\u{1B}[31m", "\u{202E}drow", "ümlaut",
    "-n", "--", "$'x'", "a=b", "'", "''", "\u{7F}",
  ]

  /// The words that a shell makes of a command.
  private static func words(_ command: String) throws -> [String] {
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/bash")
    shell.arguments = ["-c", "printf '%s\\0' \(command)"]
    let output = Pipe()
    shell.standardOutput = output
    try shell.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    shell.waitUntilExit()
    return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  @Test func aShellReadsTheWordsBack() throws {
    #expect(try Self.words(ShellCommand(words: Self.hostile).text) == Self.hostile)
  }

  @Test(arguments: hostile)
  func interpolatedWordsStayWhole(_ name: String) throws {
    let command: ShellCommand = "kubectl -n \(name) patch service a.\(name) -p \("{\"\(name)\": 1}") -o 'x y'"
    #expect(
      try Self.words(command.text) == [
        "kubectl", "-n", name, "patch", "service", "a.\(name)", "-p", "{\"\(name)\": 1}", "-o", "x y",
      ])
    // Nothing of it moves a terminal's cursor.
    #expect(command.text.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
  }

  @Test func plainWordsStayAsTheyAre() {
    let command: ShellCommand = "ip route replace \("10.244.1.0/24") via \("192.0.2.9") # \("node-a")"
    #expect(command.text == "ip route replace 10.244.1.0/24 via 192.0.2.9 # node-a")
    #expect(ShellCommand.quoted("svc/shop/cart:http,a=b@c%d+e") == "svc/shop/cart:http,a=b@c%d+e")
    #expect(ShellCommand.quoted("[fd00::1]:80") == "'[fd00::1]:80'")
  }

  @Test func partsAreNotQuotedTwice() {
    let part: ShellCommand = "-p udp --orig-dst \("a b")"
    #expect("conntrack -D \(part)" as ShellCommand == "conntrack -D -p udp --orig-dst 'a b'")
  }
}
