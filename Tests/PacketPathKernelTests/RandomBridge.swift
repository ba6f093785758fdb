import Foundation
import KernelLab

/// Nodes whose Pods are ports of one bridge, drawn from a seed: tables of family bridge, chains of devices, physdev,
/// flags of ports, bridge-nf-call-iptables on and off, translations to and from the bridge. Flows come as frames by a
/// port, from outside, or from the node.
struct RandomBridge {
  /// `KUBEPATH_LAB_BRIDGES` situations (8 unless told) from `KUBEPATH_LAB_SEED`.
  static let chosen: [(Situation, Backend)] = {
    let environment = ProcessInfo.processInfo.environment
    let seed = environment["KUBEPATH_LAB_SEED"].flatMap { UInt64($0) } ?? 1
    let cases = environment["KUBEPATH_LAB_BRIDGES"].flatMap { Int($0) } ?? 8
    print("kernel lab: \(cases) random bridges from seed \(seed)")
    return (0..<cases).map { number in
      var random = RandomBridge(draw: Draw(seed: seed &* 7_000_003 &+ UInt64(number)))
      return random.situation("bridge seed \(seed), case \(number)")
    }
  }()

  private var draw: Draw

  private static let pods = ["veth1": ["@pod1", "@pod1b"], "veth2": ["@pod2", "@pod2b"]]
  private static let allPods = ["@pod1", "@pod1b", "@pod2", "@pod2b"]
  private static let ports = [53, 80, 8080]

  private mutating func situation(_ name: String) -> (Situation, Backend) {
    let backend = draw.pick([Backend.native, .native, .nft, .nft, .legacy])
    var sysctls = [
      "net/bridge/bridge-nf-call-iptables": draw.chance(65) ? "1" : "0",
      "net/bridge/bridge-nf-call-ip6tables": draw.chance(65) ? "1" : "0",
    ]
    if draw.chance(20) {
      sysctls["net/ipv4/ip_forward"] = "0"
      sysctls["net/ipv6/conf/all/forwarding"] = "0"
    }
    if draw.chance(15) { sysctls["net/ipv4/conf/all/rp_filter"] = draw.pick(["1", "2"]) }
    var setup: [String] = []
    for port in ["veth1", "veth2"] {
      if draw.chance(30) { setup.append("link set \(port) type bridge_slave hairpin off") }
      if draw.chance(35) { setup.append("link set \(port) type bridge_slave isolated on") }
    }
    if draw.chance(20) { setup.append("rule add from @pod1 to @pod2 blackhole pref 50") }
    var links = ""
    // Legacy xtables traces by another way: the order between the two could not be told.
    if backend != .legacy, draw.chance(80) { links += bridgeTable() }
    if backend != .legacy, draw.chance(50) { links += deviceTable() }
    let rules = backend == .native ? nativeRules() : tables()
    return (
      Situation(
        name, rules + (backend == .native ? links : ""), flows: (0..<12).map { _ in flow() }, setup: setup,
        sysctls: sysctls, linkRules: backend == .native ? "" : links, bridge: true, backends: [backend]), backend
    )
  }

  // MARK: flows

  private mutating func flow() -> String {
    let from = draw.pick(["veth1", "veth1", "veth1", "veth2", "veth2", "veth2", "eth0", "local", "cni0"])
    let source: String
    switch from {
    case "eth0": source = draw.pick(["@client", "@outside"])
    case "local": source = draw.pick(["@node", "@podgw"])
    case "cni0": source = draw.pick(Self.allPods)
    default: source = draw.pick(Self.pods[from] ?? [])
    }
    let near = from == "local" || from == "eth0" ? [] : ["@vip", "@vip2", "@outside", "@node", "@podgw", "@remote"]
    let destination = draw.pick((Self.allPods + Self.allPods + ["@vip", "@vip2"] + near).filter { $0 != source })
    let ipProtocol = draw.pick(["tcp", "tcp", "udp", "icmp"])
    return ipProtocol == "icmp"
      ? "\(from) icmp \(source) > \(destination)"
      : "\(from) \(ipProtocol) \(source):\(40000 + draw.number(3)) > \(destination):\(draw.pick(Self.ports))"
  }

  // MARK: the hooks of IP

  /// A translation's rule, as iptables and as nft have it: from an address to a Pod, out, or to the node.
  private mutating func translation() -> (from: String, port: Int, to: String) {
    let from = draw.pick(["@vip", "@vip", "@vip2"] + Self.allPods)
    return (from, draw.pick(Self.ports), draw.pick(Self.allPods + Self.allPods + ["@outside", "@node", "@client"]))
  }

  private mutating func tables() -> String {
    var text = ""
    if draw.chance(40) { text += "*raw\n-A PREROUTING \(match()) -j \(draw.pick(["DROP", "NOTRACK", "ACCEPT"]))\n" }
    text += "*nat\n"
    for _ in 0..<(1 + draw.number(3)) {
      let (from, port, to) = translation()
      text += "-A PREROUTING -d \(from)/@host -p tcp -m tcp --dport \(port) -j DNAT --to-destination \(to):8080\n"
    }
    if draw.chance(20) { text += "-A PREROUTING -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353\n" }
    if draw.chance(40) { text += "-A POSTROUTING \(match(out: true, last: true)) -j MASQUERADE\n" }
    text += "*filter\n"
    for hook in ["FORWARD", "INPUT", "OUTPUT"] {
      if draw.chance(20) { text += ":\(hook) DROP\n" }
      for _ in 0..<draw.number(hook == "FORWARD" ? 5 : 2) {
        let target = draw.pick(["ACCEPT", "ACCEPT", "DROP", "REJECT"])
        text += "-A \(hook) \(match(out: hook != "INPUT", local: hook == "OUTPUT")) -j \(target)\n"
      }
    }
    return text
  }

