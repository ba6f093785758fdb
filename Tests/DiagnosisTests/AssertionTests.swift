import Diagnosis
import Findings
import Input
import Intent
import Snapshot
import Testing

/// `check --expect`: each result is told from the others, by the trace, and mistakes in the file by their line.
@Suite struct AssertionTests {
  static let rules = """
    *nat
    :PREROUTING ACCEPT [0:0]
    :INPUT ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    :POSTROUTING ACCEPT [0:0]
    :SVC - [0:0]
    -A PREROUTING -j SVC
    -A OUTPUT -j SVC
    -A SVC -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.244.0.3:8080
    -A SVC -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.4:8080
    -A POSTROUTING ! -s 10.244.0.0/16 -d 10.244.0.0/16 -j MASQUERADE
    COMMIT
    *filter
    :INPUT ACCEPT [0:0]
    :FORWARD ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    -A FORWARD -d 10.96.0.11/32 -p tcp -j REJECT --reject-with icmp-port-unreachable
    -A FORWARD -s 203.0.113.0/24 -d 10.244.0.4/32 -j DROP
    COMMIT
    """
  static let address = """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 state UNKNOWN
        inet 127.0.0.1/8 scope host lo
    2: eth0: <BROADCAST,UP,LOWER_UP> mtu 1500 state UP
        inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0
    3: cni0: <BROADCAST,UP,LOWER_UP> mtu 1500 state UP
        inet 10.244.0.1/24 brd 10.244.0.255 scope global cni0
    """
  static let routes = """
    default via 192.0.2.1 dev eth0
    192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10
    10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1
    local 127.0.0.0/8 dev lo table local scope host
    local 192.0.2.10 dev eth0 table local scope host src 192.0.2.10
    local 10.244.0.1 dev cni0 table local scope host src 10.244.0.1
    """
  static let objects = """
    {"kind": "List", "items": [
      {"kind": "Service", "apiVersion": "v1", "metadata": {"namespace": "shop", "name": "cart"},
       "spec": {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"], "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}},
      {"kind": "Service", "apiVersion": "v1", "metadata": {"namespace": "shop", "name": "idle"},
       "spec": {"clusterIP": "10.96.0.12", "clusterIPs": ["10.96.0.12"], "ports": [{"port": 80, "protocol": "TCP"}]}},
      {"kind": "Pod", "apiVersion": "v1", "metadata": {"namespace": "shop", "name": "cart-0"}, "spec": {"nodeName": "node-a"},
       "status": {"phase": "Running", "podIP": "10.244.0.3", "podIPs": [{"ip": "10.244.0.3"}]}}]}
    """

  /// What does not hold: cause and severity of each finding.
  static func failures(_ yaml: String, objects: String = objects) throws -> [Finding] {
    var bundle = Bundle()
    bundle.snapshots = [
      SnapshotLoader.load(
        [
          SourceFile(name: "iptables-save.txt", text: rules), SourceFile(name: "ip-addr.txt", text: address),
          SourceFile(name: "ip-route.txt", text: routes),
          SourceFile(
            name: "sysctl.txt",
            text:
              "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.eth0.rp_filter = 0\nnet.ipv4.conf.cni0.rp_filter = 0\n"
          ),
        ], name: "node-a")
    ]
    let intent = ObjectReader.read([SourceFile(name: "objects.json", text: objects)])
    var diagnostics = Diagnostics()
    let file = SourceFile(name: "expectations.yaml", text: yaml)
    let assertions = AssertionReader.read(file, &diagnostics)
    #expect(diagnostics.list.map(\.description) == [])
    return AssertionRun(assertions, file: file.name, bundle, intent).cases.flatMap(\.findings)
  }

  @Test func whatTheRulesDoHolds() throws {
    let failures = try Self.failures(
      """
      - name: Pods keep their address
        from: pod/shop/cart-0
        to: [svc/shop/cart:http, 10.96.0.10:80]
        result: allow
        source: kept
        endpoints: [pod/shop/cart-0:8080, 10.244.0.4:8080]
      - {from: 198.51.100.7, to: 10.96.0.10:80/tcp, result: allow, source: masqueraded, node: node-a}
      - {from: [10.244.0.3, outside], to: 10.96.0.11:80, result: refuse}
      - {from: 203.0.113.9, to: 10.244.0.4:8080, result: drop}
      - {from: 203.0.113.9, to: [10.244.0.4:8080, 10.96.0.11:9], result: deny}
      """)
    #expect(failures.map(\.cause) == [])
  }

  @Test(arguments: [
    ("{from: 10.244.0.3, to: 10.96.0.11:80, result: drop}", "it is refused by rule 1 of filter FORWARD"),
    ("{from: 10.244.0.3, to: 10.96.0.11:80, result: allow}", "it is refused by rule 1 of filter FORWARD"),
    ("{from: 203.0.113.9, to: 10.244.0.4:8080, result: refuse}", "it is dropped by rule 2 of filter FORWARD"),
    ("{from: 203.0.113.9, to: svc/shop/cart, result: allow}", "for 50 % of new connections it is dropped"),
    ("{from: 10.244.0.3, to: svc/shop/cart, result: deny}", "it reaches 10.244.0.3:8080"),
    ("{from: 10.244.0.3, to: svc/shop/cart, result: allow, source: masqueraded}", "10.244.0.3 is kept"),
    ("{from: 198.51.100.7, to: svc/shop/cart, result: allow, source: kept}", "the client's address becomes 10.244.0.1"),
    (
      "{from: 10.244.0.3, to: svc/shop/cart, result: allow, endpoints: 10.244.0.3:8080}",
      "for 50 % of new connections it reaches 10.244.0.4:8080, which is not among the endpoints"
    ),
    (
      "{from: 10.244.0.3, to: svc/shop/cart, result: allow, endpoints: [10.244.0.3:8080, 10.244.0.4:8080, 10.244.0.5:8080]}",
      "no connection reaches 10.244.0.5:8080"
    ),
    // Forwarded to the default gateway is not "allowed" where a Service should have answered.
    ("{from: 10.244.0.3, to: svc/shop/idle, result: allow}", "nothing translates it"),
    ("{from: 10.244.0.3, to: svc/shop/gone, result: allow}", "no Service “shop/gone”"),
    ("{from: 10.244.0.3, to: 10.96.0.10:80, result: allow, node: node-z}", "the bundle has no node “node-z”"),
  ]) func whatTheyDoNotDoFails(_ entry: String, _ cause: String) throws {
    let failures = try Self.failures("- \(entry)")
    #expect(failures.count == 1)
    #expect(failures.first?.cause.contains(cause) == true, "\(failures.map(\.cause))")
    #expect(failures.first?.severity == .error)
    #expect(failures.first?.evidence.first?.line == 1)
  }

