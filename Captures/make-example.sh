#!/bin/bash
# Makes the embedded example: a small cluster in network namespaces, programmed as kube-proxy (iptables mode) does it,
# probed with real connections; then the dumps and captures of its node1, and Sources/kubepath/EmbeddedExample.swift.
# Needs root, iproute2, iptables, conntrack, tcpdump and python3. example/objects.json is written by hand.
#
#   client 192.168.40.50 ─┐                        ┌─ web-0  10.244.1.10
#   node2  192.168.40.12 ─┼─ lan ─ eth0 node1 cni0 ┼─ web-1  10.244.1.11
#     (pods 10.244.2.x)   ┘   192.168.40.11        └─ coredns 10.244.1.53
set -euo pipefail
cd "$(dirname "$0")"
out=example
prefix=kpx$$
namespaces=(lan client node1 node2 web-0 web-1 coredns)

cleanup() {
  local name
  for name in "${namespaces[@]}"; do
    ip netns pids "$prefix-$name" 2> /dev/null | xargs -r kill 2> /dev/null || true
    ip netns del "$prefix-$name" 2> /dev/null || true
  done
}
trap cleanup EXIT

in_ns() {
  local name=$1
  shift
  ip netns exec "$prefix-$name" "$@"
}

# --- the wires

for name in "${namespaces[@]}"; do
  ip netns add "$prefix-$name"
  in_ns "$name" sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  in_ns "$name" ip link set lo up
done

in_ns lan ip link add lan0 type bridge
in_ns lan ip link set lan0 up
in_ns node1 ip link add cni0 address 02:42:0a:f4:01:01 type bridge
in_ns node1 ip link set cni0 up

# plug NAMESPACE ADDRESS MAC PEER-NAMESPACE PEER-BRIDGE PEER-NAME
plug() {
  ip link add name "$6" netns "$prefix-$4" type veth peer name eth0 address "$3" netns "$prefix-$1"
  in_ns "$4" ip link set "$6" master "$5" up
  in_ns "$1" ip addr add "$2/24" dev eth0
  in_ns "$1" ip link set eth0 up
}
plug node1 192.168.40.11 02:00:00:00:00:0b lan lan0 to-node1
plug node2 192.168.40.12 02:00:00:00:00:0c lan lan0 to-node2
plug client 192.168.40.50 02:00:00:00:00:32 lan lan0 to-client
plug web-0 10.244.1.10 02:42:0a:f4:01:0a node1 cni0 veth1a2b3c4d
plug web-1 10.244.1.11 02:42:0a:f4:01:0b node1 cni0 veth2b3c4d5e
plug coredns 10.244.1.53 02:42:0a:f4:01:35 node1 cni0 veth3c4d5e6f
for port in veth1a2b3c4d veth2b3c4d5e veth3c4d5e6f; do
  in_ns node1 ip link set "$port" type bridge_slave hairpin on
done
for pod in web-0 web-1 coredns; do in_ns "$pod" ip route add default via 10.244.1.1; done

in_ns node1 ip addr add 10.244.1.1/24 dev cni0
in_ns node1 sysctl -q -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1 \
  net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
in_ns node1 ip route add default via 192.168.40.1
in_ns node1 ip route add 10.244.2.0/24 via 192.168.40.12
# The pod network's summary: what no node announces is unreachable. The route to node3's pods is missing.
in_ns node1 ip route add unreachable 10.244.0.0/16

in_ns node2 sysctl -q -w net.ipv4.ip_forward=1
for address in 10.244.2.10 10.244.2.20; do in_ns node2 ip addr add "$address/32" dev lo; done
in_ns node2 ip route add 10.244.1.0/24 via 192.168.40.11

# --- the rules, in kube-proxy's layout and with its chain names

# The first 16 letters of base32(sha256(text)).
hash16() {
  printf '%b' "$(printf '%s' "$1" | sha256sum | cut -c1-64 | sed 's/../\\x&/g')" | base32 -w0 | cut -c1-16
}

nat_services='' nat_chains='' declarations='' filter_services='' filter_external='' nodeports=''

declare_chain() { declarations+=":$1 - [0:0]"$'\n'; }

