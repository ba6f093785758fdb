import Findings

/// kube-proxy's mark lets the first datagram of a flow pass FORWARD; nat rules see no other, and the flow stays NEW as
/// long as nobody answers: the rest is dropped.
enum OneWayUDPForwardDrop: Check {
  static let id = "one-way-udp-forward-drop"

  static func run(_ context: CheckContext) -> [Finding] {
    context.groups(.onlyFirstDatagram).map { group in
      let node = group.node
      let endpoints = group.first.reach.programmed
      // Entries of such flows, where the dump has the table.
      let entries = (node.snapshot.connections ?? []).filter { entry in
        entry.ipProtocol == 17 && entry.unreplied && entry.original.destination == group.first.frontend.address
          && endpoints.contains { $0.address == entry.reply.source }
      }
      return Finding(
        id: id, severity: .warning, confidence: entries.isEmpty ? .likely : .certain,
        subject: context.subject(group.first, node),
        problem:
          "\(context.label(group.first)): of UDP flows without an answer only the first datagram passes \(node.name) (\(group.places))",
        cause:
          "FORWARD accepts marked packets only, and the mark is set by nat rules, which see the first packet of a flow alone",
        evidence: context.evidence(group.first.dropOfSecond, node)
          + entries.prefix(3).map { entry in
            Finding.Evidence(
              line: entry.line > 0 ? entry.line : nil,
              text:
                "udp \(entry.original.source) → \(entry.original.destination):\(entry.original.destinationPort) [UNREPLIED]"
            )
          },
        fix: group.first.dropOfSecond.map { step in
          Remedy(at: step, node.snapshot, context.intent).fixes(
            for: endpoints.map {
              Remedy.Passage(ipProtocol: .udp, source: nil, destination: $0.address, port: $0.port)
            })
        } ?? [.advice("accept the Pods' address range in both directions")],
        verify: ["conntrack -L -p udp --orig-dst \(group.first.frontend.address)"],
        reference: "kubernetes/kubernetes#108876",
        // As the later datagrams come to FORWARD.
        occurrences: endpoints.prefix(1).map { endpoint in
          Finding.Occurrence(
            node: node.name, service: context.subject(group.first, node).serviceName,
            traffic: Finding.Traffic(
              ipProtocol: .udp, source: group.first.source, isLocal: false, address: endpoint.address,
              port: endpoint.port))
        })
    }
  }
}