  /// No rule of the node enforces a policy; its CNI may.
  @Test(arguments: [
    ("{from: 10.244.0.9, to: 10.244.0.3:8080, result: allow}", Finding.Severity?.some(.error)),
    ("{from: 10.244.0.9, to: 10.244.0.3:8080, result: deny}", .warning),
    ("{from: 10.244.0.9, to: 10.244.0.3:8080, result: refuse}", .error),
    ("{from: 10.244.0.9, to: 10.244.0.3:80, result: allow}", nil),
  ]) func networkPoliciesAreToldFromRules(_ yaml: String, _ severity: Finding.Severity?) throws {
    let policy = """
      {"kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1", "metadata": {"namespace": "shop", "name": "web"},
       "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": 80}]}]}}
      """
    let failures = try Self.failures("- " + yaml, objects: Self.objects.dropLast(2) + ", " + policy + "]}")
    #expect(failures.map(\.severity) == [severity].compactMap { $0 })
    #expect(failures.allSatisfy { $0.cause.contains("NetworkPolicy shop/web") }, "\(failures.map(\.cause))")
  }

  @Test func theDecidingRuleIsTheEvidence() throws {
    let failures = try Self.failures("- {from: 203.0.113.9, to: 10.244.0.4:8080, result: allow}")
    #expect(failures.first?.evidence.last?.file == "iptables-save.txt")
    #expect(failures.first?.evidence.last?.text == "-A FORWARD -s 203.0.113.0/24 -d 10.244.0.4/32 -j DROP")
  }

  @Test(arguments: [
    ("- from: a\n  to: b\n  result: alow\n", 3, "result: expected allow, refuse, drop, deny"),
    ("- from: a\n  too: b\n", 2, "unknown key “too”"),
    ("- to: b\n  result: allow\n", 1, "the entry has no “from”"),
    ("# none\n", 1, "holds no expectation"),
    ("- from: a\n  to: b\n  result: drop\n  source: kept\n", 1, "the result is drop"),
    ("- from: a\n  to: []\n  result: drop\n", 2, "the list is empty"),
    ("- from: a\n  from: b\n", 2, "given twice"),
    ("- from: [a\n", 2, "malformed YAML"),
    ("expectation:\n- {from: a, to: b, result: drop}\n", 1, "unknown key “expectation”"),
  ]) func mistakesNameTheirLine(_ text: String, _ line: Int, _ message: String) {
    var diagnostics = Diagnostics()
    #expect(AssertionReader.read(SourceFile(name: "e.yaml", text: text), &diagnostics).isEmpty)
    #expect(diagnostics.list.first?.severity == .error)
    #expect(diagnostics.list.first?.position == .line(line))
    #expect(diagnostics.list.first?.message.contains(message) == true, "\(diagnostics.list)")
  }

  @Test func aWrongEntryCostsOnlyItself() {
    var diagnostics = Diagnostics()
    let text = "- {from: a, to: b, result: drop}\n- {from: a}\n- {from: a, to: c, result: deny}\n"
    #expect(AssertionReader.read(SourceFile(name: "e.yaml", text: text), &diagnostics).map(\.line) == [1, 3])
    #expect(diagnostics.list.count == 1)
  }

  /// Mutated files: no crash, no hang, and what is wrong has a line. The seed is fixed, so that a failure repeats.
  @Test func damagedFilesAreSurvived() {
    let seed = Array(
      "expectations:\n- name: &a x\n  from: [pod/a/b, *a]\n  to: svc/a/b:http\n  result: allow\n  endpoints: [10.0.0.1:80]\n"
        .utf8)
    let marks = Array(" \n-:,[]{}&*\"'|>?!%@".utf8)
    var state: UInt64 = 7
    func random(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    for _ in 0..<2000 {
      var bytes = seed
      for _ in 0...random(5) {
        let at = random(bytes.count)
        switch random(4) {
        case 0: bytes[at] = UInt8(random(256))
        case 1: bytes.removeSubrange(at..<max(at, min(bytes.count - 1, at + random(9))))
        case 2: bytes.insert(contentsOf: seed[random(seed.count)...].prefix(15), at: at)
        default: bytes[at] = marks[random(marks.count)]
        }
      }
      var diagnostics = Diagnostics()
      _ = AssertionReader.read(SourceFile(name: "e.yaml", contents: bytes), &diagnostics)
      for diagnostic in diagnostics.list {
        if case .line(let line) = diagnostic.position { #expect(line >= 1) } else { Issue.record("\(diagnostic)") }
      }
    }
  }
}
