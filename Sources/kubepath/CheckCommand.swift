import ArgumentParser
import Diagnosis
import Findings
import Input
import Intent
import Report
import Snapshot

struct CheckCommand: ParsableCommand {
  enum Output: String, OutputFormat { case text, wide, json, yaml, junit }

  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Every Service traced on every node, compared with what the cluster wants.",
    usage: "kubepath check [svc/<name> ...] [-s <path> ...] [<options>]",
    discussion: """
      EXAMPLES
        kubepath check -s bundle/                       all findings of all nodes
        kubepath check -s node1/ -s services.yaml
            one node, and the cluster's objects
        kubepath check svc/shop/cart -s bundle/
        kubepath check -n shop -s bundle/
            what is about one Service; about those of a namespace
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

  @Argument(
    help: ArgumentHelp("Only what is about these Services: svc/NAMESPACE/NAME.", valueName: "service"),
    completion: .custom(SnapshotNames.services))
  var services: [String] = []

  @OptionGroup var source: SnapshotOptions
  @OptionGroup var namespaces: NamespaceOptions
  @OptionGroup var output: OutputOptions<Output>
  @OptionGroup var chosenFindings: FindingOptions
  @OptionGroup var trying: TrialOptions
  @OptionGroup var list: ListOptions
  @OptionGroup var view: ViewOptions
  @Option(
    help: ArgumentHelp("A file of expectations to compare with: who must reach what, and how.", valueName: "file"))
  var expect: String?
  @Flag(
    name: .customLong("node-ports"),
    help: "Also tell, for each NodePort on each node, who reaches it and what may stand in its way.")
  var nodePorts = false

  private static let objects = "kubectl get services,endpointslices,pods,nodes -A -o json"

  private var chosen: [String] { Checks.all.map { $0.id }.filter { chosenFindings.contains($0) } }
  private var style: Style { output.format == .wide ? view.style.unlimited : view.style }
  private var isText: Bool { output.format == .text || output.format == .wide }

  func validate() throws {
    let known = Set(Checks.all.map { $0.id } + [AssertionRun.id])
    for id in chosenFindings.onlyIDs.union(chosenFindings.skipIDs).sorted() where !known.contains(id) {
      throw ValidationError("'\(printable(id))' is a finding of captures: kubepath capture looks for it.")
    }
    if expect == nil, chosenFindings.onlyIDs == [AssertionRun.id] {
      throw ValidationError("--only \(AssertionRun.id) needs a file of expectations: --expect FILE.")
    }
  }

  func run() throws {
    try CommandRun.guarding {
      var bundle = try source.load()
      try source.files.restrict(&bundle)
      var malformed = CommandRun.report(bundle, verbose: view.verbose)
      let intent = ObjectReader.read(bundle.objectFiles)
      Terminal.report(intent.diagnostics, verbose: view.verbose)
      malformed = malformed || intent.diagnostics.worst == .error
      if !services.isEmpty, intent.services.isEmpty {
        throw ValidationError(
          "Services are told by the cluster's objects, and there are none: \(Self.objects) > objects.json, and -s objects.json."
        )
      }
      let selection = try ServiceSelection(services, namespaces, known: intent.services.map(\.fullName))
      try apply(&bundle, intent)
      let run = try runExpectations(bundle, intent, &malformed)
      if bundle.hasNothingToCheck(intent) {
        Terminal.say(
          "unsure: nothing to check: no rules of a node were read and there are no objects; give iptables-save or nft list ruleset, and",
          command: Self.objects)
      }
      // Tracing every frontend is the work; expectations alone do without.
      let (context, found) = Activity.during("checking \(counted(bundle.snapshots.count, "node"))") {
        () -> (CheckContext?, [Finding]) in
        guard !chosen.isEmpty else { return (nil, []) }
        let context = CheckContext(bundle, intent: intent)
        return (
          context,
          Diagnosis.run(context, only: chosenFindings.onlyIDs, skip: chosenFindings.skipIDs)
        )
      }
      if let missing = context?.missingKinds {
        Terminal.say(
          "no \(missing) among the objects: they would tell why Pods are missing",
          command: "kubectl get \(missing.lowercased().filter { $0 != " " }) -A -o json")
      }
      if intent.services.isEmpty, context != nil {
        Terminal.say("no Services among the objects: only the nodes themselves are checked")
      }
      var findings = found.filter { selection.contains($0) }
      if findings.count < found.count {
        Terminal.say("\(counted(found.count - findings.count, "finding")) about others left out")
      }
      findings += run?.cases.flatMap(\.findings) ?? []
      findings = Finding.Severity.allCases.reversed().flatMap { severity in findings.filter { $0.severity == severity }
      }
      try write(findings, context, run, selection)
      if malformed { throw ExitStatus.malformed }
      if chosenFindings.failOn.isReached(by: findings) { throw ExitStatus.failing }
      if context != nil, bundle.hasNothingToCheck(intent) { throw ExitStatus.unsure }
    }
  }

  /// Tries the commands of `--try` on every node that is checked.
  private func apply(_ bundle: inout Bundle, _ intent: Cluster) throws {
    for index in bundle.snapshots.indices {
      let before = bundle.snapshots[index]
      guard let trial = try trying.trial(on: before, cluster: intent) else { return }
      bundle.snapshots[index] = trial.snapshot
      guard isText else { continue }
      let comparison = TrialComparison(before: before, after: trial.snapshot, names: NameResolver(intent))
      if bundle.snapshots.count > 1 { Terminal.write("\(printable(before.name)):\n") }
      Terminal.write(TrialText.render(trial, comparison, style: style) + "\n")
    }
  }

  private func runExpectations(_ bundle: Bundle, _ intent: Cluster, _ malformed: inout Bool) throws -> AssertionRun? {
    guard let expect, chosenFindings.contains(AssertionRun.id) else { return nil }
    let file = expect == "-" ? try SourceFile.read(descriptor: 0, name: "stdin") : try SourceFile.open(path: expect)
    var diagnostics = Diagnostics()
    let assertions = AssertionReader.read(file, &diagnostics)
    Terminal.report(diagnostics, verbose: view.verbose)
    malformed = malformed || diagnostics.worst == .error
    return AssertionRun(assertions, file: file.name, bundle, intent)
  }

  private func write(
    _ findings: [Finding], _ context: CheckContext?, _ run: AssertionRun?, _ selection: ServiceSelection
  ) throws {
    let summary = context?.summary ?? (services: 0, frontends: 0, traced: 0)
    let traced = summary.traced + (run?.traced ?? 0)
    let expectations = run.map { run in (all: run.cases.count, met: run.cases.count { $0.findings.isEmpty }) }
    let answers =
      nodePorts ? context.map { NodePorts.answers($0).filter { selection.contains($0.service) } } ?? [] : nil
    switch output.format {
    case .json, .yaml:
      let json = FindingsJSON.check(
        findings, services: summary.services, frontends: summary.frontends, traced: traced,
        expectations: expectations, nodePorts: answers)
      Terminal.write(output.format == .json ? json : try YAMLText.from(json: json))
    case .junit:
      Terminal.write(
        FindingsJUnit.render(
          findings, checks: chosen, expectations: run?.cases.map { ($0.name, $0.findings) } ?? []))
    case .text, .wide:
      var asked: [String] = []
      if let context {
        asked.append(
          "\(counted(summary.services, "Service")), \(counted(summary.frontends, "frontend")) on \(counted(context.nodes.count, "node"))"
        )
      }
      if let expectations { asked.append("\(expectations.met) of \(counted(expectations.all, "expectation")) hold") }
      asked.append(counted(traced, "trace"))
      Terminal.write(
        style.paragraph("", "\(FindingsText.headline(findings))  (\(asked.joined(separator: ", ")))", hanging: 2)
          .joined(separator: "\n") + "\n")
      if !findings.isEmpty { Terminal.write("\n" + FindingsText(style, top: list.top).render(findings)) }
      if let answers { Terminal.write("\n" + NodePortsText.render(answers, style: style, top: list.top)) }
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
