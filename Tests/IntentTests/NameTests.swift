import Input
import Intent
import Testing
import Wire

/// Names as people type them, and what they are told where a name is not there.
@Suite struct NameTests {
  private static let objects = """
    apiVersion: v1
    kind: Service
    metadata: {name: frontend, namespace: shop}
    spec:
      clusterIP: 10.96.0.20
      clusterIPs: [10.96.0.20]
      ports: [{name: http, port: 80, protocol: TCP}]
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: names, namespace: kube-system}
    spec:
      clusterIP: 10.96.0.10
      clusterIPs: [10.96.0.10]
      ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}, {name: metrics, port: 9153, protocol: TCP}]
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: peers, namespace: shop}
    spec:
      clusterIP: None
      ports: [{name: http, port: 80, protocol: TCP}]
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: frontend-7d9f-abcde, namespace: shop}
    status: {phase: Running, podIP: 10.244.0.9, podIPs: [{ip: 10.244.0.9}]}
    """

  private static let resolver = NameResolver(
    ObjectReader.read([SourceFile(name: "objects.yaml", text: objects)]), namespace: "default")

  @Test(arguments: [
    ("svc/shop/frontend", 80, IPProtocol.tcp), ("service/shop/frontend:http", 80, .tcp),
    ("frontend.shop.svc", 80, .tcp), ("frontend.shop.svc.cluster.local:80", 80, .tcp),
    ("http://frontend.shop.svc.cluster.local/x", 80, .tcp), ("svc/kube-system/names:dns", 53, .udp),
    ("svc/kube-system/names:53/udp", 53, .udp), ("svc/kube-system/names:53", 53, .tcp),
    ("names.kube-system.svc:9153", 9153, .tcp),
  ]) func resolves(_ name: String, _ port: UInt16, _ ipProtocol: IPProtocol) throws {
    #expect(NameResolver.isName(name))
    let target = try Self.resolver.resolve(name)
    #expect(target.port == port && target.ipProtocol == ipProtocol, "\(target)")
  }

  @Test func namespaceOfNamesThatGiveNone() throws {
    let shop = NameResolver(Self.resolver.cluster, namespace: "shop")
    #expect(try shop.resolve("svc/frontend").addresses == [IPAddress("10.96.0.20")!])
  }

  @Test(arguments: [
    ("svc/shop/frntend", "no Service “shop/frntend” among the objects; did you mean svc/shop/frontend?"),
    ("svc/frontend", "no Service “default/frontend” among the objects; did you mean svc/shop/frontend?"),
    ("svc/shop/frontend:http2", "Service shop/frontend has no port “http2”; it has http (80/tcp)"),
    (
      "svc/kube-system/names",
      "Service kube-system/names has several ports; name one: svc/kube-system/names:dns; it has dns (53/udp), dns-tcp (53/tcp), metrics (9153/tcp)"
    ),
    ("pod/shop/frontend", "no Pod “shop/frontend” among the objects; did you mean pod/shop/frontend-7d9f-abcde?"),
    ("node/a", "no Node “a” among the objects."),
    (
      "svc/shop/peers",
      "Service shop/peers has no ClusterIP (headless); its name leads to its Pods: trace to one of them, pod/NAMESPACE/NAME:PORT"
    ),
    ("zzz.shop.svc.cluster.local", "no Service “shop/zzz” among the objects."),
  ]) func refuses(_ name: String, _ message: String) {
    do {
      let target = try Self.resolver.resolve(name)
      Issue.record("resolved to \(target)")
    } catch {
      #expect("\(error)" == message)
    }
  }

  @Test(arguments: [("frntend", ["svc/shop/frontend"]), ("frontend:80", ["svc/shop/frontend"]), ("qqqqqq", [])])
  func wordsThatAreNoNames(_ word: String, _ meant: [String]) {
    #expect(!NameResolver.isName(word))
    #expect(Self.resolver.meant(word) == meant)
  }
}
