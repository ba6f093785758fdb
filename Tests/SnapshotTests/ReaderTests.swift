import Input
import Testing
import Wire

@testable import Snapshot

/// Reads a literal dump with one reader.
func read<Reader: DumpReader>(_ reader: Reader.Type, _ text: String, into start: Snapshot = Snapshot(name: "n"))
  -> Snapshot
{
  var snapshot = start
  reader.read(SourceFile(name: "d.txt", text: text), into: &snapshot)
  return snapshot
}

@Suite struct LinkReaderTests {
  static let text = """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
        link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
        inet 127.0.0.1/8 scope host lo
           valid_lft forever preferred_lft forever
    3: veth1@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master cni0 state UP group default
        link/ether 02:00:00:00:01:02 brd ff:ff:ff:ff:ff:ff link-netnsid 0 promiscuity 1
        veth
        bridge_slave state forwarding priority 32 cost 2 hairpin on guard off
    4: flannel.1: <BROADCAST,MULTICAST> mtu 1450 qdisc noqueue state DOWN group default
        link/ether 3a:45:14:f8:dc:0c brd ff:ff:ff:ff:ff:ff
        vxlan id 1 local 192.168.10.11 dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto
        inet 10.244.0.0/32 scope global flannel.1
        inet 10.0.0.1 peer 10.0.0.2/24 brd 10.0.0.255 scope global secondary flannel.1
        inet6 fe80::1/64 scope link tentative
        rubbish here
    """

  @Test func details() {
    let snapshot = read(IPLinkReader.self, Self.text)
    #expect(snapshot.diagnostics.list.map(\.position) == [.line(15)])
    let veth = snapshot.link(named: "veth1")
    #expect(veth?.peerIndex == 2)
    #expect(veth?.master == "cni0")
    #expect(veth?.kind == "veth")
    #expect(veth?.hairpin == true)
    #expect(veth?.promiscuous == true)
    let vxlan = snapshot.link(named: "flannel.1")
    #expect(vxlan?.up == false)
    #expect(vxlan?.vxlan?.port == 8472)
    #expect(vxlan?.vxlan?.learning == false)
    #expect(vxlan?.parent == "eth0")
    #expect(snapshot.link(named: "lo")?.loopback == true)
    #expect(snapshot.addresses?.map(\.prefixLength) == [8, 32, 24, 64])
    #expect(snapshot.addresses?[2].peer == IPAddress("10.0.0.2"))
    #expect(snapshot.addresses?[2].secondary == true)
    #expect(snapshot.addresses?[3].tentative == true)
  }

  @Test func readingTwiceMerges() {
    let json = """
      [{"ifindex":3,"link_index":2,"ifname":"veth1","flags":["UP"],"mtu":1500,"link_type":"ether",
        "address":"02:00:00:00:01:02","addr_info":[]},
       {"ifindex":4,"ifname":"flannel.1","flags":[],"mtu":1450,
        "addr_info":[{"family":"inet","local":"10.244.0.0","prefixlen":32,"scope":"global"}]}]
      """
    let once = read(IPLinkReader.self, Self.text)
    let twice = read(IPLinkReader.self, json, into: once)
    #expect(twice.links == once.links)
    #expect(twice.addresses == once.addresses)
  }

  @Test func linkWithoutAddressesLeavesThemUnknown() {
    #expect(read(IPLinkReader.self, "1: lo: <UP> mtu 1\n    link/loopback 00:00:00:00:00:00\n").addresses == nil)
  }

  @Test func oneLineForm() {
    let snapshot = read(
      IPLinkReader.self,
      """
      1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
      2: eth0    inet6 fd00::1/64 scope global \\       valid_lft forever preferred_lft forever
      2: eth0: <BROADCAST,UP> mtu 1500 qdisc mq state UP\\    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
      """)
    #expect(snapshot.diagnostics.list.isEmpty)
    #expect(snapshot.addresses?.map(\.interface) == ["lo", "eth0"])
    #expect(snapshot.link(named: "eth0")?.mac == "02:00:00:00:00:01")
  }
}

