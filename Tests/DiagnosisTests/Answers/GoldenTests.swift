import Diagnosis
import Findings
import Glibc
import Input
import Intent
import PacketPath
import Report
import ServiceMap
import Snapshot
import Testing
import Wire

/// What people read of ten situations: trace, why, services and check as text. The texts stand in Golden/, one file a
/// situation; with GOLDEN=write in the environment they are written anew, to be looked at before they are committed.
@Suite struct GoldenTests {
  struct Situation: CustomTestStringConvertible, Sendable {
    var name: String
    var mode: ClusterFixture.Mode
    var from: String
    var interface: String
    var to: String
    var port: UInt16
    var change: @Sendable (inout ClusterFixture) -> Void
    var testDescription: String { name }
  }

  private static func situation(
    _ name: String, _ mode: ClusterFixture.Mode = .iptables, from: String = "10.244.0.5", by interface: String = "cni0",
    to: String, _ port: UInt16, _ change: @escaping @Sendable (inout ClusterFixture) -> Void = { _ in }
  ) -> Situation {
    Situation(name: name, mode: mode, from: from, interface: interface, to: to, port: port, change: change)
  }

  static let situations: [Situation] = [
    situation("served", to: "10.96.0.20", 80),
    situation("no-endpoints", to: "10.96.0.50", 80),
    situation("no-endpoints-nftables", .nftables, to: "10.96.0.50", 80),
    situation("unserved", to: "10.96.0.20", 80) {
      $0.remove("iptables-save", "-A KUBE-SERVICES -d 10.96.0.20/32")
    },
    situation("host-firewall", to: "10.96.0.20", 80) {
      $0.replace("iptables-save", "-A FORWARD", "-A FORWARD -d 10.244.1.0/24 -p tcp --dport 8080 -j DROP\n-A FORWARD")
    },
    situation("reply-dropped", from: "192.0.2.77", by: "eth0", to: "192.0.2.1", 30080) {
      $0.replace(
        "iptables-save", "-A FORWARD",
        "-A FORWARD -m conntrack --ctdir REPLY -s 10.244.0.5/32 -j DROP\n"
          + "-A FORWARD -m conntrack --ctdir REPLY -s 10.244.1.5/32 -j DROP\n-A FORWARD")
    },
    situation("source-ranges", from: "198.18.0.9", by: "eth0", to: "203.0.113.8", 80),
    situation("unknown-set", to: "10.96.0.20", 80) {
      $0.replace("iptables-save", "-A FORWARD", "-A FORWARD -m set --match-set friends src -j DROP\n-A FORWARD")
    },
    situation("no-listener", from: "192.0.2.77", by: "eth0", to: "192.0.2.1", 8088),
    situation("forwarding-off", to: "10.96.0.20", 80) {
      $0.replace("sysctl", "net.ipv4.ip_forward = 1", "net.ipv4.ip_forward = 0")
    },
  ]

  @Test(arguments: situations) func text(_ situation: Situation) throws {
    var fixture = ClusterFixture(situation.mode)
    situation.change(&fixture)
    let snapshot = SnapshotLoader.load(
      fixture.files.sorted { $0.key < $1.key }.map { SourceFile(name: $0.key, text: $0.value) }, name: "a")
    let intent = ObjectReader.read(snapshot.objectFiles)
    let names = NameResolver(intent)
    let facts = AnswerFacts(snapshot, names: names)
    let judge = Judge(PathTracer(snapshot), facts)
    let flow = Flow(
      ipProtocol: .tcp, source: IPAddress(situation.from)!, sourcePort: 40000, destination: IPAddress(situation.to)!,
      destinationPort: situation.port, from: situation.interface)
    let (trace, judgement) = judge.judge(flow)
    let style = Style(coloured: false)
    let findings = AnswerCauses.findings(judgement, trace, snapshot, names)
    var text = "$ kubepath trace \(situation.to):\(situation.port) --from \(situation.from)\n\n"
    text += TraceText(snapshot, style: style, name: { names.name(of: $0) }).render(
      trace, judgement, findings: findings)
    if let label = names.service(at: flow.destination, flow.destinationPort, .tcp) {
      let index = intent.serviceIndex[String(label.split(separator: ":")[0])]!
      text += "\n$ kubepath why svc/\(label)\n\n"
      text += WhyText.render(WhyAnswer(.service(index, port: 0), [snapshot], names), style: style)
    }
    let map = ServiceMap(NodeModel(snapshot, indexed: true), intent: intent) { tracer in
      let judge = Judge(tracer, facts)
      return { judge.answer(to: $0) }
    }
    text += "\n$ kubepath services\n\n" + ServicesText.render(map, node: "a", style: style, wide: false)
    let context = ClusterFixture.context([("a", fixture)])
    text += "\n$ kubepath check\n\n" + FindingsText.render(Diagnosis.run(context), style: style)
    #expect(try Self.golden(situation.name, text) == text)
  }

  /// The text of a file of Golden/, written first where the environment asks for it.
  private static func golden(_ name: String, _ text: String) throws -> String {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    let path = "/\(folder)/Golden/\(name).txt"
    if getenv("GOLDEN").map({ String(cString: $0) }) == "write" {
      let file = try #require(fopen(path, "w"), "\(path) cannot be written")
      fputs(text, file)
      fclose(file)
    }
    let file = try SourceFile.open(path: path)
    return file.text(0..<file.bytes.count)
  }
}
