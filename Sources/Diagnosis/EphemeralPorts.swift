import Snapshot

/// The ports that the kernel gives to connections of its own, as two sysctls tell.
struct EphemeralPorts {
  var range: ClosedRange<UInt16>
  private var reserved: [ClosedRange<UInt16>]

  /// Nil: the snapshot does not tell.
  init?(_ snapshot: Snapshot) {
    guard let text = snapshot.sysctl("net.ipv4.ip_local_port_range") else { return nil }
    let bounds = text.split { $0 == " " || $0 == "\t" }.compactMap { UInt16($0) }
    guard bounds.count == 2, bounds[0] <= bounds[1] else { return nil }
    range = bounds[0]...bounds[1]
    reserved = (snapshot.sysctl("net.ipv4.ip_local_reserved_ports") ?? "").split(separator: ",").compactMap { part in
      let ends = part.split(separator: "-").compactMap { UInt16($0) }
      return ends.isEmpty || ends[0] > ends[ends.count - 1] ? nil : ends[0]...ends[ends.count - 1]
    }
  }

  func contains(_ port: UInt16) -> Bool { range.contains(port) && !reserved.contains { $0.contains(port) } }
}
