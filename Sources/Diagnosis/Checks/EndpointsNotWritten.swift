import Findings
import Intent
import Wire

/// Ready Pods match a Service, and its EndpointSlices do not have them.
enum EndpointsNotWritten: Check {
  static let id = "endpoints-not-written"

  static func run(_ context: CheckContext) -> [Finding] {
    context.endpointCauses.entries.compactMap { entry in
      guard case .unwritten(let index) = entry.cause else { return nil }
      return Finding(
        id: id, severity: .error, confidence: .likely, subject: context.subject(context.intent.services[index]),
        problem: "ready Pods match Service \(context.intent.services[index].fullName), and no EndpointSlice has them",
        cause: entry.explanation.cause, evidence: entry.explanation.evidence, fix: entry.explanation.fix,
        verify: entry.explanation.verify)
    }
  }

  /// The Service is of one IP version, and its Pods have addresses of the other alone.
  static func otherVersion(
    _ service: Service, _ version: IPVersion, _ ready: [Pod], _ intent: Cluster
  ) -> Explanation {
    Explanation(
      cause:
        "the Service has an \(version == .v4 ? "IPv4" : "IPv6") address, and its Pods have none of that version ← the cluster or its network plugin is not dual-stack",
      evidence: ready.prefix(3).map {
        intent.evidence($0, ": \($0.addresses.map { "\($0)" }.joined(separator: ", "))")
      },
      fix: [
        .advice(
          "make the Service anew with spec.ipFamilies of the Pods' version, or give Pods addresses of both (kubeadm's podSubnet, the plugin's pools)"
        )
      ],
      verify: [service.slicesCommand])
  }

  static func explanation(
    _ service: Service, _ examples: [Pod], ready: Int, of count: Int, _ intent: Cluster
  ) -> Explanation {
    Explanation(
      cause:
        "\(ready) of \(count) Pods that match are ready, but none is in its EndpointSlices ← the EndpointSlice controller (kube-controller-manager) does not run or does not keep up, or the objects are of different moments",
      evidence: examples.prefix(3).map {
        intent.evidence($0, " on \($0.node): ready, \($0.addresses.map { "\($0)" }.joined(separator: ", "))")
      },
      fix: [
        .look(
          "kubectl -n kube-system get pods -l component=kube-controller-manager; kubectl -n kube-system get lease kube-controller-manager -o yaml",
          why: "does it run, does it lead?")
      ],
      verify: [service.slicesCommand],
      confidence: .likely)
  }
}
