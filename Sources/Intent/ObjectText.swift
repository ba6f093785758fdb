import Input

/// What `kubectl get` and `kubectl describe` print for people, made the objects that they stand for: JSON, as far as the text
/// tells them. What a column cuts off or leaves out is left out.
struct ObjectText {
  /// JSON texts, one an object.
  private(set) var objects: [String] = []
  /// Line and reason of what could not be made an object.
  private(set) var problems: [(line: Int, message: String)] = []

  private var namespace: String?
  private var kind: String?
  private var table: Table?
  /// The lines of the description being read.
  private var description: [LineScanner.Line] = []

  /// Whether a text that is neither JSON nor YAML may be kubectl's.
  static func looksLikeOne(_ source: SourceFile) -> Bool {
    for line in DumpSection(source).lines.prefix(20) {
      if Table(line.text) != nil || isDescription(line.text) { return true }
    }
    return false
  }

  init(_ source: SourceFile) {
    for line in DumpSection(source).lines { read(line) }
    closeDescription()
  }

  private static func isDescription(_ line: ByteText) -> Bool { line.hasPrefix("Name:  ") }

  private mutating func read(_ line: LineScanner.Line) {
    let text = line.text
    if let (namespace, kind) = Self.command(text) {
      closeDescription()
      table = nil
      self.namespace = namespace
      self.kind = kind
      return
    }
    if let heading = Table(text) {
      closeDescription()
      table = heading
      return
    }
    if Self.isDescription(text) {
      closeDescription()
      table = nil
      description = [line]
      return
    }
    if !description.isEmpty {
      description.append(line)
    } else if let table {
      if text.trimmed.isEmpty {
        self.table = nil
      } else if let object = table.object(text, namespace: namespace, kind: kind) {
        objects.append(object)
      } else {
        problems.append((line.number, "a row of kubectl get that is not understood: “\(text.printable)”"))
      }
    }
  }

  private mutating func closeDescription() {
    guard let first = description.first else { return }
    if let object = ObjectDescription(description, kind: kind).json {
      objects.append(object)
    } else {
      problems.append((first.number, "a description of an object of a kind that is not used"))
    }
    description = []
  }

  /// Namespace and kind of `… kubectl -n shop get svc web`; nil: the line is no such command.
  private static func command(_ line: ByteText) -> (namespace: String?, kind: String?)? {
    guard line.contains(" get ") || line.contains(" describe ") else { return nil }
    let words = line.string.split(separator: " ").map(String.init)
    guard let verb = words.firstIndex(where: { $0 == "get" || $0 == "describe" }), verb > 0,
      words[..<verb].contains(where: {
        ["kubectl", "oc", "k"].contains($0.split(separator: "/").last.map(String.init) ?? $0)
      })
    else { return nil }
    var namespace: String?
    for (index, word) in words.enumerated() {
      if word == "-n" || word == "--namespace", index + 1 < words.count { namespace = words[index + 1] }
      if word.hasPrefix("--namespace=") { namespace = String(word.dropFirst(12)) }
      if word.hasPrefix("-n"), word.count > 2, !word.hasPrefix("-n=") { namespace = String(word.dropFirst(2)) }
    }
    let resource = words[(verb + 1)...].first { !$0.hasPrefix("-") && $0 != namespace }
    return (namespace, resource.flatMap { kind($0.split(separator: "/").first.map(String.init) ?? $0) })
  }

  static func kind(_ resource: String) -> String? {
    switch resource.lowercased() {
    case "svc", "service", "services": "Service"
    case "ep", "endpoints": "Endpoints"
    case "endpointslice", "endpointslices", "endpointslices.discovery.k8s.io": "EndpointSlice"
    case "po", "pod", "pods": "Pod"
    case "no", "node", "nodes": "Node"
    default: nil
    }
  }

