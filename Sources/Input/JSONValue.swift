/// A place in a parsed JSON text: three words, copied freely, valid inside `JSONDocument.withRoot` only. Asking a value
/// for something that it is not yields nil or nothing, never a trap.
public struct JSONValue {
  public enum Kind: UInt8, Sendable { case null, bool, number, string, array, object }

  @usableFromInline let tape: UnsafePointer<UInt64>
  @usableFromInline let strings: UnsafePointer<UInt8>
  @usableFromInline let index: Int

  @usableFromInline init(tape: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, at index: Int) {
    self.tape = tape
    self.strings = strings
    self.index = index
  }

  /// The tape's letter: `{ [ " l u d t f n`.
  @inlinable var letter: UInt8 { UInt8(truncatingIfNeeded: tape[index] >> 56) }
  @inlinable var payload: Int { Int(tape[index] & 0x00FF_FFFF_FFFF_FFFF) }

  public var kind: Kind {
    switch letter {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
    case UInt8(ascii: "n"): .null
    default: .number
    }
  }

  @inlinable public var isObject: Bool { letter == UInt8(ascii: "{") }
  @inlinable public var isArray: Bool { letter == UInt8(ascii: "[") }
  @inlinable public var isString: Bool { letter == UInt8(ascii: "\"") }
  @inlinable public var isNull: Bool { letter == UInt8(ascii: "n") }

  public var bool: Bool? {
    switch letter {
    case UInt8(ascii: "t"): true
    case UInt8(ascii: "f"): false
    default: nil
    }
  }

  /// Whole numbers only; nil where one does not fit.
  public var int: Int? {
    switch letter {
    case UInt8(ascii: "l"): Int(truncatingIfNeeded: Int64(bitPattern: tape[index + 1]))
    case UInt8(ascii: "u"): Int(exactly: tape[index + 1])
    default: nil
    }
  }

  public var double: Double? {
    switch letter {
    case UInt8(ascii: "d"): Double(bitPattern: tape[index + 1])
    case UInt8(ascii: "l"): Double(Int64(bitPattern: tape[index + 1]))
    case UInt8(ascii: "u"): Double(tape[index + 1])
    default: nil
    }
  }

  /// A string's text, escapes resolved, without copying it.
  @inlinable public var text: JSONText? {
    guard isString else { return nil }
    return textUnchecked
  }

  @inlinable var textUnchecked: JSONText {
    let start = UnsafeRawPointer(strings + payload)
    let count = Int(start.loadUnaligned(as: UInt32.self))
    return JSONText(bytes: UnsafeRawBufferPointer(start: start + 4, count: count))
  }

  @inlinable public var string: String? { text?.string }

  /// The index behind this value.
  @inlinable var next: Int {
    switch letter {
    case UInt8(ascii: "{"), UInt8(ascii: "["): Int(tape[index] & 0xFFFF_FFFF)
    case UInt8(ascii: "l"), UInt8(ascii: "u"), UInt8(ascii: "d"): index + 2
    default: index + 1
    }
  }

  /// How many elements or members; at most 16,777,215, which stands for that many or more.
  public var count: Int { isObject || isArray ? payload >> 32 : 0 }

  /// The elements of an array; empty for anything else.
  @inlinable public var elements: Elements { Elements(self) }
  /// The members of an object in order; empty for anything else.
  @inlinable public var members: Members { Members(self) }

  /// The first member of that name. A scan: walk `members` where several are wanted.
  public subscript(name: StaticString) -> JSONValue? {
    for member in members where member.name == name { return member.value }
    return nil
  }

  /// The element at an index. A scan.
  public subscript(position: Int) -> JSONValue? {
    var left = position
    for element in elements {
      if left == 0 { return element }
      left -= 1
    }
    return nil
  }

  public struct Elements: Sequence, IteratorProtocol {
    @usableFromInline var current: JSONValue
    @usableFromInline let end: Int

    @inlinable init(_ array: JSONValue) {
      current = JSONValue(tape: array.tape, strings: array.strings, at: array.index + 1)
      end = array.isArray ? array.next - 1 : array.index + 1
    }

    @inlinable public mutating func next() -> JSONValue? {
      guard current.index < end else { return nil }
      let value = current
      current = JSONValue(tape: value.tape, strings: value.strings, at: value.next)
      return value
    }
  }

  public struct Members: Sequence, IteratorProtocol {
    @usableFromInline var current: JSONValue
    @usableFromInline let end: Int

    @inlinable init(_ object: JSONValue) {
      current = JSONValue(tape: object.tape, strings: object.strings, at: object.index + 1)
      end = object.isObject ? object.next - 1 : object.index + 1
    }

    @inlinable public mutating func next() -> (name: JSONText, value: JSONValue)? {
      guard current.index < end else { return nil }
      let name = current.textUnchecked
      let value = JSONValue(tape: current.tape, strings: current.strings, at: current.index + 1)
      current = JSONValue(tape: value.tape, strings: value.strings, at: value.next)
      return (name, value)
    }
  }
}

/// A JSON string in place.
public typealias JSONText = ByteText
