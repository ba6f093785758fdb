import Findings
import Ruleset
import Snapshot
import Wire

/// What to do about one outcome: sentences and commands, from the rule or decision that ended it.
public enum OutcomeAdvice {
  public static func of(_ outcome: Outcome, _ flow: Flow, _ snapshot: Snapshot) -> [Fix] {
    let ruleset = snapshot.ruleset
    switch outcome.verdict {
    case .forward:
      guard !outcome.isTranslated, visitedServices(outcome, ruleset) else { return [] }
      return [
        .advice(
          "No Service rule took \(flow.destination):\(flow.destinationPort), so it leaves untranslated. If this is a Service address, compare with 'kubectl get svc -A -o wide' and look whether kube-proxy runs on this node."
        )
      ]
    case .deliver: return []
    case .reject, .drop:
      if case .bridge(let refusal) = outcome.reason { return of(refusal) }
      guard let step = outcome.steps.last else { return outcome.reason.map { [.advice("\($0)")] } ?? [] }
      let chain = ruleset[step.chain]
      let table = ruleset[chain.table].name
      guard let rule = step.rule else {
        return [
          .advice(
            "The packet reaches the end of \(table) \(printable(ruleset.names[chain.name])), whose policy is DROP: no rule accepts it."
          ), .command(acceptance(of: outcome, flow, at: step, ruleset), why: "accepts it there"),
        ]
      }
      let text = ruleset.text(of: ruleset[rule])
      if text.contains("has no endpoints") {
        let name = ServiceLabel.comment(text).map { String($0.prefix { $0 != ":" }) } ?? "NAMESPACE/NAME"
        let parts = name.split(separator: "/").map(String.init)
        let slices: ShellCommand =
          "kubectl -n \(parts[0]) get endpointslices -l \("kubernetes.io/service-name=\(parts.last ?? "")")"
        let describe: ShellCommand = "kubectl -n \(parts[0]) describe svc \(parts.last ?? "")"
        return [.advice("The Service has no ready endpoint. Look at its Pods and selector: \(slices); \(describe)")]
      }
      if text.contains("has no local endpoints") {
        return [
          .advice(
            "externalTrafficPolicy (or internalTrafficPolicy) is Local and no endpoint runs on this node: send the traffic to a node that has one, or set the policy to Cluster."
          )
        ]
      }
      return [
        .advice("See whether this rule is meant to stop the packet: \(printable(text, limit: 90))"),
        .command(acceptance(of: outcome, flow, at: step, ruleset), why: "lets it pass"),
      ]
    case .noroute:
      switch outcome.reason {
      case .reversePath:
        return [
          .advice("The path is asymmetric: repair the route back to \(flow.source)."),
          .command("sysctl -w net.ipv4.conf.\(flow.from).rp_filter=2", why: "or loosen the check"),
        ]
      case .forwardingOff:
        let key = flow.version == .v4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding"
        return [.command("sysctl -w \(key)=1")]
      case .loopbackLeaves, .martian(.loopbackSource), .martian(.loopbackDestination):
        return [
          .command(
            "sysctl -w net.ipv4.conf.all.route_localnet=1",
            why: "localhost NodePorts need it, and kube-proxy's KUBE-FIREWALL rule against outsiders")
        ]
      default: break
      }
      if let routes = snapshot.routes, routes.indices.contains(Int(outcome.routeIndex)) {
        let route = routes[Int(outcome.routeIndex)]
        let tool = flow.version == .v4 ? "ip" : "ip -6"
        if route.type.isRefusal {
          return [
            .advice(
              "The node has a route of type \(route.type) for \(route.destination): network plugins leave one for Pod addresses whose node is gone or not known yet. See whether \(outcome.destination) still belongs to a Pod, and on which node."
            ),
            .advice(
              "If it does, its network plugin should have made a route to that node's Pod range. By hand: \(tool) route add POD-RANGE-OF-ITS-NODE via NODE-ADDRESS"
            ),
          ]
        }
      }
      return [
        .advice(
          "Look at the routing decision: "
            + (flow.isLocal
            ? "ip route get \(outcome.destination)" as ShellCommand
            : "ip route get \(outcome.destination) from \(flow.source) iif \(flow.from)").text)
      ]
    }
  }

  private static func of(_ refusal: Reason.BridgeRefusal) -> [Fix] {
    switch refusal {
    case .portNotForwarding: [.advice("See why the port is down or blocked: bridge -d link")]
    case .hairpinOff(let port):
      [
        .advice(
          "A Pod reaches itself through its Service only with hairpin mode on its port, which the network plugin sets (hairpinMode of the CNI bridge plugin)."
        )
      ] + (port.map { [.command("bridge link set dev \($0) hairpin on", why: "until the plugin does")] } ?? [])
    case .bothPortsIsolated(let port, _):
      [
        .advice(
          "The network plugin isolates ports (portIsolation of the CNI bridge plugin): see whether that is meant.")
      ]
        + (port.map { [.command("bridge link set dev \($0) isolated off", why: "lets it pass")] } ?? [])
    }
  }

  private static func visitedServices(_ outcome: Outcome, _ ruleset: Ruleset) -> Bool {
    outcome.steps.contains { step in
      if case .jump(let chain) = step.verdict {
        return ["KUBE-SERVICES", "services"].contains(ruleset.name(of: chain))
      }
      return false
    }
  }

  private static func acceptance(of outcome: Outcome, _ flow: Flow, at step: Step, _ ruleset: Ruleset) -> ShellCommand {
    acceptance(
      of: flow.ipProtocol, from: outcome.source, to: outcome.destination, outcome.destinationPort, at: step, ruleset)
  }

  /// The command that accepts packets before a rule, or at a base chain's end. `source` nil: of anybody.
  public static func acceptance(
    of ipProtocol: IPProtocol, from source: IPAddress?, to destination: IPAddress, _ port: UInt16, at step: Step,
    _ ruleset: Ruleset
  ) -> ShellCommand {
    let chain = ruleset.name(of: step.chain)
    let table = ruleset[ruleset[step.chain].table]
    let isV4 = destination.version == .v4
    guard table.backend == .nft else {
      var words = [isV4 ? "iptables" : "ip6tables", "-t", table.name, "-I", chain]
      if step.rule != nil { words.append("\(step.position)") }
      if let source { words += ["-s", "\(source)"] }
      words += ["-d", "\(destination)", "-p", "\(ipProtocol)"]
      if ipProtocol.hasPorts { words += ["--dport", "\(port)"] }
      return ShellCommand(words: words + ["-j", "ACCEPT"])
    }
    let ip = isV4 ? "ip" : "ip6"
    var words = ["nft", "insert", "rule", table.family.rawValue, table.name, chain]
    if step.rule != nil { words += ["index", "\(step.position - 1)"] }
    if let source { words += [ip, "saddr", "\(source)"] }
    words += [ip, "daddr", "\(destination)"]
    words += ipProtocol.hasPorts ? ["\(ipProtocol)", "dport", "\(port)"] : ["meta", "l4proto", "\(ipProtocol)"]
    return ShellCommand(words: words + ["accept"])
  }
}