  /// A string of JSON.
  static func quote(_ text: some StringProtocol) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": out += "\\" + String(scalar)
      case _ where scalar.value < 0x20:
        out +=
          "\\u" + String(repeating: "0", count: 4 - String(scalar.value, radix: 16).count)
          + String(scalar.value, radix: 16)
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  static func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }

  /// `app=web,tier=front` or nil where there is none.
  static func labels(_ text: String) -> String? {
    guard text != "<none>", !text.isEmpty else { return nil }
    let pairs = text.split(separator: ",").compactMap { pair -> String? in
      guard let equals = pair.firstIndex(of: "=") else { return nil }
      return "\(quote(pair[..<equals])):\(quote(pair[pair.index(after: equals)...]))"
    }
    return "{" + pairs.joined(separator: ",") + "}"
  }

  static func metadata(_ name: String, _ namespace: String?, labels: String? = nil) -> String {
    "\"metadata\":{\"name\":\(quote(name))" + (namespace.map { ",\"namespace\":\(quote($0))" } ?? "")
      + (labels.map { ",\"labels\":\($0)" } ?? "") + "}"
  }

  /// The objects of ports and addresses of an Endpoints object: `10.244.0.4:80,10.244.3.3:80`; nil where the text was cut.
  static func subsets(_ endpoints: String) -> String? {
    guard endpoints != "<none>", !endpoints.isEmpty else { return "[]" }
    guard !endpoints.contains("more...") else { return nil }
    var byPort: [(port: String, addresses: [String])] = []
    for item in endpoints.split(separator: ",") {
      let text = item.trimmingBlanks
      guard let colon = text.lastIndex(of: ":"), UInt16(text[text.index(after: colon)...]) != nil else { return nil }
      let port = String(text[text.index(after: colon)...])
      let address = text[..<colon].filter { $0 != "[" && $0 != "]" }
      if let index = byPort.firstIndex(where: { $0.port == port }) {
        byPort[index].addresses.append(address)
      } else {
        byPort.append((port, [address]))
      }
    }
    return list(
      byPort.map { port, addresses in
        "{\"addresses\":\(list(addresses.map { "{\"ip\":\(quote($0))}" })),\"ports\":[{\"port\":\(port)}]}"
      })
  }
}

extension Substring {
  var trimmingBlanks: Substring {
    drop { $0 == " " }.reversed().drop { $0 == " " }.reversed().reduce(into: "") { $0.append($1) }[...]
  }
}

/// A table of `kubectl get`: its columns by name, and where they begin.
private struct Table {
  private let columns: [(name: String, start: Int)]

  /// Nil: the line is no heading of a table that tells something of Services, Endpoints, Pods or Nodes.
  init?(_ line: ByteText) {
    guard line.hasPrefix("NAME") else { return nil }
    var columns: [(String, Int)] = []
    var name = ""
    var start = 0
    var blanks = 0
    // Names are in capitals; two of them hold one blank (`NOMINATED NODE`), columns are divided by more, or by a tab.
    for (index, byte) in line.bytes.enumerated() {
      if byte == 0x20 || byte == 0x09 {
        blanks += byte == 0x09 ? 3 : 1
        continue
      }
      let isNew = blanks >= 2 || blanks == 1 && !Self.continues(name)
      if isNew || name.isEmpty {
        if !name.isEmpty { columns.append((name, start)) }
        name = ""
        start = index
      } else if blanks > 0 {
        name += " "
      }
      blanks = 0
      name.unicodeScalars.append(Unicode.Scalar(byte))
    }
    columns.append((name, start))
    let names = Set(columns.map(\.0))
    guard names.contains("NAME"), columns.count > 1, columns.count < 40,
      names.contains("CLUSTER-IP") || names.contains("ENDPOINTS") || names.contains("READY") || names.contains("STATUS")
    else { return nil }
    self.columns = columns
  }

  /// Headings of more than one word.
  private static func continues(_ name: String) -> Bool { ["NOMINATED", "READINESS", "OS"].contains(name) }

