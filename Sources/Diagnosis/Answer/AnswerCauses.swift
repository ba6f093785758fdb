import Findings
import Intent
import PacketPath
import Snapshot

/// The causes behind an answer, as `check` names them: the same findings, of the one Service that was asked for.
public enum AnswerCauses {
  /// Findings with the worst first; empty where all is well. What no objects tell, the trace does.
  public static func findings(
    _ judgement: Judgement, _ trace: Trace, _ snapshot: Snapshot, _ names: NameResolver?
  ) -> [Finding] {
    guard !judgement.answer.isGood, judgement.answer != .unsure else { return [] }
    let known = byObjects(judgement, trace, snapshot, names)
    return known.isEmpty ? TraceFindings.of(judgement, trace, snapshot, names) : known
  }

  private static func byObjects(
    _ judgement: Judgement, _ trace: Trace, _ snapshot: Snapshot, _ names: NameResolver?
  ) -> [Finding] {
    guard let cluster = names?.cluster, let label = judgement.service else { return [] }
    let full = String(label.split(separator: ":")[0])
    guard let index = cluster.serviceIndex[full] else { return [] }
    var bundle = Bundle()
    bundle.snapshots = [snapshot]
    let context = CheckContext(bundle, intent: cluster, only: [index])
    let ids = nodeFindings(judgement, trace)
    // Journeys ask here for their causes.
    let found = Diagnosis.run(context, skip: [PathBroken.id]).filter { $0.concerns(cluster.services[index], ids) }
    // A remark explains only where nothing worse does.
    let worse = found.filter { $0.severity > .info }
    return worse.isEmpty ? found : worse
  }

  /// Of findings about the node, those that can be behind what ended the packet.
  private static func nodeFindings(_ judgement: Judgement, _ trace: Trace) -> Set<String> {
    let outcome = judgement.deciding.map { trace.outcomes[$0] }
    switch judgement.answer {
    case .served, .passes, .unsure: return []
    case .unserved:
      return [
        KubeProxyNotProgramming.id, RulesFlushed.id, NftPrerequisites.id, MixedIptablesBackends.id, StaleRules.id,
        IPVSAddressMissing.id, IPVSSetMismatch.id, IPVSTableMissing.id, RuleDumpMissing.id, EBPFMapDiverged.id,
      ]
    case .lost: return [MasqueradeScope.id, RulesFlushed.id, BridgeNFCallOff.id, ForwardDrop.id, NotrackBeforeNAT.id]
    case .partly, .refused, .dropped:
      switch outcome?.reason {
      case .noRoute, .refusingRoute: return [NoRoute.id, PodNamespace.id, NodeUnreachable.id]
      case .forwardingOff: return [IPForwardOff.id]
      case .reversePath, .martian: return [ReversePathFilter.id]
      default:
        return [
          ForwardDrop.id, NetworkPolicyDrop.id, RulesFlushed.id, StaleRules.id, NodeUnreachable.id, ControlPlanePort.id,
        ]
      }
    }
  }
}

extension Finding {
  /// Whether it is about a Service, does it harm, or is one of the node's that the way of the packet shows.
  fileprivate func concerns(_ service: Service, _ nodeFindings: Set<String>) -> Bool {
    if subject.kind == "Service" { return subject.namespace == service.namespace && subject.name == service.name }
    if occurrences.contains(where: { $0.service?.split(separator: ":").first.map(String.init) == service.fullName }) {
      return severity > .info
    }
    return severity > .info && nodeFindings.contains(id)
  }
}
