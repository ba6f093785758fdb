// Written by Captures/make-example.sh from Captures/example; not to be edited.
// swift-format-ignore-file

/// A small real node: dumps, cluster objects and captures recorded from the kernel. `kubepath demo` runs on it.
struct EmbeddedExample {
  static let files: [(name: String, text: String)] = [
    (
      "conntrack.txt",
      ##"""
tcp      6 112 TIME_WAIT src=10.244.1.10 dst=10.96.12.34 sport=60200 dport=80 src=10.244.1.11 dst=10.244.1.10 sport=8080 dport=60200 [ASSURED] mark=0 use=1
tcp      6 118 TIME_WAIT src=10.244.1.10 dst=192.168.40.11 sport=41204 dport=30080 src=10.244.2.20 dst=10.244.1.10 sport=8080 dport=41204 [ASSURED] mark=0 use=1
tcp      6 112 TIME_WAIT src=10.244.1.10 dst=10.96.12.34 sport=60184 dport=80 src=10.244.2.10 dst=10.244.1.10 sport=8080 dport=60184 [ASSURED] mark=0 use=1
tcp      6 112 TIME_WAIT src=10.244.1.10 dst=10.96.12.34 sport=60192 dport=80 src=10.244.1.11 dst=10.244.1.10 sport=8080 dport=60192 [ASSURED] mark=0 use=1
tcp      6 112 TIME_WAIT src=10.244.1.10 dst=10.96.12.34 sport=60210 dport=80 src=10.244.1.10 dst=10.244.1.1 sport=8080 dport=33076 [ASSURED] mark=0 use=1
"""##
    ),
    (
      "ip-addr.txt",
      ##"""
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
2: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether 02:42:0a:f4:01:01 brd ff:ff:ff:ff:ff:ff
    inet 10.244.1.1/24 scope global cni0
       valid_lft forever preferred_lft forever
3: eth0@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether 02:00:00:00:00:0b brd ff:ff:ff:ff:ff:ff link-netns cni-lan
    inet 192.168.40.11/24 scope global eth0
       valid_lft forever preferred_lft forever
4: veth1a2b3c4d@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master cni0 state UP group default qlen 1000
    link/ether e2:a4:12:3a:c3:39 brd ff:ff:ff:ff:ff:ff link-netns cni-web-0
5: veth2b3c4d5e@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master cni0 state UP group default qlen 1000
    link/ether b6:a0:cd:74:49:0e brd ff:ff:ff:ff:ff:ff link-netns cni-web-1
6: veth3c4d5e6f@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master cni0 state UP group default qlen 1000
    link/ether 7e:a8:24:a0:c4:a3 brd ff:ff:ff:ff:ff:ff link-netns cni-coredns
"""##
    ),
    (
      "ip-link.txt",
      ##"""
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00 promiscuity 0  allmulti 0 minmtu 0 maxmtu 0 addrgenmode eui64 numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535 tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536 
2: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
    link/ether 02:42:0a:f4:01:01 brd ff:ff:ff:ff:ff:ff promiscuity 0  allmulti 0 minmtu 68 maxmtu 65535 
    bridge forward_delay 1500 hello_time 200 max_age 2000 ageing_time 30000 stp_state 0 priority 32768 vlan_filtering 0 bridge_id 8000.2:42:a:f4:1:1 designated_root 8000.2:42:a:f4:1:1 root_port 0 root_path_cost 0 topology_change 0 topology_change_detected 0 hello_timer    0.00 tcn_timer    0.00 topology_change_timer    0.00 gc_timer  283.73 group_fwd_mask 0 group_address 01:80:c2:00:00:00 mcast_snooping 1 no_linklocal_learn 0 mcast_vlan_snooping 0 mcast_router 1 mcast_query_use_ifaddr 0 mcast_querier 0 mcast_hash_elasticity 16 mcast_hash_max 4096 mcast_last_member_count 2 mcast_startup_query_count 2 mcast_last_member_interval 100 mcast_membership_interval 26000 mcast_querier_interval 25500 mcast_query_interval 12500 mcast_query_response_interval 1000 mcast_startup_query_interval 3124 mcast_stats_enabled 0 mcast_igmp_version 2 mcast_mld_version 1 nf_call_iptables 0 nf_call_ip6tables 0 nf_call_arptables 0 addrgenmode eui64 numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535 tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536 
3: eth0@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
    link/ether 02:00:00:00:00:0b brd ff:ff:ff:ff:ff:ff link-netns cni-lan promiscuity 0  allmulti 0 minmtu 68 maxmtu 65535 
    veth addrgenmode eui64 numtxqueues 2 numrxqueues 2 gso_max_size 65536 gso_max_segs 65535 tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536 
4: veth1a2b3c4d@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master cni0 state UP mode DEFAULT group default qlen 1000
    link/ether e2:a4:12:3a:c3:39 brd ff:ff:ff:ff:ff:ff link-netns cni-web-0 promiscuity 1  allmulti 1 minmtu 68 maxmtu 65535 
    veth 
    bridge_slave state forwarding priority 32 cost 2 hairpin on guard off root_block off fastleave off learning on flood on port_id 0x8001 port_no 0x1 designated_port 32769 designated_cost 0 designated_bridge 8000.2:42:a:f4:1:1 designated_root 8000.2:42:a:f4:1:1 hold_timer    0.00 message_age_timer    0.00 forward_delay_timer    0.00 topology_change_ack 0 config_pending 0 proxy_arp off proxy_arp_wifi off mcast_router 1 mcast_fast_leave off mcast_flood on bcast_flood on mcast_to_unicast off neigh_suppress off group_fwd_mask 0 group_fwd_mask_str 0x0 vlan_tunnel off isolated off locked off addrgenmode eui64 numtxqueues 2 numrxqueues 2 gso_max_size 65536 gso_max_segs 65535 tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536 
5: veth2b3c4d5e@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master cni0 state UP mode DEFAULT group default qlen 1000
    link/ether b6:a0:cd:74:49:0e brd ff:ff:ff:ff:ff:ff link-netns cni-web-1 promiscuity 1  allmulti 1 minmtu 68 maxmtu 65535 
    veth 
    bridge_slave state forwarding priority 32 cost 2 hairpin on guard off root_block off fastleave off learning on flood on port_id 0x8002 port_no 0x2 designated_port 32770 designated_cost 0 designated_bridge 8000.2:42:a:f4:1:1 designated_root 8000.2:42:a:f4:1:1 hold_timer    0.00 message_age_timer    0.00 forward_delay_timer    0.00 topology_change_ack 0 config_pending 0 proxy_arp off proxy_arp_wifi off mcast_router 1 mcast_fast_leave off mcast_flood on bcast_flood on mcast_to_unicast off neigh_suppress off group_fwd_mask 0 group_fwd_mask_str 0x0 vlan_tunnel off isolated off locked off addrgenmode eui64 numtxqueues 2 numrxqueues 2 gso_max_size 65536 gso_max_segs 65535 tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536 
6: veth3c4d5e6f@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master cni0 state UP mode DEFAULT group default qlen 1000
    link/ether 7e:a8:24:a0:c4:a3 brd ff:ff:ff:ff:ff:ff link-netns cni-coredns promiscuity 1  allmulti 1 minmtu 68 maxmtu 65535 
    veth 
    bridge_slave state forwarding priority 32 cost 2 hairpin on guard off root_block off fastleave off learning on flood on port_id 0x8003 port_no 0x3 designated_port 32771 designated_cost 0 designated_bridge 8000.2:42:a:f4:1:1 designated_root 8000.2:42:a:f4:1:1 hold_timer    0.00 message_age_timer    0.00 forward_delay_timer    0.00 topology_change_ack 0 config_pending 0 proxy_arp off proxy_arp_wifi off mcast_router 1 mcast_fast_leave off mcast_flood on bcast_flood on mcast_to_unicast off neigh_suppress off group_fwd_mask 0 group_fwd_mask_str 0x0 vlan_tunnel off isolated off locked off addrgenmode eui64 numtxqueues 2 numrxqueues 2 gso_max_size 65536 gso_max_segs 65535 tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536 
"""##
    ),
    (
      "ip-neigh.txt",
      ##"""
192.168.40.50 dev eth0 lladdr 02:00:00:00:00:32 STALE 
10.244.1.10 dev cni0 lladdr 02:42:0a:f4:01:0a REACHABLE 
10.244.1.11 dev cni0 lladdr 02:42:0a:f4:01:0b REACHABLE 
192.168.40.12 dev eth0 lladdr 02:00:00:00:00:0c REACHABLE 
192.168.40.1 dev eth0 FAILED 
"""##
    ),
    (
      "ip-route.txt",
      ##"""
default via 192.168.40.1 dev eth0 
unreachable 10.244.0.0/16 
10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1 
10.244.2.0/24 via 192.168.40.12 dev eth0 
192.168.40.0/24 dev eth0 proto kernel scope link src 192.168.40.11 
local 10.244.1.1 dev cni0 table local proto kernel scope host src 10.244.1.1 
broadcast 10.244.1.255 dev cni0 table local proto kernel scope link src 10.244.1.1 
local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1 
local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1 
broadcast 127.255.255.255 dev lo table local proto kernel scope link src 127.0.0.1 
local 192.168.40.11 dev eth0 table local proto kernel scope host src 192.168.40.11 
broadcast 192.168.40.255 dev eth0 table local proto kernel scope link src 192.168.40.11 
"""##
    ),
    (
      "ip-rule.txt",
      ##"""
0:	from all lookup local
32766:	from all lookup main
32767:	from all lookup default
"""##
    ),
    (
      "iptables-save.txt",
      ##"""
# Generated by iptables-nft-save v1.8.9 (nf_tables)
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-PROXY-CANARY - [0:0]
COMMIT
# Completed
# Generated by iptables-nft-save v1.8.9 (nf_tables)
*filter
:INPUT ACCEPT [6:328]
:FORWARD ACCEPT [8:520]
:OUTPUT ACCEPT [15:1112]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
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
-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment "shop/storefront:http has no local endpoints" -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j DROP
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A KUBE-SERVICES -d 10.96.30.7/32 -p tcp -m comment --comment "shop/search:http has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable
COMMIT
# Completed
# Generated by iptables-nft-save v1.8.9 (nf_tables)
*nat
:PREROUTING ACCEPT [10:640]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [2:100]
:POSTROUTING ACCEPT [5:300]
:KUBE-EXT-MIPJG2YMRSBAB5Q7 - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SEP-4F4YH7TAKFH2F55K - [0:0]
:KUBE-SEP-5FNTWGDRS77YXSNO - [0:0]
:KUBE-SEP-AHX6A5TRFKKVMIQX - [0:0]
:KUBE-SEP-DESRHK6VEKM22QJP - [0:0]
:KUBE-SEP-JS5ZM5E6CLZJ4JLZ - [0:0]
:KUBE-SEP-WTVBAEIDEXLII3QB - [0:0]
:KUBE-SEP-X7UID4UJO4AFIWCH - [0:0]
:KUBE-SEP-YNCIU67N6VYVMDY3 - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-BTVQPHN42D4J3FOU - [0:0]
:KUBE-SVC-ERIFXISQEP7F7OF4 - [0:0]
:KUBE-SVC-I5LIAMPLWKMBJ54B - [0:0]
:KUBE-SVC-MIPJG2YMRSBAB5Q7 - [0:0]
:KUBE-SVC-NPX46M4PTMTKRN6Y - [0:0]
:KUBE-SVC-TCOU7JCQXEZGVUNU - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A POSTROUTING -s 10.244.1.0/24 ! -d 10.244.0.0/16 -m comment --comment "pods going out" -j MASQUERADE --random-fully
-A KUBE-EXT-MIPJG2YMRSBAB5Q7 -s 10.244.0.0/16 -m comment --comment "pod traffic for shop/storefront:http external destinations" -j KUBE-SVC-MIPJG2YMRSBAB5Q7
-A KUBE-EXT-MIPJG2YMRSBAB5Q7 -m comment --comment "masquerade LOCAL traffic for shop/storefront:http external destinations" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ
-A KUBE-EXT-MIPJG2YMRSBAB5Q7 -m comment --comment "route LOCAL traffic for shop/storefront:http external destinations" -m addrtype --src-type LOCAL -j KUBE-SVC-MIPJG2YMRSBAB5Q7
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-NODEPORTS -p tcp -m comment --comment "shop/storefront:http" -m tcp --dport 30080 -j KUBE-EXT-MIPJG2YMRSBAB5Q7
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-SEP-4F4YH7TAKFH2F55K -s 10.244.2.20/32 -m comment --comment "shop/storefront:http" -j KUBE-MARK-MASQ
-A KUBE-SEP-4F4YH7TAKFH2F55K -p tcp -m comment --comment "shop/storefront:http" -m tcp -j DNAT --to-destination 10.244.2.20:8080
-A KUBE-SEP-5FNTWGDRS77YXSNO -s 10.244.1.53/32 -m comment --comment "kube-system/kube-dns:dns-tcp" -j KUBE-MARK-MASQ
-A KUBE-SEP-5FNTWGDRS77YXSNO -p tcp -m comment --comment "kube-system/kube-dns:dns-tcp" -m tcp -j DNAT --to-destination 10.244.1.53:53
-A KUBE-SEP-AHX6A5TRFKKVMIQX -s 10.244.2.10/32 -m comment --comment "shop/cart:http" -j KUBE-MARK-MASQ
-A KUBE-SEP-AHX6A5TRFKKVMIQX -p tcp -m comment --comment "shop/cart:http" -m tcp -j DNAT --to-destination 10.244.2.10:8080
-A KUBE-SEP-DESRHK6VEKM22QJP -s 192.168.40.10/32 -m comment --comment "default/kubernetes:https" -j KUBE-MARK-MASQ
-A KUBE-SEP-DESRHK6VEKM22QJP -p tcp -m comment --comment "default/kubernetes:https" -m tcp -j DNAT --to-destination 192.168.40.10:6443
-A KUBE-SEP-JS5ZM5E6CLZJ4JLZ -s 10.244.1.11/32 -m comment --comment "shop/cart:http" -j KUBE-MARK-MASQ
-A KUBE-SEP-JS5ZM5E6CLZJ4JLZ -p tcp -m comment --comment "shop/cart:http" -m tcp -j DNAT --to-destination 10.244.1.11:8080
-A KUBE-SEP-WTVBAEIDEXLII3QB -s 10.244.1.10/32 -m comment --comment "shop/cart:http" -j KUBE-MARK-MASQ
-A KUBE-SEP-WTVBAEIDEXLII3QB -p tcp -m comment --comment "shop/cart:http" -m tcp -j DNAT --to-destination 10.244.1.10:8080
-A KUBE-SEP-X7UID4UJO4AFIWCH -s 10.244.3.15/32 -m comment --comment "shop/payments:https" -j KUBE-MARK-MASQ
-A KUBE-SEP-X7UID4UJO4AFIWCH -p tcp -m comment --comment "shop/payments:https" -m tcp -j DNAT --to-destination 10.244.3.15:8443
-A KUBE-SEP-YNCIU67N6VYVMDY3 -s 10.244.1.53/32 -m comment --comment "kube-system/kube-dns:dns" -j KUBE-MARK-MASQ
-A KUBE-SEP-YNCIU67N6VYVMDY3 -p udp -m comment --comment "kube-system/kube-dns:dns" -m udp -j DNAT --to-destination 10.244.1.53:53
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y
-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment "kube-system/kube-dns:dns cluster IP" -m udp --dport 53 -j KUBE-SVC-TCOU7JCQXEZGVUNU
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "kube-system/kube-dns:dns-tcp cluster IP" -m tcp --dport 53 -j KUBE-SVC-ERIFXISQEP7F7OF4
-A KUBE-SERVICES -d 10.96.12.34/32 -p tcp -m comment --comment "shop/cart:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-I5LIAMPLWKMBJ54B
-A KUBE-SERVICES -d 10.96.20.5/32 -p tcp -m comment --comment "shop/storefront:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-MIPJG2YMRSBAB5Q7
-A KUBE-SERVICES -d 10.96.40.9/32 -p tcp -m comment --comment "shop/payments:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-BTVQPHN42D4J3FOU
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-BTVQPHN42D4J3FOU ! -s 10.244.0.0/16 -d 10.96.40.9/32 -p tcp -m comment --comment "shop/payments:https cluster IP" -m tcp --dport 443 -j KUBE-MARK-MASQ
-A KUBE-SVC-BTVQPHN42D4J3FOU -m comment --comment "shop/payments:https -> 10.244.3.15:8443" -j KUBE-SEP-X7UID4UJO4AFIWCH
-A KUBE-SVC-ERIFXISQEP7F7OF4 ! -s 10.244.0.0/16 -d 10.96.0.10/32 -p tcp -m comment --comment "kube-system/kube-dns:dns-tcp cluster IP" -m tcp --dport 53 -j KUBE-MARK-MASQ
-A KUBE-SVC-ERIFXISQEP7F7OF4 -m comment --comment "kube-system/kube-dns:dns-tcp -> 10.244.1.53:53" -j KUBE-SEP-5FNTWGDRS77YXSNO
-A KUBE-SVC-I5LIAMPLWKMBJ54B ! -s 10.244.0.0/16 -d 10.96.12.34/32 -p tcp -m comment --comment "shop/cart:http cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-I5LIAMPLWKMBJ54B -m comment --comment "shop/cart:http -> 10.244.1.10:8080" -m statistic --mode random --probability 0.33333333349 -j KUBE-SEP-WTVBAEIDEXLII3QB
-A KUBE-SVC-I5LIAMPLWKMBJ54B -m comment --comment "shop/cart:http -> 10.244.1.11:8080" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-JS5ZM5E6CLZJ4JLZ
-A KUBE-SVC-I5LIAMPLWKMBJ54B -m comment --comment "shop/cart:http -> 10.244.2.10:8080" -j KUBE-SEP-AHX6A5TRFKKVMIQX
-A KUBE-SVC-MIPJG2YMRSBAB5Q7 ! -s 10.244.0.0/16 -d 10.96.20.5/32 -p tcp -m comment --comment "shop/storefront:http cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-MIPJG2YMRSBAB5Q7 -m comment --comment "shop/storefront:http -> 10.244.2.20:8080" -j KUBE-SEP-4F4YH7TAKFH2F55K
-A KUBE-SVC-NPX46M4PTMTKRN6Y ! -s 10.244.0.0/16 -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-MARK-MASQ
-A KUBE-SVC-NPX46M4PTMTKRN6Y -m comment --comment "default/kubernetes:https -> 192.168.40.10:6443" -j KUBE-SEP-DESRHK6VEKM22QJP
-A KUBE-SVC-TCOU7JCQXEZGVUNU ! -s 10.244.0.0/16 -d 10.96.0.10/32 -p udp -m comment --comment "kube-system/kube-dns:dns cluster IP" -m udp --dport 53 -j KUBE-MARK-MASQ
-A KUBE-SVC-TCOU7JCQXEZGVUNU -m comment --comment "kube-system/kube-dns:dns -> 10.244.1.53:53" -j KUBE-SEP-YNCIU67N6VYVMDY3
COMMIT
# Completed
"""##
    ),
    (
      "ss.txt",
      ##"""
Netid State  Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess
tcp   LISTEN 0      5          127.0.0.1:10249      0.0.0.0:*          
"""##
    ),
    (
      "sysctl.txt",
      ##"""
net.bridge.bridge-nf-call-iptables = 1
net.ipv4.conf.all.accept_local = 0
net.ipv4.conf.all.forwarding = 1
net.ipv4.conf.all.route_localnet = 0
net.ipv4.conf.all.rp_filter = 0
net.ipv4.conf.all.src_valid_mark = 0
net.ipv4.conf.cni0.accept_local = 0
net.ipv4.conf.cni0.forwarding = 1
net.ipv4.conf.cni0.route_localnet = 0
net.ipv4.conf.cni0.rp_filter = 0
net.ipv4.conf.cni0.src_valid_mark = 0
net.ipv4.conf.default.accept_local = 0
net.ipv4.conf.default.forwarding = 1
net.ipv4.conf.default.route_localnet = 0
net.ipv4.conf.default.rp_filter = 0
net.ipv4.conf.default.src_valid_mark = 0
net.ipv4.conf.eth0.accept_local = 0
net.ipv4.conf.eth0.forwarding = 1
net.ipv4.conf.eth0.route_localnet = 0
net.ipv4.conf.eth0.rp_filter = 0
net.ipv4.conf.eth0.src_valid_mark = 0
net.ipv4.conf.lo.accept_local = 0
net.ipv4.conf.lo.forwarding = 1
net.ipv4.conf.lo.route_localnet = 0
net.ipv4.conf.lo.rp_filter = 0
net.ipv4.conf.lo.src_valid_mark = 0
net.ipv4.conf.veth1a2b3c4d.accept_local = 0
net.ipv4.conf.veth1a2b3c4d.forwarding = 1
net.ipv4.conf.veth1a2b3c4d.route_localnet = 0
net.ipv4.conf.veth1a2b3c4d.rp_filter = 0
net.ipv4.conf.veth1a2b3c4d.src_valid_mark = 0
net.ipv4.conf.veth2b3c4d5e.accept_local = 0
net.ipv4.conf.veth2b3c4d5e.forwarding = 1
net.ipv4.conf.veth2b3c4d5e.route_localnet = 0
net.ipv4.conf.veth2b3c4d5e.rp_filter = 0
net.ipv4.conf.veth2b3c4d5e.src_valid_mark = 0
net.ipv4.conf.veth3c4d5e6f.accept_local = 0
net.ipv4.conf.veth3c4d5e6f.forwarding = 1
net.ipv4.conf.veth3c4d5e6f.route_localnet = 0
net.ipv4.conf.veth3c4d5e6f.rp_filter = 0
net.ipv4.conf.veth3c4d5e6f.src_valid_mark = 0
net.ipv4.ip_forward = 1
net.ipv4.ip_local_port_range = 32768	60999
net.netfilter.nf_conntrack_count = 5
net.netfilter.nf_conntrack_max = 262144
net.netfilter.nf_conntrack_tcp_be_liberal = 0
net.netfilter.nf_conntrack_tcp_loose = 1
"""##
    ),
    (
      "objects.json",
      ##"""
{
"apiVersion": "v1",
"kind": "List",
"items": [
{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1", "labels": {"kubernetes.io/hostname": "node1"}}, "spec": {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24"]}, "status": {"addresses": [{"type": "InternalIP", "address": "192.168.40.11"}, {"type": "Hostname", "address": "node1"}], "conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeProxyVersion": "v1.30.3", "kubeletVersion": "v1.30.3"}}},
{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node2", "labels": {"kubernetes.io/hostname": "node2"}}, "spec": {"podCIDR": "10.244.2.0/24", "podCIDRs": ["10.244.2.0/24"]}, "status": {"addresses": [{"type": "InternalIP", "address": "192.168.40.12"}, {"type": "Hostname", "address": "node2"}], "conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeProxyVersion": "v1.30.3", "kubeletVersion": "v1.30.3"}}},
{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node3", "labels": {"kubernetes.io/hostname": "node3"}}, "spec": {"podCIDR": "10.244.3.0/24", "podCIDRs": ["10.244.3.0/24"]}, "status": {"addresses": [{"type": "InternalIP", "address": "192.168.40.13"}, {"type": "Hostname", "address": "node3"}], "conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeProxyVersion": "v1.30.3", "kubeletVersion": "v1.30.3"}}},
{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kubernetes", "namespace": "default"}, "spec": {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}], "sessionAffinity": "None", "type": "ClusterIP"}, "status": {"loadBalancer": {}}},
{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-dns", "namespace": "kube-system"}, "spec": {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"], "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "ports": [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53}, {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53}], "sessionAffinity": "None", "type": "ClusterIP", "selector": {"k8s-app": "kube-dns"}}, "status": {"loadBalancer": {}}},
{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart", "namespace": "shop"}, "spec": {"clusterIP": "10.96.12.34", "clusterIPs": ["10.96.12.34"], "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}], "sessionAffinity": "None", "type": "ClusterIP", "selector": {"app": "cart"}}, "status": {"loadBalancer": {}}},
{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "storefront", "namespace": "shop"}, "spec": {"clusterIP": "10.96.20.5", "clusterIPs": ["10.96.20.5"], "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080, "nodePort": 30080}], "sessionAffinity": "None", "type": "NodePort", "selector": {"app": "storefront"}, "externalTrafficPolicy": "Local"}, "status": {"loadBalancer": {}}},
{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "search", "namespace": "shop"}, "spec": {"clusterIP": "10.96.30.7", "clusterIPs": ["10.96.30.7"], "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}], "sessionAffinity": "None", "type": "ClusterIP", "selector": {"app": "search"}}, "status": {"loadBalancer": {}}},
{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "payments", "namespace": "shop"}, "spec": {"clusterIP": "10.96.40.9", "clusterIPs": ["10.96.40.9"], "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 8443}], "sessionAffinity": "None", "type": "ClusterIP", "selector": {"app": "payments"}}, "status": {"loadBalancer": {}}},
{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "metadata": {"name": "kubernetes-x1", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}}, "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}], "endpoints": [{"addresses": ["192.168.40.10"], "conditions": {"ready": true}}]},
{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "metadata": {"name": "kube-dns-d4k2p", "namespace": "kube-system", "labels": {"kubernetes.io/service-name": "kube-dns", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}}, "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}], "endpoints": [{"addresses": ["10.244.1.53"], "conditions": {"ready": true, "serving": true, "terminating": false}, "nodeName": "node1", "targetRef": {"kind": "Pod", "name": "coredns-5d78c9869d-7k2fj", "namespace": "kube-system"}}]},
{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "metadata": {"name": "cart-m7q9z", "namespace": "shop", "labels": {"kubernetes.io/service-name": "cart", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}}, "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}], "endpoints": [{"addresses": ["10.244.1.10"], "conditions": {"ready": true, "serving": true, "terminating": false}, "nodeName": "node1", "targetRef": {"kind": "Pod", "name": "web-0", "namespace": "shop"}}, {"addresses": ["10.244.1.11"], "conditions": {"ready": true, "serving": true, "terminating": false}, "nodeName": "node1", "targetRef": {"kind": "Pod", "name": "web-1", "namespace": "shop"}}, {"addresses": ["10.244.2.10"], "conditions": {"ready": true, "serving": true, "terminating": false}, "nodeName": "node2", "targetRef": {"kind": "Pod", "name": "web-2", "namespace": "shop"}}]},
{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "metadata": {"name": "storefront-c8v5n", "namespace": "shop", "labels": {"kubernetes.io/service-name": "storefront", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}}, "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}], "endpoints": [{"addresses": ["10.244.2.20"], "conditions": {"ready": true, "serving": true, "terminating": false}, "nodeName": "node2", "targetRef": {"kind": "Pod", "name": "storefront-6b7f9c5d4-hq8wz", "namespace": "shop"}}]},
{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "metadata": {"name": "search-t3r6w", "namespace": "shop", "labels": {"kubernetes.io/service-name": "search", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}}, "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}], "endpoints": [{"addresses": ["10.244.2.30"], "conditions": {"ready": false, "serving": false, "terminating": false}, "nodeName": "node2", "targetRef": {"kind": "Pod", "name": "search-77d4f8b9c-x2lvm", "namespace": "shop"}}]},
{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "metadata": {"name": "payments-p9s4k", "namespace": "shop", "labels": {"kubernetes.io/service-name": "payments", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}}, "ports": [{"name": "https", "port": 8443, "protocol": "TCP"}], "endpoints": [{"addresses": ["10.244.3.15"], "conditions": {"ready": true, "serving": true, "terminating": false}, "nodeName": "node3", "targetRef": {"kind": "Pod", "name": "payments-58c6d7f9b-n4tgr", "namespace": "shop"}}]},
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "coredns-5d78c9869d-7k2fj", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}}, "spec": {"nodeName": "node1", "containers": [{"name": "coredns-5d78c9869d-7k2fj", "image": "registry.k8s.io/e2e-test-images/agnhost:2.47", "ports": [{"containerPort": 53}]}]}, "status": {"phase": "Running", "podIP": "10.244.1.53", "podIPs": [{"ip": "10.244.1.53"}], "hostIP": "192.168.40.11", "conditions": [{"type": "Ready", "status": "True"}]}},
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0", "namespace": "shop", "labels": {"app": "cart"}}, "spec": {"nodeName": "node1", "containers": [{"name": "cart", "image": "registry.k8s.io/e2e-test-images/agnhost:2.47", "ports": [{"containerPort": 8080}]}]}, "status": {"phase": "Running", "podIP": "10.244.1.10", "podIPs": [{"ip": "10.244.1.10"}], "hostIP": "192.168.40.11", "conditions": [{"type": "Ready", "status": "True"}]}},
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "cart"}}, "spec": {"nodeName": "node1", "containers": [{"name": "cart", "image": "registry.k8s.io/e2e-test-images/agnhost:2.47", "ports": [{"containerPort": 8080}]}]}, "status": {"phase": "Running", "podIP": "10.244.1.11", "podIPs": [{"ip": "10.244.1.11"}], "hostIP": "192.168.40.11", "conditions": [{"type": "Ready", "status": "True"}]}},
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-2", "namespace": "shop", "labels": {"app": "cart"}}, "spec": {"nodeName": "node2", "containers": [{"name": "cart", "image": "registry.k8s.io/e2e-test-images/agnhost:2.47", "ports": [{"containerPort": 8080}]}]}, "status": {"phase": "Running", "podIP": "10.244.2.10", "podIPs": [{"ip": "10.244.2.10"}], "hostIP": "192.168.40.12", "conditions": [{"type": "Ready", "status": "True"}]}},
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "storefront-6b7f9c5d4-hq8wz", "namespace": "shop", "labels": {"app": "storefront"}}, "spec": {"nodeName": "node2", "containers": [{"name": "storefront", "image": "registry.k8s.io/e2e-test-images/agnhost:2.47", "ports": [{"containerPort": 8080}]}]}, "status": {"phase": "Running", "podIP": "10.244.2.20", "podIPs": [{"ip": "10.244.2.20"}], "hostIP": "192.168.40.12", "conditions": [{"type": "Ready", "status": "True"}]}},
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "search-77d4f8b9c-x2lvm", "namespace": "shop", "labels": {"app": "search"}}, "spec": {"nodeName": "node2", "containers": [{"name": "search", "image": "registry.k8s.io/e2e-test-images/agnhost:2.47", "ports": [{"containerPort": 8080}]}]}, "status": {"phase": "Running", "podIP": "10.244.2.30", "podIPs": [{"ip": "10.244.2.30"}], "hostIP": "192.168.40.12", "conditions": [{"type": "Ready", "status": "False"}]}},
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "payments-58c6d7f9b-n4tgr", "namespace": "shop", "labels": {"app": "payments"}}, "spec": {"nodeName": "node3", "containers": [{"name": "payments", "image": "registry.k8s.io/e2e-test-images/agnhost:2.47", "ports": [{"containerPort": 8443}]}]}, "status": {"phase": "Running", "podIP": "10.244.3.15", "podIPs": [{"ip": "10.244.3.15"}], "hostIP": "192.168.40.13", "conditions": [{"type": "Ready", "status": "True"}]}}
]
}
"""##
    ),
  ]

  /// Capture files in base64.
  static let captures: [(name: String, base64: String)] = [
    (
      "cni0.pcap",
      """
