extension Catalogue {
  /// Rules: kube-proxy's own, those before and behind them, connection tracking, IPVS.
  static let rules = #"""
    # stale-rules
    what: A node's rules differ from the endpoints the cluster has.
    shows: a share of connections fails, or one node behaves unlike the others
    why: kube-proxy does not get on: its restore fails on one bad rule, it waits for the xtables lock, or it does not see the API server. The kernel keeps what was loaded last.
    see: kubectl -n kube-system logs -l k8s-app=kube-proxy --tail=100 | grep -iE 'restore|lock|failed'
    see: kubepath services svc/NS/NAME -o wide
    fix kube-proxy: restart its Pod on the node, and mend what its log names
    fix rule's owner: another program's chain that kube-proxy's restore refers to
    undo: nothing to undo: kube-proxy writes the rules anew
    example: kubepath check -s bundle/ --only stale-rules
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/38372

    # kube-proxy-not-programming
    what: No Service is in a node's rules, or nobody keeps them.
    shows: nothing works on the node, or what is new does not
    why: kube-proxy does not run there, cannot reach the API server, or ends at its start. Its health port 10256 tells.
    see: kubectl -n kube-system get pods -l k8s-app=kube-proxy -o wide
    see: curl -s http://127.0.0.1:10256/healthz
    fix kube-proxy: its log, its kubeconfig, its mode
    undo: the DaemonSet of before: kubectl -n kube-system rollout undo daemonset/kube-proxy
    example: kubepath services -s node1/
    from: check
    ref: https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#is-kube-proxy-working

    # rules-flushed
    what: Somebody removed what leads packets to the Service rules.
    shows: everything stops after a firewall reload
    why: firewalld, ufw or a script flushes tables when it reloads. kube-proxy's chains may stand, but the jump from the base chain is gone.
    see: iptables-save -t nat | grep -E 'KUBE-SERVICES|CANARY'
    see: systemctl list-units | grep -E 'firewalld|ufw|netfilter-persistent'
    fix kube-proxy: restart it; it notices the missing canary chain by itself within a minute
    fix node's firewall: stop the reload from flushing (firewalld: FlushAllOnReload=no), or switch it off
    undo: FlushAllOnReload=yes
    example: kubepath check -s node1/ --only rules-flushed
    from: check
    ref: https://github.com/k3s-io/k3s/issues/7542

    # mode-leftovers
    what: Rules of a former kube-proxy mode still act.
    shows: old Services answer or refuse
    why: A change of mode leaves the rules of the mode before in the kernel until they are cleaned or the node restarts.
    see: iptables-save | grep -c KUBE-SVC; nft list tables; ipvsadm -Ln | head
    fix kube-proxy: run kube-proxy --cleanup once on the node, or restart the node
    undo: restart kube-proxy: it writes the rules of its mode anew
    example: kubepath check -s node1/ --only mode-leftovers
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/102314

    # mixed-iptables-backends
    what: Two iptables backends hold Service rules.
    shows: changes seem to have no effect
    why: iptables-legacy and iptables-nft are two rule sets in one kernel, and both act. A container with the other variant writes into the other one.
    see: iptables-legacy-save | grep -c KUBE; iptables-nft-save | grep -c KUBE
    see: update-alternatives --display iptables
    fix node's owner: one variant for the host and all containers, then flush the other
    undo: update-alternatives --set iptables /usr/sbin/iptables-legacy
    example: kubepath check -s node1/ --only mixed-iptables-backends
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/71305

    # nft-prerequisites
    what: The kernel or nft lacks what kube-proxy's nftables mode needs.
    shows: kube-proxy cannot load its table
    why: The mode needs Linux 5.13 and nft 1.0.1 with their fib and numgen expressions; an nft of the image that is older than the host's cannot read the host's sets.
    see: uname -r; nft --version
    see: kubectl -n kube-system logs -l k8s-app=kube-proxy --tail=50
    fix node's owner: a newer kernel with CONFIG_NFT_FIB, NFT_NUMGEN
    fix kube-proxy: mode: iptables until then
    undo: mode: nftables in its ConfigMap
    example: kubepath check -s node1/ --only nft-prerequisites
    from: check
    ref: https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-nftables

