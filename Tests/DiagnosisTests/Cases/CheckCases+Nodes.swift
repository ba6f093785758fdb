import Findings

/// What the files of a node and the objects about the cluster's own machinery tell.
extension CheckTests {
  private static func object(_ kind: String, _ version: String, _ namespace: String, _ name: String, _ more: String)
    -> String
  {
    "- {apiVersion: \(version), kind: \(kind), metadata: {name: \(name), namespace: \(namespace)}, \(more)}\n"
  }

  private static func configMap(_ namespace: String, _ name: String, _ key: String, _ text: String) -> String {
    object("ConfigMap", "v1", namespace, name, "data: {\(key): \"\(text)\"}")
  }

  private static func policy(_ fixture: inout ClusterFixture, _ spec: String) {
    fixture.append(
      "objects.yaml",
      object(
        "NetworkPolicy", "networking.k8s.io/v1", "shop", "cart-only",
        "spec: {podSelector: {matchLabels: {app: cart}}, \(spec)}"))
  }

  private static func pool(_ addresses: String) -> String {
    object("IPAddressPool", "metallb.io/v1beta1", "metallb-system", "lan", "spec: {addresses: [\(addresses)]}")
  }

  private static let advertisement = object(
    "L2Advertisement", "metallb.io/v1beta1", "metallb-system", "all", "spec: {}")

  /// The API server on node a itself.
  private static func hostAPIServer(_ fixture: inout ClusterFixture, _ address: String) {
    fixture.replace(
      "objects.yaml", "[{addresses: [192.0.2.10], conditions: {ready: true}}]",
      "[{addresses: [\(address)], conditions: {ready: true}}]")
  }