# service NAME PROTOCOL CLUSTER-IP PORT [ENDPOINT…]: a ClusterIP with its endpoints
service() {
  local name=$1 protocol=$2 vip=$3 port=$4
  shift 4
  if [ $# -eq 0 ]; then
    filter_services+="-A KUBE-SERVICES -d $vip/32 -p $protocol -m comment --comment \"$name has no endpoints\" -m $protocol --dport $port -j REJECT --reject-with icmp-port-unreachable"$'\n'
    return
  fi
  local chain left=$# endpoint target chance
  chain=KUBE-SVC-$(hash16 "$name$protocol")
  declare_chain "$chain"
  nat_services+="-A KUBE-SERVICES -d $vip/32 -p $protocol -m comment --comment \"$name cluster IP\" -m $protocol --dport $port -j $chain"$'\n'
  nat_chains+="-A $chain ! -s 10.244.0.0/16 -d $vip/32 -p $protocol -m comment --comment \"$name cluster IP\" -m $protocol --dport $port -j KUBE-MARK-MASQ"$'\n'
  for endpoint in "$@"; do
    target=KUBE-SEP-$(hash16 "$name$protocol$endpoint")
    declare_chain "$target"
    chance=''
    [ "$left" -eq 1 ] || chance=" -m statistic --mode random --probability $(awk "BEGIN { printf \"%.10f\", 1 / $left }")"
    nat_chains+="-A $chain -m comment --comment \"$name -> $endpoint\"$chance -j $target"$'\n'
    nat_chains+="-A $target -s ${endpoint%:*}/32 -m comment --comment \"$name\" -j KUBE-MARK-MASQ"$'\n'
    nat_chains+="-A $target -p $protocol -m comment --comment \"$name\" -m $protocol -j DNAT --to-destination $endpoint"$'\n'
    left=$((left - 1))
  done
}

# node_port NAME NODE-PORT: externalTrafficPolicy Local without a local endpoint
node_port_without_local_endpoint() {
  local name=$1 port=$2 external service
  external=KUBE-EXT-$(hash16 "${name}tcp")
  service=KUBE-SVC-$(hash16 "${name}tcp")
  declare_chain "$external"
  nodeports+="-A KUBE-NODEPORTS -p tcp -m comment --comment \"$name\" -m tcp --dport $port -j $external"$'\n'
  nat_chains+="-A $external -s 10.244.0.0/16 -m comment --comment \"pod traffic for $name external destinations\" -j $service"$'\n'
  nat_chains+="-A $external -m comment --comment \"masquerade LOCAL traffic for $name external destinations\" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ"$'\n'
  nat_chains+="-A $external -m comment --comment \"route LOCAL traffic for $name external destinations\" -m addrtype --src-type LOCAL -j $service"$'\n'
  filter_external+="-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment \"$name has no local endpoints\" -m addrtype --dst-type LOCAL -m tcp --dport $port -j DROP"$'\n'
}

service default/kubernetes:https tcp 10.96.0.1 443 192.168.40.10:6443
service kube-system/kube-dns:dns udp 10.96.0.10 53 10.244.1.53:53
service kube-system/kube-dns:dns-tcp tcp 10.96.0.10 53 10.244.1.53:53
service shop/cart:http tcp 10.96.12.34 80 10.244.1.10:8080 10.244.1.11:8080 10.244.2.10:8080
service shop/storefront:http tcp 10.96.20.5 80 10.244.2.20:8080
node_port_without_local_endpoint shop/storefront:http 30080
service shop/search:http tcp 10.96.30.7 80
service shop/payments:https tcp 10.96.40.9 443 10.244.3.15:8443

in_ns node1 iptables-nft-restore << EOF
*mangle
:KUBE-PROXY-CANARY - [0:0]
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
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
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
${filter_services}${filter_external}COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SERVICES - [0:0]
${declarations}-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A POSTROUTING -s 10.244.1.0/24 ! -d 10.244.0.0/16 -m comment --comment "pods going out" -j MASQUERADE --random-fully
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
${nat_services}-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
${nodeports}${nat_chains}COMMIT
EOF

# --- servers, captures, probes

serve() { in_ns "$1" python3 -m http.server "$3" --bind "$2" --directory /usr/share/doc/base-files > /dev/null 2>&1 & }
serve web-0 10.244.1.10 8080
serve web-1 10.244.1.11 8080
serve node2 10.244.2.10 8080
serve node2 10.244.2.20 8080
serve node1 127.0.0.1 10249

# reachable NAMESPACE ADDRESS PORT: waits until something listens there.
reachable() {
  local try
  for try in $(seq 100); do
    in_ns "$1" timeout 1 bash -c "exec 3<>/dev/tcp/$2/$3" 2> /dev/null && return 0
    sleep 0.1
  done
  echo "$2:$3 does not listen" >&2
  exit 1
}
reachable web-0 10.244.1.10 8080
reachable web-1 10.244.1.11 8080
reachable node2 10.244.2.10 8080
reachable node2 10.244.2.20 8080
reachable node1 127.0.0.1 10249
in_ns node1 conntrack -F 2> /dev/null

captures=()
for interface in eth0 cni0; do
  ip netns exec "$prefix-node1" tcpdump -q -i "$interface" -U -n -s 128 -Z root -w "$out/$interface.pcap" ip \
    2> "$out/$interface.log" &
  captures+=($!)
  until grep -q 'listening on' "$out/$interface.log" 2> /dev/null; do sleep 0.1; done
done

# probe NAMESPACE ADDRESS PORT: one connection, its answer read and thrown away; how it failed does not matter here.
probe() {
  in_ns "$1" timeout 4 bash -c "exec 3<>/dev/tcp/$2/$3 && printf 'HEAD / HTTP/1.0\r\n\r\n' >&3 && cat <&3" \
    > /dev/null 2>&1 || true
}
for _ in 1 2 3 4; do probe web-0 10.96.12.34 80; done
probe client 192.168.40.11 30080
probe web-1 10.96.30.7 80
probe web-1 10.96.40.9 443
probe web-0 192.168.40.11 30080
sleep 1
kill "${captures[@]}"
wait "${captures[@]}" || true
rm -f "$out"/*.log

# --- the dumps

dump() {
  local name=$1
  shift
  in_ns node1 "$@" > "$out/$name" 2> /dev/null
}
dump iptables-save.txt iptables-nft-save
sed -i '/^# \(Generated\|Completed\)/s/ on .*//' "$out/iptables-save.txt"
dump ip-addr.txt ip addr
dump ip-link.txt ip -d link
sed -i "s/ link-netns $prefix-/ link-netns cni-/" "$out/ip-addr.txt" "$out/ip-link.txt"
dump ip-route.txt ip route show table all
dump ip-rule.txt ip rule
dump ip-neigh.txt ip neigh
dump conntrack.txt conntrack -L
dump ss.txt ss -lntu
in_ns node1 sysctl -a 2> /dev/null | grep -E \
  '^net\.(ipv4\.(ip_forward|ip_local_port_range|conf\.(all|default|eth0|cni0|lo|veth[0-9a-f]+)\.(forwarding|rp_filter|route_localnet|accept_local|src_valid_mark))|bridge\.bridge-nf-call-iptables|netfilter\.nf_conntrack_(max|count|tcp_be_liberal|tcp_loose)) ' \
  > "$out/sysctl.txt"

# --- the same as Swift

{
  cat << 'EOF'
// Written by Captures/make-example.sh from Captures/example; not to be edited.
// swift-format-ignore-file

/// A small real node: dumps, cluster objects and captures recorded from the kernel. `kubepath demo` runs on it.
struct EmbeddedExample {
  static let files: [(name: String, text: String)] = [
EOF
  for file in "$out"/*.txt "$out"/*.json; do
    printf '    (\n      "%s",\n      ##"""\n' "${file##*/}"
    cat "$file"
    printf '\n"""##\n    ),\n' | sed '1{/^$/d}'
  done
  printf '  ]\n\n  /// Capture files in base64.\n  static let captures: [(name: String, base64: String)] = [\n'
  for file in "$out"/*.pcap; do
    printf '    (\n      "%s",\n      """\n%s\n"""\n    ),\n' "${file##*/}" "$(base64 -w 0 "$file")"
  done
  printf '  ]\n}\n'
} > ../Sources/kubepath/EmbeddedExample.swift
echo "wrote $out and Sources/kubepath/EmbeddedExample.swift"