    # forward-drop
    what: A filter chain drops or rejects Pod traffic that kube-proxy has already translated.
    shows: timeouts of all Services; the counter of FORWARD's policy rises
    why: Docker sets FORWARD's policy to DROP, and host firewalls add rules of their own. kube-proxy accepts marked packets and answers only; a packet from a Pod to a Pod is neither.
    see: iptables -nvL FORWARD | head
    see: nft list ruleset | grep -A8 'hook forward'
    fix node's firewall: accept the Pods' range in both directions in its own configuration
    fix Docker: "ip-forward-no-drop": true, or iptables -P FORWARD ACCEPT
    undo: iptables -P FORWARD DROP
    example: kubepath trace 10.96.0.10:80 --from 10.244.1.7 -s node1/ --try 'iptables -P FORWARD ACCEPT'
    from: check trace why capture
    ref: https://github.com/kubernetes/kubernetes/issues/39823

    # one-way-udp-forward-drop
    what: Only the first datagram of a UDP flow passes FORWARD.
    shows: UNREPLIED entries in conntrack; one datagram arrives, no more
    why: nat chains see the first packet of a connection only. kube-proxy's mark is set there, and its accept in FORWARD asks for the mark: later datagrams have none while no answer came.
    see: conntrack -L -p udp | grep UNREPLIED
    see: iptables -nvL FORWARD | head
    fix node's firewall: as forward-drop: accept the Pods' range
    undo: take the rule out of the firewall's own configuration again
    example: kubepath check -s node1/ --only one-way-udp-forward-drop
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/108876

    # network-policy-drop
    what: A network policy stops the flow.
    shows: drops in a policy's chain; only some clients fail
    why: As soon as one NetworkPolicy selects a Pod, what none of its rules allows is dropped, in the direction that the policy speaks of.
    see: kubectl -n NS get networkpolicies
    see: kubectl -n NS describe networkpolicy NAME
    fix policy's owner: allow the client by its labels and port in a NetworkPolicy
    undo: kubectl -n NS delete networkpolicy THE_NEW_ONE
    example: kubepath trace svc/shop/cart:http --from pod/shop/web-0 -s bundle/
    from: check trace why capture
    ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/

    # policy-not-evaluated
    what: Policies of kinds that kubepath does not evaluate stand beside the NetworkPolicies.
    shows: ClusterNetworkPolicy, AdminNetworkPolicy, Cilium's and Calico's own
    why: Their effect is judged from the node's rules alone, as far as these are there.
    see: kubectl get clusternetworkpolicies,adminnetworkpolicies,ciliumnetworkpolicies,globalnetworkpolicies -A
    fix reader: look for their drops in the node's rules; believe a trace through rules, not the objects alone
    undo: nothing to undo
    example: kubepath trace svc/shop/cart:http --from pod/shop/web-0 -s bundle/
    from: check
    ref: https://network-policy-api.sigs.k8s.io/

    # stale-pod-firewall
    what: A Pod is filtered by the chain of another that had its address before.
    shows: a new Pod is refused what its policies allow
    why: kube-router keeps a chain for each Pod address; one that was not taken away acts on whoever gets the address.
    see: iptables-save -t filter | grep KUBE-POD-FW
    fix network plugin: restart kube-router on the node
    undo: nothing to undo: it writes its chains anew
    example: kubepath check -s node1/ --only stale-pod-firewall
    from: check
    ref: https://github.com/cloudnativelabs/kube-router/issues

    # masquerade-scope
    what: Sources are rewritten where they should not be, or kept where replies then take another way.
    shows: answers from an address nobody dialled; resets by the client
    why: kube-proxy masquerades what does not come from the Pods' range (clusterCIDR, detectLocalMode). A range that is missing, too small or too wide puts it wrong.
    see: kubectl -n kube-system get configmap kube-proxy -o yaml | grep -E 'clusterCIDR|detectLocal'
    see: iptables-save -t nat | grep KUBE-MARK-MASQ | head
    fix kube-proxy: the cluster's Pod range in clusterCIDR, then a restart
    undo: kubectl -n kube-system edit configmap kube-proxy, with the range of before
    example: kubepath services -s node1/ -o wide
    from: check trace
    ref: https://github.com/kubernetes/kubernetes/issues/36835

