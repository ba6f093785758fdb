import Ruleset
import Wire

/// Elements as they are read: flat, like `NamedSet` keeps them.
struct NftElements {
  let components: Int
  var lows: [Bits128] = []
  var highs: [Bits128] = []
  var verdicts: [Verdict] = []
  var dataComponents = 0
  var dataLows: [Bits128] = []
  var dataHighs: [Bits128] = []
  var objects: [String] = []
  var comments: [Int: String] = [:]
  var annotations: [Int: String] = [:]
  var catchAll: Int?

  init(components: Int) { self.components = components }

  var count: Int { lows.count / max(components, 1) }

  @inline(__always) mutating func append(_ low: Bits128, _ high: Bits128) {
    if low != high, highs.isEmpty { highs = lows }
    lows.append(low)
    if !highs.isEmpty || low != high { highs.append(high) }
  }

  @inline(__always) mutating func appendData(_ low: Bits128, _ high: Bits128) {
    if low != high, dataHighs.isEmpty { dataHighs = dataLows }
    dataLows.append(low)
    if !dataHighs.isEmpty || low != high { dataHighs.append(high) }
  }

  /// Takes back what an element that could not be read left behind.
  mutating func truncate(to count: Int) {
    func cut<T>(_ list: inout [T], _ length: Int) {
      if list.count > length { list.removeSubrange(length...) }
    }
    cut(&lows, count * components)
    cut(&highs, count * components)
    cut(&verdicts, count)
    cut(&objects, count)
    cut(&dataLows, count * dataComponents)
    cut(&dataHighs, count * dataComponents)
    comments = comments.filter { $0.key < count }
    annotations = annotations.filter { $0.key < count }
    if let index = catchAll, index >= count { catchAll = nil }
  }

  /// Whether the set's elements are of the same shape as these.
  private func fits(_ set: NamedSet) -> Bool {
    guard set.components == components else { return false }
    return switch set.data {
    case .none: verdicts.isEmpty && objects.isEmpty && dataLows.isEmpty
    case .verdicts(let list): list.count == set.count && verdicts.count == count
    case .objects(let list): list.count == set.count && objects.count == count
    case .values(let list, _, let parts):
      list.count == set.count * parts && dataLows.count == count * parts && parts == dataComponents
    }
  }

  /// Appends to what the set already holds.
  mutating func move(to set: inout NamedSet) {
    guard count > 0 else { return }
    // A set declared twice, differently: the last one counts.
    if set.count > 0, !fits(set) { set.removeElements() }
    if set.lows.isEmpty { set.data = .none }
    let before = set.count
    if set.lows.isEmpty {
      set.lows = lows
      set.highs = highs
    } else {
      if !highs.isEmpty || !set.highs.isEmpty {
        if set.highs.isEmpty { set.highs = set.lows }
        set.highs += highs.isEmpty ? lows : highs
      }
      set.lows += lows
    }
    for (index, comment) in comments { set.comments[before + index] = comment }
    for (index, annotation) in annotations { set.annotations[before + index] = annotation }
    if let catchAll { set.catchAll = before + catchAll }
    moveData(to: &set)
  }

  private func moveData(to set: inout NamedSet) {
    if !verdicts.isEmpty {
      if case .verdicts(let old) = set.data {
        set.data = .verdicts(old + verdicts)
      } else {
        set.data = .verdicts(verdicts)
      }
    } else if !objects.isEmpty {
      if case .objects(let old) = set.data { set.data = .objects(old + objects) } else { set.data = .objects(objects) }
    } else if !dataLows.isEmpty {
      if case .values(let oldLows, let oldHighs, let parts) = set.data, parts == dataComponents || oldLows.isEmpty {
        let ranges = !dataHighs.isEmpty || !oldHighs.isEmpty
        let highs =
          ranges ? (oldHighs.isEmpty ? oldLows : oldHighs) + (dataHighs.isEmpty ? dataLows : dataHighs) : []
        set.data = .values(oldLows + dataLows, highs: highs, components: dataComponents)
      } else {
        set.data = .values(dataLows, highs: dataHighs, components: dataComponents)
      }
    }
  }
}

extension NftReader {
  /// What the data of a map's elements is.
  enum MapData {
    case verdict
    /// At most these parts; fewer may stand there.
    case values([NftType])
    case object
  }

  // MARK: References

  mutating func setInfo(_ name: Range<Int>) -> SetKey {
    SetKey(table: lowering.table.index, name: lowering.ruleset.names.intern(scanner.bytes(name)))
  }

