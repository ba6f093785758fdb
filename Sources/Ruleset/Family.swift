/// A table's address family. iptables tables are `ip`, ip6tables tables `ip6`.
public enum Family: String, Sendable, Hashable {
  case ip, ip6, inet, arp, bridge, netdev
}

/// The netfilter hook of a base chain.
public enum Hook: String, Sendable, Hashable, CaseIterable {
  case ingress, prerouting, input, forward, output, postrouting, egress
}

/// What a base chain is attached as; `nat` chains see only the first packet of a connection.
public enum ChainType: String, Sendable, Hashable {
  case filter, nat, route
}

/// The program whose rules these are: decides details that the kernel handles per implementation.
public enum Backend: String, Sendable, Hashable {
  case iptables  // an iptables-save whose variant the dump does not tell
  case iptablesLegacy = "iptables-legacy"
  case iptablesNft = "iptables-nft"
  case nft
}

/// Priorities as `include/uapi/linux/netfilter_ipv4.h` names them.
public enum HookPriority {
  public static let raw = -300
  public static let conntrack = -200
  public static let mangle = -150
  public static let destinationNAT = -100
  public static let filter = 0
  public static let security = 50
  public static let sourceNAT = 100
}