@Suite struct RouteReaderTests {
  @Test func everyForm() throws {
    let snapshot = read(
      IPRouteReader.self,
      """
      default via 192.168.10.1 dev eth0 proto dhcp metric 100
      default dev lo table 2004 scope host
      blackhole 10.99.0.0/24
      10.1.0.0/16 proto static
      \tnexthop via 192.0.2.1 dev eth0 weight 1
      \tnexthop via 192.0.2.2 dev eth1 weight 3 onlink dead
      10.2.0.0/16 via inet6 fe80::1 dev eth0
      local 10.0.0.1 dev eth0 table local proto kernel scope host src 10.0.0.1
      fd00::/64 dev eth0 proto kernel metric 256 expires 100sec mtu lock 1280 pref medium
      default via fe80::1 dev eth0 metric 1024 pref medium
      2001:db8::/32 from 2001:db8:1::/48 dev eth0 metric 1024
      unreachable default dev lo table VPN metric 4294967295 error -101 pref medium
      10.3.0.0/16 encap ip id 1 dst 192.0.2.9 via 192.0.2.1 dev tun0
      nonsense
      """)
    let routes = try #require(snapshot.routes)
    #expect(snapshot.diagnostics.list.map(\.position) == [.line(14)])
    try #require(routes.count == 11)
    #expect(routes[0].metric == 100)
    #expect(routes[1].table == 2004)
    #expect(routes[1].destination == IPPrefix("0.0.0.0/0"))
    #expect(routes[2].type == .blackhole)
    #expect(routes[2].nextHops.isEmpty)
    #expect(routes[3].nextHops.map(\.weight) == [1, 3])
    #expect(routes[3].nextHops[1].onlink && routes[3].nextHops[1].dead)
    #expect(routes[4].nextHops[0].gateway == IPAddress("fe80::1"))
    #expect(routes[5].type == .local && routes[5].table == 255)
    #expect(routes[6].mtu == 1280)
    #expect(routes[7].destination == IPPrefix("::/0"))
    #expect(routes[8].from == IPPrefix("2001:db8:1::/48"))
    #expect(routes[9].destination == IPPrefix("::/0") && routes[9].type == .unreachable)
    #expect(snapshot.routingTableNames[routes[9].table] == "VPN")
    #expect(routes[10].nextHops[0].interface == "tun0")
    #expect(routes[10].line == 13)
  }

  @Test func textAndJSONAreOneRoute() {
    let text = read(
      IPRouteReader.self,
      "default via 192.168.10.1 dev eth0 \n10.0.0.0/24 via 10.0.0.1 dev vxlan onlink\ndefault via fd00::1 dev eth0 metric 1024 pref medium\n"
    )
    let json = read(
      IPRouteReader.self,
      """
      [{"dst":"default","gateway":"192.168.10.1","dev":"eth0","flags":[]},
       {"dst":"10.0.0.0/24","gateway":"10.0.0.1","dev":"vxlan","flags":["onlink"]},
       {"dst":"default","gateway":"fd00::1","dev":"eth0","metric":1024,"flags":[],"pref":"medium"}]
      """, into: text)
    #expect(json.routes == text.routes)
    #expect(text.routes?.count == 3)
  }
}

@Suite struct RuleReaderTests {
  @Test func everyForm() throws {
    let snapshot = read(
      IPRuleReader.self,
      """
      0:\tfrom all lookup local
      9:\tnot from 10.0.0.0/8 to 192.0.2.0/24 fwmark 0x200/0xf00 iif eth0 [detached] lookup 2004 proto 80
      10:\tfrom all oif lo ipproto tcp sport 10-20 dport 80 uidrange 0-1000 lookup vpn suppress_prefixlength 0
      11:\tfrom all goto 32766
      12:\tfrom all prohibit
      1000:\tfrom all lookup [l3mdev-table]
      32766:\tfrom all lookup main
      broken
      """)
    let rules = try #require(snapshot.routingRules)
    #expect(snapshot.diagnostics.list.map(\.position) == [.line(8)])
    try #require(rules.count == 7)
    #expect(rules.allSatisfy { $0.version == .v4 })
    #expect(rules[1].inverted && rules[1].mark == 0x200 && rules[1].markMask == 0xF00)
    #expect(rules[1].to == IPPrefix("192.0.2.0/24") && rules[1].inputInterface == "eth0")
    #expect(rules[2].sourcePorts == 10...20 && rules[2].destinationPorts == 80...80 && rules[2].userIDs == 0...1000)
    #expect(rules[2].suppressPrefixLength == 0 && rules[2].ipProtocol == 6)
    #expect(rules[3].action == .goto(32766))
    #expect(rules[4].action == .prohibit)
    #expect(rules[5].l3mdev)
  }

