import Findings
import Intent

/// Pods that are ready now and were started again and again: connections fail for a while each time.
enum PodRestarts: Check {
  static let id = "pod-restarts"

  /// Fewer may be a node's reboot or a roll-out.
  private static let many = 3

  private struct Key: Hashable {
    var namespace: String
    var maker: ObjectOwner
  }

  static func run(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    var groups: [Key: [Int]] = [:]
    var order: [Key] = []
    for (index, pod) in intent.pods.enumerated() where pod.ready && !pod.isOver {
      guard let trouble = pod.trouble, trouble.containers.contains(where: isTelling),
        context.objects.isSelected(index)
      else { continue }
      let key = Key(
        namespace: pod.namespace,
        maker: context.objects.maker(of: pod, intent) ?? ObjectOwner(kind: "Pod", name: pod.name))
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(index)
    }
    return order.map { finding($0, groups[$0]!, context) }
  }

  /// It was restarted often, and the last time because it failed.
  private static func isTelling(_ container: ContainerTrouble) -> Bool {
    container.restarts >= many && !container.isInit
      && container.last.map { $0.exitCode != 0 || $0.reason == "OOMKilled" } ?? false
  }

  private static func finding(_ key: Key, _ pods: [Int], _ context: CheckContext) -> Finding {
    let intent = context.intent
    let pod = intent.pods[pods[0]]
    let container = pod.trouble!.containers.first(where: isTelling)!
    let services = context.objects.services(ofPods: pods)
    var fault = PodFault(.crash, container: container)
    fault.event = context.objects.events(of: pod, intent).first { $0.message.contains("liveness probe") }
    let explanation = fault.explanation(pod, context.objects, intent)
    let restarts = pods.reduce(0) { $0 + (intent.pods[$1].trouble?.restarts ?? 0) }
    return Finding(
      id: id, severity: .warning, confidence: .likely,
      subject: Finding.Subject(kind: key.maker.kind, namespace: key.namespace, name: key.maker.name),
      problem:
        "\(context.names(of: services)) fails now and then: \(pods.count == 1 ? "Pod \(pod.fullName)" : "\(pods.count) of its Pods, e.g. \(pod.fullName),") restarted \(restarts) times, and while one starts again its connections break",
      cause: explanation.cause,
      evidence: pods.prefix(3).map {
        let pod = intent.pods[$0]
        return intent.evidence(
          pod,
          " on \(pod.node): ready, \(pod.trouble!.restarts) restarts, exit code \(pod.trouble!.containers.first(where: isTelling)!.last!.exitCode)"
        )
      } + (fault.event.map { [intent.evidence($0)] } ?? []), fix: explanation.fix,
      verify: ["kubectl -n \(pod.namespace) get pods  # RESTARTS must not grow"])
  }
}
