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

  // MARK: workloads and Events

  @Test func whatMakesPodsOfATable() throws {
    let cluster = Self.read(
      """
      NAMESPACE   NAME   READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES   SELECTOR
      shop        web    1/3     2            1           3d    web          x:1      app=web

      NAMESPACE   NAME              DESIRED   CURRENT   READY   AGE   CONTAINERS   IMAGES   SELECTOR
      shop        web-6c9f7d5b8     3         2         1       3d    web          x:1      app=web,pod-template-hash=6c9f7d5b8

      NAMESPACE     NAME         DESIRED   CURRENT   READY   UP-TO-DATE   AVAILABLE   NODE SELECTOR   AGE   CONTAINERS
      kube-system   kube-proxy   3         3         2       3            2           disk=ssd        3d    kube-proxy

      NAMESPACE   NAME   READY   AGE   CONTAINERS   IMAGES
      shop        db     0/1     3d    db           x:1

      NAME   STATUS   COMPLETIONS   DURATION   AGE
      once   Failed   0/1           5m         5m
      """)
    #expect(cluster.workloads.map(\.kind) == [.deployment, .replicaSet, .daemonSet, .statefulSet, .job])
    #expect(cluster.workloads.map(\.wanted).prefix(4) == [3, 3, 3, 1])
    #expect(cluster.workloads.map(\.ready).prefix(4) == [1, 1, 2, 0])
    #expect(cluster.workloads[1].owner == ObjectOwner(kind: "Deployment", name: "web"))
    #expect(cluster.workloads[0].labels.map(\.value) == ["web"])
    #expect(cluster.workloads[2].nodeSelector.map(\.key) == ["disk"])
    #expect(cluster.diagnostics.list.isEmpty)
  }

  @Test func eventsOfATable() {
    let cluster = Self.read(
      """
      NAMESPACE   LAST SEEN   TYPE      REASON             OBJECT                     MESSAGE
      shop        5m          Warning   FailedCreate       replicaset/web-6c9f7d5b8   Error creating: pods "web-x" is forbidden: exceeded quota: small
      shop        2m          Warning   BackOff            pod/web-0                  Back-off restarting failed container
      default     1m          Normal    Scheduled          pod/x                      placed
      default     9s          Warning   NodeNotReady       node/b                     Node b status is now: NodeNotReady
      """)
    #expect(cluster.events.map(\.reason) == ["FailedCreate", "BackOff", "NodeNotReady"])
    #expect(
      cluster.events.map(\.subject) == [
        .init(kind: "ReplicaSet", namespace: "shop", name: "web-6c9f7d5b8"),
        .init(kind: "Pod", namespace: "shop", name: "web-0"), .init(kind: "Node", namespace: "", name: "b"),
      ])
    #expect(cluster.events[0].message.hasSuffix("exceeded quota: small"))
    #expect(cluster.events[0].time < cluster.events[1].time)
    #expect(cluster.line(holding: cluster.events[1].message, in: 0) == 3)
  }

  @Test func volumesAndIngressesOfATable() {
    let cluster = Self.read(
      """
      NAME   STATUS    VOLUME   CAPACITY   ACCESS MODES   STORAGECLASS   AGE
      data   Pending                                      fast           5m

      NAME                 PROVISIONER   RECLAIMPOLICY   VOLUMEBINDINGMODE   ALLOWVOLUMEEXPANSION   AGE
      standard (default)   x.example     Delete          Immediate           true                   9d

      NAME   CLASS   HOSTS          ADDRESS       PORTS   AGE
      shop   nginx   shop.example   203.0.113.9   80      9d

      NAME    CONTROLLER             PARAMETERS   AGE
      nginx   k8s.io/ingress-nginx   <none>       9d
      """)
    #expect(cluster.claims.first?.phase == "Pending" && cluster.claims.first?.storageClass == "fast")
    #expect(cluster.storageClasses.first?.name == "standard" && cluster.storageClasses.first?.isDefault == true)
    #expect(cluster.ingresses.first?.className == "nginx")
    #expect(cluster.ingresses.first?.addresses == [IPAddress("203.0.113.9")!])
    #expect(cluster.ingressClasses.first?.controller == "k8s.io/ingress-nginx")
    #expect(cluster.diagnostics.list.isEmpty)
  }

  /// What STATUS says is what a container's status would.
  @Test func troublesOfPodsOfATable() {
    let cluster = Self.read(
      """
      NAME    READY   STATUS                  RESTARTS     AGE   IP           NODE
      web-0   0/1     CrashLoopBackOff        9 (2m ago)   3d    10.244.1.5   a
      web-1   0/1     Init:ImagePullBackOff   0            3d    <none>       a
      web-2   0/1     Evicted                 0            3d    <none>       a
      web-3   0/1     Pending                 0            3d    <none>       <none>
      web-4   1/1     Terminating             0            3d    10.244.1.9   b
      web-5   0/1     OOMKilled               3            3d    10.244.1.8   b
      """)
    let troubles = cluster.pods.map { $0.trouble?.containers.first }
    #expect(troubles[0]?.waiting == "CrashLoopBackOff" && troubles[0]?.restarts == 9)
    #expect(troubles[1]?.waiting == "ImagePullBackOff" && troubles[1]?.isInit == true)
    #expect(cluster.pods[2].trouble?.reason == "Evicted" && cluster.pods[2].phase == "Failed")
    #expect(cluster.pods[3].node.isEmpty && cluster.pods[3].phase == "Pending")
    #expect(cluster.pods[4].isTerminating)
    #expect(troubles[5]?.ended?.exitCode == 137)
    #expect(cluster.line(of: "Pod", "web-3", in: 0) == 5)
  }

  // MARK: descriptions

  @Test func describedPod() throws {
    let cluster = Self.read(
      """
      Name:             cart-0
      Namespace:        shop
      Node:             a/192.0.2.1
      Labels:           app=cart
                        tier=back
      Status:           Running
      IP:               10.244.1.9
      Controlled By:  StatefulSet/cart
      Init Containers:
        wait:
          Image:          busybox
          State:          Terminated
            Reason:       Completed
            Exit Code:    0
          Ready:          True
          Restart Count:  0
      Containers:
        server:
          Image:          reg.example/cart:2
          Port:           7070/TCP
          State:          Waiting
            Reason:       CrashLoopBackOff
          Last State:     Terminated
            Reason:       OOMKilled
            Exit Code:    137
          Ready:          False
          Restart Count:  6
          Limits:
            memory:  64Mi
          Readiness:    http-get http://:7070/ready delay=0s timeout=1s period=10s
      Conditions:
        Type              Status
        Ready             False
      Volumes:
        data:
          Type:       PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)
          ClaimName:  cart-data
      Events:
        Type     Reason   Age                From     Message
        ----     ------   ----               ----     -------
        Warning  BackOff  2m (x25 over 9m)   kubelet  Back-off restarting failed container
      """)
    let pod = try #require(cluster.pods.first)
    let trouble = try #require(pod.trouble)
    let container = try #require(trouble.containers.first)
    #expect(pod.labels.map(\.value) == ["cart", "back"] && pod.node == "a" && !pod.ready)
    #expect(trouble.containers.count == 1 && container.name == "server" && container.waiting == "CrashLoopBackOff")
    #expect(container.lastEnd?.reason == "OOMKilled" && container.lastEnd?.exitCode == 137)
    #expect(container.memoryLimit == "64Mi" && container.restarts == 6)
    #expect(container.probe(.readiness)?.text == "HTTP GET :7070/ready")
    #expect(pod.ports.map(\.port) == [7070] && trouble.claims == ["cart-data"])
    #expect(cluster.events.map(\.count) == [25] && cluster.events[0].subject.name == "cart-0")
  }

  @Test func describedWorkloadsAndNodes() throws {
    let cluster = Self.read(
      """
      Name:           web-6c9f7d5b8
      Namespace:      shop
      Selector:       app=web,pod-template-hash=6c9f7d5b8
      Controlled By:  Deployment/web
      Replicas:       0 current / 2 desired
      Pods Status:    0 Running / 0 Waiting / 0 Succeeded / 0 Failed
      Conditions:
        Type             Status  Reason
        ----             ------  ------
        ReplicaFailure   True    FailedCreate
      Events:
        Type     Reason        Age               From                   Message
        ----     ------        ----              ----                   -------
        Warning  FailedCreate  3m (x5 over 9m)   replicaset-controller  Error creating: forbidden
      Name:                   web
      Namespace:              shop
      Selector:               app=web
      Replicas:               2 desired | 0 updated | 0 total | 0 available | 2 unavailable
      StrategyType:           RollingUpdate
      Pod Template:
        Labels:  app=web
        Containers:
         web:
          Image:  x
      Events:  <none>
      Name:               b
      Roles:              <none>
      Taints:             node.kubernetes.io/not-ready:NoExecute
      Conditions:
        Type    Status  LastHeartbeatTime                 LastTransitionTime                Reason            Message
        ----    ------  -----------------                 ------------------                ------            -------
        Ready   False   Mon, 02 Mar 2026 09:00:00 +0000   Mon, 02 Mar 2026 09:00:00 +0000   KubeletNotReady   cni plugin not initialized
      Addresses:
        InternalIP:  192.0.2.11
      Capacity:
        cpu:  4
      """)
    #expect(cluster.workloads.map(\.kind) == [.replicaSet, .deployment])
    #expect(cluster.workloads[0].owner?.name == "web" && cluster.workloads[0].complaint?.reason == "FailedCreate")
    #expect(cluster.workloads[1].wanted == 2 && cluster.workloads[1].current == 0)
    #expect(cluster.events.first?.subject == .init(kind: "ReplicaSet", namespace: "shop", name: "web-6c9f7d5b8"))
    let node = try #require(cluster.nodes.first)
    #expect(!node.ready && node.reason == "cni plugin not initialized")
    #expect(node.taints.map(\.key) == ["node.kubernetes.io/not-ready"])
  }
}
