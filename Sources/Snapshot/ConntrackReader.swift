import Input
import Wire

/// `conntrack -L` (with any `-o`), `conntrack -E`, `conntrack -D`, and /proc/net/nf_conntrack: the entries that stand in the
/// table after the last line.
public enum ConntrackReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    read(section, command: nil, into: &snapshot)
  }

  static func read(_ section: DumpSection, command: String?, into snapshot: inout Snapshot) {
    let file = snapshot.fileIndex(section.file)
    var list = snapshot.connections ?? []
    var seen = Dictionary(list.enumerated().map { (Key(entry: $1), $0) }, uniquingKeysWith: { $1 })
    /// Where entries ended: their places in the list.
    var ended: Set<Int> = []
    /// What -D prints was deleted; without its command above it, its last line says so.
    var added: [Int] = []
    var isDeletion = command.map(Self.isDeletion) ?? false
    func add(_ found: ConnectionEntry, _ line: Int, _ event: Event) {
      var entry = found
      entry.file = file
      entry.line = line
      let key = Key(entry: entry)
      if let known = seen[key] {
        switch event {
        case .listed: if ended.remove(known) != nil { list[known] = entry }
        case .new, .update:
          ended.remove(known)
          list[known] = entry
        case .destroy: ended.insert(known)
        }
        added.append(known)
      } else if event != .destroy {
        seen[key] = list.count
        added.append(list.count)
        list.append(entry)
      }
    }
    for line in section.lines {
      let text = line.text.trimmed
      guard let first = text.first, first != UInt8(ascii: "#") else { continue }
      // `conntrack v1.4.7 (conntrack-tools): 5 flow entries have been shown.`
      if text.hasPrefix("conntrack v") {
        isDeletion = isDeletion || text.contains("have been deleted")
        continue
      }
      if text.hasPrefix("<") {
        readXML(text) { add($0, line.number, .listed) }
        continue
      }
      guard let entry = parse(text) else {
        snapshot.warn(section, line.number, "expected a connection (`tcp 6 … src=… dst=…`), found “\(text.printable)”")
        continue
      }
      add(entry, line.number, Event(of: text))
    }
    if isDeletion { ended.formUnion(added) }
    if !ended.isEmpty { list = list.indices.filter { !ended.contains($0) }.map { list[$0] } }
    // Events and deletions alone do not tell what else stands in the table.
    if list.isEmpty, snapshot.connections == nil, isDeletion || !added.isEmpty { return }
    snapshot.connections = list
  }

  private static func isDeletion(_ command: String) -> Bool {
    command.split(separator: " ").contains { $0 == "-D" || $0 == "--delete" }
  }

  /// What a line says of its entry.
  private enum Event {
    case listed, new, update, destroy

    /// `[1700000000.1]	 [NEW] tcp …`
    init(of text: ByteText) {
      self =
        text.contains("[DESTROY]")
        ? .destroy : text.contains("[NEW]") ? .new : text.contains("[UPDATE]") ? .update : .listed
    }
  }

  private struct Key: Hashable {
    var ipProtocol: UInt8
    var zone: UInt16
    var original: ConnectionEntry.Tuple
    init(entry: ConnectionEntry) {
      ipProtocol = entry.ipProtocol
      zone = entry.zone
      original = entry.original
    }
  }

  private struct Half {
    var source: IPAddress?
    var destination: IPAddress?
    var sourcePort: UInt16 = 0
    var destinationPort: UInt16 = 0
    var tuple: ConnectionEntry.Tuple? {
      guard let source, let destination, source.version == destination.version else { return nil }
      return .init(
        source: source, destination: destination, sourcePort: sourcePort, destinationPort: destinationPort)
    }
  }

  private static func parse(_ text: ByteText) -> ConnectionEntry? {
    var words = Words(text)
    guard var word = words.next() else { return nil }
    // Times and event names of `conntrack -E`.
    while word.first == UInt8(ascii: "[") {
      while word.last != UInt8(ascii: "]") {
        guard let next = words.next() else { return nil }
        word = next
      }
      guard let next = words.next() else { return nil }
      word = next
    }
    if word == "ipv4" || word == "ipv6" {
      _ = words.next()
      guard let next = words.next() else { return nil }
      word = next
    }
    guard let number = words.next()?.number(UInt8.self) else { return nil }
    // The number stands behind every name, `unknown` too.
    var entry = ConnectionEntry(
      ipProtocol: number,
      original: .init(source: .init(v4: 0), destination: .init(v4: 0), sourcePort: 0, destinationPort: 0),
      reply: .init(source: .init(v4: 0), destination: .init(v4: 0), sourcePort: 0, destinationPort: 0))
    var halves = (Half(), Half())
    var sources = 0
    while let word = words.next() {
      guard let (name, value) = word.split(at: UInt8(ascii: "=")) else {
        switch word {
        case "[UNREPLIED]": entry.unreplied = true
        case "[ASSURED]": entry.assured = true
        default:
          if word.first == UInt8(ascii: "[") { continue }
          if sources == 0, let timeout = word.int {
            entry.timeout = timeout
          } else if sources == 0 {
            entry.state = word.string
          }
        }
        continue
      }
      switch name {
      case "src":
        sources += 1
        guard sources <= 2, let address = value.address else { return nil }
        if sources == 1 { halves.0.source = address } else { halves.1.source = address }
      case "dst":
        guard sources > 0, let address = value.address else { return nil }
        if sources == 1 { halves.0.destination = address } else { halves.1.destination = address }
      case "sport", "dport", "id", "srckey", "dstkey":
        // Behind the tuples `id=` is the entry's own number, which need not fit.
        guard let port = value.number(UInt16.self) else { continue }
        withUnsafeMutablePointer(to: &halves) { pair in
          func set(_ half: inout Half) {
            if name == "sport" || name == "id" && half.sourcePort == 0 { half.sourcePort = port }
            if name == "dport" || name == "id" && half.destinationPort == 0 { half.destinationPort = port }
          }
          if sources == 1 { set(&pair.pointee.0) } else { set(&pair.pointee.1) }
        }
      case "mark": entry.mark = value.number(UInt32.self) ?? 0
      case "zone", "zone-orig": entry.zone = value.number(UInt16.self) ?? 0
      default: break
      }
    }
    guard let original = halves.0.tuple else { return nil }
    entry.original = original
    // Some formats leave the reply out: then nothing was translated that they could tell.
    entry.reply =
      halves.1.tuple
      ?? .init(
        source: original.destination, destination: original.source, sourcePort: original.destinationPort,
        destinationPort: original.sourcePort)
    return entry
  }

  // MARK: -o xml

  /// `<flow><meta direction="original">…</flow>`: one line each, or all on one.
  private static func readXML(_ text: ByteText, _ body: (ConnectionEntry) -> Void) {
    var at = 0
    let bytes = text.bytes
    var entry: ConnectionEntry?
    var halves = (Half(), Half())
    var direction = -1
    func apply(_ tag: ByteText, _ value: ByteText) {
      func set(_ half: inout Half) {
        switch tag {
        case "src": half.source = value.address
        case "dst": half.destination = value.address
        case "sport": half.sourcePort = value.number(UInt16.self) ?? 0
        case "dport": half.destinationPort = value.number(UInt16.self) ?? 0
        case "id":
          half.sourcePort = value.number(UInt16.self) ?? 0
          half.destinationPort = half.sourcePort
        default: break
        }
      }
      if direction == 0 { set(&halves.0) }
      if direction == 1 { set(&halves.1) }
      switch tag {
      case "state": entry?.state = value.string
      case "timeout": entry?.timeout = value.int
      case "mark": entry?.mark = value.number(UInt32.self) ?? 0
      case "zone": entry?.zone = value.number(UInt16.self) ?? 0
      default: break
      }
    }
    while let open = bytes[at...].firstIndex(of: UInt8(ascii: "<")),
      let close = bytes[open...].firstIndex(of: UInt8(ascii: ">"))
    {
      let tag = text[open + 1..<close]
      let end = bytes[close...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
      let name = tag.split(at: 0x20)?.before ?? tag
      switch name {
      case "flow":
        entry = ConnectionEntry(
          ipProtocol: 0,
          original: .init(source: .init(v4: 0), destination: .init(v4: 0), sourcePort: 0, destinationPort: 0),
          reply: .init(source: .init(v4: 0), destination: .init(v4: 0), sourcePort: 0, destinationPort: 0))
        halves = (Half(), Half())
        direction = -1
      case "meta":
        direction = tag.contains("\"original\"") ? 0 : tag.contains("\"reply\"") ? 1 : 2
      case "layer4":
        if let (_, after) = tag.dropFirst(6).split(at: UInt8(ascii: "\"")),
          let number = after.split(at: UInt8(ascii: "\""))?.before.number(UInt8.self)
        {
          entry?.ipProtocol = number
        }
      case "unreplied/": entry?.unreplied = true
      case "assured/": entry?.assured = true
      case "/flow":
        if var done = entry, let original = halves.0.tuple {
          done.original = original
          done.reply =
            halves.1.tuple
            ?? .init(
              source: original.destination, destination: original.source, sourcePort: original.destinationPort,
              destinationPort: original.sourcePort)
          body(done)
        }
        entry = nil
      default: if end > close + 1 { apply(name, text[close + 1..<end].trimmed) }
      }
      at = end
    }
  }
}

