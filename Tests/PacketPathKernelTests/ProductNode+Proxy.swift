// swift-format-ignore-file
import KernelLab
import Wire

extension ProductNode {
  /// What kube-proxy writes for the objects in iptables mode.
  static let proxy = """
    *mangle
    :KUBE-PROXY-CANARY - [0:0]
    *filter
    :KUBE-EXTERNAL-SERVICES - [0:0]
    :KUBE-PROXY-CANARY - [0:0]
    :KUBE-PROXY-FIREWALL - [0:0]
    :KUBE-NODEPORTS - [0:0]
    :KUBE-SERVICES - [0:0]
    -A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
    -A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
    -A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
    -A INPUT -j KUBE-FIREWALL
    -A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
    -A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
    -A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
    -A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
    -A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A OUTPUT -j KUBE-FIREWALL
    -A KUBE-FIREWALL ! -s @loops -d @loops -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
    -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
    -A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
    -A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    *nat
    :KUBE-PROXY-CANARY - [0:0]
    -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
    -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
    -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
    -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
    -A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
    -A KUBE-SERVICES -d @kube/@host -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y
    -A KUBE-SERVICES -d @vip/@host -p tcp -m comment --comment "shop/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-WEBHTTPAAAAAAAAA
    -A KUBE-SERVICES -d @vip2/@host -p tcp -m comment --comment "shop/api:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-APIHTTPAAAAAAAAA
    -A KUBE-SERVICES -d @vip3/@host -p udp -m comment --comment "kube-system/kube-dns:dns cluster IP" -m udp --dport 53 -j KUBE-SVC-DNSAAAAAAAAAAAAA
    -A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
    -A KUBE-NODEPORTS -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j KUBE-EXT-WEBHTTPAAAAAAAAA
    -A KUBE-EXT-WEBHTTPAAAAAAAAA -m comment --comment "masquerade traffic for shop/web:http external destinations" -j KUBE-MARK-MASQ
    -A KUBE-EXT-WEBHTTPAAAAAAAAA -j KUBE-SVC-WEBHTTPAAAAAAAAA
    -A KUBE-SVC-NPX46M4PTMTKRN6Y ! -s @allpods -d @kube/@host -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-MARK-MASQ
    -A KUBE-SVC-NPX46M4PTMTKRN6Y -m comment --comment "default/kubernetes:https -> @gateway:6443" -j KUBE-SEP-KUBEAAAAAAAAAAAA
    -A KUBE-SVC-WEBHTTPAAAAAAAAA ! -s @allpods -d @vip/@host -p tcp -m comment --comment "shop/web:http cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
    -A KUBE-SVC-WEBHTTPAAAAAAAAA -m comment --comment "shop/web:http -> @pod1:8080" -j KUBE-SEP-WEBAAAAAAAAAAAAA
    -A KUBE-SVC-APIHTTPAAAAAAAAA ! -s @allpods -d @vip2/@host -p tcp -m comment --comment "shop/api:http cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
    -A KUBE-SVC-APIHTTPAAAAAAAAA -m comment --comment "shop/api:http -> @remote:8080" -j KUBE-SEP-APIAAAAAAAAAAAAA
    -A KUBE-SVC-DNSAAAAAAAAAAAAA ! -s @allpods -d @vip3/@host -p udp -m comment --comment "kube-system/kube-dns:dns cluster IP" -m udp --dport 53 -j KUBE-MARK-MASQ
    -A KUBE-SVC-DNSAAAAAAAAAAAAA -m comment --comment "kube-system/kube-dns:dns -> @pod2:53" -j KUBE-SEP-DNSAAAAAAAAAAAAA
    -A KUBE-SEP-KUBEAAAAAAAAAAAA -s @gateway/@host -m comment --comment "default/kubernetes:https" -j KUBE-MARK-MASQ
    -A KUBE-SEP-KUBEAAAAAAAAAAAA -p tcp -m comment --comment "default/kubernetes:https" -m tcp -j DNAT --to-destination @gateway:6443
    -A KUBE-SEP-WEBAAAAAAAAAAAAA -s @pod1/@host -m comment --comment "shop/web:http" -j KUBE-MARK-MASQ
    -A KUBE-SEP-WEBAAAAAAAAAAAAA -p tcp -m comment --comment "shop/web:http" -m tcp -j DNAT --to-destination @pod1:8080
    -A KUBE-SEP-APIAAAAAAAAAAAAA -s @remote/@host -m comment --comment "shop/api:http" -j KUBE-MARK-MASQ
    -A KUBE-SEP-APIAAAAAAAAAAAAA -p tcp -m comment --comment "shop/api:http" -m tcp -j DNAT --to-destination @remote:8080
    -A KUBE-SEP-DNSAAAAAAAAAAAAA -s @pod2/@host -m comment --comment "kube-system/kube-dns:dns" -j KUBE-MARK-MASQ
    -A KUBE-SEP-DNSAAAAAAAAAAAAA -p udp -m comment --comment "kube-system/kube-dns:dns" -m udp -j DNAT --to-destination @pod2:53

    """

