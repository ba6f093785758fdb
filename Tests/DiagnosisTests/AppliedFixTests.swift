import Diagnosis
import Findings
import Testing

/// A finding's fix for objects, applied to the objects: the finding is gone, and nothing new appears.
@Suite struct AppliedFixTests {
  /// What a command does to objects; the first words behind `kubectl` and its namespace.
  private static let applied = ["patch", "scale", "create serviceaccount", "set resources"]

  /// Commands that change no object in a way which could be looked at again, each with the reason. Nothing else may be printed
  /// as a command for objects: what cannot be applied as it stands is an advice, by type.
  private static let unapplied = [
    "rollout restart": "the same objects, and programs that read their configuration anew",
    "delete pod": "what is left of a Pod that ended; whether its successor is placed, the nodes decide",
    "delete endpointslice": "its controller writes it anew, if it runs",
    "patch serviceaccount": "names a Secret that the user has to make",
    "top pods": "shows what to change",
  ]

  /// Findings about objects whose fix is nothing but advice: people must decide, or see to a node. The list does not grow
  /// silently.
  private static let advised: Set<String> = [
    "apiserver-unreachable", "configuration-mismatch", "control-plane-down", "dns-service", "dual-stack-family-missing",
    "external-name", "ipam-exhausted", "kube-proxy-not-programming", "mesh-policy", "network-plugin-down",
    "network-policy-drop", "no-endpoints", "node-not-ready", "pod-not-ready", "pod-restarts", "stale-endpoints",
  ]

  private static let all =
    CheckTests.endpointCases + CheckTests.workloadCases + CheckTests.nodeCases + CheckTests.causeCases
    + CheckTests.pluginCases + CheckTests.variantCases + more

  /// Those of the checks' cases whose fix is a command for the objects.
  static let cases = all.filter { !commands(of: $0).isEmpty }

  private static func verb(_ command: String) -> String? {
    var words = ObjectCluster.words(command)
    guard words.first == "kubectl" else { return nil }
    words.removeFirst()
    if words.first == "-n" { words.removeFirst(2) }
    let text = words.prefix(2).joined(separator: " ")
    return unapplied.keys.first { text.hasPrefix($0) } ?? applied.first { text.hasPrefix($0) } ?? text
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
      verb($0).map(applied.contains) ?? false
    }
  }

  @Test(arguments: cases) func mendsWithoutHarm(_ test: CheckTests.Case) throws {
    var cluster = try Self.broken(test)
    let before = cluster.findings()
    let finding = try #require(Self.found(test, cluster).first { !$0.fix.compactMap(\.command).isEmpty })
    let command = try #require(Self.commands(of: test).first)
    #expect(try cluster.apply(command), "\(command)")
    let after = cluster.findings()
    let isGone = !after.contains { Self.key($0) == Self.key(finding) && $0.cause == finding.cause }
    #expect(isGone, "\(command): \(after.map { "\($0.id) \($0.cause)" })")
    let known = Set(before.map(Self.key))
    let new = after.filter { $0.severity > .info && !known.contains(Self.key($0)) }
    #expect(new.isEmpty, "\(command): \(new.map { "\($0.id) \($0.problem): \($0.cause)" })")
  }

  /// A command is one that is applied here, or stands in the list of those that cannot be.
  @Test func everyCommandForObjectsIsTried() throws {
    var verbs: Set<String> = []
    for test in Self.all {
      guard let cluster = try? Self.broken(test) else { continue }
      for fix in Self.found(test, cluster).flatMap(\.fix) {
        guard let command = fix.command?.text, let verb = Self.verb(command) else { continue }
        verbs.insert(verb)
        #expect(Self.applied.contains(verb) || Self.unapplied[verb] != nil, "\(test.id): \(command)")
      }
    }
    #expect(verbs.isSuperset(of: Self.applied), "never printed: \(Set(Self.applied).subtracting(verbs))")
  }

  @Test func adviceAloneIsListed() throws {
    var advised: Set<String> = []
    var mended: Set<String> = []
    for test in Self.all {
      guard let cluster = try? Self.broken(test) else { continue }
      for finding in Self.found(test, cluster) where finding.severity > .info {
        let isApplied = finding.fix.contains {
          $0.command.flatMap { Self.verb($0.text) }.map(Self.applied.contains) ?? false
        }
        if isApplied { mended.insert(finding.id) } else { advised.insert(finding.id) }
      }
    }
    #expect(advised.subtracting(mended) == Self.advised)
  }

  /// There are enough of them to tell.
  @Test func manyKinds() { #expect(Set(Self.cases.map(\.id)).count >= 6, "\(Self.cases.map(\.testDescription))") }
}
