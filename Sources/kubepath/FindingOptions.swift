import ArgumentParser
import Diagnosis
import Findings
import Input
import Snapshot

/// Which findings are looked for and which of them make a command fail; shared by the commands that look for findings.
struct FindingOptions: ParsableArguments {
  enum Threshold: String, ExpressibleByArgument, CaseIterable {
    case error, warning, never

    func isReached(by findings: [Finding]) -> Bool {
      switch self {
      case .error: findings.contains { $0.severity == .error }
      case .warning: findings.contains { $0.severity >= .warning }
      case .never: false
      }
    }
  }

  @Option(
    name: .customLong("fail-on"),
    help: ArgumentHelp("Severity that makes the exit status 1.", valueName: "severity"))
  var failOn: Threshold = .error
  @Option(help: ArgumentHelp("Only this finding; may be repeated, or a list with commas.", valueName: "finding"))
  var only: [String] = []
  @Option(help: ArgumentHelp("Leave this finding out; may be repeated, or a list with commas.", valueName: "finding"))
  var skip: [String] = []

  var onlyIDs: Set<String> { Self.words(only) }
  var skipIDs: Set<String> { Self.words(skip) }

  private static func words(_ list: [String]) -> Set<String> {
    Set(list.flatMap { $0.split(separator: ",").map(String.init) })
  }

  func validate() throws {
    for id in onlyIDs.union(skipIDs).sorted() where Catalogue.entry(id) == nil {
      throw ValidationError(
        "'\(printable(id))' is no finding\(NearestName.question(id, in: Catalogue.entries.map(\.id))) 'kubepath explain' lists all."
      )
    }
  }

  func contains(_ id: String) -> Bool { (only.isEmpty || onlyIDs.contains(id)) && !skipIDs.contains(id) }

  func filter(_ findings: [Finding]) -> [Finding] { findings.filter { contains($0.id) } }
}
