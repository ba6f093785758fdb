import CLibYAML

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Turns YAML into JSON, so that one decoder serves both. Only plain scalars become null, booleans and numbers (the
/// core schema); everything quoted stays a string. Aliases are copied, within a bound that stops "billion laughs".
public enum YAMLToJSON {
  public struct Limits: Sendable {
    public var outputBytes = 2 << 30
    /// Output made by aliases only.
    public var aliasBytes = 64 << 20
    public var depth = 512
    public init() {}
  }

  /// One JSON text a document of the stream; empty documents are left out. Throws a diagnostic with the line.
  public static func documents(
    of file: SourceFile, range: Range<Int>? = nil, limits: Limits = Limits()
  ) throws(Diagnostic) -> [SourceFile] {
    var results: [SourceFile] = []
    try visit(file, range: range, limits: limits) { document throws(Diagnostic) in results.append(document) }
    return results
  }

  /// Hands over one document after the other, and throws at the first that is malformed: what stands before it was
  /// visited then.
  public static func visit(
    _ file: SourceFile, range: Range<Int>? = nil, limits: Limits = Limits(),
    _ body: (SourceFile) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    let range = (range ?? 0..<file.bytes.count).clamped(to: 0..<file.bytes.count)
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    defer { parser.deallocate() }
    guard yaml_parser_initialize(parser) == 1 else {
      throw Diagnostic(.error, file: file.name, .whole, "libyaml cannot start")
    }
    defer { yaml_parser_delete(parser) }
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
    yaml_parser_set_input_string(parser, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    let firstLine = range.lowerBound == 0 ? 1 : file.line(at: range.lowerBound)
    var writer = Writer(limits: limits)
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(parser, &event) == 1 else {
        let what = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
        throw Diagnostic(
          .error, file: file.name, .line(firstLine + Int(parser.pointee.problem_mark.line)), "malformed YAML: \(what)")
      }
      defer { yaml_event_delete(&event) }
      if event.type == YAML_STREAM_END_EVENT { return }
      if let problem = writer.take(event) {
        throw Diagnostic(.error, file: file.name, .line(firstLine + Int(event.start_mark.line)), problem)
      }
      if event.type == YAML_DOCUMENT_END_EVENT, let text = writer.finish() {
        try body(SourceFile(name: file.name, contents: text))
      }
    }
  }

  private struct Writer {
    let limits: Limits
    var out: [UInt8] = []
    var copied = 0
    /// Open collections: whether a mapping, and how many nodes it has had.
    var open: [(mapping: Bool, count: Int)] = []
    /// Where an anchored node's text stands, once it is complete.
    var anchors: [String: [UInt8]] = [:]
    /// Anchored collections that are not closed yet: name, start, depth.
    var pending: [(name: String, start: Int, depth: Int)] = []

    init(limits: Limits) { self.limits = limits }

    mutating func finish() -> [UInt8]? {
      defer {
        out = []
        anchors = [:]
        pending = []
        open = []
        copied = 0
      }
      return out.isEmpty || out == Array("null".utf8) ? nil : out
    }

    /// Nil, or what is wrong.
    mutating func take(_ event: yaml_event_t) -> String? {
      switch event.type {
      case YAML_MAPPING_START_EVENT:
        guard open.count < limits.depth else { return "YAML is nested deeper than \(limits.depth) levels" }
        if isKey { return "a mapping as a key has no JSON" }
        separate()
        begin(event.data.mapping_start.anchor)
        out.append(UInt8(ascii: "{"))
        open.append((true, 0))
      case YAML_SEQUENCE_START_EVENT:
        guard open.count < limits.depth else { return "YAML is nested deeper than \(limits.depth) levels" }
        if isKey { return "a sequence as a key has no JSON" }
        separate()
        begin(event.data.sequence_start.anchor)
        out.append(UInt8(ascii: "["))
        open.append((false, 0))
      case YAML_MAPPING_END_EVENT, YAML_SEQUENCE_END_EVENT:
        guard let closed = open.popLast() else { return "a collection ends that did not begin" }
        out.append(closed.mapping ? UInt8(ascii: "}") : UInt8(ascii: "]"))
        if let last = pending.last, last.depth == open.count {
          pending.removeLast()
          if let problem = keep(last.name, out[last.start...]) { return problem }
        }
      case YAML_SCALAR_EVENT:
        let scalar = event.data.scalar
        let key = isKey
        separate()
        let start = out.count
        let value = UnsafeRawBufferPointer(start: scalar.value, count: scalar.length)
        let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE && scalar.tag == nil
        if key || !isPlain || !appendPlain(ByteText(bytes: value)) { appendString(value) }
        if let anchor = scalar.anchor, !key, let problem = keep(String(cString: anchor), out[start...]) {
          return problem
        }
      case YAML_ALIAS_EVENT:
        let name = event.data.alias.anchor.map { String(cString: $0) } ?? ""
        guard let text = anchors[name] else { return "alias *\(escaped(name)) has no anchor before it" }
        if isKey, text.first != UInt8(ascii: "\"") { return "an alias as a key must be a string" }
        copied += text.count
        guard copied <= limits.aliasBytes else { return tooManyCopies }
        separate()
        out += text
      default: break
      }
      return out.count > limits.outputBytes ? "is larger than \(limits.outputBytes >> 20) MiB as JSON" : nil
    }

    private var isKey: Bool { open.last.map { $0.mapping && $0.count & 1 == 0 } ?? false }

    private mutating func begin(_ anchor: UnsafeMutablePointer<yaml_char_t>?) {
      guard let anchor else { return }
      pending.append((String(cString: anchor), out.count, open.count))
    }

    private var tooManyCopies: String { "aliases expand to more than \(limits.aliasBytes >> 20) MiB" }

    /// Nil, or what is wrong.
    private mutating func keep(_ name: String, _ text: ArraySlice<UInt8>) -> String? {
      // Kept texts count like copies: an anchor in an anchor in an anchor …
      copied += text.count
      guard copied <= limits.aliasBytes else { return tooManyCopies }
      anchors[name] = Array(text)
      return nil
    }

    /// The comma or colon before the next node.
    private mutating func separate() {
      guard let last = open.indices.last else { return }
      let count = open[last].count
      if open[last].mapping, count & 1 == 1 {
        out.append(UInt8(ascii: ":"))
      } else if count > 0 {
        out.append(UInt8(ascii: ","))
      }
      open[last].count += 1
      // Lines of the JSON follow the members, so that a later message has a line near the place.
      if !open[last].mapping || count & 1 == 0, open.count < 6 { out.append(10) }
    }

    /// null, booleans and numbers of the core schema.
    private mutating func appendPlain(_ text: ByteText) -> Bool {
      switch text {
      case "", "~", "null", "Null", "NULL": out += "null".utf8
      case "true", "True", "TRUE": out += "true".utf8
      case "false", "False", "FALSE": out += "false".utf8
      default:
        guard text.count <= 40 else { return false }
        let digits = text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+") ? text.dropFirst(1) : text
        guard let first = digits.first, (48...57).contains(first) else { return false }
        if digits.bytes.allSatisfy({ (48...57).contains($0) }) {
          // 0123 is a decimal number of the core schema, but JSON has no leading zeros; what is longer is not exact.
          guard digits.count <= 18, let value = digits.int else { return false }
          if text.first == UInt8(ascii: "-") { out.append(UInt8(ascii: "-")) }
          out += String(value).utf8
          return true
        }
        if digits.hasPrefix("0x"), let value = digits.number(UInt64.self), value < 1 << 62, text.first == first {
          out += String(value).utf8
          return true
        }
        guard
          digits.bytes.allSatisfy({ (48...57).contains($0) || $0 == 46 || $0 | 0x20 == 0x65 || $0 == 43 || $0 == 45 }),
          let value = Double(text.string), value.isFinite
        else { return false }
        out += String(value).utf8
      }
      return true
    }

    private mutating func appendString(_ bytes: UnsafeRawBufferPointer) {
      out.append(UInt8(ascii: "\""))
      for byte in bytes {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
        case 10: out += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
        case 0..<0x20:
          let hex = String(byte, radix: 16)
          out += Array((hex.count == 1 ? "\\u000" : "\\u00").utf8) + Array(hex.utf8)
        default: out.append(byte)
        }
      }
      out.append(UInt8(ascii: "\""))
    }
  }
}