/// `conntrack -S` and /proc/net/stat/nf_conntrack.
public enum ConntrackStatisticsReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var list = snapshot.connectionStatistics ?? []
    /// Column names of the /proc form.
    var columns: [String] = []
    for line in section.lines {
      var words = line.words
      guard let first = words.peek, first.first != UInt8(ascii: "#") else { continue }
      if first == "entries" {
        columns = line.words.prefix(64).map(\.string)
        continue
      }
      var entry: [String: Int] = [:]
      if !columns.isEmpty {
        for name in columns {
          guard let word = words.next(), word.count <= 8, let value = Int(word.string, radix: 16) else { break }
          entry[name] = value
        }
        entry["cpu"] = entry.isEmpty ? nil : list.count
      } else {
        while let word = words.next() {
          if let (name, value) = word.split(at: UInt8(ascii: "=")), let number = value.int, entry.count < 64 {
            entry[name.string] = number
          }
        }
        if entry["cpu"] == nil { entry = [:] }
      }
      if entry.isEmpty {
        snapshot.warn(
          section, line.number, "expected `cpu=N found=N …` of conntrack -S, found “\(line.text.printable)”")
      } else if !list.contains(entry) {
        if list.isEmpty {
          snapshot.connectionStatisticsPlace = FilePlace(file: snapshot.fileIndex(section.file), line: line.number)
        }
        list.append(entry)
      }
    }
    snapshot.connectionStatistics = list
  }
}

