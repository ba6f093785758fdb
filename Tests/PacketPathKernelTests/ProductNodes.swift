// swift-format-ignore-file
import KernelLab

/// Healthy nodes, each with breaks from the field. The rules are written after what the products' own texts say.
enum ProductNodes {
  static let all: [ProductNode] = [
    flannelLegacy, flannelVXLAN, flannelNft, calico, calicoVXLAN, calicoNft, calicoHostEndpoint, kubeRouter, cilium, aws, docker, dockerNft,
    nodeLocalDNS, portmap, antrea, istio, istioTransparent,
  ] + firewalls

  // MARK: flannel

  private static let flannelRules = """
    *nat
    -A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
    -A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
    -A FLANNEL-POSTRTG -s @pods -d @allpods -m comment --comment "flanneld masq" -j RETURN
    -A FLANNEL-POSTRTG -s @allpods -d @pods -m comment --comment "flanneld masq" -j RETURN
    -A FLANNEL-POSTRTG ! -s @allpods -d @pods -m comment --comment "flanneld masq" -j RETURN
    -A FLANNEL-POSTRTG -s @allpods ! -d @multicast -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
    -A FLANNEL-POSTRTG ! -s @allpods -d @allpods -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
    *filter
    :FORWARD DROP
    -A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
    -A FLANNEL-FWD -s @allpods -m comment --comment "flanneld forward" -j ACCEPT
    -A FLANNEL-FWD -d @allpods -m comment --comment "flanneld forward" -j ACCEPT

    """

  static let flannelLegacy = ProductNode(
    "flannel, legacy iptables, policy of FORWARD DROP", flannelRules, backend: .legacy, proxyFirst: true, bridge: true,
    breaks: [
      .init("flannel's forward rules are gone", "iptables-legacy -D FORWARD -m comment --comment 'flanneld forward' -j FLANNEL-FWD", "forward-drop", "policy is DROP"),
      .init("masquerading was flushed", "iptables-legacy -t nat -F FLANNEL-POSTRTG", "egress-masquerade", "flannel masquerades"),
      .init("forwarding was switched off", "sysctl -qw net.ipv4.ip_forward=0", "ip-forward-off", "net.ipv4.ip_forward is 0"),
      .init("hairpin mode is off", "bridge link set dev veth1 hairpin off", "hairpin", "hairpin mode is off"),
    ])

  private static let vxlanSetup = [
    "link add flannel.1 address 02:00:00:00:03:01 mtu 1450 type vxlan id 1 local 192.168.7.10 dev eth0 dstport 8472 nolearning",
    "addr add 10.244.1.0/32 dev flannel.1", "link set flannel.1 up", "link set cni0 mtu 1450", "link set veth1 mtu 1450",
    "link set veth2 mtu 1450", "route replace 10.244.9.0/24 via 10.244.9.0 dev flannel.1 onlink",
    "neigh replace 10.244.9.0 lladdr 02:00:00:00:03:09 dev flannel.1 nud permanent",
  ]

  static let flannelVXLAN = ProductNode(
    "flannel over VXLAN", flannelRules, proxyFirst: true, setup: vxlanSetup,
    program: """
      bridge fdb append 02:00:00:00:03:09 dev flannel.1 dst 192.168.7.20 self permanent
      ip link add flannel-v6.1 address 02:00:00:00:04:01 mtu 1430 type vxlan id 1 local fd00:7::10 dev eth0 dstport 8472 nolearning
      ip addr add fd00:244:1::/128 dev flannel-v6.1 nodad
      ip link set flannel-v6.1 up
      ip -6 route del fd00:244:9::/64
      ip -6 route add fd00:244:9::/64 via fd00:244:9:: dev flannel-v6.1 onlink
      ip -6 neigh replace fd00:244:9:: lladdr 02:00:00:00:04:09 dev flannel-v6.1 nud permanent
      bridge fdb append 02:00:00:00:04:09 dev flannel-v6.1 dst fd00:7::20 self permanent
      for link in cni0 veth1 veth2; do ip link set $link mtu 1430; done
      """, bridge: true, remote: false,
    breaks: [
      .init("the forwarding entry is gone", "bridge fdb del 02:00:00:00:03:09 dev flannel.1 dst 192.168.7.20 self", "wrong-vtep", "no forwarding entry"),
      .init("the neighbour is gone", "ip neigh del 10.244.9.0 dev flannel.1", "wrong-vtep", "no neighbour entry for 10.244.9.0"),
      .init("the other node's address changed", "bridge fdb del 02:00:00:00:03:09 dev flannel.1 dst 192.168.7.20 self; bridge fdb append 02:00:00:00:03:09 dev flannel.1 dst 192.168.7.21 self permanent", "wrong-vtep", "192.168.7.21, which no node has"),
      .init("the host's firewall drops VXLAN", "iptables-nft -I INPUT -p udp --dport 8472 -j DROP", "control-plane-port", "flannel.1's port 8472/udp"),
      .init("the forwarding entry for IPv6 is gone", "bridge fdb del 02:00:00:00:04:09 dev flannel-v6.1 dst fd00:7::20 self", "wrong-vtep", "no forwarding entry"),
      .init("the device is down", "ip link set flannel.1 down", "vxlan-port", "is down"),
      .init("the link's MTU was lowered", "ip link set eth0 mtu 1450", "overlay-mtu", "only 1400 fit"),
      .init("the Pods' MTU is the link's", "ip link set veth1 mtu 1500; ip link set veth2 mtu 1500", "pod-mtu", "flannel-v6.1 takes 1430"),
    ])

  static let flannelNft = ProductNode(
    "flannel, nftables", """
      table @ip flannel-@net {
        chain postrtg {
          type nat hook postrouting priority srcnat; policy accept;
          meta mark & 0x00004000 == 0x00004000 return
          @ip saddr @pods @ip daddr @allpods return
          @ip saddr @allpods @ip daddr @pods return
          @ip saddr != @allpods @ip daddr @pods return
          @ip saddr @allpods @ip daddr != @multicast masquerade fully-random
          @ip saddr != @allpods @ip daddr @allpods masquerade fully-random
        }
        chain forward {
          type filter hook forward priority filter; policy accept;
          @ip saddr @allpods accept
          @ip daddr @allpods accept
        }
      }
      """, backend: .native, bridge: true,
    breaks: [
      .init("a firewall of the host knows no Pods", "nft 'table inet host { chain forward { type filter hook forward priority 5; policy drop; ct state established,related accept; }; }'", "forward-drop", "policy is DROP"),
      .init("masquerading was flushed", "nft flush chain ip flannel-ipv4 postrtg", "egress-masquerade", "flannel masquerades"),
    ])

