import Diagnosis
import Findings
import Input
import Intent
import Snapshot

/// A cluster's objects as a tree that commands change, and the controllers that then follow: as much of both as findings'
/// fixes need.
struct ObjectCluster {
  indirect enum Value: Equatable {
    case null
    case bool(Bool)
    case number(Int)
    case text(String)
    case list([Value])
    case object([(key: String, value: Value)])

    static func == (a: Value, b: Value) -> Bool { a.json == b.json }

    subscript(key: String) -> Value? {
      get {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
      }
      set {
        guard case .object(var members) = self else { return }
        members.removeAll { $0.key == key }
        if let newValue { members.append((key, newValue)) }
        self = .object(members)
      }
    }

    var text: String? { if case .text(let text) = self { text } else { nil } }
    var number: Int? { if case .number(let number) = self { number } else { nil } }
    var items: [Value] { if case .list(let items) = self { items } else { [] } }
    var members: [(key: String, value: Value)] { if case .object(let members) = self { members } else { [] } }

    init(_ value: JSONValue) {
      switch value.kind {
      case .null: self = .null
      case .bool: self = .bool(value.bool ?? false)
      case .number: self = .number(value.int ?? 0)
      case .string: self = .text(value.string ?? "")
      case .array: self = .list(value.elements.map { Value($0) })
      case .object: self = .object(value.members.map { ($0.name.string, Value($0.value)) })
      }
    }

    init(parsing text: String) throws {
      self = try JSONDocument(SourceFile(name: "patch", text: text)).withRoot { Value($0) }
    }

    var json: String {
      switch self {
      case .null: "null"
      case .bool(let flag): "\(flag)"
      case .number(let number): "\(number)"
      case .text(let text):
        "\"" + text.map { "\"\\".contains($0) ? "\\\($0)" : $0 == "\n" ? "\\n" : "\($0)" }.joined() + "\""
      case .list(let items): "[" + items.map(\.json).joined(separator: ",") + "]"
      case .object(let members):
        "{" + members.map { "\(Value.text($0.key).json):\($0.value.json)" }.joined(separator: ",") + "}"
      }
    }

    /// RFC 7386, which the patches of findings are within.
    mutating func merge(_ patch: Value) {
      guard case .object(let changes) = patch else {
        self = patch
        return
      }
      if case .object = self {} else { self = .object([]) }
      for (key, change) in changes {
        if change == .null {
          self[key] = nil
        } else {
          var old = self[key] ?? .object([])
          old.merge(change)
          self[key] = old
        }
      }
    }

    /// RFC 6902, `replace` alone.
    mutating func replace(_ path: ArraySlice<Substring>, by value: Value) {
      guard let first = path.first else {
        self = value
        return
      }
      if case .list(var items) = self, let at = Int(first), items.indices.contains(at) {
        items[at].replace(path.dropFirst(), by: value)
        self = .list(items)
      } else {
        var inner = self[String(first)] ?? .null
        inner.replace(path.dropFirst(), by: value)
        self[String(first)] = inner
      }
    }
  }

  private(set) var items: [Value] = []

  init(yaml: String) throws {
    try YAMLToJSON.visit(SourceFile(name: "objects.yaml", text: yaml)) { part throws(Diagnostic) in
      let document = try JSONDocument(part)
      items = document.withRoot { Value($0) }["items"]?.items ?? []
    }
  }

