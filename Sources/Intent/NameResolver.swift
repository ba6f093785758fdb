import Input
import Wire

/// Turns names that people type into addresses, and addresses into names.
public struct NameResolver: Sendable {
  public struct Target: Sendable, Hashable {
    /// The IPv4 one first where there are both.
    public var addresses: [IPAddress]
    public var port: UInt16?
    public var ipProtocol: IPProtocol?
  }

  public enum Failure: Error, CustomStringConvertible {
    case unknown(String)
    public var description: String {
      switch self {
      case .unknown(let text): text
      }
    }
  }

  let intent: Cluster
  private let frontends: FrontendIndex
  /// Of names that give none.
  private let namespace: String

  public init(_ intent: Cluster, namespace: String = "default") {
    self.intent = intent
    self.namespace = namespace
    frontends = FrontendIndex(intent)
  }

  public func name(of address: IPAddress) -> String? { intent.owner(of: address) }

  public var cluster: Cluster { intent }

  /// The Service that clients dial at a port of any node; nil: none, as far as objects tell.
  public func nodePort(_ port: UInt16, _ ipProtocol: IPProtocol) -> String? {
    frontends.nodePort(port, ipProtocol).map {
      intent.services[$0.service].portName(intent.services[$0.service].ports[$0.port])
    }
  }

  public var hasPolicies: Bool { !intent.networkPolicies.isEmpty }

  /// What NetworkPolicies stop a connection by; nil: nothing known does.
  public func policyDenial(from client: IPAddress, to endpoint: EndpointAddress, _ ipProtocol: IPProtocol) -> String? {
    intent.policyDenial(from: client, to: endpoint, ipProtocol)
  }

  /// `namespace/name:port` of the Service that clients dial at an address and port; nil: none, as far as objects tell.
  public func service(at address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol) -> String? {
    frontends.entry(at: address, port, ipProtocol).map {
      intent.services[$0.service].portName(intent.services[$0.service].ports[$0.port])
    }
  }

  /// The same, where the address is a ClusterIP.
  public func clusterIPService(at address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol) -> String? {
    guard let entry = frontends.entry(at: address, port, ipProtocol),
      intent.services[entry.service].clusterIPs.contains(address)
    else { return nil }
    return service(at: address, port, ipProtocol)
  }

  /// Whether the text has the form of a name that this resolves.
  public static func isName(_ text: String) -> Bool {
    Kind(text) != nil || ["http://", "https://"].contains { text.hasPrefix($0) } || DNSName(text) != nil
  }

  /// What stands before the first slash, as kubectl spells it.
  private enum Kind {
    case service, pod, node

    init?(_ text: String) {
      guard let slash = text.firstIndex(of: "/") else { return nil }
      switch text[..<slash].lowercased() {
      case "svc", "service", "services": self = .service
      case "pod", "pods", "po": self = .pod
      case "node", "nodes", "no": self = .node
      default: return nil
      }
    }
  }

  /// `cart.shop.svc`, `cart.shop.svc.cluster.local:80`: a Service as the cluster's DNS names it.
  private struct DNSName {
    var service: String
    var namespace: String
    var port: String

    init?(_ text: String) {
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let labels = parts[0].split(separator: ".", omittingEmptySubsequences: false)
      guard labels.count >= 3, labels[2] == "svc", !labels[0].isEmpty, !labels[1].isEmpty else { return nil }
      service = String(labels[0])
      namespace = String(labels[1])
      port = parts.count > 1 ? String(parts[1]) : ""
    }
  }

