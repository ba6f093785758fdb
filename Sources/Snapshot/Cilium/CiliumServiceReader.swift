import Input
import Wire

/// `cilium-dbg service list`: what Cilium's agent wants its load balancer to do. The table of all versions (with and
/// without an ID column, service types, protocols and states), or `-o json`.
public enum CiliumServiceReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var table = CiliumTable(snapshot.ebpfFrontends, source: .agent, file: snapshot.fileIndex(section.file))
    if section.isJSON {
      withJSON(section, into: &snapshot) { root, snapshot in
        if root.isObject { service(root, section, &table, &snapshot) }
        for item in root.elements { service(item, section, &table, &snapshot) }
      }
    } else {
      var current: Int?
      for line in section.lines { text(line, section, &table, &current, &snapshot) }
    }
    snapshot.ebpfFrontends = table.frontends
  }

  /// `1    10.96.0.10:53/UDP   ClusterIP   1 => 10.244.1.69:53/UDP (active)`, and lines of further backends.
  private static func text(
    _ line: LineScanner.Line, _ section: DumpSection, _ table: inout CiliumTable, _ current: inout Int?,
    _ snapshot: inout Snapshot
  ) {
    var words = line.words
    guard let first = words.next(), !isHeader(first, words.peek) else { return }
    var word: ByteText? = first
    if !line.isIndented {
      current = nil
      if first.int != nil { word = words.next() }
      guard let address = word.flatMap({ CiliumAddress($0) }) else {
        return snapshot.warn(
          section, line.number, "expected a line of cilium-dbg service list, found “\(line.text.printable)”")
      }
      let position = table.position(of: address, line: line.number)
      current = position
      word = words.next()
      if let kind = word, kind.int == nil {
        table.change(position) { $0.kind = kind.string }
        word = words.next()
        // `ClusterIP (Remote)`
        if let next = word, next.first == UInt8(ascii: "(") { word = words.next() }
      }
      if word == nil { return }
    }
    guard let current, word?.int != nil, let arrow = words.next(), arrow == "=>",
      let address = words.next().flatMap({ CiliumAddress($0) })
    else {
      return snapshot.warn(
        section, line.number, "expected NUMBER => ADDRESS:PORT (STATE), found “\(line.text.printable)”")
    }
    var backend = EBPFFrontend.Backend(address: address.address, port: address.port)
    if let state = words.next(), state.first == UInt8(ascii: "("), state.last == UInt8(ascii: ")") {
      backend.state = state.dropFirst(1).dropLast(1).string
    }
    table.add(backend, to: current)
  }

  private static func isHeader(_ first: ByteText, _ second: ByteText?) -> Bool {
    first == "Frontend" || first == "ID" && (second.map { $0 == "Frontend" } ?? false)
  }

  /// One object of api/v1/models Service: what is realized counts, what is only wanted where nothing is.
  private static func service(
    _ value: JSONValue, _ section: DumpSection, _ table: inout CiliumTable, _ snapshot: inout Snapshot
  ) {
    let realized = value["status"]?["realized"]
    guard let spec = realized?["frontend-address"] != nil ? realized : value["spec"],
      let frontend = spec["frontend-address"], var address = address(frontend)
    else {
      return snapshot.diagnostics.add(
        Diagnostic(
          .warning, file: section.file.name, .whole, "a service has no frontend-address with an IP address and port"))
    }
    address.isInternal = frontend["scope"]?.text.map { $0 == "internal" } ?? false
    let position = table.position(of: address, line: 0)
    for item in (spec["backend-addresses"] ?? spec).elements {
      guard let found = Self.address(item) else {
        snapshot.diagnostics.add(
          Diagnostic(.warning, file: section.file.name, .whole, "a backend has no IP address and port"))
        continue
      }
      var backend = EBPFFrontend.Backend(address: found.address, port: found.port)
      if let state = item["state"]?.string { backend.state = state }
      table.add(backend, to: position)
    }
    guard let flags = spec["flags"] else { return }
    table.change(position) { entry in
      entry.kind = flags["type"]?.string ?? ""
      entry.namespace = flags["namespace"]?.string ?? ""
      entry.name = flags["name"]?.string ?? ""
      if flags["extTrafficPolicy"]?.text.map({ $0 == "Local" }) == true { entry.flags.append("Local") }
      if flags["intTrafficPolicy"]?.text.map({ $0 == "Local" }) == true { entry.flags.append("InternalLocal") }
    }
  }

  private static func address(_ value: JSONValue) -> CiliumAddress? {
    guard let address = value["ip"]?.text?.address, let port = value["port"]?.int.flatMap({ UInt16(exactly: $0) })
    else { return nil }
    return CiliumAddress(address: address, port: port, protocolName: value["protocol"]?.text)
  }
}

extension CiliumAddress {
  init(address: IPAddress, port: UInt16, protocolName: ByteText?) {
    self.address = address
    self.port = port
    switch protocolName {
    case .some(let name) where name == "TCP": ipProtocol = .tcp
    case .some(let name) where name == "UDP": ipProtocol = .udp
    case .some(let name) where name == "SCTP": ipProtocol = .sctp
    default: ipProtocol = nil
    }
  }
}

extension CiliumServiceReader {
  static let descriptor = DumpDescriptor(
    .ciliumServices, commands: ["cilium-dbg service list"],
    collected: [.init("cilium-service.txt", "cilium-dbg", "service", "list")],
    json: { $0.contains("\"frontend-address\"") },
    read: { read($0.section, into: &$1) },
    recognises: { line in
      line.first == "ID" && line.second == "Frontend" || line.first == "Frontend" && line.second == "Service"
    })
}