  func findings() -> [Finding] {
    let text = "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":\(Value.list(items).json)}"
    let intent = ObjectReader.read([SourceFile(name: "objects.json", text: text)])
    return Diagnosis.run(CheckContext(Bundle(), intent: intent))
  }

  // MARK: commands

  /// The words of a command, quotes resolved.
  static func words(_ command: String) -> [String] {
    var words: [String] = []
    var word: String?
    var quoted = false
    for character in command {
      switch character {
      case "'":
        quoted.toggle()
        word = word ?? ""
      case " " where !quoted:
        if let done = word { words.append(done) }
        word = nil
      default: word = (word ?? "") + String(character)
      }
    }
    return words + (word.map { [$0] } ?? [])
  }

  /// Applies a command of kubectl, and lets the controllers follow. False: it is none that changes objects.
  mutating func apply(_ command: String) throws -> Bool {
    var words = Self.words(command)
    guard words.first == "kubectl" else { return false }
    var namespace = "default"
    if let at = words.firstIndex(of: "-n") {
      namespace = words[at + 1]
      words.removeSubrange(at...at + 1)
    }
    guard words.count > 2 else { return false }
    switch words[1] {
    case "scale":
      guard let count = words.first(where: { $0.hasPrefix("--replicas=") }).flatMap({ Int($0.dropFirst(11)) }),
        let at = index(words[2], namespace)
      else { return false }
      items[at]["spec"]?["replicas"] = .number(count)
    case "patch":
      guard let at = index("\(words[2])/\(words[3])", namespace), let p = words.firstIndex(of: "-p") else {
        return false
      }
      let patch = try Value(parsing: words[p + 1])
      if words.contains("--type=json") {
        for operation in patch.items {
          let path = (operation["path"]?.text ?? "").split(separator: "/")
          items[at].replace(path[...], by: operation["value"] ?? .null)
        }
      } else {
        items[at].merge(patch)
      }
    case "create":
      guard words[2] == "serviceaccount" else { return false }
      forgetRefusals(namespace)
    case "set":
      guard words[2] == "resources" else { return false }
      forgetRefusals(namespace)
    default: return false
    }
    reconcile()
    return true
  }

  private func index(_ name: String, _ namespace: String) -> Int? {
    let parts = name.split(separator: "/").map { $0.lowercased() }
    return items.firstIndex { item in
      item["kind"]?.text?.lowercased() == parts[0] && item["metadata"]?["name"]?.text == parts[1]
        && [namespace, nil].contains(item["metadata"]?["namespace"]?.text)
    }
  }

  /// What kept Pods from being made is there now.
  private mutating func forgetRefusals(_ namespace: String) {
    items.removeAll { item in
      item["kind"]?.text == "Event" && item["reason"]?.text == "FailedCreate"
        && item["metadata"]?["namespace"]?.text == namespace
    }
  }

  // MARK: controllers

  private mutating func reconcile() {
    makePods()
    writeSlices()
  }

  /// Deployments get the Pods that they want, which become ready.
  private mutating func makePods() {
    var next = 100
    for at in items.indices where items[at]["kind"]?.text == "Deployment" {
      let wanted = items[at]["spec"]?["replicas"]?.number ?? 1
      let have = items[at]["status"]?["replicas"]?.number ?? 0
      guard have < wanted, let template = items[at]["spec"]?["template"] else { continue }
      let name = items[at]["metadata"]?["name"]?.text ?? ""
      for number in have..<wanted {
        next += 1
        var metadata = Value.object([
          ("name", .text("\(name)-\(number)")), ("labels", template["metadata"]?["labels"] ?? .object([])),
        ])
        metadata["namespace"] = items[at]["metadata"]?["namespace"]
        let ready = Value.object([("type", .text("Ready")), ("status", .text("True"))])
        items.append(
          .object([
            ("apiVersion", .text("v1")), ("kind", .text("Pod")), ("metadata", metadata),
            ("spec", .object([("nodeName", .text("a"))])),
            (
              "status",
              .object([
                ("phase", .text("Running")), ("podIP", .text("10.244.0.\(next)")), ("conditions", .list([ready])),
              ])
            ),
          ]))
      }
      items[at]["status"] = .object([
        ("observedGeneration", items[at]["metadata"]?["generation"] ?? .number(1)), ("replicas", .number(wanted)),
        ("readyReplicas", .number(wanted)),
      ])
    }
  }

  /// The EndpointSlices of all Services with a selector, anew.
  private mutating func writeSlices() {
    let services = items.filter { $0["kind"]?.text == "Service" && !($0["spec"]?["selector"]?.members ?? []).isEmpty }
    for service in services {
      let name = service["metadata"]?["name"]?.text ?? ""
      let namespace = service["metadata"]?["namespace"]?.text ?? ""
      items.removeAll {
        $0["kind"]?.text == "EndpointSlice" && $0["metadata"]?["namespace"]?.text == namespace
          && $0["metadata"]?["labels"]?["kubernetes.io/service-name"]?.text == name
      }
      let selector = service["spec"]?["selector"]?.members ?? []
      let pods = items.filter { pod in
        pod["kind"]?.text == "Pod" && pod["metadata"]?["namespace"]?.text == namespace
          && selector.allSatisfy { pod["metadata"]?["labels"]?[$0.key] == $0.value } && Self.isReady(pod)
      }
      for (number, port) in (service["spec"]?["ports"]?.items ?? []).enumerated() {
        items.append(Self.slice(name, namespace, port, number, pods))
      }
    }
  }

  private static func isReady(_ pod: Value) -> Bool {
    pod["status"]?["conditions"]?.items.contains { $0["type"]?.text == "Ready" && $0["status"]?.text == "True" }
      ?? false
  }

  private static func slice(_ name: String, _ namespace: String, _ port: Value, _ number: Int, _ pods: [Value]) -> Value
  {
    let target = port["targetPort"] ?? port["port"] ?? .null
    let resolved =
      target.number
      ?? pods.lazy.flatMap { $0["spec"]?["containers"]?.items ?? [] }.flatMap { $0["ports"]?.items ?? [] }
      .first { $0["name"] == target }?["containerPort"]?.number
    let endpoints =
      resolved == nil
      ? []
      : pods.map { pod in
        Value.object([
          ("addresses", .list([pod["status"]?["podIP"] ?? .null])), ("conditions", .object([("ready", .bool(true))])),
          ("nodeName", pod["spec"]?["nodeName"] ?? .text("a")),
        ])
      }
    var entry = Value.object([("port", .number(resolved ?? 0)), ("protocol", port["protocol"] ?? .text("TCP"))])
    entry["name"] = port["name"]
    return .object([
      ("apiVersion", .text("discovery.k8s.io/v1")), ("kind", .text("EndpointSlice")), ("addressType", .text("IPv4")),
      (
        "metadata",
        .object([
          ("name", .text("\(name)-\(number)")), ("namespace", .text(namespace)),
          ("labels", .object([("kubernetes.io/service-name", .text(name))])),
        ])
      ), ("endpoints", .list(endpoints)), ("ports", .list([entry])),
    ])
  }
}