  /// The row's cells. By where columns begin; by words where blanks went lost on the way.
  private func cells(_ row: ByteText) -> [String: String]? {
    var aligned: [String: String] = [:]
    var isAligned = true
    for (index, column) in columns.enumerated() {
      let end = index + 1 < columns.count ? columns[index + 1].start : row.count
      if column.start > 0, column.start <= row.count, row.bytes[column.start - 1] > 0x20 { isAligned = false }
      aligned[column.name] = row[column.start..<max(column.start, end)].trimmed.string
    }
    // A restart's time (`1 (5h ago)`) and ages hold blanks; the other cells hold none.
    if isAligned { return aligned }
    let words = row.string.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    var cells: [String: String] = [:]
    var at = 0
    for column in columns {
      guard at < words.count else { break }
      cells[column.name] = words[at]
      at += 1
      // `RESTARTS` may be `3 (2d ago)`.
      if column.name == "RESTARTS", at < words.count, words[at].hasPrefix("(") {
        while at < words.count, !words[at].hasSuffix(")") { at += 1 }
        at += 1
      }
    }
    return cells
  }

  func object(_ row: ByteText, namespace: String?, kind: String?) -> String? {
    guard let cells = cells(row), var name = cells["NAME"], !name.isEmpty else { return nil }
    let namespace = cells["NAMESPACE"] ?? namespace
    var kind = kind
    // `kubectl get svc,pods` writes the kind before the name.
    if let slash = name.firstIndex(of: "/") {
      kind = ObjectText.kind(String(name[..<slash])) ?? kind
      name = String(name[name.index(after: slash)...])
    }
    if cells["CLUSTER-IP"] != nil { return service(name, namespace, cells) }
    if let endpoints = cells["ENDPOINTS"] {
      if cells["ADDRESSTYPE"] != nil { return slice(name, namespace, cells) }
      guard let subsets = ObjectText.subsets(endpoints) else { return nil }
      return
        "{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\(ObjectText.metadata(name, namespace)),\"subsets\":\(subsets)}"
    }
    if cells["ROLES"] != nil || kind == "Node" { return node(name, cells) }
    if cells["READY"] != nil, cells["STATUS"] != nil, cells["RESTARTS"] != nil { return pod(name, namespace, cells) }
    return nil
  }

  private func service(_ name: String, _ namespace: String?, _ cells: [String: String]) -> String? {
    guard let type = cells["TYPE"] ?? .some("ClusterIP"), let address = cells["CLUSTER-IP"] else { return nil }
    var ports: [String] = []
    for item in (cells["PORT(S)"] ?? "<none>").split(separator: ",") where item != "<none>" {
      // `80:30080/TCP`
      let parts = item.split(separator: "/")
      let numbers = parts.first?.split(separator: ":") ?? []
      guard let port = numbers.first.flatMap({ UInt16($0) }) else { return nil }
      let nodePort = numbers.count > 1 ? UInt16(numbers[1]) : nil
      ports.append(
        "{\"port\":\(port),\"protocol\":\(ObjectText.quote(parts.count > 1 ? parts[1] : "TCP"))"
          + (nodePort.map { ",\"nodePort\":\($0)" } ?? "") + "}")
    }
    var external: [String] = []
    var balancers: [String] = []
    for item in (cells["EXTERNAL-IP"] ?? "<none>").split(separator: ",") where !item.hasPrefix("<") {
      if type == "LoadBalancer" {
        balancers.append("{\"ip\":\(ObjectText.quote(item))}")
      } else if type != "ExternalName" {
        external.append(ObjectText.quote(item))
      }
    }
    let addresses =
      address == "<none>"
      ? "" : ",\"clusterIP\":\(ObjectText.quote(address)),\"clusterIPs\":[\(ObjectText.quote(address))]"
    // The table leaves out target ports, names and policies.
    return
      "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\(ObjectText.metadata(name, namespace)),\"spec\":{\"type\":\(ObjectText.quote(type))\(addresses)"
      + ",\"externalIPs\":\(ObjectText.list(external)),\"ports\":\(ObjectText.list(ports))"
      + (cells["SELECTOR"].flatMap { ObjectText.labels($0) }.map { ",\"selector\":\($0)" } ?? "")
      + "},\"status\":{\"loadBalancer\":{\"ingress\":\(ObjectText.list(balancers))}}}"
  }

