import Input

/// A dump as it stands in a ticket, made what the tool printed: without quotation marks of mail (`> `), fences and
/// indentation, with characters that a web page or a word processor replaced, and with its lines joined where they were
/// wrapped. Lines keep their numbers.
struct PastedText {
  /// What was done to it, as words for a note.
  private(set) var repairs: [StaticString] = []
  var lines: [ArraySlice<UInt8>]

  /// The file as it was before it was pasted, and what was mended; nil where nothing is to mend.
  static func restored(_ file: SourceFile) -> (file: SourceFile, repairs: [StaticString])? {
    guard !file.bytes.isEmpty, file.bytes.count <= Recognition.divisible else { return nil }
    switch DumpSection(file).firstByte {
    case UInt8(ascii: "{"), nil: return nil
    case UInt8(ascii: "["):
      // JSON; counters of rules, prompts and time stamps begin with one, too.
      let next = file.bytes.drop { $0 != UInt8(ascii: "[") }.dropFirst().first { $0 > 0x20 }
      if let next, [UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\"")].contains(next) {
        return nil
      }
    default: break
    }
    var text = PastedText(file)
    text.mend("a terminal's codes", text.hasTerminalCodes) { $0.replayTerminal() }
    text.mend("quoted text", text.isQuoted) { $0.unquote() }
    text.mend("fences", text.hasFences) { $0.unfence() }
    text.mend("code marks", text.lines.contains { Self.isCode($0) }) { $0.unmark() }
    text.mend("characters that a web page or word processor replaced", text.isTypeset) { $0.untypeset() }
    text.mend("what stands before every line", true) { $0.removePrefix() }
    text.mend("indentation", true) { $0.outdent() }
    text.mend("wrapped lines", true) { $0.unwrap() }
    text.mend("wrapped lines of other formats", true) { $0.unwrapOthers() }
    guard !text.repairs.isEmpty else { return nil }
    let bytes = Array(text.lines.joined(separator: CollectionOfOne(UInt8(ascii: "\n"))))
    return (SourceFile(name: file.name, contents: bytes), text.repairs)
  }

  private init(_ file: SourceFile) {
    // Old Macintosh programs, and terminals, end lines with CR alone.
    let isReturn = !file.bytes.contains(10) && file.bytes.contains(13)
    lines = Array(file.bytes).split(separator: isReturn ? 13 : 10, omittingEmptySubsequences: false)
    if isReturn { repairs.append("line ends") }
  }

  /// `change` tells whether it changed anything.
  private mutating func mend(_ name: StaticString, _ isNeeded: Bool, _ change: (inout PastedText) -> Bool) {
    if isNeeded, change(&self) { repairs.append(name) }
  }

  static func withText<T>(_ line: ArraySlice<UInt8>, _ body: (ByteText) -> T) -> T {
    line.withUnsafeBytes { body(ByteText(bytes: $0)) }
  }

  static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let first = line.firstIndex(where: { $0 > 0x20 }), let last = line.lastIndex(where: { $0 > 0x20 }) else {
      return []
    }
    return line[first...last]
  }

  static func format(_ line: ArraySlice<UInt8>) -> DumpFormat? { withText(line) { DumpFormat.of($0) } }

  // MARK: Quotation marks

  private var isQuoted: Bool { lines.contains { $0.first == UInt8(ascii: ">") } }

  private mutating func unquote() -> Bool {
    var changed = false
    for index in lines.indices {
      var line = lines[index]
      while line.first == UInt8(ascii: ">") {
        line = line.dropFirst()
        // `> text`, `>> text`, `> > text`
        if line.first == 0x20 { line = line.dropFirst() }
        changed = true
      }
      lines[index] = line
    }
    return changed
  }

  // MARK: Fences

  /// What a line that only marks text up does.
  private enum Fence { case toggles, opens, closes, neither }

  private static func fence(_ line: ArraySlice<UInt8>) -> Fence? {
    withText(trimmed(line)) { text in
      if text.hasPrefix("```") || text.hasPrefix("~~~") || text.hasPrefix("{code") || text.hasPrefix("{noformat") {
        return .toggles
      }
      if text.hasPrefix("[code") || text.hasPrefix("[quote") { return .opens }
      if text.hasPrefix("<pre") || text.hasPrefix("<code") {
        return text.contains("</pre") || text.contains("</code") ? .neither : .opens
      }
      if text.hasPrefix("[/code") || text.hasPrefix("[/quote") || text.hasPrefix("</pre") || text.hasPrefix("</code") {
        return .closes
      }
      let isTag =
        text.hasPrefix("<details") || text.hasPrefix("</details") || text.hasPrefix("<summary")
        || text.hasPrefix("</summary") || text == "<p>" || text == "</p>"
      return isTag ? .neither : nil
    }
  }

  private var hasFences: Bool { lines.contains { Self.fence($0) != nil || Self.endsInFence($0) } }

  /// `COMMIT```` of a chat.
  private static func endsInFence(_ line: ArraySlice<UInt8>) -> Bool {
    line.count > 3 && line.suffix(3).elementsEqual("```".utf8) && !line.starts(with: "```".utf8)
  }

  private mutating func unfence() -> Bool {
    blankProse()
    for index in lines.indices {
      let text = Self.trimmed(lines[index])
      guard Self.fence(text) != nil else {
        if Self.endsInFence(text) { lines[index] = text.dropLast(3) }
        continue
      }
      if Self.withText(text, { $0.contains("details") || $0.contains("summary") }) {
        // What `<summary>` holds is a title.
        lines[index] = []
      } else if text.first == UInt8(ascii: "<"), let end = text.firstIndex(of: UInt8(ascii: ">")) {
        // `<pre>*nat` goes on behind the tag.
        lines[index] = text[(end + 1)...]
      } else if text.first == UInt8(ascii: "`"), Self.isTold(text.dropFirst(3)) {
        // So does a chat's fence; elsewhere it names a language.
        lines[index] = text.dropFirst(3)
        if Self.endsInFence(lines[index]) { lines[index] = lines[index].dropLast(3) }
      } else {
        lines[index] = []
      }
    }
    return true
  }

  /// Where all that is a dump stands inside fences, what stands outside is somebody's words about it. Prompts, and lines that
  /// may name a node, stay.
  private mutating func blankProse() {
    var isInside = false
    var outside: [Int] = []
    var inside = 0
    for index in lines.indices {
      let text = Self.trimmed(lines[index])
      if let fence = Self.fence(text) {
        switch fence {
        case .toggles: isInside.toggle()
        case .opens: isInside = true
        case .closes: isInside = false
        case .neither: break
        }
        if isInside, text.first == UInt8(ascii: "`"), Self.isTold(text.dropFirst(3)) { inside += 1 }
        continue
      }
      if isInside {
        if Self.format(text) != nil { inside += 1 }
        if Self.endsInFence(text) { isInside = false }
      } else if !text.isEmpty {
        if Self.format(text) != nil { return }
        outside.append(index)
      }
    }
    guard inside > 0, !isInside else { return }
    for index in outside {
      let text = Self.trimmed(lines[index])
      if text.first == UInt8(ascii: "#") || text.last == UInt8(ascii: ":") { continue }
      if Self.withText(text, { Prompt.command(of: $0) }) == nil { lines[index] = [] }
    }
  }

  /// `` `a line` ``, or a line of a list of JSON strings (`"a line",`), as Ansible prints outputs.
  private static func isCode(_ line: ArraySlice<UInt8>) -> Bool {
    let text = trimmed(line)
    guard text.count > 2 else { return false }
    if text.first == UInt8(ascii: "`") {
      return text.last == UInt8(ascii: "`") && text.dropFirst().first != UInt8(ascii: "`")
    }
    guard text.first == UInt8(ascii: "\"") else { return false }
    return text.last == UInt8(ascii: "\"") || text.suffix(2).elementsEqual("\",".utf8)
  }

  /// Takes the marks off lines that are a dump without them.
  private mutating func unmark() -> Bool {
    let marked = lines.indices.filter { Self.isCode(lines[$0]) }
    func content(_ index: Int) -> ArraySlice<UInt8> {
      let text = Self.trimmed(lines[index])
      if text.first == UInt8(ascii: "`") { return text.dropFirst().dropLast() }
      let inner = text.dropFirst().dropLast(text.last == UInt8(ascii: ",") ? 2 : 1)
      var isEscaped = false
      return ArraySlice(
        inner.compactMap { byte -> UInt8? in
          defer { isEscaped = byte == UInt8(ascii: "\\") && !isEscaped }
          if isEscaped { return byte == UInt8(ascii: "t") ? 0x09 : byte }
          return byte == UInt8(ascii: "\\") ? nil : byte
        })
    }
    let told = marked.count { Self.format(Self.trimmed(content($0))) != nil }
    guard told > 0, !marked.contains(where: { Self.format(Self.trimmed(lines[$0])) != nil }) else { return false }
    for index in marked { lines[index] = content(index) }
    // The rest of the list.
    for index in lines.indices where lines[index].count < 200 {
      let text = Self.trimmed(lines[index])
      if text.elementsEqual("]".utf8) || text.elementsEqual("],".utf8) { lines[index] = [] }
    }
    return true
  }

  // MARK: Characters

  private static let entities: [(name: [UInt8], byte: UInt8)] =
    ([

      ("&quot;", "\""), ("&gt;", ">"), ("&lt;", "<"), ("&amp;", "&"), ("&#39;", "'"), ("&#34;", "\""), ("&#x27;", "'"),
      ("&apos;", "'"), ("&nbsp;", " "),
    ] as [(String, String)]).map { (Array($0.0.utf8), $0.1.utf8.first!) }

  /// What word processors and web pages make of quotes, dashes and blanks.
  private static let typeset: [(bytes: [UInt8], plain: [UInt8])] = [
    ("\u{201C}", "\""), ("\u{201D}", "\""), ("\u{201E}", "\""), ("\u{2033}", "\""), ("\u{00AB}", "\""),
    ("\u{00BB}", "\""),
    ("\u{2018}", "'"), ("\u{2019}", "'"), ("\u{2011}", "-"), ("\u{2010}", "-"), ("\u{2212}", "-"), ("\u{00A0}", " "),
    ("\u{2007}", " "), ("\u{202F}", " "), ("\u{200B}", ""), ("\u{FEFF}", ""),
    ("\u{2003}", " "), ("\u{2002}", " "), ("\u{2009}", " "), ("\u{3000}", " "), ("\u{200C}", ""), ("\u{200D}", ""),
    ("\u{2060}", ""), ("\u{00AD}", ""), ("\u{2032}", "'"), ("\u{FF0D}", "-"), ("\u{2026}", "..."),
  ].map { (Array($0.0.utf8), Array($0.1.utf8)) }
  /// En and em dash: two hyphens where a word begins with one, one between numbers.
  private static let dashes = ["\u{2013}", "\u{2014}"].map { Array($0.utf8) }

  private var isTypeset: Bool {
    lines.contains { line in
      line.contains { $0 == 0xE2 || $0 == 0xC2 || $0 == 0xEF || $0 == 0xE3 } || line.contains(UInt8(ascii: "&"))
    }
  }

  private mutating func untypeset() -> Bool {
    var changed = false
    for index in lines.indices {
      var line = lines[index]
      // A page that escaped one of these escaped them all.
      if line.contains(UInt8(ascii: "&")), !line.contains(UInt8(ascii: "\"")), !line.contains(UInt8(ascii: "<")) {
        line = Self.replaced(line) { rest in
          Self.entities.first { rest.starts(with: $0.name) }.map { ($0.name.count, [$0.byte]) }
        }
      }
      if line.contains(where: { $0 == 0xE2 || $0 == 0xC2 || $0 == 0xEF || $0 == 0xE3 }) {
        // Inside quotes that are still there such characters are the text's own.
        var isInQuotes = false
        var before: UInt8 = 0x20
        let hasQuotes = line.contains(UInt8(ascii: "\""))
        line = Self.replaced(line) { rest in
          defer { before = rest.first! }
          if rest.first == UInt8(ascii: "\"") { isInQuotes.toggle() }
          guard rest.first! >= 0x80, !(hasQuotes && isInQuotes) else { return nil }
          if let dash = Self.dashes.first(where: { rest.starts(with: $0) }) {
            return (dash.count, before == 0x20 ? [0x2D, 0x2D] : [0x2D])
          }
          return Self.typeset.first { rest.starts(with: $0.bytes) }.map { ($0.bytes.count, $0.plain) }
        }
      }
      if line != lines[index] {
        lines[index] = line
        changed = true
      }
    }
    return changed
  }

  /// `replacement` gets the rest of the line and tells how many bytes become which.
  private static func replaced(
    _ line: ArraySlice<UInt8>, _ replacement: (ArraySlice<UInt8>) -> (length: Int, bytes: [UInt8])?
  ) -> ArraySlice<UInt8> {
    var out: [UInt8] = []
    out.reserveCapacity(line.count)
    var at = line.startIndex
    while at < line.endIndex {
      if let (length, bytes) = replacement(line[at...]) {
        out += bytes
        at += length
      } else {
        out.append(line[at])
        at += 1
      }
    }
    return out[...]
  }

  // MARK: Indentation

  private static func indentation(_ line: ArraySlice<UInt8>) -> Int { line.prefix { $0 == 0x20 || $0 == 0x09 }.count }

  /// Takes its indentation off a block of indented lines that begins with a line of a dump, or a prompt, and stands alone:
  /// what belongs to an unindented line above it, as the details of `ip addr` do, keeps it.
  private mutating func outdent() -> Bool {
    var changed = false
    var index = 0
    var standsAlone = true
    while index < lines.count {
      let line = lines[index]
      if Self.trimmed(line).isEmpty {
        standsAlone = true
        index += 1
        continue
      }
      let depth = Self.indentation(line)
      guard depth > 0, standsAlone else {
        standsAlone = depth == 0 && Self.format(line) == nil && line.last == UInt8(ascii: ":") && !isKey(line)
        index += 1
        continue
      }
      var end = index
      var least = depth
      while end < lines.count {
        let next = lines[end]
        if !Self.trimmed(next).isEmpty {
          let own = Self.indentation(next)
          if own == 0 { break }
          least = min(least, own)
        }
        end += 1
      }
      let content = Self.trimmed(line)
      if Self.format(content) != nil && content.first != UInt8(ascii: "[")
        || Self.withText(content, { Prompt.command(of: $0) }) != nil
      {
        for position in index..<end where !lines[position].isEmpty {
          lines[position] = lines[position].dropFirst(min(least, Self.indentation(lines[position])))
        }
        changed = true
      }
      index = end
    }
    return changed
  }

  /// `spec:` of YAML, unlike `This is what I get:`.
  private func isKey(_ line: ArraySlice<UInt8>) -> Bool { !line.contains(0x20) }

  // MARK: Wrapped lines

  /// Lines that go on with a rule of iptables-save, whose lines all begin in a way of their own.
  private mutating func unwrap() -> Bool {
    var starts: [Int] = []
    var isInside = false
    var previous = -1
    /// A terminal breaks every line at the same column.
    let widest = lines.lazy.map(\.count).max() ?? 0
    let edge = widest >= 60 && lines.lazy.filter { $0.count == widest }.count > 1 ? widest : Int.max
    for index in lines.indices {
      let text = Self.trimmed(lines[index])
      if text.isEmpty {
        isInside = false
        continue
      }
      if text.starts(with: Self.append) || text.first == UInt8(ascii: "["), Self.format(text) == .iptablesSave {
        isInside = true
        previous = index
        continue
      }
      let isOwn =
        text.first == UInt8(ascii: "#") || Self.format(text) == .iptablesSave
        || Self.withText(text) { $0 == "COMMIT" || Prompt.isElision($0) || Prompt.command(of: $0) != nil }
      if isOwn || !isInside {
        isInside = false
        continue
      }
      if lines[previous].count == edge || goesOn(lines[previous], lines[index]) {
        starts.append(index)
      } else {
        isInside = false
      }
      if isInside { previous = index }
    }
    guard !starts.isEmpty else { return false }
    // It breaks them in the middle of a word; an editor breaks at blanks.
    let isHard = starts.allSatisfy { lines[$0 - 1].count == edge }
    for index in starts.reversed() {
      let above = lines[index - 1]
      let needsBlank = !isHard && above.last != 0x20 && lines[index].first != 0x20
      lines[index - 1] = ArraySlice(above + (needsBlank ? [0x20] : []) + lines[index])
      lines[index] = []
    }
    return true
  }

  private static let append = Array("-A ".utf8)

  /// Whether a rule that ends so is not over, or what follows can only belong to one.
  private func goesOn(_ above: ArraySlice<UInt8>, _ line: ArraySlice<UInt8>) -> Bool {
    if above.last == 0x20 || line.first == UInt8(ascii: "-") || line.first == UInt8(ascii: "!") { return true }
    if above.count(where: { $0 == UInt8(ascii: "\"") }) % 2 == 1 { return true }
    let last = above.lastIndex(of: 0x20).map { above[($0 + 1)...] } ?? above
    if last.first == UInt8(ascii: "-") { return true }
    // A word cut in two stands alone.
    return above.count >= 60 && !Self.trimmed(line).contains(0x20)
  }
}