  // MARK: Calico

  /// Felix's chains for two Pods behind veth1 (policy web: TCP 8080 and 53 from set web) and veth2 (no policy).
  private static let felix = """
    *raw
    -A PREROUTING -m comment --comment "cali:6gwbT8clXdHdC1b1" -j cali-PREROUTING
    -A cali-PREROUTING -j MARK --set-xmark 0x0/0xf0000
    -A cali-PREROUTING -i veth+ -j MARK --set-xmark 0x40000/0x40000
    -A cali-PREROUTING -m mark --mark 0x40000/0x40000 -m rpfilter --validmark --invert -j DROP
    -A cali-PREROUTING -m mark --mark 0x0/0x40000 -j cali-from-host-endpoint
    -A cali-PREROUTING -m mark --mark 0x10000/0x10000 -j ACCEPT
    -A OUTPUT -m comment --comment "cali:tVnHkvAo15HuiPy0" -j cali-OUTPUT
    -A cali-OUTPUT -j MARK --set-xmark 0x0/0xf0000
    -A cali-OUTPUT -j cali-to-host-endpoint
    -A cali-OUTPUT -m mark --mark 0x10000/0x10000 -j ACCEPT
    :cali-from-host-endpoint - [0:0]
    :cali-to-host-endpoint - [0:0]
    *nat
    -A POSTROUTING -m comment --comment "cali:O3lYWMrLQYEMJtB5" -j cali-POSTROUTING
    -A cali-POSTROUTING -j cali-nat-outgoing
    -A cali-nat-outgoing -m set --match-set cali4-masq@6 src -m set ! --match-set cali4-all@6 dst -j MASQUERADE --random-fully
    *filter
    -A INPUT -m comment --comment "cali:Cz_u1IQiXIMmKD4c" -j cali-INPUT
    -A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
    -A FORWARD -m comment --comment "Policy explicitly accepted packet." -m mark --mark 0x10000/0x10000 -j ACCEPT
    -A FORWARD -j MARK --set-xmark 0x10000/0x10000
    -A OUTPUT -m comment --comment "cali:tVnHkvAo15HuiPy1" -j cali-OUTPUT
    -A cali-INPUT -i veth+ -g cali-wl-to-host
    -A cali-INPUT -m mark --mark 0x10000/0x10000 -j ACCEPT
    -A cali-INPUT -j MARK --set-xmark 0x0/0xf0000
    -A cali-INPUT -j cali-from-host-endpoint
    -A cali-INPUT -m mark --mark 0x10000/0x10000 -j ACCEPT
    -A cali-wl-to-host -j cali-from-wl-dispatch
    -A cali-wl-to-host -m comment --comment "Configured DefaultEndpointToHostAction" -j ACCEPT
    -A cali-FORWARD -j MARK --set-xmark 0x0/0xe0000
    -A cali-FORWARD -m mark --mark 0x0/0x10000 -j cali-from-hep-forward
    -A cali-FORWARD -i veth+ -j cali-from-wl-dispatch
    -A cali-FORWARD -o veth+ -j cali-to-wl-dispatch
    -A cali-FORWARD -j cali-to-hep-forward
    -A cali-FORWARD -j cali-cidr-block
    -A cali-OUTPUT -m mark --mark 0x10000/0x10000 -j ACCEPT
    -A cali-OUTPUT -o veth+ -j RETURN
    -A cali-OUTPUT -j MARK --set-xmark 0x0/0xf0000
    -A cali-OUTPUT -m conntrack ! --ctstate DNAT -j cali-to-host-endpoint
    -A cali-OUTPUT -m mark --mark 0x10000/0x10000 -j ACCEPT
    :cali-from-hep-forward - [0:0]
    :cali-to-hep-forward - [0:0]
    :cali-cidr-block - [0:0]
    :cali-from-host-endpoint - [0:0]
    :cali-to-host-endpoint - [0:0]
    -A cali-from-wl-dispatch -i veth1 -g cali-fw-veth1
    -A cali-from-wl-dispatch -i veth2 -g cali-fw-veth2
    -A cali-from-wl-dispatch -m comment --comment "Unknown interface" -j DROP
    -A cali-to-wl-dispatch -o veth1 -g cali-tw-veth1
    -A cali-to-wl-dispatch -o veth2 -g cali-tw-veth2
    -A cali-to-wl-dispatch -m comment --comment "Unknown interface" -j DROP
    \(endpoint("veth1", "cali-pi-web"))
    \(endpoint("veth2", nil))
    -A cali-pi-web -p tcp -m set --match-set cali40web@6 src -m multiport --dports 80,8080 -j MARK --set-xmark 0x10000/0x10000
    -A cali-pi-web -m mark --mark 0x10000/0x10000 -j RETURN
    -A cali-pro-default -j MARK --set-xmark 0x10000/0x10000
    -A cali-pro-default -m mark --mark 0x10000/0x10000 -j RETURN

    """

  private static func endpoint(_ device: String, _ policy: String?) -> String {
    let ingress = policy.map {
      """
      -A cali-tw-\(device) -m comment --comment "Start of tier default" -j MARK --set-xmark 0x0/0x20000
      -A cali-tw-\(device) -m mark --mark 0x0/0x20000 -j \($0)
      -A cali-tw-\(device) -m comment --comment "Return if policy accepted" -m mark --mark 0x10000/0x10000 -j RETURN
      -A cali-tw-\(device) -m comment --comment "Drop if no policies passed packet" -m mark --mark 0x0/0x20000 -j DROP
      """
    }
    let profile = """
      -A cali-tw-\(device) -j cali-pro-default
      -A cali-tw-\(device) -m comment --comment "Return if profile accepted" -m mark --mark 0x10000/0x10000 -j RETURN
      -A cali-tw-\(device) -m comment --comment "Drop if no profiles matched" -j DROP
      """
    return """
      -A cali-fw-\(device) -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A cali-fw-\(device) -m conntrack --ctstate INVALID -j DROP
      -A cali-fw-\(device) -j MARK --set-xmark 0x0/0x10000
      -A cali-fw-\(device) -p udp -m comment --comment "Drop VXLAN encapped packets originating in workloads" -m multiport --dports 4789 -j DROP
      -A cali-fw-\(device) -p ipencap -m comment --comment "Drop IPinIP encapped packets originating in workloads" -j DROP
      -A cali-fw-\(device) -j cali-pro-default
      -A cali-fw-\(device) -m mark --mark 0x10000/0x10000 -j RETURN
      -A cali-fw-\(device) -m comment --comment "Drop if no profiles matched" -j DROP
      -A cali-tw-\(device) -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A cali-tw-\(device) -m conntrack --ctstate INVALID -j DROP
      -A cali-tw-\(device) -j MARK --set-xmark 0x0/0x10000
      \(ingress ?? profile)
      """
  }

