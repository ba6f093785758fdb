import ArgumentParser
import Diagnosis
import Findings
import Input
import Intent
import Report
import Snapshot

struct CheckCommand: ParsableCommand {
  enum Output: String, ExpressibleByArgument, CaseIterable { case text, json, junit }
  enum Threshold: String, ExpressibleByArgument, CaseIterable { case error, warning }

  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Every Service traced on every node, compared with what the cluster wants.",
    discussion: """
      EXAMPLES
        kubepath check -s bundle/                       all findings of all nodes
        kubepath check -s node1/ -s services.yaml       one node, and the cluster's objects
        kubepath check -s bundle/ --only stale-rules    one check
        kubepath check -s bundle/ -o junit > check.xml  for a pipeline

      The objects: kubectl get services,endpointslices,pods,nodes,networkpolicies,ingresses -A -o json

      EXIT STATUS
        0 nothing of the severity of --fail-on · 1 such a finding stands · 64 usage · 65 malformed input ·
        66 input cannot be opened
      """)

  @OptionGroup var source: SnapshotOptions
  @Option(
    name: .customLong("fail-on"),
    help: ArgumentHelp("Severity that makes the exit status 1: error or warning.", valueName: "severity"))
  var failOn: Threshold = .error
  @Option(help: ArgumentHelp("Run only this check; may be repeated.", valueName: "finding"))
  var only: [String] = []
  @Option(help: ArgumentHelp("Leave this check out; may be repeated.", valueName: "finding"))
  var skip: [String] = []
  @Option(name: .shortAndLong, help: ArgumentHelp("text, json or junit.", valueName: "format"))
  var output: Output = .text

  func validate() throws {
    let known = Set(Checks.all.map { $0.id })
    for id in only + skip where !known.contains(id) {
      throw ValidationError("'\(printable(id))' is no check; there are: \(known.sorted().joined(separator: ", ")).")
    }
  }

  func run() throws {
    try source.guarding {
      var bundle = try source.load()
      if let node = source.node {
        _ = try source.choose(bundle)
        bundle.snapshots.removeAll { $0.name != node }
      }
      let malformed = source.reportDiagnostics(bundle)
      let intent = ObjectReader.read(bundle.objectFiles)
      Terminal.report(intent.diagnostics, verbose: source.verbose)
      if intent.services.isEmpty {
        Terminal.note("kubepath: no Services among the objects: only the nodes themselves are checked")
      }
      let context = CheckContext(bundle, intent: intent)
      let findings = Diagnosis.run(context, only: Set(only), skip: Set(skip))
      let summary = context.summary
      switch output {
      case .json:
        Terminal.write(
          FindingsJSON.check(findings, services: summary.services, frontends: summary.frontends, traced: summary.traced)
        )
      case .junit:
        let ids = Checks.all.map { $0.id }.filter { (only.isEmpty || only.contains($0)) && !skip.contains($0) }
        Terminal.write(FindingsJUnit.render(findings, checks: ids))
      case .text:
        Terminal.write(FindingsText.render(findings, style: Terminal.style(source.color)))
        let counts = Finding.Severity.allCases.reversed().map { severity in
          "\(findings.count { $0.severity == severity }) \(severity.rawValue)"
        }
        Terminal.write(
          "\(summary.services) services, \(summary.frontends) frontends on \(context.nodes.count) nodes, \(summary.traced) traces: \(counts.joined(separator: ", "))\n"
        )
      }
      if malformed || intent.diagnostics.worst == .error { throw ExitStatus.malformed }
      let limit: Finding.Severity = failOn == .error ? .error : .warning
      if findings.contains(where: { $0.severity >= limit }) { throw ExitStatus.failing }
    }
  }
}
