import Findings

/// A NodePort lies where the kernel takes source ports for the node's own connections.
enum NodePortInEphemeralRange: Check {
  static let id = "node-port-in-ephemeral-range"

  static func run(_ context: CheckContext) -> [Finding] {
    var findings: [Finding] = []
    for node in context.nodes {
      guard let ephemeral = EphemeralPorts(node.snapshot) else { continue }
      let range = "\(ephemeral.range.lowerBound)-\(ephemeral.range.upperBound)"
      for service in context.intent.services where service.isProxied {
        for port in service.ports
        where port.nodePort != 0 && ephemeral.contains(port.nodePort) {
          findings.append(
            Finding(
              id: id, severity: .warning, confidence: .certain,
              subject: context.subject(service, port, node: node.name),
              problem:
                "NodePort \(port.nodePort) of \(service.portName(port)) may be taken by an outgoing connection of \(node.name)",
              cause: "net.ipv4.ip_local_port_range is \(range)",
              evidence: [
                Finding.Evidence(
                  text: "net.ipv4.ip_local_port_range = \(ephemeral.range.lowerBound) \(ephemeral.range.upperBound)")
              ],
              fix: [.command("sysctl -w net.ipv4.ip_local_reserved_ports=\(port.nodePort)")],
              verify: ["sysctl net.ipv4.ip_local_reserved_ports"], reference: "kubernetes/kubernetes#111682"))
        }
      }
    }
    return findings
  }
}
