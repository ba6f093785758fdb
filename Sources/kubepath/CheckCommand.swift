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
        kubepath check -s node1/ -s services.yaml
            one node, and the cluster's objects
        kubepath check -s bundle/ --only stale-rules    one check
        kubepath check -s bundle/ -o junit > check.xml  for a pipeline
        kubepath check -s bundle/ --node-ports
            how each node answers at each NodePort
        kubepath check -s node1/ --try 'iptables -P FORWARD ACCEPT'
            what would be left, and what else changes
        kubepath check -s bundle/ --expect expectations.yaml
            what you rely on as well; alone with --only expectation-failed

      The objects:
        kubectl get services,endpointslices,pods,nodes,networkpolicies,ingresses,\\
      events,deployments,replicasets,statefulsets,daemonsets,\\
      persistentvolumeclaims,leases,namespaces -A -o json

      EXPECTATIONS
        A file in YAML or JSON: what must reach what, and how. An entry that does
        not hold is a finding, expectation-failed, with the rule that decides.
          - name: the shop keeps client addresses  # optional
            from: [outside, pod/shop/web-0]        # one or several
            to: svc/shop/cart:http                 # one or several
            result: allow                          # or refuse, drop, deny
            source: kept                           # or masqueraded; optional
            endpoints: [pod/shop/cart-0:8080]      # exactly these; optional
            node: node-a                           # optional
            interface: eth0                        # optional
            protocol: udp                          # optional
        from takes an address, pod/NS/NAME, node/NAME, local or outside; to what
        trace takes. refuse is answered, drop is not, deny is either of them.
        Without node: the node of the source's Pod, else every node.

      EXIT STATUS
        0 nothing of the severity of --fail-on · 1 such a finding stands · 64 usage
        65 malformed input · 66 input cannot be opened
      """)

  @OptionGroup var source: SnapshotOptions
  @OptionGroup var trying: TrialOptions
  @Option(
    name: .customLong("fail-on"),
    help: ArgumentHelp("Severity that makes the exit status 1: error or warning.", valueName: "severity"))
  var failOn: Threshold = .error
  @Option(help: ArgumentHelp("Run only this check; may be repeated.", valueName: "finding"))
  var only: [String] = []
  @Option(help: ArgumentHelp("Leave this check out; may be repeated.", valueName: "finding"))
  var skip: [String] = []
  @Option(
    help: ArgumentHelp("A file of expectations to compare with: who must reach what, and how.", valueName: "file"))
  var expect: String?
  @Flag(
    name: .customLong("node-ports"),
    help: "Also tell, for each NodePort on each node, who reaches it and what may stand in its way.")
  var nodePorts = false
  @Option(name: .shortAndLong, help: ArgumentHelp("text, json or junit.", valueName: "format"))
  var output: Output = .text

  private var chosen: [String] {
    Checks.all.map { $0.id }.filter { (only.isEmpty || only.contains($0)) && !skip.contains($0) }
  }

  func validate() throws {
    let known = Set(Checks.all.map { $0.id } + [AssertionRun.id])
    for id in only + skip where !known.contains(id) {
      throw ValidationError("'\(printable(id))' is no check; there are: \(known.sorted().joined(separator: ", ")).")
    }
    if expect == nil, only == [AssertionRun.id] {
      throw ValidationError("--only \(AssertionRun.id) needs a file of expectations: --expect FILE.")
    }
  }

  func run() throws {
    try source.guarding {
      var bundle = try source.load()
      if let node = source.node {
        _ = try source.choose(bundle)
        bundle.snapshots.removeAll { $0.name != node }
      }
      var malformed = source.reportDiagnostics(bundle)
      let intent = ObjectReader.read(bundle.objectFiles)
      Terminal.report(intent.diagnostics, verbose: source.verbose)
      malformed = malformed || intent.diagnostics.worst == .error
      try apply(&bundle, intent)
      let run = try runExpectations(bundle, intent, &malformed)
      if bundle.hasNothingToCheck(intent) {
        Terminal.note(
          "kubepath: unsure: nothing to check: no rules of a node were read and there are no objects; give iptables-save or nft list ruleset, and kubectl get services,endpointslices,pods,nodes -A -o json"
        )
      }
      // Tracing every frontend is the work; expectations alone do without.
      let context = chosen.isEmpty ? nil : CheckContext(bundle, intent: intent)
      if let missing = context?.missingKinds {
        Terminal.note(
          "kubepath: no \(missing) among the objects: they would tell why Pods are missing (kubectl get \(missing.lowercased().filter { $0 != " " }) -A -o json)"
        )
      }
      if intent.services.isEmpty, context != nil {
        Terminal.note("kubepath: no Services among the objects: only the nodes themselves are checked")
      }
      var findings = context.map { Diagnosis.run($0, only: Set(only), skip: Set(skip)) } ?? []
      findings += run?.cases.flatMap(\.findings) ?? []
      findings = Finding.Severity.allCases.reversed().flatMap { severity in findings.filter { $0.severity == severity }
      }
      write(findings, context, run)
      if malformed { throw ExitStatus.malformed }
      let limit: Finding.Severity = failOn == .error ? .error : .warning
      if findings.contains(where: { $0.severity >= limit }) { throw ExitStatus.failing }
      if context != nil, bundle.hasNothingToCheck(intent) { throw ExitStatus.unsure }
    }
  }

  /// Tries the commands of `--try` on every node that is checked.
  private func apply(_ bundle: inout Bundle, _ intent: Cluster) throws {
    for index in bundle.snapshots.indices {
      let before = bundle.snapshots[index]
      guard let trial = try trying.trial(on: before, cluster: intent) else { return }
      bundle.snapshots[index] = trial.snapshot
      guard output == .text else { continue }
      let comparison = TrialComparison(before: before, after: trial.snapshot, names: NameResolver(intent))
      if bundle.snapshots.count > 1 { Terminal.write("\(printable(before.name)):\n") }
      Terminal.write(TrialText.render(trial, comparison, style: Terminal.style(source.color)) + "\n")
    }
  }

  private func runExpectations(_ bundle: Bundle, _ intent: Cluster, _ malformed: inout Bool) throws -> AssertionRun? {
    guard let expect, !skip.contains(AssertionRun.id), only.isEmpty || only.contains(AssertionRun.id) else {
      return nil
    }
    let file = expect == "-" ? try SourceFile.read(descriptor: 0, name: "stdin") : try SourceFile.open(path: expect)
    var diagnostics = Diagnostics()
    let assertions = AssertionReader.read(file, &diagnostics)
    Terminal.report(diagnostics, verbose: source.verbose)
    malformed = malformed || diagnostics.worst == .error
    return AssertionRun(assertions, file: file.name, bundle, intent)
  }

  private func write(_ findings: [Finding], _ context: CheckContext?, _ run: AssertionRun?) {
    let summary = context?.summary ?? (services: 0, frontends: 0, traced: 0)
    let traced = summary.traced + (run?.traced ?? 0)
    let expectations = run.map { run in (all: run.cases.count, met: run.cases.count { $0.findings.isEmpty }) }
    let answers = nodePorts ? context.map { NodePorts.answers($0) } ?? [] : nil
    switch output {
    case .json:
      Terminal.write(
        FindingsJSON.check(
          findings, services: summary.services, frontends: summary.frontends, traced: traced,
          expectations: expectations, nodePorts: answers))
    case .junit:
      Terminal.write(
        FindingsJUnit.render(
          findings, checks: chosen, expectations: run?.cases.map { ($0.name, $0.findings) } ?? []))
    case .text:
      let counts = Finding.Severity.allCases.reversed().map { severity in
        "\(findings.count { $0.severity == severity }) \(severity.rawValue)"
      }
      var line = ""
      if let context {
        line += "\(summary.services) services, \(summary.frontends) frontends on \(context.nodes.count) nodes, "
      }
      if let expectations { line += "\(expectations.met) of \(expectations.all) expectations hold, " }
      Terminal.write(line + "\(traced) traces: \(counts.joined(separator: ", "))\n")
      if !findings.isEmpty { Terminal.write("\n" + FindingsText.render(findings, style: Terminal.style(source.color))) }
      if let answers { Terminal.write("\n" + NodePortsText.render(answers)) }
    }
  }
}

extension Bundle {
  /// Neither rules of a node nor objects of the cluster: whatever a check says then, it says of nothing.
  fileprivate func hasNothingToCheck(_ intent: Cluster) -> Bool {
    intent.isEmpty
      && snapshots.allSatisfy { !$0.rulesKnown && $0.virtualServers == nil && $0.ebpfFrontends == nil }
  }
}
