import Diagnosis
import Findings
import Foundation
import Input
import Intent
import Snapshot
import Testing

/// Several nodes, many nodes, and objects that do not fit together.
@Suite struct BundleTests {
  /// The fixture's other node: same Services, its own addresses and local endpoints.
  static func nodeB() -> ClusterFixture {
    var fixture = ClusterFixture(.iptables)
    for name in ["ip-addr", "ip-d-link", "ip-route"] {
      fixture.files[name] = fixture.files[name]!.replacing("10.244.0.", with: "10.244.B.")
        .replacing("10.244.1.", with: "10.244.0.").replacing("10.244.B.", with: "10.244.1.")
        .replacing("192.0.2.1/", with: "192.0.2.2/").replacing("src 192.0.2.1", with: "src 192.0.2.2")
    }
    fixture.replace(
      "iptables-save", "\"shop/edge:https -> 10.244.0.6:8443\" -j KUBE-SEP-UCS7EAVLGHULKF3W",
      "\"shop/edge:https -> 10.244.1.6:8443\" -j KUBE-SEP-2G2EB7YYF3N7KPFX")
    return fixture
  }

  /// A bundle's folder: a folder a node, objects beside them.
  static func folder(_ nodes: [String: ClusterFixture]) throws -> String {
    let root = FileManager.default.temporaryDirectory.appending(path: "bundle-\(UInt64.random(in: 0 ... .max))")
    for (name, fixture) in nodes {
      let folder = root.appending(path: name)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for (file, text) in fixture.files where file != "objects.yaml" {
        try Data(text.utf8).write(to: folder.appending(path: file))
      }
    }
    try Data(ClusterFixture.facts["objects.yaml"]!.utf8).write(to: root.appending(path: "objects.yaml"))
    return root.path
  }

  static func findings(_ nodes: [String: ClusterFixture]) throws -> [Finding] {
    let path = try folder(nodes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let bundle = try SnapshotLoader.load([path])
    #expect(bundle.snapshots.map(\.name).sorted() == nodes.keys.sorted())
    return Diagnosis.run(CheckContext(bundle, intent: ObjectReader.read(bundle.objectFiles)))
  }

  @Test func twoHealthyNodesHaveNoFindingOfTheirOwn() throws {
    let findings = try Self.findings(["a": ClusterFixture(.iptables), "b": Self.nodeB()])
    let others = findings.filter { $0.severity > .info && $0.subject.name != "empty" }
    #expect(others.map { "\($0.id) \($0.problem): \($0.cause)" } == [])
  }

  /// a translates and sends on to b, where a rule drops what arrives: the finding is about b.
  @Test func aPacketFromAnotherNodeIsFollowedIntoThisOne() throws {
    var b = Self.nodeB()
    b.replace(
      "iptables-save", "-A FORWARD -m conntrack", "-A FORWARD -s 10.244.0.0/24 -j DROP\n-A FORWARD -m conntrack")
    let findings = try Self.findings(["a": ClusterFixture(.iptables), "b": b])
    let drop = try #require(findings.first { $0.id == "forward-drop" })
    #expect(drop.subject.node == "b")
    #expect(drop.problem.contains("a Pod on another node"))
    #expect(drop.evidence.contains { $0.text.contains("-s 10.244.0.0/24 -j DROP") })
  }

  @Test func policyLocalIsToldForTheNodeThatHasNoEndpoint() throws {
    var b = Self.nodeB()
    b.remove("iptables-save", "KUBE-SVL-TFCKRJ4VVZESZDQY", "shop/edge:https ->")
    let path = try Self.folder(["a": ClusterFixture(.iptables), "b": b])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let objects = ClusterFixture.facts["objects.yaml"]!.replacing(
      ", {addresses: [10.244.1.6], conditions: {ready: true}, nodeName: b}", with: "")
    try Data(objects.utf8).write(to: URL(filePath: path + "/objects.yaml"))
    let bundle = try SnapshotLoader.load([path])
    let findings = Diagnosis.run(
      CheckContext(bundle, intent: ObjectReader.read(bundle.objectFiles)), only: ["no-local-endpoints-external"])
    let finding = try #require(findings.first { $0.subject.node == "b" && $0.subject.name == "edge" })
    #expect(finding.problem.contains("NodePort 30443"))
    #expect(finding.cause.contains("externalTrafficPolicy Local, no endpoint on b ← its only endpoint runs on a"))
    #expect(!findings.contains { $0.subject.node == "a" })
  }

  /// A cluster as large as they get does not cost more per node, and nothing of it is lost.
  @Test func fiveThousandNodes() {
    var fixture = ClusterFixture(.iptables)
    var objects = ""
    for number in 0..<5000 {
      objects += "{\"apiVersion\": \"v1\", \"kind\": \"Node\", \"metadata\": {\"name\": \"n\(number)\"},"
      objects +=
        "\"status\": {\"addresses\": [{\"type\": \"InternalIP\", \"address\": \"198.18.\(number / 250).\(number % 250)\"}]}}"
      objects += number < 4999 ? "," : ""
    }
    fixture.files["nodes.json"] = "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\(objects)]}"
    let context = ClusterFixture.context([("a", fixture)])
    #expect(context.intent.nodes.count == 5002)
    #expect(context.intent.diagnostics.list.isEmpty)
    let findings = Diagnosis.run(context)
    #expect(findings.filter { $0.severity > .info && $0.subject.name != "empty" }.isEmpty)
  }

  /// Every mistake is named, and what is right is checked all the same.
  @Test func objectsThatDoNotFitTogether() {
    var fixture = ClusterFixture(.iptables)
    fixture.append("objects.yaml", ClusterFixture.pod("shop", "cart", "a", "10.244.0.5", 8080) + "\n")
    fixture.append(
      "objects.yaml", "- {apiVersion: v7, kind: Service, metadata: {name: odd}, spec: {clusterIP: 10.96.0.300}}\n")
    fixture.append("objects.yaml", ClusterFixture.slice("shop", "gone", "http", 80, [("10.244.0.8", "a")]) + "\n")
    fixture.append(
      "objects.yaml", "- 7\n- {apiVersion: v1, kind: Pod}\n- {apiVersion: v1, kind: Node, metadata: {name: b}}\n")
    let context = ClusterFixture.context([("a", fixture)])
    let messages = context.intent.diagnostics.list.map(\.description).joined(separator: "\n")
    for part in [
      "Pod shop/cart-a is given more than once", "“v7” is not known", "“10.96.0.300” is no IP address",
      "belongs to Service shop/gone, which is not among the objects", "found a number", "Pod has no metadata.name",
      "Node b is given more than once",
    ] {
      #expect(messages.contains(part), "missing: \(part) in \(messages)")
    }
    #expect(context.intent.pods.count { $0.name == "cart-a" } == 1)
    #expect(context.intent.service("shop/cart") != nil)
    let findings = Diagnosis.run(context)
    #expect(findings.contains { $0.id == "no-endpoints" && $0.subject.name == "empty" })
  }
}
