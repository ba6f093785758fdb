import Input
import Wire

/// `ip neigh`, `ip -6 neigh`, both with `-s` or `-j`.
public enum IPNeighbourReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var list = snapshot.neighbours ?? []
    var seen = Set(list.map { Key(address: $0.address, interface: $0.interface) })
    func add(_ entry: Neighbour, _ list: inout [Neighbour]) {
      if seen.insert(Key(address: entry.address, interface: entry.interface)).inserted { list.append(entry) }
    }
    if section.isJSON {
      withJSON(section, into: &snapshot) { root, snapshot in
        for item in root.elements {
          guard let address = item["dst"]?.text?.address else { continue }
          let states = item["state"]?.elements.compactMap(\.string) ?? []
          add(
            Neighbour(
              address: address, interface: item["dev"]?.string ?? "", mac: item["lladdr"]?.string,
              state: states.joined(separator: ",")), &list)
        }
      }
    } else {
      for line in section.lines {
        guard let first = line.words.peek, first.first != UInt8(ascii: "#") else { continue }
        if var entry = parse(line.words) {
          entry.place = FilePlace(file: snapshot.fileIndex(section.file), line: line.number)
          add(entry, &list)
        } else {
          snapshot.warn(
            section, line.number,
            "expected `ADDRESS dev NAME lladdr MAC STATE` of ip neigh, found “\(line.text.printable)”")
        }
      }
    }
    snapshot.neighbours = list
  }

  private struct Key: Hashable {
    var address: IPAddress
    var interface: String
  }

  private static func parse(_ line: Words) -> Neighbour? {
    var words = line
    guard let address = words.next()?.address else { return nil }
    var entry = Neighbour(address: address, interface: "", state: "")
    while let word = words.next() {
      switch word {
      case "dev":
        guard let name = words.next() else { return nil }
        entry.interface = name.string
      case "lladdr":
        guard let mac = words.next() else { return nil }
        entry.mac = mac.string
      case "router", "proxy", "extern_learn", "offload", "managed", "extern_valid": break
      case "proto", "ref", "used", "probes", "nhid", "vlan": _ = words.next()
      case "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "INCOMPLETE", "PERMANENT", "NOARP", "NONE":
        entry.state = entry.state.isEmpty ? word.string : entry.state + "," + word.string
      default: return nil
      }
    }
    return entry.state.isEmpty && entry.mac == nil && entry.interface.isEmpty ? nil : entry
  }
}

extension IPNeighbourReader {
  static let descriptor = DumpDescriptor(
    .neighbour, commands: ["ip neigh"], collected: [.init("ip-neigh.txt", "ip", "neigh")],
    isNamed: { $0.contains("neigh") }, empty: { $0.neighbours = $0.neighbours ?? [] },
    json: { $0.contains("\"dst\"") && ($0.contains("\"lladdr\"") || $0.contains("\"state\"")) },
    read: { read($0.section, into: &$1) }, recognises: { isOne($0) })

  static func isOne(_ line: DumpLine) -> Bool {
    guard line.second == "dev" || line.text.contains(" lladdr "), line.first.address != nil else { return false }
    if line.text.contains(" lladdr ") { return true }
    var last: ByteText?
    for word in line.rest { last = word }
    switch last ?? line.text[0..<0] {
    case "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "INCOMPLETE", "PERMANENT", "NOARP": return true
    default: return false
    }
  }
}
