import Diagnosis
import Findings
import Foundation
import Input
import Intent
import PacketPath
import Snapshot
import Testing
import Wire

/// What the newest releases of Kubernetes brought: objects, deprecations, modes.
@Suite struct NewestReleaseTests {
  private static func node(_ release: String, mode: ClusterFixture.Mode) -> ClusterFixture {
    var fixture = ClusterFixture(mode)
    fixture.append(
      "zz.yaml",
      "apiVersion: v1\nkind: Node\nmetadata: {name: a}\nstatus: {nodeInfo: {kubeletVersion: \(release)}, addresses: [{type: InternalIP, address: 192.0.2.1}]}\n"
    )
    return fixture
  }

  @Test func externalIPsAreDeprecatedSince136() {
    let service =
      "---\napiVersion: v1\nkind: Service\nmetadata: {name: old, namespace: shop}\nspec: {clusterIP: 10.96.0.77, externalIPs: [198.51.100.7], ports: [{port: 80}]}\n"
    for (release, isTold) in [("v1.35.4", false), ("v1.36.0", true), ("v2.0.1", true)] {
      var fixture = Self.node(release, mode: .iptables)
      fixture.append("zz.yaml", service)
      let found = fixture.findings(only: ["deprecation"])
      #expect(found.contains { $0.problem.contains("externalIPs") && $0.severity == .info } == isTold, "\(release)")
    }
    #expect(Self.node("v1.36.0", mode: .iptables).findings(only: ["deprecation"]).isEmpty)
  }

  @Test func virtualServersAreDeprecatedSince135() {
    #expect(!Self.node("v1.35.0", mode: .ipvs).findings(only: ["deprecation"]).isEmpty)
    #expect(Self.node("v1.34.9", mode: .ipvs).findings(only: ["deprecation"]).isEmpty)
    #expect(Self.node("v1.36.0", mode: .nftables).findings(only: ["deprecation"]).isEmpty)
  }

  @Test(arguments: [
    "policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy",
    "policy.networking.k8s.io/v1alpha1 BaselineAdminNetworkPolicy", "cilium.io/v2 CiliumClusterwideNetworkPolicy",
    "cilium.io/v2 CiliumNetworkPolicy", "projectcalico.org/v3 GlobalNetworkPolicy",
  ]) func policiesThatAreNotEvaluatedAreSaid(_ type: String) {
    let (version, kind) = (type.split(separator: " ")[0], type.split(separator: " ")[1])
    var fixture = ClusterFixture(.iptables)
    fixture.append(
      "policy.yaml", "apiVersion: \(version)\nkind: \(kind)\nmetadata: {name: deny-all}\nspec: {priority: 10}\n")
    let found = fixture.findings(only: ["policy-not-evaluated"])
    #expect(found.count == 1 && found[0].problem.contains("\(kind)"))
    #expect(ClusterFixture(.iptables).findings(only: ["policy-not-evaluated"]).isEmpty)
    // Every answer that it could change says so.
    let sources = fixture.files.sorted { $0.key < $1.key }.map { SourceFile(name: $0.key, text: $0.value) }
    let snapshot = SnapshotLoader.load(sources, name: "a")
    let judge = Judge(snapshot, names: NameResolver(ObjectReader.read(snapshot.objectFiles)))
    let flow = Flow(
      ipProtocol: .udp, source: IPAddress("10.244.0.7")!, sourcePort: 4000, destination: IPAddress("10.96.0.10")!,
      destinationPort: 53, from: "cni0")
    let judgement = judge.judge(flow).judgement
    #expect(judgement.answer.isGood, "\(judgement.why)")
    #expect(judgement.why.contains("deny-all not considered"), "\(judgement.why)")
  }

  @Test func serviceRangesComeFromTheirObjects() {
    var reader =
      "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: kubernetes}\nspec: {cidrs: [10.96.0.0/12, \"fd00:10::/112\"]}\n"
    var cluster = ObjectReader.read([SourceFile(name: "o", text: reader)])
    #expect(cluster.serviceRanges.map { "\($0)" } == ["10.96.0.0/12", "fd00:10::/112"])
    reader = reader.replacing("10.96.0.0/12", with: "nonsense")
    cluster = ObjectReader.read([SourceFile(name: "o", text: reader)])
    #expect(cluster.serviceRanges.count == 1)
    #expect(cluster.diagnostics.list.contains { $0.message.contains("nonsense") })
    // An address of the range that no Service has is unserved, though no other Service is near.
    var fixture = ClusterFixture(.iptables)
    fixture.append(
      "range.yaml",
      "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: a}\nspec: {cidrs: [10.96.0.0/12]}\n")
    let sources = fixture.files.sorted { $0.key < $1.key }.map { SourceFile(name: $0.key, text: $0.value) }
    let snapshot = SnapshotLoader.load(sources, name: "a")
    let judge = Judge(snapshot, names: NameResolver(ObjectReader.read(snapshot.objectFiles)))
    let flow = Flow(
      ipProtocol: .tcp, source: IPAddress("10.244.0.7")!, sourcePort: 4000, destination: IPAddress("10.111.1.1")!,
      destinationPort: 80, from: "cni0")
    #expect(judge.judge(flow).judgement.answer == .unserved)
  }

