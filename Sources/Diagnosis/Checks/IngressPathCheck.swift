import Findings
import Intent
import Snapshot

/// An Ingress that leads to a Service or port that does not exist, or that no controller takes.
enum IngressPathCheck: Check {
  static let id = "ingress-path"

  static func run(_ context: CheckContext) -> [Finding] { backends(context) + classes(context) + complaints(context) }

  private static func backends(_ context: CheckContext) -> [Finding] {
    guard !context.intent.services.isEmpty else { return [] }
    return context.intent.ingressPaths.compactMap { path in
      let full = "\(path.namespace)/\(path.service)"
      let cause: (words: String, hint: String)
      if let service = context.intent.service(full) {
        guard !service.ports.contains(where: { $0.name == path.port || "\($0.port)" == path.port }) else { return nil }
        let list = service.ports.map { $0.name.isEmpty ? "\($0.port)" : "\($0.name) (\($0.port))" }
        cause = (
          "Service \(full) has no port “\(printable(path.port))”; it has \(list.joined(separator: ", "))",
          isTarget(path.port, of: service)
            ? ": an Ingress names the Service's port, not the container's" : ""
        )
      } else {
        let others = context.intent.services.filter { $0.name == path.service }.map(\.namespace)
        cause = (
          "Service \(full) does not exist"
            + (others.isEmpty ? "" : "; there is one in namespace \(others.prefix(3).joined(separator: ", "))"),
          others.isEmpty ? "" : ": an Ingress leads to Services of its own namespace only"
        )
      }
      return Finding(
        id: id, severity: .error, confidence: .certain,
        subject: Finding.Subject(kind: "Ingress", namespace: path.namespace, name: path.ingress),
        problem: "\(path.place) answers with an error from the Ingress controller", cause: cause.words,
        evidence: ingress(path, context.intent).map {
          [context.intent.evidence($0, ": \(path.place) → \(printable(path.service)):\(printable(path.port))")]
        } ?? [],
        fix: [
          .look(
            "kubectl -n \(path.namespace) edit ingress \(path.ingress)",
            why: "correct the path's backend\(cause.hint)")
        ],
        verify: ["kubectl -n \(path.namespace) describe ingress \(path.ingress)"])
    }
  }

  private static func ingress(_ path: IngressPath, _ intent: Cluster) -> Ingress? {
    intent.ingresses.first { $0.namespace == path.namespace && $0.name == path.ingress }
  }

  private static func isTarget(_ port: String, of service: Service) -> Bool {
    service.ports.contains { $0.targetPort == port }
  }

  // MARK: what its controller says

  /// A Warning of its controller: the Secret of its certificate is missing, an annotation is not understood, two Ingresses
  /// claim one path.
  private static func complaints(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    return intent.ingresses.compactMap { ingress in
      guard
        let event = context.objects.events("Ingress", ingress.namespace, ingress.name, intent).first,
        event.isWarning
      else { return nil }
      let words = Explanation.quoted(event.message)
      let secret =
        event.message.contains("SSL certificate") || event.message.contains("TLS")
        || event.message.lowercased().contains("secret")
      return Finding(
        id: id, severity: .error, confidence: .likely,
        subject: Finding.Subject(kind: "Ingress", namespace: ingress.namespace, name: ingress.name),
        problem: secret
          ? "Ingress \(ingress.fullName) has no certificate of its own: its controller serves a default one, or none"
          : "the controller of Ingress \(ingress.fullName) does not take it as it is",
        cause: "it says \(event.reason): \(words)"
          + (secret
            ? " ← the Secret of spec.tls does not exist in namespace \(ingress.namespace), or holds no pair" : ""),
        evidence: [intent.evidence(event)],
        fix: secret
          ? [
            .look(
              "kubectl -n \(ingress.namespace) get secrets --field-selector type=kubernetes.io/tls",
              why: "spec.tls[].secretName must be one of these"),
            .look(
              "kubectl -n \(ingress.namespace) create secret tls NAME --cert=FILE --key=FILE",
              why: "else make it, with the name that spec.tls asks for"),
          ] : [.look("kubectl -n \(ingress.namespace) describe ingress \(ingress.name)", why: "what the Event names")],
        verify: ["kubectl -n \(ingress.namespace) describe ingress \(ingress.name)"])
    }
  }

