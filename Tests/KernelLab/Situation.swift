import Wire

/// The tools that can load a ruleset.
public enum Backend: String, Sendable {
  case nft = "iptables-nft"
  case legacy = "iptables-legacy"
  /// nft's own language.
  case native = "nft"

  /// Those for an iptables ruleset.
  public static let xtables: [Backend] = [.nft, .legacy]

  func command(_ version: IPVersion) -> String {
    (version == .v4 ? "iptables-" : "ip6tables-") + (self == .nft ? "nft" : "legacy")
  }
}

/// A node, its rules, and the flows sent through it, in the words of `World`.
public struct Situation: Sendable, CustomStringConvertible {
  public var name: String
  /// iptables-restore input; chains need not be declared and COMMIT may be left out. For `native`: nft's language, loaded
  /// once for each IP version.
  public var rules: String
  public var flows: [String]
  /// Arguments of `ip`, such as `route add …`.
  public var setup: [String]
  /// Keys below net., with dots or slashes as in `sysctl`.
  public var sysctls: [String: String]
  /// nft's language: tables of the families bridge and netdev beside the rules, loaded once for each IP version.
  public var linkRules: String
  /// Input of `ipset restore`.
  public var sets: String
  /// A shell script that runs in the node with files of its own below /etc and /run, behind the rules: real programs that
  /// write rules of their own.
  public var program: String
  /// Sockets of the node, as `udp @vip:53` and `tcp @any:15006 transparent`.
  public var listeners: [String]
  /// The two pod interfaces are ports of one bridge, cni0.
  public var bridge: Bool
  /// The rules are those of a Pod's own namespace.
  public var pod: Bool
  public var versions: [IPVersion]
  public var backends: [Backend]
  /// How often each flow is sent: many times where chance decides.
  public var repeats: Int
  /// Facts decide that no flow states (a MAC address, a bridge port, a rate): an answer may then be several outcomes.
  public var hidden: Bool

  public init(
    _ name: String, _ rules: String, flows: [String], setup: [String] = [], sysctls: [String: String] = [:],
    linkRules: String = "", sets: String = "", program: String = "",
    listeners: [String] = [], bridge: Bool = false, pod: Bool = false, versions: [IPVersion] = [.v4, .v6],
    backends: [Backend] = Backend.xtables, repeats: Int = 1, hidden: Bool = false
  ) {
    self.name = name
    self.rules = rules
    self.flows = flows
    self.setup = setup
    self.sysctls = sysctls
    self.linkRules = linkRules
    self.sets = sets
    self.program = program
    self.listeners = listeners
    self.bridge = bridge
    self.pod = pod
    self.versions = versions
    self.backends = backends
    self.repeats = repeats
    self.hidden = hidden
  }

  public var description: String { name }

  private static let builtin: [String: [String]] = [
    "raw": ["PREROUTING", "OUTPUT"], "mangle": ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
    "nat": ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"], "filter": ["INPUT", "FORWARD", "OUTPUT"],
    "security": ["INPUT", "FORWARD", "OUTPUT"],
  ]

  /// The text for iptables-restore: every table with its built-in chains (policy ACCEPT unless a line `:NAME DROP`
  /// says otherwise) and every chain that a rule is appended to.
  public func restore(_ world: World) -> String {
    var out = ""
    var table: String?
    var chains: [(name: String, policy: String)] = []
    var lines: [String] = []
    func close() {
      guard let table else { return }
      out += "*\(table)\n" + chains.map { ":\($0.name) \($0.policy) [0:0]\n" }.joined()
      out += lines.map { $0 + "\n" }.joined() + "COMMIT\n"
    }
    for raw in world.render(rules).split(separator: "\n") {
      let line = String(raw.drop { $0 == " " })
      let words = line.split(separator: " ").map(String.init)
      if line.hasPrefix("*") {
        close()
        let name = String(line.dropFirst())
        table = name
        chains = (Self.builtin[name] ?? []).map { ($0, "ACCEPT") }
        lines = []
      } else if line.hasPrefix(":"), words.count >= 2 {
        let name = String(words[0].dropFirst())
        chains.removeAll { $0.name == name }
        chains.append((name, words[1]))
      } else if line.hasPrefix("-A"), words.count >= 2 {
        if !chains.contains(where: { $0.name == words[1] }) { chains.append((words[1], "-")) }
        lines.append(line)
      }
    }
    close()
    return out
  }
}
