import Findings

/// A NodePort lies where the kernel takes source ports for the node's own connections.
enum NodePortInEphemeralRange: Check {
  static let id = "node-port-in-ephemeral-range"

  static func run(_ context: CheckContext) -> [Finding] {
    var findings: [Finding] = []
    for node in context.nodes {
      guard let text = node.snapshot.sysctl("net.ipv4.ip_local_port_range") else { continue }
      let bounds = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).compactMap { UInt16($0) }
      guard bounds.count == 2, bounds[0] <= bounds[1] else { continue }
      let reserved = (node.snapshot.sysctl("net.ipv4.ip_local_reserved_ports") ?? "").split(separator: ",").compactMap {
        part -> ClosedRange<UInt16>? in
        let ends = part.split(separator: "-").compactMap { UInt16($0) }
        return ends.isEmpty || ends[0] > ends[ends.count - 1] ? nil : ends[0]...ends[ends.count - 1]
      }
      for service in context.intent.services where service.isProxied {
        for port in service.ports
        where port.nodePort != 0 && (bounds[0]...bounds[1]).contains(port.nodePort)
          && !reserved.contains(where: { $0.contains(port.nodePort) })
        {
          findings.append(
            Finding(
              id: id, severity: .warning, confidence: .certain,
              subject: context.subject(service, port, node: node.name),
              problem:
                "NodePort \(port.nodePort) of \(service.portName(port)) may be taken by an outgoing connection of \(node.name)",
              cause: "net.ipv4.ip_local_port_range is \(bounds[0])-\(bounds[1])",
              evidence: [Finding.Evidence(text: "net.ipv4.ip_local_port_range = \(bounds[0]) \(bounds[1])")],
              fix: ["sysctl -w net.ipv4.ip_local_reserved_ports=\(port.nodePort)"],
              verify: ["sysctl net.ipv4.ip_local_reserved_ports"], reference: "kubernetes/kubernetes#111682"))
        }
      }
    }
    return findings
  }
}