  @Test func endpointsAreChosenByNode() {
    func slice(_ hints: [String]) -> String {
      let endpoints = hints.enumerated().map {
        "  - {addresses: [10.244.\($0).5], nodeName: \($1), conditions: {ready: true}, hints: {forNodes: [{name: \($1)}]}}"
      }
      return
        "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {clusterIP: 10.96.0.9, trafficDistribution: PreferSameNode, ports: [{port: 80}]}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: a}\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}\naddressType: IPv4\nports: [{port: 8080}]\nendpoints:\n\(endpoints.joined(separator: "\n"))\n"
    }
    let cluster = ObjectReader.read([SourceFile(name: "o", text: slice(["a", "b"]))])
    let service = cluster.services[0]
    let here = EndpointSelection(cluster, service, service.ports[0], .v4, node: cluster.nodes[0])
    #expect(here.hinted != here.cluster && here.usesHints)
    let elsewhere = EndpointSelection(cluster, service, service.ports[0], .v4, node: Node(name: "c"))
    #expect(elsewhere.hinted == elsewhere.cluster)
  }

  /// kube-proxy's nft crashes at what a newer one wrote (1.1.3 and later).
  @Test func anNftThatCannotReadWhatAnotherWrote() {
    var fixture = ClusterFixture(.nftables)
    fixture.files["kube-proxy.log"] = """
      I1130 09:00:00.100000       1 proxier.go:1097] "Syncing nftables rules" ipFamily="IPv4"
      E1130 09:00:00.200000       1 proxier.go:1217] "Failed to list existing sets" err="failed to run nft: signal: segmentation fault (core dumped)" ipFamily="IPv4"
      E1130 09:00:01.200000       1 proxier.go:1788] "nftables sync failed" err="signal: segmentation fault (core dumped)" ipFamily="IPv4"
      """
    let found = fixture.findings(only: ["kube-proxy-not-programming"])
    #expect(
      found.contains { $0.cause.contains("newer nft") && $0.reference == "kubernetes/kubernetes#136786" }, "\(found)")
  }

  /// Since 1.37 a program listens for localhost's NodePorts in nftables mode; what listens is what answers.
  @Test func localhostNodePortsOfNftablesModeAreWhatListens() {
    func answer(_ sockets: String) -> Answer {
      var fixture = ClusterFixture(.nftables)
      fixture.files["ss"] = "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port\n" + sockets
      let sources = fixture.files.sorted { $0.key < $1.key }.map { SourceFile(name: $0.key, text: $0.value) }
      let snapshot = SnapshotLoader.load(sources, name: "a")
      let judge = Judge(snapshot, names: NameResolver(ObjectReader.read(snapshot.objectFiles)))
      let loopback = IPAddress("127.0.0.1")!
      return judge.judge(
        Flow(
          ipProtocol: .tcp, source: loopback, sourcePort: 4000, destination: loopback, destinationPort: 30099,
          from: Flow.local)
      ).judgement.answer
    }
    let other = "tcp LISTEN 0 128 127.0.0.1:10249 0.0.0.0:* users:((\"kube-proxy\",pid=1,fd=3))\n"
    #expect(answer(other) == .refused)
    #expect(
      answer(other + "tcp LISTEN 0 128 127.0.0.1:30099 0.0.0.0:* users:((\"kube-proxy\",pid=1,fd=4))\n") == .served)
  }

  /// Services that were handed over beside rules of others say nothing of the jumps to the rules.
  @Test func rulesOfOtherServicesAreNotFlushed() {
    var fixture = ClusterFixture(.iptables)
    for name in fixture.files.keys
    where fixture.files[name]!.contains("kind: Service") || fixture.files[name]!.contains("\"kind\"") {
      fixture.files[name] = nil
    }
    fixture.files["describe.txt"] = """
      Name:                     other
      Namespace:                default
      Type:                     ClusterIP
      IP:                       10.96.0.222
      Port:                     http  80/TCP
      TargetPort:               8080/TCP
      Endpoints:                10.244.1.5:8080
      """
    #expect(fixture.findings(only: ["rules-flushed"]).isEmpty)
  }
}