    # egress-masquerade
    what: Packets of Pods leave the cluster with the Pods' own addresses.
    shows: Pods reach each other and nothing outside
    why: Nobody outside has a route to the Pods' range. The network plugin's masquerade rule is missing, or its range takes the destination for the cluster's own.
    see: iptables-save -t nat | grep -E 'MASQUERADE|SNAT'
    see: kubectl -n kube-system get configmap ip-masq-agent -o yaml
    fix network plugin: its masquerade setting (flannel: ipMasq, Calico: natOutgoing) and non-masquerade ranges
    undo: the setting of before
    example: kubepath trace 203.0.113.80:443 --from 10.244.1.7 -s node1/
    from: check
    ref: https://kubernetes.io/docs/tasks/administer-cluster/ip-masq-agent/

    # hairpin
    what: A Pod cannot reach itself through its own Service.
    shows: only that Pod fails, only when it picks itself
    why: The packet must go back by the port it came from, with another source, or the Pod sees its own address as the client. That takes a masquerade rule per endpoint, and hairpin mode on the bridge's port.
    see: bridge -d link show | grep hairpin
    see: iptables-save -t nat | grep -E 'KUBE-SEP.*KUBE-MARK-MASQ'
    fix network plugin: hairpinMode: true in its CNI configuration, then new Pods
    fix node's owner: bridge link set dev VETH hairpin on, until then
    undo: bridge link set dev VETH hairpin off
    example: kubepath trace svc/shop/cart:http --from pod/shop/cart-0 -s bundle/
    from: check trace capture
    ref: https://github.com/kubernetes/kubernetes/issues/13375

    # notrack-before-nat
    what: An untracked packet is never translated.
    shows: rules look right, yet the address stays
    why: NAT works on connections. A NOTRACK rule in raw, before connection tracking, takes the packet out of it, and the nat table is never asked.
    see: iptables-save -t raw | grep -E 'NOTRACK|CT'
    see: nft list ruleset | grep notrack
    fix rule's owner: remove the NOTRACK rule, or narrow it to what needs no translation
    undo: the rule of before in the raw table
    example: kubepath trace 10.96.0.10:53/udp --from 10.244.1.7 -s node1/
    from: check trace
    ref: https://github.com/antrea-io/antrea/issues/8034

    # host-port-shadowing
    what: A hostPort or another program's rule takes packets meant for a Service.
    shows: another application answers
    why: Rules that stand before kube-proxy's in the nat table win. portmap's rules of a Pod that is gone, or a hostPort with a NodePort's number, do that.
    see: iptables-save -t nat | grep -E 'CNI-DN|CNI-HOSTPORT'
    see: kubectl get pods -A -o jsonpath='{range .items[*]}{.spec.containers[*].ports[*].hostPort} {.metadata.name}{"\n"}{end}'
    fix Pod's owner: another hostPort
    fix network plugin: remove the rule of a Pod that is gone
    undo: the hostPort of before
    example: kubepath check -s node1/ --only host-port-shadowing
    from: check
    ref: https://github.com/containernetworking/plugins/issues/683

    # localhost-node-port
    what: NodePorts on 127.0.0.1: what serves them, and what they expose.
    shows: works on the node only, or strangers reach local services
    why: iptables mode sets route_localnet, so that 127.0.0.1 can be translated; without the rule that protects it, neighbours reach what listens on loopback.
    see: sysctl net.ipv4.conf.all.route_localnet
    see: iptables-save -t filter | grep -E 'KUBE-FIREWALL|127'
    fix kube-proxy: --iptables-localhost-nodeports=false where nobody needs it
    fix node's owner: keep the rule of KUBE-FIREWALL that protects 127.0.0.0/8
    undo: --iptables-localhost-nodeports=true
    example: kubepath check -s node1/ --node-ports
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/90259

    # node-port-in-ephemeral-range
    what: The kernel may give a NodePort's number to an outgoing connection.
    shows: rare failures to bind or connect
    why: NodePorts (30000-32767) lie in ip_local_port_range unless they are reserved.
    see: sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports
    fix node's owner: sysctl -w net.ipv4.ip_local_reserved_ports=30000-32767, and the same in /etc/sysctl.d
    undo: sysctl -w net.ipv4.ip_local_reserved_ports=
    example: kubepath check -s node1/ --node-ports
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/111682

