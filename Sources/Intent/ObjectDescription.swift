import Input

/// One object as `kubectl describe` prints it: keys with their values, and values that go on in indented lines.
struct ObjectDescription {
  /// Unindented keys in their order, with the lines under them.
  private var entries: [(key: String, value: String, details: [Detail])] = []
  let stated: String?

  /// A line under a key.
  struct Detail {
    var indent: Int
    var text: String

    /// `Key:  value`; nil: it is none.
    var pair: (key: String, value: String)? {
      guard let colon = text.firstIndex(of: ":") else { return nil }
      return (String(text[..<colon]), String(text[text.index(after: colon)...].trimmingBlanks))
    }

    /// The cells of a table's row, which two blanks or more divide.
    var cells: [String] {
      var cells: [String] = []
      var rest = text[...]
      while !rest.isEmpty {
        let end = rest.firstRange(of: "  ")?.lowerBound ?? rest.endIndex
        cells.append(String(rest[..<end]))
        rest = rest[end...].drop { $0 == " " }
      }
      return cells
    }
  }

  init(_ lines: [LineScanner.Line], kind: String?) {
    stated = kind
    for line in lines {
      let text = line.text.string
      let trimmed = line.text.trimmed.string
      guard !trimmed.isEmpty else { continue }
      if line.isIndented {
        if !entries.isEmpty, entries[entries.count - 1].details.count < 10_000 {
          let indent = line.text.bytes.prefix { $0 == 0x20 || $0 == 0x09 }.count
          entries[entries.count - 1].details.append(Detail(indent: indent, text: trimmed))
        }
      } else if let colon = text.firstIndex(of: ":") {
        entries.append((String(text[..<colon]), String(text[text.index(after: colon)...].trimmingBlanks), []))
      }
    }
  }

  func value(_ key: String) -> String? {
    entries.first { $0.key == key }?.value.nonEmpty.flatMap { $0 == "<none>" || $0 == "<unset>" ? nil : $0 }
  }

  private func details(_ key: String) -> [String] { under(key).map(\.text) }

  /// The lines under a key.
  func under(_ key: String) -> [Detail] { entries.first { $0.key == key }?.details ?? [] }

  /// All lines of a key whose value goes on below it: `Labels:  a=b` and `c=d`.
  func lines(_ key: String) -> [String] {
    guard let entry = entries.first(where: { $0.key == key }), entry.value != "<none>" else { return [] }
    return (entry.value.isEmpty ? [] : [entry.value]) + entry.details.map(\.text)
  }

  var labels: String? { ObjectText.labels(lines("Labels").joined(separator: ",")) }

  /// Nil where the description is of a kind that is not used, or lacks what the object needs.
  var json: String? {
    guard let name = value("Name") else { return nil }
    let has = Set(entries.map(\.key))
    if has.contains("Session Affinity") || stated == "Service" && has.contains("Type") { return service(name) }
    if has.contains("Subsets") { return endpoints(name) }
    if has.contains("AddressType") { return slice(name) }
    if has.contains("Containers"), has.contains("Status") { return pod(name) }
    if has.contains("Capacity") || has.contains("System Info") { return node(name) }
    if has.contains("Access Modes"), has.contains("StorageClass") { return claim(name) }
    if has.contains("Rules"), has.contains("Ingress Class") || has.contains("Default backend") { return ingress(name) }
    if let kind = workloadKind(has) { return workload(kind, name) }
    return nil
  }

  /// `http  80/TCP`, `<unset>  80/TCP`: name, port and protocol.
  private func port(_ text: String) -> (name: String, port: String, proto: String)? {
    let words = text.split(separator: " ")
    guard let last = words.last else { return nil }
    let parts = last.split(separator: "/")
    guard let number = parts.first else { return nil }
    let name = words.count > 1 && words[0] != "<unset>" ? String(words[0]) : ""
    return (name, String(number), parts.count > 1 ? String(parts[1]) : "TCP")
  }

