import Input
import Ruleset

// Keys and values.
extension NftJSONWriter {
  /// A value of a key whose parts are spelled so.
  mutating func value(_ value: JSONValue, _ spellings: [Spelling] = []) {
    let spelling = spellings.first ?? .plain
    if let text = value.text { return self.text(text, spelling) }
    if let number = value.int {
      if spelling == .mark, number >= 0, number < 1 << 32 { hex(number) } else { put(number) }
      return
    }
    if let flag = value.bool { return flag ? put("exists") : put("missing") }
    if value.isArray {
      var first = true
      for element in value.elements {
        if !first { put(byte: ",") }
        first = false
        self.value(element, spellings)
      }
      return
    }
    for member in value.members { expression(member.name, member.value, spellings) }
  }

  private mutating func text(_ text: ByteText, _ spelling: Spelling) {
    if text.first == UInt8(ascii: "@") || text == "*" { return put(text) }
    spelling == .name ? quoted(text) : word(text)
  }

  private mutating func expression(_ name: ByteText, _ value: JSONValue, _ spellings: [Spelling]) {
    switch name {
    case "payload": payload(value)
    case "meta":
      put("meta ")
      if let key = value["key"]?.text { put(key) } else if let key = value.text { put(key) }
    case "ct": connectionKey(value)
    case "prefix":
      if let address = value["addr"] { self.value(address) }
      put("/")
      put(value["len"]?.int ?? 0)
    case "range":
      var first = true
      for element in value.elements {
        if !first { put(byte: "-") }
        first = false
        self.value(element, spellings)
      }
    case "concat":
      var index = 0
      for element in value.elements {
        if index > 0 { put(" . ") }
        if index < spellings.count {
          self.value(element, [spellings[index]])
        } else {
          // A constant among keys: a name looks like a key unless it is quoted.
          let letter = element.text?.first.map { $0 | 0x20 >= 97 } ?? false
          self.value(element, letter && element.text?.contains(":") == false ? [.name] : [])
        }
        index += 1
      }
    case "set": elements(value, spellings, [])
    case "map":
      if let key = value["key"] {
        self.value(key)
        put(" map ")
        if let data = value["data"] { mapData(data, Self.spellings(key: key), spellings) }
      }
    case "&": operation(" & ", value, 3, spellings)
    case "|": operation(" | ", value, 1, spellings)
    case "^": operation(" ^ ", value, 2, spellings)
    case "<<": operation(" << ", value, 4, [])
    case ">>": operation(" >> ", value, 4, [])
    case "elem":
      // The element's own members are written by `element`.
      if let inner = value["val"] { self.value(inner, spellings) }
    case "accept", "drop", "continue", "return", "queue": put(name)
    case "jump", "goto":
      put(name)
      space()
      if let target = value["target"]?.text { word(target) }
    default: otherKey(name, value)
    }
  }

  private mutating func otherKey(_ name: ByteText, _ value: JSONValue) {
    switch name {
    case "fib":
      put("fib ")
      if let flags = value["flags"] {
        var first = true
        if let one = flags.text { put(one) }
        for element in flags.elements {
          if !first { put(" . ") }
          first = false
          if let text = element.text { put(text) }
        }
      }
      space()
      if let result = value["result"]?.text { put(result) }
    case "numgen":
      put("numgen ")
      if let mode = value["mode"]?.text { put(mode) }
      modulus(value)
    case "jhash":
      put("jhash ")
      if let key = value["expr"] { self.value(key) }
      modulus(value)
    case "symhash":
      put("symhash")
      modulus(value)
    case "rt":
      put("rt ")
      if let family = value["family"]?.text {
        put(family)
        space()
      }
      if let key = value["key"]?.text { put(key) }
    case "socket":
      put("socket ")
      if let key = value["key"]?.text { put(key) }
    case "osf":
      put("osf ")
      if let ttl = value["ttl"]?.text {
        put("ttl ")
        put(ttl)
        space()
      }
      if let key = value["key"]?.text { put(key) }
    case "ipsec":
      put("ipsec ")
      if let direction = value["dir"]?.text { put(direction) }
      if let number = value["spnum"]?.int, number != 0 {
        put(" spnum ")
        put(number)
      }
      if let family = value["family"]?.text {
        space()
        put(family)
      }
      space()
      if let key = value["key"]?.text { put(key) }
    case "exthdr":
      if value["field"] == nil { put("exthdr ") }
      if let header = value["name"]?.text { put(header) }
      if let field = value["field"]?.text {
        space()
        put(field)
      }
    case "tcp option", "ip option", "dccp option", "sctp chunk": option(name, value)
    default:
      complain("expected an expression such as payload or meta, found \"\(name.printable)\"")
      put("unknown-expression")
    }
  }