    # bridge-nf-call-off
    what: Traffic between Pods of one bridge avoids iptables, so answers stay untranslated.
    shows: SYN to the Service, SYN-ACK from the Pod, reset by the client
    why: Frames that a bridge hands from port to port see iptables only with br_netfilter. Without it the answer of a neighbour Pod is never translated back.
    see: sysctl net.bridge.bridge-nf-call-iptables
    see: lsmod | grep br_netfilter
    fix node's owner: modprobe br_netfilter; sysctl -w net.bridge.bridge-nf-call-iptables=1, and the same in /etc/modules-load.d and /etc/sysctl.d
    undo: sysctl -w net.bridge.bridge-nf-call-iptables=0
    example: kubepath trace svc/shop/cart:http --from pod/shop/web-0 -s bundle/
    from: check trace
    ref: https://github.com/kubernetes/kubernetes/issues/87426

    # ip-forward-off
    what: The node does not route.
    shows: Pods reach nothing beyond their node
    why: With net.ipv4.ip_forward=0 the kernel drops whatever is not its own. A "network restart", cloud-init or sysctl.d puts it back to 0.
    see: sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding
    see: grep -r forward /etc/sysctl.d /usr/lib/sysctl.d
    fix node's owner: sysctl -w net.ipv4.ip_forward=1, and the same in /etc/sysctl.d
    undo: sysctl -w net.ipv4.ip_forward=0
    example: kubepath trace 10.96.0.10:80 --from 10.244.1.7 -s node1/ --try 'sysctl -w net.ipv4.ip_forward=1'
    from: check trace why
    ref: https://kubernetes.io/docs/setup/production-environment/container-runtimes/#prerequisite-ipv4-forwarding-optional

    # reverse-path-filter
    what: The kernel refuses packets whose way back leads elsewhere.
    shows: IPReversePathFilter rises; fails for some Pods only
    why: Strict rp_filter asks whether the way back to the source leads by the device it came from. Several network cards, or a rule that routes Pods by another, break that.
    see: nstat -az TcpExtIPReversePathFilter
    see: sysctl net.ipv4.conf.all.rp_filter net.ipv4.conf.INTERFACE.rp_filter; ip route get SOURCE
    fix node's owner: sysctl -w net.ipv4.conf.INTERFACE.rp_filter=2
    undo: sysctl -w net.ipv4.conf.INTERFACE.rp_filter=1
    example: kubepath trace 10.244.1.7:80 --from 203.0.113.5 -i eth1 -s node1/
    from: check trace
    ref: https://www.kernel.org/doc/Documentation/networking/ip-sysctl.txt

    # conntrack-table-full
    what: The connection table has no room.
    shows: old connections fine, new ones dropped; "nf_conntrack: table full, dropping packet"
    why: Every connection that the node sees has an entry until its timeout. Many short connections, or floods, fill nf_conntrack_max.
    see: sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max
    see: dmesg | grep conntrack; conntrack -S
    fix node's owner: raise net.netfilter.nf_conntrack_max (kube-proxy: conntrack.maxPerCore), shorten timeouts
    undo: sysctl -w net.netfilter.nf_conntrack_max=VALUE_OF_BEFORE
    example: kubepath capture node1.pcap --conntrack-max 131072
    from: check capture
    ref: https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/

    # stale-udp-conntrack
    what: UDP keeps going to an endpoint that is gone.
    shows: an unreplied entry with an old Pod behind the Service's address
    why: A UDP "connection" lives as long as datagrams come, and rules are asked for its first one only. kube-proxy should delete the entry when the endpoint goes; some releases do not.
    see: conntrack -L -p udp --orig-dst SERVICE_IP
    fix node's owner: conntrack -D -p udp --orig-dst SERVICE_IP --dport PORT
    fix kube-proxy: a release in which it is mended
    undo: nothing to undo: the next datagram makes a new entry
    example: kubepath check -s node1/ --only stale-udp-conntrack
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/125467

    # un-dnated-udp
    what: A UDP flow that began before the rule existed stays untranslated.
    shows: the reply's source in conntrack is the Service's own address
    why: The entry was made without translation, and later rules are not asked for it.
    see: conntrack -L -p udp --orig-dst SERVICE_IP
    fix node's owner: conntrack -D -p udp --orig-dst SERVICE_IP --dport PORT
    undo: nothing to undo: the next datagram makes a new entry
    example: kubepath check -s node1/ --only un-dnated-udp
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/48370

