import Input

/// YAML of what was made as JSON: block style, strings quoted where plain ones would read as something else.
public enum YAMLText {
  public static func from(json: [UInt8]) throws -> [UInt8] {
    let document = try JSONDocument(SourceFile(name: "output", contents: json))
    var out: [UInt8] = []
    document.withRoot { write($0, indent: 0, inList: false, &out) }
    return out
  }

  private static func write(_ value: JSONValue, indent: Int, inList: Bool, _ out: inout [UInt8]) {
    switch value.kind {
    case .object where value.count > 0:
      var first = true
      for (name, member) in value.members {
        if !(first && inList) { pad(indent, &out) }
        first = false
        scalar(name.string, &out)
        out.append(UInt8(ascii: ":"))
        nested(member, indent: indent + 2, &out)
      }
    case .array where value.count > 0:
      for element in value.elements {
        pad(indent, &out)
        out.append(contentsOf: "- ".utf8)
        if element.isObject, element.count > 0 {
          write(element, indent: indent + 2, inList: true, &out)
        } else if element.isArray, element.count > 0 {
          out.append(10)
          write(element, indent: indent + 2, inList: false, &out)
        } else {
          leaf(element, &out)
        }
      }
    default: leaf(value, &out)
    }
  }

  private static func nested(_ value: JSONValue, indent: Int, _ out: inout [UInt8]) {
    if (value.isObject || value.isArray) && value.count > 0 {
      out.append(10)
      write(value, indent: value.isArray ? indent - 2 : indent, inList: false, &out)
    } else {
      out.append(0x20)
      leaf(value, &out)
    }
  }

  private static func leaf(_ value: JSONValue, _ out: inout [UInt8]) {
    switch value.kind {
    case .object: out.append(contentsOf: "{}".utf8)
    case .array: out.append(contentsOf: "[]".utf8)
    case .null: out.append(contentsOf: "null".utf8)
    case .bool: out.append(contentsOf: (value.bool == true ? "true" : "false").utf8)
    case .number: out.append(contentsOf: (value.int.map { "\($0)" } ?? "\(value.double ?? 0)").utf8)
    case .string: scalar(value.string ?? "", &out)
    }
    out.append(10)
  }

  private static func pad(_ count: Int, _ out: inout [UInt8]) {
    out.append(contentsOf: repeatElement(0x20, count: count))
  }

  private static func scalar(_ text: String, _ out: inout [UInt8]) {
    let plain =
      !text.isEmpty
      && text.utf8.allSatisfy {
        ($0 >= 97 && $0 <= 122) || ($0 >= 65 && $0 <= 90) || ($0 >= 48 && $0 <= 57) || $0 == 45 || $0 == 95 || $0 == 47
          || $0 == 46
      }
      && !(text.utf8.first! >= 48 && text.utf8.first! <= 57) && text.utf8.first! != 45 && text.utf8.first! != 46
      && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
    if plain { return out.append(contentsOf: text.utf8) }
    out.append(UInt8(ascii: "\""))
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x22, 0x5C: out += [UInt8(ascii: "\\"), UInt8(scalar.value)]
      // What YAML calls printable (production 1 of YAML 1.2), line breaks and marks of direction left out.
      case 0x20...0x7E, 0xA0...0x200A, 0x2010...0x2027, 0x202F...0x2065, 0x206A...0xD7FF, 0xE000...0xFEFE,
        0xFF00...0xFFFD,
        0x10000...0x10FFFF:
        out.append(contentsOf: String(scalar).utf8)
      default:
        let hex = String(scalar.value, radix: 16)
        out.append(contentsOf: "\\u".utf8)
        out.append(contentsOf: String(repeating: "0", count: 4 - hex.count).utf8)
        out.append(contentsOf: hex.utf8)
      }
    }
    out.append(UInt8(ascii: "\""))
  }
}