  private func service(_ name: String) -> String? {
    var ports: [(name: String, port: String, proto: String, target: String?, node: String?)] = []
    // Ports come one after the other, each with its target, node port and endpoints.
    for entry in entries {
      switch entry.key {
      case "Port":
        guard let found = port(entry.value), UInt16(found.port) != nil else { continue }
        ports.append((found.name, found.port, found.proto, nil, nil))
      case "TargetPort" where !ports.isEmpty: ports[ports.count - 1].target = port(entry.value)?.port
      case "NodePort" where !ports.isEmpty:
        ports[ports.count - 1].node = port(entry.value).flatMap { UInt16($0.port) }.map(String.init)
      default: continue
      }
    }
    let list = ports.map { entry -> String in
      var text = "{\"port\":\(entry.port),\"protocol\":\(ObjectText.quote(entry.proto))"
      if !entry.name.isEmpty { text += ",\"name\":\(ObjectText.quote(entry.name))" }
      if let target = entry.target {
        text += ",\"targetPort\":\(UInt16(target) != nil ? target : ObjectText.quote(target))"
      }
      if let node = entry.node { text += ",\"nodePort\":\(node)" }
      return text + "}"
    }
    let type = value("Type") ?? "ClusterIP"
    let addresses = (value("IPs") ?? value("IP") ?? "None").split(separator: ",").map {
      ObjectText.quote($0.trimmingBlanks)
    }
    let external = (value("External IPs") ?? "").split(separator: ",").map { ObjectText.quote($0.trimmingBlanks) }
    let balancers = (value("LoadBalancer Ingress") ?? "").split(separator: ",").map {
      "{\"ip\":\(ObjectText.quote($0.trimmingBlanks.prefix { $0 != " " }))}"
    }
    var spec =
      "\"type\":\(ObjectText.quote(type)),\"clusterIPs\":\(ObjectText.list(addresses)),\"ports\":\(ObjectText.list(list))"
    if let first = addresses.first { spec += ",\"clusterIP\":\(first)" }
    if !external.isEmpty { spec += ",\"externalIPs\":\(ObjectText.list(external))" }
    if let selector = ObjectText.labels(lines("Selector").joined(separator: ",")) {
      spec += ",\"selector\":\(selector)"
    }
    for (key, field) in [
      ("External Traffic Policy", "externalTrafficPolicy"), ("Internal Traffic Policy", "internalTrafficPolicy"),
      ("Session Affinity", "sessionAffinity"),
    ] {
      if let text = value(key) { spec += ",\"\(field)\":\(ObjectText.quote(text))" }
    }
    if let number = value("HealthCheck NodePort").flatMap({ UInt16($0) }) {
      spec += ",\"healthCheckNodePort\":\(number)"
    }
    let ranges = (value("LoadBalancer Source Ranges") ?? "").split(separator: ",").map {
      ObjectText.quote($0.trimmingBlanks)
    }
    if !ranges.isEmpty { spec += ",\"loadBalancerSourceRanges\":\(ObjectText.list(ranges))" }
    let metadata = ObjectText.metadata(name, value("Namespace"), labels: labels)
    var items = [
      "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\(metadata),\"spec\":{\(spec)},\"status\":{\"loadBalancer\":{\"ingress\":\(ObjectText.list(balancers))}}}"
    ]
    if let endpoints = endpointsOfService(name, metadata, ports.map(\.name)) { items.append(endpoints) }
    return "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":\(ObjectText.list(items))}"
  }

  /// The Endpoints that the description shows beside each port; nil where it cuts them (`+ 2 more...`).
  private func endpointsOfService(_ name: String, _ metadata: String, _ names: [String]) -> String? {
    let shown = entries.filter { $0.key == "Endpoints" }.map(\.value)
    guard !shown.isEmpty, shown.count == names.count else { return nil }
    var subsets: [String] = []
    for (index, text) in shown.enumerated() where text != "<none>" && !text.isEmpty {
      guard !text.contains("more...") else { return nil }
      for item in text.split(separator: ",") {
        let pair = item.trimmingBlanks
        guard let colon = pair.lastIndex(of: ":"), let port = UInt16(pair[pair.index(after: colon)...]) else {
          return nil
        }
        let address = pair[..<colon].filter { $0 != "[" && $0 != "]" }
        subsets.append(
          "{\"addresses\":[{\"ip\":\(ObjectText.quote(address))}],\"ports\":[{\"name\":\(ObjectText.quote(names[index])),\"port\":\(port)}]}"
        )
      }
    }
    return "{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\(metadata),\"subsets\":\(ObjectText.list(subsets))}"
  }

  /// `Addresses:  10.244.0.4,10.244.3.3`, `NotReadyAddresses:  <none>`, then a table of ports.
  private func endpoints(_ name: String) -> String? {
    var subsets: [(ready: [String], notReady: [String], ports: [String])] = []
    for line in details("Subsets") {
      if line.hasPrefix("Addresses:") {
        subsets.append((items(line), [], []))
      } else if line.hasPrefix("NotReadyAddresses:"), !subsets.isEmpty {
        subsets[subsets.count - 1].notReady = items(line)
      } else if !subsets.isEmpty {
        // `http  8080  TCP`
        let words = line.split(separator: " ")
        guard words.count == 3, let port = UInt16(words[1]) else { continue }
        subsets[subsets.count - 1].ports.append(
          "{\"name\":\(ObjectText.quote(words[0] == "<unset>" ? "" : words[0])),\"port\":\(port),\"protocol\":\(ObjectText.quote(words[2]))}"
        )
      }
    }
    func addresses(_ list: [String]) -> String { ObjectText.list(list.map { "{\"ip\":\(ObjectText.quote($0))}" }) }
    let list = subsets.map {
      "{\"addresses\":\(addresses($0.ready)),\"notReadyAddresses\":\(addresses($0.notReady)),\"ports\":\(ObjectText.list($0.ports))}"
    }
    return
      "{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\(ObjectText.metadata(name, value("Namespace"))),\"subsets\":\(ObjectText.list(list))}"
  }

  private func items(_ line: String) -> [String] {
    guard let colon = line.firstIndex(of: ":") else { return [] }
    return line[line.index(after: colon)...].split(separator: ",").map { String($0.trimmingBlanks) }.filter {
      $0 != "<none>"
    }
  }

  /// `Ports:` is a table, `Endpoints:` a list of `- Addresses:  10.244.1.5` with conditions and hints.
  private func slice(_ name: String) -> String? {
    let ports = details("Ports").compactMap { line -> String? in
      let words = line.split(separator: " ")
      guard words.count == 3, let port = UInt16(words[1]) else { return nil }
      return
        "{\"name\":\(ObjectText.quote(words[0] == "<unset>" ? "" : words[0])),\"port\":\(port),\"protocol\":\(ObjectText.quote(words[2]))}"
    }
    var endpoints: [(addresses: [String], ready: Bool, node: String?)] = []
    for line in details("Endpoints") {
      let text = line.hasPrefix("- ") ? String(line.dropFirst(2)) : line
      if text.hasPrefix("Addresses:") {
        endpoints.append((items(text), true, nil))
      } else if text.hasPrefix("Ready:"), !endpoints.isEmpty {
        endpoints[endpoints.count - 1].ready = text.hasSuffix("true")
      } else if text.hasPrefix("NodeName:"), !endpoints.isEmpty {
        endpoints[endpoints.count - 1].node = items(text).first
      }
    }
    let list = endpoints.map { endpoint in
      "{\"addresses\":\(ObjectText.list(endpoint.addresses.map { ObjectText.quote($0) })),\"conditions\":{\"ready\":\(endpoint.ready)}"
        + (endpoint.node.map { ",\"nodeName\":\(ObjectText.quote($0))" } ?? "") + "}"
    }
    return
      "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\(ObjectText.metadata(name, value("Namespace"), labels: labels)),"
      + "\"addressType\":\(ObjectText.quote(value("AddressType") ?? "IPv4")),\"ports\":\(ObjectText.list(ports)),\"endpoints\":\(ObjectText.list(list))}"
  }
}

extension String {
  var nonEmpty: String? { isEmpty ? nil : self }
}
