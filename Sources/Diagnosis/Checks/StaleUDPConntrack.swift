import Findings

/// UDP clients are held at an endpoint that is gone.
enum StaleUDPConntrack: Check {
  static let id = "stale-udp-conntrack"

  static func run(_ context: CheckContext) -> [Finding] {
    UnansweredUDP.all(.gone, context).map { flow in
      flow.finding(
        id, context, problem: "\(flow.node.name) keeps sending it to \(flow.entry.reply.source)",
        cause:
          "\(flow.entry.reply.source) is no endpoint of the Service ← kube-proxy did not delete the connection's entry when the endpoint went, and each datagram renews it",
        reference: "kubernetes/kubernetes#125467")
    }
  }
}
