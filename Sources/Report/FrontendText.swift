import ServiceMap
import Wire

/// A frontend as tables show it: `ClusterIP 10.96.0.10:53/udp`, `NodePort 192.0.2.1:30080/tcp`.
enum FrontendText {
  static func text(_ frontend: Frontend) -> String { "\(frontend.kind.rawValue) \(address(frontend))" }

  private static func address(_ frontend: Frontend) -> String {
    "\(EndpointText.text(frontend.address, frontend.port))/\(frontend.ipProtocol)"
  }
}
