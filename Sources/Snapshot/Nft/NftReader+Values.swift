import Ruleset
import Wire

// Values: what stands right of an operator, and elements of sets.
extension NftReader {
  /// One value of a type: `10.0.0.1`, `10.0.0.0/8`, `80-90`, `"eth*"`, `syn | ack`. Nil (and nothing consumed) where the
  /// token is none.
  mutating func value(_ type: NftType, width: Int = 0) -> (low: Bits128, high: Bits128)? {
    switch scanner.kind {
    case .string:
      let bytes = scanner.bytes
      if type.isText { return textValue(bytes) }
      guard let value = type.parse(bytes) else { return nil }
      advance()
      return rangeBehind(type, value)
    case .word:
      return wordValue(type, width: width)
    case .punctuation where scanner.isMark("("):
      // `(fin | syn)`
      guard depth < Self.maximumDepth else { return nil }
      depth += 1
      defer { depth -= 1 }
      let saved = scanner
      advance()
      if let inner = value(type, width: width), take(")") { return flagsBehind(type, inner) }
      scanner = saved
      return nil
    default: return nil
    }
  }

  private mutating func textValue(_ bytes: UnsafeRawBufferPointer) -> (Bits128, Bits128)? {
    var count = bytes.count
    var wildcard = false
    if count > 0, bytes[count - 1] == UInt8(ascii: "*") {
      if count > 1, bytes[count - 2] == UInt8(ascii: "\\") {
        // An escaped asterisk is a plain one.
        var copy = Array(bytes.dropLast(2))
        copy.append(UInt8(ascii: "*"))
        guard copy.count <= 16 else { return nil }
        advance()
        let value = Bits128(leftAligned: copy)
        return (value, value)
      }
      wildcard = true
      count -= 1
    }
    guard count <= 16 else { return nil }
    let low = Bits128(leftAligned: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    advance()
    return (low, wildcard ? low | ~Bits128.mask(leading: count * 8) : low)
  }

  private mutating func wordValue(_ type: NftType, width: Int) -> (low: Bits128, high: Bits128)? {
    let bytes = scanner.bytes
    if type.isText {
      if type == .interfaceIndex || type == .interfaceName || type == .string || type == .object {
        return textValue(bytes)
      }
    }
    // Addresses are cut at their separators before they are parsed: most are plain.
    if type == .ipv4 || type == .ipv6 {
      guard let range = addressValue(type, bytes) else { return nil }
      return range
    }
    if let value = type.parse(bytes) {
      advance()
      if scanner.kind == .word, scanner.base[scanner.start] == UInt8(ascii: "[") { return invalidType(type, value) }
      if type.isBitmask { return flagsBehind(type, (value, value)) }
      return rangeBehind(type, value)
    }
    // `80-90`, `ssh-http`, `0x0-0xff`.
    for index in bytes.indices.dropFirst() where bytes[index] == UInt8(ascii: "-") {
      if let low = type.parse(UnsafeRawBufferPointer(rebasing: bytes[..<index])),
        let high = type.parse(UnsafeRawBufferPointer(rebasing: bytes[(index + 1)...]))
      {
        advance()
        return (low, high)
      }
    }
    if type.hasPrefixes || type == .integer, let slash = bytes.firstIndex(of: UInt8(ascii: "/")),
      let low = type.parse(UnsafeRawBufferPointer(rebasing: bytes[..<slash])),
      let length = NftType.number(UnsafeRawBufferPointer(rebasing: bytes[(slash + 1)...]))
    {
      let bits = width > 0 ? width : type.width
      guard length.high == 0, length.low <= UInt64(bits) else { return nil }
      advance()
      let host = ~(Bits128.ones << (bits - Int(length.low)))
      return (low & ~host, low | host)
    }
    // A map's `80:accept` without blanks.
    if let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0, type != .ethernet, type != .hour,
      let value = type.parse(UnsafeRawBufferPointer(rebasing: bytes[..<colon]))
    {
      scanner.split(after: colon)
      advance()
      return (value, value)
    }
    return nil
  }

  /// In sets of some keys (`ct reply proto-src`) nft 1.0 lists values as `0x50 [invalid type]`, ranges as
  /// `0x50 [invalid type]-0x5a [invalid type]`; the numbers are right.
  private mutating func invalidType(_ type: NftType, _ low: Bits128) -> (Bits128, Bits128) {
    guard scanner.bytes.equals("[invalid") else { return (low, low) }
    advance()
    let word = scanner.bytes
    if word.equals("type]") {
      advance()
    } else if word.count > 6, UnsafeRawBufferPointer(rebasing: word[..<6]).equals("type]-"),
      let high = type.parse(UnsafeRawBufferPointer(rebasing: word[6...]))
    {
      advance()
      return (low, invalidType(type, high).1)
    }
    return (low, low)
  }

  private mutating func addressValue(_ type: NftType, _ whole: UnsafeRawBufferPointer) -> (Bits128, Bits128)? {
    var bytes = whole
    if bytes.count > 2, bytes[0] == UInt8(ascii: "["), bytes[bytes.count - 1] == UInt8(ascii: "]") {
      bytes = UnsafeRawBufferPointer(rebasing: bytes[1..<bytes.count - 1])
    }
    var separator = 0
    while separator < bytes.count, bytes[separator] != UInt8(ascii: "/"), bytes[separator] != UInt8(ascii: "-"),
      type == .ipv6 || bytes[separator] != UInt8(ascii: ":")
    {
      separator += 1
    }
    guard let low = type.parse(UnsafeRawBufferPointer(rebasing: bytes[..<separator])) else { return nil }
    if separator == bytes.count {
      advance()
      return rangeBehind(type, low)
    }
    let tail = UnsafeRawBufferPointer(rebasing: bytes[(separator + 1)...])
    switch bytes[separator] {
    case UInt8(ascii: "-"):
      guard let high = type.parse(tail) else { return nil }
      advance()
      return (low, high)
    case UInt8(ascii: "/"):
      let width = type.width
      if let length = NftType.number(tail), length.high == 0, length.low <= UInt64(width) {
        advance()
        let host = ~(Bits128.ones << (width - Int(length.low)))
        return (low & ~host, low | (type == .ipv4 ? host & Bits128(UInt32.max) : host))
      }
      // A dotted mask.
      guard let mask = type.parse(tail) else { return nil }
      let host = ~mask & (type == .ipv4 ? Bits128(UInt32.max) : .ones)
      guard (host & host.successor).isZero else { return nil }
      advance()
      return (low & mask, low | host)
    default:
      scanner.split(after: separator)
      advance()
      return (low, low)
    }
  }

  /// `80 - 90` with blanks.
  private mutating func rangeBehind(_ type: NftType, _ low: Bits128) -> (Bits128, Bits128) {
    guard scanner.isByte("-") else { return (low, low) }
    let saved = scanner
    advance()
    if scanner.kind == .word || scanner.kind == .string, let high = type.parse(scanner.bytes) {
      advance()
      return (low, high)
    }
    scanner = saved
    return (low, low)
  }

  /// `syn | ack`.
  private mutating func flagsBehind(
    _ type: NftType, _ first: (low: Bits128, high: Bits128)
  ) -> (low: Bits128, high: Bits128) {
    guard type.isBitmask else { return first }
    var value = first.low
    while scanner.isMark("|") || (scanner.kind == .word && word == .or) {
      let saved = scanner
      advance()
      guard scanner.kind == .word, let next = type.parse(scanner.bytes) else {
        scanner = saved
        break
      }
      value = value | next
      advance()
    }
    return (value, value)
  }

  // MARK: The right side of a match

  mutating func operand(_ left: NftTerm) -> NftOperand {
    if scanner.isMark("{") {
      guard let set = anonymousSet(left, data: nil) else { return .unknown }
      return .set(set)
    }
    if scanner.isMark("@"), !isRawPayload {
      advance()
      guard let name = name() else {
        expected("a set's name")
        return .unknown
      }
      return .set(setReference(name, left))
    }
    if scanner.isMark("!") {
      advance()
      guard let flags = flagList(left.type) else {
        expected("flags")
        return .unknown
      }
      return .noneOf(flags)
    }
    if !left.parts.isEmpty { return concatenatedOperand(left) }
    guard let first = value(left.type, width: left.width) else {
      if let term = term(literal: left.type) { return .term(term) }
      return .unknown
    }
    if left.type.isBitmask {
      var value = first.low
      while take(",") {
        guard let next = self.value(left.type) else {
          expected("a flag")
          return .unknown
        }
        value = value | next.low
      }
      if scanner.isByte("/") {
        advance()
        guard let mask = flagList(left.type) else {
          expected("flags")
          return .unknown
        }
        return .masked(value, mask: mask)
      }
      return .interval(low: value, high: value)
    }
    if scanner.isMark("|") || scanner.isMark("&") || scanner.isMark("^"), first.low == first.high {
      // A constant that is spelled as a sum: `0x1 | 0x2`.
      var term = NftTerm(constant: first.low, left.type)
      term = operations(behind: term, literal: left.type)
      if let constant = Self.fold(term.expression) { return .interval(low: constant, high: constant) }
      return .term(term)
    }
    return .interval(low: first.low, high: first.high)
  }

  /// `KEY . KEY value . value`: one element.
  private mutating func concatenatedOperand(_ left: NftTerm) -> NftOperand {
    var set = NamedSet(
      table: lowering.table, name: "", flags: [.constant, .anonymous], components: left.parts.count,
      keyTypes: left.types.map(\.name))
    var elements = NftElements(components: left.parts.count)
    guard key(left.types, left.parts.map(\.width), into: &elements) else {
      expected("a value for each part of the key")
      return .unknown
    }
    elements.move(to: &set)
    return .set(lowering.ruleset.addSet(set))
  }

  /// `syn,ack`.
  private mutating func flagList(_ type: NftType) -> Bits128? {
    guard let first = value(type) else { return nil }
    var flags = first.low
    while take(",") {
      guard let next = value(type) else { return nil }
      flags = flags | next.low
    }
    return flags
  }

  /// The constant that an expression of constants comes to.
  static func fold(_ expression: Expression) -> Bits128? {
    switch expression {
    case .constant(let value): value
    case .and(let a, let b): fold(a).flatMap { x in fold(b).map { x & $0 } }
    case .or(let a, let b): fold(a).flatMap { x in fold(b).map { x | $0 } }
    case .xor(let a, let b): fold(a).flatMap { x in fold(b).map { x ^ $0 } }
    case .shiftLeft(let a, let b):
      fold(a).flatMap { x in fold(b).map { x << Int(truncatingIfNeeded: min($0.low, 128)) } }
    case .shiftRight(let a, let b):
      fold(a).flatMap { x in fold(b).map { x >> Int(truncatingIfNeeded: min($0.low, 128)) } }
    default: nil
    }
  }
}
