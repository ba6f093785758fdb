import Input
import Testing
import Wire

@testable import Intent

/// What kubectl prints for people, as far as it tells.
@Suite struct ObjectTextTests {
  private static func read(_ text: String) -> Cluster {
    ObjectReader.read([SourceFile(name: "ticket.txt", text: text)])
  }

  @Test func servicesOfATable() throws {
    let cluster = Self.read(
      """
      root@node-a:~# kubectl get svc -n shop -o wide
      NAME       TYPE           CLUSTER-IP     EXTERNAL-IP    PORT(S)                      AGE   SELECTOR
      web        NodePort       10.96.0.20     <none>         80:30080/TCP,443:30443/TCP   3d    app=web,tier=front
      dns        ClusterIP      10.96.0.10     <none>         53/UDP                       9d    <none>
      lb         LoadBalancer   10.96.0.30     203.0.113.5    80:31000/TCP                 1d    app=lb
      waiting    LoadBalancer   10.96.0.31     <pending>      80:31001/TCP                 1d    app=lb
      headless   ClusterIP      None           <none>         80/TCP                       1d    app=db
      """)
    #expect(cluster.services.map(\.fullName) == ["shop/web", "shop/dns", "shop/lb", "shop/waiting", "shop/headless"])
    let web = try #require(cluster.service("shop/web"))
    #expect(web.kind == .nodePort && web.clusterIPs == [IPAddress("10.96.0.20")!])
    #expect(web.ports.map(\.nodePort) == [30080, 30443])
    #expect(web.selector.map(\.key) == ["app", "tier"])
    #expect(cluster.service("shop/dns")?.ports.first?.ipProtocol == .udp)
    #expect(cluster.service("shop/lb")?.loadBalancerIPs == [IPAddress("203.0.113.5")!])
    #expect(cluster.service("shop/waiting")?.loadBalancerIPs.isEmpty == true)
    #expect(cluster.service("shop/headless")?.isProxied == false)
    #expect(cluster.isPartial)
    #expect(cluster.diagnostics.list.isEmpty)
  }

  @Test func tablesWithNamespacesAndKinds() {
    let cluster = Self.read(
      """
      NAMESPACE     NAME                     TYPE        CLUSTER-IP    EXTERNAL-IP   PORT(S)   AGE
      default       service/kubernetes       ClusterIP   10.96.0.1     <none>        443/TCP   9d

      NAMESPACE   NAME                         ENDPOINTS                           AGE
      shop        endpoints/web                10.244.1.5:8080,10.244.2.7:8080     3d
      shop        endpoints/many               10.244.1.1:80 + 3 more...           3d

      NAMESPACE   NAME           READY   STATUS             RESTARTS      AGE   IP            NODE     NOMINATED NODE   READINESS GATES
      shop        pod/web-0      1/1     Running            3 (2d ago)    3d    10.244.1.5    node-a   <none>           <none>
      shop        pod/web-1      0/1     CrashLoopBackOff   9             3d    10.244.2.7    node-b   <none>           <none>
      """)
    #expect(cluster.services.map(\.fullName) == ["default/kubernetes"])
    #expect(cluster.slices.flatMap(\.endpoints).map { "\($0.address)" } == ["10.244.1.5", "10.244.2.7"])
    #expect(cluster.pods.map(\.node) == ["node-a", "node-b"])
    #expect(cluster.pods.map(\.ready) == [true, false])
    // What the table cut off is not taken for all there is.
    #expect(cluster.diagnostics.list.contains { $0.message.contains("not understood") && $0.position == .line(6) })
  }

  @Test func nodesOfATable() {
    let cluster = Self.read(
      """
      NAME     STATUS                     ROLES           AGE   VERSION   INTERNAL-IP    EXTERNAL-IP   OS-IMAGE             KERNEL-VERSION
      node-a   Ready                      control-plane   9d    v1.36.1   192.0.2.10     <none>        Debian GNU/Linux     6.1.0
      node-b   NotReady,SchedulingDisabled   <none>       9d    v1.36.1   192.0.2.11     <none>        Debian GNU/Linux     6.1.0
      """)
    #expect(cluster.nodes.map(\.ready) == [true, false])
    #expect(cluster.nodes.first?.internalIPs == [IPAddress("192.0.2.10")!])
  }

  @Test func descriptions() throws {
    let cluster = Self.read(
      """
      $ kubectl describe svc web -n shop
      Name:                     web
      Namespace:                shop
      Labels:                   app=web
      Annotations:              <none>
      Selector:                 app=web
      Type:                     NodePort
      IP Family Policy:         SingleStack
      IP Families:              IPv4
      IP:                       10.96.0.20
      IPs:                      10.96.0.20
      Port:                     http  80/TCP
      TargetPort:               8080/TCP
      NodePort:                 http  31080/TCP
      Endpoints:                10.244.1.5:8080
      Port:                     metrics  9090/TCP
      TargetPort:               prom/TCP
      NodePort:                 metrics  31090/TCP
      Endpoints:                <none>
      Session Affinity:         ClientIP
      External Traffic Policy:  Local
      Events:                   <none>

      Name:         web-0
      Namespace:    shop
      Node:         node-a/192.0.2.10
      Labels:       app=web
                    tier=front
      Status:       Running
      IP:           10.244.1.5
      IPs:
        IP:  10.244.1.5
      Containers:
        c:
          Image:  x
      Conditions:
        Type              Status
        Ready             True
      """)
    let web = try #require(cluster.service("shop/web"))
    #expect(web.ports.map(\.name) == ["http", "metrics"])
    #expect(web.ports.map(\.targetPort) == ["8080", "prom"])
    #expect(web.ports.map(\.nodePort) == [31080, 31090])
    #expect(web.externalPolicyLocal && web.affinity != nil)
    #expect(cluster.slices.flatMap(\.endpoints).map { "\($0.address)" } == ["10.244.1.5"])
    #expect(cluster.pods.map(\.name) == ["web-0"])
    #expect(cluster.pods.first?.ready == true && cluster.pods.first?.labels.count == 2)
  }

  /// Whatever a cell holds becomes a string of JSON and nothing else.
  @Test func hostileCellsStayStrings() {
    let cluster = Self.read(
      "NAME   TYPE   CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\n\"},{\"kind\":\"Pod   ClusterIP   10.96.0.1   <none>   80/TCP   1d\nx\u{1B}[31m   ClusterIP   10.96.0.2   <none>   99999/TCP   1d\n"
    )
    #expect(cluster.pods.isEmpty)
    #expect(cluster.services.count <= 1)
  }
}