  private static let felixSets = """
    create cali40web@6 hash:net family @inet
    add cali40web@6 @lan
    add cali40web@6 @lan2
    add cali40web@6 @allpods
    create cali4-masq@6 hash:net family @inet
    add cali4-masq@6 @allpods
    create cali4-all@6 hash:net family @inet
    add cali4-all@6 @allpods

    """

  private static let policy = """
    - {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop},
       spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{ports: [{port: 80, protocol: TCP}, {port: 8080, protocol: TCP}]}]}}

    """

  static let calico = ProductNode(
    "Calico, iptables", felix, sets: felixSets, objects: policy,
    breaks: [
      .init("the set of a policy is empty", "ipset flush cali40web", "network-policy-drop", "Calico is behind the objects"),
      .init("a Pod's chains are not dispatched to", "iptables-nft -D cali-to-wl-dispatch -o veth2 -g cali-tw-veth2", "network-policy-drop", "cali-to-wl-dispatch"),
      .init("masquerading was flushed", "iptables-nft -t nat -F cali-nat-outgoing", "egress-masquerade", "Calico masquerades"),
    ])

  static let calicoVXLAN = ProductNode(
    "Calico over VXLAN, allow-sets of peers",
    felix + """
      -A cali-INPUT -p udp -m comment --comment "Allow VXLAN packets from allowed hosts" -m multiport --dports 4789 -m set --match-set cali40all-vxlan-net@6 src -m addrtype --dst-type LOCAL -j ACCEPT
      -A cali-INPUT -p udp -m comment --comment "Drop VXLAN packets from non-allowed hosts" -m multiport --dports 4789 -m addrtype --dst-type LOCAL -j DROP

      """,
    setup: [
      "link add vxlan.calico address 02:00:00:00:03:01 mtu 1450 type vxlan id 4096 local 192.168.7.10 dev eth0 dstport 4789 nolearning",
      "addr add 10.244.1.9/32 dev vxlan.calico", "link set vxlan.calico up", "link set veth1 mtu 1450", "link set veth2 mtu 1450",
      "route replace 10.244.9.0/24 via 10.244.9.0 dev vxlan.calico onlink",
      "neigh replace 10.244.9.0 lladdr 02:00:00:00:03:09 dev vxlan.calico nud permanent",
    ],
    sets: felixSets + "create cali40all-vxlan-net@6 hash:net family @inet\nadd cali40all-vxlan-net@6 @node\nadd cali40all-vxlan-net@6 @hop\n",
    program: """
      bridge fdb append 02:00:00:00:03:09 dev vxlan.calico dst 192.168.7.20 self permanent
      ip link add vxlan-v6.calico address 02:00:00:00:04:01 mtu 1430 type vxlan id 4096 local fd00:7::10 dev eth0 dstport 4789 nolearning
      ip addr add fd00:244:1::9/128 dev vxlan-v6.calico nodad
      ip link set vxlan-v6.calico up
      ip -6 route del fd00:244:9::/64
      ip -6 route add fd00:244:9::/64 via fd00:244:9:: dev vxlan-v6.calico onlink
      ip -6 neigh replace fd00:244:9:: lladdr 02:00:00:00:04:09 dev vxlan-v6.calico nud permanent
      bridge fdb append 02:00:00:00:04:09 dev vxlan-v6.calico dst fd00:7::20 self permanent
      for link in veth1 veth2; do ip link set $link mtu 1430; done
      """, remote: false, objects: policy,
    breaks: [
      .init("the peer is not in the set", "ipset del cali40all-vxlan-net 192.168.7.20", "control-plane-port", "vxlan.calico's port 4789/udp", "Calico"),
      .init("the tunnel leads to this node", "bridge fdb del 02:00:00:00:03:09 dev vxlan.calico dst 192.168.7.20 self; bridge fdb append 02:00:00:00:03:09 dev vxlan.calico dst 192.168.7.10 self permanent", "wrong-vtep", "which is this node"),
      .init("the link's MTU was lowered", "ip link set eth0 mtu 1400", "overlay-mtu", "only 1350 fit"),
    ])

  static let calicoNft = ProductNode(
    "Calico, nftables", """
      table @ip calico {
        set cali40web { type @addr; flags interval; elements = { @lan, @lan2, @allpods } }
        map filter-cali-from-wl-dispatch { type ifname : verdict; elements = { "veth1" : goto filter-cali-fw-veth1, "veth2" : goto filter-cali-fw-veth2 } }
        map filter-cali-to-wl-dispatch { type ifname : verdict; elements = { "veth1" : goto filter-cali-tw-veth1, "veth2" : goto filter-cali-tw-veth2 } }
        chain filter-FORWARD {
          type filter hook forward priority filter; policy accept;
          jump filter-cali-FORWARD
          meta mark & 0x00010000 == 0x00010000 counter accept
          meta mark set meta mark | 0x00010000
        }
        chain filter-INPUT { type filter hook input priority filter; policy accept;
          jump filter-cali-INPUT
        }
        chain nat-POSTROUTING { type nat hook postrouting priority srcnat; policy accept;
          jump nat-cali-POSTROUTING
        }
        chain filter-cali-INPUT { iifname "veth*" counter goto filter-cali-wl-to-host
        }
        chain filter-cali-wl-to-host {
          jump filter-cali-from-wl
          counter accept
        }
        chain filter-cali-FORWARD {
          meta mark set meta mark & 0xfff1ffff
          iifname "veth*" counter jump filter-cali-from-wl
          oifname "veth*" counter jump filter-cali-to-wl
        }
        chain filter-cali-from-wl {
          iifname vmap @filter-cali-from-wl-dispatch
          counter drop comment "Unknown interface"
        }
        chain filter-cali-to-wl {
          oifname vmap @filter-cali-to-wl-dispatch
          counter drop comment "Unknown interface"
        }
        chain filter-cali-fw-veth1 {
          ct state established,related counter accept
          ct state invalid counter drop
          meta mark set meta mark & 0xfffeffff
          udp dport 4789 counter drop
          jump filter-cali-pro-default
          meta mark & 0x00010000 == 0x00010000 counter return
          counter drop comment "Drop if no profiles matched"
        }
        chain filter-cali-fw-veth2 {
          ct state established,related counter accept
          meta mark set meta mark & 0xfffeffff
          jump filter-cali-pro-default
          meta mark & 0x00010000 == 0x00010000 counter return
          counter drop comment "Drop if no profiles matched"
        }
        chain filter-cali-tw-veth1 {
          ct state established,related counter accept
          ct state invalid counter drop
          meta mark set meta mark & 0xfffcffff
          meta mark & 0x00020000 == 0x00000000 jump filter-cali-pi-web
          meta mark & 0x00010000 == 0x00010000 counter return
          meta mark & 0x00020000 == 0x00000000 counter drop comment "Drop if no policies passed packet"
        }
        chain filter-cali-tw-veth2 {
          ct state established,related counter accept
          meta mark set meta mark & 0xfffeffff
          jump filter-cali-pro-default
          meta mark & 0x00010000 == 0x00010000 counter return
          counter drop comment "Drop if no profiles matched"
        }
        chain filter-cali-pi-web {
          @ip saddr @cali40web tcp dport { 80, 8080 } counter meta mark set meta mark | 0x00010000
          meta mark & 0x00010000 == 0x00010000 counter return
        }
        chain filter-cali-pro-default {
          counter meta mark set meta mark | 0x00010000
          meta mark & 0x00010000 == 0x00010000 counter return
        }
        chain nat-cali-POSTROUTING { jump nat-cali-nat-outgoing
        }
        chain nat-cali-nat-outgoing { @ip saddr @allpods @ip daddr != @allpods counter masquerade fully-random
        }
      }
      """, backend: .native, objects: policy,
    breaks: [
      .init("the set of a policy is empty", "nft flush set ip calico cali40web", "network-policy-drop", "Calico is behind the objects"),
      .init("masquerading was flushed", "nft flush chain ip calico nat-cali-nat-outgoing", "egress-masquerade", "Calico masquerades"),
    ])

