import Ruleset

/// Whose rules translate a frontend's packets, by the chain names that well-known programs use. For people: nothing is
/// decided by it.
public enum RuleOwner: String, Sendable {
  case kubeProxy = "kube-proxy"
  case hostPort = "a Pod's hostPort"
  case docker = "a published port of Docker"
  case podman = "a published port of Podman"
  case other = "another program's rule"

  public init(_ rule: RuleID, _ ruleset: borrowing Ruleset) {
    let chain = ruleset[ruleset[rule].chain]
    let name = ruleset.names[chain.name]
    if name.hasPrefix("KUBE-") || ruleset[chain.table].name == "kube-proxy" {
      self = .kubeProxy
    } else if name.hasPrefix("CNI-") {
      self = .hostPort
    } else if name.hasPrefix("DOCKER") {
      self = .docker
    } else if name.hasPrefix("NETAVARK") {
      self = .podman
    } else {
      self = .other
    }
  }
}
