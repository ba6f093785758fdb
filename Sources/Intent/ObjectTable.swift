import Input

/// A table of `kubectl get`: its columns by name, and where they begin.
struct ObjectTable {
  private let columns: [(name: String, start: Int)]

  /// Nil: the line is no heading of a table of objects that are read.
  init?(_ line: ByteText) {
    guard line.hasPrefix("NAME") || line.hasPrefix("LAST SEEN") else { return nil }
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
      let isNew = blanks >= 2 || blanks == 1 && !Self.continues(name, line[index..<line.count])
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
    guard names.contains("NAME") || names.contains("OBJECT"), columns.count > 1, columns.count < 40,
      Self.telling.contains(where: names.contains)
    else { return nil }
    self.columns = columns
  }

  /// One of these columns has every table that is read.
  private static let telling = [
    "CLUSTER-IP", "ENDPOINTS", "READY", "STATUS", "DESIRED", "OBJECT", "PROVISIONER", "CONTROLLER", "HOSTS",
  ]

  /// Headings of more than one word; `rest` begins with the next one.
  private static func continues(_ name: String, _ rest: ByteText) -> Bool {
    switch name {
    case "NOMINATED", "READINESS", "OS": true
    case "LAST", "FIRST": rest.hasPrefix("SEEN")
    case "ACCESS": rest.hasPrefix("MODES")
    case "NODE": rest.hasPrefix("SELECTOR")
    default: false
    }
  }

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
      // What an Event says is the rest of its line.
      if column.name == "MESSAGE" {
        cells[column.name] = words[at...].joined(separator: " ")
        break
      }
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
    guard let cells = cells(row) else { return nil }
    let namespace = cells["NAMESPACE"] ?? namespace
    if let object = cells["OBJECT"] { return event(object, namespace, cells) }
    guard var name = cells["NAME"], !name.isEmpty else { return nil }
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
    if cells["DESIRED"] != nil || cells["READY"] != nil { return workload(name, namespace, cells, kind) }
    if cells["COMPLETIONS"] != nil { return job(name, namespace, cells) }
    if cells["STORAGECLASS"] != nil, cells["VOLUME"] != nil { return claim(name, namespace, cells) }
    if cells["PROVISIONER"] != nil { return storageClass(name, row, cells) }
    if let controller = cells["CONTROLLER"] {
      return ObjectText.object(
        "IngressClass", "networking.k8s.io/v1", ObjectText.metadata(name, nil),
        [("spec", ObjectText.object([("controller", ObjectText.quote(controller))]))])
    }
    if cells["HOSTS"] != nil { return ingress(name, namespace, cells) }
    // Tables of kinds that tell nothing of a Service's way.
    return ""
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
    let ports = (cells["PORTS"] ?? "").split(separator: ",").compactMap { UInt16($0) }.flatMap {
      ["{\"port\":\($0)}", "{\"port\":\($0),\"protocol\":\"UDP\"}"]
    }
    let list = endpoints.split(separator: ",").filter { $0 != "<unset>" && $0 != "<none>" }.map {
      "{\"addresses\":[\(ObjectText.quote($0))]}"
    }
    return "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\","
      + ObjectText.metadata(
        name, namespace, labels: "{\"kubernetes.io/service-name\":\(ObjectText.quote(name[..<hyphen]))}")
      + ",\"addressType\":\(ObjectText.quote(type)),\"ports\":\(ObjectText.list(ports)),\"endpoints\":\(ObjectText.list(list))}"
  }

  private func node(_ name: String, _ cells: [String: String]) -> String? {
    guard let status = cells["STATUS"] else { return nil }
    let isReady = status.split(separator: ",").contains("Ready")
    let address = cells["INTERNAL-IP"].flatMap { $0.hasPrefix("<") || $0.isEmpty ? nil : $0 }
    return
      "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\(ObjectText.metadata(name, nil)),\"spec\":{\"unschedulable\":\(status.contains("SchedulingDisabled"))},\"status\":{\"addresses\":"
      + ObjectText.list(address.map { ["{\"type\":\"InternalIP\",\"address\":\(ObjectText.quote($0))}"] } ?? [])
      + ",\"conditions\":[{\"type\":\"Ready\",\"status\":\"\(isReady ? "True" : "False")\",\"message\":\(ObjectText.quote(isReady ? "" : status))}]}}"
  }
}
