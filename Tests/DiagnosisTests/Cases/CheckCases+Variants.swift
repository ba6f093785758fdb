import Findings

/// Other forms of what the guides describe: what an Event alone tells, names that do not resolve, what writes endpoints, and
/// the words of the control plane's logs.
extension CheckTests {
  private static func without(_ fixture: inout ClusterFixture, _ app: String = "empty") {
    fixture.replace(
      "objects.yaml", "labels: {app: \(app)}}, spec: {nodeName: a}", "labels: {app: other}}, spec: {nodeName: a}")
  }

  private static func refused(_ message: String) -> @Sendable (inout ClusterFixture) -> Void {
    { fixture in
      without(&fixture)
      fixture.append("objects.yaml", deployment("empty", replicas: 2, "replicas: 0"))
      fixture.append("objects.yaml", event("ReplicaSet", "shop", "empty-6c9f7d5b8", "FailedCreate", message))
    }
  }

  private static func policy(_ name: String, _ app: String, _ ingress: String) -> String {
    "- {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: \(name), namespace: shop}, spec: {podSelector: {matchLabels: {app: \(app)}}, policyTypes: [Ingress], ingress: [\(ingress)]}}\n"
  }

  static let variantCases: [Case] = [
    // Events of ReplicaSets that are not among the objects.
    Case(
      "no-pods", .iptables, "a LimitRange of the namespace", severity: .error,
      breaks: refused(
        "Error creating: pods is forbidden: maximum cpu usage per Container is 500m, but limit is 2")),
    Case(
      "no-pods", .iptables, "its ServiceAccount does not exist", severity: .error,
      breaks: refused(
        "Error creating: pods is forbidden: error looking up service account shop/till: serviceaccount \"till\" not found"
      )),
    Case(
      "no-pods", .iptables, "Service guard of the admission webhook check.example has no endpoint", severity: .error,
      breaks: refused(
        "Error creating: Internal error occurred: failed calling webhook \"check.example\": no endpoints available for service \"guard\""
      )),
    Case(
      "no-pods", .iptables, "does not trust the certificate of the admission webhook", severity: .error,
      breaks: refused(
        "Error creating: failed calling webhook \"check.example\": tls: failed to verify certificate: x509: certificate signed by unknown authority"
      )),
    Case("no-pods", .iptables, "exceeded quota", "ResourceQuota small is used up", severity: .error) {
      without(&$0)
      $0.append(
        "objects.yaml",
        event(
          "ReplicaSet", "shop", "empty-6c9f7d5b8", "FailedCreate",
          "Error creating: pods is forbidden: exceeded quota: small, requested: pods=1, used: pods=4, limited: pods=4"))
    },
    Case(
      "no-pods", .iptables, "wants requests and limits", severity: .error,
      breaks: refused(
        "Error creating: pods is forbidden: failed quota: small: must specify limits.memory for: app")),
    Case("selector-mismatch", .iptables, "such Pods are in namespace till (empty-a)", severity: .error) {
      $0.replace(
        "objects.yaml", "metadata: {name: empty-a, namespace: shop", "metadata: {name: empty-a, namespace: till")
    },
    // Who writes endpoints does not follow the Pods.
    Case("stale-endpoints", .iptables, "a share of the connections to shop/office", "10.244.1.77", severity: .error) {
      $0.replace(
        "objects.yaml", "{addresses: [10.244.1.7], conditions: {ready: true}, nodeName: b}",
        "{addresses: [10.244.1.7], conditions: {ready: true}, nodeName: b}, {addresses: [10.244.1.77], conditions: {ready: true}, nodeName: b}"
      )
    },
    Case("stale-endpoints", .iptables, "written by hand", "10.244.1.99, which no Pod has", severity: .error) {
      $0.append(
        "objects.yaml",
        """
        - {apiVersion: v1, kind: Service, metadata: {name: old, namespace: shop}, spec: {clusterIPs: [10.96.0.77], ports: [{port: 80}]}}
        - {apiVersion: v1, kind: Endpoints, metadata: {name: old, namespace: shop}, subsets: [{addresses: [{ip: 10.244.1.99}], ports: [{port: 80}]}]}

        """)
    },
    Case("no-endpoints", .iptables, "nobody but you writes its endpoints", severity: .error) {
      $0.append(
        "objects.yaml",
        "- {apiVersion: v1, kind: Service, metadata: {name: bare, namespace: shop}, spec: {clusterIPs: [10.96.0.78], ports: [{port: 80}]}}\n"
      )
    },
    Case(
      "no-endpoints", .iptables, "db.shop.svc resolves to no address", "its selector matches no Pod", severity: .error
    ) {
      $0.append(
        "objects.yaml",
        "- {apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop}, spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}}\n"
      )
    },
    Case("external-name", .iptables, "which is an address", severity: .error) {
      $0.append(
        "objects.yaml",
        "- {apiVersion: v1, kind: Service, metadata: {name: bank, namespace: shop}, spec: {type: ExternalName, externalName: 203.0.113.50}}\n"
      )
    },
    Case("external-name", .iptables, "there is no Service till/cart; there is shop/cart", severity: .error) {
      $0.append(
        "objects.yaml",
        "- {apiVersion: v1, kind: Service, metadata: {name: alias, namespace: shop}, spec: {type: ExternalName, externalName: cart.till.svc.cluster.local}}\n"
      )
    },
    // Names.
    Case("dns-service", .iptables, "does not serve the zone cluster.local", "serves cluster.lokal") {
      $0.append("objects.yaml", corefile("kubernetes cluster.lokal in-addr.arpa"))
    },
    Case("dns-service", .iptables, "the Corefile has no plugin kubernetes", severity: .error) {
      $0.append("objects.yaml", corefile("cache 30"))
    },
    Case("dns-service", .iptables, "it cannot read its Corefile", "Unknown directive", severity: .error) {
      $0.files["coredns.log"] = "/etc/coredns/Corefile:7 - Error during parsing: Unknown directive 'forwrd'\n"
    },
    Case("dns-service", .iptables, "CoreDNS forwards to itself", "names 10.96.0.10", severity: .error) {
      $0.append("objects.yaml", corefile("kubernetes cluster.local\n          forward . 10.96.0.10"))
    },
    Case("pod-not-ready", .iptables, "shop/worker-0", "exit code 1", severity: .error) {
      $0.append(
        "objects.yaml",
        "- {apiVersion: v1, kind: Pod, metadata: {name: worker-0, namespace: shop, ownerReferences: [{kind: StatefulSet, name: worker, controller: true}]}, spec: {nodeName: a}, status: {phase: Running, conditions: [{type: Ready, status: \"False\"}], containerStatuses: [{name: w, restartCount: 4, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1}}}]}}\n"
      )
    },
    Case("endpoints-not-written", .iptables, "its Pods have none of that version", severity: .error) {
      $0.replace("objects.yaml", "{clusterIPs: [10.96.0.40]", "{clusterIPs: ['fd00:10:96::40']")
    },
    // The control plane's own words.
    Case("control-plane-down", .iptables, "etcd has no room left", "database space exceeded", severity: .error) {
      $0.files["kube-apiserver.log"] =
        "E0301 09:00:00.000000       1 status.go:71] apiserver received an error: etcdserver: mvcc: database space exceeded\n"
    },
    Case("control-plane-down", .iptables, "etcd has no leader", severity: .error) {
      $0.files["etcd.log"] =
        "{\"level\":\"info\",\"ts\":\"2026-03-01T09:00:00Z\",\"msg\":\"raft.node: 8e9e05c5 lost leader 8211f1d0 at term 5\"}\n"
    },
    Case("apiserver-unreachable", .iptables, "kubelet of a gets no answer from the API server", severity: .error) {
      $0.append("ss", "tcp SYN-SENT 0 1 192.0.2.1:40112 192.0.2.10:6443 users:((\"kubelet\",pid=9,fd=12))\n")
    },
    Case("apiserver-unreachable", .iptables, "gets no answer from etcd at 192.0.2.11:2379", severity: .error) {
      $0.append("ss", "tcp SYN-SENT 0 1 192.0.2.1:40112 192.0.2.11:2379 users:((\"kube-apiserver\",pid=9,fd=12))\n")
    },
    Case(
      "apiserver-unreachable", .iptables, "dials https://192.0.2.2:6443", "no API server runs on node b",
      severity: .error
    ) {
      $0.files["kubelet.conf"] =
        "apiVersion: v1\nkind: Config\nclusters:\n- name: kubernetes\n  cluster:\n    server: https://192.0.2.2:6443\n"
    },
    Case("neighbour-table-overflow", .iptables, "the kernel says so once", severity: .error) {
      $0.files["dmesg"] = "[100.000000] neighbour: arp_cache: neighbor table overflow!\n"
    },
    Case("node-not-ready", .iptables, "the kubelet of a does not start", "swap", severity: .error) {
      $0.files["kubelet.log"] =
        "Mar 02 09:00:00 a kubelet[9]: E0302 09:00:00.000000       9 run.go:74] \"command failed\" err=\"failed to run Kubelet: running with swap on is not supported\"\n"
    },
    Case("overlay-mtu", .iptables, "they are given MTU 9000, and only 1500 fit", severity: .error) {
      $0.files["10-plugin.conflist"] =
        "{\"cniVersion\":\"1.0.0\",\"name\":\"pods\",\"plugins\":[{\"type\":\"calico\",\"mtu\":9000}]}\n"
    },
    // Ingresses.
    Case("ingress-path", .iptables, "shop/cart has no port “8080”; it has http (80)", severity: .error) {
      $0.append("objects.yaml", ingress("cart", "number: 8080"))
    },
    Case(
      "ingress-path", .iptables, "shop/kube-dns does not exist; there is one in namespace kube-system", severity: .error
    ) {
      $0.append("objects.yaml", ingress("kube-dns", "number: 53"))
    },
    Case("ingress-path", .iptables, "has no certificate of its own", "was not found", severity: .error) {
      $0.append("objects.yaml", ingress("cart", "number: 80"))
      $0.append(
        "objects.yaml",
        event(
          "Ingress", "shop", "till", "Sync",
          "Error getting SSL certificate: local SSL certificate shop/tls was not found"))
    },
    // Policies that stop their own clients.
    Case("network-policy-drop", .iptables, "lets none of the Pods reach shop/cart", "role=client", severity: .error) {
      $0.append("objects.yaml", policy("only", "cart", "{from: [{podSelector: {matchLabels: {role: client}}}]}"))
    },
    Case("network-policy-drop", .iptables, "app=edge-admin", "one application", severity: .error) {
      $0.append("objects.yaml", policy("only", "cart", "{from: [{podSelector: {matchLabels: {app: edge}}}]}"))
      $0.append("objects.yaml", ClusterFixture.pod("shop", "edge-admin", "b", "10.244.1.40", 80) + "\n")
    },
    Case("network-policy-drop", .iptables, "lets 2 of the Pods reach shop/cart", severity: .info) {
      $0.append("objects.yaml", policy("only", "cart", "{from: [{podSelector: {matchLabels: {app: edge}}}]}"))
    },
    Case("network-policy-drop", .iptables, "its own policy does not let it out", "shop/quiet", severity: .error) {
      $0.append(
        "objects.yaml",
        "- {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: quiet, namespace: shop}, spec: {podSelector: {matchLabels: {app: edge}}, policyTypes: [Egress], egress: [{ports: [{port: 53, protocol: UDP}]}]}}\n"
      )
      $0.files["conntrack"] =
        "tcp      6 110 SYN_SENT src=10.244.0.6 dst=10.96.0.20 sport=41000 dport=80 [UNREPLIED] src=10.244.1.5 dst=10.244.0.6 sport=8080 dport=41000 mark=0 use=1\n"
    },
    // Balancers and NodePorts.
    Case("no-local-endpoints-external", .nftables, "NodePort 30443", "runs on b", "[UNREPLIED]", severity: .error) {
      $0.replace("objects.yaml", "{addresses: [10.244.0.6], conditions: {ready: true}, nodeName: a}, ", "")
      $0.files["conntrack"] =
        "tcp      6 110 SYN_SENT src=198.51.100.4 dst=192.0.2.1 sport=41000 dport=30443 [UNREPLIED] src=192.0.2.1 dst=198.51.100.4 sport=30443 dport=41000 mark=0 use=1\n"
    },
    Case("no-local-endpoints-external", .nftables, "NodePort 30443", "runs on b") {
      $0.replace("objects.yaml", "{addresses: [10.244.0.6], conditions: {ready: true}, nodeName: a}, ", "")
      $0.replace(
        "objects.yaml",
        "type: LoadBalancer, selector: {app: edge}, externalTrafficPolicy: Local, healthCheckNodePort: 31500}, status: {loadBalancer: {ingress: [{ip: 203.0.113.7}]}}",
        "type: NodePort, selector: {app: edge}, externalTrafficPolicy: Local}")
    },
    Case("ipam-exhausted", .iptables, "the network interfaces of the machine hold no more addresses", severity: .error)
    {
      $0.replace(
        "objects.yaml", "podIP: 10.244.0.9, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff}}}]",
        "containerStatuses: [{name: app, state: {waiting: {reason: ContainerCreating}}}]")
      $0.append(
        "objects.yaml",
        event(
          "Pod", "shop", "empty-a", "FailedCreatePodSandBox",
          "plugin type=\"aws-cni\" name=\"aws-cni\" failed (add): failed to assign an IP address to container"))
    },
  ]

  private static func corefile(_ line: String) -> String {
    """
    - apiVersion: v1
      kind: ConfigMap
      metadata: {name: coredns, namespace: kube-system}
      data:
        Corefile: |
          .:53 {
              errors
              \(line)
              forward . 192.0.2.53
          }

    """
  }

  private static func ingress(_ service: String, _ port: String) -> String {
    "- {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: till, namespace: shop}, spec: {rules: [{host: till.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: \(service), port: {\(port)}}}}]}}]}}\n"
  }
}
