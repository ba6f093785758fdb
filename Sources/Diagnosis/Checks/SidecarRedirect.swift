import Findings
import Intent
import Journey
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// In a Pod's own namespace, where Istio's rules lead connections to the proxy beside the application: nobody takes them
/// there, or the proxy's own come back to it.
enum SidecarRedirect: Check {
  static let id = "sidecar-redirect"

  /// The proxy's user and group: by them the rules tell its packets from the application's.
  private static let proxy: UInt32 = 1337
  private static let application: UInt32 = 1000
  private static let dnsPort: UInt16 = 53

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.flatMap { node -> [Finding] in
      guard PodNamespace.isPods(node.snapshot), let rule = Self.rule(node.snapshot.ruleset) else { return [] }
      return [IPVersion.v4, .v6].lazy.map { Pass(node, context, $0, rule)?.findings ?? [] }.first { !$0.isEmpty } ?? []
    }
  }

  /// One that shows whose rules they are.
  private static func rule(_ ruleset: Ruleset) -> RuleID? {
    ruleset.rules.indices.lazy.map { RuleID($0) }.first { ChainOwner(ruleset[$0].chain, ruleset) == .istio }
  }

  /// The flows of one IP version.
  private struct Pass {
    let node: NodeContext
    let context: CheckContext
    let tracer: PathTracer
    let own: IPAddress
    let outside: IPAddress
    let pod: Pod?
    let rule: RuleID

    init?(_ node: NodeContext, _ context: CheckContext, _ version: IPVersion, _ rule: RuleID) {
      guard
        let own = node.snapshot.addresses?.first(where: {
          $0.address.version == version && $0.scope == "global" && $0.interface == "eth0"
        })?.address, let outside = IPAddress(version == .v4 ? "203.0.113.53" : "2001:db8:53::53"),
        RuleDumpMissing.hasRules(node.snapshot, version)
      else { return nil }
      self.node = node
      self.context = context
      self.own = own
      self.outside = outside
      self.rule = rule
      tracer = PathTracer(node.snapshot)
      pod = node.pod.map { context.intent.pods[$0] }
    }

    var findings: [Finding] {
      let found = [inbound(), outbound(), loop(), names()].compactMap { $0 }
      // Without the proxy neither direction works: one cause.
      return found.filter { $0.cause != found.first?.cause } + found.prefix(1)
    }

    private func flow(
      _ ipProtocol: IPProtocol, _ port: UInt16, to destination: IPAddress, by user: UInt32? = nil, mark: UInt32? = nil
    ) -> Outcome? {
      var flow = Flow(
        ipProtocol: ipProtocol, source: user == nil ? outside : own, sourcePort: 40000, destination: destination,
        destinationPort: port, from: user == nil ? "eth0" : Flow.local)
      flow.uid = user
      flow.gid = user
      flow.mark = mark
      let outcomes = tracer.trace(flow).outcomes
      // What is not sure is not told.
      return outcomes.count == 1 && !outcomes[0].isAssumed ? outcomes[0] : nil
    }

    /// The port to which the rules lead, where nothing listens.
    private func deaf(_ end: Outcome?, _ ipProtocol: IPProtocol, instead of: UInt16) -> UInt16? {
      guard let end else { return nil }
      if case .noTransparentSocket(let port) = end.reason { return port }
      guard end.verdict == .deliver, end.destinationRule != nil, end.destinationPort != of,
        let sockets = node.snapshot.sockets, node.snapshot.socketProtocols.contains(ipProtocol)
      else { return nil }
      let listens = HostSockets.listeners(sockets, ipProtocol, end.destinationPort).contains {
        $0.accepts(end.destination)
      }
      return listens ? nil : end.destinationPort
    }

    private var name: String { pod.map(\.fullName) ?? node.name }

    private func inbound() -> Finding? {
      let port = pod?.ports.first { $0.ipProtocol == .tcp && $0.port < 15000 }?.port ?? 8080
      let end = flow(.tcp, port, to: own)
      return deaf(end, .tcp, instead: port).map {
        silent($0, "nobody reaches Pod \(name)", end?.steps.last?.rule)
      }
    }

    private func outbound() -> Finding? {
      let end = flow(.tcp, 443, to: outside, by: SidecarRedirect.application)
      return deaf(end, .tcp, instead: 443).map {
        silent($0, "Pod \(name) reaches nothing by TCP", end?.destinationRule)
      }
    }

    private func silent(_ port: UInt16, _ problem: String, _ rule: RuleID?) -> Finding {
      finding(
        "\(problem): its connections are led to the sidecar, and refused there",
        "Istio's rules redirect to the proxy, and nothing listens on its port ← container istio-proxy does not run, or is not ready yet",
        rule, "ss: nothing listens on port \(port)",
        [
          .advice(
            "see why istio-proxy does not run; an application that starts before it waits with holdApplicationUntilProxyStarts: true (annotation proxy.istio.io/config)"
          )
        ],
        verify: logs)
    }

    private func loop() -> Finding? {
      let end = flow(.tcp, 443, to: outside, by: SidecarRedirect.proxy)
      guard let end, end.verdict == .deliver, let rule = end.destinationRule else { return nil }
      return finding(
        "Pod \(name) reaches nothing by TCP: what its sidecar sends is led back to the sidecar",
        "no rule of ISTIO_OUTPUT lets user or group \(SidecarRedirect.proxy) pass before the redirect to port \(end.destinationPort) ← the rules were changed, or the proxy runs as another user than they were written for",
        rule, nil,
        [
          remake,
          .advice("the user is global.proxy.uid of the installation, in istio-init or istio-cni and in the sidecar"),
        ],
        verify: logs)
    }

    private func names() -> Finding? {
      let service = DNSService.index(context.intent).map { context.intent.services[$0] }
      guard
        let address = service?.clusterIPs.first(where: { $0.version == own.version }) ?? firstResolver
      else { return nil }
      let end = flow(.udp, SidecarRedirect.dnsPort, to: address, by: SidecarRedirect.application)
      guard let port = deaf(end, .udp, instead: SidecarRedirect.dnsPort) else { return nil }
      return finding(
        "Pod \(name) cannot resolve names: its queries are led to the sidecar, and nobody answers there",
        "Istio's rules redirect DNS to port \(port), where the agent of the sidecar should listen, and nothing does ← the proxy runs without DNS capture (ISTIO_META_DNS_CAPTURE), or does not run",
        end?.destinationRule, "ss: nothing listens on port \(port)",
        [
          .advice(
            "give rules and proxy the same setting: proxyMetadata ISTIO_META_DNS_CAPTURE in the mesh's or the Pod's proxy.istio.io/config"
          ), remake,
        ], verify: logs)
    }

    /// Where no object names the DNS Service: the address that a rule redirects.
    private var firstResolver: IPAddress? {
      let ruleset = node.snapshot.ruleset
      for index in ruleset.rules.indices {
        let facts = RuleFacts(RuleID(index), in: ruleset)
        guard facts.destinationPorts == [SidecarRedirect.dnsPort], let prefix = facts.destination,
          prefix.address.version == own.version, prefix.length == own.version.width
        else { continue }
        return prefix.address
      }
      return nil
    }

    private var remake: Fix {
      pod.map {
        .command(
          "kubectl -n \($0.namespace) delete pod \($0.name)",
          why: "made anew, it gets its rules from istio-init or istio-cni"
        )
      } ?? .advice("make the Pod anew: it gets its rules from istio-init or istio-cni")
    }

    private var logs: [ShellCommand] {
      pod.map { ["kubectl -n \($0.namespace) logs \($0.name) -c istio-proxy"] } ?? ["ss -lntup"]
    }

    private func finding(
      _ problem: String, _ cause: String, _ rule: RuleID?, _ text: String?, _ fix: [Fix], verify: [ShellCommand]
    ) -> Finding {
      Finding(
        id: SidecarRedirect.id, severity: .error, confidence: .certain,
        subject: Finding.Subject(
          kind: "Pod", namespace: pod?.namespace, name: pod?.name ?? node.name, node: pod?.node),
        problem: problem, cause: cause,
        evidence: context.evidence(rule ?? self.rule, node) + (text.map { [Finding.Evidence(text: $0)] } ?? []),
        fix: fix, verify: verify, reference: "istio.io/latest/docs/ops/common-problems")
    }
  }
}