1MOyoQIABAAAAAAAAAAAAIAAAAABAAAA4jMBa01QDgBKAAAASgAAAAJCCvQBAQJCCvQBCggARQAAPLAjQABABnGdCvQBCgr0AgrrGB+QMKxTHQAAAACgAvrwGSoAAAIEBbQEAggKh1wCagAAAAABAwMK4jMBa79QDgBKAAAASgAAAAJCCvQBCgJCCvQBAQgARQAAPAAAQAA/Bhk9CmAMIgr0AQoAUOsY1/Z6MTCsUx6gEv6IIq4AAAIEBbQEAggKyOoOTIdcAmoBAwMK4jMBa9hQDgBCAAAAQgAAAAJCCvQBAQJCCvQBCggARQAANLAkQABABnGkCvQBCgr0AgrrGB+QMKxTHtf2ejKAEAA/GSIAAAEBCAqHXAJqyOoOTOIzAWs/UQ4AUwAAAFMAAAACQgr0AQECQgr0AQoIAEUAAEWwJUAAQAZxkgr0AQoK9AIK6xgfkDCsUx7X9noygBgAPxkzAAABAQgKh1wCasjqDkxIRUFEIC8gSFRUUC8xLjANCuIzAWtcUQ4AQgAAAEIAAAACQgr0AQoCQgr0AQEIAEUAADQE/UAAPwYUSApgDCIK9AEKAFDrGNf2ejIwrFMvgBAAQCKmAAABAQgKyOoOTIdcAmriMwFrb1EOAEQAAABEAAAAAkIK9AEBAkIK9AEKCABFAAA2sCZAAEAGcaAK9AEKCvQCCusYH5AwrFMv1/Z6MoAYAD8ZJAAAAQEICodcAmrI6g5MDQriMwFrfVEOAEIAAABCAAAAAkIK9AEKAkIK9AEBCABFAAA0BP5AAD8GFEcKYAwiCvQBCgBQ6xjX9noyMKxTMYAQAEAipgAAAQEICsjqDkyHXAJq4jMBa4R3DgCAAAAA3QAAAAJCCvQBCgJCCvQBAQgARQAAzwT/QAA/BhOrCmAMIgr0AQoAUOsY1/Z6MjCsUzGAGABAI0EAAAEBCArI6g5Wh1wCakhUVFAvMS4wIDIwMCBPSw0KU2VydmVyOiBTaW1wbGVIVFRQLzAuNiBQeXRob24vMy4xMS43DQpEYXRlOiBT4jMBa6R3DgBCAAAAQgAAAAJCCvQBAQJCCvQBCggARQAANLAnQABABnGhCvQBCgr0AgrrGB+QMKxTMdf2es2AEAA/GSIAAAEBCAqHXAJ0yOoOVuIzAWsHeA4AQgAAAEIAAAACQgr0AQoCQgr0AQEIAEUAADQFAEAAPwYURQpgDCIK9AEKAFDrGNf2es0wrFMxgBEAQCKmAAABAQgKyOoOVodcAnTiMwFrcJYOAEIAAABCAAAAAkIK9AEBAkIK9AEKCABFAAA0sChAAEAGcaAK9AEKCvQCCusYH5AwrFMx1/Z6zoARAD8ZIgAAAQEICodcAnzI6g5W4jMBa8aWDgBCAAAAQgAAAAJCCvQBCgJCCvQBAQgARQAANAUBQAA/BhRECmAMIgr0AQoAUOsY1/Z6zjCsUzKAEABAIqYAAAEBCArI6g5eh1wCfOIzAWvwAg8ASgAAAEoAAAACQgr0AQsCQgr0AQEIAEUAADzz1UAAQAYu6gr0AQoK9AEL6yAfkM569pwAAAAAoAL68BgrAAACBAW0BAIIChSwFm0AAAAAAQMDCuIzAWsIAw8ASgAAAEoAAAACQgr0AQsCQgr0AQoIAEUAADzz1UAAQAYu6gr0AQoK9AEL6yAfkM569pwAAAAAoAL68BgrAAACBAW0BAIIChSwFm0AAAAAAQMDCuIzAWtTAw8ASgAAAEoAAAACQgr0AQoCQgr0AQsIAEUAADwAAEAAQAYiwAr0AQsK9AEKH5DrIID3MqPOevadoBL+iBgrAAACBAW0BAIICggtsvYUsBZtAQMDCuIzAWtqAw8AQgAAAEIAAAACQgr0AQsCQgr0AQEIAEUAADTz1kAAQAYu8Qr0AQoK9AEL6yAfkM569p2A9zKkgBAAPxgjAAABAQgKFLAWbQgtsvbiMwFrbwMPAEIAAABCAAAAAkIK9AELAkIK9AEKCABFAAA089ZAAEAGLvEK9AEKCvQBC+sgH5DOevadgPcypIAQAD8YIwAAAQEIChSwFm0ILbL24jMBax4FDwBTAAAAUwAAAAJCCvQBCwJCCvQBAQgARQAARfPXQABABi7fCvQBCgr0AQvrIB+Qznr2nYD3MqSAGAA/GDQAAAEBCAoUsBZtCC2y9khFQUQgLyBIVFRQLzEuMA0K4jMBayUFDwBTAAAAUwAAAAJCCvQBCwJCCvQBCggARQAARfPXQABABi7fCvQBCgr0AQvrIB+Qznr2nYD3MqSAGAA/GDQAAAEBCAoUsBZtCC2y9khFQUQgLyBIVFRQLzEuMA0K4jMBazUFDwBCAAAAQgAAAAJCCvQBCgJCCvQBCwgARQAANC9IQABABvN/CvQBCwr0AQofkOsggPcypM569q6AEABAGCMAAAEBCAoILbL2FLAWbeIzAWtJBQ8ARAAAAEQAAAACQgr0AQsCQgr0AQEIAEUAADbz2EAAQAYu7Qr0AQoK9AEL6yAfkM569q6A9zKkgBgAPxglAAABAQgKFLAWbQgtsvYNCuIzAWtNBQ8ARAAAAEQAAAACQgr0AQsCQgr0AQoIAEUAADbz2EAAQAYu7Qr0AQoK9AEL6yAfkM569q6A9zKkgBgAPxglAAABAQgKFLAWbQgtsvYNCuIzAWtbBQ8AQgAAAEIAAAACQgr0AQoCQgr0AQsIAEUAADQvSUAAQAbzfgr0AQsK9AEKH5DrIID3MqTOevawgBAAQBgjAAABAQgKCC2y9hSwFm3iMwFr1w8PAIAAAADdAAAAAkIK9AEKAkIK9AELCABFAADPL0pAAEAG8uIK9AELCvQBCh+Q6yCA9zKkznr2sIAYAEAYvgAAAQEICggtsvkUsBZtSFRUUC8xLjAgMjAwIE9LDQpTZXJ2ZXI6IFNpbXBsZUhUVFAvMC42IFB5dGhvbi8zLjExLjcNCkRhdGU6IFPiMwFr7Q8PAEIAAABCAAAAAkIK9AELAkIK9AEBCABFAAA089lAAEAGLu4K9AEKCvQBC+sgH5DOevawgPczP4AQAD8YIwAAAQEIChSwFnAILbL54jMBa/IPDwBCAAAAQgAAAAJCCvQBCwJCCvQBCggARQAANPPZQABABi7uCvQBCgr0AQvrIB+Qznr2sID3Mz+AEAA/GCMAAAEBCAoUsBZwCC2y+eIzAWstEA8AQgAAAEIAAAACQgr0AQoCQgr0AQsIAEUAADQvS0AAQAbzfAr0AQsK9AEKH5DrIID3Mz/OevawgBEAQBgjAAABAQgKCC2y+RSwFnDiMwFr7SIPAEIAAABCAAAAAkIK9AELAkIK9AEBCABFAAA089pAAEAGLu0K9AEKCvQBC+sgH5DOevawgPczQIARAD8YIwAAAQEIChSwFnUILbL54jMBa/8iDwBCAAAAQgAAAAJCCvQBCwJCCvQBCggARQAANPPaQABABi7tCvQBCgr0AQvrIB+Qznr2sID3M0CAEQA/GCMAAAEBCAoUsBZ1CC2y+eIzAWs+Iw8AQgAAAEIAAAACQgr0AQoCQgr0AQsIAEUAADQvTEAAQAbzewr0AQsK9AEKH5DrIID3M0DOevaxgBAAQBgjAAABAQgKCC2y/hSwFnXjMwFrBjYAAEoAAABKAAAAAkIK9AELAkIK9AEBCABFAAA86ZdAAEAGOSgK9AEKCvQBC+soH5CbDKfcAAAAAKAC+vAYKwAAAgQFtAQCCAohaIyyAAAAAAEDAwrjMwFrIzYAAEoAAABKAAAAAkIK9AELAkIK9AEKCABFAAA86ZdAAEAGOSgK9AEKCvQBC+soH5CbDKfcAAAAAKAC+vAYKwAAAgQFtAQCCAohaIyyAAAAAAEDAwrjMwFrTTYAAEoAAABKAAAAAkIK9AEKAkIK9AELCABFAAA8AABAAEAGIsAK9AELCvQBCh+Q6yhHaiwkmwyn3aAS/ogYKwAAAgQFtAQCCAqVaXrEIWiMsgEDAwrjMwFrajYAAEIAAABCAAAAAkIK9AELAkIK9AEBCABFAAA06ZhAAEAGOS8K9AEKCvQBC+soH5CbDKfdR2osJYAQAD8YIwAAAQEICiFojLKVaXrE4zMBa3A2AABCAAAAQgAAAAJCCvQBCwJCCvQBCggARQAANOmYQABABjkvCvQBCgr0AQvrKB+Qmwyn3UdqLCWAEAA/GCMAAAEBCAohaIyylWl6xOMzAWu7RgAAUwAAAFMAAAACQgr0AQsCQgr0AQEIAEUAAEXpmUAAQAY5HQr0AQoK9AEL6ygfkJsMp91HaiwlgBgAPxg0AAABAQgKIWiMtpVpesRIRUFEIC8gSFRUUC8xLjANCuMzAWvMRgAAUwAAAFMAAAACQgr0AQsCQgr0AQoIAEUAAEXpmUAAQAY5HQr0AQoK9AEL6ygfkJsMp91HaiwlgBgAPxg0AAABAQgKIWiMtpVpesRIRUFEIC8gSFRUUC8xLjANCuMzAWvwRgAAQgAAAEIAAAACQgr0AQoCQgr0AQsIAEUAADSIyEAAQAaZ/wr0AQsK9AEKH5DrKEdqLCWbDKfugBAAQBgjAAABAQgKlWl6yCFojLbjMwFrZUcAAEQAAABEAAAAAkIK9AELAkIK9AEBCABFAAA26ZpAAEAGOSsK9AEKCvQBC+soH5CbDKfuR2osJYAYAD8YJQAAAQEICiFojLaVaXrIDQrjMwFrbEcAAEQAAABEAAAAAkIK9AELAkIK9AEKCABFAAA26ZpAAEAGOSsK9AEKCvQBC+soH5CbDKfuR2osJYAYAD8YJQAAAQEICiFojLaVaXrIDQrjMwFrgEcAAEIAAABCAAAAAkIK9AEKAkIK9AELCABFAAA0iMlAAEAGmf4K9AELCvQBCh+Q6yhHaiwlmwyn8IAQAEAYIwAAAQEICpVpesghaIy24zMBa+pJAACAAAAA3QAAAAJCCvQBCgJCCvQBCwgARQAAz4jKQABABpliCvQBCwr0AQofkOsoR2osJZsMp/CAGABAGL4AAAEBCAqVaXrJIWiMtkhUVFAvMS4wIDIwMCBPSw0KU2VydmVyOiBTaW1wbGVIVFRQLzAuNiBQeXRob24vMy4xMS43DQpEYXRlOiBT4zMBa/tJAABCAAAAQgAAAAJCCvQBCwJCCvQBAQgARQAANOmbQABABjksCvQBCgr0AQvrKB+Qmwyn8EdqLMCAEAA/GCMAAAEBCAohaIy3lWl6yeMzAWsBSgAAQgAAAEIAAAACQgr0AQsCQgr0AQoIAEUAADTpm0AAQAY5LAr0AQoK9AEL6ygfkJsMp/BHaizAgBAAPxgjAAABAQgKIWiMt5VpesnjMwFrS0oAAEIAAABCAAAAAkIK9AEKAkIK9AELCABFAAA0iMtAAEAGmfwK9AELCvQBCh+Q6yhHaizAmwyn8IARAEAYIwAAAQEICpVpeskhaIy34zMBa0V1AABCAAAAQgAAAAJCCvQBCwJCCvQBAQgARQAANOmcQABABjkrCvQBCgr0AQvrKB+Qmwyn8EdqLMGAEQA/GCMAAAEBCAohaIzClWl6yeMzAWtXdQAAQgAAAEIAAAACQgr0AQsCQgr0AQoIAEUAADTpnEAAQAY5Kwr0AQoK9AEL6ygfkJsMp/BHaizBgBEAPxgjAAABAQgKIWiMwpVpesnjMwFrhXUAAEIAAABCAAAAAkIK9AEKAkIK9AELCABFAAA0iMxAAEAGmfsK9AELCvQBCh+Q6yhHaizBmwyn8YAQAEAYIwAAAQEICpVpetQhaIzC4zMBa1XJAABKAAAASgAAAAJCCvQBCgJCCvQBAQgARQAAPCD2QABABgHLCvQBCgr0AQrrMh+QXh/TtQAAAACgAvrwGCoAAAIEBbQEAggKO2hTuQAAAAABAwMK4zMBa3HJAABKAAAASgAAAAJCCvQBCgJCCvQBCggARQAAPCD2QABABgHLCvQBCgr0AQrrMh+QXh/TtQAAAACgAvrwGCoAAAIEBbQEAggKO2hTuQAAAAABAwMK4zMBa47JAABKAAAASgAAAAJCCvQBCgJCCvQBAQgARQAAPAAAQABABiLBCvQBCgr0AQofkOsyGooU+V4f07agEv6IGCoAAAIEBbQEAggKNh0uhTtoU7kBAwMK4zMBa5TJAABKAAAASgAAAAJCCvQBCgJCCvQBCggARQAAPAAAQABABiLBCvQBCgr0AQofkOsyGooU+V4f07agEv6IGCoAAAIEBbQEAggKNh0uhTtoU7kBAwMK4zMBa73JAABCAAAAQgAAAAJCCvQBCgJCCvQBAQgARQAANCD3QABABgHSCvQBCgr0AQrrMh+QXh/TthqKFPqAEAA/GCIAAAEBCAo7aFO6Nh0uheMzAWvEyQAAQgAAAEIAAAACQgr0AQoCQgr0AQoIAEUAADQg90AAQAYB0gr0AQoK9AEK6zIfkF4f07YaihT6gBAAPxgiAAABAQgKO2hTujYdLoXjMwFrStkAAFMAAABTAAAAAkIK9AEKAkIK9AEBCABFAABFIPhAAEAGAcAK9AEKCvQBCusyH5BeH9O2GooU+oAYAD8YMwAAAQEICjtoU742HS6FSEVBRCAvIEhUVFAvMS4wDQrjMwFrVtkAAFMAAABTAAAAAkIK9AEKAkIK9AEKCABFAABFIPhAAEAGAcAK9AEKCvQBCusyH5BeH9O2GooU+oAYAD8YMwAAAQEICjtoU742HS6FSEVBRCAvIEhUVFAvMS4wDQrjMwFrZtkAAEIAAABCAAAAAkIK9AEKAkIK9AEBCABFAAA0KrBAAEAG+BgK9AEKCvQBCh+Q6zIaihT6Xh/Tx4AQAEAYIgAAAQEICjYdLok7aFO+4zMBa2nZAABCAAAAQgAAAAJCCvQBCgJCCvQBCggARQAANCqwQABABvgYCvQBCgr0AQofkOsyGooU+l4f08eAEABAGCIAAAEBCAo2HS6JO2hTvuMzAWt42QAARAAAAEQAAAACQgr0AQoCQgr0AQEIAEUAADYg+UAAQAYBzgr0AQoK9AEK6zIfkF4f08caihT6gBgAPxgkAAABAQgKO2hTvjYdLokNCuMzAWt92QAARAAAAEQAAAACQgr0AQoCQgr0AQoIAEUAADYg+UAAQAYBzgr0AQoK9AEK6zIfkF4f08caihT6gBgAPxgkAAABAQgKO2hTvjYdLokNCuMzAWuM2QAAQgAAAEIAAAACQgr0AQoCQgr0AQEIAEUAADQqsUAAQAb4Fwr0AQoK9AEKH5DrMhqKFPpeH9PJgBAAQBgiAAABAQgKNh0uiTtoU77jMwFrkdkAAEIAAABCAAAAAkIK9AEKAkIK9AEKCABFAAA0KrFAAEAG+BcK9AEKCvQBCh+Q6zIaihT6Xh/TyYAQAEAYIgAAAQEICjYdLok7aFO+4zMBa43uAACAAAAA3QAAAAJCCvQBCgJCCvQBAQgARQAAzyqyQABABvd7CvQBCgr0AQofkOsyGooU+l4f08mAGABAGL0AAAEBCAo2HS6OO2hTvkhUVFAvMS4wIDIwMCBPSw0KU2VydmVyOiBTaW1wbGVIVFRQLzAuNiBQeXRob24vMy4xMS43DQpEYXRlOiBT4zMBa6XuAACAAAAA3QAAAAJCCvQBCgJCCvQBCggARQAAzyqyQABABvd7CvQBCgr0AQofkOsyGooU+l4f08mAGABAGL0AAAEBCAo2HS6OO2hTvkhUVFAvMS4wIDIwMCBPSw0KU2VydmVyOiBTaW1wbGVIVFRQLzAuNiBQeXRob24vMy4xMS43DQpEYXRlOiBT4zMBa8buAABCAAAAQgAAAAJCCvQBCgJCCvQBAQgARQAANCD6QABABgHPCvQBCgr0AQrrMh+QXh/TyRqKFZWAEAA/GCIAAAEBCAo7aFPDNh0ujuMzAWvL7gAAQgAAAEIAAAACQgr0AQoCQgr0AQoIAEUAADQg+kAAQAYBzwr0AQoK9AEK6zIfkF4f08kaihWVgBAAPxgiAAABAQgKO2hTwzYdLo7jMwFr1vgAAEIAAABCAAAAAkIK9AEKAkIK9AEBCABFAAA0KrNAAEAG+BUK9AEKCvQBCh+Q6zIaihWVXh/TyYARAEAYIgAAAQEICjYdLpE7aFPD4zMBa+D4AABCAAAAQgAAAAJCCvQBCgJCCvQBCggARQAANCqzQABABvgVCvQBCgr0AQofkOsyGooVlV4f08mAEQBAGCIAAAEBCAo2HS6RO2hTw+MzAWuB+wAAQgAAAEIAAAACQgr0AQoCQgr0AQEIAEUAADQg+0AAQAYBzgr0AQoK9AEK6zIfkF4f08kaihWWgBEAPxgiAAABAQgKO2hTxjYdLpHjMwFrivsAAEIAAABCAAAAAkIK9AEKAkIK9AEKCABFAAA0IPtAAEAGAc4K9AEKCvQBCusyH5BeH9PJGooVloARAD8YIgAAAQEICjtoU8Y2HS6R4zMBa6b7AABCAAAAQgAAAAJCCvQBCgJCCvQBAQgARQAANCq0QABABvgUCvQBCgr0AQofkOsyGooVll4f08qAEABAGCIAAAEBCAo2HS6RO2hTxuMzAWur+wAAQgAAAEIAAAACQgr0AQoCQgr0AQoIAEUAADQqtEAAQAb4FAr0AQoK9AEKH5DrMhqKFZZeH9PKgBAAQBgiAAABAQgKNh0ukTtoU8bnMwFrupwBAEoAAABKAAAAAkIK9AEBAkIK9AELCABFAAA887FAAEAGEqUK9AELCmAeB6tWAFA+3nhnAAAAAKAC+vA0lAAAAgQFtAQCCApTyH7yAAAAAAEDAwrnMwFr1ZwBAGYAAABmAAAAAkIK9AELAkIK9AEBCABFwABYmvgAAEABxvkK9AEBCvQBCwMD3/wAAAAARQAAPPOxQAA/BhOlCvQBCwpgHgerVgBQPt54ZwAAAACgAvrwNJQAAAIEBbQEAggKU8h+8gAAAAABAwMK6DMBa+biAQBKAAAASgAAAAJCCvQBAQJCCvQBCwgARQAAPPOyQABABhKkCvQBCwpgHgerVgBQPt54ZwAAAACgAvrwNJQAAAIEBbQEAggKU8iC7AAAAAABAwMK6DMBaw7jAQBmAAAAZgAAAAJCCvQBCwJCCvQBAQgARcAAWJtjAABAAcaOCvQBAQr0AQsDA9wCAAAAAEUAADzzskAAPwYTpAr0AQsKYB4Hq1YAUD7eeGcAAAAAoAL68DSUAAACBAW0BAIIClPIguwAAAAAAQMDCugzAWsXAAIASgAAAEoAAAACQgr0AQECQgr0AQsIAEUAADzz6UAAQAYs0Qr0AQsK9AMPg34g+99CtqoAAAAAoAL68BowAAACBAW0BAIICqp9HbcAAAAAAQMDCugzAWsrAAIAZgAAAGYAAAACQgr0AQsCQgr0AQEIAEXAAFibZAAAQAGgGQpgKAkK9AELAwFR1AAAAABFAAA88+lAAEAGCGsK9AELCmAoCYN+AbvfQraqAAAAAKAC+vAVCgAAAgQFtAQCCAqqfR23AAAAAAEDAwrpMwFrm0ACAEoAAABKAAAAAkIK9AEBAkIK9AELCABFAAA88+pAAEAGLNAK9AELCvQDD4N+IPvfQraqAAAAAKAC+vAaMAAAAgQFtAQCCAqqfSGwAAAAAAEDAwrpMwFrs0ACAGYAAABmAAAAAkIK9AELAkIK9AEBCABFwABYnDMAAEABn0oKYCgJCvQBCwMBTdsAAAAARQAAPPPqQABABghqCvQBCwpgKAmDfgG730K2qgAAAACgAvrwFQoAAAIEBbQEAggKqn0hsAAAAAABAwMK6TMBa7BpAgBKAAAASgAAAAJCCvQBAQJCCvQBCggARQAAPPcaQABABiqcCvQBCgr0AhSg9B+QVYV11wAAAACgAvrwGTQAAAIEBbQEAggKShNa0QAAAAABAwMK6TMBa/FpAgBKAAAASgAAAAJCCvQBCgJCCvQBAQgARQAAPAAAQAA/BkcLwKgoCwr0AQp1gKD05KoqhFWFddigEv6I9N8AAAIEBbQEAggKLlidB0oTWtEBAwMK6TMBawVqAgBCAAAAQgAAAAJCCvQBAQJCCvQBCggARQAANPcbQABABiqjCvQBCgr0AhSg9B+QVYV12OSqKoWAEAA/GSwAAAEBCApKE1rRLlidB+kzAWudawIAUwAAAFMAAAACQgr0AQECQgr0AQoIAEUAAEX3HEAAQAYqkQr0AQoK9AIUoPQfkFWFddjkqiqFgBgAPxk9AAABAQgKShNa0i5YnQdIRUFEIC8gSFRUUC8xLjANCukzAWu1awIAQgAAAEIAAAACQgr0AQoCQgr0AQEIAEUAADSqwkAAPwacUMCoKAsK9AEKdYCg9OSqKoVVhXXpgBAAQPTXAAABAQgKLlidCEoTWtLpMwFrxmsCAEQAAABEAAAAAkIK9AEBAkIK9AEKCABFAAA29x1AAEAGKp8K9AEKCvQCFKD0H5BVhXXp5KoqhYAYAD8ZLgAAAQEICkoTWtIuWJ0IDQrpMwFr1WsCAEIAAABCAAAAAkIK9AEKAkIK9AEBCABFAAA0qsNAAD8GnE/AqCgLCvQBCnWAoPTkqiqFVYV164AQAED01wAAAQEICi5YnQhKE1rS6TMBa7tyAgCAAAAA3QAAAAJCCvQBCgJCCvQBAQgARQAAz6rEQAA/BpuzwKgoCwr0AQp1gKD05KoqhVWFdeuAGABA9XIAAAEBCAouWJ0JShNa0khUVFAvMS4wIDIwMCBPSw0KU2VydmVyOiBTaW1wbGVIVFRQLzAuNiBQeXRob24vMy4xMS43DQpEYXRlOiBT6TMBa8pyAgBCAAAAQgAAAAJCCvQBAQJCCvQBCggARQAANPceQABABiqgCvQBCgr0AhSg9B+QVYV16+SqKyCAEAA/GSwAAAEBCApKE1rTLlidCekzAWsUcwIAQgAAAEIAAAACQgr0AQoCQgr0AQEIAEUAADSqxUAAPwacTcCoKAsK9AEKdYCg9OSqKyBVhXXrgBEAQPTXAAABAQgKLlidCkoTWtPpMwFrUXgCAEIAAABCAAAAAkIK9AEBAkIK9AEKCABFAAA09x9AAEAGKp8K9AEKCvQCFKD0H5BVhXXr5KorIYARAD8ZLAAAAQEICkoTWtUuWJ0K6TMBa3h4AgBCAAAAQgAAAAJCCvQBCgJCCvQBAQgARQAANKrGQAA/BpxMwKgoCwr0AQp1gKD05KorIVWFdeyAEABA9NcAAAEBCAouWJ0LShNa1Q==
"""
    ),
    (
      "eth0.pcap",
      """
