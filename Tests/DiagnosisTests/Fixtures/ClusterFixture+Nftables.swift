// swift-format-ignore-file
extension ClusterFixture {
  /// What kube-proxy 1.34 writes for the fixture's objects in nftables mode.
  static let nftablesRules = #"""
    table ip kube-proxy {
      set cluster-ips {
        type ipv4_addr
        elements = { 10.96.0.1, 10.96.0.10, 10.96.0.20, 10.96.0.30, 10.96.0.40, 10.96.0.50 }
      }
      set nodeport-ips {
        type ipv4_addr
        elements = { 192.0.2.1 }
      }
      map no-endpoint-services {
        type ipv4_addr . inet_proto . inet_service : verdict
        elements = { 10.96.0.50 . tcp . 80 comment "shop/empty:http" : goto reject-chain }
      }
      map no-endpoint-nodeports {
        type inet_proto . inet_service : verdict
        elements = { tcp . 30099 comment "shop/empty:http" : goto reject-chain }
      }
      map firewall-ips {
        type ipv4_addr . inet_proto . inet_service : verdict
        elements = { 203.0.113.8 . tcp . 80 comment "shop/office:http" : goto firewall-QCILQ3GJ-shop/office/tcp/http }
      }
      map service-ips {
        type ipv4_addr . inet_proto . inet_service : verdict
        elements = { 10.96.0.1 . tcp . 443 : goto service-2QRHZV4L-default/kubernetes/tcp/https,
          10.96.0.10 . udp . 53 : goto service-FY5PMXPG-kube-system/kube-dns/udp/dns,
          10.96.0.20 . tcp . 80 : goto service-242WI43H-shop/cart/tcp/http,
          10.96.0.30 . tcp . 443 : goto service-Y3PDBKDA-shop/edge/tcp/https,
          203.0.113.7 . tcp . 443 : goto external-Y3PDBKDA-shop/edge/tcp/https,
          10.96.0.40 . tcp . 80 : goto service-QCILQ3GJ-shop/office/tcp/http,
          203.0.113.8 . tcp . 80 : goto external-QCILQ3GJ-shop/office/tcp/http }
      }
      map service-nodeports {
        type inet_proto . inet_service : verdict
        elements = { tcp . 30080 : goto external-242WI43H-shop/cart/tcp/http,
          tcp . 30443 : goto external-Y3PDBKDA-shop/edge/tcp/https,
          tcp . 30090 : goto external-QCILQ3GJ-shop/office/tcp/http }
      }
      set affinity-RBESGV7A-shop/cart/tcp/http__10.244.0.5/8080 {
        type ipv4_addr
        size 65535
        flags dynamic,timeout
        timeout 3h
      }
      set affinity-J6SR727L-shop/cart/tcp/http__10.244.1.5/8080 {
        type ipv4_addr
        size 65535
        flags dynamic,timeout
        timeout 3h
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
      chain nat-prerouting {
        type nat hook prerouting priority dstnat; policy accept;
        jump services
      }
      chain nat-output {
        type nat hook output priority -100; policy accept;
        jump services
      }
      chain nat-postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        jump masquerading
      }
      chain nodeport-endpoints-check {
        ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
      }
      chain service-endpoints-check {
        ip daddr . meta l4proto . th dport vmap @no-endpoint-services
      }
      chain firewall-check {
        ip daddr . meta l4proto . th dport vmap @firewall-ips
      }
      chain services {
        ip daddr . meta l4proto . th dport vmap @service-ips
        ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
      }
      chain masquerading {
        meta mark & 0x00004000 == 0x00000000 return
        meta mark set meta mark ^ 0x00004000
        masquerade fully-random
      }
      chain cluster-ips-check {
        ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"
      }
      chain mark-for-masquerade {
        meta mark set meta mark | 0x00004000
      }
      chain reject-chain {
        reject
      }
      chain endpoint-RQ57GWL3-default/kubernetes/tcp/https__192.0.2.10/6443 {
        ip saddr 192.0.2.10 jump mark-for-masquerade
        meta l4proto tcp dnat to 192.0.2.10:6443
      }
      chain service-2QRHZV4L-default/kubernetes/tcp/https {
        ip daddr 10.96.0.1 ip saddr != 10.244.0.0/16 jump mark-for-masquerade
        numgen random mod 1 vmap { 0 : goto endpoint-RQ57GWL3-default/kubernetes/tcp/https__192.0.2.10/6443 }
      }
      chain endpoint-2GKX576Q-kube-system/kube-dns/udp/dns__10.244.0.2/53 {
        ip saddr 10.244.0.2 jump mark-for-masquerade
        meta l4proto udp dnat to 10.244.0.2:53
      }
      chain endpoint-TF6S6XX7-kube-system/kube-dns/udp/dns__10.244.1.2/53 {
        ip saddr 10.244.1.2 jump mark-for-masquerade
        meta l4proto udp dnat to 10.244.1.2:53
      }
      chain service-FY5PMXPG-kube-system/kube-dns/udp/dns {
        ip daddr 10.96.0.10 ip saddr != 10.244.0.0/16 jump mark-for-masquerade
        numgen random mod 2 vmap { 0 : goto endpoint-2GKX576Q-kube-system/kube-dns/udp/dns__10.244.0.2/53, 1 : goto endpoint-TF6S6XX7-kube-system/kube-dns/udp/dns__10.244.1.2/53 }
      }
      chain endpoint-RBESGV7A-shop/cart/tcp/http__10.244.0.5/8080 {
        ip saddr 10.244.0.5 jump mark-for-masquerade
        update @affinity-RBESGV7A-shop/cart/tcp/http__10.244.0.5/8080 { ip saddr }
        meta l4proto tcp dnat to 10.244.0.5:8080
      }
      chain endpoint-J6SR727L-shop/cart/tcp/http__10.244.1.5/8080 {
        ip saddr 10.244.1.5 jump mark-for-masquerade
        update @affinity-J6SR727L-shop/cart/tcp/http__10.244.1.5/8080 { ip saddr }
        meta l4proto tcp dnat to 10.244.1.5:8080
      }
      chain service-242WI43H-shop/cart/tcp/http {
        ip daddr 10.96.0.20 ip saddr != 10.244.0.0/16 jump mark-for-masquerade
        ip saddr @affinity-RBESGV7A-shop/cart/tcp/http__10.244.0.5/8080 goto endpoint-RBESGV7A-shop/cart/tcp/http__10.244.0.5/8080
        ip saddr @affinity-J6SR727L-shop/cart/tcp/http__10.244.1.5/8080 goto endpoint-J6SR727L-shop/cart/tcp/http__10.244.1.5/8080
        numgen random mod 2 vmap { 0 : goto endpoint-RBESGV7A-shop/cart/tcp/http__10.244.0.5/8080, 1 : goto endpoint-J6SR727L-shop/cart/tcp/http__10.244.1.5/8080 }
      }
      chain external-242WI43H-shop/cart/tcp/http {
        jump mark-for-masquerade
        goto service-242WI43H-shop/cart/tcp/http
      }
      chain endpoint-HBS5NWCU-shop/edge/tcp/https__10.244.0.6/8443 {
        ip saddr 10.244.0.6 jump mark-for-masquerade
        meta l4proto tcp dnat to 10.244.0.6:8443
      }
      chain endpoint-AKUAGZS6-shop/edge/tcp/https__10.244.1.6/8443 {
        ip saddr 10.244.1.6 jump mark-for-masquerade
        meta l4proto tcp dnat to 10.244.1.6:8443
      }
      chain service-Y3PDBKDA-shop/edge/tcp/https {
        ip daddr 10.96.0.30 ip saddr != 10.244.0.0/16 jump mark-for-masquerade
        numgen random mod 2 vmap { 0 : goto endpoint-HBS5NWCU-shop/edge/tcp/https__10.244.0.6/8443, 1 : goto endpoint-AKUAGZS6-shop/edge/tcp/https__10.244.1.6/8443 }
      }
      chain local-Y3PDBKDA-shop/edge/tcp/https {
        numgen random mod 1 vmap { 0 : goto endpoint-HBS5NWCU-shop/edge/tcp/https__10.244.0.6/8443 }
      }
      chain external-Y3PDBKDA-shop/edge/tcp/https {
        ip saddr 10.244.0.0/16 goto service-Y3PDBKDA-shop/edge/tcp/https comment "short-circuit pod traffic"
        fib saddr type local jump mark-for-masquerade comment "masquerade local traffic"
        fib saddr type local goto service-Y3PDBKDA-shop/edge/tcp/https comment "short-circuit local traffic"
        goto local-Y3PDBKDA-shop/edge/tcp/https
      }
      chain endpoint-P3KYN66D-shop/office/tcp/http__10.244.1.7/8080 {
        ip saddr 10.244.1.7 jump mark-for-masquerade
        meta l4proto tcp dnat to 10.244.1.7:8080
      }
      chain service-QCILQ3GJ-shop/office/tcp/http {
        ip daddr 10.96.0.40 ip saddr != 10.244.0.0/16 jump mark-for-masquerade
        numgen random mod 1 vmap { 0 : goto endpoint-P3KYN66D-shop/office/tcp/http__10.244.1.7/8080 }
      }
      chain external-QCILQ3GJ-shop/office/tcp/http {
        jump mark-for-masquerade
        goto service-QCILQ3GJ-shop/office/tcp/http
      }
      chain firewall-QCILQ3GJ-shop/office/tcp/http {
        ip saddr != { 198.51.100.0/24 } drop
      }
    }
    """#
}
