import Input

/// What is to be known of a dump format besides how it is read: loader, collector, help, fuzz targets and tests go by it.
/// It stands in its reader's file.
public struct DumpDescriptor: Sendable {
  /// What a dump of it becomes part of.
  enum Role: Sendable {
    /// Of several copies of a table one is walked: `RuleSelection` chooses.
    case rules
    case facts
    /// The cluster's, for the Intent reader.
    case objects
  }

  /// A file of a snapshot and the command that fills it.
  public struct Collected: Sendable {
    public let file: String
    public let command: [String]
    init(_ file: String, _ command: String...) {
      self.file = file
      self.command = command
    }
  }

  public let format: DumpFormat
  /// The file that it stands in, without `.swift`: its reader's name.
  public let reader: String
  let role: Role
  public var holdsRules: Bool { role == .rules }
  /// The commands that print it, the one to ask people for first.
  public let commands: [String]
  /// How `kubepath snapshot` fills files of it; none: another format tells the same.
  public let collected: [Collected]
  /// Whether a line that stands alone can only be one of it.
  let recognises: @Sendable (DumpLine) -> Bool
  /// Whether a JSON text that begins so is one of it; nil: it never is JSON.
  let recognisesJSON: (@Sendable (ByteText) -> Bool)?
  /// Whether a file or command of this name (in lower case) would hold it, for content that is silent: nothing, or `[]`.
  let isNamed: (@Sendable (String) -> Bool)?
  /// Whether a command prints one whose lines tell nothing by themselves; nil: they tell what they are.
  let isPromised: (@Sendable (String) -> Bool)?
  /// What an empty one says; nil: nothing.
  let empty: (@Sendable (inout Snapshot) -> Void)?
  /// Reads one dump. The rules of several are chosen among first.
  let read: @Sendable (RecognisedDump, inout Snapshot) -> Void

  init(
    _ format: DumpFormat, role: Role = .facts, commands: [String], collected: [Collected] = [],
    isNamed: (@Sendable (String) -> Bool)? = nil, empty: (@Sendable (inout Snapshot) -> Void)? = nil,
    json: (@Sendable (ByteText) -> Bool)? = nil, isPromised: (@Sendable (String) -> Bool)? = nil,
    fileID: String = #fileID,
    read: @escaping @Sendable (RecognisedDump, inout Snapshot) -> Void,
    recognises: @escaping @Sendable (DumpLine) -> Bool
  ) {
    self.format = format
    reader = String(fileID.split(separator: "/").last?.split(separator: ".").first ?? "")
    self.role = role
    self.commands = commands
    self.collected = collected
    self.isNamed = isNamed
    self.empty = empty
    recognisesJSON = json
    self.isPromised = isPromised
    self.read = read
    self.recognises = recognises
  }

  /// Reads a file of this format, whatever it looks like.
  public func read(_ file: SourceFile, into snapshot: inout Snapshot) {
    read(RecognisedDump(format: format, section: DumpSection(file)), &snapshot)
  }
}

/// A line that is to be recognised, not indented, with its first two words.
struct DumpLine {
  let text: ByteText
  /// Empty where the line is indented or has no words.
  let first: ByteText
  let second: ByteText
  /// What follows the second word.
  let rest: Words

  init(_ text: ByteText) {
    self.text = text
    var words = Words(text)
    let none = text[0..<0]
    if text.first == 0x20 || text.first == 0x09 {
      first = none
      second = none
    } else {
      first = words.next() ?? none
      second = words.next() ?? none
    }
    rest = words
  }
}
