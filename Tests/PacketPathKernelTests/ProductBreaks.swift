// swift-format-ignore-file
import KernelLab

/// More of what goes wrong on the nodes of products, beside what stands with each of them.
struct ProductBreaks: Sendable, CustomStringConvertible {
  var product: ProductNode
  var breaks: [ProductNode.Break]
  var description: String { product.description }

  static let all: [ProductBreaks] = [
    .init(product: ProductNodes.flannelLegacy, breaks: [
      .init("masquerading names another cluster's range", "iptables-legacy -t nat -R FLANNEL-POSTRTG 5 -s 10.42.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully", "egress-masquerade", "flannel masquerades"),
      .init("IPv6 is not forwarded", "sysctl -qw net.ipv6.conf.all.forwarding=0", "ip-forward-off", "net.ipv6.conf.all.forwarding"),
      .init("the bridge lost its address", "ip addr del 10.244.1.1/24 dev cni0", "no-route", "10.244.1."),
      .init("the bridge has another range than the Pods", "ip addr del 10.244.1.1/24 dev cni0; ip addr add 10.244.3.1/24 dev cni0", "no-route", "10.244.1."),
      .init("the bridge is down", "ip link set cni0 down", "no-route", "10.244.1."),
      .init("a Pod's cable left the bridge", "ip link set veth2 nomaster", "bridge-port", "veth2", "no port of"),
      .init("a port of the bridge is disabled", "bridge link set dev veth1 state 0", "bridge-port", "veth1"),
      .init("ports are isolated", "bridge link set dev veth1 isolated on; bridge link set dev veth2 isolated on", "bridge-port", "isolated"),
      .init("bridge-nf-call is off", "sysctl -qw net.bridge.bridge-nf-call-iptables=0", "bridge-nf-call-off", "bridge-nf-call-iptables"),
      .init("another node's Pods have a black hole", "ip route replace blackhole 10.244.9.0/24", "no-route", "blackhole 10.244.9.0/24"),
      .init("kube-proxy's masquerading is not reached", "iptables-legacy -t nat -D POSTROUTING -m comment --comment 'kubernetes postrouting rules' -j KUBE-POSTROUTING", "rules-flushed", "KUBE-POSTROUTING"),
      .init("flannel's masquerading is not reached", "iptables-legacy -t nat -D POSTROUTING -m comment --comment 'flanneld masq' -j FLANNEL-POSTRTG", "egress-masquerade", "flannel"),
    ]),
    .init(product: ProductNodes.flannelVXLAN, breaks: [
      .init("Docker set the policy back and flannel's rules were flushed", "iptables-nft -F FLANNEL-FWD", "forward-drop", "policy is DROP"),
      .init("the neighbour has another hardware address", "ip neigh replace 10.244.9.0 lladdr 02:00:00:00:03:77 dev flannel.1 nud permanent", "wrong-vtep", "no forwarding entry"),
      .init("the device is gone", "ip link del flannel.1", "no-route", "10.244.9."),
      .init("the other node's route is gone", "ip route del 10.244.9.0/24", "no-route", "10.244.9."),
    ]),
    .init(product: ProductNodes.flannelNft, breaks: [
      .init("a table of the bridge drops a Pod's frames", "nft 'table bridge own { chain c { type filter hook forward priority 0; ip daddr 10.244.1.2 drop; }; }'", "forward-drop", "bridge own c"),
      .init("masquerading names another cluster's range", "nft flush chain ip flannel-ipv4 postrtg; nft add rule ip flannel-ipv4 postrtg ip saddr 10.42.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random", "egress-masquerade", "flannel masquerades"),
      .init("a table drops what is new from outside", "nft 'table inet edge { chain pre { type filter hook prerouting priority -150; iifname \"eth0\" ip daddr 10.244.0.0/16 drop; }; }'", "forward-drop", "edge"),
    ]),
    .init(product: ProductNodes.calico, breaks: [
      .init("Felix's chain is not reached", "iptables-nft -D FORWARD -m comment --comment cali:wUHhoiAYhphO9Mso -j cali-FORWARD", "chain-not-reached", "cali-FORWARD", "Calico"),
      .init("the masqueraded range is another", "ipset flush cali4-masq; ipset add cali4-masq 10.42.0.0/16", "egress-masquerade", "Calico masquerades"),
      .init("what a Pod sends is not dispatched", "iptables-nft -D cali-from-wl-dispatch -i veth1 -g cali-fw-veth1", "network-policy-drop", "cali-from-wl-dispatch"),
      .init("a Pod's route is gone", "ip addr del 10.244.1.1/24 dev veth1; ip route add 10.244.1.2 dev veth1; ip route del 10.244.1.3", "no-route", "10.244.1.3"),
      .init("what Felix accepts is not accepted, and the policy is DROP", "iptables-nft -P FORWARD DROP; iptables-nft -D FORWARD -m comment --comment 'Policy explicitly accepted packet.' -m mark --mark 0x10000/0x10000 -j ACCEPT", "forward-drop", "policy is DROP"),
      .init("a profile does not accept", "iptables-nft -F cali-pro-default", "network-policy-drop", "Calico"),
      .init("a rule of the operators stands before Felix's", "iptables-nft -I FORWARD -d 10.244.1.2 -p tcp --dport 8080 -j DROP", "forward-drop", "rule 1 of filter FORWARD"),
    ]),
    .init(product: ProductNodes.calicoVXLAN, breaks: [
      .init("the set of peers is empty", "ipset flush cali40all-vxlan-net", "control-plane-port", "vxlan.calico's port 4789/udp"),
      .init("the other node's route is gone", "ip route del 10.244.9.0/24", "no-route", "10.244.9."),
      .init("the tunnel's device is down", "ip link set vxlan.calico down", "vxlan-port", "is down"),
    ]),
    .init(product: ProductNodes.calicoNft, breaks: [
      .init("a Pod is not dispatched to", "nft 'delete element ip calico filter-cali-to-wl-dispatch { \"veth2\" }'", "network-policy-drop", "filter-cali-to-wl"),
      .init("Felix's chain is not reached", "nft -a list chain ip calico filter-FORWARD | sed -n 's/.*jump filter-cali-FORWARD # handle \\([0-9]*\\)/\\1/p' | xargs -n1 nft delete rule ip calico filter-FORWARD handle", "chain-not-reached", "filter-cali-FORWARD"),
    ]),
    .init(product: ProductNodes.kubeRouter, breaks: [
      .init("policies are not reached", "iptables-nft -D FORWARD -m comment --comment 'kube-router netpol - TEMCG2JMVZWTT2SX' -j KUBE-ROUTER-FORWARD", "chain-not-reached", "KUBE-ROUTER-FORWARD", "kube-router"),
      .init("the policy is DROP and Pods are not let in", "iptables-nft -P FORWARD DROP; iptables-nft -D FORWARD -o cni0 -m comment --comment 'allow inbound traffic to pods' -j ACCEPT", "forward-drop", "policy is DROP"),
      .init("the set of Pod ranges is empty", "ipset flush kube-router-pod-subnets", "egress-masquerade", "kube-router"),
    ]),
    .init(product: ProductNodes.cilium, breaks: [
      .init("the rule for the proxy's mark is gone", "ip rule del fwmark 0x200/0xf00", "proxy-route", "0x200", "Cilium"),
      .init("the proxy's table is empty", "ip route flush table 2004", "proxy-route", "table 2004"),
      .init("masquerading is not reached", "iptables-nft -t nat -D POSTROUTING -m comment --comment 'cilium-feeder: CILIUM_POST_nat' -j CILIUM_POST_nat", "egress-masquerade", "Cilium"),
      .init("its forward rules were flushed", "iptables-nft -F CILIUM_FORWARD", "forward-drop", "policy is DROP"),
    ]),
    .init(product: ProductNodes.aws, breaks: [
      .init("the source is translated to an address of another node", "iptables-nft -t nat -R AWS-SNAT-CHAIN-0 3 ! -o vlan+ -m addrtype ! --dst-type LOCAL -j SNAT --to-source 192.168.7.99 --random-fully", "egress-masquerade", "192.168.7.99", "no interface"),
      .init("the SNAT chain is not reached", "iptables-nft -t nat -D POSTROUTING -m comment --comment 'AWS SNAT CHAIN' -j AWS-SNAT-CHAIN-0", "egress-masquerade", "AWS"),
      .init("reverse-path filtering is strict", "ip rule add from 10.244.1.2 to 192.168.7.0/24 lookup 2 pref 1536; sysctl -qw net.ipv4.conf.eth0.rp_filter=1", "reverse-path-filter", "eth0", "30080"),
      .init("the second interface is down", "ip link set eth1 down", "pod-route", "table 2"),
      .init("a rule sends a Pod's packets to its neighbours out", "ip rule add from 10.244.1.3 lookup 2 pref 500", "pod-route", "eth1"),
    ]),
    .init(product: ProductNodes.docker, breaks: [
      .init("Docker isolates the Pods' bridge", "iptables-nft -I DOCKER-ISOLATION-STAGE-2 -o cni0 -j DROP; iptables-nft -I DOCKER-ISOLATION-STAGE-1 -i eth0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2; iptables-nft -I FORWARD -j DOCKER-ISOLATION-STAGE-1", "forward-drop", "DOCKER-ISOLATION-STAGE-2", "Docker"),
      .init("Docker's network lies in the Pods' range", "ip addr add 10.244.1.6/29 dev docker0", "no-route", "docker0"),
      .init("a published port takes the NodePort", "iptables-nft -t nat -I DOCKER ! -i docker0 -p tcp --dport 30080 -j DNAT --to-destination 172.17.0.2:80; iptables-nft -t nat -D PREROUTING -m addrtype --dst-type LOCAL -j DOCKER; iptables-nft -t nat -I PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", "host-port-shadowing", "30080"),
    ]),
    .init(product: ProductNodes.dockerNft, breaks: [
      .init("direct access to a Pod is dropped in raw", "nft insert rule ip docker-bridges raw-PREROUTING ip daddr 10.244.1.2 iifname != docker0 drop", "forward-drop", "raw-PREROUTING", "Docker"),
      .init("what goes to the Pods' bridge is dropped", "nft insert rule ip docker-bridges filter-FORWARD oifname cni0 drop", "forward-drop", "filter-FORWARD", "Docker"),
    ]),
    .init(product: ProductNodes.nodeLocalDNS, breaks: [
      .init("INPUT is closed", "for tool in iptables-nft ip6tables-nft; do $tool -P INPUT DROP; $tool -D INPUT 1; $tool -D INPUT 1; done", "node-local-dns-rules", "policy", "INPUT"),
      .init("the cache does not run", closed: ["udp @vip3:53", "tcp @vip3:53"], "notrack-before-nat", "nothing listens there"),
      .init("its rules of raw are gone", "iptables-nft -t raw -F; ip6tables-nft -t raw -F", "node-local-dns-rules", "no rules of its own"),
    ]),
    .init(product: ProductNodes.portmap, breaks: [
      .init("the mark for a Pod's own packets is missing", "iptables-nft -t nat -D CNI-DN-b4f2 -s 10.244.1.0/24 -p tcp --dport 8081 -j CNI-HOSTPORT-SETMARK", "hairpin", "hostPort", "10.244.1.2"),
      .init("what is marked is not masqueraded", "iptables-nft -t nat -D POSTROUTING -m comment --comment 'CNI portfwd requiring masquerade' -j CNI-HOSTPORT-MASQ", "chain-not-reached", "CNI-HOSTPORT-MASQ", "portmap"),
      .init("hostPorts are not reached", "iptables-nft -t nat -D PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT; iptables-nft -t nat -D OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT", "chain-not-reached", "CNI-HOSTPORT-DNAT", "portmap"),
      .init("a hostPort of a Pod that is gone", "iptables-nft -t nat -A CNI-HOSTPORT-DNAT -p tcp --dport 9000 -j DNAT --to-destination 10.244.1.77:80", "host-port-shadowing", "10.244.1.77"),
    ]),
    .init(product: ProductNodes.antrea, breaks: [
      .init("the set of Pods is empty", "ipset flush ANTREA-POD-IP", "masquerade-scope", "ANTREA-POSTROUTING"),
      .init("a Pod's route is gone", "ip addr del 10.244.1.1/24 dev veth1; ip route add 10.244.1.2 dev veth1; ip route del 10.244.1.3", "no-route", "10.244.1.3"),
      .init("masquerading is not reached", "iptables-nft -t nat -D POSTROUTING -m comment --comment 'Antrea: jump to Antrea postrouting rules' -j ANTREA-POSTROUTING", "egress-masquerade", "Antrea"),
    ]),
  ]
}
