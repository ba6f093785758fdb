import Input
import Wire

/// One dump inside a file.
struct RecognisedDump {
  var format: DumpFormat
  var section: DumpSection
  /// The command that printed it, where a prompt before it says so.
  var command: String?
  /// The node's name, where a prompt or a heading before it says so.
  var host: String?
  var isJSON = false
}

/// A file divided into dumps, and what of it is none.
struct RecognisedFile {
  var dumps: [RecognisedDump] = []
  var unread: [UnreadPart] = []
}

/// Divides files into dumps.
enum Recognition {
  /// Up to this size a file may hold several dumps; larger ones are one, told by their first lines, so that a dump of
  /// hundreds of megabytes is read only once.
  static let divisible = 4 << 20
  /// So many bytes of a large file tell what it is.
  private static let head = 1 << 18

  static func dumps(in file: SourceFile) -> [RecognisedDump] { divide(file).dumps }

  static func divide(_ file: SourceFile) -> RecognisedFile {
    let whole = file.bytes.count
    guard whole > divisible else { return Divider.divide(DumpSection(file)) }
    let first = Divider.divide(DumpSection(file, range: 0..<head, firstLine: 1))
    guard first.dumps.count == 1, var only = first.dumps.first else {
      return first.dumps.isEmpty ? RecognisedFile() : Divider.divide(DumpSection(file))
    }
    only.section.range = only.section.range.lowerBound..<whole
    return RecognisedFile(dumps: [only], unread: [])
  }

  /// Whether a file is text at all: no NUL in its beginning.
  static func isBinary(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.prefix(4096).contains(0) }

  /// Only where the content is silent (an empty JSON array): what a command or a file name promises.
  static func named(_ file: String, _ command: String?) -> DumpFormat? {
    let name = (command ?? file).lowercased()
    return DumpFormat.allCases.first { $0.descriptor.recognisesJSON != nil && $0.descriptor.isNamed?(name) ?? false }
  }
}

/// One pass over a file's lines.
private struct Divider {
  private let whole: DumpSection
  private var result = RecognisedFile()
  private var current: RecognisedDump?
  /// What a prompt said, and where.
  private var command: String?
  /// Where it stands, by prompts and headings.
  private var host: String?
  /// The command ran in a network namespace of its own.
  private var isOtherNamespace = false
  /// The command prints what looks like rules of iptables and is none.
  private var isOfNoReader = false
  /// What that command prints, where only it tells.
  private var promised: DumpFormat?
  private var commandOffset: Int?
  private var commandLine = 0
  /// Lines up to here belong to a JSON text.
  private var skipTo = 0
  /// Inside the braces of an nft table.
  private var depth = 0
  /// Between `*TABLE` and COMMIT, where comments are comments.
  private var isInTable = false
  /// Behind a COMMIT: what is no line of iptables-save ends the dump.
  private var isCommitted = false
  private var strangers: Strangers?

  /// Lines in a row that belong to nothing that is read.
  private struct Strangers {
    var lines: ClosedRange<Int>
    var areRules: Bool
    /// Whose output they are.
    var known: KnownOutput?
    /// All of them are known to stop nothing.
    var areHarmless: Bool
  }

  private init(_ whole: DumpSection) { self.whole = whole }

  /// More than so many runs of strange lines are told as one.
  private static let maximumUnread = 8

  static func divide(_ whole: DumpSection) -> RecognisedFile {
    var divider = Divider(whole)
    return divider.run()
  }

  private mutating func run() -> RecognisedFile {
    for line in whole.lines where line.offset >= skipTo {
      if !line.text.isEmpty { read(line) }
    }
    close(whole.range.upperBound)
    closeStrangers()
    // One that tells nothing by itself.
    if result.dumps.isEmpty, !whole.range.isEmpty, let format = DumpFormat.promised(byFile: whole.file.name) {
      result = RecognisedFile(dumps: [RecognisedDump(format: format, section: whole, command: command)])
    }
    return result
  }

  private mutating func close(_ at: Int) {
    guard var done = current else { return }
    done.section.range = done.section.range.lowerBound..<max(at, done.section.range.lowerBound)
    add(done)
    current = nil
    depth = 0
    isCommitted = false
    isInTable = false
  }

  /// What was printed in a namespace of its own is not the node's; objects are the cluster's wherever they are asked for.
  private mutating func add(_ dump: RecognisedDump) {
    guard isOtherNamespace, dump.format.descriptor.role != .objects, dump.format != .kernelLog else {
      return result.dumps.append(dump)
    }
    var last = dump.section.firstLine
    for line in dump.section.lines where !line.text.isEmpty { last = line.number }
    result.unread.append(
      UnreadPart(.text, .otherNamespace, file: whole.file.name, lines: dump.section.firstLine...last))
  }

