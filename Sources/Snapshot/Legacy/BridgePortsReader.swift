import Input
import Wire

/// `brctl show`: bridges and the interfaces that are their ports.
enum BridgePortsReader: DumpReader {
  static let descriptor = DumpDescriptor(
    .bridgePorts, commands: ["brctl show"],
    read: { read($0.section, into: &$1) },
    recognises: { $0.first == "bridge" && $0.second == "name" })

  static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var merger = LinkMerger(snapshot)
    var bridge: String?
    for line in section.lines {
      let columns = Array(line.words.prefix(8))
      guard let first = columns.first, first.first != UInt8(ascii: "#"), !(first == "bridge") else { continue }
      if columns.count >= 3, columns[1].contains("."), columns[2] == "yes" || columns[2] == "no" {
        bridge = first.string
        var link = Link(index: 0, name: first.string)
        link.kind = "bridge"
        merger.add(link)
        if columns.count > 3 { merger.add(port(columns[3].string, of: first.string)) }
      } else if columns.count == 1, let bridge {
        merger.add(port(first.string, of: bridge))
      } else {
        snapshot.warn(section, line.number, "expected a bridge or a port of brctl show, found “\(line.text.printable)”")
      }
    }
    merger.store(into: &snapshot)
  }

  private static func port(_ name: String, of bridge: String) -> Link {
    var link = Link(index: 0, name: name)
    link.master = bridge
    return link
  }
}