  static let nodeCases: [Case] = [
    Case("node-unreachable", .iptables, "192.0.2.2 does not answer ARP", "shop/cart", severity: .error) {
      $0.append("ip-neigh", "192.0.2.2 dev eth0  FAILED\n")
    },
    Case("node-unreachable", .nftables, "4 connections from a to its Pods have no answer", severity: .error) {
      for port in 41000..<41004 {
        $0.append(
          "conntrack",
          "tcp      6 110 SYN_SENT src=10.244.0.6 dst=10.96.0.20 sport=\(port) dport=80 [UNREPLIED] src=10.244.1.5 dst=10.244.0.6 sport=8080 dport=\(port) mark=0 use=1\n"
        )
      }
    },
    Case("certificate-expired", .iptables, "apiserver-kubelet-client", "Mar 01, 2026", severity: .error) {
      $0.append(
        "certs",
        """
        CERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED
        admin.conf                 Mar 01, 2027 09:00 UTC   364d            ca                      no
        apiserver-kubelet-client   Mar 01, 2026 09:00 UTC   <invalid>       ca                      no

        """)
    },
    Case("certificate-expired", .iptables, "kubelet of a", "certificate has expired", severity: .error) {
      $0.append(
        "kubelet.log",
        "E0301 09:00:00.000001    927 bootstrap.go:266] part of the existing bootstrap client certificate in /etc/kubernetes/kubelet.conf is expired: x509: certificate has expired or is not yet valid\n"
      )
    },
    Case("pod-restarts", .iptables, "shop/cart fails now and then", "7 restarts", "exit code 1") {
      $0.replace(
        "objects.yaml", "podIP: 10.244.0.5, conditions",
        "podIP: 10.244.0.5, containerStatuses: [{name: app, ready: true, restartCount: 7, state: {running: {}}, lastState: {terminated: {exitCode: 1}}}], conditions"
      )
    },
    Case("control-plane-port", .iptables, "etcd's port 2380/tcp on a is closed", "INPUT", severity: .error) {
      $0.append("ss", "tcp   LISTEN 0      4096       192.0.2.1:2380      0.0.0.0:*    users:((\"etcd\",pid=9,fd=6))\n")
      $0.replace(
        "iptables-save", "-A FORWARD",
        "-A INPUT -i eth0 -p tcp -m tcp --dport 2380 -j REJECT --reject-with icmp-port-unreachable\n-A FORWARD")
    },
    Case("control-plane-port", .iptables, "flannel.1's port 8472/udp on a is closed", severity: .error) {
      $0.replace("iptables-save", "-A FORWARD", "-A INPUT -p udp -m udp --dport 8472 -j DROP\n-A FORWARD")
    },
    Case("configuration-mismatch", .iptables, "works in iptables mode", "“ipvs”") {
      $0.append(
        "objects.yaml",
        configMap("kube-system", "kube-proxy", "config.conf", #"kind: KubeProxyConfiguration\nmode: ipvs\n"#))
    },
    Case("configuration-mismatch", .iptables, "clusterCIDR 10.11.0.0/16", "Pods for strangers") {
      $0.append(
        "objects.yaml",
        configMap(
          "kube-system", "kube-proxy", "config.conf",
          #"kind: KubeProxyConfiguration\nmode: iptables\nclusterCIDR: 10.11.0.0/16\n"#))
    },
    Case("configuration-mismatch", .iptables, "Network is 10.11.0.0/16", "podCIDR is 10.244.0.0/24", severity: .error) {
      $0.append(
        "objects.yaml",
        configMap("kube-flannel", "kube-flannel-cfg", "net-conf.json", #"{\"Network\": \"10.11.0.0/16\"}"#))
    },
    Case("overlay-mtu", .iptables, "flannel.1 has MTU 1500, and only 1450 fit", severity: .error) {
      $0.replace(
        "ip-d-link", "3: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450",
        "3: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500")
      $0.replace(
        "ip-addr", "3: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450",
        "3: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500")
    },
    Case("pod-mtu", .iptables, "2 Pods of a send packets of up to 1500 bytes", "flannel.1 takes 1450") {
      for number in [5, 6] {
        $0.replace(
          "ip-d-link", "\(number): veth\(number)@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450",
          "\(number): veth\(number)@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500")
      }
    },
    Case("vxlan-port", .iptables, "flannel.1 on a is down", severity: .error) {
      for file in ["ip-d-link", "ip-addr"] {
        $0.replace(file, "flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP>", "flannel.1: <BROADCAST,MULTICAST>")
      }
    },
    Case("vxlan-port", .iptables, "nothing on a takes packets on UDP port 8472", severity: .error) {
      $0.append("ss", "udp   UNCONN 0      0             0.0.0.0:4789      0.0.0.0:*\n")
    },
    Case("wrong-vtep", .iptables, "no neighbour entry for 10.244.1.0", severity: .error) {
      $0.append("ip-neigh", "192.0.2.254 dev eth0 lladdr 02:00:00:00:09:fe REACHABLE\n")
    },
    Case("wrong-vtep", .iptables, "no forwarding entry for 02:00:00:00:09:01", severity: .error) {
      $0.append("ip-neigh", "10.244.1.0 dev flannel.1 lladdr 02:00:00:00:09:01 PERMANENT\n")
      $0.append("bridge-fdb", "33:33:00:00:00:01 dev eth0 self permanent\n")
    },
    Case(
      "wrong-vtep", .iptables, "flannel.1 sends it to 192.0.2.77, which no node has (b has 192.0.2.2)", severity: .error
    ) {
      $0.append("ip-neigh", "10.244.1.0 dev flannel.1 lladdr 02:00:00:00:09:01 PERMANENT\n")
      $0.append("bridge-fdb", "02:00:00:00:09:01 dev flannel.1 dst 192.0.2.77 self permanent\n")
    },
    Case("wrong-vtep", .iptables, "which is this node, and the Pods are on b", severity: .error) {
      $0.append("ip-neigh", "10.244.1.0 dev flannel.1 lladdr 02:00:00:00:09:01 PERMANENT\n")
      $0.append("bridge-fdb", "02:00:00:00:09:01 dev flannel.1 dst 192.0.2.1 self permanent\n")
    },
    Case(
      "wrong-vtep", .iptables, "the route sends it to 192.0.2.77, which no node has (b has 192.0.2.2)", severity: .error
    ) {
      $0.replace(
        "ip-route", "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink", "10.244.1.0/24 via 192.0.2.77 dev eth0")
    },
    Case("no-route", .iptables, "no route of its own to 4 Pods of node b", severity: .error) {
      $0.remove("ip-route", "10.244.1.0/24 via 10.244.1.0")
    },
    Case("no-route", .iptables, "sends packets to Pod shop/cart-a (10.244.0.5) away", severity: .error) {
      $0.append("ip-route", "10.244.0.5 dev eth0 scope link\n")
    },
    Case("wrong-vtep", .iptables, "no peer of wg0 is allowed 10.244.1.0/24", severity: .error) {
      $0.replace("ip-route", "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink", "10.244.1.0/24 dev wg0 scope link")
      $0.append(
        "ip-d-link",
        "8: wg0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN mode DEFAULT\n"
          + "    link/none promiscuity 0\n    wireguard\n")
      $0.append(
        "wg-show",
        "interface: wg0\n  listening port: 51820\n\npeer: K2=\n  endpoint: 192.0.2.2:51820\n  allowed ips: 10.244.7.0/24\n"
      )
    },
    Case(
      "control-plane-port", .iptables, "set hosts4, by which others are let in, does not have 192.0.2.2",
      severity: .error
    ) {
      $0.replace("objects.yaml", "items:\n", "items:\n" + node("c", "192.0.2.3"))
      $0.append("ipset-save", "create hosts4 hash:net family inet\nadd hosts4 192.0.2.1\nadd hosts4 192.0.2.3\n")
      $0.replace(
        "iptables-save", "-A INPUT -j KUBE-FIREWALL",
        "-A INPUT -p udp -m multiport --dports 8472 -m set --match-set hosts4 src -j ACCEPT\n"
          + "-A INPUT -p udp -m multiport --dports 8472 -j DROP\n-A INPUT -j KUBE-FIREWALL")
    },
    Case("control-plane-port", .iptables, "tunl0's protocol ipencap (4) on a is closed", severity: .error) {
      $0.append(
        "ip-d-link",
        "8: tunl0@NONE: <NOARP,UP,LOWER_UP> mtu 1480 qdisc noqueue state UNKNOWN mode DEFAULT\n"
          + "    link/ipip 0.0.0.0 brd 0.0.0.0 promiscuity 0\n    ipip any remote any local any ttl inherit nopmtudisc\n"
      )
      $0.append("ip-route", "10.244.7.0/26 via 192.0.2.2 dev tunl0 proto bird onlink\n")
      $0.replace("iptables-save", "-A INPUT -j KUBE-FIREWALL", "-A INPUT -p ipencap -j DROP\n-A INPUT -j KUBE-FIREWALL")
    },
    Case("mesh-policy", .iptables, "NetworkPolicy shop/cart-only closes port 15008", "shop/cart", severity: .error) {
      policy(&$0, "policyTypes: [Ingress], ingress: [{ports: [{protocol: TCP, port: 8080}]}]")
      $0.append(
        "objects.yaml",
        "- {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}}\n")
    },
    Case("mesh-policy", .iptables, "without a sidecar, e.g. shop/edge-a", "STRICT", severity: .error) {
      $0.append(
        "objects.yaml",
        object("PeerAuthentication", "security.istio.io/v1", "shop", "default", "spec: {mtls: {mode: STRICT}}"))
      for _ in 0..<2 {
        $0.replace(
          "objects.yaml", "containers: [{ports: [{name: web, containerPort: 8080, protocol: TCP}]}]",
          "containers: [{name: app, ports: [{name: web, containerPort: 8080, protocol: TCP }]}, {name: istio-proxy}]")
      }
    },
    Case(
      "network-policy-drop", .iptables, "shop/cart-only lets 2 of the Pods reach shop/cart and stops", severity: .info
    ) {
      policy(
        &$0, "ingress: [{from: [{podSelector: {matchLabels: {app: edge}}}], ports: [{protocol: TCP, port: 8080}]}]")
    },
    Case("network-policy-drop", .iptables, "connections of a stopped Pod hang", severity: .error) {
      policy(
        &$0, "ingress: [{from: [{podSelector: {matchLabels: {app: edge}}}], ports: [{protocol: TCP, port: 8080}]}]")
      $0.append(
        "conntrack",
        "tcp      6 110 SYN_SENT src=10.244.1.7 dst=10.96.0.20 sport=41000 dport=80 [UNREPLIED] src=10.244.0.5 dst=10.244.1.7 sport=8080 dport=41000 mark=0 use=1\n"
      )
    },
    Case("kube-proxy-not-programming", .iptables, "Pod kube-system/kube-proxy-x", "exit code 1") {
      $0.append(
        "objects.yaml",
        "- {apiVersion: v1, kind: Pod, metadata: {name: kube-proxy-x, namespace: kube-system, labels: {k8s-app: kube-proxy}}, spec: {nodeName: a, hostNetwork: true}, status: {phase: Running, podIP: 192.0.2.1, conditions: [{type: Ready, status: \"False\"}], containerStatuses: [{name: kube-proxy, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1}}}]}}\n"
      )
    },
    Case("load-balancer-address", .iptables, "shop/office", "the address pool is used up", severity: .error) {
      $0.replace("objects.yaml", ", status: {loadBalancer: {ingress: [{ip: 203.0.113.8}]}}", "")
      $0.append("objects.yaml", pool("203.0.113.7/32") + advertisement)
    },
    Case("load-balancer-address", .iptables, "its address is in no IPAddressPool", "203.0.113.8", severity: .error) {
      $0.append("objects.yaml", pool("203.0.113.0-203.0.113.7") + advertisement)
    },
    Case("load-balancer-address", .iptables, "no L2Advertisement or BGPAdvertisement is for pool lan", severity: .error)
    {
      $0.append("objects.yaml", pool("203.0.113.0/28"))
    },
    Case("load-balancer-address", .iptables, "metallb-system/speaker is ready on 0 of 2 nodes", severity: .error) {
      $0.append("objects.yaml", pool("203.0.113.0/28") + advertisement)
      $0.append(
        "objects.yaml",
        object(
          "DaemonSet", "apps/v1", "metallb-system", "speaker", "status: {desiredNumberScheduled: 2, numberReady: 0}"))
    },
    Case(
      "ingress-path", .iptables, "nobody serves shop.example/", "IngressClass “fancy” does not exist", severity: .error
    ) {
      $0.append(
        "objects.yaml",
        object("IngressClass", "networking.k8s.io/v1", "x", "nginx", "spec: {controller: k8s.io/ingress-nginx}"))
      $0.append(
        "objects.yaml",
        object(
          "Ingress", "networking.k8s.io/v1", "shop", "front",
          "spec: {ingressClassName: fancy, rules: [{host: shop.example, http: {paths: [{path: /, backend: {service: {name: cart, port: {number: 80}}}}]}}]}"
        ))
    },
    Case(
      "apiserver-unreachable", .iptables, "192.0.2.1:6443 of a is closed", "no process listens on port 6443",
      severity: .error
    ) {
      hostAPIServer(&$0, "192.0.2.1")
    },
    Case("apiserver-unreachable", .iptables, "haproxy listens on port 6443", severity: .error) {
      hostAPIServer(&$0, "192.0.2.1")
      $0.append(
        "ss", "tcp   LISTEN 0      4096               *:6443            *:*    users:((\"haproxy\",pid=7,fd=12))\n")
    },
    Case(
      "apiserver-unreachable", .iptables, "it announces 127.0.0.1:6443", "--advertise-address=127.0.0.1",
      severity: .error
    ) {
      hostAPIServer(&$0, "127.0.0.1")
      $0.append(
        "objects.yaml",
        object(
          "Pod", "v1", "kube-system", "kube-apiserver",
          "spec: {containers: [{name: kube-apiserver, command: [kube-apiserver, --advertise-address=127.0.0.1]}]}"))
    },
    Case("dns-service", .iptables, "a Pod asks 10.96.0.99", "10.96.0.10", severity: .error) {
      $0.append(
        "pod.resolv.conf",
        "nameserver 10.96.0.99\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n")
    },
    Case("dns-service", .iptables, "--cluster-dns=10.96.0.77", severity: .error) {
      $0.append(
        "kubeadm-flags.env",
        "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///run/x.sock --cluster-dns=10.96.0.77\"\n")
    },
    Case("dns-service", .iptables, "does not reach its upstream 198.51.100.53:53", "FORWARD drops it", severity: .error)
    {
      $0.append(
        "objects.yaml", configMap("kube-system", "coredns", "Corefile", #".:53 {\n  forward . 198.51.100.53\n}\n"#))
      $0.replace(
        "iptables-save", "-A FORWARD",
        "-A FORWARD -s 10.244.0.0/16 ! -d 10.0.0.0/8 -p udp -m udp --dport 53 -j DROP\n-A FORWARD")
    },
    Case("dns-service", .iptables, "it forwards to itself", "Loop (127.0.0.1", severity: .error) {
      $0.append(
        "coredns.log",
        "[FATAL] plugin/loop: Loop (127.0.0.1:55953 -> :53) detected for zone \".\", see https://coredns.io/plugins/loop\n"
      )
    },
    Case("conntrack-table-full", .iptables, "the kernel says so 2 times", severity: .error) {
      for second in 1...2 {
        $0.append("dmesg", "[8812\(second).100001] nf_conntrack: nf_conntrack: table full, dropping packet\n")
      }
    },
    Case("conntrack-table-full", .iptables, "35 packets dropped for want of room", severity: .error) {
      $0.append(
        "conntrack-S",
        "cpu=0   \tfound=1 invalid=3 insert=0 insert_failed=6 drop=20 early_drop=9 error=0 search_restart=1\ncpu=1   \tfound=1 invalid=3 insert=0 insert_failed=6 drop=15 early_drop=2 error=0 search_restart=1\n"
      )
    },
    Case("conntrack-table-full", .iptables, "63000 of 65536 entries") {
      $0.append("sysctl", "net.netfilter.nf_conntrack_max = 65536\n")
      $0.append("measured", "$ conntrack -L | wc -l\n63000\n")
    },
    Case("no-route", .iptables, "kube-flannel/kube-flannel-ds-b on b is not ready", severity: .error) {
      $0.remove("ip-route", "10.244.1.0/24")
      $0.remove("ip-route", "default")
      $0.append(
        "objects.yaml",
        object(
          "Pod", "v1", "kube-flannel", "kube-flannel-ds-b",
          "spec: {nodeName: b, hostNetwork: true}, status: {phase: Running, conditions: [{type: Ready, status: \"False\"}]}"
        ))
    },
    Case("ipam-exhausted", .iptables, "most of them to Pods that are gone", severity: .error) {
      $0.replace("objects.yaml", "podCIDRs: [10.244.0.0/24]", "podCIDRs: [10.244.0.0/29]")
      $0.append(
        "networks",
        "$ ls /var/lib/cni/networks/cbr0\n" + (1...6).map { "10.244.0.\($0)\n" }.joined() + "last_reserved_ip.0\nlock\n"
      )
    },
  ]

  private static func node(_ name: String, _ address: String) -> String {
    """
    - {apiVersion: v1, kind: Node, metadata: {name: \(name)},
       status: {addresses: [{type: InternalIP, address: \(address)}], conditions: [{type: Ready, status: "True"}]}}

    """
  }
}