  // MARK: who takes it

  private static func classes(_ context: CheckContext) -> [Finding] {
    context.intent.ingresses.compactMap { ingress in
      unclaimed(ingress, context.intent).map { finding(ingress, $0, context) }
    }
  }

  /// Why no controller takes an Ingress; nil: one may.
  static func unclaimed(_ ingress: Ingress, _ intent: Cluster) -> Explanation? {
    // Without any IngressClass among the objects nothing is known of them.
    guard intent.kinds.contains("IngressClass") else { return nil }
    let names = intent.ingressClasses.map(\.name)
    let others = names.isEmpty ? "there is none" : "there is \(names.joined(separator: ", "))"
    let isServed = !ingress.addresses.isEmpty || !ingress.hostnames.isEmpty
    var fix: Fix = .look("kubectl get ingressclasses", why: "name one of these in spec.ingressClassName")
    if names.count == 1 {
      fix = .command(
        "kubectl -n \(ingress.namespace) patch ingress \(ingress.name) -p \("{\"spec\":{\"ingressClassName\":\"\(names[0])\"}}")",
        why: "or install the controller that it is meant for")
    }
    let evidence = [
      intent.evidence(
        ingress,
        ": ingressClassName \(ingress.className ?? "not given"), \(isServed ? "has an address" : "no address in its status")"
      )
    ]
    guard let wanted = ingress.className else {
      if intent.ingressClasses.contains(where: \.isDefault) || isServed { return nil }
      return Explanation(
        cause: "it names no IngressClass and none is the default (\(others)), so no controller takes it",
        evidence: evidence,
        fix: [fix])
    }
    guard let found = intent.ingressClasses.first(where: { $0.name == wanted }) else {
      return Explanation(
        cause: "IngressClass “\(printable(wanted))” does not exist (\(others)), so no controller takes it",
        evidence: evidence,
        fix: [fix])
    }
    guard !isServed, isForeign(found, intent) else { return nil }
    return Explanation(
      cause: "no Pod of the controller of IngressClass “\(wanted)” (\(found.controller)) is among the objects",
      evidence: evidence, fix: [.look("kubectl get pods -A", why: "does the controller \(found.controller) run?")])
  }

  private static func finding(_ ingress: Ingress, _ told: Explanation, _ context: CheckContext) -> Finding {
    let places = context.intent.ingressPaths.filter { $0.namespace == ingress.namespace && $0.ingress == ingress.name }
      .map(\.place)
    return Finding(
      id: id, severity: .error, confidence: .certain,
      subject: Finding.Subject(kind: "Ingress", namespace: ingress.namespace, name: ingress.name),
      problem:
        "nobody serves \(places.prefix(4).joined(separator: ", "))\(places.count > 4 ? " and \(places.count - 4) more" : "") of Ingress \(ingress.fullName)",
      cause: told.cause, evidence: told.evidence, fix: told.fix,
      verify: ["kubectl -n \(ingress.namespace) get ingress \(ingress.name)  # ADDRESS is filled in"])
  }

  /// Names in the Pods of controllers, by the names that their classes give them.
  private static let programs = [
    "k8s.io/ingress-nginx": "nginx", "nginx.org/ingress-controller": "nginx",
    "traefik.io/ingress-controller": "traefik",
    "haproxy.org/ingress-controller": "haproxy", "haproxy-ingress.github.io/controller": "haproxy",
    "projectcontour.io/ingress-controller": "contour", "ingress-controllers.konghq.com/kong": "kong",
    "ingress.k8s.aws/alb": "aws-load-balancer-controller", "istio.io/ingress-controller": "istio",
  ]

  /// A controller that is known by name, and of which there is no Pod.
  private static func isForeign(_ ingressClass: IngressClass, _ intent: Cluster) -> Bool {
    guard let program = programs[ingressClass.controller], !intent.pods.isEmpty else { return false }
    return !intent.pods.contains { $0.name.contains(program) }
  }
}

extension IngressPath {
  /// `shop.example/pay`
  var place: String { "\(host.isEmpty ? "*" : host)\(path)" }
}
