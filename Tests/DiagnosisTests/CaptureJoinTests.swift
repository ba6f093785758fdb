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
    var bundle = Bundle()
    bundle.snapshots = [SnapshotLoader.load(files, name: "node1")]
    let intent = ObjectReader.read(bundle.snapshots[0].objectFiles)
    let join = CaptureJoin(bundle, intent: intent)
    var options = CaptureOptions()
    join.configure(&options)
    var analyzer = CaptureAnalyzer(options: options)
    let captures = try CaptureSession.run(paths: ["\(folder)/\(capture)"], filter: nil, analyzer: &analyzer)
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
    #expect(finding.fix.contains { $0.contains("flannel.1 mtu 1450") })
    #expect(try !Self.findings("eth0.pcap").contains { $0.id == "overlay-mtu" })
  }
}