  /// A host endpoint on eth0: pre-DNAT policy lets the lan and Pods use NodePorts, and others not.
  static let calicoHostEndpoint = ProductNode(
    "Calico with a host endpoint and pre-DNAT policy",
    """
    *mangle
    -A PREROUTING -m comment --comment "cali:6gwbT8clXdHdC1b1" -j cali-PREROUTING
    -A cali-PREROUTING -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A cali-PREROUTING -m mark --mark 0x10000/0x10000 -j ACCEPT
    -A cali-PREROUTING -j cali-from-host-endpoint
    -A cali-PREROUTING -m comment --comment "Host endpoint policy accepted packet." -m mark --mark 0x10000/0x10000 -j ACCEPT
    -A cali-from-host-endpoint -i eth0 -g cali-fh-eth0
    -A cali-fh-eth0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A cali-fh-eth0 -m conntrack --ctstate INVALID -j DROP
    -A cali-fh-eth0 -j MARK --set-xmark 0x0/0x30000
    -A cali-fh-eth0 -j cali-failsafe-in
    -A cali-fh-eth0 -m mark --mark 0x0/0x20000 -j cali-pi-ports
    -A cali-fh-eth0 -m comment --comment "Return if policy accepted" -m mark --mark 0x10000/0x10000 -j RETURN
    -A cali-failsafe-in -p tcp -m multiport --dports 22,179,2379,2380,6443,6666,6667 -j ACCEPT
    -A cali-failsafe-in -p udp -m multiport --dports 68 -j ACCEPT
    -A cali-pi-ports -s @far/@host -p tcp -m multiport --dports 30000:32767 -j DROP
    -A cali-pi-ports -s @lan -j MARK --set-xmark 0x10000/0x10000
    -A cali-pi-ports -m mark --mark 0x10000/0x10000 -j RETURN

    """ + felix, sets: felixSets, objects: policy,
    breaks: [
      .init("the policy closes NodePorts to everybody", "iptables-nft -t mangle -I cali-pi-ports -p tcp -m multiport --dports 30000:32767 -j DROP", "network-policy-drop", "cali-pi-ports"),
      .init("the set of a policy is empty", "ipset flush cali40web", "network-policy-drop", "Calico is behind the objects"),
    ])

  // MARK: kube-router