    # syn-sent-to-dead-endpoint
    what: A retried SYN follows its old entry to a dead Pod.
    shows: SYN_SENT entries without reply
    why: The retry of a connection attempt has the same ports, so it meets the entry of the first and its endpoint, though that is gone.
    see: conntrack -L -p tcp --state SYN_SENT
    fix client's owner: wait (the entry ends after two minutes), or connect anew from another port
    fix node's owner: conntrack -D -p tcp --orig-dst SERVICE_IP --dport PORT
    undo: nothing to undo
    example: kubepath check -s node1/ --only syn-sent-to-dead-endpoint
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/101607

    # snat-port-race
    what: Two connections get one source port, and one of them loses its SYN.
    shows: insert_failed rises; delays of one or three seconds
    why: Two packets are translated at the same moment and pick the same free port; the second is dropped when its entry is confirmed. Random ports make it rare.
    see: conntrack -S | grep -o 'insert_failed=[0-9]*'
    see: iptables-save -t nat | grep MASQUERADE
    fix network plugin: masquerade with --random-fully (flannel, ip-masq-agent and kube-proxy do in newer releases)
    undo: the rule of before, without --random-fully
    example: kubepath check -s node1/ --only snat-port-race
    from: check capture
    ref: https://github.com/kubernetes/kubernetes/issues/76699

    # snat-port-exhaustion
    what: Source ports behind one address are used up.
    shows: new connections to one place die, others live
    why: To one address and port there are at most some 64,000 connections from one source, fewer with the ephemeral range; closed ones wait two minutes.
    see: conntrack -L --dst ADDRESS | wc -l; ss -s
    fix client's owner: keep connections open (pools, keep-alive)
    fix cluster's owner: more addresses to leave by (NAT gateway, egress nodes)
    undo: nothing to undo
    example: kubepath capture nat.pcap --top 20
    from: capture
    ref: https://github.com/kubernetes/kubernetes/issues/76699

    # invalid-packet-reset
    what: Packets outside the window pass untranslated and make the client reset.
    shows: sudden resets of long transfers
    why: Connection tracking calls such a packet INVALID and does not translate it back. It reaches the client from an address that it never dialled, and the client resets.
    see: sysctl net.netfilter.nf_conntrack_tcp_be_liberal
    see: iptables-save -t filter | grep INVALID
    fix node's owner: sysctl -w net.netfilter.nf_conntrack_tcp_be_liberal=1
    fix kube-proxy: its rule that drops INVALID packets (iptables mode has it in KUBE-FORWARD)
    undo: sysctl -w net.netfilter.nf_conntrack_tcp_be_liberal=0
    example: kubepath check -s node1/ --only invalid-packet-reset
    from: check capture
    ref: https://kubernetes.io/blog/2019/03/29/kube-proxy-subtleties-debugging-an-intermittent-connection-reset/

    # close-wait-timeout
    what: A short close-wait timer forgets half-closed connections.
    shows: resets after idle time
    why: A side that has got a FIN may still send. When nf_conntrack_tcp_timeout_close_wait is short, the entry is gone by then, and the segment goes untranslated.
    see: sysctl net.netfilter.nf_conntrack_tcp_timeout_close_wait
    fix node's owner: sysctl -w net.netfilter.nf_conntrack_tcp_timeout_close_wait=3600 (kube-proxy: conntrack.tcpCloseWaitTimeout)
    undo: sysctl -w net.netfilter.nf_conntrack_tcp_timeout_close_wait=60
    example: kubepath check -s node1/ --only close-wait-timeout
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/32551

    # node-local-dns-rules
    what: The rules of the node-local DNS cache are missing or doubled.
    shows: slow or failing names on one node
    why: node-cache writes its NOTRACK and accept rules itself. When it waits for the xtables lock they are missing, and some releases write them again and again.
    see: iptables-save -t raw | grep 169.254.20.10
    see: kubectl -n kube-system logs -l k8s-app=node-local-dns --tail=50
    fix cluster's owner: restart node-local-dns on the node, watch its log for lock errors
    undo: nothing to undo: it writes its rules anew
    example: kubepath trace 169.254.20.10:53/udp --from 10.244.1.7 -s node1/
    from: check
    ref: https://github.com/kubernetes/dns/issues/643