  /// `svc/ns/name:port`, `cart.shop.svc:port`, `pod/ns/name`, `node/name`, `http://host/path`; without a namespace in the one
  /// that this was made with. `ipProtocol` decides between ports of a Service; `anyPort`: a Service's first will do where
  /// the text names none.
  public func resolve(
    _ text: String, _ ipProtocol: IPProtocol? = nil, anyPort: Bool = false
  ) throws(Failure) -> Target {
    if let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) {
      let rest = String(text.dropFirst(scheme.count))
      // A Service's own name is no Ingress' host.
      if let name = DNSName(String(rest.prefix { $0 != "/" })) {
        return try target(
          service("\(name.namespace)/\(name.service)"),
          name.port.isEmpty ? (scheme == "https://" ? "443" : "80") : name.port, .tcp, anyPort: false)
      }
      return try ingress(rest, scheme)
    }
    // `…:53/udp`
    var (text, ipProtocol) = (text, ipProtocol)
    if let slash = text.lastIndex(of: "/"), text[..<slash].contains(":"),
      let number = IPProtocol(text[text.index(after: slash)...].lowercased())
    {
      (text, ipProtocol) = (String(text[..<slash]), number)
    }
    guard let kind = Kind(text) else {
      guard let name = DNSName(text) else {
        throw .unknown("“\(text)”: expected svc/NAMESPACE/NAME:PORT, pod/NAMESPACE/NAME or node/NAME")
      }
      return try target(service("\(name.namespace)/\(name.service)"), name.port, ipProtocol, anyPort: anyPort)
    }
    var parts = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
    var port = ""
    if let colon = parts[parts.count - 1].firstIndex(of: ":") {
      port = String(parts[parts.count - 1][parts[parts.count - 1].index(after: colon)...])
      parts[parts.count - 1] = String(parts[parts.count - 1][..<colon])
    }
    if kind == .node {
      guard let node = intent.nodes.first(where: { $0.name == parts[0] }) else {
        throw .unknown(
          "no Node “\(parts[0])” among the objects\(NearestName.question(parts[0], in: intent.nodes.map(\.name)))")
      }
      return Target(addresses: node.internalIPs.sorted(), port: UInt16(port), ipProtocol: nil)
    }
    if parts.count == 1 { parts.insert(namespace, at: 0) }
    let full = "\(parts[0])/\(parts[1])"
    return kind == .service
      ? try target(service(full), port, ipProtocol, anyPort: anyPort) : try pod(full, port)
  }

  /// A Service by `namespace/name`; a failure tells the nearest names.
  public func service(_ full: String) throws(Failure) -> Service {
    if let service = intent.service(full) { return service }
    throw .unknown(
      "no Service “\(full)” among the objects"
        + Self.question("svc", full, intent.services.map { (namespace: $0.namespace, name: $0.name) }))
  }

  private func pod(_ full: String, _ port: String) throws(Failure) -> Target {
    guard let pod = intent.pods.last(where: { "\($0.namespace)/\($0.name)" == full }) else {
      throw .unknown(
        "no Pod “\(full)” among the objects"
          + Self.question("pod", full, intent.pods.map { (namespace: $0.namespace, name: $0.name) }))
    }
    guard !pod.addresses.isEmpty else {
      throw .unknown("Pod \(full) has no address (\(pod.reason.isEmpty ? pod.phase : pod.reason))")
    }
    let number = UInt16(port) ?? pod.ports.first { $0.name == port && !port.isEmpty }?.port
    if !port.isEmpty, number == nil {
      let all = pod.ports.map { $0.name.isEmpty ? "\($0.port)" : "\($0.name) (\($0.port))" }.joined(separator: ", ")
      throw .unknown("Pod \(full) has no port “\(port)”\(all.isEmpty ? "" : "; it has \(all)")")
    }
    return Target(addresses: pod.addresses.sorted(), port: number, ipProtocol: nil)
  }

  /// What a word may mean that is no name of a kind: Services and Pods that are called so, or nearly.
  public func meant(_ word: String) -> [String] {
    let bare = word.prefix { $0 != ":" }.split(separator: "/").last.map(String.init) ?? word
    let services = intent.services.map { (namespace: $0.namespace, name: $0.name) }
    let found = Self.near(bare, own: namespace, services, "svc")
    return found.isEmpty
      ? Self.near(bare, own: namespace, intent.pods.map { (namespace: $0.namespace, name: $0.name) }, "pod") : found
  }

  /// The same name in other namespaces first, then names alike.
  private static func question(
    _ kind: String, _ full: String, _ all: [(namespace: String, name: String)]
  ) -> String {
    let parts = full.split(separator: "/").map(String.init)
    return NearestName.question(near(parts.last ?? full, own: parts.first ?? "", all, kind))
  }

  private static func near(
    _ name: String, own: String, _ all: [(namespace: String, name: String)], _ kind: String
  ) -> [String] {
    var found = Set(all.lazy.filter { $0.name == name }.map(\.name)).sorted()
    if found.isEmpty { found = NearestName.find(name, in: all.map(\.name)) }
    let full = found.flatMap { near in
      all.filter { $0.name == near }.sorted {
        ($0.namespace == own ? 0 : 1, $0.namespace) < ($1.namespace == own ? 0 : 1, $1.namespace)
      }.map { "\(kind)/\($0.namespace)/\($0.name)" }
    }
    return Array(full.prefix(3))
  }

  private func target(
    _ service: Service, _ port: String, _ ipProtocol: IPProtocol?, anyPort: Bool
  ) throws(Failure) -> Target {
    guard !service.headless, !service.clusterIPs.isEmpty else {
      throw .unknown(
        "Service \(service.fullName) has no ClusterIP (\(service.headless ? "headless" : service.kind.rawValue))"
          + (service.headless ? "; its name leads to its Pods: trace to one of them, pod/NAMESPACE/NAME:PORT" : ""))
    }
    let all = service.ports.map {
      "\($0.name.isEmpty ? "\($0.port)" : $0.name) (\($0.port)/\($0.ipProtocol))"
    }.joined(separator: ", ")
    var fitting = service.ports.filter { port.isEmpty || $0.name == port || String($0.port) == port }
    guard !fitting.isEmpty else {
      throw .unknown("Service \(service.fullName) has no port “\(port)”; it has \(all)")
    }
    if fitting.count > 1, let ipProtocol { fitting = fitting.filter { $0.ipProtocol == ipProtocol } }
    guard let chosen = fitting.first else {
      throw .unknown(
        "Service \(service.fullName) has no such port of \(ipProtocol.map { "\($0)" } ?? ""); it has \(all)")
    }
    // A number that TCP and UDP have is TCP, as everywhere.
    let isOneNumber = !port.isEmpty && Set(fitting.map(\.port)).count == 1
    guard anyPort || fitting.count == 1 || isOneNumber else {
      throw .unknown(
        "Service \(service.fullName) has several ports; name one: svc/\(service.fullName):\(chosen.name.isEmpty ? "\(chosen.port)" : chosen.name); it has \(all)"
      )
    }
    let best = anyPort ? chosen : fitting.first { $0.ipProtocol == .tcp } ?? chosen
    return Target(addresses: service.clusterIPs.sorted(), port: best.port, ipProtocol: best.ipProtocol)
  }

  /// The Service behind a host and path, by the longest path that fits.
  private func ingress(_ rest: String, _ scheme: String) throws(Failure) -> Target {
    let best = try ingressPath(rest, scheme)
    guard let service = intent.service("\(best.namespace)/\(best.service)") else {
      throw .unknown(
        "Ingress \(best.namespace)/\(best.ingress) leads to Service “\(best.service)”, which does not exist")
    }
    return try target(service, best.port, nil, anyPort: true)
  }

  /// The Ingress' entry for `http://host/path` and its scheme, `http` or `https`.
  public func ingressPath(url: String) throws(Failure) -> (path: IngressPath, scheme: String) {
    let scheme = url.hasPrefix("https://") ? "https" : "http"
    return (try ingressPath(String(url.dropFirst(scheme.count + 3)), scheme + "://"), scheme)
  }

  /// The one with the longest path that fits, an exact one first; one that names the host before one for all hosts.
  private func ingressPath(_ rest: String, _ scheme: String) throws(Failure) -> IngressPath {
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    let host = rest[..<slash].split(separator: ":").first.map(String.init) ?? ""
    let path = slash == rest.endIndex ? "/" : String(rest[slash...])
    let fitting = intent.ingressPaths.filter { entry in
      (entry.host.isEmpty || entry.host == host
        || entry.host.hasPrefix("*.") && host.hasSuffix(entry.host.dropFirst(1)))
        && entry.takes(path)
    }
    guard
      let best = fitting.max(by: {
        ($0.host.isEmpty ? 0 : 1, $0.path.utf8.count, $0.isExact ? 1 : 0)
          < ($1.host.isEmpty ? 0 : 1, $1.path.utf8.count, $1.isExact ? 1 : 0)
      })
    else {
      let hosts = Set(intent.ingressPaths.map(\.host)).filter { !$0.isEmpty }
      let question =
        intent.ingressPaths.contains { $0.host == host } ? "" : NearestName.question(host, in: hosts.sorted())
      throw .unknown("no Ingress for “\(scheme)\(rest)” among the objects\(question)")
    }
    return best
  }
}
