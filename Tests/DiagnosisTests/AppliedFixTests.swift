import Diagnosis
import Findings
import Testing

/// A finding's fix for objects, applied to the objects: the finding is gone, and nothing new appears.
@Suite struct AppliedFixTests {
  private static let mended: Set<String> = [
    "no-pods", "selector-mismatch", "target-port-mismatch", "ingress-path", "load-balancer-address", "volume-not-bound",
    "network-plugin-down",
  ]

  /// Those of the checks' cases whose fix is a command for the objects.
  static let cases = (CheckTests.workloadCases + CheckTests.nodeCases + CheckTests.causeCases + more).filter {
    mended.contains($0.id) && commands(of: $0).count > 0
  }

  private static let more: [CheckTests.Case] = [
    .init("selector-mismatch", .iptables, "no label tier", severity: .error) {
      $0.replace("objects.yaml", "selector: {app: empty}", "selector: {app: office, tier: front}")
    },
    .init("target-port-mismatch", .iptables, "udp", severity: .error) {
      $0.replace("objects.yaml", "port: 80, protocol: TCP, nodePort: 30080", "port: 80, protocol: UDP, nodePort: 30080")
    },
    .init("load-balancer-address", .iptables, "autoAssign", severity: .error) {
      $0.replace("objects.yaml", ", status: {loadBalancer: {ingress: [{ip: 203.0.113.8}]}}", "")
      $0.append(
        "objects.yaml",
        "- {apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: lan, namespace: metallb-system}, spec: {autoAssign: false, addresses: [203.0.113.0/28]}}\n- {apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: {name: lan, namespace: metallb-system}}\n"
      )
    },
    .init("volume-not-bound", .iptables, "no default", severity: .error) {
      $0.replace(
        "objects.yaml", "labels: {app: empty}}, spec: {nodeName: a}",
        "labels: {app: empty}}, spec: {volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]}")
      $0.replace(
        "objects.yaml",
        "phase: Pending, podIP: 10.244.0.9, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff}}}],\n     conditions: [{type: Ready, status: \"False\"}]",
        "phase: Pending, conditions: [{type: PodScheduled, status: \"False\", reason: Unschedulable, message: 'pod has unbound immediate PersistentVolumeClaims'}]"
      )
      $0.append(
        "objects.yaml",
        """
        - {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop}, status: {phase: Pending}}
        - {apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: slow}, provisioner: x.example}

        """)
    },
  ]

  private static func broken(_ test: CheckTests.Case) throws -> ObjectCluster {
    var fixture = ClusterFixture(test.mode)
    test.breaks(&fixture)
    return try ObjectCluster(yaml: fixture.files["objects.yaml"] ?? "")
  }

  private static func found(_ test: CheckTests.Case, _ cluster: ObjectCluster) -> [Finding] {
    let before = Set(
      (try? ObjectCluster(yaml: ClusterFixture(test.mode).files["objects.yaml"] ?? ""))?.findings().map(key) ?? [])
    return cluster.findings().filter { $0.id == test.id && !before.contains(key($0)) }
  }

  private static func key(_ finding: Finding) -> String { "\(finding.id) \(finding.subject)" }

  private static func commands(of test: CheckTests.Case) -> [String] {
    guard let cluster = try? broken(test) else { return [] }
    return found(test, cluster).flatMap { $0.fix.compactMap { $0.command?.text } }.filter {
      $0.contains(" patch ") || $0.contains(" scale ")
    }
  }

  @Test(arguments: cases) func mendsWithoutHarm(_ test: CheckTests.Case) throws {
    var cluster = try Self.broken(test)
    let before = cluster.findings()
    let finding = try #require(Self.found(test, cluster).first)
    let commands = finding.fix.compactMap { $0.command?.text }
    let command = try #require(commands.first)
    #expect(try cluster.apply(command), "\(command)")
    let after = cluster.findings()
    let isGone = !after.contains { Self.key($0) == Self.key(finding) && $0.cause == finding.cause }
    #expect(isGone, "\(command): \(after.map { "\($0.id) \($0.cause)" })")
    let known = Set(before.map(Self.key))
    let new = after.filter { $0.severity > .info && !known.contains(Self.key($0)) }
    #expect(new.isEmpty, "\(command): \(new.map { "\($0.id) \($0.problem): \($0.cause)" })")
  }

  /// There are enough of them to tell.
  @Test func manyKinds() { #expect(Set(Self.cases.map(\.id)).count >= 4, "\(Self.cases.map(\.testDescription))") }
}
