import Ruleset
import ServiceMap
import Wire

/// A rule that kube-proxy writes whatever Services exist, and what happens without it. The tables below are its
/// program for iptables (1.20 on), IPVS and nftables mode; a row counts only where `needs` exists, since releases
/// differ in their chains.
struct StockRule {
  enum Shape {
    case calls(String)
    case looksUp(String)
    case setsMark
    case returnsUnmarked
    case clearsMark
    case masquerades
    case masqueradesMarked
    case drops(state: UInt32)
    case acceptsMarked
    case accepts(states: UInt32)
    case guardsLoopback
    case rejects
  }

  var table: String
  var chain: String
  var shape: Shape
  /// A chain or set of the table that must be declared for the rule to be expected.
  var needs: String
  /// A chain or set of a later release, whose program has another rule in the place of this one.
  var unless: String?
  /// The finding that names its absence.
  var finding: String
  /// What happens without it.
  var without: String

  init(
    _ table: String, _ chain: String, _ shape: Shape, needs: String? = nil, unless: String? = nil, _ finding: String,
    _ without: String
  ) {
    self.table = table
    self.unless = unless
    self.chain = chain
    self.shape = shape
    if let needs {
      self.needs = needs
    } else if case .calls(let target) = shape {
      self.needs = target
    } else if case .looksUp(let set) = shape {
      self.needs = set
    } else {
      self.needs = chain
    }
    self.finding = finding
    self.without = without
  }

  /// The rule in words: `INPUT -> KUBE-FIREWALL`, `KUBE-POSTROUTING: masquerade`.
  var name: String {
    switch shape {
    case .calls(let target): "\(chain) → \(target)"
    case .looksUp(let set): "\(chain): lookup in @\(set)"
    case .setsMark: "\(chain): set the masquerade mark"
    case .returnsUnmarked: "\(chain): return for unmarked packets"
    case .clearsMark: "\(chain): clear the mark"
    case .masquerades: "\(chain): masquerade"
    case .masqueradesMarked: "\(chain): masquerade marked packets"
    case .drops: "\(chain): drop INVALID"
    case .acceptsMarked: "\(chain): accept marked packets"
    case .accepts: "\(chain): accept RELATED,ESTABLISHED"
    case .guardsLoopback: "\(chain): drop strangers' packets to 127.0.0.0/8"
    case .rejects: "\(chain): reject"
    }
  }

  /// It leads packets from a hook to the Service rules.
  var isEntrance: Bool {
    ["PREROUTING", "OUTPUT", "POSTROUTING"].contains(chain) && table == "nat" || chain.hasPrefix("nat-")
  }

  func holds(_ rule: RuleFacts, _ ruleset: Ruleset) -> Bool {
    switch shape {
    case .calls(let target): rule.target.map { ruleset.name(of: $0) == target } ?? false
    case .looksUp(let set): rule.map.map { ruleset.sets[Int($0.index)].name == set } ?? false
    case .setsMark: rule.setsMark != 0
    case .returnsUnmarked: rule.returns && rule.asksMark != 0
    case .clearsMark: rule.clearsMark != 0
    // IPVS mode has another one before it, for Pods that pick themselves.
    case .masquerades: rule.masquerades && rule.source == nil && !rule.asksIPSet
    case .masqueradesMarked: rule.masquerades && rule.asksMark != 0
    case .drops(let state): rule.drops && rule.states & state != 0
    case .acceptsMarked: rule.accepts && rule.asksMark != 0
    case .accepts(let states): rule.accepts && rule.states & states == states
    case .guardsLoopback:
      rule.drops && rule.destination.map { $0.contains(IPAddress(v4: 0x7F00_0001)) && $0.length > 0 } ?? false
    case .rejects: rule.rejects
    }
  }

  static func program(_ mode: ProxyPlane.Mode) -> [StockRule] {
    switch mode {
    case .iptables: shared + iptables
    case .ipvs: shared + ipvs
    case .nftables: nftables
    }
  }

  private static let established = ConnectionState.related | ConnectionState.established