  static let kubeRouter = ProductNode(
    "kube-router", """
      *nat
      -A POSTROUTING -m set --match-set kube-router-pod-subnets@6 src -m set ! --match-set kube-router-pod-subnets@6 dst -m set ! --match-set kube-router-node-ips@6 dst -j MASQUERADE --random-fully
      *filter
      -A INPUT -m comment --comment "kube-router netpol - 4IA2OSFRMVNDXBVV" -j KUBE-ROUTER-INPUT
      -A FORWARD -m comment --comment "kube-router netpol - TEMCG2JMVZWTT2SX" -j KUBE-ROUTER-FORWARD
      -A FORWARD -o cni0 -m comment --comment "allow inbound traffic to pods" -j ACCEPT
      -A FORWARD -i cni0 -m comment --comment "allow outbound traffic from pods" -j ACCEPT
      -A OUTPUT -m comment --comment "kube-router netpol - VEAAIY32XVBHCSCY" -j KUBE-ROUTER-OUTPUT
      -A KUBE-ROUTER-FORWARD -d @pod1/@host -m comment --comment "rule to jump traffic destined to POD name:web-0 namespace: shop to chain KUBE-POD-FW-ONE" -j KUBE-POD-FW-ONE
      -A KUBE-ROUTER-FORWARD -d @pod1/@host -m physdev --physdev-is-bridged -m comment --comment "rule to jump traffic destined to POD name:web-0 namespace: shop to chain KUBE-POD-FW-ONE" -j KUBE-POD-FW-ONE
      -A KUBE-ROUTER-FORWARD -s @pod1/@host -m comment --comment "rule to jump traffic from POD name:web-0 namespace: shop to chain KUBE-POD-FW-ONE" -j KUBE-POD-FW-ONE
      -A KUBE-ROUTER-FORWARD -s @pod1/@host -m physdev --physdev-is-bridged -m comment --comment "rule to jump traffic from POD name:web-0 namespace: shop to chain KUBE-POD-FW-ONE" -j KUBE-POD-FW-ONE
      -A KUBE-ROUTER-FORWARD -m comment --comment "rule to explicitly ACCEPT traffic that comply to network policies" -m mark --mark 0x20000/0x20000 -j ACCEPT
      -A KUBE-ROUTER-INPUT -d @vips -m comment --comment "allow traffic to primary cluster IP range" -j RETURN
      -A KUBE-ROUTER-INPUT -p tcp -m comment --comment "allow LOCAL TCP traffic to node ports" -m addrtype --dst-type LOCAL -m multiport --dports 30000:32767 -j RETURN
      -A KUBE-ROUTER-INPUT -s @pod1/@host -j KUBE-POD-FW-ONE
      -A KUBE-ROUTER-INPUT -m mark --mark 0x20000/0x20000 -j ACCEPT
      -A KUBE-ROUTER-OUTPUT -d @pod1/@host -j KUBE-POD-FW-ONE
      -A KUBE-ROUTER-OUTPUT -m mark --mark 0x20000/0x20000 -j ACCEPT
      -A KUBE-POD-FW-ONE -m comment --comment "rule for stateful firewall for pod" -m conntrack --ctstate INVALID -j DROP
      -A KUBE-POD-FW-ONE -m comment --comment "rule for stateful firewall for pod" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A KUBE-POD-FW-ONE -d @pod1/@host -m comment --comment "rule to permit the traffic traffic to pods when source is the pod's local node" -m addrtype --src-type LOCAL -j ACCEPT
      -A KUBE-POD-FW-ONE -d @pod1/@host -m comment --comment "run through nw policy web" -j KUBE-NWPLCY-WEB
      -A KUBE-POD-FW-ONE -s @pod1/@host -m comment --comment "run through default egress network policy  chain" -j KUBE-NWPLCY-DEFAULT
      -A KUBE-POD-FW-ONE -m comment --comment "rule to REJECT traffic destined for POD name:web-0 namespace: shop" -m mark ! --mark 0x10000/0x10000 -j REJECT
      -A KUBE-POD-FW-ONE -j MARK --set-xmark 0x0/0x10000
      -A KUBE-POD-FW-ONE -j MARK --set-xmark 0x20000/0x20000
      -A KUBE-NWPLCY-DEFAULT -m comment --comment "rule to mark traffic matching a network policy" -j MARK --set-xmark 0x10000/0x10000
      -A KUBE-NWPLCY-WEB -p tcp -m set --match-set KUBE-DST@6 dst -m tcp --dport 8080 -j MARK --set-xmark 0x10000/0x10000
      -A KUBE-NWPLCY-WEB -m mark --mark 0x10000/0x10000 -j RETURN

      """,
    sets: """
      create KUBE-DST@6 hash:ip family @inet
      add KUBE-DST@6 @pod1
      create kube-router-pod-subnets@6 hash:net family @inet
      add kube-router-pod-subnets@6 @allpods
      create kube-router-node-ips@6 hash:ip family @inet
      add kube-router-node-ips@6 @node
      add kube-router-node-ips@6 @hop

      """, bridge: true, objects: policy,
    breaks: [
      .init("the set of a policy's Pods is empty", "ipset flush KUBE-DST", "network-policy-drop", "kube-router is behind the objects"),
      .init("a chain of an earlier Pod", "iptables-nft -I KUBE-ROUTER-FORWARD -d 10.244.1.3 -m comment --comment 'rule to jump traffic destined to POD name:old-0 namespace: shop to chain KUBE-POD-FW-ONE' -j KUBE-POD-FW-ONE", "stale-pod-firewall", "shop/old-0", "kube-system/kube-dns-0"),
      .init("masquerading is gone", "iptables-nft -t nat -D POSTROUTING -m set --match-set kube-router-pod-subnets src -m set ! --match-set kube-router-pod-subnets dst -m set ! --match-set kube-router-node-ips dst -j MASQUERADE --random-fully", "egress-masquerade", "kube-router"),
    ])

  // MARK: Cilium

  static let cilium = ProductNode(
    "Cilium beside kube-proxy", """
      *raw
      -A PREROUTING -m comment --comment "cilium-feeder: CILIUM_PRE_raw" -j CILIUM_PRE_raw
      -A OUTPUT -m comment --comment "cilium-feeder: CILIUM_OUTPUT_raw" -j CILIUM_OUTPUT_raw
      -A CILIUM_PRE_raw -m mark --mark 0x200/0xf00 -m comment --comment "cilium: NOTRACK for proxy traffic" -j CT --notrack
      -A CILIUM_OUTPUT_raw -o lxc+ -m mark --mark 0xa00/0xfffffeff -m comment --comment "cilium: NOTRACK for proxy return traffic" -j CT --notrack
      -A CILIUM_OUTPUT_raw -o cilium_host -m mark --mark 0xa00/0xfffffeff -m comment --comment "cilium: NOTRACK for proxy return traffic" -j CT --notrack
      *mangle
      -A PREROUTING -m comment --comment "cilium-feeder: CILIUM_PRE_mangle" -j CILIUM_PRE_mangle
      -A CILIUM_PRE_mangle -m socket --transparent -m comment --comment "cilium: any->pod redirect proxied traffic to host proxy" -j MARK --set-xmark 0x200/0xffffffff
      -A CILIUM_PRE_mangle -p tcp -m mark --mark 0x12340200 -m comment --comment "cilium: TPROXY to host cilium-dns-egress proxy" -j TPROXY --on-port 13330 --on-ip @loop --tproxy-mark 0x200/0xffffffff
      -A CILIUM_PRE_mangle -p udp -m mark --mark 0x12340200 -m comment --comment "cilium: TPROXY to host cilium-dns-egress proxy" -j TPROXY --on-port 13330 --on-ip @loop --tproxy-mark 0x200/0xffffffff
      *nat
      -A PREROUTING -m comment --comment "cilium-feeder: CILIUM_PRE_nat" -j CILIUM_PRE_nat
      -A OUTPUT -m comment --comment "cilium-feeder: CILIUM_OUTPUT_nat" -j CILIUM_OUTPUT_nat
      -A POSTROUTING -m comment --comment "cilium-feeder: CILIUM_POST_nat" -j CILIUM_POST_nat
      -A CILIUM_POST_nat -s @pods ! -d @allpods ! -o cilium_+ -m comment --comment "cilium masquerade non-cluster" -j MASQUERADE --random-fully
      -A CILIUM_POST_nat -m mark --mark 0xa00/0xe00 -m comment --comment "exclude proxy return traffic from masquerade" -j ACCEPT
      :CILIUM_PRE_nat - [0:0]
      :CILIUM_OUTPUT_nat - [0:0]
      *filter
      -A INPUT -m comment --comment "cilium-feeder: CILIUM_INPUT" -j CILIUM_INPUT
      -A FORWARD -m comment --comment "cilium-feeder: CILIUM_FORWARD" -j CILIUM_FORWARD
      -A OUTPUT -m comment --comment "cilium-feeder: CILIUM_OUTPUT" -j CILIUM_OUTPUT
      -A CILIUM_INPUT -m mark --mark 0x200/0xf00 -m comment --comment "cilium: ACCEPT for proxy traffic" -j ACCEPT
      -A CILIUM_FORWARD -o cilium_host -m comment --comment "cilium: any->cluster on cilium_host forward accept" -j ACCEPT
      -A CILIUM_FORWARD -i cilium_host -m comment --comment "cilium: cluster->any on cilium_host forward accept (nodeport)" -j ACCEPT
      -A CILIUM_FORWARD -i veth+ -m comment --comment "cilium: cluster->any on lxc+ forward accept" -j ACCEPT
      -A CILIUM_FORWARD -o veth+ -m comment --comment "cilium: any->cluster on lxc+ forward accept" -j ACCEPT
      -A CILIUM_OUTPUT -m mark --mark 0xa00/0xe00 -m comment --comment "cilium: ACCEPT for proxy traffic" -j ACCEPT
      -A CILIUM_OUTPUT -m mark ! --mark 0xe00/0xf00 -m mark ! --mark 0xd00/0xf00 -m mark ! --mark 0xa00/0xe00 -m mark ! --mark 0xf00/0xf00 -m comment --comment "cilium: host->any mark as from host" -j MARK --set-xmark 0xc00/0xf00
      :FORWARD DROP

      """,
    setup: ["rule add from @all fwmark 0x200/0xf00 lookup 2004 pref 9", "route add local @all dev lo table 2004"],
    breaks: [
      .init("Cilium's forward rules are gone", "iptables-nft -D FORWARD -m comment --comment 'cilium-feeder: CILIUM_FORWARD' -j CILIUM_FORWARD", "forward-drop", "policy is DROP"),
      .init("masquerading names another range", "iptables-nft -t nat -R CILIUM_POST_nat 1 -s 10.250.0.0/24 ! -d 10.244.0.0/16 -m comment --comment 'cilium masquerade non-cluster' -j MASQUERADE", "egress-masquerade", "Cilium masquerades"),
      .init("a Pod's route is gone", "ip addr del 10.244.1.1/24 dev veth1; ip route add 10.244.1.2 dev veth1; ip route del 10.244.1.3", "no-route", "10.244.1.3"),
    ])

