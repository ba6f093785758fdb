import Input
import Snapshot
import Testing

/// Cilium's tables changed their columns from version to version; each must come out as the same frontends.
@Suite struct CiliumTests {
  static func load(_ text: String) -> Snapshot {
    SnapshotLoader.load([SourceFile(name: "cilium.txt", text: text)], name: "n")
  }

  /// `kind address:port/protocol[/i] -> backend(state) …`, sorted.
  static func summary(_ snapshot: Snapshot) -> [String] {
    (snapshot.ebpfFrontends ?? []).map { frontend in
      let backends = frontend.backends.map { "\($0.address) \($0.port) \($0.state)" }.joined(separator: ", ")
      return
        "\(frontend.kind) \(frontend.address) \(frontend.port) \(frontend.ipProtocol?.description ?? "-")\(frontend.isInternal ? " internal" : "") → \(backends)"
    }.sorted()
  }

  @Test(arguments: [
    // 1.16 and later
    """
    ID   Frontend                Service Type   Backend
    1    10.96.0.10:53/UDP       ClusterIP      1 => 10.244.1.69:53/UDP (active)
                                                2 => 10.244.1.109:53/UDP (terminating)
    2    [fd00::1]:80/TCP        LoadBalancer   1 => [fd00:1::7]:8080/TCP (active)
    3    10.96.0.11:80/TCP/i     ClusterIP
    """,
    // Without an ID
    """
    Frontend                Service Type         Backend
    10.96.0.10:53/UDP       ClusterIP            1 => 10.244.1.69:53/UDP (active)
                                                 2 => 10.244.1.109:53/UDP (terminating) (preferred)
    10.96.0.11:80/TCP/i     ClusterIP (Remote)
    [fd00::1]:80/TCP        LoadBalancer         1 => [fd00:1::7]:8080/TCP (active)
    """,
  ]) func serviceList(_ text: String) {
    let snapshot = Self.load(text)
    #expect(
      Self.summary(snapshot) == [
        "ClusterIP 10.96.0.10 53 udp → 10.244.1.69 53 active, 10.244.1.109 53 terminating",
        "ClusterIP 10.96.0.11 80 tcp internal → ", "LoadBalancer fd00::1 80 tcp → fd00:1::7 8080 active",
      ])
    #expect(snapshot.diagnostics.list.isEmpty)
    #expect(snapshot.ebpfFrontends?.allSatisfy { $0.source == .agent && $0.line > 1 } == true)
  }

  @Test func serviceListWithoutTypesAndProtocols() {
    let snapshot = Self.load(
      "ID   Frontend             Backend\n1    10.96.0.10:53        1 => 10.15.35.129:53\n                          2 => 10.15.38.236:53\n"
    )
    #expect(Self.summary(snapshot) == [" 10.96.0.10 53 - → 10.15.35.129 53 active, 10.15.38.236 53 active"])
  }

  @Test func serviceListAsJSON() {
    let snapshot = Self.load(
      """
      [{"spec": {"id": 1, "frontend-address": {"ip": "10.96.0.10", "port": 53, "protocol": "UDP", "scope": "internal"},
        "backend-addresses": [], "flags": {"type": "ClusterIP"}},
        "status": {"realized": {"id": 1,
        "frontend-address": {"ip": "10.96.0.10", "port": 53, "protocol": "UDP", "scope": "internal"},
        "backend-addresses": [{"ip": "10.5.0.9", "port": 53, "protocol": "UDP", "state": "quarantined"}],
        "flags": {"type": "ClusterIP", "name": "kube-dns", "namespace": "kube-system", "intTrafficPolicy": "Local"}}}},
       {"spec": {"frontend-address": {"ip": "nobody", "port": 53}}}]
      """)
    #expect(Self.summary(snapshot) == ["ClusterIP 10.96.0.10 53 udp internal → 10.5.0.9 53 quarantined"])
    #expect(snapshot.ebpfFrontends?.first?.name == "kube-dns")
    #expect(snapshot.ebpfFrontends?.first?.flags == ["InternalLocal"])
    // The one without an address costs a warning.
    #expect(snapshot.diagnostics.list.count == 1)
  }

  @Test(arguments: [
    """
    SERVICE ADDRESS               BACKEND ADDRESS (REVNAT_ID) (SLOT)
    10.96.0.10:53/UDP (0)         0.0.0.0:0 (3) (0) [ClusterIP, non-routable]
    10.96.0.10:53/UDP (2)         10.244.0.191:53/UDP (3) (2)
    10.96.0.10:53/UDP (1)         10.244.0.104:53/UDP (3) (1)
    10.96.0.9:443/TCP (0)         0.0.0.0:0 (30) (0) [ClusterIP, non-routable, l7-load-balancer] (L7LB Proxy Port: 15735)
    0.0.0.0:30965/TCP (0)         0.0.0.0:0 (12) (0) [NodePort, non-routable]
    0.0.0.0:30965/TCP (1)         backend 7 not found
    """,
    """
    {"10.96.0.10:53/UDP (0)": ["0.0.0.0:0 (3) (0) [ClusterIP, non-routable]"],
     "10.96.0.10:53/UDP (2)": ["10.244.0.191:53/UDP (3) (2)"],
     "10.96.0.10:53/UDP (1)": ["10.244.0.104:53/UDP (3) (1)"],
     "10.96.0.9:443/TCP (0)": ["0.0.0.0:0 (30) (0) [ClusterIP, non-routable, l7-load-balancer] (L7LB Proxy Port: 15735)"],
     "0.0.0.0:30965/TCP (0)": ["0.0.0.0:0 (12) (0) [NodePort, non-routable]"]}
    """,
  ]) func map(_ text: String) {
    let snapshot = Self.load(text)
    #expect(
      Self.summary(snapshot) == [
        "ClusterIP 10.96.0.10 53 udp → 10.244.0.191 53 active, 10.244.0.104 53 active",
        "ClusterIP 10.96.0.9 443 tcp → ", "NodePort 0.0.0.0 30965 tcp → ",
      ])
    #expect(snapshot.diagnostics.list.isEmpty)
    let proxied = snapshot.ebpfFrontends?.first { $0.port == 443 }
    #expect(proxied?.proxyPort == 15735)
    #expect(proxied?.flags == ["non-routable", "l7-load-balancer"])
  }

  @Test func mapOfAnOldVersion() {
    let snapshot = Self.load(
      """
      SERVICE ADDRESS       BACKEND ADDRESS
      100.72.178.101:80     100.64.5.159:8000 (14)
                            100.64.3.128:8000 (14)
                            0.0.0.0:0 (14) [ClusterIP]
      nonsense
      """)
    #expect(
      Self.summary(snapshot) == ["ClusterIP 100.72.178.101 80 - → 100.64.5.159 8000 active, 100.64.3.128 8000 active"])
    #expect(snapshot.diagnostics.list.map(\.position) == [.line(5)])
  }
}
