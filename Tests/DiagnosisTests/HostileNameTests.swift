import Findings
import Foundation
import Input
import Intent
import Journey
import PacketPath
import Report
import ServiceMap
import Snapshot
import Testing
import Wire

@testable import Diagnosis

/// Names in objects and dumps are anybody's; commands that hold them are pasted into a root shell. Every command of findings,
/// `why`, `trace`, journeys and captures is read by a shell: the words are those of the harmless names, with the hostile ones in
/// their place, and text that is no command holds no hostile name where a command would stand.
@Suite struct HostileNameTests {
  /// What a node's name ends with.
  static let hostile = "x';touch /tmp/owned;$(id)`id`\"&|\\*"

  // MARK: Names of nodes

  @Test func commandsKeepTheirWordsUnderOtherNodeNames() throws {
    var commands = 0
    for broken in CheckTests.cases {
      let context = Self.context(broken)
      var renamed = context
      for index in renamed.nodes.indices { renamed.nodes[index].name += Self.hostile }
      let plain = Self.commands(Checks.all.flatMap { $0.run(context) })
      let changed = Self.commands(Checks.all.flatMap { $0.run(renamed) })
      #expect(plain.count == changed.count, "\(broken.id)")
      for (number, (before, after)) in zip(try Shell.words(plain), try Shell.words(changed)).enumerated() {
        // A node's name that objects tell is not changed.
        #expect(after == Self.withNodes(before, context) || after == before, "\(broken.id): \(changed[number])")
        commands += 1
      }
    }
    #expect(commands > 200)
  }

  private static func context(_ broken: CheckTests.Case) -> CheckContext {
    var fixture = ClusterFixture(broken.mode)
    broken.breaks(&fixture)
    return ClusterFixture.context([("a", fixture)])
  }

  private static func commands(_ findings: [Finding]) -> [String] {
    findings.flatMap { ($0.fix.compactMap(\.command) + $0.verify).map(\.text) }
  }

  private static func withNodes(_ words: [String], _ context: CheckContext) -> [String] {
    words.indices.map { index in
      // `kubectl get node NAME`.
      let isNode = index > 0 && words[index - 1] == "node" && context.nodes.contains { $0.name == words[index] }
      if isNode { return words[index] + hostile }
      for node in context.nodes {
        for prefix in ["spec.nodeName=", "POD-ON-"] where words[index] == prefix + node.name {
          return words[index] + hostile
        }
      }
      return words[index]
    }
  }

  // MARK: Every other name

  /// Namespaces, Services, Pods, labels and interfaces of the fixtures, by what becomes of them.
  private static let renaming: [(plain: String, hostile: String)] =
    ["shop", "cart", "edge", "office", "empty", "storefront", "search", "checkout"].map { ($0, "\($0)$(id)`x;'&|z") }
    + ["cni0", "eth0", "veth5", "veth6"].map { ($0, "\($0.dropLast())$(id)`;'\($0.last!)") }

  private static func renamed(_ text: String) -> String {
    renaming.reduce(text) { $0.replacing($1.plain, with: $1.hostile) }
  }

  private static func renamed(_ fixture: ClusterFixture) -> ClusterFixture {
    var fixture = fixture
    for (name, text) in fixture.files { fixture.files[name] = renamed(text) }
    return fixture
  }

  /// What two runs printed, the second with hostile names.
  private struct Printed {
    var commands: [String] = []
    var texts: [String] = []

    mutating func add(_ findings: [Finding]) {
      commands += HostileNameTests.commands(findings)
      for finding in findings {
        texts += [finding.problem, finding.cause] + finding.evidence.map(\.fullText)
        texts += finding.fix.filter { $0.command == nil }.map(\.text) + finding.fix.compactMap(\.why)
      }
    }
  }

  /// In nftables mode names of chains hold names of Services, and nft's own grammar keeps them harmless.
  private static let modes: [ClusterFixture.Mode] = [.iptables, .ipvs]

  @Test func findingsOfChecks() throws {
    var count = 0
    for broken in CheckTests.cases where Self.modes.contains(broken.mode) {
      var fixture = ClusterFixture(broken.mode)
      broken.breaks(&fixture)
      count += try Self.compare("\(broken.id)", fixture) { fixture, printed in
        printed.add(Diagnosis.run(ClusterFixture.context([("a", fixture)])))
      }
    }
    #expect(count > 200)
  }

  @Test func tracesWhyServicesAndJourneys() throws {
    var count = 0
    for situation in GoldenTests.situations where Self.modes.contains(situation.mode) {
      var fixture = ClusterFixture(situation.mode)
      situation.change(&fixture)
      count += try Self.compare(situation.name, fixture) { Self.ask(situation, $0, &$1) }
    }
    #expect(count > 10)
  }

