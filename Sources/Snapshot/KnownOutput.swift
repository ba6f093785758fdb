import Input

/// What people hand over and no reader takes, because another command tells the same better. It is known by name, so that the
/// warning can say which.
public enum KnownOutput: Sendable, Hashable, CaseIterable {
  case ebtables, arptables, ipsetXML, iptablesXML, ufw, firewalld, calicoctl

  /// What it is, for a sentence.
  var name: String {
    switch self {
    case .ebtables: "rules of ebtables"
    case .arptables: "rules of arptables"
    case .ipsetXML: "ipsets as XML"
    case .iptablesXML: "rules as XML"
    case .ufw: "what ufw was told"
    case .firewalld: "what firewalld was told"
    case .calicoctl: "a table of calicoctl"
    }
  }

  /// What to hand over instead.
  var instead: String {
    switch self {
    case .ebtables, .arptables: "nft list ruleset"
    case .ipsetXML: "ipset save"
    case .iptablesXML, .ufw: "iptables-save and ip6tables-save"
    case .firewalld: "nft list ruleset, or iptables-save and ip6tables-save"
    case .calicoctl: "iptables-save or nft list ruleset, and kubectl get networkpolicies -A -o yaml"
    }
  }

  /// Whether packets fare by it, and no other dump of the node is read that tells the same: programs that write rules of
  /// iptables or nftables are told by these.
  var holdsRules: Bool {
    switch self {
    case .ebtables, .arptables, .iptablesXML: true
    case .ipsetXML, .ufw, .firewalld, .calicoctl: false
    }
  }

  /// Lines of it could be taken for another format's.
  var looksLikeOther: Bool { self == .arptables }

  /// Whose output a line is, by what only that prints, or by the command above it.
  static func of(_ line: ByteText, command: String?) -> KnownOutput? {
    if let command, let known = printed(by: command) { return known }
    if line.hasPrefix("Bridge table: ") || line.hasPrefix("Bridge chain: ") { return .ebtables }
    if line.hasPrefix("<ipset ") || line == "<ipsets>" { return .ipsetXML }
    if line.hasPrefix("<iptables-rules") { return .iptablesXML }
    if line == "Status: active" || line == "Status: inactive" { return .ufw }
    if line.hasPrefix("target: ") {
      let target = line.dropFirst(8)
      return target == "default" || target == "ACCEPT" || target == "DROP" || target == "%%REJECT%%" ? .firewalld : nil
    }
    return nil
  }

  private static func printed(by command: String) -> KnownOutput? {
    for word in command.split(separator: " ").prefix(24) {
      switch word.split(separator: "/").last ?? word {
      case "ebtables", "ebtables-legacy", "ebtables-nft", "ebtables-save": return .ebtables
      case "arptables", "arptables-legacy", "arptables-nft", "arptables-save": return .arptables
      case "iptables-xml": return .iptablesXML
      case "ufw": return .ufw
      case "firewall-cmd": return .firewalld
      case "calicoctl": return .calicoctl
      default: continue
      }
    }
    return nil
  }

  /// Whether a line of it stops nothing: a heading, or a chain without rules whose policy is ACCEPT.
  func isHarmless(_ line: ByteText) -> Bool {
    switch self {
    case .ebtables:
      return line.hasPrefix("Bridge table: ")
        || line.hasPrefix("Bridge chain: ") && line.contains("entries: 0,") && line.contains("policy: ACCEPT")
    case .arptables:
      return line.hasPrefix("Chain ") && line.contains("(policy ACCEPT")
    case .ipsetXML, .iptablesXML, .ufw, .firewalld, .calicoctl: return false
    }
  }
}
