/// The chains in which network plugins enforce NetworkPolicies on a node. By name: that packets pass one says only that
/// the plugin had its say.
enum PolicyChains {
  private static let prefixes = [
    "filter-cali-fw-", "filter-cali-tw-", "filter-cali-from-wl", "filter-cali-to-wl", "cali-fw-", "cali-tw-",
    "cali-from-wl", "cali-to-wl", "KUBE-NWPLCY-", "KUBE-POD-FW-", "ANTREA-POL-",
  ]

  static func enforce(_ chain: String) -> Bool { prefixes.contains { chain.hasPrefix($0) } }
}
