import Intent
import Journey
import PacketPath
import ServiceMap
import Snapshot
import Wire

/// What Pods of other nodes send here was walked as if their own nodes had left it alone. Where the bundle has those nodes'
/// dumps, the journey decides: their rules may masquerade it, and it comes by the device that they send it to.
enum FarPods {
  static func settle(_ nodes: inout [NodeContext], _ intent: Cluster) {
    guard nodes.contains(where: { $0.observations.contains(where: isInDoubt) }) else { return }
    let snapshots = nodes.filter { $0.pod == nil }.map(\.snapshot)
    let judge = snapshots.count > 1 ? JourneyJudge(BundleMap(snapshots, intent), NameResolver(intent)) : nil
    for at in nodes.indices {
      let node = nodes[at].name
      nodes[at].observations.removeAll { observation in
        guard isInDoubt(observation) else { return false }
        let flow = Flow(
          ipProtocol: observation.frontend.ipProtocol, source: observation.source,
          sourcePort: JourneyQuestions.sourcePort, destination: observation.frontend.address,
          destinationPort: observation.frontend.port, from: "")
        let answer = judge?.judge(flow)
        switch answer?.answer {
        case .served?, .passes?: return true
        case .dropped?, .refused?, .lost?, .partly?:
          // What fails for another reason, path-broken tells.
          guard let journey = answer?.deciding, journey.failedAt?.node == node, journey.ending.phase == .request,
            case .leg(let fork, let number)? = journey.parts.last
          else { return true }
          let ended = fork.trace.outcomes[number].reason
          return observation.reach.losses.allSatisfy(\.isByReversePath) && ended?.isReversePath != true
        // By which device it comes, and from whom, is the sender's to say.
        case .unserved?, .unsure?, nil: return observation.reach.losses.allSatisfy(\.isByReversePath)
        }
      }
    }
  }

  private static func isInDoubt(_ observation: Observation) -> Bool {
    observation.origin == .remotePod && observation.faults.contains(.lostBehind)
  }
}

extension Reach.Loss {
  fileprivate var isByReversePath: Bool {
    reason?.isReversePath ?? false
  }
}

extension Reason {
  fileprivate var isReversePath: Bool {
    if case .reversePath = self { true } else { false }
  }
}