  // MARK: AWS

  static let aws = ProductNode(
    "AWS VPC CNI: two interfaces, policy routing, connection marks", """
      *mangle
      -A PREROUTING -i eth0 -m comment --comment "AWS, primary ENI" -m addrtype --dst-type LOCAL --limit-iface-in -j CONNMARK --set-xmark 0x80/0x80
      -A PREROUTING -i veth+ -m comment --comment "AWS, primary ENI" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80
      *nat
      -A PREROUTING -i veth+ -m comment --comment "AWS, outbound connections" -j AWS-CONNMARK-CHAIN-0
      -A PREROUTING -m comment --comment "AWS, CONNMARK" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80
      -A POSTROUTING -m comment --comment "AWS SNAT CHAIN" -j AWS-SNAT-CHAIN-0
      -A AWS-CONNMARK-CHAIN-0 -d @allpods -m comment --comment "AWS CONNMARK CHAIN, VPC CIDR" -j RETURN
      -A AWS-CONNMARK-CHAIN-0 -m comment --comment "AWS, CONNMARK" -j CONNMARK --set-xmark 0x80/0x80
      -A AWS-SNAT-CHAIN-0 -d @allpods -m comment --comment "AWS SNAT CHAIN" -j RETURN
      -A AWS-SNAT-CHAIN-0 -d @lan -m comment --comment "AWS SNAT CHAIN" -j RETURN
      -A AWS-SNAT-CHAIN-0 ! -o vlan+ -m comment --comment "AWS, SNAT" -m addrtype ! --dst-type LOCAL -j SNAT --to-source @node --random-fully

      """,
    setup: [
      "route add default via @gateway2 dev eth1 table 2", "rule add to @pod2/@host lookup main pref 512",
      "rule add to @pod1/@host lookup main pref 512", "rule add fwmark 0x80/0x80 lookup main pref 1024",
      "rule add from @pod2/@host to @lan lookup 2 pref 1536",
    ], sysctls: ["ipv4/conf/eth0/rp_filter": "2"],
    breaks: [
      .init("the second interface's table is empty", "ip route flush table 2", "pod-route", "table 2, which has no routes"),
      .init("a Pod's route is gone", "ip addr del 10.244.1.1/24 dev veth1; ip route add 10.244.1.2 dev veth1; ip route del 10.244.1.3", "no-route", "10.244.1.3"),
      .init("the SNAT chain was flushed", "iptables-nft -t nat -F AWS-SNAT-CHAIN-0", "egress-masquerade", "the AWS VPC plugin"),
    ])

  // MARK: Docker

  static let docker = ProductNode(
    "Docker, iptables, beside the Pods", """
      *nat
      -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
      -A OUTPUT ! -d @loops -m addrtype --dst-type LOCAL -j DOCKER
      -A POSTROUTING -s @containers ! -o docker0 -j MASQUERADE
      -A DOCKER -i docker0 -j RETURN
      -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8088 -j DNAT --to-destination @container:80
      -A POSTROUTING -s @allpods ! -d @allpods -m comment --comment "ip-masq-agent" -j IP-MASQ-AGENT
      -A IP-MASQ-AGENT -d @allpods -j RETURN
      -A IP-MASQ-AGENT -j MASQUERADE --random-fully
      *filter
      :FORWARD DROP
      -A FORWARD -j DOCKER-USER
      -A FORWARD -j DOCKER-ISOLATION-STAGE-1
      -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A FORWARD -o docker0 -j DOCKER
      -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
      -A FORWARD -i docker0 -o docker0 -j ACCEPT
      -A DOCKER -d @container/@host ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
      -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
      -A DOCKER-ISOLATION-STAGE-1 -j RETURN
      -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
      -A DOCKER-ISOLATION-STAGE-2 -j RETURN
      -A DOCKER-USER -s @allpods -j ACCEPT
      -A DOCKER-USER -d @allpods -j ACCEPT
      -A DOCKER-USER -j RETURN

      """, setup: dockerSetup, bridge: true,
    breaks: [
      .init("DOCKER-USER was flushed", "iptables-nft -F DOCKER-USER; iptables-nft -A DOCKER-USER -j RETURN", "forward-drop", "Docker"),
      .init("a rule of the operators drops the Pods", "iptables-nft -I DOCKER-USER -d 10.244.1.2 -j DROP", "forward-drop", "DOCKER-USER"),
    ])

  private static let dockerSetup = ["link add docker0 type bridge", "addr add @containergw dev docker0", "link set docker0 up"]

