import CLibYAML

/// A YAML or JSON text as a tree that keeps its lines: for small files that people write, where a message must point at
/// the word that is wrong. Objects of a cluster go through `YAMLToJSON`, which is fast and keeps none.
public struct YAMLNode: Sendable {
  public indirect enum Content: Sendable {
    case null
    /// Numbers and booleans too, as they are spelled.
    case scalar(String)
    case sequence([YAMLNode])
    case mapping([Member])
  }

  public struct Member: Sendable {
    public var key: String
    /// Of the key.
    public var line: Int
    public var value: YAMLNode
  }

  /// From 1.
  public var line: Int
  public var content: Content

  /// Nodes that one text may have, copies made by aliases included, and how deep they may stand.
  static let maximumNodes = 100_000
  static let maximumDepth = 64

  /// The documents of a stream. Throws a diagnostic with the line.
  public static func documents(of file: SourceFile) throws(Diagnostic) -> [YAMLNode] {
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    defer { parser.deallocate() }
    guard yaml_parser_initialize(parser) == 1 else {
      throw Diagnostic(.error, file: file.name, .whole, "libyaml cannot start")
    }
    defer { yaml_parser_delete(parser) }
    yaml_parser_set_input_string(
      parser, file.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), file.bytes.count)
    var builder = Builder()
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(parser, &event) == 1 else {
        let what = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
        throw Diagnostic(
          .error, file: file.name, .line(Int(parser.pointee.problem_mark.line) + 1), "malformed YAML: \(what)")
      }
      defer { yaml_event_delete(&event) }
      if event.type == YAML_STREAM_END_EVENT { return builder.documents }
      if let problem = builder.take(event) {
        throw Diagnostic(.error, file: file.name, .line(Int(event.start_mark.line) + 1), problem)
      }
    }
  }

  private struct Builder {
    /// A collection that is not closed yet.
    struct Open {
      var node: YAMLNode
      var anchor: String?
      /// The key whose value comes next.
      var key: (text: String, line: Int)?
      var size = 1
      /// Of a mapping.
      var keys: Set<String> = []
    }
    var documents: [YAMLNode] = []
    var open: [Open] = []
    var anchors: [String: (node: YAMLNode, size: Int)] = [:]
    var nodes = 0

    /// Nil, or what is wrong.
    mutating func take(_ event: yaml_event_t) -> String? {
      let line = Int(event.start_mark.line) + 1
      switch event.type {
      case YAML_DOCUMENT_START_EVENT:
        anchors = [:]
        return nil
      case YAML_MAPPING_START_EVENT:
        return begin(YAMLNode(line: line, content: .mapping([])), event.data.mapping_start.anchor)
      case YAML_SEQUENCE_START_EVENT:
        return begin(YAMLNode(line: line, content: .sequence([])), event.data.sequence_start.anchor)
      case YAML_MAPPING_END_EVENT, YAML_SEQUENCE_END_EVENT:
        guard let done = open.popLast() else { return "a collection ends that did not begin" }
        if let anchor = done.anchor { anchors[anchor] = (done.node, done.size) }
        return add(done.node, size: done.size)
      case YAML_SCALAR_EVENT:
        let scalar = event.data.scalar
        let text = String(
          decoding: UnsafeRawBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE && scalar.tag == nil
        let isNull = isPlain && ["", "~", "null", "Null", "NULL"].contains(text)
        let node = YAMLNode(line: line, content: isNull ? .null : .scalar(text))
        if let anchor = scalar.anchor { anchors[String(cString: anchor)] = (node, 1) }
        return add(node, size: 1)
      case YAML_ALIAS_EVENT:
        let name = event.data.alias.anchor.map { String(cString: $0) } ?? ""
        guard let known = anchors[name] else { return "alias *\(escaped(name)) has no anchor before it" }
        return add(known.node, size: known.size)
      default: return nil
      }
    }

    private mutating func begin(_ node: YAMLNode, _ anchor: UnsafeMutablePointer<yaml_char_t>?) -> String? {
      guard open.count < maximumDepth else { return "YAML is nested deeper than \(maximumDepth) levels" }
      open.append(Open(node: node, anchor: anchor.map { String(cString: $0) }))
      return nil
    }

    private mutating func add(_ node: YAMLNode, size: Int) -> String? {
      nodes += size
      guard nodes <= maximumNodes else { return "YAML has more than \(maximumNodes) values" }
      guard let last = open.indices.last else {
        documents.append(node)
        return nil
      }
      open[last].size += size
      switch open[last].node.content {
      case .sequence(var list):
        open[last].node.content = .null
        list.append(node)
        open[last].node.content = .sequence(list)
      case .mapping(var members):
        guard let key = open[last].key else {
          guard case .scalar(let text) = node.content else { return "a key must be a word" }
          guard open[last].keys.insert(text).inserted else { return "key “\(escaped(text))” is given twice" }
          open[last].key = (text, node.line)
          return nil
        }
        open[last].node.content = .null
        members.append(Member(key: key.text, line: key.line, value: node))
        open[last].node.content = .mapping(members)
        open[last].key = nil
      default: break
      }
      return nil
    }
  }
}
