import Findings
import Intent
import Snapshot
import Wire

/// A Service of type ExternalName stands for a name that does not exist in the cluster, or for an address, which is none.
enum ExternalName: Check {
  static let id = "external-name"

  static func run(_ context: CheckContext) -> [Finding] {
    context.intent.services.compactMap { service -> Finding? in
      guard service.kind == .externalName, !service.externalName.isEmpty else { return nil }
      let name = printable(service.externalName)
      if IPAddress(service.externalName) != nil {
        return finding(
          service, context,
          "it stands for “\(name)”, which is an address: DNS takes it for a name of digits, and finds none",
          .advice(
            "write a Service without selector and an EndpointSlice with the address \(name), or name the server in spec.externalName"
          ))
      }
      guard let target = target(service.externalName, context.intent), !context.intent.isPartial,
        context.intent.service("\(target.namespace)/\(target.name)") == nil
      else { return nil }
      let others = context.intent.services.filter { $0.name == target.name }.map(\.fullName)
      return finding(
        service, context,
        "it stands for “\(name)”, and there is no Service \(target.namespace)/\(target.name)"
          + (others.isEmpty ? "" : "; there is \(others.prefix(3).joined(separator: ", "))"),
        .look(service.editCommand, why: "correct spec.externalName"))
    }
  }

  /// The Service that a name of the cluster's own zone means: `web.shop.svc`, `web.shop.svc.cluster.local`.
  private static func target(_ text: String, _ intent: Cluster) -> (namespace: String, name: String)? {
    let bare = text.hasSuffix(".") ? text.dropLast() : Substring(text)
    let parts = bare.split(separator: ".")
    guard parts.count >= 3, parts[2] == "svc" else { return nil }
    let zone = parts.dropFirst(3).joined(separator: ".")
    guard zone.isEmpty || zone == intent.clusterDomain ?? "cluster.local" else { return nil }
    return (String(parts[1]), String(parts[0]))
  }

  private static func finding(_ service: Service, _ context: CheckContext, _ cause: String, _ fix: Fix) -> Finding {
    Finding(
      id: id, severity: .error, confidence: .certain, subject: context.subject(service),
      problem: "\(service.name).\(service.namespace).svc does not resolve", cause: cause,
      evidence: [context.intent.evidence(service, ": externalName \(printable(service.externalName))")], fix: [fix],
      verify: [
        "kubectl run -it --rm dns --image=busybox --restart=Never -- nslookup \(service.name).\(service.namespace).svc"
      ])
  }
}
