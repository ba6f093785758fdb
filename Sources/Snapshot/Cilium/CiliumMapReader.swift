import Input
import Wire

/// `cilium-dbg bpf lb list`: the BPF map that Cilium's programs look packets up in. The table of all versions, or
/// `-o json`, which holds the same texts by frontend.
public enum CiliumMapReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var table = CiliumTable(snapshot.ebpfFrontends, source: .datapath, file: snapshot.fileIndex(section.file))
    if section.isJSON {
      withJSON(section, into: &snapshot) { root, snapshot in
        for (key, values) in root.members {
          var words = Words(key)
          guard let address = words.next().flatMap({ CiliumAddress($0) }) else {
            snapshot.warn(section, section.firstLine, "expected ADDRESS:PORT as a key, found “\(key.printable)”")
            continue
          }
          let position = table.position(of: address, line: 0)
          for value in values.elements {
            guard let text = value.text, entry(Words(text), position, &table) else {
              snapshot.warn(section, section.firstLine, "\(key.printable): expected a backend with (REVNAT) (SLOT)")
              continue
            }
          }
        }
      }
    } else {
      var current: Int?
      for line in section.lines { text(line, section, &table, &current, &snapshot) }
    }
    snapshot.ebpfFrontends = table.frontends
  }

  /// `10.96.0.10:53/UDP (1)   10.244.0.104:53/UDP (3) (1)`; further entries of a frontend are indented in older versions.
  private static func text(
    _ line: LineScanner.Line, _ section: DumpSection, _ table: inout CiliumTable, _ current: inout Int?,
    _ snapshot: inout Snapshot
  ) {
    var words = line.words
    guard let first = words.peek, !(first == "SERVICE") else { return }
    if !line.isIndented {
      current = CiliumAddress(first).map { table.position(of: $0, line: line.number) }
      _ = words.next()
      if let slot = words.peek, slot.first == UInt8(ascii: "(") { _ = words.next() }
    }
    guard let position = current, entry(words, position, &table) else {
      return snapshot.warn(
        section, line.number, "expected a line of cilium-dbg bpf lb list, found “\(line.text.printable)”")
    }
  }

  /// A backend `10.244.0.104:53/UDP (3) (1)`, or slot 0, the frontend itself: `0.0.0.0:0 (3) (0) [ClusterIP, non-routable]
  /// (L7LB Proxy Port: 15735)`. False: neither.
  private static func entry(_ line: Words, _ position: Int, _ table: inout CiliumTable) -> Bool {
    var words = line
    guard let first = words.next() else { return false }
    // `backend 12 not found`: the slot names a backend that the other map does not have.
    if first == "backend" { return true }
    guard let address = CiliumAddress(first) else { return false }
    guard address.address.isUnspecified, address.port == 0 else {
      table.add(EBPFFrontend.Backend(address: address.address, port: address.port), to: position)
      return true
    }
    var names: [String] = []
    while let word = words.next() {
      if word == "Port:" {
        let port = words.next()?.dropLast(1).number(UInt16.self)
        table.change(position) { $0.proxyPort = port }
        break
      }
      var name = word
      if name.first == UInt8(ascii: "[") { name = name.dropFirst(1) } else if names.isEmpty { continue }
      let isLast = name.last == UInt8(ascii: "]")
      if isLast || name.last == UInt8(ascii: ",") { name = name.dropLast(1) }
      if !name.isEmpty, !(name.first == UInt8(ascii: "(")) { names.append(name.string) }
    }
    if let kind = names.first {
      table.change(position) {
        $0.kind = kind
        $0.flags = Array(names.dropFirst().filter { !["L7LB", "Proxy"].contains($0) })
      }
    }
    return true
  }
}

extension CiliumMapReader {
  static let descriptor = DumpDescriptor(
    .ciliumMap, commands: ["cilium-dbg bpf lb list"],
    collected: [.init("cilium-lb.txt", "cilium-dbg", "bpf", "lb", "list")],
    json: { $0.contains(":0 (") && $0.contains(") (0)") },
    read: { read($0.section, into: &$1) },
    recognises: { line in
      line.first == "SERVICE" && line.second == "ADDRESS" && line.text.contains("BACKEND ADDRESS")
    })
}
