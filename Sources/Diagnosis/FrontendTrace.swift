import Findings
import Intent
import ServiceMap
import Wire

extension Frontend {
  /// The command that traces it, to be typed as it stands: IPv6 in brackets, the protocol where it is not TCP.
  /// `node`: the name of the one where it is to be run.
  func traceCommand(from source: IPAddress, on node: String? = nil) -> ShellCommand {
    let dialled = "\(EndpointAddress(address, port))\(ipProtocol == .tcp ? "" : "/\(ipProtocol)")"
    let command: ShellCommand = "kubepath trace \(dialled) --from \(source)"
    return node.map { command + "  # on \($0)" } ?? command
  }
}

extension FaultGroup {
  /// What shows the fault of its first observation again.
  var traceCommand: ShellCommand { first.frontend.traceCommand(from: first.source, on: node.name) }
}
