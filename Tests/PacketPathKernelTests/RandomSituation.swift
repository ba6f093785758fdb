import Foundation
import KernelLab
import Wire

/// Nodes with rules and flows drawn from a seed. Rules are written about the flows, so that most matches hold for some
/// packet and deep paths are taken.
struct RandomSituation {
  /// `KUBEPATH_LAB_CASES` situations (6 unless told) from `KUBEPATH_LAB_SEED`.
  static let chosen: [Situation] = {
    let environment = ProcessInfo.processInfo.environment
    let seed = environment["KUBEPATH_LAB_SEED"].flatMap { UInt64($0) } ?? 1
    let cases = environment["KUBEPATH_LAB_CASES"].flatMap { Int($0) } ?? 6
    print("kernel lab: \(cases) random situations from seed \(seed)")
    return (0..<cases).map { number in
      var draw = RandomSituation(seed: seed &* 1_000_003 &+ UInt64(number))
      return draw.situation("seed \(seed), case \(number)")
    }
  }()

  private var draw: Draw
  private let world = World(.v4)

  private init(seed: UInt64) { draw = Draw(seed: seed) }

  private mutating func number(_ bound: Int) -> Int { draw.number(bound) }
  private mutating func chance(_ percent: Int) -> Bool { draw.chance(percent) }
  private mutating func pick<T>(_ all: [T]) -> T { draw.pick(all) }

  // MARK: the situation

  private struct Flow {
    var from: String
    var ipProtocol: String
    var source: String
    var sourcePort: Int
    var destination: String
    var destinationPort: Int

    var text: String {
      ipProtocol == "icmp"
        ? "\(from) icmp \(source) > \(destination)"
        : "\(from) \(ipProtocol) \(source):\(sourcePort) > \(destination):\(destinationPort)"
    }
  }

  private var flows: [Flow] = []

  private mutating func situation(_ name: String) -> Situation {
    let bridge = chance(30)
    flows = (0..<10).map { _ in flow(bridge: bridge) }
    var setup: [String] = []
    if chance(40) {
      setup = ["rule add fwmark 0x10/0x10 lookup 100 pref 1000", "route add default via @gateway2 dev eth1 table 100"]
    }
    if chance(30) { setup.append("route add \(pick(["unreachable", "blackhole", "prohibit"])) @deads") }
    if chance(30) { setup.append("route add @vips via @gateway2 dev eth1") }
    if chance(20) { setup.append("route add local @vip3/@host dev lo") }
    var rules = ""
    for (table, hooks, percent) in Self.tables where chance(percent) { rules += self.table(table, hooks) }
    let sets = "create hosts@6 hash:ip family @inet\nadd hosts@6 @client\nadd hosts@6 @pod1\nadd hosts@6 @vip\n"
    return Situation(name, rules, flows: flows.map(\.text), setup: setup, sets: sets, bridge: bridge)
  }