  /// The set of this name, which may be declared later.
  mutating func setReference(_ name: Range<Int>, _ key: NftTerm) -> SetID {
    let at = setInfo(name)
    if let known = sets[at] { return known.id }
    var set = NamedSet(
      table: lowering.table, name: scanner.text(name), flags: [.volatile], components: key.types.count,
      keyTypes: key.types.map(\.name))
    set.isDefined = false
    let id = lowering.ruleset.addSet(set)
    sets[at] = SetInfo(id: id, keys: key.types, widths: [], data: [], line: line)
    return id
  }

  // MARK: Declarations

  mutating func setBlock(_ name: Range<Int>, isMap: Bool, line: Int) {
    let at = setInfo(name)
    let id: SetID
    if let known = sets[at] {
      id = known.id
      lowering.ruleset.sets[Int(id.index)].isDefined = true
    } else {
      id = lowering.ruleset.addSet(NamedSet(table: lowering.table, name: scanner.text(name), flags: [], components: 1))
      sets[at] = SetInfo(id: id, keys: [.integer], widths: [0], data: [], line: line)
    }
    guard take("{") else { return }
    // Built apart: growing an array inside the ruleset's copies nothing this way.
    var set = lowering.ruleset.sets[Int(id.index)]
    lowering.ruleset.sets[Int(id.index)].lows = []
    if set.line == 0 { set.line = UInt32(truncatingIfNeeded: line) }
    set.flags.remove(.volatile)
    body(line: line, of: "set", name) { reader in reader.setMember(&set, at) }
    if set.flags.contains(.dynamic) || set.flags.contains(.timeout) || !set.annotations.isEmpty && set.hasTimeouts {
      set.flags.insert(.volatile)
    }
    if isMap, case .none = set.data {
      set.data = emptyData(sets[at]?.data ?? [])
    }
    lowering.ruleset.sets[Int(id.index)] = set
  }

  private func emptyData(_ types: [NftType]) -> NamedSet.Data {
    switch types.first {
    case .verdict?: .verdicts([])
    case .object?: .objects([])
    default: .values([], highs: [], components: max(types.count, 1))
    }
  }

  private mutating func setMember(_ set: inout NamedSet, _ at: SetKey) {
    let line = self.line
    failure = nil
    switch word {
    case .type:
      advance()
      declareTypes(&set, at, line)
    case .typeof:
      let start = scanner.start
      advance()
      typeOf(&set, at, line)
      set.typeOf = scanner.text(start..<scanner.lastStop)
    case .flags:
      advance()
      while scanner.kind == .word || scanner.isMark(",") {
        switch word {
        case .constant: set.flags.insert(.constant)
        case .interval: set.flags.insert(.interval)
        case .timeout: set.flags.insert(.timeout)
        case .dynamic: set.flags.insert(.dynamic)
        default: break
        }
        advance()
      }
    case .autoMerge:
      set.flags.insert(.autoMerge)
      advance()
    case .elements:
      advance()
      guard take("=") else {
        expected("'='")
        return report(line)
      }
      if set.lows.isEmpty, scanner.end - scanner.start > 1 << 16 { set.lows.reserveCapacity(1024) }
      elements(into: &set, at)
    default:
      let start = scanner.start
      while !atEndOfStatement { advance() }
      set.properties.append(scanner.text(start..<scanner.lastStop))
    }
  }

  /// `type ipv4_addr . inet_service : verdict`
  private mutating func declareTypes(_ set: inout NamedSet, _ at: SetKey, _ line: Int) {
    var keys: [NftType] = []
    var keyNames: [String] = []
    var data: [NftType] = []
    var dataNames: [String] = []
    var inData = false
    while !atEndOfStatement {
      if scanner.isByte(":") {
        inData = true
      } else if scanner.isByte(".") || word == .interval && inData {
        if word == .interval { set.properties.append("interval data") }
      } else if scanner.kind == .word {
        let text = scanner.text(scanner.start..<scanner.stop)
        var type = NftType(named: scanner.bytes)
        if inData, type == nil || type == .object || type == .mark && text != "mark" {
          type = .object
        }
        if type == nil, words.find(scanner.bytes) == .ct { type = .object }
        if inData, word == .ct {
          // `ct helper`, `ct timeout`, `ct expectation`.
          advance()
          dataNames.append("ct " + scanner.text(scanner.start..<scanner.stop))
          data.append(.object)
          advance()
          continue
        }
        if type == nil {
          diagnose(.warning, "expected a data type such as ipv4_addr, found '\(text)'", line: line)
        }
        if inData {
          data.append(type ?? .object)
          dataNames.append(text)
        } else {
          keys.append(type ?? .integer)
          keyNames.append(text)
        }
      } else {
        expected("a data type")
        return report(line)
      }
      advance()
    }
    set.removeElements()
    set.components = max(keys.count, 1)
    set.keyTypes = keyNames
    set.dataTypes = dataNames
    sets[at]?.keys = keys.isEmpty ? [.integer] : keys
    sets[at]?.widths = keys.map { _ in 0 }
    sets[at]?.data = data
  }