    # ipvs-strict-arp
    what: Nodes answer ARP for addresses of kube-ipvs0.
    shows: several hardware addresses for one address
    why: IPVS mode puts every Service address on kube-ipvs0, and Linux answers ARP for all its addresses on all its devices unless arp_ignore and arp_announce say otherwise.
    see: sysctl net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce
    see: arping -c 3 -I INTERFACE ADDRESS
    fix kube-proxy: ipvs.strictARP: true, then a restart
    undo: ipvs.strictARP: false
    example: kubepath check -s node1/ --only ipvs-strict-arp
    from: check
    ref: https://github.com/metallb/metallb/issues/153

    # ipvs-weight-zero
    what: Ready endpoints have weight 0 in IPVS.
    shows: a Service is dead after a restart of kube-proxy
    why: kube-proxy sets the weight of an endpoint that goes to 0, so that it gets no new connections; some releases leave it there.
    see: ipvsadm -Ln | grep -B3 ' 0 '
    fix kube-proxy: restart it; net.ipv4.vs.expire_quiescent_template=1 for persistent clients
    undo: sysctl -w net.ipv4.vs.expire_quiescent_template=0
    example: kubepath services -s node1/
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/111903

    # ipvs-address-missing
    what: IPVS serves an address that the node does not hold.
    shows: packets to the Service leave by the default route
    why: IPVS acts at LOCAL_IN: only packets for an address of the node get there. The address is missing on kube-ipvs0.
    see: ip addr show kube-ipvs0 | grep ADDRESS
    fix kube-proxy: restart it; ip addr add ADDRESS/32 dev kube-ipvs0 until then
    undo: ip addr del ADDRESS/32 dev kube-ipvs0
    example: kubepath trace 10.96.0.10:80 --from 10.244.1.7 -s node1/
    from: check
    ref: https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-ipvs

    # ipvs-stale-virtual-server
    what: IPVS still serves an address that belongs to no Service.
    shows: something old answers
    why: kube-proxy removes virtual servers of Services that go; one that it did not see, or of another program, stays.
    see: ipvsadm -Ln; kubectl get services -A -o wide
    fix kube-proxy: restart it
    fix node's owner: ipvsadm -D -t ADDRESS:PORT
    undo: kube-proxy makes it again if there is such a Service
    example: kubepath check -s node1/ --only ipvs-stale-virtual-server
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/78421

    # ipvs-conntrack-off
    what: IPVS does not track its connections, so nothing it sends is masqueraded.
    shows: clients outside and hairpin connections hang
    why: net.ipv4.vs.conntrack=0 keeps IPVS' packets out of connection tracking; POSTROUTING's masquerade rules then do not act on them.
    see: sysctl net.ipv4.vs.conntrack
    fix node's owner: sysctl -w net.ipv4.vs.conntrack=1 (kube-proxy sets it at its start)
    undo: sysctl -w net.ipv4.vs.conntrack=0
    example: kubepath check -s node1/ --only ipvs-conntrack-off
    from: check
    ref: https://www.kernel.org/doc/Documentation/networking/ipvs-sysctl.txt

    # ipvs-set-mismatch
    what: An ipset of kube-proxy's IPVS mode is out of step with the Services.
    shows: connections not masqueraded, or refused by a filter
    why: The rules of IPVS mode ask ipsets (KUBE-CLUSTER-IP, KUBE-LOOP-BACK …). An element that is missing or left over decides wrongly.
    see: ipset list KUBE-CLUSTER-IP | grep ADDRESS
    fix kube-proxy: restart it
    undo: nothing to undo: it writes the sets anew
    example: kubepath check -s node1/ --only ipvs-set-mismatch
    from: check
    ref: https://github.com/kubernetes/kubernetes/tree/master/pkg/proxy/ipvs

    # ipvs-node-ports
    what: A NodePort's virtual servers differ between the node's addresses.
    shows: works at one address of the node only
    why: IPVS has one virtual server for each address and NodePort; kube-proxy missed an address that came later.
    see: ipvsadm -Ln | grep NODE_PORT; ip addr
    fix kube-proxy: restart it, or name the addresses in nodePortAddresses
    undo: nodePortAddresses of before
    example: kubepath check -s node1/ --node-ports
    from: check
    ref: https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-ipvs

