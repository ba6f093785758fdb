import CaptureAnalysis
import CaptureFile
import Diagnosis
import Findings
import Foundation
import Input
import Intent
import Snapshot
import Testing

/// Captures of a real node beside its rules: the join must name the rule that made each conversation fail, or say that
/// none did.
@Suite struct CaptureJoinTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Captures/example").path

  static func findings(_ capture: String, replacing edits: [(String, String, String)] = []) throws -> [Finding] {
    var files: [SourceFile] = []
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where !name.hasSuffix(".pcap") {
      var text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
      for (file, old, new) in edits where file == name {
        try #require(text.contains(old))
        text = text.replacing(old, with: new)
      }
      files.append(SourceFile(name: name, text: text))
    }
    return try findings("example/\(capture)", beside: files)
  }

  static func findings(_ capture: String, beside files: [SourceFile]) throws -> [Finding] {
    var bundle = Bundle()
    bundle.snapshots = [SnapshotLoader.load(files, name: "node1")]
    let intent = ObjectReader.read(bundle.snapshots[0].objectFiles)
    let join = CaptureJoin(bundle, intent: intent)
    var options = CaptureOptions()
    join.configure(&options)
    var analyzer = CaptureAnalyzer(options: options)
    let captures = try CaptureSession.run(paths: ["\(folder)/../\(capture)"], filter: nil, analyzer: &analyzer)
    return join.complete(analyzer.finish(captures: captures), analyzer)
  }

  private static func line(_ text: String) throws -> Int {
    let rules = try String(contentsOfFile: "\(folder)/iptables-save.txt", encoding: .utf8)
    let lines = rules.split(separator: "\n", omittingEmptySubsequences: false)
    return try #require(lines.firstIndex { $0.contains(text) }) + 1
  }

  @Test func theRuleThatDropsIsNamed() throws {
    let found = try Self.findings("eth0.pcap")
    let finding = try #require(found.first)
    #expect(finding.id == "syn-unanswered")
    let line = try Self.line("shop/storefront:http has no local endpoints")
    #expect(finding.cause.contains("drops it: filter KUBE-EXTERNAL-SERVICES rule 1 (iptables-save.txt:\(line))"))
    #expect(finding.cause.contains("shop/storefront:http"))
    #expect(finding.evidence.contains { $0.line == line && $0.file == "iptables-save.txt" })
    #expect(finding.evidence.contains { $0.frame != nil })
    #expect(finding.confidence == .certain)
    #expect(finding.subject.node == "node1")
  }

  @Test func withoutTheRuleItPasses() throws {
    let rule =
      "-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment \"shop/storefront:http has no local endpoints\" -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j DROP\n"
    let found = try Self.findings("eth0.pcap", replacing: [("iptables-save.txt", rule, "")])
    let finding = try #require(found.first { $0.id == "syn-unanswered" })
    #expect(!finding.cause.contains("drops it"))
    #expect(finding.evidence.contains { $0.text.contains("let it pass") })
  }

  @Test func refusalWithoutEndpointsIsTheServices() throws {
    let found = try Self.findings("cni0.pcap")
    let finding = try #require(found.first { $0.id == "rejected-by-icmp" && $0.problem.contains("10.96.30.7") })
    #expect(finding.cause.contains("rejects it: filter KUBE-SERVICES rule"))
    #expect(finding.cause.contains("shop/search:http has no usable endpoint"))
    #expect(finding.subject.kind == "Service")
    #expect(finding.subject.namespace == "shop")
    #expect(finding.subject.name == "search")
    #expect(finding.problem.contains("10.96.30.7:80 (svc/shop/search)"))
  }

  /// A bridge device shows packets behind the destination NAT and answers before it is undone: no fault.
  @Test func aBridgeDeviceShowsBothSidesOfTheTranslation() throws {
    let found = try Self.findings("cni0.pcap")
    #expect(!found.contains { $0.id == "reply-not-translated" })
  }

  @Test func aTunnelDeviceThatIsTooLargeIsFound() throws {
    let device = """
      9: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UNKNOWN mode DEFAULT group default
          link/ether 02:00:00:00:00:99 brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 maxmtu 65535
          vxlan id 1 local 192.168.40.11 dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto ageing 300
      1: lo:
      """
    let found = try Self.findings("eth0.pcap", replacing: [("ip-link.txt", "1: lo:", device)])
    let finding = try #require(found.first { $0.id == "overlay-mtu" })
    #expect(finding.severity == .warning)
    #expect(finding.fix.contains { $0.text.contains("flannel.1 mtu 1450") })
    #expect(try !Self.findings("eth0.pcap").contains { $0.id == "overlay-mtu" })
  }

  private static func link(_ id: Int, _ port: Int) -> SourceFile {
    SourceFile(
      name: "ip-link.txt",
      text: """
        2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default
            link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
        3: vx0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN mode DEFAULT group default
            link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 maxmtu 65535
            vxlan id \(id) remote 10.0.1.2 dev eth0 srcport 0 0 dstport \(port) ttl auto ageing 300

        """)
  }

  private static let address = SourceFile(
    name: "ip-addr.txt",
    text: """
      2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default
          link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
          inet 10.0.2.2/24 scope global eth0
             valid_lft forever preferred_lft forever

      """)

  /// The packets carry VNI 42 to port 4789; the far node's device says what it takes.
  @Test(arguments: [(42, 4789, nil), (43, 4789, "carry VNI 42"), (42, 8472, "port 4789")] as [(Int, Int, String?)])
  func theFarEndsDeviceMustMatch(id: Int, port: Int, problem: String?) throws {
    let found = try Self.findings("healthy-vxlan.pcap", beside: [Self.link(id, port), Self.address])
    let finding = found.first { $0.id == "vxlan-port" }
    #expect((finding != nil) == (problem != nil))
    if let problem { #expect(finding?.problem.contains(problem) == true) }
  }

  @Test func aTunnelToNobodyIsFound() throws {
    let nodes = { (far: String) in
      SourceFile(
        name: "nodes.json",
        text: """
          {"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"},
             "status": {"addresses": [{"type": "InternalIP", "address": "10.0.1.2"}]}},
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "b"},
             "status": {"addresses": [{"type": "InternalIP", "address": "\(far)"}]}}]}
          """)
    }
    let found = try Self.findings("healthy-vxlan.pcap", beside: [nodes("10.0.2.77")])
    #expect(found.contains { $0.id == "wrong-vtep" && $0.problem.contains("10.0.2.2, which is no node's address") })
    let good = try Self.findings("healthy-vxlan.pcap", beside: [nodes("10.0.2.2")])
    #expect(!good.contains { $0.severity == .error })
    #expect(good.contains { $0.evidence.contains { $0.text.contains("10.0.1.2 (node/a)") } })
  }

  @Test func theKernelLogMakesAFullTableCertain() throws {
    let sysctl = SourceFile(
      name: "sysctl.txt",
      text:
        "net.netfilter.nf_conntrack_max = 131072\nnet.netfilter.nf_conntrack_buckets = 32768\nnet.ipv4.ip_forward = 1\n"
    )
    let log = SourceFile(
      name: "dmesg.txt",
      text: "[ 1201.500000] nf_conntrack: nf_conntrack: table full, dropping packet\n[ 1202.0] eth0: link up\n")
    let found = try Self.findings("conntrack-full.pcap", beside: [sysctl, log])
    let finding = try #require(found.first)
    #expect(finding.id == "conntrack-table-full")
    #expect(finding.confidence == .certain)
    #expect(finding.evidence.contains { $0.text.contains("limit 131072, 32768 buckets") })
    #expect(finding.evidence.contains { $0.text.contains("table full, dropping packet") })
    let without = try Self.findings("conntrack-full.pcap", beside: [sysctl])
    // All went to one place: without the log it may be that place, or the source ports towards it.
    #expect(without.first?.confidence == .possible)
  }

  /// The gateway translates the VIP and forwards to a server beside the client, which answers it directly.
  @Test(arguments: [Int?.none, 0, 1]) func theRuleThatWasNotUndoneIsNamed(bridgeCalls: Int?) throws {
    var files = [
      SourceFile(
        name: "nft.txt",
        text: """
          table ip n {
          \tchain pre {
          \t\ttype nat hook prerouting priority dstnat; policy accept;
          \t\tip daddr 10.96.0.10 tcp dport 80 dnat to 10.0.1.3:80
          \t}
          }

          """),
      SourceFile(
        name: "ip-addr.txt",
        text: """
          2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default
              link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
              inet 10.0.1.1/24 scope global eth0
                 valid_lft forever preferred_lft forever

          """),
      SourceFile(
        name: "ip-route.txt",
        text: """
          10.0.1.0/24 dev eth0 proto kernel scope link src 10.0.1.1
          local 10.0.1.1 dev eth0 table local proto kernel scope host src 10.0.1.1
          broadcast 10.0.1.255 dev eth0 table local proto kernel scope link src 10.0.1.1

          """),
    ]
    if let bridgeCalls {
      files.append(
        SourceFile(
          name: "sysctl.txt", text: "net.bridge.bridge-nf-call-iptables = \(bridgeCalls)\nnet.ipv4.ip_forward = 1\n"))
    }
    let finding = try #require(Self.findings("reply-not-translated.pcap", beside: files).first)
    #expect(finding.id == "reply-not-translated")
    #expect(finding.evidence.contains { $0.line == 4 && $0.text.contains("dnat to 10.0.1.3:80") })
    #expect(finding.cause.contains("net.bridge.bridge-nf-call-iptables is 0") == (bridgeCalls == 0))
    #expect(finding.cause.contains("keeps the source") == (bridgeCalls != 0))
    #expect(finding.subject.node == "node1")
  }

  @Test func namesStandBehindTheFirstMention() throws {
    let nodes = SourceFile(
      name: "nodes.json",
      text: """
        {"apiVersion": "v1", "kind": "List", "items": [
          {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"},
           "status": {"addresses": [{"type": "InternalIP", "address": "fd00:1::2"}]}},
          {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "b"},
           "status": {"addresses": [{"type": "InternalIP", "address": "fd00:2::2"}]}}]}
        """)
    let finding = try #require(Self.findings("black-hole-ipv6.pcap", beside: [nodes]).first)
    #expect(finding.problem.contains("from fd00:1::2 (node/a) to fd00:2::2 (node/b)"))
    // Once is enough, and display filters stay what Wireshark takes.
    #expect(finding.evidence.allSatisfy { !$0.text.contains("(node/") })
    #expect(finding.evidence.contains { $0.filter?.contains("fd00:1::2 &&") == true })
  }
}