  @Test func versionByNameAndContent() {
    var snapshot = Snapshot(name: "n")
    IPRuleReader.read(
      DumpSection(SourceFile(name: "r", text: "0: from all lookup local\n")), version: .v6, into: &snapshot)
    IPRuleReader.read(
      SourceFile(name: "r", text: "0: from all lookup local\n1: from fd00::/8 lookup 5\n"), into: &snapshot)
    IPRuleReader.read(SourceFile(name: "r", text: #"[{"priority":0,"src":"all","table":"local"}]"#), into: &snapshot)
    #expect(snapshot.routingRules?.map(\.version) == [.v6, .v6, .v4])
  }
}

@Suite struct IPSetReaderTests {
  @Test func everyType() throws {
    let snapshot = read(
      IPSetReader.self,
      """
      create a hash:ip,port family inet hashsize 1024 maxelem 65536 timeout 300
      add a 10.0.0.1,tcp:80 timeout 12 comment "say hi" nomatch
      add a 10.0.0.0/30,udp:53-54
      add a 10.0.0.1,icmp:8/0
      add a 10.0.0.1,vrrp:0
      create b hash:net,iface family inet
      add b 10.0.0.0/8,physdev:eth0
      create c bitmap:port range 0-65535
      add c 80-90
      create d list:set size 8
      add d a
      create e hash:ip,mark markmask 0xff
      add e 10.0.0.1,0x63
      create f hash:net,port,net family inet6
      add f fd00::/64,tcp:80,2001:db8::/32
      create g bitmap:ip,mac range 10.0.0.0/24
      add g 10.0.0.5
      add g 10.0.0.6,02:00:00:00:00:01
      create h hash:ip,port,ip
      add h 10.0.0.1,tcp:80,10.0.0.2
      create i bitmap:ip range 10.0.0.0-10.0.0.255
      add i 10.0.0.3-10.0.0.9
      create j hash:mac
      add j 02:00:00:00:00:01
      add nowhere 1.2.3.4
      add a nonsense
      """)
    #expect(snapshot.diagnostics.list.map(\.position) == [.line(25), .line(26)])
    let sets = try #require(snapshot.ipsets)
    #expect(sets.map(\.elements.count) == [4, 1, 1, 1, 1, 1, 2, 1, 1, 1])
    let first = sets[0].elements[0]
    #expect(first.timeout == 12 && first.comment == "say hi" && first.noMatch && first.line == 2)
    #expect(first.parts[1] == .port(proto: 6, ports: 80...80))
    #expect(sets[0].elements[2].parts[1] == .port(proto: 1, ports: 0x800...0x800))
    #expect(sets[1].elements[0].parts[1] == .interface("eth0", physical: true))
    #expect(sets[2].elements[0].parts[0] == .port(proto: nil, ports: 80...90))
    #expect(sets[4].markMask == 0xFF)
    #expect(sets[5].version == .v6)
    #expect(sets[8].version == .v4)
  }

  @Test func listAndSaveAreOneSet() {
    let list = """
      Name: a
      Type: hash:ip
      Revision: 6
      Header: family inet6 hashsize 1024 maxelem 65536 timeout 0
      Size in memory: 384
      References: 0
      Number of entries: 2
      Members:
      fd00::1 timeout 0
      fd00::2 timeout 0

      Name: b
      Type: list:set
      Header: size 8
      Members:
      a
      """
    let first = read(IPSetReader.self, list)
    #expect(first.diagnostics.list.isEmpty)
    let both = read(IPSetReader.self, "create a hash:ip family inet6\nadd a fd00::1\n", into: first)
    #expect(both.ipsets?.map(\.elements.count) == [2, 1])
    #expect(both.ipsets?[0].version == .v6)
  }
}

@Suite struct ConnectionReaderTests {
  @Test func everyForm() throws {
    let snapshot = read(
      ConntrackReader.self,
      """
      tcp      6 118 SYN_SENT src=192.168.0.2 dst=10.244.1.99 sport=60068 dport=8080 packets=1 bytes=60 [UNREPLIED] src=10.244.1.99 dst=10.244.1.1 sport=8080 dport=57036 packets=0 bytes=0 mark=128 zone=7 use=3
      ipv4     2 icmp     1 27 src=192.168.0.2 dst=10.244.1.5 type=8 code=0 id=5961 src=10.244.1.5 dst=10.244.1.1 type=0 code=0 id=59243 mark=0 use=1
      ipv6     10 udp      17 27 src=fd00::1 dst=fd00::2 sport=1 dport=2 src=fd00::2 dst=fd00::1 sport=2 dport=1 [ASSURED] mark=0
          [NEW] udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=5 dport=6 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=6 dport=5
      conntrack v1.4.7 (conntrack-tools): 4 flow entries have been shown.
      nonsense
      """)
    #expect(snapshot.diagnostics.list.map(\.position) == [.line(6)])
    let entries = try #require(snapshot.connections)
    try #require(entries.count == 4)
    #expect(entries[0].zone == 7 && entries[0].mark == 128 && entries[0].unreplied && entries[0].state == "SYN_SENT")
    #expect(entries[0].timeout == 118 && entries[0].reply.destinationPort == 57036)
    #expect(entries[1].original.sourcePort == 5961 && entries[1].reply.sourcePort == 59243)
    #expect(entries[2].original.source == IPAddress("fd00::1") && entries[2].assured)
  }

  @Test func statistics() {
    let text = "cpu=0   \tfound=0 invalid=5 insert_failed=7\n"
    #expect(
      read(ConntrackStatisticsReader.self, text).connectionStatistics == [
        ["cpu": 0, "found": 0, "invalid": 5, "insert_failed": 7]
      ])
    let proc = "entries  clashres insert_failed\n00000008  00000000 0000000a\n"
    #expect(
      read(ConntrackStatisticsReader.self, proc).connectionStatistics == [
        ["entries": 8, "clashres": 0, "insert_failed": 10, "cpu": 0]
      ])
  }

