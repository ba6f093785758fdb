import Input
import Intent
import PacketPath
import ServiceMap
import Snapshot
import Testing
import Wire

/// The service map of the fixture, read back from rules alone, is what its objects ask for.
@Suite struct ServiceMapTests {
  static func map(_ fixture: ClusterFixture, objects: Bool) -> ServiceMap {
    let sources = fixture.files.sorted { $0.key < $1.key }.map { SourceFile(name: $0.key, text: $0.value) }
    let snapshot = SnapshotLoader.load(sources, name: "a")
    let intent = objects ? ObjectReader.read(snapshot.objectFiles) : nil
    return ServiceMap(NodeModel(snapshot, indexed: true), intent: intent)
  }

  static func entry(_ map: ServiceMap, _ frontend: String) throws -> ServiceMap.Entry {
    try #require(
      map.entries.first { "\($0.frontend)".hasPrefix(frontend) },
      "no \(frontend) in \(map.entries.map { "\($0.frontend)" })")
  }

  /// Frontend, Service, endpoints; `*`: any of them, since policy Local leaves the choice to the mode.
  static let wanted: [(frontend: String, service: String, endpoints: [String])] = [
    ("10.96.0.1:443", "default/kubernetes:https", ["192.0.2.10:6443"]),
    ("10.96.0.10:53", "kube-system/kube-dns:dns", ["10.244.0.2:53", "10.244.1.2:53"]),
    ("10.96.0.20:80", "shop/cart:http", ["10.244.0.5:8080", "10.244.1.5:8080"]),
    ("NodePort 30080", "shop/cart:http", ["10.244.0.5:8080", "10.244.1.5:8080"]),
    ("203.0.113.7:443", "shop/edge:https", ["10.244.0.6:8443"]),
    ("NodePort 30443", "shop/edge:https", ["10.244.0.6:8443"]),
    ("203.0.113.8:80", "shop/office:http", ["10.244.1.7:8080"]),
  ]

  @Test(arguments: [ClusterFixture.Mode.iptables, .nftables], [true, false])
  func mapIsIntent(_ mode: ClusterFixture.Mode, objects: Bool) throws {
    let map = Self.map(ClusterFixture(mode), objects: objects)
    for row in Self.wanted {
      let entry = try Self.entry(map, row.frontend)
      #expect(entry.service == row.service)
      #expect(entry.state == .serves)
      #expect(entry.owner == .kubeProxy)
      #expect(entry.endpoints.map { "\($0.backend)" } == row.endpoints)
      // With affinity: of clients that were not seen before.
      for endpoint in entry.endpoints {
        #expect(abs(endpoint.share - 1 / Double(row.endpoints.count)) < 1e-6)
      }
    }
    #expect(try Self.entry(map, "10.96.0.50:80").state == .rejects)
    #expect(try Self.entry(map, "NodePort 30099").state == .rejects)
    #expect(map.entries.count == 12)
  }

  @Test(arguments: [ClusterFixture.Mode.iptables, .nftables]) func policiesAsProgrammed(_ mode: ClusterFixture.Mode)
    throws
  {
    let map = Self.map(ClusterFixture(mode), objects: false)
    #expect(try Self.entry(map, "203.0.113.7:443").policy.traffic == .local)
    #expect(try Self.entry(map, "NodePort 30080").policy.traffic == .cluster)
    #expect(try Self.entry(map, "10.96.0.20:80").policy.affinity == 10800)
    #expect(try Self.entry(map, "10.96.0.30:443").policy.affinity == nil)
    #expect(try Self.entry(map, "203.0.113.8:80").policy.sourceRanges == [IPPrefix("198.51.100.0/24")!])
    #expect(try Self.entry(map, "203.0.113.7:443").policy.sourceRanges.isEmpty)
    #expect(try Self.entry(map, "203.0.113.7:443").outside.masqueraded == 0)
    #expect(try Self.entry(map, "NodePort 30080").outside.masqueraded > 0.999)
  }

  /// Rules whose comments were stripped: the hash in the chain's name still tells, where there are objects.
  @Test func chainNamesTellWithoutComments() throws {
    var fixture = ClusterFixture(.iptables)
    fixture.files["iptables-save"] = fixture.files["iptables-save"]!.split(separator: "\n").map { line in
      line.replacing(#/ -m comment --comment "[^"]*"/#, with: "")
    }.joined(separator: "\n")
    // The address is one that no object has: the chain alone says whose it is.
    fixture.files["iptables-save"] = fixture.files["iptables-save"]!.replacing("10.96.0.20/32", with: "10.96.0.21/32")
    let map = Self.map(fixture, objects: true)
    #expect(try Self.entry(map, "10.96.0.21:80").service == "shop/cart:http")
    #expect(try Self.entry(Self.map(fixture, objects: false), "10.96.0.21:80").service == nil)
  }

  @Test func otherProgramsAreNamed() throws {
    var fixture = ClusterFixture(.iptables)
    fixture.replace("iptables-save", ":KUBE-MARK-MASQ - [0:0]", ":DOCKER - [0:0]\n:KUBE-MARK-MASQ - [0:0]")
    fixture.replace(
      "iptables-save", "-A PREROUTING -m comment",
      "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
        + "-A DOCKER -p tcp -m tcp --dport 8088 -j DNAT --to-destination 10.244.0.3:80\n"
        + "-A PREROUTING -d 192.0.2.1/32 -p tcp -m tcp --dport 8099 -j DNAT --to-destination 10.244.0.4:80\n"
        + "-A PREROUTING -m comment")
    let map = Self.map(fixture, objects: true)
    #expect(try Self.entry(map, "NodePort 8088").owner == .docker)
    #expect(try Self.entry(map, "192.0.2.1:8099").owner == .other)
  }

  /// FIPS and kube-proxy's own test vectors (pkg/proxy/iptables, pkg/proxy/nftables).
  @Test func chainNamesAreKubeProxys() {
    var service = Service(namespace: "ns1", name: "svc1")
    var port = Service.Port()
    port.name = "p80"
    #expect(ChainName.iptables(service, port) == "XPGD46QRK7WJZT7O")
    #expect(ChainName.nftables(service, port) == "ULMVA6XW-ns1/svc1/tcp/p80")
    port.name = ""
    #expect(ChainName.iptables(service, port) == "AQI2S6QIMU7PVVRP")
    service = Service(namespace: "testing", name: "service")
    port.name = "http"
    #expect(ChainName.nftables(service, port) == "P4ZYZVCF-testing/service/tcp/http")
  }

  /// kube-router binds ClusterIPs to a device of its own, as kube-proxy does to kube-ipvs0: they are no node's addresses, and
  /// what stands there is no NodePort.
  @Test func addressesOfServiceDevicesAreClusterIPs() {
    let snapshot = SnapshotLoader.load(
      [
        SourceFile(
          name: "ip-addr",
          text: """
            2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default
                inet 192.0.2.61/24 brd 192.0.2.255 scope global eth0
            7: kube-dummy-if: <BROADCAST,NOARP,UP,LOWER_UP> mtu 1500 qdisc noqueue state UNKNOWN group default
                inet 10.88.0.7/32 brd 10.88.0.7 scope link kube-dummy-if

            """),
        SourceFile(
          name: "ipvsadm-Sn",
          text: """
            -A -t 10.88.0.7:8080 -s rr
            -a -t 10.88.0.7:8080 -r 10.89.1.4:8080 -m -w 1
            -A -t 192.0.2.61:30808 -s rr
            -a -t 192.0.2.61:30808 -r 10.89.1.4:8080 -m -w 1

            """),
      ], name: "a")
    let map = ServiceMap(NodeModel(snapshot, indexed: true))
    let kinds = map.entries.map { "\($0.frontend.address):\($0.frontend.port) \($0.frontend.kind)" }
    #expect(kinds.sorted() == ["10.88.0.7:8080 clusterIP", "192.0.2.61:30808 nodePort"])
  }
}
