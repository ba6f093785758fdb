import CScan
import Input
import Ruleset
import Wire

/// Writes nft's JSON as commands of nft's language, one a line.
struct NftJSONWriter: ~Copyable {
  var out: TextBuffer
  /// Which object of the list each line comes from.
  var sources: [Int] = []
  var messages: [(object: Int, text: String)] = []
  private var current = 0

  /// The text will have about half as many bytes as the JSON.
  init(bytesOfJSON count: Int) { out = TextBuffer(capacity: count / 2) }

  /// Forgets what was written.
  mutating func reset() {
    out.removeAll()
    sources = []
    messages = []
  }

  /// How a value of a key is spelled.
  enum Spelling { case plain, name, mark, flags }

  // MARK: Output

  @inline(__always) mutating func put(_ text: StaticString) {
    out.literal(text)
  }
  @inline(__always) mutating func put(_ text: ByteText) { out.raw(text.bytes) }
  @inline(__always) mutating func put(byte: Unicode.Scalar) { out.byte(UInt8(ascii: byte)) }
  @inline(__always) mutating func space() { out.byte(0x20) }

  mutating func put(_ number: Int) { out.decimal(number) }

  mutating func hex(_ number: Int) {
    put("0x")
    for shift in stride(from: 28, through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: number >> shift) & 15
      out.byte(digit < 10 ? 48 + digit : 87 + digit)
    }
  }

  /// In quotes; what would end them, or the line, becomes a blank.
  mutating func quoted(_ text: ByteText) {
    put(byte: "\"")
    for byte in text.bytes { out.byte(byte == UInt8(ascii: "\"") || byte == 10 || byte == 13 ? 0x20 : byte) }
    put(byte: "\"")
  }

  /// A word; in quotes where it holds what ends a word.
  mutating func word(_ text: ByteText) {
    guard let start = text.bytes.bindMemory(to: UInt8.self).baseAddress else { return }
    if scan_nft_word(start, start + text.count) == start + text.count { return put(text) }
    // What nft 1.0 says of numbers in sets of some keys.
    let mark: StaticString = " [invalid type]"
    let isNumber = text.hasPrefix("0x") && text.dropFirst(text.count - mark.utf8CodeUnitCount) == mark
    isNumber ? put(text.dropLast(mark.utf8CodeUnitCount)) : quoted(text)
  }

  mutating func complain(_ text: String) { messages.append((current, text)) }

  private mutating func endLine() {
    out.newline()
    sources.append(current)
  }

  // MARK: The list

  mutating func document(_ root: JSONValue) {
    guard let list = root["nftables"], list.isArray else {
      return complain("expected an object with the list \"nftables\"")
    }
    for (index, value) in list.elements.enumerated() { object(value, number: index) }
  }

  mutating func object(_ value: JSONValue, number: Int) {
    current = number
    for member in value.members {
      switch member.name {
      case "metainfo": break
      case "add", "create", "insert":
        for inner in member.value.members { entry(member.name == "insert", inner.name, inner.value) }
      case "flush", "delete", "reset", "list", "rename", "replace", "destroy":
        if member.value["ruleset"] == nil {
          complain("'\(member.name.string)' is not followed")
        }
      default: entry(false, member.name, member.value)
      }
    }
  }

  private mutating func entry(_ inserts: Bool, _ kind: ByteText, _ value: JSONValue) {
    switch kind {
    case "table": table(value)
    case "chain": chain(value)
    case "rule": rule(inserts, value)
    case "set": set(value, kind: "set")
    case "map": set(value, kind: "map")
    case "element": elementCommand(value)
    case "flowtable", "counter", "quota", "limit", "secmark", "synproxy", "ct helper", "ct timeout", "ct expectation":
      namedObject(kind, value)
    default: complain("expected a table, chain, rule or set, found \"\(kind.printable)\"")
    }
  }

  private mutating func place(_ verb: StaticString, _ value: JSONValue) {
    var family: ByteText?
    var table: ByteText?
    var name: ByteText?
    for member in value.members {
      switch member.name {
      case "family": family = member.value.text
      case "table": table = member.value.text
      case "name": name = member.value.text
      default: break
      }
    }
    put(verb)
    space()
    if let family { put(family) } else { put("ip") }
    if let table {
      space()
      word(table)
    }
    if let name {
      space()
      word(name)
    }
  }

  private mutating func table(_ value: JSONValue) {
    place("add table", value)
    put(" {")
    if let flags = value["flags"] {
      put(" flags ")
      list(flags)
      put(";")
    }
    comment(value, separator: ";")
    put(" }")
    endLine()
  }

  private mutating func comment(_ value: JSONValue, separator: StaticString) {
    guard let comment = value["comment"]?.text else { return }
    put(" comment ")
    quoted(comment)
    put(separator)
  }

  /// A string, or several joined by commas.
  mutating func list(_ value: JSONValue) {
    if let text = value.text { return word(text) }
    var first = true
    for element in value.elements {
      guard let text = element.text else { continue }
      if !first { put(byte: ",") }
      first = false
      word(text)
    }
  }

  private mutating func chain(_ value: JSONValue) {
    place("add chain", value)
    put(" {")
    if let type = value["type"]?.text, let hook = value["hook"]?.text {
      put(" type ")
      word(type)
      put(" hook ")
      word(hook)
      if let device = value["dev"] { devices(device) }
      put(" priority ")
      put(value["prio"]?.int ?? 0)
      put(";")
      if let policy = value["policy"]?.text {
        put(" policy ")
        word(policy)
        put(";")
      }
    }
    comment(value, separator: ";")
    put(" }")
    endLine()
  }

  private mutating func devices(_ value: JSONValue) {
    if let one = value.text {
      put(" device ")
      return quoted(one)
    }
    put(" devices = { ")
    var first = true
    for element in value.elements {
      guard let text = element.text else { continue }
      if !first { put(", ") }
      first = false
      quoted(text)
    }
    put(" }")
  }

  private mutating func rule(_ inserts: Bool, _ value: JSONValue) {
    put(inserts ? "insert rule " : "add rule ")
    var comment: ByteText?
    var expressions: JSONValue?
    var place: (family: ByteText?, table: ByteText?, chain: ByteText?) = (nil, nil, nil)
    var index: Int?
    for member in value.members {
      switch member.name {
      case "family": place.family = member.value.text
      case "table": place.table = member.value.text
      case "chain": place.chain = member.value.text
      case "comment": comment = member.value.text
      case "expr": expressions = member.value
      case "index": index = member.value.int
      default: break
      }
    }
    if let family = place.family { put(family) } else { put("ip") }
    space()
    if let table = place.table { word(table) }
    space()
    if let chain = place.chain { word(chain) }
    if let index {
      put(" index ")
      put(index)
    }
    if let expressions {
      for statement in expressions.elements {
        space()
        self.statement(statement)
      }
    }
    if let comment {
      put(" comment ")
      quoted(comment)
    }
    endLine()
  }

  // MARK: Sets

  private mutating func set(_ value: JSONValue, kind: StaticString) {
    put("add ")
    place(kind, value)
    put(" { type ")
    let keys = value["type"]
    types(keys)
    if let data = value["map"] {
      put(" : ")
      types(data)
    }
    put(";")
    setProperties(value)
    if let elements = value["elem"] {
      put(" elements = ")
      let spellings = Self.spellings(types: keys)
      let data = Self.spellings(types: value["map"])
      self.elements(elements, spellings, data)
      put(";")
    }
    put(" }")
    endLine()
  }

  private mutating func types(_ value: JSONValue?) {
    guard let value else { return put("integer") }
    if let text = value.text { return put(text) }
    var first = true
    for element in value.elements {
      guard let text = element.text else { continue }
      if !first { put(" . ") }
      first = false
      put(text)
    }
  }

  private mutating func setProperties(_ value: JSONValue) {
    for member in value.members {
      switch member.name {
      case "flags":
        put(" flags ")
        list(member.value)
        put(";")
      case "size":
        put(" size ")
        put(member.value.int ?? 0)
        put(";")
      case "timeout", "gc-interval":
        space()
        put(member.name)
        space()
        put(member.value.int ?? 0)
        put("s;")
      case "policy":
        put(" policy ")
        list(member.value)
        put(";")
      case "auto-merge": if member.value.bool == true { put(" auto-merge;") }
      case "stmt":
        for statement in member.value.elements {
          space()
          self.statement(statement)
          put(";")
        }
      case "comment":
        put(" comment ")
        if let text = member.value.text { quoted(text) }
        put(";")
      default: break
      }
    }
  }

  static func spellings(types: JSONValue?) -> [Spelling] {
    func one(_ text: ByteText?) -> Spelling {
      guard let text else { return .plain }
      return switch text {
      case "ifname", "iface_index", "string": .name
      case "mark": .mark
      case "verdict", "ipv4_addr", "ipv6_addr", "inet_service", "inet_proto": .plain
      case "counter", "quota", "limit", "secmark", "synproxy", "ct helper", "ct timeout", "ct expectation": .name
      default: .plain
      }
    }
    guard let types else { return [] }
    if types.isArray { return types.elements.map { one($0.text) } }
    if let text = types.text, text.contains(" . ") {
      return text.string.split(separator: " ").filter { $0 != "." }.map { part in
        part == "ifname" || part == "iface_index" ? .name : part == "mark" ? .mark : .plain
      }
    }
    return [one(types.text)]
  }

  private mutating func elementCommand(_ value: JSONValue) {
    place("add element", value)
    space()
    if let elements = value["elem"] { self.elements(elements, [], []) } else { put("{ }") }
    endLine()
  }

  mutating func elements(_ value: JSONValue, _ keys: [Spelling], _ data: [Spelling]) {
    put("{ ")
    var first = true
    if value.isArray {
      for element in value.elements {
        if !first { put(", ") }
        first = false
        if element.isArray {
          pair(element, keys, data)
        } else {
          self.element(element, keys)
        }
      }
    } else {
      element(value, keys)
    }
    put(" }")
  }

  private mutating func pair(_ value: JSONValue, _ keys: [Spelling], _ data: [Spelling]) {
    var index = 0
    for part in value.elements {
      if index == 0 {
        element(part, keys)
        put(" : ")
      } else {
        element(part, data)
      }
      index += 1
    }
  }

  mutating func element(_ value: JSONValue, _ spellings: [Spelling]) {
    guard let inner = value["elem"] else { return self.value(value, spellings) }
    for member in inner.members {
      switch member.name {
      case "val": self.value(member.value, spellings)
      case "timeout", "expires":
        space()
        put(member.name)
        space()
        put(member.value.int ?? 0)
        put("s")
      case "comment":
        put(" comment ")
        if let text = member.value.text { quoted(text) }
      case "counter", "limit", "quota", "ct count":
        space()
        statement(name: member.name, member.value)
      default: break
      }
    }
  }

  // MARK: Objects

  private mutating func namedObject(_ kind: ByteText, _ value: JSONValue) {
    put("add ")
    put(kind)
    space()
    if let family = value["family"]?.text { put(family) } else { put("ip") }
    space()
    if let table = value["table"]?.text { word(table) }
    space()
    if let name = value["name"]?.text { word(name) }
    put(" {")
    switch kind {
    case "flowtable": flowtable(value)
    case "counter":
      put(" packets ")
      put(value["packets"]?.int ?? 0)
      put(" bytes ")
      put(value["bytes"]?.int ?? 0)
      put(";")
    case "quota":
      put(value["inv"]?.bool == true ? " over " : " ")
      put(value["bytes"]?.int ?? 0)
      put(" bytes")
      if let used = value["used"]?.int, used > 0 {
        put(" used ")
        put(used)
        put(" bytes")
      }
      put(";")
    case "limit":
      space()
      rate(value)
      put(";")
    case "secmark":
      space()
      if let context = value["context"]?.text { quoted(context) }
      put(";")
    case "synproxy":
      synproxy(value)
      put(";")
    default: connectionObject(kind, value)
    }
    comment(value, separator: ";")
    put(" }")
    endLine()
  }

  private mutating func flowtable(_ value: JSONValue) {
    if let hook = value["hook"]?.text {
      put(" hook ")
      put(hook)
      put(" priority ")
      put(value["prio"]?.int ?? 0)
      put(";")
    }
    if let device = value["dev"] {
      put(" devices = { ")
      var first = true
      if let one = device.text { quoted(one) }
      for element in device.elements {
        if !first { put(", ") }
        first = false
        if let text = element.text { quoted(text) }
      }
      put(" };")
    }
  }

  private mutating func connectionObject(_ kind: ByteText, _ value: JSONValue) {
    if kind == "ct helper" {
      put(" type ")
      if let type = value["type"]?.text { quoted(type) }
      put(" protocol ")
      list(value["protocol"] ?? value)
      put(";")
    } else {
      put(" protocol ")
      list(value["protocol"] ?? value)
      put(";")
    }
    if let family = value["l3proto"]?.text {
      put(" l3proto ")
      put(family)
      put(";")
    }
    if let port = value["dport"]?.int {
      put(" dport ")
      put(port)
      put(";")
    }
    if let timeout = value["timeout"]?.int {
      put(" timeout ")
      put(timeout)
      put("ms;")
    }
    if let size = value["size"]?.int {
      put(" size ")
      put(size)
      put(";")
    }
    if let policy = value["policy"], policy.isObject {
      put(" policy = { ")
      var first = true
      for member in policy.members {
        if !first { put(", ") }
        first = false
        put(member.name)
        put(" : ")
        put(member.value.int ?? 0)
      }
      put(" };")
    }
  }
}
