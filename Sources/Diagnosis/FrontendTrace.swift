import Intent
import ServiceMap
import Wire

extension Frontend {
  /// The command that traces it, to be typed as it stands: IPv6 in brackets, the protocol where it is not TCP.
  func traceCommand(from source: IPAddress, on node: NodeContext? = nil) -> String {
    let dialled = "\(EndpointAddress(address, port))\(ipProtocol == .tcp ? "" : "/\(ipProtocol)")"
    let place = node.map { "   (on \($0.name))" } ?? ""
    // Shells read brackets as a pattern.
    return "kubepath trace \(address.version == .v6 ? "'\(dialled)'" : dialled) --from \(source)\(place)"
  }
}

extension FaultGroup {
  /// What shows the fault of its first observation again.
  var traceCommand: String { first.frontend.traceCommand(from: first.source, on: node) }
}
