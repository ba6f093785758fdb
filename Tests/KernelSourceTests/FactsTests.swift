import Foundation
import Input
import KernelSource
import Ruleset
import Snapshot
import Testing
import Wire

/// Facts over netlink equal what the text readers make of the tools' output in the same namespace.
@Suite(.enabled(if: Lab.isAvailable)) struct FactsTests {
  @Test func linksAndRoutes() throws {
    let space = try Lab.Namespace("facts")
    for line in [
      "link add eth7 type veth peer name eth8", "link set eth8 up", "link set eth7 up mtu 1450",
      "link add br0 type bridge", "link set br0 up",
      "link add veth0 type veth peer name veth1", "link set veth0 master br0", "link set veth0 up",
      "link add vxlan7 type vxlan id 5 dstport 8472 local 192.0.2.1 dev eth7 nolearning", "link set vxlan7 up",
      "link set eth7 group 5", "addr add 192.0.2.1/24 brd + dev eth7", "addr add 192.0.2.7/24 dev eth7",
      "addr add 10.9.0.1 peer 10.9.0.2/32 dev veth1", "addr add fd00::1/64 dev eth7 nodad", "link set veth1 up",
      "route add default via 192.0.2.254", "route add 10.1.0.0/16 via 192.0.2.9 src 192.0.2.1 metric 5 mtu 1400",
      "route add blackhole 10.2.0.0/16", "route add unreachable 10.3.0.0/16 table 100",
      "route add 10.4.0.0/16 nexthop via 192.0.2.2 weight 2 nexthop via 192.0.2.3",
      "-6 route add fd01::/64 via fd00::2", "-6 route add blackhole fd02::/64 metric 7",
      "route add 10.5.0.0/16 dev eth7 proto bird onlink via 203.0.113.1",
      "rule add fwmark 0x1/0xff lookup 100 priority 100", "rule add from 10.0.0.0/8 iif eth7 lookup 200 priority 200",
      "rule add not to 10.7.0.0/16 ipproto tcp dport 80-90 blackhole priority 300",
      "rule add uidrange 5-10 suppress_prefixlength 0 lookup main priority 400", "-6 rule add from fd00::/8 lookup 300",
      "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev eth7", "neigh add fd00::2 lladdr 02:00:00:00:00:02 dev eth7",
    ] {
      _ = try Tool.run(["ip", "netns", "exec", space.name, "ip"] + line.split(separator: " ").map(String.init))
    }
    _ = try? space.run("bridge", "fdb", "append", "00:00:00:00:00:00", "dev", "vxlan7", "dst", "192.0.2.9")
    _ = try? space.run("bridge", "link", "set", "dev", "veth0", "hairpin", "on")
    var text = Snapshot(name: "text")
    IPLinkReader.read(try space.run("ip", "-d", "addr"), into: &text)
    IPRouteReader.read(try space.run("ip", "route", "show", "table", "all"), into: &text)
    IPRouteReader.read(try space.run("ip", "-6", "route", "show", "table", "all"), into: &text)
    IPRuleReader.read(DumpSection(try space.run("ip", "rule")), version: .v4, into: &text)
    IPRuleReader.read(DumpSection(try space.run("ip", "-6", "rule")), version: .v6, into: &text)
    IPNeighbourReader.read(try space.run("ip", "neigh"), into: &text)
    BridgeFDBReader.read(try space.run("bridge", "fdb"), into: &text)
    let kernel = try KernelSource.read(netns: space.name)
    same(text.links, kernel.links)
    same(text.addresses, kernel.addresses)
    same(text.routes?.map(placeless), kernel.routes?.map(placeless))
    same(text.routingRules?.map(placeless), kernel.routingRules?.map(placeless))
    #expect(Set(text.neighbours ?? []) == Set(kernel.neighbours ?? []))
    #expect(Set(text.forwardingEntries ?? []) == Set(kernel.forwardingEntries ?? []))
    #expect(kernel.sysctls["net.ipv4.ip_forward"] != nil)
  }

  private func same<T: Equatable>(_ a: [T]?, _ b: [T]?) {
    for (left, right) in zip(a ?? [], b ?? []) { #expect(left == right) }
    #expect(a?.count == b?.count)
  }

  private func placeless(_ route: Route) -> Route {
    var route = route
    route.line = 0
    route.file = 0
    return route
  }

  private func placeless(_ rule: RoutingRule) -> RoutingRule {
    var rule = rule
    rule.line = 0
    rule.file = 0
    return rule
  }

  @Test func unknownNamespace() throws {
    #expect(throws: InputError.self) { try KernelSource.read(netns: "no-such-namespace") }
  }

  /// Tables of iptables-nft: the same rules as its own tool prints.
  @Test(.enabled(if: Tool.find("iptables-nft-save") != nil)) func iptablesNft() throws {
    let space = try Lab.Namespace("compat")
    for line in [
      "-t nat -N SVC", "-t nat -A PREROUTING -d 10.96.0.1/32 -p tcp -m comment --comment web -m tcp --dport 80 -j SVC",
      "-t nat -A SVC -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.0.0.1:80",
      "-t nat -A SVC -p tcp -j DNAT --to-destination 10.0.0.2:80",
      "-t nat -A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE --random-fully",
      "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A FORWARD -j REJECT",
    ] {
      _ = try Tool.run(
        ["ip", "netns", "exec", space.name, "iptables-nft"] + line.split(separator: " ").map(String.init))
    }
    var text = Snapshot(name: "text")
    let save = try space.run("iptables-nft-save")
    IptablesSaveReader.read(save, version: .v4, backend: .iptablesNft, into: &text)
    text.ruleset.finish()
    let kernel = try KernelSource.read(netns: space.name)
    #expect(named(kernel.ruleset) == named(text.ruleset))
    #expect(kernel.diagnostics.list.filter { $0.severity >= .warning }.isEmpty, "\(kernel.diagnostics.list)")
  }

  /// Each chain's rules, chains by name: the tool and the kernel list tables in orders of their own.
  private func named(_ ruleset: Ruleset) -> [String] {
    let chains = ruleset.chains.indices.map { index -> (name: String, rules: [String]) in
      let chain = ChainID(index)
      let rules = ruleset.rules(of: chain).map { rule in
        ruleset.clauses(of: ruleset[rule]).map { clause in
          switch clause {
          case .statement(.jump(let target)): "jump \(ruleset.name(of: target))"
          case .statement(.goto(let target)): "goto \(ruleset.name(of: target))"
          default: "\(clause)"
          }
        }.joined(separator: " ")
      }
      return ("\(ruleset[ruleset[chain].table].name) \(ruleset.name(of: chain))", rules)
    }
    return chains.filter { !$0.rules.isEmpty }.sorted { $0.name < $1.name }.flatMap { [$0.name] + $0.rules }
  }
}
