import Ruleset

/// Which program keeps a chain, by the names that well-known programs give theirs. What one keeps, it writes again:
/// nobody else's rule lasts there.
enum ChainOwner: String {
  case kubeProxy = "kube-proxy"
  case kubelet
  case calico = "Calico"
  case cilium = "Cilium"
  case kubeRouter = "kube-router"
  case weave = "Weave Net"
  case antrea = "Antrea"
  case flannel
  case docker = "Docker"
  case podman = "Podman"
  case portmap = "the portmap plugin"
  case awsNode = "the AWS VPC plugin"
  case istio = "Istio"
  case ipMasqAgent = "ip-masq-agent"
  case libvirt
  case firewalld
  case ufw
  /// Whoever looks after the node.
  case operators = "the node's own firewall"

  init(_ chain: ChainID, _ ruleset: borrowing Ruleset) {
    let name = ruleset.name(of: chain)
    let table = ruleset[ruleset[chain].table]
    if table.backend == .nft, let owner = Self.owner(ofTable: table.name) {
      self = owner
      return
    }
    if name == Self.dockersUserChain {
      self = .operators
      return
    }
    if let known = Self.prefixes.first(where: { name.hasPrefix($0.0) }) {
      self = known.1
      return
    }
    // Docker makes DROP the policy of FORWARD.
    if name == "FORWARD", let base = ruleset.base(of: chain), base.policyDrops,
      Self.hasDocker(ruleset[chain].table, ruleset)
    {
      self = .docker
      return
    }
    // Built-in chains belong to the firewall that keeps the others of the table.
    if ruleset.base(of: chain) != nil, let firewall = Self.firewall(of: ruleset[chain].table, ruleset) {
      self = firewall
      return
    }
    self = .operators
  }

  /// Docker leaves it to the node's users, and asks it first.
  static let dockersUserChain = "DOCKER-USER"

  private static let prefixes: [(String, ChainOwner)] = [
    ("KUBE-ROUTER", .kubeRouter), ("KUBE-POD-FW", .kubeRouter), ("KUBE-NWPLCY", .kubeRouter),
    ("KUBE-FIREWALL", .kubelet),
    ("KUBE-", .kubeProxy), ("cali-", .calico), ("cali", .calico), ("CILIUM_", .cilium), ("OLD_CILIUM_", .cilium),
    ("WEAVE-", .weave), ("ANTREA-", .antrea), ("FLANNEL-", .flannel), ("DOCKER", .docker), ("NETAVARK", .podman),
    ("AWS-", .awsNode), ("ISTIO_", .istio), ("IP-MASQ-AGENT", .ipMasqAgent),
    ("CNI-", .portmap), ("LIBVIRT_", .libvirt), ("ufw-", .ufw), ("ufw6-", .ufw), ("FWD_", .firewalld),
    ("FWDI_", .firewalld), ("FWDO_", .firewalld), ("IN_", .firewalld), ("OUT_", .firewalld), ("PRE_", .firewalld),
    ("POST_", .firewalld), ("INPUT_ZONES", .firewalld), ("INPUT_direct", .firewalld), ("FORWARD_IN_ZONES", .firewalld),
    ("FORWARD_OUT_ZONES", .firewalld), ("FORWARD_direct", .firewalld), ("FORWARD_POLICIES", .firewalld),
  ]

  private static func owner(ofTable name: String) -> ChainOwner? {
    switch name {
    case "kube-proxy": .kubeProxy
    case "firewalld": .firewalld
    case "calico": .calico
    case "docker-bridges": .docker
    case "netavark": .podman
    case "libvirt_network": .libvirt
    default:
      name.hasPrefix("flannel")
        ? .flannel : name.hasPrefix("kube-router") ? .kubeRouter : name.hasPrefix("antrea") ? .antrea : nil
    }
  }

  private static func hasDocker(_ table: TableID, _ ruleset: borrowing Ruleset) -> Bool {
    ruleset.chains.contains {
      $0.table == table && $0.isDefined
        && ["DOCKER-ISOLATION-STAGE-1", "DOCKER-FORWARD"].contains(ruleset.names[$0.name])
    }
  }

  private static func firewall(of table: TableID, _ ruleset: borrowing Ruleset) -> ChainOwner? {
    for chain in ruleset.chains where chain.table == table && chain.isDefined {
      let name = ruleset.names[chain.name]
      if name == "ufw-before-input" || name == "ufw6-before-input" { return .ufw }
      if name == "INPUT_direct" || name == "FORWARD_direct" || name == "IN_public" { return .firewalld }
    }
    return nil
  }

  /// It keeps what NetworkPolicies ask for.
  var enforcesPolicies: Bool {
    switch self {
    case .calico, .cilium, .kubeRouter, .weave, .antrea: true
    default: false
    }
  }
}
