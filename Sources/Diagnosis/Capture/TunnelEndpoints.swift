import CaptureAnalysis
import Findings
import Intent
import Snapshot
import Wire

/// Tunnels of the capture against the nodes they should join: whose address the far end is, and what its device expects.
enum TunnelEndpoints {
  static func findings(_ tunnels: [TunnelRow], _ join: CaptureJoin) -> [Finding] {
    var list: [Finding] = []
    for tunnel in tunnels where tunnel.kind == "VXLAN" && !tunnel.destination.isMulticast && list.count < 6 {
      if let found = stranger(tunnel, join) ?? mismatch(tunnel, join) { list.append(found) }
    }
    return list
  }

  private static func names(_ tunnel: TunnelRow) -> String { "\(tunnel.source) → \(tunnel.destination)" }

  /// The far end is no node at all.
  private static func stranger(_ tunnel: TunnelRow, _ join: CaptureJoin) -> Finding? {
    // Only a full list of nodes can tell who is none; the near end must be one of them.
    let all = Set(join.intent.nodes.flatMap(\.internalIPs))
    guard all.count > 1, all.contains(tunnel.source), !all.contains(tunnel.destination),
      !join.nodes.contains(where: { $0.addresses.contains(tunnel.destination) })
    else { return nil }
    var evidence = [
      Finding.Evidence(
        frame: tunnel.firstFrame.number, text: "VXLAN \(names(tunnel)), VNI \(tunnel.identifier)")
    ]
    for node in join.nodes {
      for entry in node.snapshot.forwardingEntries ?? [] where entry.destination == tunnel.destination {
        evidence.append(
          .init(
            text: "\(node.name): \(printable(entry.interface)) sends \(printable(entry.mac)) to \(tunnel.destination)"))
      }
    }
    return Finding(
      id: "wrong-vtep", severity: .error, confidence: .likely,
      subject: .init(kind: "Tunnel", name: names(tunnel), port: String(tunnel.port)),
      problem: "\(tunnel.packets) VXLAN packets go to \(tunnel.destination), which is no node's address",
      cause:
        "a wrong VTEP address was announced ← flannel's public-ip annotation, --iface, or an address of a removed node",
      evidence: evidence.prefix(4) + [
        .filter("udp.port==\(tunnel.port) && ip.addr==\(tunnel.destination)")
      ],
      fix: [
        .advice(
          "correct the node's annotation: kubectl get nodes -o wide; bridge fdb show | grep \(tunnel.destination)")
      ],
      verify: ["kubepath capture --live any --filter \("dst host \(tunnel.destination)")  # no packets"])
  }

  /// The far end is a node whose device listens on another port or has another VNI.
  private static func mismatch(_ tunnel: TunnelRow, _ join: CaptureJoin) -> Finding? {
    guard let node = join.nodes.first(where: { $0.addresses.contains(tunnel.destination) }) else { return nil }
    let devices = node.overlays.filter { $0.kind == "vxlan" && $0.port != nil }
    guard !devices.isEmpty, node.snapshot.links != nil else { return nil }
    if devices.contains(where: { $0.port == Int(tunnel.port) && $0.identifier == Int(tunnel.identifier) }) {
      return nil
    }
    let samePort = devices.contains { $0.port == Int(tunnel.port) }
    let expected = devices.map { "\(printable($0.name)): port \($0.port ?? 0), VNI \($0.identifier ?? 0)" }
    return Finding(
      id: "vxlan-port", severity: .error, confidence: .certain,
      subject: .init(kind: "Tunnel", name: names(tunnel), port: String(tunnel.port), node: node.name),
      problem: samePort
        ? "VXLAN packets \(names(tunnel)) carry VNI \(tunnel.identifier), which no device of \(node.name) has"
        : "VXLAN packets \(names(tunnel)) go to port \(tunnel.port), on which no device of \(node.name) listens",
      cause:
        "the two nodes' VXLAN devices differ ← 4789 is the IANA port, 8472 the Linux default; two CNIs or two configurations",
      evidence: [
        .init(frame: tunnel.firstFrame.number, text: "port \(tunnel.port), VNI \(tunnel.identifier)"),
        .init(text: "\(node.name): \(expected.joined(separator: "; "))"),
        .filter("udp.port==\(tunnel.port) && ip.addr==\(tunnel.destination)"),
      ],
      fix: [.advice("use one port and VNI on all nodes: ip -d link show type vxlan")],
      verify: ["ip -s link show type vxlan  # RX must grow on both nodes"])
  }
}