  /// `typeof ip saddr . tcp dport : meta mark`
  private mutating func typeOf(_ set: inout NamedSet, _ at: SetKey, _ line: Int) {
    guard let key = term(literal: nil) else {
      diagnose(.warning, failure ?? "expected a key such as ip saddr, found \(scanner.description)", line: line)
      failure = nil
      return skipStatement()
    }
    set.removeElements()
    set.components = key.types.count
    set.keyTypes = key.types.map(\.name)
    sets[at]?.keys = key.types
    sets[at]?.widths = key.parts.isEmpty ? [key.width] : key.parts.map(\.width)
    guard scanner.isByte(":") else { return }
    advance()
    if take(.interval) { set.properties.append("interval data") }
    switch word {
    case .verdict?:
      advance()
      set.dataTypes = ["verdict"]
      sets[at]?.data = [.verdict]
    case .counter, .quota, .limit, .secmark, .synproxy:
      set.dataTypes = [scanner.text(scanner.start..<scanner.stop)]
      sets[at]?.data = [.object]
      advance()
    default:
      guard let data = term(literal: nil) else {
        diagnose(.warning, failure ?? "expected a key such as meta mark, found \(scanner.description)", line: line)
        failure = nil
        return skipStatement()
      }
      set.dataTypes = data.types.map(\.name)
      sets[at]?.data = data.types
    }
  }

  /// `{ … }` of a declared set, the brace next.
  mutating func elements(into set: inout NamedSet, _ at: SetKey) {
    guard let info = sets[at] else { return }
    let data: MapData? =
      switch info.data.first {
      case nil: nil
      case .verdict?: .verdict
      case .object?: .object
      default: .values(info.data)
      }
    var elements = NftElements(components: set.components)
    elementList(info.keys, info.widths, data, into: &elements)
    elements.move(to: &set)
  }

  // MARK: Anonymous sets

  /// `{ … }` typed by the key left of it.
  mutating func anonymousSet(_ key: NftTerm, data: MapData?) -> SetID? {
    var set = NamedSet(
      table: lowering.table, name: "", flags: [.constant, .anonymous], components: key.types.count)
    var elements = NftElements(components: set.components)
    let good: Bool
    if key.parts.isEmpty {
      good = elementList([key.type], [key.width], data, into: &elements)
    } else {
      good = elementList(key.types, key.parts.map(\.width), data, into: &elements)
    }
    guard good else { return nil }
    if !elements.highs.isEmpty { set.flags.insert(.interval) }
    set.keyTypes = key.parts.isEmpty ? Self.typeNames[Int(key.type.rawValue)] : key.types.map(\.name)
    if case .values(let types)? = data { set.dataTypes = types.prefix(elements.dataComponents).map(\.name) }
    elements.move(to: &set)
    return lowering.ruleset.addSet(set)
  }

  /// One-part key types, made once: a cluster's rules have ten thousand anonymous maps.
  static let typeNames: [[String]] = NftType.allCases.map { [$0.name] }

  /// Elements up to the closing brace; what cannot be read is reported and left out. False: one was left out.
  @discardableResult
  mutating func elementList(
    _ keys: [NftType], _ widths: [Int], _ data: MapData?, into elements: inout NftElements
  ) -> Bool {
    let line = self.line
    guard take("{") else {
      expected("'{'")
      return false
    }
    var good = true
    while true {
      while scanner.kind == .newline || scanner.isMark(",") { advance() }
      if take("}") { return good }
      if scanner.kind == .end {
        diagnose(.error, "expected '}' for the elements, found the end of the file", line: line)
        return false
      }
      if scanner.isMark("{"), depth < 32 {
        // A variable that holds a list, among other elements.
        depth += 1
        if !elementList(keys, widths, data, into: &elements) { good = false }
        depth -= 1
        continue
      }
      let before = elements.count
      if !element(keys, widths, data, into: &elements) {
        good = false
        elements.truncate(to: before)
        diagnose(.warning, failure ?? "expected an element, found \(scanner.description)")
        failure = nil
        skipElement()
      }
    }
  }

  /// To the next `,` or the closing brace.
  private mutating func skipElement() {
    var braces = 0
    while scanner.kind != .end {
      if scanner.isMark("{") { braces += 1 }
      if scanner.isMark("}") {
        if braces == 0 { return }
        braces -= 1
      }
      if braces == 0, scanner.isMark(",") { return }
      advance()
    }
  }

