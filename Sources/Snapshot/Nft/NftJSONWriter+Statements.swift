import Input
import Ruleset

// Statements of a rule.
extension NftJSONWriter {
  mutating func statement(_ value: JSONValue) {
    // What nft has no JSON for (`update @m { … : … }`) stands as its text.
    if let text = value.text {
      for byte in text.bytes { out.byte(byte < 0x20 ? 0x20 : byte) }
      return
    }
    for member in value.members { statement(name: member.name, member.value) }
  }

  mutating func statement(name: ByteText, _ value: JSONValue) {
    switch name {
    case "match": match(value)
    case "accept", "drop", "return", "continue", "notrack": put(name)
    case "jump", "goto":
      put(name)
      space()
      if let target = value["target"]?.text { word(target) }
    case "vmap":
      if let key = value["key"] {
        self.value(key)
        put(" vmap ")
        if let data = value["data"] { mapData(data, Self.spellings(key: key), []) }
      }
    case "counter": counter(value)
    case "mangle":
      guard let key = value["key"], let new = value["value"] else { return }
      self.value(key)
      put(" set ")
      let spellings = Self.spellings(key: key)
      self.value(new, spellings.first == .flags ? [] : spellings)
    case "dnat", "snat", "masquerade", "redirect": translate(name, value)
    case "reject": reject(value)
    case "limit":
      put("limit ")
      if named(value) { return }
      rate(value)
    case "quota":
      put("quota ")
      if named(value) { return }
      if value["inv"]?.bool == true { put("over ") }
      put(value["val"]?.int ?? 0)
      space()
      if let unit = value["val_unit"]?.text { put(unit) } else { put("bytes") }
      if let used = value["used"]?.int, used > 0 {
        put(" used ")
        put(used)
        space()
        if let unit = value["used_unit"]?.text { put(unit) } else { put("bytes") }
      }
    case "log": log(value)
    case "set", "map": changeSet(name, value)
    default: otherStatement(name, value)
    }
  }

  private mutating func otherStatement(_ name: ByteText, _ value: JSONValue) {
    switch name {
    case "ct helper", "ct timeout", "ct expectation":
      put(name)
      put(" set ")
      self.value(value, [.name])
    case "ct count":
      put("ct count ")
      if value["inv"]?.bool == true { put("over ") }
      put(value["val"]?.int ?? 0)
    case "queue": queue(value)
    case "tproxy":
      put("tproxy ")
      if let family = value["family"]?.text {
        put(family)
        space()
      }
      put("to ")
      target(value)
    case "synproxy":
      put("synproxy")
      if value.isString || value["map"] != nil {
        space()
        _ = named(value)
      } else {
        synproxy(value)
      }
    case "secmark":
      put("meta secmark set ")
      self.value(value, [.name])
    case "dup", "fwd":
      put(name)
      put(" to ")
      if let address = value["addr"] { self.value(address) }
      if let device = value["dev"] {
        if value["addr"] != nil { put(" device ") }
        self.value(device, [.name])
      }
    case "flow":
      put("flow add ")
      if let table = value["flowtable"]?.text { put(table) }
    case "xt":
      put("xt ")
      if let type = value["type"]?.text { put(type) } else { put("match") }
      space()
      if let extensionName = value["name"]?.text { quoted(extensionName) } else { put("\"\"") }
    case "reset":
      put("reset ")
      self.value(value)
    case "last": put("counter")
    case "meter":
      put("meter ")
      if let text = value["name"]?.text { word(text) }
      put(" { ")
      if let key = value["key"] { self.value(key) }
      if let inner = value["stmt"] {
        space()
        statement(inner)
      }
      put(" }")
    default:
      complain("expected a statement such as match or jump, found \"\(name.printable)\"")
      put("unknown-statement")
    }
  }

  private mutating func match(_ value: JSONValue) {
    var left: JSONValue?
    var right: JSONValue?
    var comparator: ByteText?
    for member in value.members {
      switch member.name {
      case "left": left = member.value
      case "right": right = member.value
      case "op": comparator = member.value.text
      default: break
      }
    }
    guard let left, let right else { return complain("expected left and right of a match") }
    let spellings = Self.spellings(key: left)
    self.value(left)
    space()
    if let comparator, comparator.string != "in" {
      let plain = comparator == "=="
      // Equality is not written, except where its absence would ask for any of some flags.
      let composed = left["&"] != nil || left["|"] != nil || left["^"] != nil
      if !plain || composed || (spellings.first == .flags && !right.isObject || right["|"] != nil) {
        put(comparator)
        space()
      }
    }
    if right.isArray {
      // A list of flags, or of the values of a set.
      if spellings.first == .flags || left["&"] != nil { return self.value(right, spellings) }
      return elements(right, spellings, [])
    }
    self.value(right, spellings)
  }

  private mutating func counter(_ value: JSONValue) {
    put("counter")
    if value.isString || value["map"] != nil {
      space()
      _ = named(value)
      return
    }
    if let packets = value["packets"]?.int {
      put(" packets ")
      put(packets)
    }
    if let bytes = value["bytes"]?.int {
      put(" bytes ")
      put(bytes)
    }
  }

