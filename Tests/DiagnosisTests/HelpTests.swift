import ArgumentParser
import Testing

@testable import kubepath

/// Help is read in terminals of 80 columns, and its examples are copied: a line that is wrapped there is a broken command.
@Suite struct HelpTests {
  static let commands: [any ParsableCommand.Type] = [Kubepath.self] + Kubepath.configuration.subcommands

  @Test(arguments: commands.map { $0.configuration.commandName ?? "" }) func linesFit(name: String) throws {
    let command = try #require(Self.commands.first { $0.configuration.commandName == name })
    for line in command.configuration.discussion.split(separator: "\n") {
      #expect(line.count <= 80, "\(name): \(line)")
    }
    let help = Kubepath.helpMessage(for: command, columns: 80)
    for line in help.split(separator: "\n") { #expect(line.count <= 80, "\(name): \(line)") }
  }
}