  static let dockerNft = ProductNode(
    "Docker, nftables, beside the Pods", """
      table @ip docker-bridges {
        map filter-forward-in-jumps { type ifname : verdict; elements = { "docker0" : jump filter-forward-in__docker0 } }
        map filter-forward-out-jumps { type ifname : verdict; elements = { "docker0" : jump filter-forward-out__docker0 } }
        map nat-postrouting-out-jumps { type ifname : verdict; elements = { "docker0" : jump nat-postrouting-out__docker0 } }
        chain filter-FORWARD {
          type filter hook forward priority filter; policy accept;
          oifname vmap @filter-forward-in-jumps
          iifname vmap @filter-forward-out-jumps
        }
        chain nat-OUTPUT {
          type nat hook output priority -100; policy accept;
          @ip daddr != @loops fib daddr type local counter jump nat-prerouting-and-output
        }
        chain nat-POSTROUTING {
          type nat hook postrouting priority srcnat; policy accept;
          iifname vmap @nat-postrouting-out-jumps
        }
        chain nat-PREROUTING {
          type nat hook prerouting priority dstnat; policy accept;
          fib daddr type local counter jump nat-prerouting-and-output
        }
        chain nat-prerouting-and-output { iifname != "docker0" tcp dport 8088 counter dnat to @container:80
        }
        chain raw-PREROUTING {
          type filter hook prerouting priority raw; policy accept;
          @ip daddr @container iifname != "docker0" counter drop comment "DROP DIRECT ACCESS"
        }
        chain filter-forward-in__docker0 {
          ct state established,related counter accept
          iifname "docker0" counter accept comment "ICC"
          @ip daddr @container tcp dport 80 counter accept
          counter drop comment "UNPUBLISHED PORT DROP"
        }
        chain filter-forward-out__docker0 {
          ct state established,related counter accept
          counter accept comment "OUTGOING"
        }
        chain nat-postrouting-out__docker0 { oifname != "docker0" @ip saddr @containers counter masquerade comment "MASQUERADE"
        }
      }
      """, backend: .native, setup: dockerSetup, bridge: true,
    breaks: [
      .init("Docker publishes the NodePort's number", "nft insert rule ip docker-bridges nat-prerouting-and-output tcp dport 30080 counter dnat to 172.17.0.2:80", "host-port-shadowing", "30080"),
      .init("a policy of a firewall of its own", "nft 'table ip own { chain f { type filter hook forward priority 10; policy drop; ip saddr 172.17.0.0/16 accept; }; }'", "forward-drop", "policy is DROP"),
    ])

  // MARK: DNS cache, hostPorts, Antrea

  static let nodeLocalDNS = ProductNode(
    "NodeLocal DNS Cache", """
      *raw
      -A PREROUTING -d @vip3/@host -p udp -m udp --dport 53 -m comment --comment "NodeLocal DNS Cache: skip conntrack" -j NOTRACK
      -A PREROUTING -d @vip3/@host -p tcp -m tcp --dport 53 -m comment --comment "NodeLocal DNS Cache: skip conntrack" -j NOTRACK
      -A OUTPUT -s @vip3/@host -p udp -m udp --sport 53 -m comment --comment "NodeLocal DNS Cache: skip conntrack" -j NOTRACK
      -A OUTPUT -d @vip3/@host -p udp -m udp --dport 53 -m comment --comment "NodeLocal DNS Cache: skip conntrack" -j NOTRACK
      -A OUTPUT -d @vip3/@host -p tcp -m tcp --dport 53 -m comment --comment "NodeLocal DNS Cache: skip conntrack" -j NOTRACK
      *filter
      -A INPUT -d @vip3/@host -p udp -m udp --dport 53 -m comment --comment "NodeLocal DNS Cache: allow DNS traffic" -j ACCEPT
      -A INPUT -d @vip3/@host -p tcp -m tcp --dport 53 -m comment --comment "NodeLocal DNS Cache: allow DNS traffic" -j ACCEPT
      -A OUTPUT -s @vip3/@host -p udp -m udp --sport 53 -m comment --comment "NodeLocal DNS Cache: allow DNS traffic" -j ACCEPT

      """, setup: ["link add nodelocaldns type bridge", "link set nodelocaldns up", "addr add @vip3/@host dev nodelocaldns"],
    listeners: ["udp @vip3:53", "tcp @vip3:53"], bridge: true,
    also: [
      "veth1 tcp @pod1:40000 > @vip3:53", "local tcp @node:40000 > @vip3:53", "local udp @vip3:53 > @pod1:40000",
      "veth1 tcp @pod1:40000 > @vip3:9153", "eth0 tcp @client:40000 > @vip3:53",
    ],
    breaks: [
      .init("the interface is gone", "ip link del nodelocaldns", "notrack-before-nat", "kube-system/kube-dns:dns", "nodelocaldns is gone"),
      .init("its address is gone", "ip addr del 10.96.0.12/32 dev nodelocaldns", "notrack-before-nat", "kube-system/kube-dns:dns"),
    ])

  static let portmap = ProductNode(
    "portmap: hostPorts", """
      *nat
      -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
      -A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
      -A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
      -A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
      -A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000
      -A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"cbr0\\" id: \\"b4f2\\"" -m multiport --dports 22,8081 -j CNI-DN-b4f2
      -A CNI-DN-b4f2 -s @pods -p tcp -m tcp --dport 8081 -j CNI-HOSTPORT-SETMARK
      -A CNI-DN-b4f2 -s @loop/@host -p tcp -m tcp --dport 8081 -j CNI-HOSTPORT-SETMARK
      -A CNI-DN-b4f2 -p tcp -m tcp --dport 8081 -j DNAT --to-destination @pod1:80
      -A CNI-DN-b4f2 -p tcp -m tcp --dport 22 -j DNAT --to-destination @pod1:2222

      """, bridge: true,
    also: ["eth0 tcp @client", "veth1 tcp @pod1", "veth2 tcp @pod2", "local tcp @node", "eth1 tcp @far", "eth0 tcp @remote"].flatMap {
      ["\($0):40000 > @node:8081", "\($0):40000 > @podgw:8081", "\($0):40000 > @node:8082"]
    } + ["local tcp @loop:40000 > @loop:8081"],
    breaks: [
      .init("a hostPort takes the NodePort", "iptables-nft -t nat -I CNI-HOSTPORT-DNAT -p tcp --dport 30080 -j DNAT --to-destination 10.244.1.5:80", "host-port-shadowing", "30080"),
      .init("bridge-nf-call is off", "sysctl -qw net.bridge.bridge-nf-call-iptables=0", "bridge-nf-call-off", "bridge-nf-call-iptables"),
    ])

