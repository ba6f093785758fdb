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
  private var table: ObjectTable?
  /// The lines of the description being read.
  private var description: [LineScanner.Line] = []

  /// Whether a text that is neither JSON nor YAML may be kubectl's.
  static func looksLikeOne(_ source: SourceFile) -> Bool {
    for line in DumpSection(source).lines.prefix(20) {
      if ObjectTable(line.text) != nil || isDescription(line.text) { return true }
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
    if let heading = ObjectTable(text) {
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
        if !object.isEmpty { objects.append(object) }
      } else {
        problems.append((line.number, "a row of kubectl get that is not understood: “\(text.printable)”"))
      }
    }
  }

  private mutating func closeDescription() {
    guard let first = self.description.first else { return }
    let description = ObjectDescription(description, kind: kind)
    objects += description.events
    if let object = description.json {
      objects.append(object)
    } else {
      problems.append((first.number, "a description of an object of a kind that is not used"))
    }
    self.description = []
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

  /// What kubectl calls a kind, in the singular, the plural or short.
  static func kind(_ resource: String) -> String? {
    let name = resource.lowercased().split(separator: ".").first.map(String.init) ?? ""
    return kinds.first { $0.names.contains(name) }?.kind
  }

  private static let kinds: [(kind: String, names: [String])] = [
    ("Service", ["svc", "service", "services"]), ("Endpoints", ["ep", "endpoints"]),
    ("EndpointSlice", ["endpointslice", "endpointslices"]), ("Pod", ["po", "pod", "pods"]),
    ("Node", ["no", "node", "nodes"]), ("Deployment", ["deploy", "deployment", "deployments"]),
    ("ReplicaSet", ["rs", "replicaset", "replicasets"]), ("StatefulSet", ["sts", "statefulset", "statefulsets"]),
    ("DaemonSet", ["ds", "daemonset", "daemonsets"]), ("Job", ["job", "jobs"]),
    ("ReplicationController", ["rc", "replicationcontroller", "replicationcontrollers"]),
    ("PersistentVolumeClaim", ["pvc", "persistentvolumeclaim", "persistentvolumeclaims"]),
    ("StorageClass", ["sc", "storageclass", "storageclasses"]), ("Event", ["ev", "event", "events"]),
    ("Ingress", ["ing", "ingress", "ingresses"]), ("IngressClass", ["ingressclass", "ingressclasses"]),
    ("Namespace", ["ns", "namespace", "namespaces"]),
  ]

  /// An object of JSON; members without a value are left out.
  static func object(_ members: [(key: String, json: String?)]) -> String {
    "{" + members.compactMap { member in member.json.map { "\(quote(member.key)):\($0)" } }.joined(separator: ",") + "}"
  }

  static func object(
    _ kind: String, _ version: String, _ metadata: String, _ members: [(key: String, json: String?)]
  ) -> String {
    let inner = object(members).dropFirst()
    return "{\"apiVersion\":\(quote(version)),\"kind\":\(quote(kind)),\(metadata)\(inner.count > 1 ? "," : "")\(inner)"
  }

  /// `age`: seconds since it was seen last.
  static func event(
    kind: String, name: String, namespace: String?, type: String, reason: String, message: String, count: Int, age: Int
  ) -> String {
    let involved = object([
      ("kind", quote(kind)), ("namespace", namespace.map { quote($0) }), ("name", quote(name)),
    ])
    return object(
      "Event", "v1", metadata(name + ".text", namespace),
      [
        ("involvedObject", involved), ("reason", quote(reason)), ("type", quote(type)), ("message", quote(message)),
        ("count", "\(count)"), ("lastTimestamp", quote(Timestamp.text(latest - age))),
      ])
  }

  /// Texts tell ages, not times: all are taken to be of one moment.
  private static let latest = 4_000_000_000

  /// `5m12s`, `3d`, `2m (x5 over 10m)`: seconds and how often.
  static func age(_ text: some StringProtocol) -> (seconds: Int, count: Int) {
    var seconds = 0
    var number = 0
    let words = text.split(separator: " ")
    for character in words.first ?? "" {
      if let digit = character.wholeNumberValue {
        number = min(number * 10 + digit, 1_000_000)
        continue
      }
      let unit = ["s": 1, "m": 60, "h": 3600, "d": 86400, "y": 31_536_000][String(character)] ?? 0
      seconds += number * unit
      number = 0
    }
    let times = words.first { $0.hasPrefix("(x") }.flatMap { Int($0.dropFirst(2)) } ?? 1
    return (seconds, times)
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

  /// The objects of ports and addresses of an Endpoints object: `10.244.0.4:80,10.244.3.3:80`; nil where the text was cut. It
  /// does not tell protocols: a Service's own takes what fits.
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
        "{\"addresses\":\(list(addresses.map { "{\"ip\":\(quote($0))}" })),\"ports\":[{\"port\":\(port)},{\"port\":\(port),\"protocol\":\"UDP\"}]}"
      })
  }
}

extension Substring {
  var trimmingBlanks: Substring {
    drop { $0 == " " }.reversed().drop { $0 == " " }.reversed().reduce(into: "") { $0.append($1) }[...]
  }
}
