import Findings
import Intent
import Snapshot
import Wire

/// The UDP port of a VXLAN device: nobody takes packets on it, or other nodes and the configuration have another.
enum VXLANPort: Check {
  static let id = "vxlan-port"

  static func run(_ context: CheckContext) -> [Finding] {
    var devices: [(node: NodeContext, tunnel: TunnelDevice)] = []
    for node in context.nodes where node.pod == nil {
      for tunnel in TunnelDevice.all(node.snapshot) where tunnel.kind == .vxlan && !tunnel.isExternal {
        devices.append((node, tunnel))
      }
    }
    return devices.compactMap { down($0.node, $0.tunnel) ?? silent($0.node, $0.tunnel) } + differing(devices)
      + TunnelFirewall.findings(id, context)
  }

  private static let lost = "Pods of other nodes do not reach this node's, and the reverse"

  private static func down(_ node: NodeContext, _ tunnel: TunnelDevice) -> Finding? {
    guard !tunnel.isUp else { return nil }
    return Finding(
      id: id, severity: .error, confidence: .certain, subject: node.subject,
      problem: "\(printable(tunnel.name)) on \(node.name) is down: \(lost)",
      cause: "a VXLAN device takes packets only while it is up ← somebody set it down, or its agent does not run",
      evidence: [Finding.Evidence(text: "ip link: \(printable(tunnel.name)) without UP")],
      fix: [
        .command("ip link set dev \(tunnel.name) up"),
        .advice("restart the network plugin's agent on \(node.name): its routes went with the device"),
      ],
      verify: ["ip -d link show \(tunnel.name)", "ss -lun"])
  }

  /// The kernel's own socket is in the list, too.
  private static func silent(_ node: NodeContext, _ tunnel: TunnelDevice) -> Finding? {
    guard let port = tunnel.port, let sockets = node.snapshot.sockets,
      sockets.contains(where: { $0.protocol.hasPrefix("udp") && $0.state == "UNCONN" && $0.process == nil }),
      HostSockets.listeners(sockets, .udp, port).isEmpty
    else { return nil }
    return Finding(
      id: id, severity: .error, confidence: .likely, subject: node.subject,
      problem: "nothing on \(node.name) takes packets on UDP port \(port) of \(printable(tunnel.name)): \(lost)",
      cause:
        "the kernel opens the port of a VXLAN device that is up, and ss does not show it ← the device was not up, or had another port, when ss ran",
      evidence: [
        Finding.Evidence(text: "ip -d link: \(printable(tunnel.name)) dstport \(port); ss: no UDP socket there")
      ],
      fix: [.advice("restart the network plugin's agent on \(node.name): it makes the device anew")],
      verify: ["ss -lun sport = \("\(port)")"])
  }

  /// Devices of one network on several nodes.
  private static func differing(_ devices: [(node: NodeContext, tunnel: TunnelDevice)]) -> [Finding] {
    let networks = Dictionary(grouping: devices.filter { $0.tunnel.port != nil }) {
      "\($0.tunnel.name) \($0.tunnel.identifier ?? 0)"
    }
    return networks.values.compactMap { list -> Finding? in
      let ports = Dictionary(grouping: list) { $0.tunnel.port ?? 0 }
      guard ports.count > 1, let rare = ports.min(by: { ($0.value.count, $1.key) < ($1.value.count, $0.key) }),
        let usual = ports.max(by: { ($0.value.count, $1.key) < ($1.value.count, $0.key) }), let odd = rare.value.first
      else { return nil }
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: odd.node.subject,
        problem:
          "\(printable(odd.tunnel.name)) of \(odd.node.name) uses UDP port \(rare.key), and \(usual.value.count == 1 ? "that of \(usual.value[0].node.name)" : "\(usual.value.count) others") \(usual.key): \(lost)",
        cause:
          "the nodes' VXLAN devices differ ← 4789 is the port of the standard, 8472 Linux' own; two configurations",
        evidence: (rare.value + usual.value).prefix(4).map {
          Finding.Evidence(text: "\($0.node.name): \(printable($0.tunnel.name)) dstport \($0.tunnel.port ?? 0)")
        },
        fix: [
          .advice(
            "use one port on all nodes in the network plugin's configuration, delete the device and restart its agent on \(odd.node.name)"
          )
        ],
        verify: ["ip -d link show \(odd.tunnel.name)"])
    }
  }
}
