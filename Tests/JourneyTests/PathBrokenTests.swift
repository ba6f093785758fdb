import Diagnosis
import Findings
import Input
import Intent
import Snapshot
import Testing

/// What `check` says of faults that no node's own dumps show.
@Suite struct PathBrokenTests {
  private func findings(_ cluster: TwoNodes) -> [Finding] {
    var bundle = Bundle()
    bundle.snapshots = cluster.snapshots()
    let objects = ObjectReader.read([SourceFile(name: "objects.json", contents: Array(Self.objects.utf8))])
    return Diagnosis.run(CheckContext(bundle, intent: objects)).filter { $0.severity > .info }
  }

  private func only(_ cluster: TwoNodes) throws -> Finding {
    let found = findings(cluster).filter { ["path-broken", "forward-drop", "wrong-vtep"].contains($0.id) }
    #expect(found.count == 1, "\(found.map { "\($0.id): \($0.cause)" })")
    return try #require(found.first)
  }

  @Test func aHealthyClusterIsSilent() {
    // The fixture has not all of kube-proxy's rules.
    let told = Set(["path-broken", "forward-drop", "wrong-vtep", "reverse-path-filter", "stale-udp-conntrack"])
    #expect(findings(TwoNodes()).filter { told.contains($0.id) }.map { "\($0.id): \($0.cause)" } == [])
  }

  @Test func aServerThatListensInsideThePodOnly() throws {
    var cluster = TwoNodes()
    cluster.b.sockets = ["tcp LISTEN 0 128 127.0.0.1:8080 0.0.0.0:* users:((\"web\",pid=7,fd=3))"]
    let finding = try only(cluster)
    #expect(finding.id == "path-broken" && finding.subject.name == "moss")
    #expect(finding.cause.contains("web listens on 127.0.0.1:8080 only"), "\(finding.cause)")
    // All who ask meet the same: one finding that lists them.
    #expect(finding.occurrences.count >= 4)
  }

  @Test func tunnelsOfTwoNetworks() throws {
    var cluster = TwoNodes()
    cluster.b.tunnelID = 7
    let finding = try only(cluster)
    #expect(finding.id == "path-broken")
    #expect(finding.cause.contains("VNI"), "\(finding.cause)")
  }

  @Test func aRuleOfTheFarNodeAgainstTheOthersPods() throws {
    var cluster = TwoNodes()
    cluster.b.filter.append("-A FORWARD -s 10.9.1.0/24 -d 10.9.2.0/24 -p tcp -j REJECT")
    let finding = try only(cluster)
    #expect(finding.id == "forward-drop")
    #expect(finding.evidence.contains { $0.text.contains("-s 10.9.1.0/24") }, "\(finding.evidence)")
  }

  @Test func thePodsOwnFirewall() throws {
    var cluster = TwoNodes()
    cluster.b.podRules = [
      "*filter", ":INPUT DROP [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", "COMMIT",
    ]
    let finding = try only(cluster)
    #expect(finding.id == "path-broken" && finding.cause.contains("shop/one-moss"), "\(finding.cause)")
  }

  @Test func fullPacketsDoNotFitTheWire() throws {
    var cluster = TwoNodes()
    cluster.b.linkMTU = 1400
    let found = findings(cluster).filter { $0.id == "path-broken" || $0.id == "overlay-mtu" }
    #expect(!found.isEmpty)
  }

  /// wrong-vtep tells it at its root.
  @Test func whatAnotherCheckTellsIsNotToldAgain() throws {
    var cluster = TwoNodes()
    cluster.b.entries = []
    let finding = try only(cluster)
    #expect(finding.id == "wrong-vtep")
  }

  /// The same question gets the same answer from every command.
  @Test func whySaysWhatTheJourneySays() throws {
    var cluster = TwoNodes()
    let names = NameResolver(ObjectReader.read([SourceFile(name: "objects.json", contents: Array(Self.objects.utf8))]))
    let index = try #require(names.cluster.serviceIndex["shop/one"])
    let healthy = WhyAnswer(.service(index, port: 0), cluster.snapshots(), names)
    // The fixture does not masquerade what the endpoint sends to itself.
    let failing = healthy.cells.filter { !$0.answer.isGood && $0.source.description != cluster.endpoint }
    #expect(failing.map { "\($0.node) \($0.frontend) \($0.origin) \($0.why)" } == [])
    cluster.b.sockets = []
    let why = WhyAnswer(.service(index, port: 0), cluster.snapshots(), names)
    #expect(why.cells.allSatisfy { $0.answer == .refused || $0.source.description == cluster.endpoint })
    #expect(why.cells.first?.why.contains("nothing listens at 10.9.2.9:8080") == true)
    // Asked on one node, it is followed through the other all the same.
    let rust = WhyAnswer(.service(index, port: 0), cluster.snapshots(), names, on: "rust")
    #expect(rust.answer == .refused && Set(rust.cells.map(\.node)) == ["rust"])
  }

