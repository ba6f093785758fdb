import Findings
import Intent

/// A Pod waits for a PersistentVolumeClaim that has no volume: why.
enum VolumeNotBound: Check {
  static let id = "volume-not-bound"

  static func run(_ context: CheckContext) -> [Finding] {
    context.endpointCauses.entries.compactMap { entry in
      guard case .volume(let name) = entry.cause else { return nil }
      return Finding(
        id: id, severity: .error, confidence: .certain,
        subject: Finding.Subject(kind: "PersistentVolumeClaim", namespace: name.namespace, name: name.name),
        problem:
          "PersistentVolumeClaim \(name.namespace)/\(name.name) has no volume, which takes down \(context.names(of: entry.services))",
        cause: entry.explanation.cause, evidence: entry.explanation.evidence, fix: entry.explanation.fix,
        verify: entry.explanation.verify)
    }
  }

  /// The claim that a Pod waits for; nil: the objects do not tell which.
  static func explanation(
    _ pod: Pod, _ objects: ObjectIndex, _ intent: Cluster
  ) -> (ObjectIndex.Name, Explanation)? {
    let place: ShellCommand = "kubectl -n \(pod.namespace)"
    for name in pod.trouble?.claims ?? [] {
      let key = ObjectIndex.Name(namespace: pod.namespace, name: name)
      guard let index = objects.claims[key] else {
        guard intent.kinds.contains("PersistentVolumeClaim") || pod.reason.contains("not found") else { continue }
        return (
          key,
          Explanation(
            cause: "PersistentVolumeClaim \(pod.namespace)/\(name) does not exist",
            fix: [.look("\(place) get pvc", why: "make \(name), or correct claimName in the Pod's template")],
            verify: ["\(place) get pvc \(name)"])
        )
      }
      let claim = intent.claims[index]
      if claim.phase == "Bound" { continue }
      return (key, unbound(claim, place, objects, intent))
    }
    return nil
  }

  private static func unbound(
    _ claim: PersistentVolumeClaim, _ place: ShellCommand, _ objects: ObjectIndex, _ intent: Cluster
  ) -> Explanation {
    let events = objects.events("PersistentVolumeClaim", claim.namespace, claim.name, intent)
    let known = intent.kinds.contains("StorageClass")
    var result = Explanation(
      cause: "PersistentVolumeClaim \(claim.fullName) is \(claim.phase.isEmpty ? "not bound" : claim.phase)",
      evidence: [
        intent.evidence(
          "PersistentVolumeClaim", claim.name, claim.fullName, in: claim.file,
          ": \(claim.phase), storageClassName \(claim.storageClass ?? "not given")"
        )
      ] + events.prefix(1).map(intent.evidence), verify: ["\(place) get pvc \(claim.name)"])
    if let wanted = claim.storageClass, !wanted.isEmpty {
      if known, !intent.storageClasses.contains(where: { $0.name == wanted }) {
        let others = intent.storageClasses.map(\.name).joined(separator: ", ")
        result.cause += " ← StorageClass “\(wanted)” does not exist\(others.isEmpty ? "" : "; there is \(others)")"
        result.fix = [
          .look(
            "kubectl get storageclass",
            why: "make \(wanted), or make the claim anew with one that exists (a claim's class cannot be changed)")
        ]
        return result
      }
      if let event = events.first(where: { $0.reason == "ProvisioningFailed" }) {
        result.cause += " ← its provisioner fails: \(Explanation.quoted(event.message))"
        result.fix = [
          .advice(
            "the log of the provisioner \(intent.storageClasses.first { $0.name == wanted }?.provisioner ?? "of \(wanted)")"
          )
        ]
        return result
      }
      if events.contains(where: { $0.reason == "ExternalProvisioning" }) {
        result.cause +=
          " ← its provisioner \(intent.storageClasses.first { $0.name == wanted }?.provisioner ?? "") does not answer"
        result.fix = [.look("kubectl get pods -A", why: "the CSI driver's controller: does it run?")]
        return result
      }
    } else if claim.storageClass == nil, known, !intent.storageClasses.contains(where: \.isDefault) {
      result.cause += " ← it names no StorageClass, and the cluster has no default one"
      result.fix = [
        intent.storageClasses.first.map {
          .command(
            "kubectl patch storageclass \($0.name) -p '{\"metadata\":{\"annotations\":{\"storageclass.kubernetes.io/is-default-class\":\"true\"}}}'"
          )
        } ?? .advice("install a storage driver with a StorageClass, or make a PersistentVolume by hand")
      ]
      return result
    }
    if let event = events.first { result.cause += " (\(Explanation.quoted(event.message)))" }
    result.fix = [
      .look("\(place) describe pvc \(claim.name)", why: "its Events"),
      .look("kubectl get pv,storageclass", why: "a volume of its size, class and access mode"),
    ]
    return result
  }
}