  /// The parts of a key, appended.
  mutating func key(_ types: [NftType], _ widths: [Int], into elements: inout NftElements) -> Bool {
    for index in types.indices {
      if index > 0 {
        skipNewlines()
        guard scanner.isByte(".") else {
          expected("'.' and another part of the key")
          return false
        }
        advance()
        skipNewlines()
      }
      if scanner.isByte("*") {
        elements.append(.zero, .ones)
        advance()
        if index == 0, !scanner.isByte(".") {
          // One asterisk for the whole key.
          for _ in 1..<max(types.count, 1) { elements.append(.zero, .ones) }
          elements.catchAll = elements.count - 1
          return true
        }
        continue
      }
      guard let value = value(types[index], width: index < widths.count ? widths[index] : 0) else {
        expected("a value of type \(types[index].name)")
        return false
      }
      elements.append(value.low, value.high)
    }
    return true
  }

  private mutating func element(
    _ keys: [NftType], _ widths: [Int], _ data: MapData?, into elements: inout NftElements
  ) -> Bool {
    guard key(keys, widths, into: &elements) else { return false }
    let index = elements.count - 1
    // Between key and data: timeouts, counters, a comment.
    while scanner.kind == .newline { advance() }
    if !scanner.isMark(","), !scanner.isMark("}"), !scanner.isByte(":") { annotations(index, into: &elements) }
    guard let data else { return true }
    guard colon() else {
      expected("':' and what the key maps to")
      return false
    }
    skipNewlines()
    switch data {
    case .verdict:
      guard let verdict = verdict() else {
        expected("a verdict")
        return false
      }
      elements.verdicts.append(verdict)
    case .object:
      guard let name = name() else {
        expected("an object's name")
        return false
      }
      elements.objects.append(scanner.text(name))
    case .values(let types):
      guard values(types, into: &elements) else { return false }
    }
    skipNewlines()
    if !scanner.isMark(","), !scanner.isMark("}") { annotations(index, into: &elements) }
    return true
  }

  private mutating func colon() -> Bool {
    guard scanner.kind == .word, scanner.base[scanner.start] == UInt8(ascii: ":") else { return false }
    if scanner.stop - scanner.start > 1 { scanner.split(after: 1) }
    advance()
    return true
  }

  private mutating func values(_ types: [NftType], into elements: inout NftElements) -> Bool {
    var parts = 0
    while parts < types.count {
      guard let value = value(types[parts]) else {
        expected("a value of type \(types[parts].name)")
        return false
      }
      elements.appendData(value.low, value.high)
      parts += 1
      skipNewlines()
      guard scanner.isByte("."), parts < types.count else { break }
      advance()
      skipNewlines()
    }
    if elements.dataComponents == 0 { elements.dataComponents = parts }
    return parts == elements.dataComponents
  }

  /// `timeout 1h expires 59m counter packets 1 bytes 60 comment "…"` of an element.
  private mutating func annotations(_ index: Int, into elements: inout NftElements) {
    let start = scanner.start
    var stop = start
    while scanner.kind != .end, !scanner.isMark(","), !scanner.isMark("}"), !scanner.isByte(":") {
      if scanner.kind == .word, word == .comment {
        if stop > start { addAnnotation(start..<stop, index, &elements) }
        advance()
        if let text = name() { elements.comments[index] = scanner.text(text) }
        if !scanner.isMark(","), !scanner.isMark("}"), !scanner.isByte(":"), scanner.kind != .end {
          annotations(index, into: &elements)
        }
        return
      }
      advance()
      stop = scanner.lastStop
      skipNewlines()
    }
    if stop > start { addAnnotation(start..<stop, index, &elements) }
  }

  private mutating func addAnnotation(_ range: Range<Int>, _ index: Int, _ elements: inout NftElements) {
    let text = scanner.text(range)
    if let before = elements.annotations[index] {
      elements.annotations[index] = before + " " + text
    } else {
      elements.annotations[index] = text
    }
  }

  mutating func verdict() -> Verdict? {
    switch word {
    case .accept:
      advance()
      return .accept
    case .drop:
      advance()
      return .drop
    case .continue:
      advance()
      return .continue
    case .return:
      advance()
      return .return
    case .queue:
      advance()
      return .queue
    case .jump, .goto:
      let isJump = scanner.base[scanner.start] == UInt8(ascii: "j")
      advance()
      guard scanner.kind == .word || scanner.kind == .string else { return nil }
      let chain = lowering.ruleset.chain(lowering.ruleset.names.intern(scanner.bytes), in: lowering.table)
      advance()
      return isJump ? .jump(chain) : .goto(chain)
    default: return nil
    }
  }
}

extension NamedSet {
  mutating func removeElements() {
    lows = []
    highs = []
    data = .none
    comments = [:]
    annotations = [:]
    catchAll = nil
  }

  /// Whether an element has a timeout of its own.
  var hasTimeouts: Bool { annotations.values.contains { $0.contains("timeout") || $0.contains("expires") } }
}