    # ipvs-table-missing
    what: The node runs in IPVS mode and the snapshot has no table of IPVS.
    shows: addresses on kube-ipvs0, no output of ipvsadm
    why: Without the table nothing can be said of where Services lead.
    see: ipvsadm -Sn
    fix reader: add the output of ipvsadm -Sn to the snapshot
    undo: nothing to undo
    example: ipvsadm -Sn > node1/ipvsadm-Sn.txt && kubepath services -s node1/
    from: check
    ref: kubepath snapshot --script

    # ipvs-connection-reuse
    what: A reused source port meets an old IPVS connection.
    shows: one second of delay, or "no route to host" while rolling out
    why: IPVS keeps a connection for two minutes after its end. A new SYN with the same ports either waits for it to go (conn_reuse_mode=1 on old kernels) or follows it to a Pod that is gone (0).
    see: sysctl net.ipv4.vs.conn_reuse_mode; uname -r
    see: ipvsadm -Lnc | grep TIME_WAIT | head
    fix node's owner: Linux 5.9 or newer, conn_reuse_mode=1
    undo: sysctl -w net.ipv4.vs.conn_reuse_mode=0
    example: kubepath check -s node1/ --only ipvs-connection-reuse
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/81775

    # ipvs-input-policy
    what: IPVS acts at LOCAL_IN, so INPUT rules stop Service traffic.
    shows: works in iptables mode only
    why: In IPVS mode packets for Services are the node's own and pass INPUT, where a host firewall drops them.
    see: iptables -nvL INPUT | head
    fix node's firewall: accept the Service ports, or the Pods' and Services' ranges, in INPUT
    undo: take the rule out of the firewall's own configuration again
    example: kubepath trace 10.96.0.10:80 --from 10.244.1.7 -s node1/
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/98465

    # ipvs-local-source
    what: The node dials a Service with the Service's own address as source.
    shows: only hostNetwork clients fail
    why: The address lies on kube-ipvs0, so the kernel takes it as the source of what the node sends to it; unless it is masqueraded the reply finds nobody.
    see: ip route get SERVICE_IP
    fix kube-proxy: its masquerade rule for the node's own Service traffic: restart it
    undo: nothing to undo
    example: kubepath trace 10.96.0.10:80 --from local -s node1/
    from: check
    ref: https://github.com/kubernetes/kubernetes/issues/65158

    # ebpf-map-diverged
    what: Cilium's BPF map lacks backends that its agent knows.
    shows: the agent's list looks right, connections fail
    why: The agent writes the map that the eBPF programs read. A full map, or an update that failed, leaves them apart.
    see: cilium-dbg service list; cilium-dbg bpf lb list
    fix network plugin: restart the agent on the node; enlarge bpf-lb-map-max where the map is full
    undo: bpf-lb-map-max of before
    example: kubepath check -s node1/ --only ebpf-map-diverged
    from: check
    ref: https://docs.cilium.io/en/stable/operations/troubleshooting/

    # rule-dump-missing
    what: The snapshot has no rules of an IP version that Services use, or its dump is cut.
    shows: nothing can be said of them
    why: What was not given is not taken for absent.
    see: iptables-save; ip6tables-save; nft list ruleset
    fix reader: add iptables-save, ip6tables-save or nft list ruleset of the node
    undo: nothing to undo
    example: kubepath snapshot -o node1.tar.gz
    from: check
    ref: kubepath snapshot --help

    # chain-not-reached
    what: A program's chains stand in the rules, and no jump leads to them.
    shows: policies, hostPorts or isolation have no effect
    why: The program writes its chains and one jump from a base chain. A firewall that flushed or restored the base chains took the jump away, and what stands behind it is never asked.
    see: iptables-save | grep -E 'cali-|KUBE-ROUTER|CNI-|DOCKER|ANTREA'
    fix chain's owner: restart the program: it writes its jumps again
    fix node's firewall: stop its reload from flushing chains that are not its own
    undo: nothing to undo
    example: kubepath check -s node1/ --only chain-not-reached
    from: check
    ref: https://github.com/k3s-io/k3s/issues/7542
    """#
}
