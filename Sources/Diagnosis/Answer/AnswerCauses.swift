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
    let known = byObjects(judgement, snapshot, names)
    return known.isEmpty ? TraceFindings.of(judgement, trace, snapshot, names) : known
  }

  private static func byObjects(_ judgement: Judgement, _ snapshot: Snapshot, _ names: NameResolver?) -> [Finding] {
    guard let cluster = names?.cluster, let label = judgement.service else { return [] }
    let full = String(label.split(separator: ":")[0])
    guard let index = cluster.serviceIndex[full] else { return [] }
    var bundle = Bundle()
    bundle.snapshots = [snapshot]
    let context = CheckContext(bundle, intent: cluster, only: [index])
    let service = cluster.services[index]
    return Diagnosis.run(context).filter { finding in
      guard finding.severity > .info else { return false }
      return finding.concerns(service)
    }
  }
}

extension Finding {
  /// Whether it is about a Service, or about what carries every Service's packets on the way that was traced.
  fileprivate func concerns(_ service: Service) -> Bool {
    if subject.kind == "Service" { return subject.namespace == service.namespace && subject.name == service.name }
    return severity == .error && subject.kind == "Node"
  }
}
