import CaptureAnalysis
import Findings
import Intent
import Snapshot
import Wire

/// A capture beside what is known of nodes and cluster: names for addresses, the rule that stops a conversation, the
/// links' MTUs, the limits of the conntrack table. The capture's findings are completed, never taken away.
public struct CaptureJoin {
  let intent: Cluster
  let nodes: [JoinedNode]

  public init(_ bundle: Bundle, intent: Cluster) {
    self.intent = intent
    nodes = bundle.snapshots.map { JoinedNode($0, intent) }
  }

  /// What the analysis should know before it starts: conntrack timeouts and limit, the link's MTU, VXLAN ports. What was
  /// given already stays.
  public func configure(_ options: inout CaptureOptions) {
    if let node = nodes.first(where: { !$0.snapshot.sysctls.isEmpty }) {
      options.timeouts.take { node.snapshot.sysctlInt($0) }
      if options.conntrackMaximum == nil { options.conntrackMaximum = ConntrackLimits(node.snapshot).maximum }
    }
    let overlays = nodes.flatMap(\.overlays)
    options.vxlanPorts += overlays.compactMap { $0.port.flatMap { UInt16(exactly: $0) } }
    if options.linkMTU == nil {
      options.linkMTU =
        overlays.compactMap(\.underlayMTU).min() ?? nodes.compactMap { OverlayLink.uplinkMTU($0.snapshot) }.min()
    }
  }

  /// Findings with names, with the rules that explain them, and with what only the comparison shows; the worst first.
  public func complete(_ findings: [Finding], _ analyzer: borrowing CaptureAnalyzer) -> [Finding] {
    let failed = analyzer.failedConversations()
    let tunnels = analyzer.tunnelRows()
    var list = findings.map { RuleExplanation(self, failed).complete($0) }
    for (index, finding) in list.enumerated() {
      switch finding.id {
      case "conntrack-table-full": list[index] = ConntrackLimits.complete(finding, nodes)
      case "overlay-mtu", "mss-too-large", "vxlan-overhead": list[index] = OverlayLink.complete(finding, nodes)
      default: break
      }
    }
    // The guess at a tunnel that nothing comes back through ends where rules are found that stop all that it carries.
    let unanswered = list.filter { $0.id == "syn-unanswered" }
    if !unanswered.isEmpty, unanswered.allSatisfy({ $0.subject.node != nil && $0.confidence == .certain }) {
      list.removeAll { $0.id == "vxlan-port" && $0.confidence == .possible }
    }
    list += OverlayLink.findings(nodes, besides: list)
    list += TunnelEndpoints.findings(tunnels, self)
    let names = AddressNames(self)
    return CaptureAnalyzer.ordered(list.map { names.annotate($0) })
  }

  /// `pod/shop/web-0`, `svc/shop/cart`, `node/worker-1`; nil: not known. Safe to print.
  public func name(of address: IPAddress) -> String? {
    if let owner = intent.owner(of: address) { return printable(owner) }
    guard !address.isLoopback, let node = nodes.first(where: { $0.addresses.contains(address) }) else { return nil }
    return "node/" + printable(node.name)
  }
}