  /// `name "x"` or `name KEY map @m`.
  private mutating func named(_ value: JSONValue) -> Bool {
    guard value.isString || value["map"] != nil else { return false }
    put("name ")
    self.value(value, [.name])
    return true
  }

  mutating func rate(_ value: JSONValue) {
    put("rate ")
    if value["inv"]?.bool == true { put("over ") }
    put(value["rate"]?.int ?? 0)
    let unit = value["rate_unit"]?.text
    if let unit, unit.string != "packets" {
      space()
      put(unit)
    }
    put("/")
    if let per = value["per"]?.text { put(per) } else { put("second") }
    // Five packets are the standard, which nft does not print.
    if let burst = value["burst"]?.int, burst > 0, burst != 5 || unit.map({ $0.string != "packets" }) ?? false {
      put(" burst ")
      put(burst)
      space()
      if let burstUnit = value["burst_unit"]?.text {
        put(burstUnit)
      } else {
        if let unit, unit.string != "packets" { put("bytes") } else { put("packets") }
      }
    }
  }

  private mutating func log(_ value: JSONValue) {
    put("log")
    for member in value.members {
      space()
      put(member.name)
      space()
      switch member.name {
      case "prefix": if let text = member.value.text { quoted(text) }
      case "flags":
        if let one = member.value.text {
          switch one {
          case "tcp sequence", "tcp options", "ip options": put(one)
          default: put(one)
          }
        } else {
          var first = true
          for element in member.value.elements {
            if !first { put(" flags ") }
            first = false
            if let text = element.text { put(text) }
          }
        }
      default: self.value(member.value)
      }
    }
  }

  private mutating func reject(_ value: JSONValue) {
    put("reject")
    guard let type = value["type"]?.text else { return }
    put(" with ")
    put(type)
    if let code = value["expr"] {
      space()
      self.value(code)
    }
  }

  private mutating func queue(_ value: JSONValue) {
    put("queue")
    if let flags = value["flags"] {
      put(" flags ")
      list(flags)
    }
    if let number = value["num"] {
      put(" to ")
      self.value(number)
    }
  }

  private mutating func changeSet(_ name: ByteText, _ value: JSONValue) {
    if let operation = value["op"]?.text { put(operation) } else { put("add") }
    space()
    if let target = value[name == "set" ? "set" : "map"]?.text { put(target) }
    put(" { ")
    if let element = value["elem"] { self.element(element, []) }
    for statement in value["stmt"]?.elements ?? value.elements {
      space()
      self.statement(statement)
    }
    if let data = value["data"] {
      put(" : ")
      self.value(data)
    }
    put(" }")
  }

  // MARK: NAT

  private mutating func translate(_ name: ByteText, _ value: JSONValue) {
    put(name)
    guard value.isObject else { return }
    if let family = value["family"]?.text {
      space()
      put(family)
    }
    var kinds: [String] = []
    if let kind = value["type_flags"]?.text { kinds = [kind.string] }
    for element in value["type_flags"]?.elements ?? value.elements {
      if let text = element.text { kinds.append(text.string) }
    }
    if kinds.contains("concat") { put(" addr . port") }
    if kinds.contains("interval") { put(" interval") }
    if kinds.contains("prefix") { put(" prefix") }
    if value["addr"] != nil || value["port"] != nil {
      put(" to ")
      target(value)
    }
    if let flags = value["flags"] {
      if let one = flags.text {
        if one.string != "netmap" {
          space()
          put(one)
        }
      } else {
        var first = true
        for element in flags.elements {
          guard let text = element.text, text.string != "netmap" else { continue }
          put(first ? " " : ",")
          first = false
          put(text)
        }
      }
    }
  }

  /// `10.0.0.1:80`, `[fd00::1]:80`, `:80`, or what computes them.
  private mutating func target(_ value: JSONValue) {
    let port = value["port"]
    if let address = value["addr"] {
      if let text = address.text, port != nil, text.bytes.contains(UInt8(ascii: ":")) {
        put("[")
        put(text)
        put("]")
      } else if port != nil, let range = address["range"] {
        var first = true
        for element in range.elements {
          if !first { put("-") }
          first = false
          guard let text = element.text else { continue }
          let six = text.bytes.contains(UInt8(ascii: ":"))
          if six { put("[") }
          put(text)
          if six { put("]") }
        }
      } else {
        self.value(address)
      }
    }
    if let port {
      put(":")
      self.value(port)
    }
  }

  mutating func synproxy(_ value: JSONValue) {
    if let mss = value["mss"]?.int {
      put(" mss ")
      put(mss)
    }
    if let scale = value["wscale"]?.int {
      put(" wscale ")
      put(scale)
    }
    if let flags = value["flags"] {
      if let one = flags.text {
        space()
        put(one)
      }
      for element in flags.elements {
        space()
        if let text = element.text { put(text) }
      }
    }
  }
}