  /// The same in nftables mode.
  static let nativeProxy = """
    table @ip kube-proxy {
      set cluster-ips { type @addr; elements = { @kube, @vip, @vip2, @vip3 } }
      set nodeport-ips { type @addr; elements = { @node } }
      map no-endpoint-services { type @addr . inet_proto . inet_service : verdict; }
      map no-endpoint-nodeports { type inet_proto . inet_service : verdict; }
      map firewall-ips { type @addr . inet_proto . inet_service : verdict; }
      map service-ips {
        type @addr . inet_proto . inet_service : verdict
        elements = { @kube . tcp . 443 : goto service-2QRHZV4L-default/kubernetes/tcp/https,
          @vip . tcp . 80 : goto service-WEBAAAAA-shop/web/tcp/http,
          @vip2 . tcp . 80 : goto service-APIAAAAA-shop/api/tcp/http,
          @vip3 . udp . 53 : goto service-DNSAAAAA-kube-system/kube-dns/udp/dns }
      }
      map service-nodeports {
        type inet_proto . inet_service : verdict
        elements = { tcp . 30080 : goto external-WEBAAAAA-shop/web/tcp/http }
      }
      chain filter-prerouting-pre-dnat {
        type filter hook prerouting priority dstnat - 10; policy accept;
        ct state new jump firewall-check
      }
      chain filter-output-pre-dnat {
        type filter hook output priority -110; policy accept;
        ct state new jump firewall-check
      }
      chain filter-input {
        type filter hook input priority filter; policy accept;
        ct state new jump nodeport-endpoints-check
        ct state new jump service-endpoints-check
      }
      chain filter-forward {
        type filter hook forward priority filter; policy accept;
        ct state new jump service-endpoints-check
        ct state new jump cluster-ips-check
      }
      chain filter-output {
        type filter hook output priority filter; policy accept;
        ct state new jump service-endpoints-check
        ct state new jump cluster-ips-check
      }
      chain nat-prerouting { type nat hook prerouting priority dstnat; policy accept;
        jump services
      }
      chain nat-output { type nat hook output priority -100; policy accept;
        jump services
      }
      chain nat-postrouting { type nat hook postrouting priority srcnat; policy accept;
        jump masquerading
      }
      chain nodeport-endpoints-check { @ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
      }
      chain service-endpoints-check { @ip daddr . meta l4proto . th dport vmap @no-endpoint-services
      }
      chain firewall-check { @ip daddr . meta l4proto . th dport vmap @firewall-ips
      }
      chain services {
        @ip daddr . meta l4proto . th dport vmap @service-ips
        @ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
      }
      chain masquerading {
        meta mark & 0x00004000 == 0x00000000 return
        meta mark set meta mark ^ 0x00004000
        masquerade fully-random
      }
      chain cluster-ips-check { @ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"
      }
      chain mark-for-masquerade { meta mark set meta mark | 0x00004000
      }
      chain reject-chain { reject
      }
      chain endpoint-KUBEAAAA-default/kubernetes/tcp/https__gateway/6443 {
        @ip saddr @gateway jump mark-for-masquerade
        meta l4proto tcp dnat to @gateway:6443
      }
      chain service-2QRHZV4L-default/kubernetes/tcp/https {
        @ip daddr @kube @ip saddr != @allpods jump mark-for-masquerade
        numgen random mod 1 vmap { 0 : goto endpoint-KUBEAAAA-default/kubernetes/tcp/https__gateway/6443 }
      }
      chain endpoint-WEBAAAAA-shop/web/tcp/http__pod1/8080 {
        @ip saddr @pod1 jump mark-for-masquerade
        meta l4proto tcp dnat to @pod1:8080
      }
      chain service-WEBAAAAA-shop/web/tcp/http {
        @ip daddr @vip @ip saddr != @allpods jump mark-for-masquerade
        numgen random mod 1 vmap { 0 : goto endpoint-WEBAAAAA-shop/web/tcp/http__pod1/8080 }
      }
      chain external-WEBAAAAA-shop/web/tcp/http {
        jump mark-for-masquerade
        goto service-WEBAAAAA-shop/web/tcp/http
      }
      chain endpoint-APIAAAAA-shop/api/tcp/http__remote/8080 {
        @ip saddr @remote jump mark-for-masquerade
        meta l4proto tcp dnat to @remote:8080
      }
      chain service-APIAAAAA-shop/api/tcp/http {
        @ip daddr @vip2 @ip saddr != @allpods jump mark-for-masquerade
        numgen random mod 1 vmap { 0 : goto endpoint-APIAAAAA-shop/api/tcp/http__remote/8080 }
      }
      chain endpoint-DNSAAAAA-kube-system/kube-dns/udp/dns__pod2/53 {
        @ip saddr @pod2 jump mark-for-masquerade
        meta l4proto udp dnat to @pod2:53
      }
      chain service-DNSAAAAA-kube-system/kube-dns/udp/dns {
        @ip daddr @vip3 @ip saddr != @allpods jump mark-for-masquerade
        numgen random mod 1 vmap { 0 : goto endpoint-DNSAAAAA-kube-system/kube-dns/udp/dns__pod2/53 }
      }
    }

    """