  private mutating func open(_ format: DumpFormat, _ line: LineScanner.Line) {
    closeStrangers()
    var start = line.offset
    var number = line.number
    // kubectl's prompt tells the namespace.
    if format == .objectText, let offset = commandOffset, current == nil {
      start = offset
      number = commandLine
    }
    current = RecognisedDump(
      format: format,
      section: DumpSection(whole.file, range: start..<whole.range.upperBound, firstLine: number), command: command,
      host: host)
  }

  private mutating func closeStrangers() {
    guard let strangers else { return }
    self.strangers = nil
    if strangers.areHarmless { return }
    let content: UnreadPart.Content = strangers.areRules ? .rules : .text
    if result.unread.count >= Self.maximumUnread, let last = result.unread.last {
      result.unread[result.unread.count - 1] = UnreadPart(
        last.content == .rules ? .rules : content, .unknownFormat, file: whole.file.name,
        lines: last.lines.lowerBound...strangers.lines.upperBound)
      return
    }
    result.unread.append(
      UnreadPart(
        content, strangers.known.map { .known($0) } ?? .unknownFormat, file: whole.file.name, lines: strangers.lines))
  }

  private mutating func stranger(_ line: LineScanner.Line) {
    let text = line.text.trimmed
    guard !text.isEmpty, !Prompt.isNoise(text) else { return }
    if readTableHeading(text) { return }
    if let heading = Prompt.heading(text) {
      host = heading
      return
    }
    // What surrounds outputs: rulers and comments tell nothing.
    if text.first == UInt8(ascii: "#") || text.bytes.allSatisfy({ !isWordByte($0) }) { return }
    let known = strangers?.known ?? KnownOutput.of(text, command: command)
    let areRules =
      known?.holdsRules
      ?? (Prompt.printsRules(command ?? whole.file.name) || text.contains(" -j ") || text.hasPrefix("Chain ")
        || text.contains(" anywhere "))
    let isHarmless = known?.isHarmless(text) ?? false
    if let before = strangers {
      strangers = Strangers(
        lines: before.lines.lowerBound...line.number,
        areRules: before.areRules || areRules, known: known,
        areHarmless: before.areHarmless && isHarmless)
    } else {
      strangers = Strangers(
        lines: line.number...line.number, areRules: areRules, known: known, areHarmless: isHarmless)
    }
  }

  /// A loop over the tables prints their names above each.
  private mutating func readTableHeading(_ text: ByteText) -> Bool {
    guard let table = Prompt.tableHeading(text), command.map(Prompt.printsRules) ?? true else { return false }
    command = "\(command?.contains("ip6tables") ?? false ? "ip6tables" : "iptables") -t \(table) -S"
    return true
  }

  private var isLog: Bool { current?.format == .kernelLog || current?.format == .componentLog }

  private func isWordByte(_ byte: UInt8) -> Bool {
    byte >= 48 && byte <= 57 || byte | 0x20 >= 97 && byte | 0x20 <= 122 || byte >= 0x80
  }

  private mutating func read(_ line: LineScanner.Line) {
    let text = line.text
    let isObject = current?.format == .objects
    let format = depth == 0 && !isObject ? DumpFormat.of(text) : nil
    if depth == 0, format == nil, !isObject || text.first != 0x20, let prompted = Prompt.command(of: text) {
      close(line.offset)
      closeStrangers()
      command = prompted
      let place = CommandPlace(prompted)
      host = place.host ?? Prompt.host(of: text) ?? host
      isOtherNamespace = place.isOtherNamespace
      isOfNoReader = KnownOutput.of(text, command: prompted)?.looksLikeOther ?? false
      promised = DumpFormat.promised(by: prompted)
      commandOffset = line.offset
      commandLine = line.number
      return
    }
    if isOfNoReader, !text.trimmed.isEmpty { return stranger(line) }
    if depth == 0, let promised {
      self.promised = nil
      return open(promised, line)
    }
    if depth > 0, Prompt.isElision(text.trimmed) {
      result.unread.append(UnreadPart(.rules, .cut, file: whole.file.name, lines: line.number...line.number))
    }
    if depth > 0 || isObject {
      if current?.format == .nftText { depth = max(0, depth + Self.braces(text)) }
      return
    }
    if readJSON(line) { return }
    // A quoted table may stand indented, and so do conntrack's events; nothing else is told by an indented line.
    let trimmed = text.trimmed
    let quoted = current == nil && trimmed.hasPrefix("table ") ? DumpFormat.of(trimmed) : nil
    guard let format = format ?? quoted else { return unknown(line) }
    if format != current?.format {
      // Rules and chains of one dump look alike; a kernel log and a description may quote anything.
      if current?.format == .kernelLog || current?.format == .componentLog { return }
      if current?.format == .objectText, format != .objectText, command != nil { return }
      close(line.offset)
      open(format, line)
    } else if format == .iptablesSave, text.hasPrefix("# Generated by"), startsOther(text) {
      close(line.offset)
      open(format, line)
    }
    if format == .iptablesSave, text.first == UInt8(ascii: "*") { isInTable = true }
    isCommitted = format == .iptablesSave && isCommitted && text.first == UInt8(ascii: "#")
    if format == .nftText { depth = max(0, depth + Self.braces(text)) }
  }

