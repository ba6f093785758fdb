import Input
import Ruleset
import Wire

/// `route`, `route -n`, `netstat -r` and their IPv6 forms: the main table, as net-tools prints it.
enum RouteTableReader: DumpReader {
  static let descriptor = DumpDescriptor(
    .routeTable, commands: ["route -n", "netstat -rn"],
    read: { read($0.section, into: &$1) },
    recognises: { line in
      line.first == "Kernel" && line.text.contains("routing table")
        || line.first == "Destination" && (line.text.contains("Genmask") || line.text.contains("Next Hop"))
    })

  /// Where a line's columns are.
  private enum Layout {
    /// `Destination Gateway Genmask Flags Metric Ref Use Iface`; netstat has `MSS Window irtt` in the place of three.
    case v4(hasMetric: Bool)
    /// `Destination Next Hop Flag Met Ref Use If`
    case v6
  }

  static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    let file = snapshot.fileIndex(section.file)
    var merger = RouteMerger(snapshot)
    var layout = Layout.v4(hasMetric: true)
    for line in section.lines {
      guard let first = line.words.peek, first.first != UInt8(ascii: "#") else { continue }
      switch first {
      case "Kernel": if line.text.contains("IPv6") { layout = .v6 }
      case "Destination":
        layout = line.text.contains("Next Hop") ? .v6 : .v4(hasMetric: line.text.contains("Metric"))
      default:
        guard var route = route(Array(line.words.prefix(12)), layout, section, line.number, &snapshot) else {
          snapshot.warn(section, line.number, "expected a route of `route -n`, found “\(line.text.printable)”")
          continue
        }
        route.file = file
        route.line = line.number
        merger.add(route)
      }
    }
    snapshot.routes = merger.routes
  }

  private static func route(
    _ columns: [ByteText], _ layout: Layout, _ section: DumpSection, _ line: Int, _ snapshot: inout Snapshot
  ) -> Route? {
    let destination: IPPrefix
    let flags: ByteText
    let metric: UInt32
    guard let interface = columns.last else { return nil }
    switch layout {
    case .v4(let hasMetric):
      guard columns.count >= 8, let found = prefix4(columns[0], mask: columns[2]) else { return nil }
      destination = found
      flags = columns[3]
      metric = hasMetric ? columns[4].number(UInt32.self) ?? 0 : 0
    case .v6:
      guard columns.count >= 7 else { return nil }
      let isDefault = columns[0] == "default" || columns[0] == "[::]/0"
      guard let found = isDefault ? IPPrefix(IPAddress(bits: .zero, version: .v6), length: 0) : columns[0].prefix else {
        return nil
      }
      destination = found
      flags = columns[2]
      metric = columns[3].number(UInt32.self) ?? 0
    }
    guard flags.bytes.allSatisfy({ $0 == UInt8(ascii: "!") || ($0 | 0x20) >= 97 && ($0 | 0x20) <= 122 }) else {
      return nil
    }
    var route = Route(destination: destination, metric: metric)
    if flags.contains("!") {
      route.type = .unreachable
      return route
    }
    var hop = Route.NextHop(interface: interface.string)
    if flags.contains("G") {
      hop.gateway = columns[1].address
      if hop.gateway == nil {
        snapshot.warn(section, line, "the gateway “\(columns[1].printable)” is a name: `route -n` prints its address")
      }
    }
    // IPv6 lists the node's own addresses among the routes.
    if destination.address.version == .v6, destination.length == 128, interface == "lo" || flags.contains("n") {
      route.type = .local
      route.table = Route.TableNumber.local
    }
    route.nextHops = [hop]
    return route
  }

  /// Names as `route` prints them without -n: those that stand in every /etc/networks.
  private static func prefix4(_ word: ByteText, mask: ByteText) -> IPPrefix? {
    guard let maskAddress = mask.address ?? (mask == "-" ? IPAddress(v4: .max) : nil), maskAddress.version == .v4,
      let length = IPPrefix("0.0.0.0/\(maskAddress)")?.length
    else { return nil }
    switch word {
    case "default": return IPPrefix(IPAddress(v4: 0), length: 0)
    case "link-local": return IPPrefix(IPAddress(v4: 0xA9FE_0000), length: length)
    case "loopback": return IPPrefix(IPAddress(v4: 0x7F00_0000), length: length)
    default: return word.address.map { IPPrefix($0, length: length) }
    }
  }
}