  private static let shared: [StockRule] = [
    StockRule(
      "nat", "POSTROUTING", .calls("KUBE-POSTROUTING"), "rules-flushed",
      "nothing is masqueraded, replies take another way"),
    StockRule("nat", "KUBE-MARK-MASQ", .setsMark, "masquerade-scope", "no packet is marked, so none is masqueraded"),
    StockRule(
      "nat", "KUBE-POSTROUTING", .returnsUnmarked, "masquerade-scope",
      "everything that leaves the node is masqueraded: servers lose their clients' addresses"),
    StockRule(
      "nat", "KUBE-POSTROUTING", .clearsMark, "vxlan-checksum",
      "a packet that is encapsulated keeps its mark and is masqueraded again outside the tunnel"),
    StockRule(
      "nat", "KUBE-POSTROUTING", .masquerades, "masquerade-scope",
      "marked packets keep their source, replies take another way"),
    StockRule(
      "filter", "FORWARD", .calls("KUBE-FORWARD"), "rules-flushed",
      "a FORWARD policy of DROP, as Docker sets it, then stops Service traffic"),
    StockRule(
      "filter", "FORWARD", .calls("KUBE-PROXY-FIREWALL"), "source-ranges",
      "clients outside loadBalancerSourceRanges pass on untranslated instead of being dropped"),
    StockRule(
      "filter", "INPUT", .calls("KUBE-PROXY-FIREWALL"), "source-ranges",
      "clients outside loadBalancerSourceRanges reach the node itself"),
    StockRule(
      "filter", "KUBE-FORWARD", .acceptsMarked, "forward-drop",
      "a FORWARD policy of DROP then stops masqueraded Service traffic"),
    StockRule(
      "filter", "KUBE-FORWARD", .accepts(states: established), "forward-drop",
      "a FORWARD policy of DROP then stops all replies"),
    StockRule(
      "filter", "INPUT", .calls("KUBE-FIREWALL"), "rules-flushed",
      "other hosts reach what listens on 127.0.0.1 (CVE-2020-8558)"),
    StockRule(
      "filter", "OUTPUT", .calls("KUBE-FIREWALL"), "rules-flushed",
      "the node's own packets avoid kubelet's firewall rules"),
  ]

  private static let iptables: [StockRule] = [
    StockRule(
      "nat", "PREROUTING", .calls("KUBE-SERVICES"), "rules-flushed", "Pods and outside clients reach no Service"),
    StockRule(
      "nat", "OUTPUT", .calls("KUBE-SERVICES"), "rules-flushed", "the node and its hostNetwork Pods reach no Service"),
    StockRule(
      "nat", "KUBE-SERVICES", .calls("KUBE-NODEPORTS"), "rules-flushed", "no NodePort works on this node"),
    StockRule(
      "filter", "OUTPUT", .calls("KUBE-PROXY-FIREWALL"), "source-ranges",
      "the node itself avoids loadBalancerSourceRanges"),
    StockRule(
      "filter", "INPUT", .calls("KUBE-NODEPORTS"), "health-check-node-port",
      "health checks of load balancers are not accepted before a host firewall's rules"),
    StockRule(
      "filter", "INPUT", .calls("KUBE-EXTERNAL-SERVICES"), "rules-flushed",
      "NodePorts without endpoints are not refused"),
    StockRule(
      "filter", "FORWARD", .calls("KUBE-EXTERNAL-SERVICES"), needs: "KUBE-NODEPORTS", "rules-flushed",
      "external addresses without endpoints are not refused: clients time out"),
    StockRule(
      "filter", "FORWARD", .calls("KUBE-SERVICES"), "rules-flushed",
      "Services without endpoints are not refused: Pods time out"),
    StockRule(
      "filter", "OUTPUT", .calls("KUBE-SERVICES"), "rules-flushed",
      "Services without endpoints are not refused: the node's own clients time out"),
    StockRule(
      "filter", "KUBE-FORWARD", .drops(state: ConnectionState.invalid), "invalid-packet-reset",
      "segments outside the window reach clients untranslated, which answer with a reset"),
    StockRule(
      "filter", "KUBE-FIREWALL", .guardsLoopback, "localhost-node-port",
      "other hosts reach what listens on 127.0.0.1 (CVE-2020-8558)"),
  ]

  private static let ipvs: [StockRule] = [
    StockRule(
      "nat", "PREROUTING", .calls("KUBE-SERVICES"), "rules-flushed",
      "no arriving packet is marked for masquerading: answers to outside clients bypass the node"),
    StockRule(
      "nat", "OUTPUT", .calls("KUBE-SERVICES"), "rules-flushed",
      "the node's own packets are not marked for masquerading: they leave with a Service's address"),
    StockRule(
      "filter", "INPUT", .calls("KUBE-IPVS-FILTER"), "rules-flushed",
      "other ports of Service addresses reach the node's own daemons"),
    StockRule(
      "filter", "INPUT", .calls("KUBE-NODE-PORT"), "health-check-node-port",
      "health checks of load balancers are not accepted before a host firewall's rules"),
    StockRule(
      "filter", "KUBE-IPVS-FILTER", .rejects, "rules-flushed",
      "other ports of Service addresses reach the node's own daemons"),
    StockRule(
      "filter", "OUTPUT", .calls("KUBE-IPVS-OUT-FILTER"), "source-ranges",
      "the node itself avoids loadBalancerSourceRanges"),
  ]

