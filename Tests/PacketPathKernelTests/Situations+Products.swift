import KernelLab

extension Situations {
  /// Nodes with the rules of network plugins and firewalls, in their own shape: what they accept, mark and translate, and
  /// the flows that their users have.
  static let products: [Situation] = [
    Situation(
      "flannel: its own FORWARD chain under policy DROP, masquerading what leaves",
      """
      *nat
      -A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
      -A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
      -A FLANNEL-POSTRTG -s @pods -d @pods -m comment --comment "flanneld masq" -j RETURN
      -A FLANNEL-POSTRTG -s @pods ! -d @vips -m comment --comment "flanneld masq" -j MASQUERADE
      -A FLANNEL-POSTRTG ! -s @remotes -d @pods -m comment --comment "flanneld masq" -j MASQUERADE
      *filter
      :FORWARD DROP
      -A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
      -A FLANNEL-FWD -s @pods -m comment --comment "flanneld forward" -j ACCEPT
      -A FLANNEL-FWD -d @pods -m comment --comment "flanneld forward" -j ACCEPT
      """,
      flows: [
        "veth1 tcp @pod1:40000 > @pod2:8080", "veth2 udp @pod2:40000 > @outside:53",
        "veth1 icmp @pod1 > @pod2b", "eth0 tcp @client:40000 > @pod1:8080", "eth0 tcp @client:40000 > @outside:80",
        "veth1 tcp @pod1:40000 > @node:22", "local tcp @node:40000 > @pod2:8080", "eth0 tcp @remote:40000 > @pod1:80",
        "veth2 tcp @pod2:40000 > @remote:80", "eth1 udp @far:40000 > @pod2:53",
      ], bridge: true),
    Situation(
      "Docker: published ports, isolation of networks, containers of one bridge",
      """
      *nat
      -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
      -A OUTPUT ! -d @loops -m addrtype --dst-type LOCAL -j DOCKER
      -A POSTROUTING -s @pods ! -o cni0 -j MASQUERADE
      -A DOCKER -i cni0 -j RETURN
      -A DOCKER ! -i cni0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination @pod1:80
      *filter
      :FORWARD DROP
      -A FORWARD -j DOCKER-USER
      -A FORWARD -j DOCKER-ISOLATION-STAGE-1
      -A FORWARD -o cni0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A FORWARD -o cni0 -j DOCKER
      -A FORWARD -i cni0 ! -o cni0 -j ACCEPT
      -A FORWARD -i cni0 -o cni0 -j ACCEPT
      -A DOCKER -d @pod1/@host ! -i cni0 -o cni0 -p tcp -m tcp --dport 80 -j ACCEPT
      -A DOCKER-ISOLATION-STAGE-1 -i cni0 ! -o cni0 -j DOCKER-ISOLATION-STAGE-2
      -A DOCKER-ISOLATION-STAGE-1 -j RETURN
      -A DOCKER-ISOLATION-STAGE-2 -o eth1 -j DROP
      -A DOCKER-ISOLATION-STAGE-2 -j RETURN
      -A DOCKER-USER -j RETURN
      """,
      flows: [
        "eth0 tcp @client:40000 > @node:8080", "eth0 tcp @client:40000 > @node:8081",
        "eth0 tcp @client:40000 > @pod1:80",
        "eth0 tcp @client:40000 > @pod1:81", "veth1 tcp @pod1:40000 > @pod2:8080", "veth2 tcp @pod2:40000 > @node:8080",
        "veth2 tcp @pod2:40000 > @outside:443", "veth2 tcp @pod2:40000 > @far:443",
        "local tcp @node:40000 > @node:8080", "local tcp @node:40000 > @pod1:80",
      ], bridge: true),
    Situation(
      "Calico's Felix: dispatch by interface, marks that say accepted, a policy with a set",
      """
      *raw
      -A PREROUTING -m comment --comment "cali:6gwbT8clXdHdC1b1" -j cali-PREROUTING
      -A cali-PREROUTING -j MARK --set-xmark 0x0/0xf0000
      -A cali-PREROUTING -i veth+ -j MARK --set-xmark 0x40000/0x40000
      -A cali-PREROUTING -m mark --mark 0x40000/0x40000 -m rpfilter --validmark --invert -j DROP
      -A cali-PREROUTING -m mark --mark 0x10000/0x10000 -j ACCEPT
      *nat
      -A POSTROUTING -m comment --comment "cali:O3lYWMrLQYEMJtB5" -j cali-POSTROUTING
      -A cali-POSTROUTING -j cali-nat-outgoing
      -A cali-nat-outgoing -s @pods ! -d @pods -j MASQUERADE
      *filter
      -A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
      -A FORWARD -m mark --mark 0x10000/0x10000 -j ACCEPT
      -A FORWARD -j MARK --set-xmark 0x10000/0x10000
      -A cali-FORWARD -j MARK --set-xmark 0x0/0xe0000
      -A cali-FORWARD -i veth+ -j cali-from-wl-dispatch
      -A cali-FORWARD -o veth+ -j cali-to-wl-dispatch
      -A cali-from-wl-dispatch -i veth1 -g cali-fw-veth1
      -A cali-from-wl-dispatch -i veth2 -g cali-fw-veth2
      -A cali-from-wl-dispatch -j DROP
      -A cali-to-wl-dispatch -o veth1 -g cali-tw-veth1
      -A cali-to-wl-dispatch -o veth2 -g cali-tw-veth2
      -A cali-to-wl-dispatch -j DROP
      -A cali-fw-veth1 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A cali-fw-veth1 -m conntrack --ctstate INVALID -j DROP
      -A cali-fw-veth1 -j MARK --set-xmark 0x0/0x10000
      -A cali-fw-veth1 -p udp -m multiport --dports 4789 -j DROP
      -A cali-fw-veth1 -j cali-pro-default
      -A cali-fw-veth1 -m mark --mark 0x10000/0x10000 -j RETURN
      -A cali-fw-veth1 -j DROP
      -A cali-fw-veth2 -j MARK --set-xmark 0x0/0x10000
      -A cali-fw-veth2 -p tcp -m multiport --dports 443 -j MARK --set-xmark 0x10000/0x10000
      -A cali-fw-veth2 -m mark --mark 0x10000/0x10000 -j RETURN
      -A cali-fw-veth2 -j DROP
      -A cali-tw-veth1 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A cali-tw-veth1 -j MARK --set-xmark 0x0/0x30000
      -A cali-tw-veth1 -m mark --mark 0x0/0x20000 -j cali-pi-web
      -A cali-tw-veth1 -m mark --mark 0x10000/0x10000 -j RETURN
      -A cali-tw-veth1 -m mark --mark 0x0/0x20000 -j DROP
      -A cali-tw-veth2 -j MARK --set-xmark 0x0/0x10000
      -A cali-tw-veth2 -j cali-pro-default
      -A cali-tw-veth2 -m mark --mark 0x10000/0x10000 -j RETURN
      -A cali-tw-veth2 -j DROP
      -A cali-pi-web -p tcp -m set --match-set cali40web@6 src -m multiport --dports 80,8080 -j MARK --set-xmark 0x10000/0x10000
      -A cali-pi-web -m mark --mark 0x10000/0x10000 -j RETURN
      -A cali-pro-default -j MARK --set-xmark 0x10000/0x10000
      """,
      flows: [
        "veth1 tcp @pod1:40000 > @pod2:8080", "veth2 tcp @pod2:40000 > @pod1:8080", "veth2 tcp @pod2:40000 > @pod1:443",
        "veth2 tcp @pod2:40000 > @outside:443", "veth1 udp @pod1:40000 > @outside:53",
        "veth1 udp @pod1:40000 > @pod2:4789", "eth0 tcp @client:40000 > @pod1:8080",
        "eth0 tcp @client2:40000 > @pod1:8080", "eth0 tcp @client:40000 > @pod2:80",
        "veth1 tcp @pod2:40000 > @client:80",
        "local tcp @node:40000 > @pod1:80", "eth0 tcp @client:40000 > @far:80",
      ], sets: "create cali40web@6 hash:net family @inet\nadd cali40web@6 @client\nadd cali40web@6 @pod2\n"),
    Situation(
      "kube-router: a chain for each Pod, called for what is routed and for what is bridged",
      """
      *filter
      -A FORWARD -m comment --comment "kube-router netpol - TEMCG2JMVZWTT2SX" -j KUBE-ROUTER-FORWARD
      -A INPUT -j KUBE-ROUTER-INPUT
      -A OUTPUT -j KUBE-ROUTER-OUTPUT
      -A KUBE-ROUTER-FORWARD -d @pod1/@host -j KUBE-POD-FW-ONE
      -A KUBE-ROUTER-FORWARD -d @pod1/@host -m physdev --physdev-is-bridged -j KUBE-POD-FW-ONE
      -A KUBE-ROUTER-FORWARD -s @pod1/@host -j KUBE-POD-FW-ONE
      -A KUBE-ROUTER-FORWARD -s @pod1/@host -m physdev --physdev-is-bridged -j KUBE-POD-FW-ONE
      -A KUBE-ROUTER-FORWARD -m mark --mark 0x20000/0x20000 -j ACCEPT
      -A KUBE-ROUTER-INPUT -d @vips -j RETURN
      -A KUBE-ROUTER-INPUT -s @pod1/@host -j KUBE-POD-FW-ONE
      -A KUBE-ROUTER-OUTPUT -d @pod1/@host -j KUBE-POD-FW-ONE
      -A KUBE-POD-FW-ONE -m conntrack --ctstate INVALID -j DROP
      -A KUBE-POD-FW-ONE -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A KUBE-POD-FW-ONE -d @pod1/@host -m addrtype --src-type LOCAL -j ACCEPT
      -A KUBE-POD-FW-ONE -d @pod1/@host -j KUBE-NWPLCY-WEB
      -A KUBE-POD-FW-ONE -s @pod1/@host -j KUBE-NWPLCY-DEFAULT
      -A KUBE-POD-FW-ONE -m mark ! --mark 0x10000/0x10000 -j REJECT
      -A KUBE-POD-FW-ONE -j MARK --set-xmark 0x0/0x10000
      -A KUBE-POD-FW-ONE -j MARK --set-xmark 0x20000/0x20000
      -A KUBE-NWPLCY-DEFAULT -j MARK --set-xmark 0x10000/0x10000
      -A KUBE-NWPLCY-WEB -m set --match-set KUBE-SRC@6 src -p tcp -m tcp --dport 8080 -j MARK --set-xmark 0x10000/0x10000
      -A KUBE-NWPLCY-WEB -m mark --mark 0x10000/0x10000 -j RETURN
      """,
      flows: [
        "veth2 tcp @pod2:40000 > @pod1:8080", "veth2 tcp @pod2:40000 > @pod1:80", "veth2 tcp @pod2b:40000 > @pod1:8080",
        "veth1 tcp @pod1:40000 > @pod2:80", "veth1 tcp @pod1:40000 > @outside:80",
        "eth0 tcp @client:40000 > @pod1:8080",
        "eth0 tcp @client2:40000 > @pod1:8080", "veth1 udp @pod1:40000 > @node:53", "local tcp @node:40000 > @pod1:80",
        "veth2 icmp @pod2 > @pod1",
      ], sets: "create KUBE-SRC@6 hash:ip family @inet\nadd KUBE-SRC@6 @pod2\nadd KUBE-SRC@6 @client\n", bridge: true),
    Situation(
      "AWS: Pods of a second interface leave by its own table, connection marks bring NodePorts back",
      """
      *mangle
      -A PREROUTING -i eth0 -m addrtype --dst-type LOCAL --limit-iface-in -j CONNMARK --set-xmark 0x80/0x80
      -A PREROUTING -i veth+ -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80
      *nat
      -A PREROUTING -i eth0 -p tcp -m tcp --dport 30080 -m addrtype --dst-type LOCAL -j DNAT --to-destination @pod2:8080
      -A POSTROUTING -m comment --comment "AWS SNAT CHAIN" -j AWS-SNAT-CHAIN-0
      -A AWS-SNAT-CHAIN-0 ! -d @pods -m comment --comment "AWS SNAT CHAIN" -j AWS-SNAT-CHAIN-1
      -A AWS-SNAT-CHAIN-1 ! -o vlan+ -m comment --comment "AWS, SNAT" -m addrtype ! --dst-type LOCAL -j SNAT --to-source @node
      """,
      flows: [
        "veth2 tcp @pod2:40000 > @outside:443", "veth1 tcp @pod1:40000 > @outside:443",
        "veth2 tcp @pod2:40000 > @pod1:80",
        "veth1 tcp @pod1:40000 > @pod2:80", "eth0 tcp @client:40000 > @node:30080", "eth0 tcp @client:40000 > @pod2:80",
        "veth2 tcp @pod2:40000 > @node:22", "local tcp @node:40000 > @pod2:80", "eth1 tcp @far:40000 > @pod2:80",
        "veth2 udp @pod2:40000 > @client:53",
      ],
      setup: [
        "route add default via @gateway2 dev eth1 table 2", "rule add to @pod2/@host lookup main pref 512",
        "rule add to @pod1/@host lookup main pref 512", "rule add fwmark 0x80/0x80 lookup main pref 1024",
        "rule add from @pod2/@host lookup 2 pref 1536",
      ]),
    Situation(
      "NodeLocal DNS Cache: untracked, and answered at the Service's address",
      """
      *raw
      -A PREROUTING -d @vip/@host -p udp -m udp --dport 53 -m comment --comment "NodeLocal DNS Cache: skip conntrack" -j NOTRACK
      -A OUTPUT -d @vip/@host -p udp -m udp --dport 53 -m comment --comment "NodeLocal DNS Cache: skip conntrack" -j NOTRACK
      -A OUTPUT -s @vip/@host -p udp -m udp --sport 53 -m comment --comment "NodeLocal DNS Cache: skip conntrack" -j NOTRACK
      *nat
      -A PREROUTING -d @vip/@host -p udp -m udp --dport 53 -j DNAT --to-destination @pod2:53
      -A PREROUTING -d @vip/@host -p tcp -m tcp --dport 9153 -j DNAT --to-destination @pod2:9153
      -A OUTPUT -d @vip/@host -p udp -m udp --dport 53 -j DNAT --to-destination @pod2:53
      *filter
      :INPUT DROP
      -A INPUT -d @vip/@host -p udp -m udp --dport 53 -m comment --comment "NodeLocal DNS Cache: allow DNS traffic" -j ACCEPT
      -A OUTPUT -s @vip/@host -p udp -m udp --sport 53 -m comment --comment "NodeLocal DNS Cache: allow DNS traffic" -j ACCEPT
      """,
      flows: [
        "veth1 udp @pod1:40000 > @vip:53", "veth1 tcp @pod1:40000 > @vip:9153", "veth1 tcp @pod1:40000 > @vip:53",
        "local udp @vip:53 > @pod1:40000", "eth0 udp @client:40000 > @vip:53", "veth2 udp @pod2:40000 > @vip2:53",
      ],
      setup: ["addr add @vip/@host dev lo"]),
    Situation(
      "portmap: a hostPort from outside, from the node, and from the Pod itself over its bridge",
      """
      *nat
      -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
      -A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
      -A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
      -A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
      -A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000
      -A CNI-HOSTPORT-DNAT -p tcp -m multiport --dports 8081 -j CNI-DN-b4f2
      -A CNI-DN-b4f2 -s @pods -p tcp -m tcp --dport 8081 -j CNI-HOSTPORT-SETMARK
      -A CNI-DN-b4f2 -s @loop/@host -p tcp -m tcp --dport 8081 -j CNI-HOSTPORT-SETMARK
      -A CNI-DN-b4f2 -p tcp -m tcp --dport 8081 -j DNAT --to-destination @pod1:80
      """,
      flows: [
        "eth0 tcp @client:40000 > @node:8081", "veth1 tcp @pod1:40000 > @node:8081",
        "veth2 tcp @pod2:40000 > @node:8081",
        "veth2 tcp @pod2:40000 > @podgw:8081", "local tcp @node:40000 > @node:8081",
        "eth0 tcp @client:40000 > @node:8082",
        "veth2 tcp @pod2:40000 > @pod1:80",
      ], bridge: true),
    Situation(
      "Istio in the Pod: inbound and outbound connections redirected to the proxy",
      """
      *nat
      -A PREROUTING -p tcp -j ISTIO_INBOUND
      -A OUTPUT -p tcp -j ISTIO_OUTPUT
      -A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN
      -A ISTIO_INBOUND -p tcp -m tcp --dport 15021 -j RETURN
      -A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
      -A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
      -A ISTIO_OUTPUT -o lo ! -d @loop/@host -p tcp -m tcp ! --dport 53 -j RETURN
      -A ISTIO_OUTPUT -d @loop/@host -j RETURN
      -A ISTIO_OUTPUT -j ISTIO_REDIRECT
      -A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
      """,
      flows: [
        "eth0 tcp @client:40000 > @node:8080", "eth0 tcp @client:40000 > @node:15021",
        "eth0 udp @client:40000 > @node:53",
        "local tcp @node:40000 > @outside:443", "local udp @node:40000 > @outside:53",
        "local tcp @node:40000 > @node:8080",
      ]),
  ]
}
