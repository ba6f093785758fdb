import Wire

/// Builds JSON text as bytes, in the order in which it is called. Commas are its business.
public struct JSONWriter: Sendable {
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  public init() {}

  public mutating func reset() {
    bytes.removeAll(keepingCapacity: true)
    needsComma = false
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  public mutating func beginObject() {
    separate()
    bytes.append(UInt8(ascii: "{"))
    needsComma = false
  }
  public mutating func endObject() {
    bytes.append(UInt8(ascii: "}"))
    needsComma = true
  }
  public mutating func beginArray() {
    separate()
    bytes.append(UInt8(ascii: "["))
    needsComma = false
  }
  public mutating func endArray() {
    bytes.append(UInt8(ascii: "]"))
    needsComma = true
  }

  public mutating func key(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    name.withUTF8Buffer { bytes.append(contentsOf: $0) }
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  public mutating func key(_ name: String) {
    string(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  public mutating func null() { raw("null") }
  public mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

  public mutating func number(_ value: some BinaryInteger) {
    separate()
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    appendDecimal(UInt64(value.magnitude), to: &bytes)
    needsComma = true
  }

  /// The shortest text that reads back as the same number.
  public mutating func number(_ value: Double) {
    separate()
    if value == value.rounded(), abs(value) < 1e15 {
      if value < 0 { bytes.append(UInt8(ascii: "-")) }
      appendDecimal(UInt64(abs(value)), to: &bytes)
    } else {
      bytes.append(contentsOf: "\(value)".utf8)
    }
    needsComma = true
  }

  public mutating func address(_ value: IPAddress) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    value.append(to: &bytes)
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  public mutating func string(_ text: String) {
    var copy = text
    copy.withUTF8 { string(UnsafeRawBufferPointer($0)) }
  }

  /// `divideForJSON` says what is escaped; bytes that are no UTF-8 must be replaced before.
  public mutating func string(_ text: UnsafeRawBufferPointer) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    divideForJSON(text) { plain, code in
      bytes.append(contentsOf: plain)
      if let code { appendJSONEscape(code) { bytes.append($0) } }
    }
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  public mutating func string(_ text: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  /// A value that is JSON already.
  public mutating func raw(_ json: StaticString) {
    separate()
    json.withUTF8Buffer { bytes.append(contentsOf: $0) }
    needsComma = true
  }

  public mutating func raw(_ json: [UInt8]) {
    separate()
    bytes.append(contentsOf: json)
    needsComma = true
  }

  public mutating func newline() {
    bytes.append(10)
    needsComma = false
  }
}