  static let antrea = ProductNode(
    "Antrea's part in iptables", """
      *raw
      -A PREROUTING -m comment --comment "Antrea: jump to Antrea prerouting rules" -j ANTREA-PREROUTING
      -A OUTPUT -m comment --comment "Antrea: jump to Antrea output rules" -j ANTREA-OUTPUT
      -A ANTREA-PREROUTING -i antrea-gw0 -m comment --comment "Antrea: do not track incoming encapsulation packets" -m udp -p udp --dport 6081 -m addrtype --dst-type LOCAL -j NOTRACK
      -A ANTREA-OUTPUT -m comment --comment "Antrea: do not track outgoing encapsulation packets" -m udp -p udp --dport 6081 -m addrtype --src-type LOCAL -j NOTRACK
      *mangle
      -A PREROUTING -m comment --comment "Antrea: jump to Antrea mangle rules" -j ANTREA-MANGLE
      -A OUTPUT -m comment --comment "Antrea: jump to Antrea output rules" -j ANTREA-OUTPUT
      -A ANTREA-OUTPUT -o antrea-gw0 -m comment --comment "Antrea: mark LOCAL output packets" -m addrtype --src-type LOCAL -j MARK --set-xmark 0x80000000/0x80000000
      :ANTREA-MANGLE - [0:0]
      *nat
      -A POSTROUTING -m comment --comment "Antrea: jump to Antrea postrouting rules" -j ANTREA-POSTROUTING
      -A ANTREA-POSTROUTING -s @pods -m comment --comment "Antrea: masquerade Pod to external packets" -m set ! --match-set ANTREA-POD-IP@6 dst ! -o antrea-gw0 -j MASQUERADE
      -A ANTREA-POSTROUTING -o antrea-gw0 -m comment --comment "Antrea: masquerade LOCAL traffic" -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL -j MASQUERADE --random-fully
      *filter
      -A FORWARD -m comment --comment "Antrea: jump to Antrea forwarding rules" -j ANTREA-FORWARD
      -A ANTREA-FORWARD -i veth+ -m comment --comment "Antrea: accept packets from local Pods" -j ACCEPT
      -A ANTREA-FORWARD -o veth+ -m comment --comment "Antrea: accept packets to local Pods" -j ACCEPT
      :FORWARD DROP

      """, sets: "create ANTREA-POD-IP@6 hash:net family @inet\nadd ANTREA-POD-IP@6 @allpods\n",
    breaks: [
      .init("Antrea's forward rules are gone", "iptables-nft -D FORWARD -m comment --comment 'Antrea: jump to Antrea forwarding rules' -j ANTREA-FORWARD", "forward-drop", "policy is DROP"),
      .init("masquerading was flushed", "iptables-nft -t nat -F ANTREA-POSTROUTING", "egress-masquerade", "Antrea"),
    ])

  // MARK: firewalls of the host, by the programs themselves

  static let firewalls: [ProductNode] = [ufw, firewalld].compactMap { $0 }

  private static func isInstalled(_ program: String) -> Bool {
    if findProgram(program) != nil { return true }
    print("kernel lab: the node with \(program) is skipped, it is not installed")
    return false
  }

  /// ufw with files of its own, as a node's owner sets it up for Kubernetes.
  private static let ufw: ProductNode? =
    isInstalled("ufw")
    ? ProductNode(
      "ufw, the program itself", "*filter\n*nat\n-A POSTROUTING -s @allpods ! -d @allpods -j IP-MASQ-AGENT\n-A IP-MASQ-AGENT -j MASQUERADE --random-fully\n",
      program: inUFW("""
        ufw default allow routed
        ufw --force enable
        ufw allow from 192.168.7.0/24
        ufw allow from 10.244.0.0/16
        ufw allow from fd00::/16
        """), bridge: true, hidden: true,
      breaks: [
        .init("forwarding is denied again", inUFW("ufw --force enable; ufw default deny routed; ufw reload"), "forward-drop", "ufw"),
        .init("a rule denies the way to a Pod", "iptables-nft -I ufw-user-forward -d 10.244.1.2 -p tcp --dport 8080 -j DROP; iptables-nft -I FORWARD -j ufw-user-forward", "forward-drop", "ufw"),
      ]) : nil

  private static func inUFW(_ commands: String) -> String {
    """
    mount -t tmpfs tmpfs /run
    own=$(mktemp -d /run/ufw.XXXXXX)
    cp -a /etc/ufw $own/ufw
    cp -a /etc/default/ufw $own/default
    mount --bind $own/ufw /etc/ufw
    mount --bind $own/default /etc/default/ufw
    sed 's/^IPT_SYSCTL=.*/IPT_SYSCTL=/' /etc/default/ufw > $own/changed
    cat $own/changed > /etc/default/ufw
    \(commands)
    """
  }

  private static let firewalld: ProductNode? =
    isInstalled("firewalld") && isInstalled("dbus-daemon")
    ? ProductNode(
      "firewalld, the program itself", """
        table @ip egress { chain post { type nat hook postrouting priority srcnat; policy accept; @ip saddr @allpods @ip daddr != @allpods masquerade fully-random
        }
        }
        """, backend: .native,
      program: inFirewalld("""
        firewall-cmd --zone=trusted --add-source=10.244.0.0/16
        firewall-cmd --zone=trusted --add-source=192.168.7.0/24
        firewall-cmd --zone=trusted --add-source=fd00::/16
        firewall-cmd --zone=trusted --add-interface=veth1
        firewall-cmd --zone=trusted --add-interface=veth2
        firewall-cmd --zone=public --add-interface=eth0
        """), bridge: false,
      breaks: [
        .init("a reload forgot the trusted zone", "nft delete table inet firewalld; " + inFirewalld("firewall-cmd --zone=public --add-interface=eth0"), "forward-drop", "firewalld"),
        .init("Pods' interfaces are in no zone", "nft delete table inet firewalld; " + inFirewalld("firewall-cmd --zone=block --add-interface=veth1"), "forward-drop", "firewalld"),
      ]) : nil

  private static func inFirewalld(_ commands: String) -> String {
    """
    mount -t tmpfs tmpfs /run
    mkdir -p /run/dbus /run/firewalld /run/own/zones
    mount --bind /run/own /etc/firewalld
    dbus-daemon --system --fork --print-pid > /run/dbus.pid
    firewalld --nofork --nopid --log-file=/dev/null &
    for i in $(seq 100); do firewall-cmd --state > /dev/null 2>&1 && break; sleep 0.1; done
    \(commands)
    kill -9 $!
    kill $(cat /run/dbus.pid)
    """
  }
}
