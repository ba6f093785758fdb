extension Catalogue {
  /// Nodes, the network between them, and the control plane.
  static let nodes = #"""
    # node-not-ready
    what: A node is NotReady or under pressure, and its Pods no longer count.
    shows: several Services lose endpoints at once; Pods are evicted
    why: The kubelet no longer reports, or reports a fault: runtime, network plugin, disk or memory. The API server takes the node's Pods out of the endpoints.
    see: kubectl get nodes -o wide; kubectl describe node NODE
    see: journalctl -u kubelet --since -15min
    fix node's owner: on the node: kubelet, container runtime, network plugin, disk, memory
    undo: kubectl uncordon NODE, where it was cordoned for the repair
    example: kubepath check -s bundle/ --only node-not-ready
    from: check
    ref: https://kubernetes.io/docs/tasks/debug/debug-cluster/

    # node-unreachable
    what: A node is dead and the API does not know it yet.
    shows: a share of connections hangs; FAILED neighbours, SYN_SENT entries without answer
    why: The API server waits 40 seconds before it calls a node NotReady. Until then its Pods are endpoints, and every connection that picks one hangs.
    see: ip neigh | grep FAILED; conntrack -L -p tcp --state SYN_SENT
    see: kubectl get leases -n kube-node-lease
    fix node's owner: the machine; kubectl taint nodes NODE node.kubernetes.io/out-of-service=nodeshutdown:NoExecute once it is surely off
    undo: kubectl taint nodes NODE node.kubernetes.io/out-of-service-
    example: kubepath check -s bundle/ --only node-unreachable
    from: check
    ref: https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown

    # network-plugin-down
    what: The network plugin does not set up Pods on a node.
    shows: ContainerCreating, FailedCreatePodSandBox
    why: The kubelet asks the plugin's binary in /opt/cni/bin for each Pod; that needs its configuration in /etc/cni/net.d and mostly the agent of the DaemonSet.
    see: kubectl -n kube-system get pods -o wide --field-selector spec.nodeName=NODE
    see: ls /etc/cni/net.d /opt/cni/bin; journalctl -u kubelet | grep -i cni
    fix network plugin: its agent on the node and its configuration
    undo: kubectl -n kube-system rollout undo daemonset/NAME
    example: kubepath check -s bundle/ --only network-plugin-down
    from: check
    ref: https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/network-plugins/

    # ipam-exhausted
    what: A node has no Pod address left.
    shows: Pods stay in ContainerCreating: "failed to assign an IP address"
    why: A node's podCIDR (a /24 has 254) or the cloud's addresses are used up, or addresses of Pods that are gone were never given back.
    see: kubectl get node NODE -o jsonpath='{.spec.podCIDR}'
    see: ls /var/lib/cni/networks/*/ | wc -l
    fix network plugin: remove files in /var/lib/cni/networks of Pods that are gone
    fix cluster's owner: a larger range for each node (node-cidr-mask-size) or fewer Pods
    undo: nothing to undo; ranges of nodes that exist do not change
    example: kubepath check -s bundle/ --only ipam-exhausted
    from: check
    ref: https://www.cni.dev/plugins/current/ipam/host-local/

    # pod-namespace
    what: A Pod's own network namespace is not set up.
    shows: nothing works from this Pod alone
    why: Its device is down or has no address, or its default route is missing: the network plugin was stopped in the middle, or something in the Pod changed it.
    see: kubectl -n NS exec POD -- ip addr
    see: kubectl -n NS exec POD -- ip route
    fix Pod's owner: kubectl -n NS delete pod POD, so that it is made anew
    fix network plugin: its log of the time when the Pod was made
    undo: nothing to undo
    example: kubepath snapshot --all-pods -o node1.tar.gz && kubepath check -s node1.tar.gz
    from: check trace
    ref: https://www.cni.dev/docs/spec/

    # pod-route
    what: The node has no route to one of its own Pods, or a Pod's routing table is empty.
    shows: one Pod is cut off, others on the node are not
    why: Plugins that route Pods one by one (Calico, AWS VPC, ptp) put a /32 route to each. It was lost, or the device behind it is gone.
    see: ip route get POD_IP; ip route show table all | grep POD_IP
    fix Pod's owner: kubectl -n NS delete pod POD, so that it is made anew
    fix network plugin: restart its agent on the node
    undo: nothing to undo
    example: kubepath trace pod/shop/cart-0:8080 --from local -s bundle/
    from: check trace
    ref: https://docs.tigera.io/calico/latest/operations/troubleshoot/

    # path-broken
    what: A packet, or its answer, ends between two nodes, in a tunnel, or in a Pod's own namespace.
    shows: one pair of nodes, or one direction, does not work; each node's own dumps look right
    why: A journey passes the rules, routes and devices of several nodes and Pods. What one of them sends, the next may drop, take for another's, or answer by a way on which nobody waits.
    see: kubepath trace svc/shop/cart --from pod/shop/web-0 -s bundle/
    see: ip -d link; bridge fdb; ip neigh; ss -lntup
    fix network plugin: both ends of the tunnel alike: port, VNI, MTU, forwarding entries; restart its agent
    fix node's owner: routes both ways, and rules that accept both directions
    fix Pod's owner: a server that listens on all addresses, and rules in the Pod that let it be reached
    undo: nothing to undo
    example: kubepath check -s bundle/ --only path-broken
    from: check
    ref: https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/

    # no-route
    what: A node has no usable route to Pods.
    shows: connections fail to the Pods of one node, or with "no route to host"
    why: The network plugin's agent announces each node's Pod range to the others. It does not run, has the wrong address of a node, or somebody's route is longer.
    see: ip route get POD_IP
    see: kubectl get nodes -o custom-columns=NAME:.metadata.name,POD:.spec.podCIDR,IP:.status.addresses[0].address
    fix network plugin: its agent on that node
    fix node's owner: ip route replace POD_RANGE via NODE_IP, until it does
    undo: ip route del POD_RANGE
    example: kubepath trace 10.244.3.15:8443 --from 10.244.1.7 -s node1/
    from: check trace why
    ref: https://kubernetes.io/docs/concepts/cluster-administration/networking/

    # bridge-port
    what: A bridge keeps frames between two of its ports.
    shows: Pods of one node do not reach each other, and reach everything else
    why: Ports that are both isolated exchange nothing; a port that is down or blocked by STP passes nothing.
    see: bridge -d link show
    fix network plugin: portIsolation in its CNI configuration
    fix node's owner: bridge link set dev VETH isolated off
    undo: bridge link set dev VETH isolated on
    example: kubepath trace pod/shop/cart-0:8080 --from pod/shop/web-0 -s bundle/
    from: check trace
    ref: https://www.cni.dev/plugins/current/main/bridge/

    # neighbour-table-overflow
    what: The table of neighbours (ARP) is full.
    shows: failed neighbours, "neighbour: arp_cache: neighbor table overflow!"
    why: Flat networks with many Pods need an entry for each that a node talks to; gc_thresh3 is 1024 unless raised.
    see: ip neigh | wc -l; sysctl net.ipv4.neigh.default.gc_thresh3
    fix node's owner: sysctl -w net.ipv4.neigh.default.gc_thresh3=8192, gc_thresh1 and 2 below it, and the same in /etc/sysctl.d
    undo: sysctl -w net.ipv4.neigh.default.gc_thresh3=1024
    example: kubepath check -s node1/ --only neighbour-table-overflow
    from: check
    ref: https://man7.org/linux/man-pages/man7/arp.7.html

    # cidr-overlap
    what: Address ranges of Pods, Services or nodes overlap.
    shows: some addresses never answer
    why: An address that is in two ranges is routed to one of them. Docker's 172.17.0.0/16 and office networks are frequent others.
    see: ip route; kubectl cluster-info dump | grep -m2 -E 'cluster-cidr|service-cluster-ip-range'
    fix cluster's owner: distinct ranges; they are chosen when a cluster is made
    fix node's owner: another bip for Docker in /etc/docker/daemon.json
    undo: the bip of before
    example: kubepath check -s bundle/ --only cidr-overlap
    from: check
    ref: https://kubernetes.io/docs/concepts/cluster-administration/networking/

    # overlay-mtu
    what: The inner MTU leaves no room for the tunnel's header.
    shows: small packets pass, large ones do not: TLS hangs after its first message
    why: VXLAN takes 50 bytes over IPv4 and 70 over IPv6, IPIP 20, WireGuard 60 or 80. A packet as large as the link no longer fits when it is wrapped.
    see: ip -d link show; ip link show eth0
    see: ping -M do -s 1422 -c 3 POD_IP
    fix network plugin: its MTU: the link's less the header
    undo: the MTU of before in its configuration, then new Pods
    example: kubepath capture node1.pcap -s bundle/
    from: check capture
    ref: https://docs.tigera.io/calico/latest/networking/configuring/mtu

    # pod-mtu
    what: Pods' devices take larger packets than the tunnel to other nodes.
    shows: small packets pass; large ones hang where ICMP is filtered
    why: The node answers "fragmentation needed" for each such packet; whoever drops that message makes the connection hang.
    see: kubectl -n NS exec POD -- ip link show eth0; ip -d link show flannel.1
    fix network plugin: its MTU for Pods, then new Pods
    undo: the MTU of before
    example: kubepath trace svc/shop/cart:http --from pod/shop/web-0 -s bundle/
    from: check
    ref: https://datatracker.ietf.org/doc/html/rfc2923

    # pmtu-black-hole
    what: The message that asks for smaller packets is lost or ignored.
    shows: transfers stall at full-size segments; no ICMP, or one that changes nothing
    why: Path MTU discovery lives on ICMP "fragmentation needed" and ICMPv6 "packet too big". A firewall that drops all ICMP, or NAT that does not translate it, breaks it.
    see: tcpdump -ni any 'icmp[0]==3 and icmp[1]==4 or icmp6[0]==2'
    see: ip route get ADDRESS | grep mtu
    fix node's firewall: accept related ICMP, and ICMPv6 type 2
    fix node's owner: sysctl -w net.ipv4.tcp_mtu_probing=1, or the plugin's MTU lowered to the path's
    undo: sysctl -w net.ipv4.tcp_mtu_probing=0
    example: kubepath capture sender.pcap receiver.pcap
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc2923

    # udp-fragments-lost
    what: Later fragments of datagrams do not arrive.
    shows: large DNS answers time out, small ones come
    why: Only the first fragment has ports. Firewalls and NAT that do not put fragments together drop the others.
    see: tcpdump -ni any 'ip[6:2] & 0x3fff != 0'
    see: nstat -az IpReasmFails
    fix application's owner: smaller datagrams: DNS with EDNS buffers of 1232 bytes
    fix network's owner: let fragments pass, or keep their connection tracking on
    undo: the buffer size of before
    example: kubepath capture node1.pcap
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc8900

    # vxlan-checksum
    what: Outer UDP checksums are wrong after double masquerading.
    shows: from a node to a Service takes a minute
    why: The kernel wraps a packet with its mark; masquerading takes place twice, and old kernels leave the outer checksum wrong.
    see: ethtool -k flannel.1 | grep tx-checksum-ip-generic
    see: tcpdump -vni eth0 udp port 8472 | grep 'bad udp cksum'
    fix node's owner: ethtool -K flannel.1 tx-checksum-ip-generic off
    fix kube-proxy: a release that clears the mark before it masquerades (1.16.13, 1.17.9, 1.18.6 and newer)
    undo: ethtool -K flannel.1 tx-checksum-ip-generic on
    example: kubepath capture node1.pcap
    from: check capture
    ref: https://github.com/kubernetes/kubernetes/pull/92035

    # vxlan-port
    what: Nodes disagree about the tunnel's UDP port, or something on the way eats it.
    shows: leaves one node, never arrives
    why: flannel uses 8472, the standard is 4789. A node with another port does not listen; firewalls and some hypervisors drop one of them.
    see: ip -d link show type vxlan | grep dstport
    see: tcpdump -ni eth0 'udp port 8472 or udp port 4789'
    fix network plugin: one port on all nodes
    fix network's owner: open it between all nodes
    undo: the port of before
    example: kubepath capture node1.pcap node2.pcap
    from: check capture
    ref: https://github.com/k3s-io/k3s/issues/2768

    # wrong-vtep
    what: A node announces a wrong tunnel address.
    shows: one node is cut off
    why: The plugin took the address of the wrong network card (10.0.2.15 of VirtualBox on every node), or a machine was made from an image with another's.
    see: kubectl get node NODE -o yaml | grep -E 'public-ip|backend-data'
    see: bridge fdb show dev flannel.1
    fix network plugin: choose the interface: flannel --iface, Calico IP_AUTODETECTION_METHOD
    undo: the setting of before
    example: kubepath check -s bundle/ --only wrong-vtep
    from: check capture
    ref: https://github.com/flannel-io/flannel/issues/535

    # control-plane-down
    what: A program of the control plane does not run.
    shows: new Pods are not made or not placed; EndpointSlices stand still
    why: kube-apiserver, kube-scheduler and kube-controller-manager are static Pods of the control plane's nodes; their manifest, certificate or etcd is at fault.
    see: crictl ps -a | grep -E 'kube-|etcd'
    see: kubectl -n kube-system get pods -l tier=control-plane -o wide; kubectl -n kube-system get leases
    fix cluster's owner: the log of that container, its manifest in /etc/kubernetes/manifests
    undo: the manifest of before
    example: kubepath check -s bundle/ --only control-plane-down
    from: check
    ref: https://kubernetes.io/docs/tasks/debug/debug-cluster/

    # control-plane-port
    what: A node's rules close a port that the cluster itself needs.
    shows: etcd without a member, nodes without BGP or overlay, no logs of Pods
    why: A host firewall that was made stricter: 6443, 2379, 2380, 10250, 179, 8472 and 4789 belong to the cluster.
    see: iptables -nvL INPUT | head -20; nft list ruleset | grep -A10 'hook input'
    fix node's firewall: accept the port from the nodes in its own configuration
    undo: take the rule out again
    example: kubepath trace 192.0.2.1:2380 --from 192.0.2.2 -s node1/
    from: check
    ref: https://kubernetes.io/docs/reference/networking/ports-and-protocols/

    # configuration-mismatch
    what: A component does something else than its configuration says.
    shows: kube-proxy in another mode, Pods taken for strangers
    why: A ConfigMap was changed and the Pods were not restarted, or two components have different ranges.
    see: kubectl -n kube-system get configmap kube-proxy -o yaml
    see: curl -s http://127.0.0.1:10249/proxyMode
    fix cluster's owner: kubectl -n kube-system rollout restart daemonset/kube-proxy, one range everywhere
    undo: the configuration of before
    example: kubepath check -s bundle/ --only configuration-mismatch
    from: check
    ref: https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/

    # mesh-policy
    what: A service mesh and other policies do not agree.
    shows: resets, time-outs at port 15008
    why: The mesh wraps connections (HBONE, port 15008) or demands mutual TLS. A NetworkPolicy that allows the application's port only, or a client without a sidecar, is refused.
    see: kubectl get peerauthentication -A; kubectl -n NS get networkpolicies
    see: kubectl -n NS get pods -o jsonpath='{range .items[*]}{.metadata.name} {.spec.containers[*].name}{"\n"}{end}'
    fix policy's owner: allow port 15008 between the mesh's Pods
    fix mesh's owner: sidecars (or ambient) on both sides, or PERMISSIVE
    undo: the policy of before
    example: kubepath check -s bundle/ --only mesh-policy
    from: check
    ref: https://istio.io/latest/docs/ambient/usage/networkpolicy/

    # sidecar-redirect
    what: The rules that lead a Pod's connections to its sidecar and the sidecar do not fit.
    shows: all connections of one Pod are refused or hang
    why: istio-init or the mesh's CNI plugin writes rules in the Pod that lead connections to the sidecar's ports. When the sidecar does not listen there, or the rules were written for another user or port, they lead to nobody.
    see: kubectl -n NS logs POD -c istio-proxy --tail=50
    see: nsenter -t PID -n iptables-save -t nat | grep ISTIO
    fix Pod's owner: kubectl -n NS delete pod POD, so that rules and sidecar are made anew together
    fix mesh's owner: the sidecar's ports and user as the rules have them
    undo: nothing to undo
    example: kubepath trace svc/shop/cart:http --from pod/shop/web-0 -s bundle/
    from: check trace
    ref: https://istio.io/latest/docs/ops/common-problems/network-issues/

    # proxy-route
    what: Packets marked for a transparent proxy of the node are routed away from it.
    shows: connections through a proxy hang
    why: TPROXY marks packets for a socket of the node; a routing rule must lead that mark to a local route. One of the two is missing, so the packets go on to where they were sent.
    see: ip rule; ip route show table all | grep '^local'
    see: iptables-save -t mangle | grep TPROXY; nft list ruleset | grep tproxy
    fix proxy's owner: the routing rule and the local route that it makes: restart it
    fix node's owner: ip rule add fwmark MARK lookup TABLE; ip route add local default dev lo table TABLE
    undo: ip rule del fwmark MARK lookup TABLE; ip route flush table TABLE
    example: kubepath trace 10.96.0.10:80 --from 10.244.1.7 -s node1/
    from: check trace
    ref: https://docs.kernel.org/networking/tproxy.html
    """#
}