  /// `trace`, `why` for every Service, `services` and a journey.
  private static func ask(_ situation: GoldenTests.Situation, _ fixture: ClusterFixture, _ printed: inout Printed) {
    let snapshot = SnapshotLoader.load(
      fixture.files.sorted { $0.key < $1.key }.map { SourceFile(name: $0.key, text: $0.value) }, name: "a")
    let intent = ObjectReader.read(snapshot.objectFiles)
    let names = NameResolver(intent)
    let facts = AnswerFacts(snapshot, names: names)
    let style = Style(coloured: false)
    let interface = snapshot.links?.first { $0.name.hasPrefix(String(situation.interface.dropLast())) }?.name
    let flow = Flow(
      ipProtocol: .tcp, source: IPAddress(situation.from)!, sourcePort: 40000, destination: IPAddress(situation.to)!,
      destinationPort: situation.port, from: interface ?? situation.interface)
    let (trace, judgement) = Judge(PathTracer(snapshot), facts).judge(flow)
    let findings = AnswerCauses.findings(judgement, trace, snapshot, names)
    printed.add(findings)
    printed.texts.append(
      TraceText(snapshot, style: style, name: { names.name(of: $0) }).render(trace, judgement, findings: []))
    for index in intent.services.indices {
      let why = WhyAnswer(.service(index, port: 0), [snapshot], names)
      printed.add(why.findings)
      printed.texts.append(WhyText.render(why, style: style))
    }
    let map = ServiceMap(NodeModel(snapshot, indexed: true), intent: intent) { tracer in
      let judge = Judge(tracer, facts)
      return { judge.answer(to: $0) }
    }
    printed.texts.append(ServicesText.render(map, node: "a", style: style, wide: true))
    let journeys = JourneyJudge(BundleMap([snapshot], intent), names)
    let answer = journeys.judge(flow)
    printed.add(journeys.findings(answer))
    printed.texts.append(answer.why)
    printed.texts += answer.undecided + answer.wanted
  }

  /// Captures beside the rules and objects of their node.
  @Test(arguments: ["eth0.pcap", "cni0.pcap"]) func capturesBesideRules(_ capture: String) throws {
    var fixture = ClusterFixture(.iptables)
    fixture.files = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: CaptureJoinTests.folder)
    where !name.hasSuffix(".pcap") {
      fixture.files[name] = try String(contentsOfFile: "\(CaptureJoinTests.folder)/\(name)", encoding: .utf8)
    }
    _ = try Self.compare(capture, fixture) { fixture, printed in
      let files = fixture.files.sorted { $0.key < $1.key }.map { SourceFile(name: $0.key, text: $0.value) }
      printed.add((try? CaptureJoinTests.findings("example/\(capture)", beside: files)) ?? [])
    }
  }

  /// How many commands with hostile names were compared.
  private static func compare(
    _ what: String, _ fixture: ClusterFixture, _ ask: (ClusterFixture, inout Printed) -> Void
  ) throws -> Int {
    var (plain, hostile) = (Printed(), Printed())
    ask(fixture, &plain)
    ask(renamed(fixture), &hostile)
    // What a command spells itself stays as it is: `arping -I eth0`.
    let before = try Shell.words(plain.commands)
    let meant = Set(before + before.map { $0.map(renamed) })
    let read = try Shell.words(hostile.commands)
    #expect(read.count == hostile.commands.count, "\(what): a shell does not read all of them")
    for (number, words) in read.enumerated() {
      #expect(meant.contains(words), "\(what): \(hostile.commands[number]) is read as \(words)")
    }
    for text in hostile.texts {
      for name in renaming where standsInCommand(name.hostile, text) {
        Issue.record("\(what): \(name.hostile) stands unquoted in a command: \(text)")
      }
    }
    return read.count { words in words.contains { word in renaming.contains { word.contains($0.hostile) } } }
  }

  /// Whether a clause that begins with a program's name holds a text.
  private static func standsInCommand(_ name: String, _ text: String) -> Bool {
    for part in text.ranges(of: name) {
      let before = text[..<part.lowerBound]
      let clause = ["; ", ": ", ", ", ". ", " (", "\n", "# "].compactMap { before.ranges(of: $0).last?.upperBound }
        .max()
      let words = before[(clause ?? before.startIndex)...].split(separator: " ")
      if let first = words.first, programs.contains(first) { return true }
    }
    return false
  }

  private static let programs: Set<Substring> = [
    "kubectl", "kubepath", "ip", "iptables", "ip6tables", "nft", "sysctl", "conntrack", "tcpdump", "bridge", "ipvsadm",
    "ipset", "nsenter", "firewall-cmd", "ufw", "grep", "ss", "curl", "crictl", "systemctl",
  ]
}

/// A real shell.
enum Shell {
  /// The words that it makes of each command, several commands of a line together; comments are none of them. Fewer where it
  /// does not read one.
  static func words(_ commands: [String]) throws -> [[String]] {
    let script = commands.map { command in
      // What follows the first command of several would be run: they are read as words too.
      let text = command.replacing(" && ", with: " '&&' ").replacing("; ", with: " ';' ")
        .replacing(" | ", with: " '|' ").replacing(" > ", with: " '>' ").replacing(" </dev/null", with: " '<'")
      return "printf '%s\\0' \(text)\nprintf '\\n\\0'\n"
    }
    let folder = FileManager.default.temporaryDirectory.appending(path: "shell-\(UUID().uuidString)").path
    try script.joined().write(toFile: folder, atomically: true, encoding: .utf8)
    defer { unlink(folder) }
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/bash")
    shell.arguments = [folder]
    let output = Pipe()
    shell.standardOutput = output
    shell.standardError = FileHandle.nullDevice
    try shell.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    shell.waitUntilExit()
    let words = bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
      String(decoding: $0, as: UTF8.self)
    }
    return words.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(Array.init)
  }
}