  /// Since 1.36 one rule of `masquerading` asks for the mark, clears it and masquerades, and Pods that pick themselves are
  /// told by a set.
  static let hairpins = "hairpin-connections"

  private static let nftables: [StockRule] = [
    StockRule(
      "kube-proxy", "nat-prerouting", .calls("services"), "rules-flushed", "Pods and outside clients reach no Service"),
    StockRule(
      "kube-proxy", "nat-output", .calls("services"), "rules-flushed",
      "the node and its hostNetwork Pods reach no Service"),
    StockRule(
      "kube-proxy", "nat-postrouting", .calls("masquerading"), "rules-flushed",
      "nothing is masqueraded, replies take another way"),
    StockRule(
      "kube-proxy", "services", .looksUp("service-ips"), "rules-flushed",
      "no ClusterIP, external or load balancer address is translated"),
    StockRule(
      "kube-proxy", "services", .looksUp("service-nodeports"), "rules-flushed", "no NodePort works on this node"),
    StockRule(
      "kube-proxy", "mark-for-masquerade", .setsMark, "masquerade-scope", "no packet is marked, so none is masqueraded"),
    StockRule(
      "kube-proxy", "masquerading", .returnsUnmarked, unless: hairpins, "masquerade-scope",
      "everything that leaves the node is masqueraded: servers lose their clients' addresses"),
    StockRule(
      "kube-proxy", "masquerading", .clearsMark, unless: hairpins, "vxlan-checksum",
      "a packet that is encapsulated keeps its mark and is masqueraded again outside the tunnel"),
    StockRule(
      "kube-proxy", "masquerading", .masquerades, unless: hairpins, "masquerade-scope",
      "marked packets keep their source, replies take another way"),
    StockRule(
      "kube-proxy", "masquerading", .masqueradesMarked, needs: hairpins, "masquerade-scope",
      "marked packets keep their source, replies take another way"),
    StockRule(
      "kube-proxy", "filter-prerouting", .calls("firewall-check"), needs: "filter-prerouting", "source-ranges",
      "loadBalancerSourceRanges are ignored for what arrives"),
    StockRule(
      "kube-proxy", "filter-prerouting-pre-dnat", .calls("firewall-check"), needs: "filter-prerouting-pre-dnat",
      "source-ranges", "loadBalancerSourceRanges are ignored for what arrives"),
    StockRule(
      "kube-proxy", "filter-output-pre-dnat", .calls("firewall-check"), needs: "filter-output-pre-dnat",
      "source-ranges", "the node itself avoids loadBalancerSourceRanges"),
    StockRule(
      "kube-proxy", "firewall-check", .looksUp("firewall-ips"), "source-ranges", "loadBalancerSourceRanges are ignored"),
    StockRule(
      "kube-proxy", "filter-input", .calls("nodeport-endpoints-check"), "rules-flushed",
      "NodePorts without endpoints are not refused"),
    StockRule(
      "kube-proxy", "filter-input", .calls("service-endpoints-check"), "rules-flushed",
      "addresses of the node without endpoints are not refused"),
    StockRule(
      "kube-proxy", "filter-forward", .calls("service-endpoints-check"), "rules-flushed",
      "Services without endpoints are not refused: Pods time out"),
    StockRule(
      "kube-proxy", "filter-output", .calls("service-endpoints-check"), "rules-flushed",
      "Services without endpoints are not refused: the node's own clients time out"),
    StockRule(
      "kube-proxy", "filter-forward", .calls("cluster-ips-check"), "rules-flushed",
      "packets to unknown ports of a ClusterIP leave the node instead of being refused"),
    StockRule(
      "kube-proxy", "nodeport-endpoints-check", .looksUp("no-endpoint-nodeports"), "rules-flushed",
      "NodePorts without endpoints are not refused"),
    StockRule(
      "kube-proxy", "service-endpoints-check", .looksUp("no-endpoint-services"), "rules-flushed",
      "Services without endpoints are not refused: clients time out"),
    StockRule(
      "kube-proxy", "cluster-ips-check", .rejects, "rules-flushed",
      "packets to unknown ports of a ClusterIP leave the node instead of being refused"),
    StockRule(
      "kube-proxy", "reject-chain", .rejects, "rules-flushed",
      "Services without endpoints are not refused: clients time out"),
  ]
}