  @Test func sockets() throws {
    let snapshot = read(
      SocketReader.self,
      """
      Netid State  Recv-Q Send-Q      Local Address:Port  Peer Address:PortProcess
      nl    UNCONN 0      0           rtnl:kernel *
      udp   UNCONN 0      0       127.0.0.53%lo:53         0.0.0.0:*    users:(("systemd-resolve",pid=1117,fd=12))
      tcp   LISTEN 0      128              [::]:22            [::]:*
      tcp   LISTEN 0      128         127.0.0.1:http       0.0.0.0:*
      Active Internet connections (only servers)
      Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
      tcp6       0      0 ::1:25                  :::*                    LISTEN      1469/master
      udp        0      0 0.0.0.0:68              0.0.0.0:*                           1939/dhclient
      """)
    #expect(snapshot.diagnostics.list.isEmpty)
    let sockets = try #require(snapshot.sockets)
    #expect(sockets.map(\.localPort) == [53, 22, 80, 25, 68])
    #expect(sockets[0].interface == "lo" && sockets[0].process == "systemd-resolve")
    #expect(sockets[1].localAddress == nil)
    #expect(sockets[3].localAddress == IPAddress("::1") && sockets[3].process == "master")
  }
}

@Suite struct IPVSReaderTests {
  @Test func commandsAndTable() throws {
    let commands = """
      -A -t 192.0.2.1:80 -s rr -p 10800 -M 255.255.255.0
      -a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 1
      -A -u [fd00::1]:53 -s sh -b sh-port
      -a -u [fd00::1]:53 -r [fd00::2]:53 -g -w 0
      -A -f 7 -s wlc -o
      -a -t 192.0.2.9:80 -r 10.0.0.1:8080 -m -w 1
      """
    let snapshot = read(IPVSReader.self, commands)
    #expect(snapshot.diagnostics.list.map(\.position) == [.line(6)])
    let table = """
      IP Virtual Server version 1.2.1 (size=4096)
      Prot LocalAddress:Port Scheduler Flags
        -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
      TCP  192.0.2.1:80 rr persistent 10800 mask 255.255.255.0
        -> 10.0.0.1:8080                Masq    1      3          4
      FWM  7 wlc ops
      """
    let both = read(IPVSReader.self, table, into: snapshot)
    let servers = try #require(both.virtualServers)
    try #require(servers.count == 3)
    #expect(servers[0].persistence == 10800 && servers[0].persistenceMask == 24)
    #expect(servers[0].realServers[0].activeConnections == 3 && servers[0].realServers[0].inactiveConnections == 4)
    #expect(servers[1].address == IPAddress("fd00::1") && servers[1].schedulerFlags == ["sh-port"])
    #expect(servers[1].realServers[0].forwarding == .route && servers[1].realServers[0].weight == 0)
    #expect(servers[2].firewallMark == 7 && servers[2].onePacket)
  }
}

@Suite struct SmallReaderTests {
  @Test func sysctl() {
    let snapshot = read(
      SysctlReader.self,
      "net.ipv4.ip_forward = 1\nnet/ipv4/conf/eth0.5/rp_filter = 2\nnet.ipv4.tcp_rmem: 1 2\t3\n# no\nsysctl: permission denied\nbad\n"
    )
    #expect(
      snapshot.sysctls == [
        "net.ipv4.ip_forward": "1", "net.ipv4.conf.eth0/5.rp_filter": "2", "net.ipv4.tcp_rmem": "1 2\t3",
      ])
    #expect(snapshot.diagnostics.list.map(\.position) == [.line(6)])
  }

  @Test func neighboursAndForwarding() {
    let neighbours = read(
      IPNeighbourReader.self,
      "10.0.0.1 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE\nfe80::1 dev eth0 lladdr 02:00:00:00:00:02 router STALE\n10.0.0.3 dev eth0  INCOMPLETE\nx\n"
    )
    #expect(neighbours.neighbours?.map(\.state) == ["REACHABLE", "STALE", "INCOMPLETE"])
    #expect(neighbours.diagnostics.list.count == 1)
    let entries = read(BridgeFDBReader.self, "5e:00:00:00:00:01 dev flannel.1 dst 192.168.10.12 self permanent\n")
    #expect(entries.forwardingEntries?.first?.destination == IPAddress("192.168.10.12"))
  }
}
