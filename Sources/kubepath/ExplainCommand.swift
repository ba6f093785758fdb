import ArgumentParser
import Diagnosis
import Snapshot

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "What a finding means: how it shows, why it happens, what to do.",
    discussion: """
      EXAMPLES
        kubepath explain                 all findings, one line each
        kubepath explain forward-drop    one of them
      """)

  @Argument(help: "The finding's id.") var finding: String?

  func run() throws {
    guard let finding else {
      let width = Catalogue.entries.map(\.id.count).max() ?? 0
      for entry in Catalogue.entries {
        Terminal.write(entry.id + String(repeating: " ", count: width - entry.id.count + 2) + entry.summary + "\n")
      }
      return
    }
    guard let entry = Catalogue.entries.first(where: { $0.id == finding }) else {
      throw ValidationError("No finding '\(printable(finding))'; 'kubepath explain' lists all.")
    }
    Terminal.write(
      "\(entry.id)\n\n  what      \(entry.summary)\n  shows     \(entry.signs)\n  fix       \(entry.fix)\n")
  }
}