  private mutating func match(out: Bool = false, local: Bool = false, last: Bool = false) -> String {
    var words: [String] = []
    if draw.chance(30) { words.append("-s \(draw.pick(Self.allPods + ["@client"]))/@host") }
    if draw.chance(30) { words.append("-d \(draw.pick(Self.allPods + ["@vip"]))/@host") }
    if draw.chance(30) { words.append("-p tcp -m tcp --dport \(draw.pick(Self.ports))") }
    if !local, !last, draw.chance(20) { words.append(draw.pick(["-i cni0", "! -i cni0", "-i veth1"])) }
    if draw.chance(60), !local {
      let sign = draw.chance(25) ? "! " : ""
      let options =
        ["--physdev-in veth1", "--physdev-in veth2", "--physdev-is-in"]
        + (out ? ["--physdev-is-bridged", "--physdev-is-bridged", "--physdev-out veth2"] : [])
      let option = draw.pick(options)
      words.append("-m physdev \(sign)\(option)" + (option.contains("-out") ? " --physdev-is-bridged" : ""))
    }
    return words.joined(separator: " ")
  }

  private mutating func nativeRules() -> String {
    var text = "table @ip nat {\nchain pre { type nat hook prerouting priority dstnat;\n"
    for _ in 0..<(1 + draw.number(3)) {
      let (from, port, to) = translation()
      text += "@ip daddr \(from) tcp dport \(port) dnat to \(to):8080\n"
    }
    text += "}\nchain post { type nat hook postrouting priority srcnat;\n"
    if draw.chance(40) { text += "\(nativeMatch()) masquerade\n" }
    text += "}\n}\ntable @ip f {\nchain through { type filter hook forward priority filter; "
    text += "policy \(draw.pick(["accept", "accept", "drop"]));\n"
    for _ in 0..<draw.number(5) {
      text += "\(nativeMatch()) \(draw.pick(["accept", "accept", "drop", "meta mark set 0x5"]))\n"
    }
    return text + "}\n}\n"
  }

  private mutating func nativeMatch() -> String {
    switch draw.number(6) {
    case 0: "@ip saddr \(draw.pick(Self.allPods))"
    case 1: "@ip daddr \(draw.pick(Self.allPods))"
    case 2: "tcp dport \(draw.pick(Self.ports))"
    case 3: "iifname \"cni0\" oifname \"cni0\""
    case 4: "ct status dnat"
    default: "oifname \(draw.pick(["\"cni0\"", "\"eth0\"", "\"veth2\""]))"
    }
  }

  // MARK: bridge and devices

  private static let hooks = ["prerouting", "input", "forward", "forward", "output", "postrouting"]

  private mutating func bridgeTable() -> String {
    var text = "table bridge b@6 {\n"
    for number in 0..<(1 + draw.number(4)) {
      let hook = draw.pick(Self.hooks)
      text += "chain c\(number) { type filter hook \(hook) priority \(draw.pick([-300, -200, -100, 0, 1, 100, 300])); "
      text += "policy \(draw.pick(["accept", "accept", "accept", "accept", "drop"]));\n"
      for _ in 0..<(1 + draw.number(4)) {
        let verdict = draw.pick(["drop", "accept", "accept", "meta mark set 0x3", "counter"])
        text += "\(linkMatch(hook)) \(verdict)\n"
      }
      text += "}\n"
    }
    return text + "}\n"
  }

  private mutating func linkMatch(_ hook: String) -> String {
    let hasInput = ["prerouting", "input", "forward"].contains(hook)
    let hasOutput = ["output", "forward", "postrouting"].contains(hook)
    let sign = draw.chance(15) ? "!= " : ""
    switch draw.number(8) {
    case 0 where hasInput: return "iifname \(sign)\"\(draw.pick(["veth1", "veth2", "cni0"]))\""
    case 1 where hasOutput: return "oifname \(sign)\"\(draw.pick(["veth1", "veth2", "cni0"]))\""
    case 2: return "ether saddr \(sign)02:00:00:00:02:0\(draw.pick([3, 4]))"
    case 3: return "ether daddr \(sign)02:00:00:00:0\(draw.pick(["2:03", "2:04", "1:09"]))"
    case 4: return draw.pick(["meta mark 0x3", "meta mark != 0x3"])
    case 5 where hasInput: return "meta pkttype \(draw.pick(["host", "other"]))"
    case 6: return "@ip \(draw.pick(["saddr", "daddr"])) \(sign)\(draw.pick(Self.allPods))"
    default: return "@ip daddr \(draw.pick(Self.allPods + ["@vip"])) tcp dport \(sign)\(draw.pick(Self.ports))"
    }
  }

  private mutating func deviceTable() -> String {
    var text = "table netdev d@6 {\n"
    for number in 0..<(1 + draw.number(2)) {
      let hook = draw.pick(["ingress", "egress"])
      // By the bridge's own egress the kernel sends translated frames only where a neighbour is not at hand yet.
      let device = draw.pick(["veth1", "veth2", "eth0"] + (hook == "ingress" ? ["cni0"] : []))
      text += "chain e\(number) { type filter hook \(hook) device \"\(device)\" priority \(draw.pick([0, 10]));\n"
      for _ in 0..<(1 + draw.number(2)) {
        let match = draw.pick([
          "@ip saddr \(draw.pick(Self.allPods))", "@ip daddr \(draw.pick(Self.allPods))",
          "tcp dport \(draw.pick(Self.ports))",
        ])
        text += "\(match) \(draw.pick(["drop", "accept"]))\n"
      }
      text += "}\n"
    }
    return text + "}\n"
  }
}