  /// A line that could be anything: it goes on with the dump it stands in, or is the value that the command promised.
  private mutating func unknown(_ line: LineScanner.Line) {
    // The reader of iptables-save says so itself.
    if let current, current.format.descriptor.holdsRules, current.format != .iptablesSave,
      Prompt.isElision(line.text.trimmed)
    {
      result.unread.append(
        UnreadPart(.rules, .cut, file: whole.file.name, lines: line.number...line.number))
      return
    }
    if current?.format == .iptablesSave && !isInTable || current?.format == .iptablesListing,
      Prompt.tableHeading(line.text.trimmed) != nil
    {
      close(line.offset)
      if readTableHeading(line.text.trimmed) { return }
    }
    // What only one program prints ends what stands above it, too.
    if current != nil, !isLog, current?.format != .objectText, KnownOutput.of(line.text.trimmed, command: nil) != nil {
      close(line.offset)
      command = nil
    }
    // A heading ends what stands above it.
    if current != nil, depth == 0, current?.format != .objects, current?.format != .objectText, !isLog,
      let heading = Prompt.heading(line.text.trimmed)
    {
      close(line.offset)
      host = heading
      return
    }
    if current?.format == .iptablesSave {
      if line.text.trimmed == "COMMIT" {
        isCommitted = true
        isInTable = false
      } else if isCommitted, line.text.trimmed.first.map({ $0 != UInt8(ascii: "#") }) ?? false {
        close(line.offset)
        command = nil
      }
    }
    guard current == nil else { return }
    stranger(line)
  }

  private mutating func readJSON(_ line: LineScanner.Line) -> Bool {
    let text = line.text
    guard text.first == UInt8(ascii: "{") || text.first == UInt8(ascii: "["), current?.format != .kernelLog,
      Self.looksLikeJSON(text), DumpFormat.of(text) == nil
    else { return false }
    close(line.offset)
    closeStrangers()
    let bytes = whole.file.bytes
    let end = whole.range.upperBound
    // One that does not end is malformed to its last byte; its reader says where.
    let extent = JSONValidator.extent(in: bytes, from: line.offset, end: end) ?? line.offset..<end
    let head = ByteText(bytes: UnsafeRawBufferPointer(rebasing: bytes[extent.prefix(8192)]))
    let named = Recognition.named(whole.file.name, command)
    if let format = DumpFormat.ofJSON(head) ?? (head.trimmed.count < 16 ? named : nil) {
      add(
        RecognisedDump(
          format: format, section: DumpSection(whole.file, range: extent, firstLine: line.number), command: command,
          host: host, isJSON: true))
    }
    skipTo = extent.upperBound
    return true
  }

  /// Whether a header begins the dump of another program or version than the one being read.
  private func startsOther(_ header: ByteText) -> Bool {
    guard let current else { return true }
    let start = ByteText(bytes: UnsafeRawBufferPointer(rebasing: whole.file.bytes[current.section.range.prefix(200)]))
    let first = start.split(at: 10)?.before ?? start
    guard first.hasPrefix("# Generated by") else { return true }
    return first.contains("ip6tables") != header.contains("ip6tables")
      || first.contains("nf_tables") != header.contains("nf_tables")
  }

  private static func looksLikeJSON(_ text: ByteText) -> Bool {
    guard let next = text.bytes.dropFirst().first(where: { $0 != 0x20 && $0 != 0x09 }) else { return true }
    switch next {
    case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\""): return true
    default: return false
    }
  }

  private static func braces(_ text: ByteText) -> Int {
    var depth = 0
    var quoted = false
    for byte in text.bytes {
      switch byte {
      case UInt8(ascii: "\""): quoted.toggle()
      case UInt8(ascii: "{") where !quoted: depth += 1
      case UInt8(ascii: "}") where !quoted: depth -= 1
      case UInt8(ascii: "#") where !quoted: return depth
      default: break
      }
    }
    return depth
  }
}
