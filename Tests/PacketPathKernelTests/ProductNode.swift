import KernelLab
import Wire

/// A whole node as a product builds it: kube-proxy's rules and the product's, the cluster's objects, and what goes wrong
/// with it in the field.
struct ProductNode: Sendable, CustomStringConvertible {
  /// Something that somebody or something does to the node.
  struct Break: Sendable {
    var name: String
    /// For the shell, in the node's namespace.
    var command: String
    /// The finding that must name it, and words of its problem or cause.
    var id: String
    var words: [String]
    /// Sockets that are closed.
    var closed: [String]

    init(_ name: String, _ command: String = "", closed: [String] = [], _ id: String, _ words: String...) {
      self.name = name
      self.command = command
      self.id = id
      self.words = words
      self.closed = closed
    }
  }

  var situation: Situation
  var backend: Backend
  /// More objects, as items of a list.
  var objects: String
  var breaks: [Break]
  var description: String { situation.name }

  /// `proxyFirst`: kube-proxy's rules stand before the product's, as with those that append. `remote`: flows to and from
  /// Pods of another node; false where they would leave by a tunnel, whose inside no wire of the lab shows. `also`: flows
  /// that only this product has an answer for.
  init(
    _ name: String, _ rules: String, backend: Backend = .nft, proxyFirst: Bool = false, setup: [String] = [],
    sysctls: [String: String] = [:], sets: String = "", program: String = "",
    listeners: [String] = [], bridge: Bool = false, remote: Bool = true,
    versions: [IPVersion] = [.v4, .v6], hidden: Bool = false, objects: String = "", also: [String] = [],
    breaks: [Break]
  ) {
    let text =
      backend == .native
      ? Self.nativeProxy + rules
      : Self.merged(proxyFirst ? [Self.proxy, rules] : [rules, Self.proxy])
    situation = Situation(
      name, text, flows: Self.flows(remote: remote) + also, setup: setup,
      sysctls: sysctls.merging(["ipv4/conf/all/route_localnet": "1"]) { own, _ in own }, sets: sets, program: program,
      listeners: listeners,
      bridge: bridge, versions: versions, backends: [backend], hidden: hidden)
    self.backend = backend
    self.objects = objects
    self.breaks = breaks
  }

  /// A Pod's own namespace.
  init(
    pod name: String, _ rules: String, setup: [String] = [], listeners: [String], versions: [IPVersion] = [.v4, .v6],
    breaks: [Break]
  ) {
    situation = Situation(
      name, rules, flows: Self.podFlows, setup: setup,
      sysctls: ["ipv4/conf/all/route_localnet": "1", "ipv4/conf/all/rp_filter": "0"], listeners: listeners, pod: true,
      versions: versions, backends: [.nft])
    backend = .nft
    objects = ""
    self.breaks = breaks
  }

  /// What comes in, and what the application (user 1000), the sidecar (1337) and its side that speaks for clients send.
  private static let podFlows: [String] = {
    let inbound = ["@client", "@pod2", "@remote"].flatMap { source in
      ["tcp 8080", "tcp 15006", "tcp 15008", "tcp 15021", "tcp 15090", "tcp 9090", "udp 53", "udp 15053"].map {
        let words = $0.split(separator: " ")
        return "eth0 \(words[0]) \(source):40000 > @pod1:\(words[1])"
      } + ["eth0 icmp \(source) > @pod1"]
    }
    let outbound = [1000, 1337, 0].flatMap { user in
      [
        "tcp @pod1:40000 > @outside:443", "tcp @pod1:40000 > @vip:80", "udp @pod1:40000 > @vip3:53",
        "tcp @pod1:40000 > @vip3:53", "udp @pod1:40000 > @outside:53", "tcp @pod1:40000 > @pod1:8080",
        "tcp @loop:40000 > @loop:8080", "tcp @pod1:40000 > @pod2:8080", "icmp @pod1 > @outside",
      ].map { "local \($0) uid=\(user) gid=\(user)" }
    }
    return inbound + outbound + [
      "local tcp @pod1:8080 > @client:40000 mark=1337 uid=1337 gid=1337",
      "local tcp @pod1:40000 > @outside:443 uid=1000 gid=1337",
      "local tcp @pod1:40000 > @outside:443 uid=1337 gid=1000",
    ]
  }()

  /// Everybody to everybody: Pods of the node, some of one bridge where there is one, clients, a Pod of another node, the
  /// other interface, the node itself; to Pods, the node, its NodePort, the outside, and Services.
  static func flows(remote: Bool) -> [String] {
    let sources = [
      ("veth1", "@pod1"), ("veth2", "@pod2"), ("veth2", "@pod2b"), ("eth0", "@client"), ("eth0", "@remote"),
      ("eth1", "@far"), ("local", "@node"),
    ].filter { remote || $0.1 != "@remote" }
    let targets = [
      ("tcp", "@pod1", ":8080"), ("tcp", "@pod2", ":8080"), ("udp", "@pod2", ":53"), ("tcp", "@node", ":22"),
      ("tcp", "@node", ":30080"), ("tcp", "@outside", ":443"), ("tcp", "@vip", ":80"), ("udp", "@vip3", ":53"),
      ("icmp", "@pod1", ""), ("tcp", "@vip2", ":80"),
    ].filter { remote || $0.1 != "@vip2" }
    return sources.flatMap { from, source in
      targets.filter { $0.1 != source }.map { name, target, port in
        "\(from) \(name) \(source)\(name == "icmp" ? "" : ":40000") > \(target)\(port)"
      }
    }
  }

  /// One section for each table, the parts' rules in their order.
  private static func merged(_ parts: [String]) -> String {
    var order: [String] = []
    var lines: [String: String] = [:]
    for part in parts {
      var table = ""
      for line in part.split(separator: "\n") {
        if line.hasPrefix("*") {
          table = String(line)
          if lines[table] == nil { order.append(table) }
        } else {
          lines[table, default: ""] += line + "\n"
        }
      }
    }
    return order.map { "\($0)\n\(lines[$0] ?? "")" }.joined()
  }
}
