import Intent

/// Which hosts and paths go through a Service: as the backend of an Ingress, or as the controller's own.
struct IngressPlaces: Sendable {
  private var ofService: [String: [String]] = [:]

  init(_ intent: Cluster) {
    guard !intent.ingressPaths.isEmpty else { return }
    for path in intent.ingressPaths { ofService["\(path.namespace)/\(path.service)", default: []].append(path.place) }
    // The controller of an Ingress is the Service that has the address which the Ingress is given.
    for ingress in intent.ingresses {
      let places = intent.ingressPaths.filter { $0.namespace == ingress.namespace && $0.ingress == ingress.name }.map(
        \.place)
      for service in intent.services
      where service.kind == .loadBalancer && service.loadBalancerIPs.contains(where: ingress.addresses.contains) {
        ofService[service.fullName, default: []] += places
      }
    }
  }

  func list(_ service: Service) -> [String]? { ofService[service.fullName] }

  /// `shop.example/, shop.example/pay and 2 more`; nil: none.
  func text(_ service: Service) -> String? {
    guard let list = list(service) else { return nil }
    return list.prefix(4).joined(separator: ", ") + (list.count > 4 ? " and \(list.count - 4) more" : "")
  }
}
