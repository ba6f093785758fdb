import Snapshot
import Wire

/// `ip route get ADDRESS` on a node, for its own packets.
public struct NodeRoutes {
  public enum Answer {
    /// The snapshot has no routes of that version.
    case unknown
    /// No route matches.
    case none
    /// A route of the type blackhole, unreachable or prohibit.
    case refused(Route)
    case route(Route, gateway: IPAddress?, interface: String?)
  }

  private let tables: RoutingTables

  public init(_ snapshot: Snapshot) { tables = RoutingTables(snapshot) }

  public func route(to address: IPAddress) -> Answer {
    guard tables.known(address.version) else { return .unknown }
    let query = RoutingTables.Query(
      version: address.version, destination: address.bits, source: .zero, inputInterface: .zero, mark: 0)
    switch tables.lookup(query) {
    case .none: return .none
    case .refused(_, let route): return route < 0 ? .none : .refused(tables.routes[Int(route)])
    case .route(let index, let hop): return answer(index, hop)
    case .multipath(let index, let hops): return answer(index, hops.first?.hop ?? -1)
    }
  }

  private func answer(_ index: Int32, _ hop: Int32) -> Answer {
    guard index >= 0 else { return .unknown }
    let route = tables.routes[Int(index)]
    let next = hop >= 0 ? route.nextHops[Int(hop)] : nil
    return .route(route, gateway: next?.gateway, interface: next?.interface)
  }
}