extension ConntrackReader {
  static let descriptor = DumpDescriptor(
    .conntrack, commands: ["conntrack -L", "conntrack -E"], collected: [.init("conntrack.txt", "conntrack", "-L")],
    isNamed: { $0.contains("conntrack") && !$0.contains("stat") && !$0.hasSuffix("-s") },
    empty: { $0.connections = $0.connections ?? [] },
    read: { read($0.section, command: $0.command, into: &$1) },
    recognises: { line in
      if line.text.first == UInt8(ascii: "<") {
        return line.text.hasPrefix("<flow") || line.text.hasPrefix("<conntrack>")
      }
      guard line.text.contains("src="), line.text.contains("dst=") else { return false }
      // `[1700000000.1] [NEW] …`, `    [NEW] udp …`: events, which stand indented.
      if line.text.trimmed.first == UInt8(ascii: "[") { return true }
      return line.first == "ipv4" || line.first == "ipv6" || line.second.int != nil
    })
}

extension ConntrackStatisticsReader {
  static let descriptor = DumpDescriptor(
    .conntrackStatistics, commands: ["conntrack -S"],
    collected: [.init("conntrack-statistics.txt", "conntrack", "-S")],
    read: { read($0.section, into: &$1) },
    recognises: { line in
      line.first == "entries" && line.text.contains("insert_failed")
        || line.first.hasPrefix("cpu=") && (line.text.contains("found=") || line.text.contains("insert_failed="))
    })
}
