import Glibc
import Wire

/// A node in a network namespace, with both families configured, and the other ends of its wires in a second namespace.
/// Nobody lives at the other ends: they only inject and sniff, so nothing answers by itself.
public final class LabNode {
  public let namespace: NetworkNamespace
  let peers: NetworkNamespace
  let bridge: Bool
  /// It is a Pod's namespace: one interface, with the Pod's address.
  let pod: Bool
  /// Interfaces of the node with a wire; the wire's other end has the same name.
  let wires: [String]
  let lockFile: String

  public init(
    bridge: Bool = false, pod: Bool = false, setup: [String] = [], setup6: [String] = [],
    sysctls: [String: String] = [:]
  ) throws {
    self.bridge = bridge
    self.pod = pod
    wires = pod ? ["eth0"] : ["eth0", "eth1", "veth1", "veth2"]
    namespace = try NetworkNamespace()
    peers = try NetworkNamespace()
    lockFile = "/tmp/kernel-lab-\(getpid())-\(UInt(bitPattern: ObjectIdentifier(namespace).hashValue)).lock"
    try peers.run {
      Self.set("ipv6/conf/all/disable_ipv6", "1")
      Self.set("ipv6/conf/default/disable_ipv6", "1")
    }
    try namespace.run {
      for key in ["all", "default"] {
        Self.set("ipv4/conf/\(key)/rp_filter", "0")
        Self.set("ipv4/conf/\(key)/send_redirects", "0")
        Self.set("ipv6/conf/\(key)/accept_dad", "0")
        Self.set("ipv6/conf/\(key)/autoconf", "0")
        Self.set("ipv6/conf/\(key)/forwarding", "1")
      }
      for (key, value) in [
        "ipv4/ip_forward": "1", "ipv4/icmp_ratelimit": "0", "ipv4/icmp_msgs_per_sec": "1000000",
        "ipv4/icmp_msgs_burst": "1000000", "ipv6/icmp/ratelimit": "0",
      ] { Self.set(key, value) }
      _ = try run("ip", "-batch", "-", input: wiring())
    }
    _ = try peers.run { try run("ip", "-batch", "-", input: wires.map { "link set \($0) up\n" }.joined()) }
    try namespace.run {
      try run("ip", "-batch", "-", input: addressing() + setup.map { $0 + "\n" }.joined())
      try awaitAddresses()
      if !setup6.isEmpty { try run("ip", "-6", "-batch", "-", input: setup6.map { $0 + "\n" }.joined()) }
      if bridge {
        // What the bridge would have learned: frames to a host it does not know go out of every port.
        let entries = ["veth1", "veth2"].map {
          "fdb replace \(Self.text(address(ofPeer: $0))) dev \($0) master static\n"
        }
        try run("bridge", "-batch", "-", input: entries.joined())
      }
      for (key, value) in sysctls {
        let path = key.contains("/") ? key : String(key.map { $0 == "." ? "/" : $0 })
        Self.set(path.hasPrefix("net/") ? String(path.dropFirst(4)) : path, value)
      }
    }
  }

  deinit {
    unlink(lockFile)
    for socket in sockets { close(socket) }
  }

  /// Sockets that live as long as the node.
  private var sockets: [Int32] = []

  func listen(_ listener: Listener) throws {
    try namespace.run {
      let isTCP = listener.ipProtocol == .tcp
      let isV6 = listener.address.version == .v6
      let descriptor = socket(
        isV6 ? AF_INET6 : AF_INET, Int32((isTCP ? SOCK_STREAM : SOCK_DGRAM).rawValue) | 0o2000000, 0)
      guard descriptor >= 0 else { throw LabError.system("socket") }
      sockets.append(descriptor)
      var one: Int32 = 1
      // IPV6_V6ONLY, so that both versions may listen at any address; IP_TRANSPARENT, IPV6_TRANSPARENT.
      if isV6 { setsockopt(descriptor, 41, 26, &one, 4) }
      if listener.isTransparent { setsockopt(descriptor, isV6 ? 41 : 0, isV6 ? 75 : 19, &one, 4) }
      let port = [UInt8(listener.port >> 8), UInt8(listener.port & 0xFF)]
      let address =
        isV6
        ? [10, 0] + port + [0, 0, 0, 0] + listener.address.bytes + [0, 0, 0, 0]
        : [2, 0] + port + listener.address.bytes + [UInt8](repeating: 0, count: 8)
      guard bindRaw(descriptor, address), !isTCP || Glibc.listen(descriptor, 8) == 0 else {
        throw LabError.system("\(listener.address) port \(listener.port)")
      }
    }
  }

  private static func set(_ key: String, _ value: String) { writeText("/proc/sys/net/" + key, value) }

