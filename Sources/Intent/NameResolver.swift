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

  public init(_ intent: Cluster) {
    self.intent = intent
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
    ["svc/", "service/", "pod/", "node/", "http://", "https://"].contains { text.hasPrefix($0) }
  }

  /// `svc/ns/name:port`, `pod/ns/name`, `node/name`, `http://host/path`; `svc/name` and `pod/name` in namespace default.
  public func resolve(_ text: String) throws(Failure) -> Target {
    if let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) {
      return try ingress(String(text.dropFirst(scheme.count)), scheme)
    }
    var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 2 else {
      throw .unknown("“\(text)”: expected svc/NAMESPACE/NAME:PORT, pod/NAMESPACE/NAME or node/NAME")
    }
    let kind = parts.removeFirst()
    var port = ""
    if let colon = parts[parts.count - 1].firstIndex(of: ":") {
      port = String(parts[parts.count - 1][parts[parts.count - 1].index(after: colon)...])
      parts[parts.count - 1] = String(parts[parts.count - 1][..<colon])
    }
    if kind == "node" {
      guard let node = intent.nodes.first(where: { $0.name == parts[0] }) else {
        throw .unknown("no Node “\(parts[0])” among the objects")
      }
      return Target(addresses: node.internalIPs.sorted(), port: UInt16(port), ipProtocol: nil)
    }
    if parts.count == 1 { parts.insert("default", at: 0) }
    let full = "\(parts[0])/\(parts[1])"
    switch kind {
    case "svc", "service":
      guard let service = intent.service(full) else { throw .unknown("no Service “\(full)” among the objects") }
      return try target(service, port)
    case "pod":
      guard let pod = intent.pods.last(where: { $0.namespace == parts[0] && $0.name == parts[1] }) else {
        throw .unknown("no Pod “\(full)” among the objects")
      }
      guard !pod.addresses.isEmpty else {
        throw .unknown("Pod \(full) has no address (\(pod.reason.isEmpty ? pod.phase : pod.reason))")
      }
      let number = UInt16(port) ?? pod.ports.first { $0.name == port && !port.isEmpty }?.port
      if !port.isEmpty, number == nil { throw .unknown("Pod \(full) has no port “\(port)”") }
      return Target(addresses: pod.addresses.sorted(), port: number, ipProtocol: nil)
    default: throw .unknown("“\(kind)”: expected svc, pod or node")
    }
  }

  private func target(_ service: Service, _ port: String) throws(Failure) -> Target {
    guard !service.headless, !service.clusterIPs.isEmpty else {
      throw .unknown(
        "Service \(service.fullName) has no ClusterIP (\(service.headless ? "headless" : service.kind.rawValue))")
    }
    let chosen = service.ports.first { port.isEmpty ? true : $0.name == port || String($0.port) == port }
    guard let chosen else {
      let all = service.ports.map { $0.name.isEmpty ? "\($0.port)" : "\($0.name) (\($0.port))" }.joined(separator: ", ")
      throw .unknown("Service \(service.fullName) has no port “\(port)”; it has \(all)")
    }
    return Target(addresses: service.clusterIPs.sorted(), port: chosen.port, ipProtocol: chosen.ipProtocol)
  }

  /// The Service behind a host and path, by the longest path that fits.
  private func ingress(_ rest: String, _ scheme: String) throws(Failure) -> Target {
    let best = try ingressPath(rest, scheme)
    guard let service = intent.service("\(best.namespace)/\(best.service)") else {
      throw .unknown(
        "Ingress \(best.namespace)/\(best.ingress) leads to Service “\(best.service)”, which does not exist")
    }
    return try target(service, best.port)
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
      throw .unknown("no Ingress for “\(scheme)\(rest)” among the objects")
    }
    return best
  }
}
