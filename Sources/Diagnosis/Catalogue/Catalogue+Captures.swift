extension Catalogue {
  /// What captures show.
  static let captures = #"""
    # syn-unanswered
    what: Connection attempts are dropped silently.
    shows: SYN repeated after 1, 3 and 7 seconds, and no answer
    why: A rule drops, a route leads nowhere, or the host is dead. Who refuses openly would send a reset or ICMP.
    see: tcpdump -ni any 'tcp[tcpflags] & tcp-syn != 0 and host ADDRESS'
    see: kubepath trace ADDRESS:PORT --from CLIENT -s node1/
    fix rule's owner: the rule that the trace names, in its own configuration
    undo: the rule of before
    example: kubepath capture node1.pcap -s bundle/
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc9293#section-3.8.3

    # connection-refused
    what: Nobody listens at the dialled port.
    shows: SYN, and a reset at once
    why: The host is there and its kernel has no socket for the port: the program is down, uses another port or another address.
    see: ss -lnt 'sport = :PORT'
    see: kubectl -n NS get endpointslices -l kubernetes.io/service-name=NAME
    fix server's owner: start it, on the port that is dialled
    fix Service's owner: targetPort as the program has it
    undo: the port of before
    example: kubepath capture node1.pcap --only connection-refused
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc9293#section-3.5.2

    # connection-reset
    what: The server ends connections by a reset in the middle.
    shows: "connection reset by peer"
    why: The program ended or was killed, closed with data unread, or a proxy before it gave up.
    see: kubectl -n NS get pods -l SELECTOR; kubectl -n NS logs POD --previous
    fix server's owner: its restarts and limits; idle timeouts longer than the proxy's before it
    undo: the timeout of before
    example: kubepath capture node1.pcap --only connection-reset
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc9293#section-3.5.2

    # connection-died
    what: A connection that went well is answered no more.
    shows: data is sent again and again, and nothing comes back
    why: After an idle gap: a firewall or NAT between forgot the connection. Without one: the peer or the way to it vanished.
    see: conntrack -L --src CLIENT --dst SERVER
    see: tcpdump -ni any 'host CLIENT and host SERVER and port PORT'
    fix application's owner: TCP keep-alive more frequent than the shortest timeout on the way
    fix network's owner: longer timeouts in the firewall or load balancer
    undo: the keep-alive of before
    example: kubepath capture client.pcap server.pcap
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc5382

    # nat-entry-expired
    what: A translation was forgotten while its connection was idle.
    shows: behind a gap the server's segments come untranslated, or a stranger resets at once
    why: NAT entries live as long as their timeout. The first packet behind it is no connection's any more: it passes untranslated, or is refused.
    see: sysctl net.netfilter.nf_conntrack_tcp_timeout_established
    see: conntrack -L --orig-dst SERVICE_IP
    fix application's owner: TCP keep-alive more frequent than the timeout
    fix node's owner: a longer timeout of established connections
    undo: sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=VALUE_OF_BEFORE
    example: kubepath capture node1.pcap
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc5382

    # request-unanswered
    what: A request is accepted and acknowledged, and never answered.
    shows: the client gives up, again and again; probes that time out
    why: The kernel of the server took the bytes, the program did not: it hangs, waits for another service, or has no worker free.
    see: kubectl -n NS logs POD; kubectl -n NS top pod POD
    see: kubectl -n NS describe pod POD | grep -A2 Readiness
    fix server's owner: what it waits for, its workers, its CPU limit; the probe's timeoutSeconds if the answer is only slow
    undo: the limits of before
    example: kubepath capture node1.pcap --only request-unanswered
    from: capture
    ref: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/

    # rejected-by-icmp
    what: A rule or router refuses the flow.
    shows: ICMP unreachable, with the code of the rule that sends it
    why: REJECT rules answer with ICMP: port unreachable (also kube-proxy's for a Service without endpoints), admin prohibited (firewalld). A router without a route says host unreachable.
    see: tcpdump -vni any 'icmp[0]==3 or icmp6[0]==1'
    see: kubepath trace ADDRESS:PORT --from CLIENT -s node1/
    fix rule's owner: the rule that the trace names
    undo: the rule of before
    example: kubepath capture node1.pcap -s bundle/
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc1122#page-38

    # reply-not-translated
    what: An answer comes from an address that was never dialled.
    shows: SYN to the Service, SYN-ACK from the Pod, reset by the client
    why: The answer took a way on which its translation is not undone: the bridge without br_netfilter, another node, an entry that is gone.
    see: sysctl net.bridge.bridge-nf-call-iptables
    see: conntrack -L --orig-dst SERVICE_IP
    fix node's owner: br_netfilter (see bridge-nf-call-off)
    fix kube-proxy: its masquerade scope (see masquerade-scope)
    undo: sysctl -w net.bridge.bridge-nf-call-iptables=0
    example: kubepath capture cni0.pcap -s bundle/
    from: capture
    ref: https://github.com/kubernetes/kubernetes/issues/87426

    # packet-loss
    what: Segments are sent again.
    shows: retransmissions, with their kind and rate
    why: A link, a queue or a rate limit on the way drops now and then. Where a better cause shows, that is the finding instead.
    see: ip -s link show; nstat -az TcpRetransSegs; tc -s qdisc
    fix network's owner: the lossy link: captures of both ends tell between which points
    undo: nothing to undo
    example: kubepath capture sender.pcap receiver.pcap
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc6298

    # zero-window
    what: A receiver stops reading.
    shows: window 0; the sender waits
    why: The receive buffer is full since the program does not read: it is busy, stopped, or waits for another.
    see: ss -tmni 'dport = :PORT'
    see: kubectl -n NS top pod POD
    fix receiver's owner: the application: its CPU limit, its workers, what it writes to
    undo: the limits of before
    example: kubepath capture node1.pcap --sort retransmissions
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc9293#section-3.8.6.1

    # slow-server-not-network
    what: The server takes its time, the network does not.
    shows: quick acknowledgements, late first byte
    why: Round trips are short and steady; the time passes between the request and the first byte of the answer, inside the server.
    see: kubectl -n NS top pod POD; cat /sys/fs/cgroup/cpu.stat
    fix server's owner: the application, what it waits for, its CPU limit (nr_throttled)
    undo: the limits of before
    example: kubepath capture node1.pcap --sort response
    from: capture
    ref: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/

    # dns-unanswered
    what: DNS queries without answer.
    shows: repeated queries after five seconds
    why: The query or the answer is dropped, or the server does not run.
    see: kubectl -n kube-system get pods -l k8s-app=kube-dns -o wide
    see: kubepath trace 10.96.0.10:53/udp --from POD_IP -s node1/
    fix cluster's owner: CoreDNS, or the rule that the trace names
    undo: the rule of before
    example: kubepath capture node1.pcap --filter 'port 53' -s bundle/
    from: capture
    ref: https://kubernetes.io/docs/tasks/administer-cluster/dns-debugging-resolution/

    # dns-answers-lost
    what: DNS answers leave the server and do not arrive at the client.
    shows: queries repeated at the client, each answered at the server
    why: Something between the two drops the answers: a firewall that knows no such connection, asymmetric ways, or for large ones alone the MTU.
    see: tcpdump -ni any udp port 53 and host CLIENT
    see: conntrack -L -p udp --dport 53
    fix node's firewall: accept established UDP from port 53
    fix application's owner: EDNS buffers of 1232 bytes where large answers alone are lost
    undo: the rule of before
    example: kubepath capture client.pcap server.pcap
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc8900

    # dns-failure
    what: DNS answers with an error.
    shows: SERVFAIL, REFUSED, or NXDOMAIN of a cluster name in every suffix
    why: The name does not exist in the cluster, CoreDNS' upstream does not answer, or the server asked is none of the cluster's.
    see: kubectl run -it --rm dig --image=busybox --restart=Never -- nslookup NAME
    see: kubectl -n kube-system logs -l k8s-app=kube-dns --tail=50
    fix client's owner: the name: SERVICE.NAMESPACE.svc.cluster.local
    fix cluster's owner: CoreDNS' forward line
    undo: the Corefile of before
    example: kubepath capture node1.pcap --filter 'port 53' -s bundle/
    from: capture
    ref: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/

    # dns-five-second-delay
    what: One of two parallel DNS queries is lost in a race.
    shows: lookups take five seconds, now and then
    why: The resolver asks for A and AAAA from one port at one moment; both pick an endpoint at once, and connection tracking drops one.
    see: conntrack -S | grep -o 'insert_failed=[0-9]*'
    see: kubectl exec POD -- cat /etc/resolv.conf
    fix cluster's owner: a node-local DNS cache
    fix Pod's owner: dnsConfig options: single-request-reopen (glibc)
    undo: take the option out again
    example: kubepath capture node1.pcap --filter 'port 53'
    from: capture
    ref: https://github.com/kubernetes/kubernetes/issues/56903

    # tls-handshake-failure
    what: TLS ends before it begins.
    shows: alerts, resets in the handshake
    why: A certificate that is out of date, for other names, or of an unknown authority; versions or ciphers that do not meet.
    see: openssl s_client -connect ADDRESS:PORT -servername NAME
    fix server's owner: certificate and names, protocol versions
    fix client's owner: the authority that signed it
    undo: the certificate of before
    example: kubepath capture node1.pcap --only tls-handshake-failure
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc8446#section-6

    # plaintext-to-tls
    what: Plain HTTP goes to a port that speaks TLS, or the reverse.
    shows: reset or 400 at once, an alert in the place of a page
    why: A STRICT sidecar, a backend protocol of an Ingress, or http in the place of https.
    see: curl -v http://ADDRESS:PORT; curl -vk https://ADDRESS:PORT
    see: kubectl get peerauthentication -A
    fix client's owner: the scheme that the port speaks
    fix mesh's owner: PERMISSIVE, or a sidecar for the client
    undo: the scheme of before
    example: kubepath capture node1.pcap -s bundle/
    from: capture
    ref: https://istio.io/latest/docs/concepts/security/#peer-authentication

    # fragmentation
    what: Packets are fragmented on the way.
    shows: fragments in the capture
    why: A datagram, or a tunnel's outer packet, is larger than the link. It costs little where all arrive, and is fragile.
    see: tcpdump -ni any 'ip[6:2] & 0x3fff != 0'
    fix network plugin: smaller MTU inside the tunnel
    fix application's owner: smaller datagrams
    undo: the MTU of before
    example: kubepath capture node1.pcap
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc8900

    # mss-too-large
    what: A side announces segments that the path cannot carry.
    shows: an MSS above what the tunnel leaves
    why: The MSS follows the device's MTU, and the path's is smaller. Without "fragmentation needed" on the way back full segments are lost.
    see: tcpdump -vni any 'tcp[tcpflags] & tcp-syn != 0' | grep -o 'mss [0-9]*'
    fix network plugin: the MTU of the Pods' devices
    fix node's owner: iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
    undo: the same with -D in the place of -A
    example: kubepath capture node1.pcap -s bundle/
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc6691

    # vxlan-overhead
    what: What encapsulation costs.
    shows: outer against inner sizes
    why: Each packet carries outer headers; small packets pay most. It is no fault.
    see: ip -d link show type vxlan
    fix network plugin: nothing, or the inner MTU that the finding names
    undo: the MTU of before
    example: kubepath capture eth0.pcap
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc7348

    # tcp-timestamps-nat
    what: A server distrusts time stamps of clients behind one address.
    shows: some SYNs unanswered, those with older time stamps
    why: With tcp_tw_recycle (before Linux 4.12) a server keeps one time stamp for each address; of several clients behind a NAT it ignores those whose clock is behind.
    see: sysctl net.ipv4.tcp_tw_recycle; nstat -az TcpExtPAWSPassive
    fix server's owner: sysctl -w net.ipv4.tcp_tw_recycle=0
    undo: sysctl -w net.ipv4.tcp_tw_recycle=1
    example: kubepath capture server.pcap
    from: capture
    ref: https://github.com/kubernetes/kubernetes/issues/33945

    # syn-meets-time-wait
    what: A port is used again while the server still holds the old connection.
    shows: SYN, an ACK of the old connection, a reset, and a second of delay
    why: The server keeps TIME_WAIT for a minute. A client, or a NAT with few ports, that comes again with the same port meets it.
    see: ss -tan state time-wait | wc -l
    see: sysctl net.ipv4.ip_local_port_range
    fix client's owner: keep connections open; more source ports or addresses
    undo: nothing to undo
    example: kubepath capture server.pcap
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc6191

    # syn-flood
    what: Very many sources send one SYN each.
    shows: half-open connections, no repetitions
    why: An attack with forged addresses, or a scan. Clients that are real would try again.
    see: ss -tan state syn-recv | wc -l; nstat -az TcpExtTCPReqQFullDoCookies
    fix node's owner: sysctl -w net.ipv4.tcp_syncookies=1
    fix network's owner: filter before the cluster
    undo: sysctl -w net.ipv4.tcp_syncookies=0
    example: kubepath capture eth0.pcap --top 20
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc4987

    # fastopen-dropped
    what: SYNs with data vanish, plain ones pass.
    shows: one second of delay at the first request
    why: TCP Fast Open sends data with the SYN; some firewalls drop such segments.
    see: sysctl net.ipv4.tcp_fastopen; nstat -az TcpExtTCPFastOpenActiveFail
    fix client's owner: sysctl -w net.ipv4.tcp_fastopen=0, or off in the program
    undo: sysctl -w net.ipv4.tcp_fastopen=1
    example: kubepath capture client.pcap
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc7413

    # arp-unanswered
    what: Nobody answers ARP for an address that is dialled.
    shows: repeated ARP requests or neighbour solicitations
    why: No machine holds the address: a LoadBalancer address without a speaker, a node that is off, a wrong network.
    see: arping -c 3 -I INTERFACE ADDRESS; ip neigh show ADDRESS
    see: kubectl -n metallb-system get pods -o wide
    fix cluster's owner: the speaker that should announce the address
    fix network's owner: the machine that should hold it
    undo: nothing to undo
    example: kubepath capture eth0.pcap -s bundle/
    from: capture
    ref: https://metallb.universe.tf/troubleshooting/

    # duplicate-address
    what: Two machines claim one address.
    shows: two hardware addresses in ARP
    why: An address was given twice, or several nodes announce one of kube-ipvs0 (see ipvs-strict-arp).
    see: arping -D -c 3 -I INTERFACE ADDRESS; ip neigh
    fix network's owner: remove it from one of them
    fix kube-proxy: ipvs.strictARP: true
    undo: ip addr add ADDRESS dev INTERFACE, where it was the wrong one
    example: kubepath capture eth0.pcap
    from: capture
    ref: https://datatracker.ietf.org/doc/html/rfc5227

    # one-direction-only
    what: The capture holds half of the conversations.
    shows: no packets one way
    why: It was taken where only one direction passes: asymmetric ways, a mirror of one direction, a filter for one host's sending.
    see: tcpdump -ni any host ADDRESS
    fix reader: capture elsewhere too, or without the filter; what the other direction would tell is not judged
    undo: nothing to undo
    example: kubepath capture node1.pcap node2.pcap
    from: capture
    ref: https://wiki.wireshark.org/CaptureSetup

    # capture-damaged
    what: The capture file is cut or lossy.
    shows: truncated records, dropped packets, snapped frames
    why: tcpdump was stopped in the middle, its buffer overran, or a snap length cut the frames.
    see: capinfos FILE
    fix reader: capture again: tcpdump -s 0 -B 16384 -w FILE
    undo: nothing to undo
    example: kubepath capture cut.pcap
    from: capture
    ref: https://www.tcpdump.org/manpages/tcpdump.1.html

    # capture-unreadable
    what: No frame of the capture could be decoded.
    shows: exit status 2, and the link type
    why: kubepath knows Ethernet, Linux cooked, raw IP, loopback, NFLOG and some more; this file has another link layer.
    see: capinfos -E FILE
    fix reader: capture on a device of a link type that is read, or convert: editcap -T ether
    undo: nothing to undo
    example: kubepath capture usb.pcap
    from: capture
    ref: https://www.tcpdump.org/linktypes.html
    """#
}