  /// A tool that must succeed, in the namespace the thread is in.
  @discardableResult
  func run(_ arguments: String..., input: String = "") throws -> String {
    let result = try runCommand(arguments, input: input, environment: ["XTABLES_LOCKFILE": lockFile])
    guard result.status == 0 else {
      throw LabError("\(arguments.joined(separator: " ")): exit \(result.status), \(result.errors)")
    }
    return result.output
  }

  /// A shell script in the node's namespace, with mounts of its own.
  public func run(program: String) throws {
    try namespace.run {
      _ = try run("unshare", "--mount", "--propagation", "private", "bash", "-e", "-c", program)
    }
  }

  // MARK: wiring

  func address(ofLink name: String) -> [UInt8] { [2, 0, 0, 0, 1, number(name)] }
  func address(ofPeer name: String) -> [UInt8] { [2, 0, 0, 0, 2, number(name)] }
  private func number(_ name: String) -> UInt8 { UInt8((wires.firstIndex(of: name) ?? 8) + 1) }

  static func text(_ address: [UInt8]) -> String {
    address.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }

  private func wiring() -> String {
    var lines: [String] = ["link set lo up"]
    for name in wires {
      let (own, other) = (Self.text(address(ofLink: name)), Self.text(address(ofPeer: name)))
      lines.append(
        "link add name \(name) address \(own) type veth peer name \(name) address \(other) netns \(peers.path)")
    }
    if bridge {
      lines += ["link add name cni0 address \(Self.text(address(ofLink: "cni0"))) type bridge"]
      lines += ["link set cni0 addrgenmode none up"]
    }
    for name in wires {
      lines.append("link set \(name) addrgenmode none up")
      if bridge, name.hasPrefix("veth") {
        lines += ["link set \(name) master cni0", "link set \(name) type bridge_slave hairpin on"]
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private func addressing() -> String {
    var lines: [String] = []
    for version in [IPVersion.v4, .v6] {
      let world = World(version)
      let options = version == .v6 ? " nodad" : ""
      let net = version == .v4 ? "24" : "64"
      if pod {
        lines += ["addr add @pod1/\(net)\(options) dev eth0", "route add default via @podgw dev eth0"].map(world.render)
        lines += ["podgw", "pod1b", "pod2", "pod2b"].map {
          world.render("neigh replace @\($0) lladdr \(Self.text(address(ofPeer: "eth0"))) dev eth0 nud permanent")
        }
        continue
      }
      let pods = bridge ? "cni0" : "veth1"
      lines += ["addr add @node/\(net)\(options) dev eth0", "addr add @nodeb/\(net)\(options) dev eth0"].map(
        world.render)
      lines += ["addr add @node2/\(net)\(options) dev eth1", "addr add @podgw/\(net)\(options) dev \(pods)"].map(
        world.render)
      if !bridge { lines += ["pod2", "pod2b"].map { world.render("route add @\($0)/@host dev veth2") } }
      lines += [
        world.render("route add default via @gateway dev eth0"), world.render("route add @remotes via @hop dev eth0"),
      ]
      let links: [(String, [String])] = [
        ("eth0", ["client", "client2", "gateway", "hop"]), ("eth1", ["far", "gateway2"]),
        ("veth1", ["pod1", "pod1b"]), ("veth2", ["pod2", "pod2b"]),
      ]
      for (name, hosts) in links {
        let device = bridge && name.hasPrefix("veth") ? "cni0" : name
        lines += hosts.map {
          world.render("neigh replace @\($0) lladdr \(Self.text(address(ofPeer: name))) dev \(device) nud permanent")
        }
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The kernel makes the local routes of IPv6 addresses in its own time (addrconf_dad_work), some milliseconds behind
  /// `ip addr add` even without duplicate detection; a snapshot taken before is not the node that packets will meet.
  private func awaitAddresses() throws {
    let world = World(.v6)
    let expected = (pod ? ["pod1"] : ["node", "nodeb", "node2", "podgw"]).map {
      "local " + world.render("@\($0)") + " "
    }
    for _ in 0..<1000 {
      let routes = try run("ip", "-6", "route", "show", "table", "local")
      if expected.allSatisfy({ routes.contains($0) }) { return }
      usleep(5000)
    }
    throw LabError("the kernel has made no local routes of the node's IPv6 addresses within 5 s")
  }

  // MARK: rules

  public func load(_ restore: String, backend: Backend, version: IPVersion) throws {
    if backend == .native { return try load(nft: restore) }
    do {
      try namespace.run { _ = try run(backend.command(version) + "-restore", input: restore) }
    } catch let error as LabError {
      // The tools name a refused rule by its line only.
      let words = error.description.split { !$0.isLetter && !$0.isNumber }
      let lines = restore.split(separator: "\n", omittingEmptySubsequences: false)
      guard let at = words.firstIndex(of: "line"), at + 1 < words.count, let number = Int(words[at + 1]),
        (1...lines.count).contains(number)
      else { throw error }
      throw LabError("\(error) \(lines[number - 1])")
    }
  }

  public func load(sets: String) throws {
    guard !sets.isEmpty else { return }
    try namespace.run { _ = try run("ipset", "restore", input: sets) }
  }

  public func load(nft: String) throws {
    try namespace.run { _ = try run("nft", "-f", "-", input: nft) }
  }

  /// Marks every packet for tracing, with empty chains behind all others that show the packet at each hook's end. The
  /// chain that nothing calls turns connection tracking on: the kernel leaves it off, and skips nat chains, as long as
  /// no rule makes use of it.
  func armTrace() throws {
    let hooks = ["prerouting", "input", "forward", "output", "postrouting"]
    let starts = ["prerouting", "output"].map {
      "chain start_\($0) { type filter hook \($0) priority -1000; meta nftrace set 1; }\n"
    }
    let ends = hooks.map { "chain end_\($0) { type filter hook \($0) priority 2147483646; }\n" }
    try load(nft: "table inet kernellab {\n\(starts.joined())\(ends.joined())chain tracking { ct state invalid; }\n}\n")
    guard bridge else { return }
    let frames = starts + ["chain end_frame { type filter hook postrouting priority 2147483646; }\n"]
    let devices = wires.map {
      "chain \($0) { type filter hook ingress device \($0) priority -1000; meta nftrace set 1; }\n"
    }
    try load(nft: "table bridge kernellab {\n\(frames.joined())}\ntable netdev kernellab {\n\(devices.joined())}\n")
  }

  // MARK: the snapshot

  /// Writes the node's dumps as the real tools print them; returns the text of the rules.
  /// `linkRules`: tables of the families bridge and netdev too, where nft's other tables are not asked for.
  public func snapshot(
    into folder: String, backends: [Backend], versions: [IPVersion], linkRules: Bool = false
  ) throws -> SavedRules {
    var rules = SavedRules()
    try namespace.run {
      func save(_ name: String, _ text: String) throws {
        guard writeText("\(folder)/\(name)", text) else { throw LabError.system("\(folder)/\(name)") }
      }
      if backends.contains(.native) {
        let text = try run("nft", "list", "ruleset")
        rules.add(nft: text)
        try save("nft-list-ruleset.txt", text)
      } else if linkRules {
        let text = try run("nft", "list", "ruleset", "bridge") + run("nft", "list", "ruleset", "netdev")
        rules.add(nft: text)
        try save("nft-list-ruleset.txt", text)
      }
      for version in versions {
        for backend in backends where backend != .native {
          let text = try run(backend.command(version) + "-save")
          rules.add(text, family: version == .v4 ? "ip" : "ip6")
          let plain = version == .v4 ? "iptables" : "ip6tables"
          try save(backends.count > 1 ? backend.command(version) + "-save.txt" : plain + "-save.txt", text)
        }
      }
      let sets = try runCommand(["ipset", "save"])
      if sets.status == 0, !sets.output.isEmpty { try save("ipset-save.txt", sets.output) }
      try save("ip-addr.txt", run("ip", "addr"))
      try save("ip-route.txt", run("ip", "route", "show", "table", "all"))
      try save("ip-rule.txt", run("ip", "rule"))
      try save("ip-6-rule.txt", run("ip", "-6", "rule"))
      try save("ip-link.txt", run("ip", "-d", "link"))
      try save("ip-neigh.txt", run("ip", "neigh") + run("ip", "-6", "neigh"))
      try save("bridge-fdb.txt", run("bridge", "fdb"))
      try save("ss.txt", run("ss", "-lntu"))
      try save("sysctl.txt", sysctls())
    }
    return rules
  }

  /// The lines of `sysctl -a` that a walk asks for, read directly: the tool takes a fifth of a second.
  private func sysctls() -> String {
    var keys = [
      "ipv4/ip_forward", "netfilter/nf_conntrack_tcp_loose", "netfilter/nf_conntrack_checksum",
      "bridge/bridge-nf-call-iptables", "bridge/bridge-nf-call-ip6tables", "ipv4/ip_local_port_range",
      "ipv4/fwmark_reflect", "ipv4/ip_nonlocal_bind",
    ]
    for device in ["all", "default", "lo", "cni0"] + wires {
      keys += ["forwarding", "rp_filter", "route_localnet", "accept_local", "src_valid_mark"].map {
        "ipv4/conf/\(device)/\($0)"
      }
      keys += ["forwarding", "disable_ipv6"].map { "ipv6/conf/\(device)/\($0)" }
    }
    return keys.compactMap { key in
      readText("/proc/sys/net/" + key).map { text in
        let value = text.split(separator: "\n").first.map { String($0.map { $0 == "\t" ? " " : $0 }) } ?? ""
        return "net.\(String(key.map { $0 == "/" ? "." : $0 })) = \(value)\n"
      }
    }.joined()
  }
}
