import ArgumentParser
import Diagnosis
import Intent
import Report
import Snapshot

/// What is to be tried on the model before the question is asked; shared by the commands that answer questions.
struct TrialOptions: ParsableArguments {
  @Option(
    name: .customLong("try"),
    help: ArgumentHelp(
      "What this command would do: applied to what is known of the node, not to the node; says what else changes. May be repeated. Takes \(Trial.understood).",
      valueName: "command"))
  var commands: [String] = []

  var isEmpty: Bool { commands.isEmpty }

  /// Nil: nothing is to be tried.
  func trial(on node: Snapshot, cluster: Cluster?) throws -> Trial? {
    guard !isEmpty else { return nil }
    var trial = Trial(node, cluster: cluster)
    for command in commands {
      do {
        try trial.apply(command)
      } catch {
        throw ValidationError("--try '\(printable(command, limit: 400))': \(error.description)")
      }
    }
    return trial
  }
}