  private mutating func option(_ name: ByteText, _ value: JSONValue) {
    put(name)
    space()
    if let base = value["base"]?.int {
      put("@")
      put(base)
      return extent(value)
    }
    if let kind = value["name"]?.text { put(kind) } else if let kind = value["type"]?.int { put(kind) }
    if let field = value["field"]?.text {
      space()
      put(field)
    }
  }

  private mutating func modulus(_ value: JSONValue) {
    if let modulus = value["mod"]?.int {
      put(" mod ")
      put(modulus)
    }
    if let seed = value["seed"]?.int {
      put(" seed ")
      hexadecimal(seed)
    }
    if let offset = value["offset"]?.int, offset != 0 {
      put(" offset ")
      put(offset)
    }
  }

  private mutating func hexadecimal(_ number: Int) {
    put("0x")
    out.raw(String(number, radix: 16))
  }

  /// What follows `@BASE` of a raw expression.
  private mutating func extent(_ value: JSONValue) {
    put(",")
    put(value["offset"]?.int ?? 0)
    put(",")
    put(value["len"]?.int ?? 0)
  }

  private mutating func payload(_ value: JSONValue) {
    if let base = value["base"]?.text {
      put("@")
      put(base)
      return extent(value)
    }
    if let tunnel = value["tunnel"]?.text {
      put(tunnel)
      space()
    }
    if let header = value["protocol"]?.text { put(header) }
    space()
    if let field = value["field"]?.text { put(field) }
  }

  private mutating func connectionKey(_ value: JSONValue) {
    put("ct ")
    if let direction = value["dir"]?.text {
      put(direction)
      space()
    }
    if let family = value["family"]?.text {
      put(family)
      space()
    }
    if let key = value["key"]?.text { put(key) }
  }

  /// A binary operation; JSON may chain more than two operands. Parentheses where nft's precedence needs them.
  private mutating func operation(_ sign: StaticString, _ value: JSONValue, _ rank: Int, _ spellings: [Spelling]) {
    var index = 0
    var inner = spellings
    for element in value.elements {
      if index > 0 { put(sign) }
      if index == 0, inner.isEmpty { inner = Self.spellings(key: element) }
      let other = Self.rank(element)
      let wrap = other > 0 && (index == 0 ? other < rank : other <= rank)
      if wrap { put("(") }
      self.value(element, index == 0 && other == 0 && element.isObject ? [] : inner)
      if wrap { put(")") }
      index += 1
    }
  }

  private static func rank(_ value: JSONValue) -> Int {
    guard value.isObject else { return 0 }
    for member in value.members {
      switch member.name {
      case "|": return 1
      case "^": return 2
      case "&": return 3
      case "<<", ">>": return 4
      default: return 0
      }
    }
    return 0
  }

  /// How values of a key are spelled, one for each of its parts.
  static func spellings(key: JSONValue) -> [Spelling] {
    for member in key.members {
      switch member.name {
      case "meta":
        guard let key = member.value["key"]?.text else { return [] }
        switch key {
        case "iifname", "oifname", "iif", "oif", "ibrname", "obrname", "ibriport", "obriport", "sdif", "sdifname",
          "iifkind", "oifkind", "time", "hour", "day":
          return [.name]
        case "mark": return [.mark]
        default: return []
        }
      case "ct":
        guard let key = member.value["key"]?.text else { return [] }
        switch key {
        case "mark": return [.mark]
        case "helper": return [.name]
        case "state", "status", "label", "event": return [.flags]
        default: return []
        }
      case "payload":
        if let field = member.value["field"]?.text, field == "flags" { return [.flags] }
        return []
      case "fib":
        if let result = member.value["result"]?.text, result == "oif" || result == "oifname" { return [.name] }
        return []
      case "concat": return member.value.elements.map { spellings(key: $0).first ?? .plain }
      case "osf", "socket": return [.name]
      case "&", "|", "^":
        for element in member.value.elements { return spellings(key: element) }
        return []
      default: return []
      }
    }
    return []
  }

  mutating func mapData(_ data: JSONValue, _ keys: [Spelling], _ values: [Spelling]) {
    if let text = data.text { return put(text) }
    if let set = data["set"] { elements(set, keys, values) } else { value(data) }
  }
}