  /// `web-abc  IPv4  8080  10.244.1.5,10.244.2.7`
  private func slice(_ name: String, _ namespace: String?, _ cells: [String: String]) -> String? {
    guard let type = cells["ADDRESSTYPE"], let endpoints = cells["ENDPOINTS"], !endpoints.contains("more...") else {
      return nil
    }
    // The name is the Service's, a hyphen and a random end.
    guard let hyphen = name.lastIndex(of: "-") else { return nil }
    let ports = (cells["PORTS"] ?? "").split(separator: ",").compactMap { UInt16($0) }.map { "{\"port\":\($0)}" }
    let list = endpoints.split(separator: ",").filter { $0 != "<unset>" && $0 != "<none>" }.map {
      "{\"addresses\":[\(ObjectText.quote($0))]}"
    }
    return "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\","
      + ObjectText.metadata(
        name, namespace, labels: "{\"kubernetes.io/service-name\":\(ObjectText.quote(name[..<hyphen]))}")
      + ",\"addressType\":\(ObjectText.quote(type)),\"ports\":\(ObjectText.list(ports)),\"endpoints\":\(ObjectText.list(list))}"
  }

  private func pod(_ name: String, _ namespace: String?, _ cells: [String: String]) -> String? {
    guard let ready = cells["READY"], let status = cells["STATUS"] else { return nil }
    let counts = ready.split(separator: "/")
    let isReady = counts.count == 2 && counts[0] == counts[1] && status == "Running"
    let phase =
      switch status {
      case "Running", "Pending": status
      case "Completed": "Succeeded"
      case "Error", "Evicted", "OOMKilled": "Failed"
      default: "Running"
      }
    let address = cells["IP"].flatMap { $0.hasPrefix("<") || $0.isEmpty ? nil : $0 }
    let node = cells["NODE"].flatMap { $0.hasPrefix("<") || $0.isEmpty ? nil : $0 }
    return
      "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\(ObjectText.metadata(name, namespace, labels: cells["LABELS"].flatMap { ObjectText.labels($0) })),\"spec\":{"
      + (node.map { "\"nodeName\":\(ObjectText.quote($0))" } ?? "")
      + "},\"status\":{\"phase\":\(ObjectText.quote(phase))"
      + (address.map { ",\"podIP\":\(ObjectText.quote($0)),\"podIPs\":[{\"ip\":\(ObjectText.quote($0))}]" } ?? "")
      + ",\"conditions\":[{\"type\":\"Ready\",\"status\":\"\(isReady ? "True" : "False")\",\"reason\":\(ObjectText.quote(isReady ? "" : status))}]}}"
  }

  private func node(_ name: String, _ cells: [String: String]) -> String? {
    guard let status = cells["STATUS"] else { return nil }
    let isReady = status.split(separator: ",").contains("Ready")
    let address = cells["INTERNAL-IP"].flatMap { $0.hasPrefix("<") || $0.isEmpty ? nil : $0 }
    return
      "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\(ObjectText.metadata(name, nil)),\"spec\":{},\"status\":{\"addresses\":"
      + ObjectText.list(address.map { ["{\"type\":\"InternalIP\",\"address\":\(ObjectText.quote($0))}"] } ?? [])
      + ",\"conditions\":[{\"type\":\"Ready\",\"status\":\"\(isReady ? "True" : "False")\",\"message\":\(ObjectText.quote(isReady ? "" : status))}]}}"
  }
}
