import Input

/// Objects of the cluster without what nobody needs to tell where packets go and what may be secret: containers' environment,
/// arguments and commands, annotations and ConfigMaps that are not read, and what tools note of earlier states.
enum ObjectRedaction {
  /// The same list with those members left out; nil where it is no JSON.
  static func redacted(_ file: SourceFile) -> SourceFile? {
    guard let document = try? JSONDocument(file) else { return nil }
    var out = TextBuffer(capacity: file.bytes.count)
    document.withRoot { write($0, in: .object, &out) }
    return out.takeFile(name: file.name)
  }

  /// What a value is a member of, as far as that decides what of it is kept.
  private enum Place {
    case object, metadata, annotations, container, data
    case configuration(isRead: Bool)
  }

  private static let secretOfContainers: [StaticString] = [
    "env", "envFrom", "args", "command", "lifecycle", "volumeMounts", "image", "imageID",
  ]
  private static let annotationsThatAreRead: [StaticString] = [
    "service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints", "kubernetes.io/ingress.class",
    "ingressclass.kubernetes.io/is-default-class", "storageclass.kubernetes.io/is-default-class",
    "endpoints.kubernetes.io/over-capacity",
  ]
  private static let configurationsThatAreRead: [StaticString] = [
    "kube-proxy", "coredns", "kubeadm-config", "kube-flannel-cfg",
  ]

  private static func write(_ value: JSONValue, in place: Place, _ out: inout TextBuffer) {
    switch value.kind {
    case .object:
      var place = place
      if case .object = place, value["kind"]?.text.map({ $0 == "ConfigMap" }) ?? false {
        place = .configuration(isRead: isRead(value["metadata"]?["name"]?.text))
      }
      out.byte(UInt8(ascii: "{"))
      var isFirst = true
      for (name, member) in value.members {
        guard let inner = kept(name, member, in: place) else { continue }
        if !isFirst { out.byte(UInt8(ascii: ",")) }
        isFirst = false
        string(name, &out)
        out.byte(UInt8(ascii: ":"))
        write(member, in: inner, &out)
      }
      out.byte(UInt8(ascii: "}"))
    case .array:
      out.byte(UInt8(ascii: "["))
      var isFirst = true
      for element in value.elements {
        if !isFirst { out.literal(",\n") }
        isFirst = false
        write(element, in: place, &out)
      }
      out.byte(UInt8(ascii: "]"))
    case .string: string(value.text ?? ByteText(bytes: .init(start: nil, count: 0)), &out)
    case .number:
      if let int = value.int { out.decimal(int) } else { out.raw("\(value.double ?? 0)") }
    case .bool: out.raw(value.bool == true ? "true" : "false")
    case .null: out.literal("null")
    }
  }

  private static func isRead(_ name: JSONText?) -> Bool {
    guard let name else { return false }
    return configurationsThatAreRead.contains { name == $0 } || name.hasPrefix("kubelet-config")
  }

  /// Where a member's value stands; nil: it is left out.
  private static func kept(_ name: JSONText, _ value: JSONValue, in place: Place) -> Place? {
    switch place {
    case .object:
      switch name {
      case "metadata": return .metadata
      case "containers", "initContainers", "ephemeralContainers": return .container
      default: return .object
      }
    case .metadata:
      if name == "managedFields" { return nil }
      return name == "annotations" ? .annotations : .data
    case .annotations: return annotationsThatAreRead.contains { name == $0 } ? .data : nil
    case .configuration(let isRead):
      if name == "metadata" { return .metadata }
      return isRead || name == "kind" || name == "apiVersion" ? .data : nil
    case .container: return secretOfContainers.contains { name == $0 } ? nil : .data
    case .data: return .data
    }
  }

  private static func string(_ text: ByteText, _ out: inout TextBuffer) {
    out.byte(UInt8(ascii: "\""))
    for byte in text.bytes {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        out.byte(UInt8(ascii: "\\"))
        out.byte(byte)
      case 0..<0x20:
        out.literal("\\u00")
        out.byte(digit(byte >> 4))
        out.byte(digit(byte & 15))
      default: out.byte(byte)
      }
    }
    out.byte(UInt8(ascii: "\""))
  }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }
}

/// Settings of the kernel without those that are keys.
enum SettingRedaction {
  private static let secret: [StaticString] = [
    "net.ipv4.tcp_fastopen_key", "net/ipv4/tcp_fastopen_key", "kernel.random.",
  ]

  static func redacted(_ file: SourceFile) -> SourceFile {
    var out = TextBuffer(capacity: file.bytes.count)
    for line in DumpSection(file).lines where !secret.contains(where: { line.text.hasPrefix($0) }) {
      out.raw(line.text.bytes)
      out.newline()
    }
    return out.takeFile(name: file.name)
  }
}
