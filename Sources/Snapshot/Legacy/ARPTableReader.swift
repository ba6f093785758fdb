import Input
import Wire

/// `arp -n`, `arp -a` and /proc/net/arp: the neighbour table without what the kernel thinks of its entries.
enum ARPTableReader: DumpReader {
  static let descriptor = DumpDescriptor(
    .arpTable, commands: ["arp -n"],
    read: { read($0.section, into: &$1) },
    recognises: { line in
      line.first == "Address" && line.second == "HWtype" || line.first == "IP" && line.text.contains("HW type")
        || line.second.first == UInt8(ascii: "(") && line.second.last == UInt8(ascii: ")")
          && (line.rest.peek.map { $0 == "at" } ?? false) && line.text.contains(" on ")
    })

  static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var list = snapshot.neighbours ?? []
    var seen = Set(list)
    for line in section.lines {
      guard let first = line.words.peek, first.first != UInt8(ascii: "#") else { continue }
      if first == "Address" || first == "IP" || first == "Entries:" { continue }
      guard let entry = parse(Array(line.words.prefix(10))) else {
        snapshot.warn(section, line.number, "expected an entry of arp -n, found “\(line.text.printable)”")
        continue
      }
      if seen.insert(entry).inserted { list.append(entry) }
    }
    snapshot.neighbours = list
  }

  private static func parse(_ columns: [ByteText]) -> Neighbour? {
    guard columns.count >= 3, let interface = columns.last?.string else { return nil }
    // `? (192.0.2.1) at 02:00:00:00:00:01 [ether] on eth0`
    if columns[1].first == UInt8(ascii: "("), columns.count >= 4,
      let address = columns[1].dropFirst(1).dropLast(1).address
    {
      let mac = columns[3]
      return entry(address, mac.contains(":") ? mac : nil, isPermanent: columns.contains { $0 == "PERM" }, interface)
    }
    guard let address = columns[0].address else { return nil }
    let mac = columns.dropFirst().first { $0.count == 17 && $0.bytes[2] == UInt8(ascii: ":") }
    // /proc/net/arp: flag 2 is complete, 4 permanent.
    if columns[1].hasPrefix("0x"), columns.count == 6 {
      guard let flags = columns[2].number(UInt32.self) else { return nil }
      return entry(address, flags & 2 != 0 ? mac : nil, isPermanent: flags & 4 != 0, interface)
    }
    return entry(
      address, mac, isPermanent: columns.contains { $0 == "CM" }, interface)
  }

  private static func entry(_ address: IPAddress, _ mac: ByteText?, isPermanent: Bool, _ interface: String) -> Neighbour
  {
    Neighbour(
      address: address, interface: interface, mac: mac?.string,
      state: mac == nil ? "INCOMPLETE" : isPermanent ? "PERMANENT" : "STALE")
  }
}
