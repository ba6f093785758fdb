import Foundation
import Input
import Ruleset
import Snapshot
import Testing
import Wire

@testable import KernelSource

/// What is collected on a node must be read again as what the node is.
@Suite(.enabled(if: Lab.isAvailable)) struct CollectTests {
  static let rules = """
    table ip kube-proxy {
      map service-ips { type ipv4_addr . inet_proto . inet_service : verdict
        elements = { 10.96.0.10 . tcp . 80 : goto service }; }
      chain service { meta l4proto tcp dnat to 10.244.0.7:8080; }
      chain pre { type nat hook prerouting priority dstnat; policy accept;
        ip daddr . meta l4proto . th dport vmap @service-ips; }
    }
    """

  private static func node() throws -> Lab.Namespace {
    let space = try Lab.Namespace("collect")
    try space.load(rules, with: "nft", "-f")
    try space.run("ip", "address", "add", "192.0.2.7/32", "dev", "lo")
    return space
  }

  private static func check(_ snapshot: Snapshot?, _ space: borrowing Lab.Namespace) throws {
    let snapshot = try #require(snapshot)
    let live = try KernelSource.read(netns: space.name)
    #expect(ThreeWaysTests.printed(snapshot) == ThreeWaysTests.printed(live))
    #expect(snapshot.addresses?.contains { "\($0.address)" == "192.0.2.7" } == true)
    #expect(snapshot.sysctls["net.ipv4.ip_forward"] == live.sysctls["net.ipv4.ip_forward"])
    #expect(!snapshot.diagnostics.list.contains { $0.severity == .error }, "\(snapshot.diagnostics.list)")
  }

  @Test func collectedFilesAreReadAgain() throws {
    let space = try Self.node()
    let collected = try NodeCollector.collect(netns: space.name, objects: false)
    let folder = FileManager.default.temporaryDirectory.appending(path: "collected-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for file in collected.files { try Data(file.bytes).write(to: folder.appending(path: file.name)) }
    try Self.check(try SnapshotLoader.load([folder.path]).snapshots.first, space)
  }

  /// The script runs where nothing but a shell and standard tools are; a tool that is there beside them is asked too.
  @Test func theScriptCollectsTheSame() throws {
    let space = try Self.node()
    let folder = FileManager.default.temporaryDirectory.appending(path: "script-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (script, tool) = (folder.appending(path: "collect.sh").path, folder.appending(path: "cilium-dbg").path)
    try CollectScript.text.write(toFile: script, atomically: true, encoding: .utf8)
    try """
    #!/bin/sh
    [ "$1" = service ] || exit 1
    echo 'ID   Frontend             Service Type   Backend'
    echo '1    10.96.0.10:80/TCP    ClusterIP      1 => 10.244.0.7:8080/TCP (active)'
    """.write(toFile: tool, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: tool)
    let out = folder.appending(path: "out").path
    try space.run("env", "PATH=\(folder.path):/usr/sbin:/usr/bin:/sbin:/bin", "sh", script, out)
    let bundle = try SnapshotLoader.load([out])
    try Self.check(bundle.snapshots.first, space)
    let frontend = try #require(bundle.snapshots.first?.ebpfFrontends?.first)
    #expect(frontend.backends.map { "\($0.address):\($0.port)" } == ["10.244.0.7:8080"])
    let manifest = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: out + "/manifest.json")))
    let missing = try #require((manifest as? [String: Any])?["notRead"] as? [String])
    #expect(missing.contains { $0.hasPrefix("cilium-lb.txt: ") }, "\(missing)")
  }
}

/// What a snapshot must not hold.
@Suite struct RedactionTests {
  private static func redacted(_ text: String) throws -> String {
    let file = try #require(ObjectRedaction.redacted(SourceFile(name: "o.json", text: text)))
    return String(decoding: file.bytes, as: UTF8.self)
  }

  @Test func containersKeepTheirPortsAndNothingSecret() throws {
    let text = try Self.redacted(
      #"{"kind":"List","items":[{"kind":"Pod","metadata":{"name":"web","annotations":{"token":"SECRET1","kubernetes.io/ingress.class":"nginx"},"managedFields":[{"x":"SECRET2"}]},"spec":{"containers":[{"name":"c","image":"SECRET3","env":[{"name":"PASSWORD","value":"SECRET4"}],"args":["--key=SECRET5"],"command":["sh","-c","SECRET6"],"ports":[{"containerPort":80}]}],"initContainers":[{"name":"i","env":[{"value":"SECRET7"}]}]}}]}"#
    )
    #expect(!text.contains("SECRET"), "\(text)")
    for kept in ["web", "containerPort", "nginx"] { #expect(text.contains(kept)) }
  }

  @Test func configMapsThatAreNotReadKeepTheirNameOnly() throws {
    let text = try Self.redacted(
      #"{"kind":"List","items":[{"kind":"ConfigMap","metadata":{"name":"app"},"data":{"password":"SECRET"}},{"kind":"ConfigMap","metadata":{"name":"coredns"},"data":{"Corefile":".:53 {}"}}]}"#
    )
    #expect(!text.contains("SECRET") && text.contains("app") && text.contains(".:53"))
  }

  @Test func keysOfTheKernelAreLeftOut() {
    let file = SettingRedaction.redacted(
      SourceFile(
        name: "s",
        text:
          "net.ipv4.ip_forward = 1\nnet.ipv4.tcp_fastopen_key = 00-SECRET\nnet.ipv4.tcp_fastopen = 1\nkernel.random.boot_id = SECRET\n"
      ))
    let text = String(decoding: file.bytes, as: UTF8.self)
    #expect(!text.contains("SECRET") && text.contains("ip_forward") && text.contains("tcp_fastopen = 1"))
  }
}
