import Findings
import Snapshot
import Wire

/// An encapsulating device of a node and the link beneath it: whether what goes in fits what comes out.
struct OverlayLink {
  var name: String
  var kind: String
  var mtu: Int
  var port: Int?
  var identifier: Int?
  var underlay: String
  var underlayMTU: Int?
  /// Bytes from the outer IP header to the inner one.
  var overhead: Int

  /// The largest MTU that fits.
  var room: Int? { underlayMTU.map { $0 - overhead } }
  var isTooLarge: Bool { room.map { mtu > $0 } ?? false }

  static func all(_ snapshot: Snapshot) -> [OverlayLink] {
    TunnelDevice.all(snapshot).compactMap { tunnel in
      guard let mtu = tunnel.mtu, tunnel.isUp, !tunnel.isExternal else { return nil }
      let device = tunnel.lower ?? uplink(snapshot)
      return OverlayLink(
        name: tunnel.name, kind: tunnel.kind.rawValue, mtu: mtu, port: tunnel.port.map { Int($0) },
        identifier: tunnel.identifier, underlay: device ?? "",
        underlayMTU: device.flatMap { snapshot.link(named: $0)?.mtu }, overhead: tunnel.overhead)
    }
  }

  /// The device of the default route.
  private static func uplink(_ snapshot: Snapshot) -> String? {
    (snapshot.routes ?? []).filter { $0.destination.length == 0 && $0.type == .unicast }.min { $0.metric < $1.metric }?
      .nextHops.first?.interface
  }

  static func uplinkMTU(_ snapshot: Snapshot) -> Int? { uplink(snapshot).flatMap { snapshot.link(named: $0)?.mtu } }

  private var text: String {
    let beneath = underlayMTU.map { "\(printable(underlay)) beneath it \($0): \($0 - overhead) fit" }
    return "\(printable(name)) (\(kind)) has MTU \(mtu)" + (beneath.map { ", \($0)" } ?? "")
  }

  static func complete(_ finding: Finding, _ nodes: [JoinedNode]) -> Finding {
    var finding = finding
    var fixes: [Fix] = []
    for node in nodes {
      for link in node.overlays {
        finding.evidence.append(.init(text: "\(node.name): \(link.text)"))
        guard link.isTooLarge, let room = link.room else { continue }
        fixes.append(
          .command(
            "ip link set dev \(link.name) mtu \(room)",
            why: "on \(node.name); and the same in the CNI's configuration")
        )
        if finding.id != "vxlan-overhead" { finding.confidence = .certain }
      }
    }
    finding.fix = fixes + finding.fix
    return finding
  }

  /// Devices that are too large although the capture shows no harm of it.
  static func findings(_ nodes: [JoinedNode], besides known: [Finding]) -> [Finding] {
    guard !known.contains(where: { $0.id == "overlay-mtu" }) else { return [] }
    return nodes.flatMap { node in
      node.overlays.filter(\.isTooLarge).map { link in
        Finding(
          id: "overlay-mtu", severity: .warning, confidence: .certain,
          subject: .init(kind: "Link", name: printable(link.name), node: node.name),
          problem:
            "\(printable(link.name)) on \(node.name) takes packets of \(link.mtu) bytes where \(link.room ?? 0) fit",
          cause:
            "\(link.kind) adds \(link.overhead) bytes and \(printable(link.underlay)) carries \(link.underlayMTU ?? 0) ← its MTU was not lowered; "
            + "nothing in this capture was large enough to suffer from it",
          evidence: [.init(text: "\(node.name): \(link.text)")],
          fix: [.command("ip link set dev \(link.name) mtu \(link.room ?? 0)")],
          verify: ["ip -d link show dev \(link.name)"])
      }
    }
  }
}
