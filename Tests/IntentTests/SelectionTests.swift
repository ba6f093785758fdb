import Input
import Intent
import Testing
import Wire

/// Objects as kubectl prints them, small.
private func read(_ text: String) -> Cluster { ObjectReader.read([SourceFile(name: "objects", text: text)]) }

private let cart = """
  apiVersion: v1
  kind: Node
  metadata: {name: a, labels: {topology.kubernetes.io/zone: z1}}
  status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
  ---
  apiVersion: v1
  kind: Service
  metadata: {name: cart, namespace: shop}
  spec:
    type: NodePort
    clusterIP: 10.96.0.10
    clusterIPs: [10.96.0.10]
    selector: {app: cart}
    ports: [{name: http, port: 80, targetPort: web, nodePort: 30080}]
  ---
  apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: cart-1, namespace: shop, labels: {kubernetes.io/service-name: cart}}
  addressType: IPv4
  ports: [{name: http, port: 8080, protocol: TCP}]
  endpoints:
  - {addresses: [10.244.0.5], nodeName: a, conditions: {ready: true}}
  - {addresses: [10.244.1.5], nodeName: b, conditions: {ready: false, serving: true, terminating: true}}
  """

@Suite struct SelectionTests {
  @Test func readyEndpointsOnly() throws {
    let cluster = read(cart)
    #expect(cluster.diagnostics.list.isEmpty)
    let service = try #require(cluster.service("shop/cart"))
    let selection = EndpointSelection(cluster, service, service.ports[0], .v4, node: cluster.nodes.first)
    #expect(selection.cluster == [EndpointAddress(IPAddress("10.244.0.5")!, 8080)])
    #expect(selection.local == selection.cluster)
    #expect(selection.known.count == 2)
  }

  @Test func terminatingOnesServeWhereNoneIsReady() throws {
    let cluster = read(cart.split(separator: "\n").filter { !$0.contains("ready: true") }.joined(separator: "\n"))
    let service = try #require(cluster.service("shop/cart"))
    let selection = EndpointSelection(cluster, service, service.ports[0], .v4, node: cluster.nodes.first)
    #expect(selection.cluster == [EndpointAddress(IPAddress("10.244.1.5")!, 8080)])
    #expect(selection.local.isEmpty)
    #expect(selection.readyOnly.isEmpty)
  }

  @Test("Objects that are not read, named or not, are noted once a kind and no reason to worry")
  func otherKinds() {
    let cluster = read(
      "apiVersion: audit.k8s.io/v1\nkind: Policy\n---\napiVersion: v1\nkind: Secret\n")
    #expect(cluster.diagnostics.list.map(\.severity) == [.note, .note])
  }

  @Test func malformedObjectsAreNamedAndTheRestKept() {
    let cluster = read(
      """
      {"apiVersion": "v1", "kind": "List", "items": [
        {"kind": "Service", "apiVersion": "v9", "metadata": {"name": "x"}, "spec": {"clusterIPs": ["10.0.0.300"], "ports": [{"port": 99999}]}},
        {"kind": "Service", "apiVersion": "v1", "metadata": {}},
        7,
        {"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "metadata": {"name": "s", "labels": {"kubernetes.io/service-name": "gone"}}, "addressType": "IPv4"},
        {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "y"}, "spec": {"clusterIP": "10.0.0.3", "ports": [{"port": 80}]}},
        {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "y"}, "spec": {"clusterIP": "10.0.0.4", "ports": [{"port": 80}]}}]}
      """)
    let messages = cluster.diagnostics.list.map(\.message).joined(separator: "\n")
    for part in [
      "“v9” is not known", "“10.0.0.300” is no IP address", "from 0 to 65535", "no metadata.name", "found a number",
      "which is not among", "more than once",
    ] {
      #expect(messages.contains(part), "missing: \(part)")
    }
    #expect(cluster.service("default/y")?.clusterIPs == [IPAddress("10.0.0.4")!])
  }

  /// A file that was cut off, or broken in one place: the error has its line, the objects before it stay.
  @Test func whatStandsBeforeAnErrorIsKept() {
    let yaml = read(cart + "\n---\n[1,2\n")
    #expect(yaml.service("shop/cart")?.slices.count == 1)
    #expect(yaml.diagnostics.worst == .error)
    let items = (0..<3).map {
      "{\"kind\": \"Service\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"s\($0)\"},\n \"spec\": {\"clusterIP\": \"10.96.0.\($0)\", \"ports\": [{\"port\": 80}]}}"
    }
    let text = "{\"apiVersion\": \"v1\",\n \"items\": [\(items.joined(separator: ","))]}"
    let json = read(String(text.dropLast(40)))
    #expect(json.services.map(\.name) == ["s0", "s1"])
    #expect(json.diagnostics.worst == .error)
    #expect(json.diagnostics.list.first.map { "\($0)".contains("objects:5") } == true)
  }

  /// The objects of a whole cluster, and objects given twice: each counts once, the last one.
  @Test func manyNodesAndRepeatedObjects() {
    let nodes = (0..<5000).map {
      "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"n\($0)\"},\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"192.0.\($0 / 256).\($0 % 256)\"}]}}"
    }
    let many = read("{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[\(nodes.joined(separator: ","))]}")
    #expect(many.nodes.count == 5000 && many.diagnostics.list.isEmpty)
    #expect(many.node(addresses: [IPAddress("192.0.19.135")!], name: "")?.name == "n4999")
    let twice = read(cart + "\n---\n" + cart)
    #expect(twice.services.count == 1 && twice.nodes.count == 1)
    #expect(twice.services[0].slices.count == 1)
    for kind in ["Service", "EndpointSlice", "Node"] {
      #expect(twice.diagnostics.list.contains { $0.message.hasPrefix(kind) && $0.message.contains("more than once") })
    }
  }

  @Test func namesResolve() throws {
    let resolver = NameResolver(read(cart))
    let target = try resolver.resolve("svc/shop/cart:http")
    #expect(target.addresses == [IPAddress("10.96.0.10")!])
    #expect(target.port == 80 && target.ipProtocol == .tcp)
    #expect(try resolver.resolve("node/a").addresses == [IPAddress("192.0.2.1")!])
    #expect(resolver.name(of: IPAddress("10.96.0.10")!) == "svc/shop/cart")
    #expect(throws: NameResolver.Failure.self) { try resolver.resolve("svc/shop/cart:9") }
  }

  @Test(
    "The Service that clients dial is known by cluster IP and by any node's NodePort",
    arguments: [
      ("10.96.0.10", 80, IPProtocol.tcp, "shop/cart:http" as String?), ("192.0.2.1", 30080, .tcp, "shop/cart:http"),
      ("10.96.0.10", 80, .udp, nil), ("10.96.0.10", 30080, .tcp, nil), ("192.0.2.1", 80, .tcp, nil),
      ("192.0.2.2", 30080, .tcp, nil),
    ])
  func frontends(address: String, port: UInt16, ipProtocol: IPProtocol, service: String?) {
    #expect(NameResolver(read(cart)).service(at: IPAddress(address)!, port, ipProtocol) == service)
  }
}