  private static let tables: [(String, [String], Int)] = [
    ("raw", ["PREROUTING", "OUTPUT"], 50),
    ("mangle", ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"], 75),
    ("nat", ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"], 85),
    ("filter", ["INPUT", "FORWARD", "OUTPUT"], 95),
  ]

  private mutating func flow(bridge: Bool) -> Flow {
    let pods = bridge ? ["cni0", "cni0"] : ["veth1", "veth2"]
    let from = pick(["eth0", "eth0", "local", "eth1"] + pods)
    let source: String
    switch from {
    case "local": source = pick(["@node", "@node2", "@podgw"])
    case "eth0": source = pick(["@client", "@client2", "@outside", "@remote"])
    case "eth1": source = pick(["@far", "@outside2"])
    case "veth1": source = pick(["@pod1", "@pod1b"])
    case "veth2": source = pick(["@pod2", "@pod2b"])
    default: source = pick(["@pod1", "@pod1b", "@pod2", "@pod2b"])
    }
    let targets = [
      "@vip", "@vip2", "@vip3", "@node", "@nodeb", "@podgw", "@pod1", "@pod2", "@pod1b", "@outside", "@remote",
      "@dead", "@client",
    ].filter { $0 != source }
    return Flow(
      from: from, ipProtocol: pick(["tcp", "tcp", "tcp", "udp", "udp", "icmp"]), source: source,
      sourcePort: pick([53, 1024, 33333, 40000]), destination: pick(targets),
      destinationPort: pick([22, 53, 80, 443, 8080, 30080]))
  }

  private mutating func table(_ name: String, _ hooks: [String]) -> String {
    var text = "*\(name)\n"
    for hook in hooks where name == "filter" && chance(15) { text += ":\(hook) DROP\n" }
    let groups = name == "nat" ? [["PREROUTING", "OUTPUT"], ["INPUT", "POSTROUTING"]] : [hooks]
    for (group, callers) in groups.enumerated() {
      let users = (0..<(1 + number(3))).map { "\(name)-\(group)-\($0)" }
      for user in users { text += ":\(user) -\n" }
      for chain in callers + users {
        let position = users.firstIndex(of: chain).map { $0 + 1 } ?? 0
        for _ in 0..<(position == 0 ? number(5) : 1 + number(5)) {
          text += rule(
            table: name, chain: chain, hooks: position == 0 ? [chain] : callers, users: Array(users[position...]))
        }
      }
    }
    return text
  }

  private mutating func rule(table: String, chain: String, hooks: [String], users: [String]) -> String {
    let flow = pick(flows)
    var words = ["-A", chain]
    var ipProtocol: String?
    if chance(50) {
      ipProtocol = flow.ipProtocol == "icmp" ? "@icmp" : flow.ipProtocol
      words += ["-p", ipProtocol ?? ""]
    }
    for (option, name) in [("-s", flow.source), ("-d", flow.destination)] where chance(35) {
      let prefix = address(name)
      words += [chance(15) && prefix != "@all" ? "! \(option)" : option, prefix]
    }
    let canIn = hooks.allSatisfy { ["PREROUTING", "INPUT", "FORWARD"].contains($0) }
    let canOut = hooks.allSatisfy { ["FORWARD", "OUTPUT", "POSTROUTING"].contains($0) }
    if canIn, flow.from != "local", chance(25) { words += device("-i", flow.from) }
    if canOut, chance(25) {
      words += device("-o", pick(["eth0", "eth1", "veth1", "lo", "cni0"]))
    }
    for _ in 0..<number(3) { words += match(flow, ipProtocol, table) }
    if !users.isEmpty, chance(40) {
      words += [chance(15) ? "-g" : "-j", pick(users)]
    } else if chance(94) {
      words += ["-j", target(table, hooks, ipProtocol)]
    }
    return words.joined(separator: " ") + "\n"
  }

  private mutating func address(_ name: String) -> String {
    if chance(60) { return name }
    return pick([name, "@lan", "@pods", "@vips", "@remotes", "@all"])
  }

  /// Never `! -i +`: iptables-legacy-save leaves it out of the dump.
  private mutating func device(_ option: String, _ name: String) -> [String] {
    let wild =
      chance(25) && name != "lo" ? pick([String(name.dropLast()) + "+", String(name.prefix(2)) + "+", "+"]) : name
    return [chance(20) && wild != "+" ? "! \(option)" : option, wild]
  }

  private mutating func match(_ flow: Flow, _ ipProtocol: String?, _ table: String) -> [String] {
    let no = chance(15) ? "! " : ""
    switch number(12) {
    case 0...2:
      guard let ipProtocol, ipProtocol != "@icmp" else { return [] }
      let port = chance(80) ? flow.destinationPort : 443
      return switch number(4) {
      case 0: ["-m multiport \(no)--dports \(port),8000:8080"]
      case 1: ["-m multiport \(no)--ports \(port),\(flow.sourcePort)"]
      case 2: ["-m \(ipProtocol) \(no)--sport 1024:65535"]
      default: ["-m \(ipProtocol) \(no)--dport \(chance(30) ? "\(port):\(port + 30)" : "\(port)")"]
      }
    case 3: return ["-m mark \(no)--mark \(mark())\(chance(50) ? "/0xff" : "")"]
    case 4: return ["-m connmark \(no)--mark \(mark())"]
    case 5:
      return [
        "-m conntrack \(no)--ctstate \(pick(["NEW", "ESTABLISHED,RELATED", "INVALID", "DNAT", "SNAT", "UNTRACKED", "NEW,DNAT"]))"
      ]
    case 6: return ["-m set \(no)--match-set hosts@6 \(pick(["src", "dst"]))"]
    case 7: return ["-m addrtype \(no)--dst-type \(pick(["LOCAL", "UNICAST"]))"]
    case 8: return ["-m addrtype \(no)--src-type \(pick(["LOCAL", "UNICAST"]))"]
    case 9: return ["-m iprange \(no)--\(pick(["src", "dst"]))-range @pod1-@pod1b"]
    case 10: return ipProtocol == "@icmp" ? ["@echo"] : ipProtocol == "tcp" ? ["-m tcp \(no)--syn"] : []
    default: return ["-m comment --comment \"\(pick(["allow web", "x -j DROP", "a-b_c"]))\""]
    }
  }

  private mutating func mark() -> String { pick(["0x1", "0x2", "0x10", "0x4000", "0x0"]) }

  private mutating func target(_ table: String, _ hooks: [String], _ ipProtocol: String?) -> String {
    let ports = ipProtocol == "tcp" || ipProtocol == "udp"
    var choices = ["ACCEPT", "RETURN", "RETURN", "LOG --log-prefix \"a -j B \""]
    let marks = [
      "MARK --set-mark \(mark())", "MARK --set-xmark \(mark())/0xff", "MARK --or-mark \(mark())",
      "MARK --xor-mark 0x11",
    ]
    switch table {
    case "raw": choices += marks + ["CT --notrack", "DROP"]
    case "mangle":
      choices += marks + marks
      choices += ["CONNMARK --save-mark", "CONNMARK --restore-mark", "CONNMARK --set-xmark \(mark())/0xff", "DROP"]
      if ipProtocol == "tcp" { choices.append("TCPMSS --set-mss 1300 -m tcp --tcp-flags SYN,RST SYN") }
      choices += ["@TTL-inc 1", "DSCP --set-dscp 0x0a", "TOS --set-tos 0x10"]
    case "nat":
      choices += marks
      if hooks.allSatisfy({ $0 == "PREROUTING" || $0 == "OUTPUT" }) {
        let to = pick(["@pod1", "@pod2", "@remote", "@node", "@client", "@pod1b"])
        choices += [String](repeating: "DNAT --to-destination \(to)\(ports ? ":8080" : "")", count: 8)
        choices += [ports ? "REDIRECT --to-ports 9090" : "REDIRECT", ports ? "REDIRECT --to-ports 9091" : "REDIRECT"]
      } else if hooks == ["POSTROUTING"] {
        choices += ["MASQUERADE", "MASQUERADE", "MASQUERADE"]
        choices += [String](repeating: "SNAT --to-source \(pick(["@nodeb", "@podgw"]))", count: 3)
      } else {
        choices += [String](repeating: "SNAT --to-source \(pick(["@nodeb", "@client2"]))", count: 4)
      }
    default:
      choices += ["ACCEPT", "DROP", "DROP", "REJECT", "REJECT --reject-with @rejectadmin"] + marks.prefix(2)
      if ipProtocol == "tcp" { choices.append("REJECT --reject-with tcp-reset") }
    }
    return pick(choices)
  }
}