  /// An endpoint of a UDP Service went; the flow of a client that was answered goes on to it. Only that entry is deleted.
  @Test func anAnsweredFlowToAnEndpointThatIsGone() throws {
    var cluster = TwoNodes()
    cluster.a.connections = [
      "udp      17 149 src=10.9.1.9 dst=10.77.0.6 sport=40053 dport=53 src=10.9.2.77 dst=10.9.1.9 sport=5353 dport=40053 [ASSURED] mark=0 use=1",
      "udp      17 149 src=10.9.1.9 dst=10.77.0.6 sport=40054 dport=53 src=10.9.2.9 dst=10.9.1.9 sport=5353 dport=40054 [ASSURED] mark=0 use=1",
    ]
    let found = findings(cluster).filter { $0.id == "stale-udp-conntrack" }
    #expect(found.count == 1)
    #expect(
      found.first?.fix.compactMap(\.command).map { "\($0)" }
        == ["conntrack -D -p udp --orig-dst 10.77.0.6 --dport 53 --reply-src 10.9.2.77"])
  }

  private static let objects = """
    {"kind": "List", "apiVersion": "v1", "items": [
      {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "rust"}, "spec": {"podCIDRs": ["10.9.1.0/24"]},
       "status": {"addresses": [{"type": "InternalIP", "address": "198.18.0.11"}],
                  "conditions": [{"type": "Ready", "status": "True"}]}},
      {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "moss"}, "spec": {"podCIDRs": ["10.9.2.0/24"]},
       "status": {"addresses": [{"type": "InternalIP", "address": "198.18.0.12"}],
                  "conditions": [{"type": "Ready", "status": "True"}]}},
      {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "one-rust", "namespace": "shop"}, "spec": {"nodeName": "rust"},
       "status": {"phase": "Running", "podIP": "10.9.1.9", "podIPs": [{"ip": "10.9.1.9"}],
                  "conditions": [{"type": "Ready", "status": "True"}]}},
      {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "one-moss", "namespace": "shop", "labels": {"app": "one"}},
       "spec": {"nodeName": "moss"},
       "status": {"phase": "Running", "podIP": "10.9.2.9", "podIPs": [{"ip": "10.9.2.9"}],
                  "conditions": [{"type": "Ready", "status": "True"}]}},
      {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "one", "namespace": "shop"},
       "spec": {"type": "NodePort", "clusterIP": "10.77.0.5", "clusterIPs": ["10.77.0.5"], "selector": {"app": "one"},
                "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080, "nodePort": 30950}]}},
      {"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "addressType": "IPv4",
       "metadata": {"name": "one-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "one"}},
       "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
       "endpoints": [{"addresses": ["10.9.2.9"], "nodeName": "moss", "conditions": {"ready": true},
                      "targetRef": {"kind": "Pod", "name": "one-moss", "namespace": "shop"}}]},
      {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "names", "namespace": "shop"},
       "spec": {"type": "ClusterIP", "clusterIP": "10.77.0.6", "clusterIPs": ["10.77.0.6"], "selector": {"app": "one"},
                "ports": [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 5353}]}},
      {"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "addressType": "IPv4",
       "metadata": {"name": "names-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "names"}},
       "ports": [{"name": "dns", "port": 5353, "protocol": "UDP"}],
       "endpoints": [{"addresses": ["10.9.2.9"], "nodeName": "moss", "conditions": {"ready": true}}]},
      {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "kubernetes", "namespace": "default"},
       "spec": {"type": "ClusterIP", "clusterIP": "10.77.0.1", "clusterIPs": ["10.77.0.1"], "ports": [{"port": 443, "protocol": "TCP"}]}},
      {"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "addressType": "IPv4",
       "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}},
       "ports": [{"port": 6443, "protocol": "TCP"}], "endpoints": [{"addresses": ["192.0.2.1"], "conditions": {"ready": true}}]}
    ]}
    """
}
