/// The catalogue of findings, in words for people who meet one of them.
public enum Catalogue {
  public struct Entry: Sendable {
    public var id: String
    public var summary: String
    /// How it shows.
    public var signs: String
    public var fix: String
  }

  public static let entries: [Entry] = text.split(separator: "\n").map { line in
    let parts = line.split(separator: "|").map(String.init)
    return Entry(id: parts[0], summary: parts[1], signs: parts[2], fix: parts[3])
  }

  /// id|what|how it shows|fix
  private static let text = """
    no-endpoints|A Service has no usable endpoint, so its addresses refuse connections.|ICMP port unreachable at once; the rules hold a reject for it|make its Pods ready, or correct selector and port names
    no-local-endpoints-external|Policy Local and no endpoint on this node: outside clients of the node wait in vain.|SYNs without any answer on one node, fine on others|policy Cluster, a Pod on every node, or a load balancer that asks the health-check port
    no-local-endpoints-internal|internalTrafficPolicy Local and no endpoint on the caller's node.|Pods on some nodes time out at a ClusterIP|policy Cluster, or a Pod on every node
    health-check-node-port|The load balancer's health probe does not reach kube-proxy on a node.|the balancer shows the node down while endpoints are ready|open the port in the node's firewall
    port-not-served|A port of a ClusterIP is dialled that no Service has.|refused at once, or no answer, at one port of an address that answers at another|dial a port of the Service, or add it to spec.ports
    source-ranges|loadBalancerSourceRanges are ignored, or deny a client that should pass.|drops of one client network only, or strangers get in|list the network, restart kube-proxy if rules lag behind
    stale-rules|A node's rules differ from the endpoints the cluster has.|a share of connections fails, or one node behaves unlike the others|restart kube-proxy on the node and read its log for failing restores
    session-affinity|All clients behind one address stay on one Pod, or stickiness outlives the Pod.|uneven load; clients stuck for hours|keep client addresses, or switch the affinity off
    dual-stack-family-missing|A Service answers in one address family and not in the other.|one of A and AAAA works|endpoints of both families, or SingleStack
    forward-drop|A filter chain drops Pod traffic that kube-proxy has already translated.|timeouts of all Services; the policy counter of FORWARD rises|accept the Pods' range, or policy ACCEPT
    one-way-udp-forward-drop|Only the first datagram of a UDP flow passes FORWARD.|UNREPLIED entries in conntrack|as forward-drop
    masquerade-scope|Sources are rewritten where they should not be, or kept where replies then take another way.|answers from an address nobody dialled; resets by the client|give kube-proxy the right cluster range
    hairpin|A Pod cannot reach itself through its own Service.|only that Pod fails, only when it picks itself|masquerade rule per endpoint, hairpin mode on the bridge port
    bridge-port|A bridge keeps frames between two of its ports.|Pods of one node do not reach each other, and reach everything else|isolated ports of the network plugin, a port that is down
    pod-route|The node has no route to one of its own Pods, or a Pod's routing table is empty.|one Pod is cut off, others on the node are not|recreate the Pod; restart the network plugin's agent
    egress-masquerade|Packets of Pods leave the cluster with the Pods' own addresses.|Pods reach each other and nothing outside|the masquerade rule or range of the network plugin
    stale-pod-firewall|A Pod is filtered by the chain of another that had its address before.|a new Pod is refused what its policies allow|restart kube-router on the node
    bridge-nf-call-off|Traffic between Pods of one bridge avoids iptables, so answers stay untranslated.|SYN to the Service, SYN-ACK from the Pod, reset|net.bridge.bridge-nf-call-iptables=1
    ip-forward-off|The node does not route.|Pods reach nothing beyond their node|net.ipv4.ip_forward=1, also in sysctl.d
    rule-dump-missing|The snapshot has no rules of an IP version that Services use, or its dump is cut.|nothing can be said of them|add iptables-save or nft list ruleset of the node
    no-route|A node has no usable route to Pods.|connections fail to the Pods of one node, or with no route to host|the network plugin's agent on that node
    reverse-path-filter|The kernel refuses packets whose return route leads elsewhere.|rising IPReversePathFilter; fails for some Pods only|rp_filter=2 on the interface
    notrack-before-nat|An untracked packet is never translated.|rules look right, yet the address stays|remove or narrow the NOTRACK rule
    snat-port-race|Two connections get one source port, and one of them loses its SYN.|insert_failed rises; delays of one or three seconds|masquerade with random-fully
    node-port-in-ephemeral-range|The kernel may give a NodePort's number to an outgoing connection.|rare failures to bind or connect|ip_local_reserved_ports
    host-port-shadowing|A hostPort or another program's rule takes packets meant for a Service.|another application answers|free the port, remove the stale rule
    localhost-node-port|NodePorts on 127.0.0.1: what serves them, and what they expose.|works on the node only, or strangers reach local services|route_localnet together with its protecting rule
    conntrack-table-full|The connection table has no room.|old connections fine, new ones dropped; the kernel log says so|raise nf_conntrack_max, shorten timeouts
    stale-udp-conntrack|UDP keeps going to an endpoint that is gone.|an unreplied entry with an old Pod behind the Service's address|delete the entry
    un-dnated-udp|A UDP flow that began before the rule existed stays untranslated.|reply address equals the Service's in conntrack|delete the entry
    syn-sent-to-dead-endpoint|A retried SYN follows its old entry to a dead Pod.|SYN_SENT entries without reply|wait, or delete the entry
    invalid-packet-reset|Packets outside the window pass untranslated and make the client reset.|sudden resets of long transfers|nf_conntrack_tcp_be_liberal=1, or drop INVALID
    dns-five-second-delay|One of two parallel DNS queries is lost in a race.|lookups take five seconds|a node-local DNS cache
    node-local-dns-rules|The rules of the node-local DNS cache are missing or doubled.|slow or failing names on one node|restart it, watch for lock errors
    close-wait-timeout|A short close-wait timer forgets half-closed connections.|resets after idle time|nf_conntrack_tcp_timeout_close_wait
    ipvs-strict-arp|Nodes answer ARP for addresses of kube-ipvs0.|several MACs for one address|strictARP: true
    ipvs-weight-zero|Ready endpoints have weight 0 in IPVS.|a Service dead after a restart of kube-proxy|restart kube-proxy, expire_quiescent_template=1
    ipvs-address-missing|IPVS serves an address that the node does not hold.|packets to the Service leave by the default route|put the address back on kube-ipvs0, restart kube-proxy
    ipvs-stale-virtual-server|IPVS still serves an address that belongs to no Service.|something old answers|restart kube-proxy, delete the virtual server
    ipvs-conntrack-off|IPVS does not track its connections, so nothing it sends is masqueraded.|outside clients and hairpin connections hang|net.ipv4.vs.conntrack=1
    ipvs-set-mismatch|An ipset of kube-proxy's IPVS mode is out of step with the Services.|connections not masqueraded, or refused by a filter|restart kube-proxy
    ipvs-node-ports|A NodePort's virtual servers differ between the node's addresses.|works at one address of the node only|restart kube-proxy
    ipvs-table-missing|The node runs in IPVS mode and the snapshot has no table of IPVS.|addresses on kube-ipvs0, no ipvsadm output|add the output of ipvsadm -Sn
    ipvs-connection-reuse|A reused source port meets an old IPVS connection.|one second of delay, or no route to host while rolling out|a newer kernel, conn_reuse_mode as it advises
    ipvs-input-policy|IPVS acts at LOCAL_IN, so INPUT rules stop Service traffic.|works in iptables mode only|accept Service ports in INPUT
    ipvs-local-source|The node dials a Service with the Service's own address as source.|only hostNetwork clients fail|masquerade the node's Service traffic
    mixed-iptables-backends|Two iptables backends hold Service rules.|changes seem to have no effect|one backend; flush the other
    rules-flushed|Somebody removed what leads packets to the Service rules.|everything stops after a firewall reload|restart kube-proxy, stop the reload from flushing
    mode-leftovers|Rules of a former kube-proxy mode still act.|old Services answer or refuse|kube-proxy --cleanup
    nft-prerequisites|The kernel or nft lacks what nftables mode needs.|kube-proxy cannot load its table|newer kernel and nft
    vxlan-checksum|Outer UDP checksums are wrong after double masquerading.|node to Service takes a minute|switch off tx-checksum-ip-generic on the tunnel
    vxlan-port|Nodes disagree about the tunnel's UDP port, or something on the way eats it.|leaves one node, never arrives|one port everywhere, open in firewalls
    wrong-vtep|A node announces a wrong tunnel address.|one node isolated|choose the interface
    pod-mtu|Pods' devices take larger packets than the tunnel to other nodes.|small packets pass; large ones hang where ICMP is filtered|the plugin's MTU for Pods, new Pods
    overlay-mtu|The inner MTU leaves no room for the tunnel's header.|small packets pass, large ones do not|lower the inner MTU
    pmtu-black-hole|The message that asks for smaller packets is lost or ignored.|transfers stall at full-size segments|accept related ICMP
    udp-fragments-lost|Later fragments of datagrams do not arrive.|large DNS answers time out|smaller datagrams, let fragments pass
    neighbour-table-overflow|The ARP table is full.|failed neighbours, kernel messages|raise gc_thresh
    topology-hints|A node uses the endpoints of its zone only.|fewer endpoints in the rules than in the cluster|nothing; by design
    cidr-overlap|Address ranges of Pods, Services or nodes overlap.|some addresses never answer|distinct ranges
    tcp-timestamps-nat|A server distrusts time stamps of clients behind one address.|some SYNs unanswered|tcp_tw_recycle off
    node-not-ready|A node is NotReady or under pressure, and its Pods no longer count.|several Services lose endpoints at once; Pods are evicted|on the node: kubelet, runtime, network plugin, disk, memory
    node-unreachable|A node is dead and the API does not know it yet.|a share of connections hangs; FAILED neighbours, SYN_SENT entries without answer|the machine; the taint out-of-service
    pod-namespace|A Pod's own network namespace is not set up.|nothing works from this Pod alone|make the Pod anew, the network plugin's log
    certificate-expired|A certificate of the cluster is out of date.|x509 in every log, nodes NotReady|kubeadm certs renew all
    pod-restarts|Pods are started again and again, and are ready between.|a Service fails now and then|the exit code, its log before
    control-plane-port|A node's rules close a port that the cluster itself needs.|etcd without a member, nodes without BGP or overlay|accept it in the firewall
    configuration-mismatch|A component does something else than its configuration says.|kube-proxy in another mode, Pods taken for strangers|restart it, one range everywhere
    mesh-policy|A service mesh and other policies do not agree.|resets, time-outs at port 15008|allow the mesh' port; sidecars everywhere
    sidecar-redirect|The rules that lead a Pod's connections to its sidecar and the sidecar do not fit.|all connections of one Pod are refused or hang|istio-proxy's log; make the Pod anew
    proxy-route|Packets marked for a transparent proxy of the node are routed away from it.|connections through a proxy hang|the routing rule and the local route that its owner makes
    chain-not-reached|A program's chains stand in the rules, and no jump leads to them.|policies, hostPorts or isolation have no effect|restart the program, it writes its jumps again
    network-plugin-down|The network plugin does not set up Pods on a node.|ContainerCreating, FailedCreatePodSandBox|the plugin's agent and its configuration
    control-plane-down|A program of the control plane does not run.|new Pods are not made or not placed; EndpointSlices stand still|crictl ps -a on the control plane, its manifest
    no-pods|The workload behind a Service has no Pod.|scaled to 0, or FailedCreate: Pod Security, quota, webhook|scale it, or mend what forbids the Pods
    volume-not-bound|A Pod waits for a PersistentVolumeClaim.|Pending, unbound PersistentVolumeClaims|a StorageClass that exists, its provisioner
    endpoints-not-written|Ready Pods match, and the EndpointSlices do not have them.|no endpoints though the Pods are ready|kube-controller-manager
    stale-endpoints|A Service leads to addresses that no Pod has.|connections hang or are refused, after its Pods were made anew|a selector, or the addresses of now
    external-name|A Service of type ExternalName stands for a name that does not exist.|NXDOMAIN for a Service that is there|correct spec.externalName
    pod-not-ready|Pods match, but none is ready.|the Service has no endpoints|what the Pods' status says
    selector-mismatch|The selector matches no Pod.|no endpoints, no matching Pods|correct the labels
    target-port-mismatch|targetPort is none of the containers' ports.|refused connections, or no endpoints for a name|correct the port
    nothing-listening|No process listens on the endpoint's port.|resets from the Pod|bind to all addresses
    kube-proxy-not-programming|No Service is in a node's rules.|nothing works on the node|kube-proxy's log
    deprecation|The cluster uses what a coming Kubernetes release takes away.|externalIPs, kube-proxy's IPVS mode|LoadBalancer addresses, nftables mode
    policy-not-evaluated|Policies of kinds that kubepath does not evaluate stand beside the NetworkPolicies.|ClusterNetworkPolicy, AdminNetworkPolicy, Cilium's and Calico's own|look for their drops in the node's rules
    network-policy-drop|A network policy stops the flow.|drops in a policy's chain|allow it in a NetworkPolicy
    dns-service|The cluster's DNS does not answer, or Pods ask another address.|no names|CoreDNS' Pods and upstreams, clusterDNS of the kubelet
    apiserver-unreachable|Pods do not reach the API server.|timeouts of 10.96.0.1:443|its endpoints and port 6443
    ipam-exhausted|A node has no Pod address left.|Pods stay in ContainerCreating|free or enlarge the range
    load-balancer-address|A LoadBalancer Service has no address.|EXTERNAL-IP pending|a controller with free addresses
    ingress-path|An Ingress leads to nothing.|503 from the controller|correct Service and port names
    tls-handshake-failure|TLS ends before it begins.|alerts, resets in the handshake|certificates, names, protocol versions
    slow-server-not-network|The server takes its time, the network does not.|quick acknowledgements, late first byte|the application and its CPU limit
    fragmentation|Packets are fragmented on the way.|fragments in the capture|smaller MTU or MSS
    mss-too-large|A side announces segments that the path cannot carry.|MSS above what the tunnel leaves|clamp the MSS
    vxlan-overhead|What encapsulation costs.|outer against inner sizes|nothing, or the MTU it names
    snat-port-exhaustion|Source ports behind one address are used up.|new connections die, others live|more addresses, shorter timeouts
    reply-not-translated|An answer comes from an address that was never dialled.|client resets|see masquerade-scope
    syn-unanswered|Connection attempts are dropped silently.|SYN repeated after 1, 3, 7 seconds|trace the flow
    connection-refused|Nobody listens at the dialled port.|resets|start the server, check the port
    connection-reset|The server ends connections by a reset in the middle.|connection reset by peer|its restarts and limits, idle timeouts before it
    rejected-by-icmp|A rule or router refuses the flow.|ICMP unreachable|trace the flow
    packet-loss|Segments are sent again.|retransmissions|find the lossy link
    zero-window|A receiver stops reading.|window 0|the application
    dns-unanswered|DNS queries without answer.|repeated queries|trace to the DNS Service
    duplicate-address|Two machines claim one address.|two MACs in ARP|remove one
    one-direction-only|The capture holds half of the conversations.|no packets one way|capture elsewhere too
    ebpf-map-diverged|Cilium's BPF map lacks backends that its agent knows.|the agent's list looks right, connections fail|restart the agent, enlarge the map
    expectation-failed|Something the expectations file relies on does not hold.|check --expect names the entry and the rule that decides|undo the rule change, or change the entry if the change is wanted
    capture-damaged|The capture file is cut or lossy.|truncated records|capture again, larger snaplen
    """
}