  /// The cluster, seen from the node: of two IP versions where the node has rules of both.
  static func objects(_ more: String, _ versions: [IPVersion]) -> String {
    let worlds = versions.map(World.init)
    func all(_ text: String) -> String { "[" + worlds.map { "\"" + $0.render(text) + "\"" }.joined(separator: ", ") + "]" }
    func node(_ name: String, _ address: String, _ pods: String) -> String {
      let addresses = worlds.map { "{type: InternalIP, address: \"\($0.render(address))\"}" }.joined(separator: ", ")
      return """
        - {apiVersion: v1, kind: Node, metadata: {name: \(name)}, spec: {podCIDRs: \(all(pods))},
           status: {addresses: [\(addresses)], conditions: [{type: Ready, status: "True"}]}}
        """
    }
    func service(
      _ namespace: String, _ name: String, _ address: String, _ port: String, _ number: Int, _ proto: String, _ target: Int,
      nodePort: Int? = nil, _ endpoint: String, on node: String?
    ) -> String {
      let extra = nodePort.map { ", nodePort: \($0)" } ?? ""
      let home = node.map { ", nodeName: \($0)" } ?? ""
      let slices = worlds.map { world in
        """
        - {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IP\(world.version == .v4 ? "v4" : "v6"),
           endpoints: [{addresses: ["\(world.render(endpoint))"], conditions: {ready: true}\(home)}],
           metadata: {name: \(name)-\(world.family), namespace: \(namespace), labels: {kubernetes.io/service-name: \(name)}},
           ports: [{name: \(port), port: \(target), protocol: \(proto)}]}
        """
      }.joined(separator: "\n")
      return """
        - {apiVersion: v1, kind: Service, metadata: {name: \(name), namespace: \(namespace)},
           spec: {type: \(nodePort == nil ? "ClusterIP" : "NodePort"), clusterIPs: \(all(address)), selector: {app: \(name)},
             ports: [{name: \(port), port: \(number), protocol: \(proto), targetPort: \(target)\(extra)}]}}
        \(slices)
        """
    }
    func pod(
      _ namespace: String, _ app: String, _ node: String, _ address: String, _ port: Int, _ proto: String = "TCP"
    ) -> String {
      let addresses = worlds.map { "{ip: \"\($0.render(address))\"}" }.joined(separator: ", ")
      return """
        - {apiVersion: v1, kind: Pod, metadata: {name: \(app)-0, namespace: \(namespace), labels: {app: \(app)}},
           spec: {nodeName: \(node), containers: [{ports: [{containerPort: \(port), protocol: \(proto)}]}]},
           status: {phase: Running, podIP: "\(worlds[0].render(address))", podIPs: [\(addresses)], conditions: [{type: Ready, status: "True"}]}}
        """
    }
    return """
      apiVersion: v1
      kind: List
      items:
      \(node("node-a", "@node", "@pods"))
      \(node("node-b", "@hop", "@remotes"))
      \(service("default", "kubernetes", "@kube", "https", 443, "TCP", 6443, "@gateway", on: nil))
      \(service("shop", "web", "@vip", "http", 80, "TCP", 8080, nodePort: 30080, "@pod1", on: "node-a"))
      \(service("shop", "api", "@vip2", "http", 80, "TCP", 8080, "@remote", on: "node-b"))
      \(service("kube-system", "kube-dns", "@vip3", "dns", 53, "UDP", 53, "@pod2", on: "node-a"))
      \(pod("shop", "web", "node-a", "@pod1", 8080))
      \(pod("shop", "api", "node-b", "@remote", 8080))
      \(pod("kube-system", "kube-dns", "node-a", "@pod2", 53, "UDP"))
      \(pod("shop", "job", "node-a", "@pod2b", 8080))
      \(more)
      """
  }
}