1MOyoQIABAAAAAAAAAAAAIAAAAABAAAA4jMBa5lQDgBKAAAASgAAAAIAAAAADAIAAAAACwgARQAAPLAjQAA/BnKdCvQBCgr0AgrrGB+QMKxTHQAAAACgAvrwGSoAAAIEBbQEAggKh1wCagAAAAABAwMK4jMBa7RQDgBKAAAASgAAAAIAAAAACwIAAAAADAgARQAAPAAAQABABiHBCvQCCgr0AQofkOsY1/Z6MTCsUx6gEv6IGSoAAAIEBbQEAggKyOoOTIdcAmoBAwMK4jMBa9tQDgBCAAAAQgAAAAIAAAAADAIAAAAACwgARQAANLAkQAA/BnKkCvQBCgr0AgrrGB+QMKxTHtf2ejKAEAA/GSIAAAEBCAqHXAJqyOoOTOIzAWtEUQ4AUwAAAFMAAAACAAAAAAwCAAAAAAsIAEUAAEWwJUAAPwZykgr0AQoK9AIK6xgfkDCsUx7X9noygBgAPxkzAAABAQgKh1wCasjqDkxIRUFEIC8gSFRUUC8xLjANCuIzAWtUUQ4AQgAAAEIAAAACAAAAAAsCAAAAAAwIAEUAADQE/UAAQAYczAr0AgoK9AEKH5DrGNf2ejIwrFMvgBAAQBkiAAABAQgKyOoOTIdcAmriMwFrclEOAEQAAABEAAAAAgAAAAAMAgAAAAALCABFAAA2sCZAAD8GcqAK9AEKCvQCCusYH5AwrFMv1/Z6MoAYAD8ZJAAAAQEICodcAmrI6g5MDQriMwFrelEOAEIAAABCAAAAAgAAAAALAgAAAAAMCABFAAA0BP5AAEAGHMsK9AIKCvQBCh+Q6xjX9noyMKxTMYAQAEAZIgAAAQEICsjqDkyHXAJq4jMBa2B3DgCAAAAA3QAAAAIAAAAACwIAAAAADAgARQAAzwT/QABABhwvCvQCCgr0AQofkOsY1/Z6MjCsUzGAGABAGb0AAAEBCArI6g5Wh1wCakhUVFAvMS4wIDIwMCBPSw0KU2VydmVyOiBTaW1wbGVIVFRQLzAuNiBQeXRob24vMy4xMS43DQpEYXRlOiBT4jMBa6h3DgBCAAAAQgAAAAIAAAAADAIAAAAACwgARQAANLAnQAA/BnKhCvQBCgr0AgrrGB+QMKxTMdf2es2AEAA/GSIAAAEBCAqHXAJ0yOoOVuIzAWv/dw4AQgAAAEIAAAACAAAAAAsCAAAAAAwIAEUAADQFAEAAQAYcyQr0AgoK9AEKH5DrGNf2es0wrFMxgBEAQBkiAAABAQgKyOoOVodcAnTiMwFrgZYOAEIAAABCAAAAAgAAAAAMAgAAAAALCABFAAA0sChAAD8GcqAK9AEKCvQCCusYH5AwrFMx1/Z6zoARAD8ZIgAAAQEICodcAnzI6g5W4jMBa7iWDgBCAAAAQgAAAAIAAAAACwIAAAAADAgARQAANAUBQABABhzICvQCCgr0AQofkOsY1/Z6zjCsUzKAEABAGSIAAAEBCArI6g5eh1wCfOMzAWtGiAEASgAAAEoAAAACAAAAAAsCAAAAADIIAEUAADxCtUAAQAYmecCoKDLAqCgLosB1gKDFqpUAAAAAoAL68NG8AAACBAW0BAIICn4+/ZAAAAAAAQMDCuQzAWvI4gEASgAAAEoAAAACAAAAAAsCAAAAADIIAEUAADxCtkAAQAYmeMCoKDLAqCgLosB1gKDFqpUAAAAAoAL68NG8AAACBAW0BAIICn4/AZAAAAAAAQMDCuUzAWuOQAIASgAAAEoAAAACAAAAAAsCAAAAADIIAEUAADxCt0AAQAYmd8CoKDLAqCgLosB1gKDFqpUAAAAAoAL68NG8AAACBAW0BAIICn4/BZAAAAAAAQMDCuYzAWs0ngIASgAAAEoAAAACAAAAAAsCAAAAADIIAEUAADxCuEAAQAYmdsCoKDLAqCgLosB1gKDFqpUAAAAAoAL68NG8AAACBAW0BAIICn4/CZAAAAAAAQMDCukzAWvEaQIASgAAAEoAAAACAAAAAAwCAAAAAAsIAEUAADz3GkAAPwYrnAr0AQoK9AIUoPQfkFWFddcAAAAAoAL68Bk0AAACBAW0BAIICkoTWtEAAAAAAQMDCukzAWvoaQIASgAAAEoAAAACAAAAAAsCAAAAAAwIAEUAADwAAEAAQAYhtwr0AhQK9AEKH5Cg9OSqKoRVhXXYoBL+iBk0AAACBAW0BAIICi5YnQdKE1rRAQMDCukzAWsIagIAQgAAAEIAAAACAAAAAAwCAAAAAAsIAEUAADT3G0AAPwYrowr0AQoK9AIUoPQfkFWFddjkqiqFgBAAPxksAAABAQgKShNa0S5YnQfpMwFromsCAFMAAABTAAAAAgAAAAAMAgAAAAALCABFAABF9xxAAD8GK5EK9AEKCvQCFKD0H5BVhXXY5KoqhYAYAD8ZPQAAAQEICkoTWtIuWJ0HSEVBRCAvIEhUVFAvMS4wDQrpMwFrsGsCAEIAAABCAAAAAgAAAAALAgAAAAAMCABFAAA0qsJAAEAGdvwK9AIUCvQBCh+QoPTkqiqFVYV16YAQAEAZLAAAAQEICi5YnQhKE1rS6TMBa8hrAgBEAAAARAAAAAIAAAAADAIAAAAACwgARQAANvcdQAA/BiufCvQBCgr0AhSg9B+QVYV16eSqKoWAGAA/GS4AAAEBCApKE1rSLlidCA0K6TMBa9JrAgBCAAAAQgAAAAIAAAAACwIAAAAADAgARQAANKrDQABABnb7CvQCFAr0AQofkKD05KoqhVWFdeuAEABAGSwAAAEBCAouWJ0IShNa0ukzAWutcgIAgAAAAN0AAAACAAAAAAsCAAAAAAwIAEUAAM+qxEAAQAZ2Xwr0AhQK9AEKH5Cg9OSqKoVVhXXrgBgAQBnHAAABAQgKLlidCUoTWtJIVFRQLzEuMCAyMDAgT0sNClNlcnZlcjogU2ltcGxlSFRUUC8wLjYgUHl0aG9uLzMuMTEuNw0KRGF0ZTogU+kzAWvNcgIAQgAAAEIAAAACAAAAAAwCAAAAAAsIAEUAADT3HkAAPwYroAr0AQoK9AIUoPQfkFWFdevkqisggBAAPxksAAABAQgKShNa0y5YnQnpMwFrDHMCAEIAAABCAAAAAgAAAAALAgAAAAAMCABFAAA0qsVAAEAGdvkK9AIUCvQBCh+QoPTkqisgVYV164ARAEAZLAAAAQEICi5YnQpKE1rT6TMBa1d4AgBCAAAAQgAAAAIAAAAADAIAAAAACwgARQAANPcfQAA/BiufCvQBCgr0AhSg9B+QVYV16+SqKyGAEQA/GSwAAAEBCApKE1rVLlidCukzAWtyeAIAQgAAAEIAAAACAAAAAAsCAAAAAAwIAEUAADSqxkAAQAZ2+Ar0AhQK9AEKH5Cg9OSqKyFVhXXsgBAAQBksAAABAQgKLlidC0oTWtU=
"""
    ),
  ]
}
