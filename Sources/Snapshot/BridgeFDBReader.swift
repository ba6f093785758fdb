import Input
import Wire

/// `bridge fdb`, plain or with `-j`.
public enum BridgeFDBReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var list = snapshot.forwardingEntries ?? []
    var seen = Set(list)
    if section.isJSON {
      withJSON(section, into: &snapshot) { root, snapshot in
        for item in root.elements {
          guard let mac = item["mac"]?.string else { continue }
          let entry = ForwardingEntry(
            mac: mac, interface: item["ifname"]?.string ?? "", destination: item["dst"]?.text?.address,
            master: item["master"]?.string)
          if seen.insert(entry).inserted { list.append(entry) }
        }
      }
    } else {
      for line in section.lines {
        guard let first = line.words.peek, first.first != UInt8(ascii: "#") else { continue }
        if let entry = parse(line.words) {
          if seen.insert(entry).inserted { list.append(entry) }
        } else {
          snapshot.warn(section, line.number, "expected `MAC dev NAME …` of bridge fdb, found “\(line.text.printable)”")
        }
      }
    }
    snapshot.forwardingEntries = list
  }

  private static func parse(_ line: Words) -> ForwardingEntry? {
    var words = line
    guard let mac = words.next(), mac.count == 17, mac.contains(":") else { return nil }
    var entry = ForwardingEntry(mac: mac.string, interface: "")
    while let word = words.next() {
      switch word {
      case "dev": entry.interface = words.next()?.string ?? ""
      case "dst": entry.destination = words.next()?.address
      case "master": entry.master = words.next()?.string
      case "vlan", "vni", "src_vni", "port", "via", "nhid", "used", "link-netnsid": _ = words.next()
      default: break
      }
    }
    return entry.interface.isEmpty ? nil : entry
  }
}

extension BridgeFDBReader {
  static let descriptor = DumpDescriptor(
    .forwarding, commands: ["bridge fdb"], collected: [.init("bridge-fdb.txt", "bridge", "fdb")],
    isNamed: { $0.contains("fdb") }, empty: { $0.forwardingEntries = $0.forwardingEntries ?? [] },
    json: { $0.contains("\"mac\"") && $0.contains("\"ifname\"") },
    read: { read($0.section, into: &$1) },
    recognises: { line in
      line.first.count == 17 && line.first.bytes[2] == UInt8(ascii: ":") && line.second == "dev"
    })
}
