import Input

/// What terminals, editors and programs that print lines leave around a dump: another encoding, colours, keys that were pressed,
/// line numbers, time stamps, the marks of a diff.
extension PastedText {
  // MARK: Encoding

  /// UTF-16 as UTF-8, told by its byte order mark or by every other byte of its beginning being NUL; nil: it is none.
  static func decoded(_ file: SourceFile) -> SourceFile? {
    let bytes = file.bytes
    guard bytes.count >= 4, bytes.count <= Recognition.divisible else { return nil }
    let isLittle: Bool
    var at = 0
    if bytes[0] == 0xFF, bytes[1] == 0xFE {
      (isLittle, at) = (true, 2)
    } else if bytes[0] == 0xFE, bytes[1] == 0xFF {
      (isLittle, at) = (false, 2)
    } else {
      let head = bytes.prefix(64)
      let odd = stride(from: 1, to: head.count, by: 2).allSatisfy { head[$0] == 0 }
      let even = stride(from: 0, to: head.count, by: 2).allSatisfy { head[$0] == 0 }
      guard odd != even else { return nil }
      isLittle = odd
    }
    var units: [UInt16] = []
    units.reserveCapacity((bytes.count - at) / 2)
    while at + 1 < bytes.count {
      let (first, second) = (UInt16(bytes[at]), UInt16(bytes[at + 1]))
      units.append(isLittle ? second << 8 | first : first << 8 | second)
      at += 2
    }
    return SourceFile(name: file.name, text: String(decoding: units, as: UTF16.self))
  }

  // MARK: Terminal

  var hasTerminalCodes: Bool {
    lines.contains { line in
      line.contains { $0 == 0x1B || $0 == 0x08 } || line.dropLast().contains(0x0D)
    }
  }

  /// As the line stood on the screen in the end: without colours, with what was typed over and taken back.
  mutating func replayTerminal() -> Bool {
    var changed = false
    for index in lines.indices
    where lines[index].contains(where: { $0 == 0x1B || $0 == 0x08 }) || lines[index].dropLast().contains(0x0D) {
      lines[index] = Self.replayed(lines[index])
      changed = true
    }
    return changed
  }

  private static func replayed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var out: [UInt8] = []
    out.reserveCapacity(line.count)
    var column = 0
    var at = line.startIndex
    while at < line.endIndex {
      let byte = line[at]
      at += 1
      switch byte {
      case 0x1B:
        guard at < line.endIndex else { break }
        let kind = line[at]
        at += 1
        switch kind {
        case UInt8(ascii: "["):
          // Parameters, then one letter; `K` clears what stands behind.
          while at < line.endIndex, line[at] < 0x40 { at += 1 }
          if at < line.endIndex {
            if line[at] == UInt8(ascii: "K"), column < out.count { out.removeLast(out.count - column) }
            at += 1
          }
        case UInt8(ascii: "]"):
          // A title: up to BEL or ESC \.
          while at < line.endIndex, line[at] != 0x07, line[at] != 0x1B { at += 1 }
          if at < line.endIndex { at += line[at] == 0x1B ? 2 : 1 }
          at = min(at, line.endIndex)
        case UInt8(ascii: "("), UInt8(ascii: ")"): at = min(at + 1, line.endIndex)
        default: break
        }
      case 0x08: column = max(0, column - 1)
      case 0x07: break
      case 0x0D:
        // At the end it belongs to the line break.
        if at < line.endIndex { column = 0 }
      default:
        if column < out.count { out[column] = byte } else { out.append(byte) }
        column += 1
      }
    }
    return out[...]
  }

  // MARK: What stands before every line

  private enum Prefix: CaseIterable {
    case lineNumber, plus, bullet, timeStamp, label
  }

  /// Takes off what stands before every line of the text, where more of it is a dump without.
  mutating func removePrefix() -> Bool {
    let filled = lines.indices.filter { !Self.trimmed(lines[$0]).isEmpty }
    guard filled.count >= 2 else { return false }
    for prefix in Prefix.allCases {
      var lengths: [(line: Int, length: Int)] = []
      var number: Int?
      for index in filled {
        guard let length = Self.length(of: prefix, lines[index], &number) else { break }
        lengths.append((index, length))
      }
      guard lengths.count == filled.count, prefix != .label || haveOneLabel(lengths) else { continue }
      let sample = lengths.prefix(400)
      let before = sample.count { Self.isTold(lines[$0.line]) }
      let after = sample.count { Self.isTold(lines[$0.line].dropFirst($0.length)) }
      guard after > before else { continue }
      for (index, length) in lengths { lines[index] = lines[index].dropFirst(length) }
      // Numbers count blank lines too.
      if prefix == .lineNumber {
        for index in lines.indices where Self.trimmed(lines[index]).allSatisfy({ $0 >= 48 && $0 <= 57 }) {
          lines[index] = []
        }
      }
      return true
    }
    return false
  }

  /// Whether a line says what it is.
  static func isTold(_ line: ArraySlice<UInt8>) -> Bool {
    let text = trimmed(line)
    return format(text) != nil || withText(text) { Prompt.command(of: $0) != nil }
  }

  /// Nil: it does not stand there.
  private static func length(of prefix: Prefix, _ line: ArraySlice<UInt8>, _ number: inout Int?) -> Int? {
    switch prefix {
    case .lineNumber: lineNumber(line, &number)
    case .plus: line.first == UInt8(ascii: "+") ? (line.dropFirst().first == 0x20 ? 2 : 1) : nil
    case .bullet:
      line.dropFirst().first == 0x20 && (line.first == UInt8(ascii: "*") || line.first == UInt8(ascii: "-")) ? 2 : nil
    case .timeStamp: timeStamp(line)
    case .label: label(line)
    }
  }

  /// Whether all lines are labelled alike: lines of several hosts among each other are not one text. Names of files (`grep -r`)
  /// may differ.
  private func haveOneLabel(_ lengths: [(line: Int, length: Int)]) -> Bool {
    guard let first = lengths.first else { return false }
    func label(_ at: (line: Int, length: Int)) -> ArraySlice<UInt8> { lines[at.line].prefix(at.length) }
    return label(first).last == UInt8(ascii: ":") || lengths.allSatisfy { label($0) == label(first) }
  }

  /// What names the host, container or file that a line comes from: `node-a: `, `[pod/a/b] `, `collector-1  | `,
  /// `dumps/ip-addr.txt:`.
  private static func label(_ line: ArraySlice<UInt8>) -> Int? {
    if line.first == UInt8(ascii: "[") {
      guard let end = line.firstIndex(of: UInt8(ascii: "]")), end + 1 == line.endIndex || line[end + 1] == 0x20 else {
        return nil
      }
      return min(end + 2, line.endIndex) - line.startIndex
    }
    let word = line.prefix { $0 > 0x20 && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "|") }
    guard !word.isEmpty, word.endIndex < line.endIndex else { return nil }
    if line[word.endIndex] == UInt8(ascii: ":") {
      let next = word.endIndex + 1
      if next == line.endIndex || line[next] == 0x20 { return min(next + 1, line.endIndex) - line.startIndex }
      return word.contains(UInt8(ascii: "/")) || word.contains(UInt8(ascii: ".")) ? next - line.startIndex : nil
    }
    let bar = line[word.endIndex...].drop { $0 == 0x20 }
    guard bar.first == UInt8(ascii: "|") else { return nil }
    let next = bar.startIndex + 1
    guard next == line.endIndex || line[next] == 0x20 else { return nil }
    return min(next + 1, line.endIndex) - line.startIndex
  }

  /// `     1\t` of `cat -n`, `12: `, `12:` of `grep -n`, `12| `, `12 `: each one more than the one before, blank lines left out or not.
  private static func lineNumber(_ line: ArraySlice<UInt8>, _ number: inout Int?) -> Int? {
    var at = line.startIndex
    while at < line.endIndex, line[at] == 0x20 || line[at] == 0x09 { at += 1 }
    var value = 0
    let first = at
    while at < line.endIndex, at - first < 9, line[at] >= 48, line[at] <= 57 {
      value = value * 10 + Int(line[at] - 48)
      at += 1
    }
    guard at > first else { return nil }
    if let number, value <= number || value > number + 20 { return nil }
    number = value
    if at + 1 < line.endIndex, line[at] == 0x20, line[at + 1] == UInt8(ascii: "|") { at += 1 }
    if at < line.endIndex,
      [UInt8(ascii: ":"), UInt8(ascii: "|"), UInt8(ascii: "."), UInt8(ascii: ")")].contains(line[at])
    {
      at += 1
    }
    if at == line.endIndex || line[at] == 0x20 || line[at] == 0x09 {
      return min(at + 1, line.endIndex) - line.startIndex
    }
    // `grep -n`
    return line[at - 1] == UInt8(ascii: ":") ? at - line.startIndex : nil
  }

  /// What journald, a runtime's log and terminals that stamp their lines write: `2026-11-30T09:00:00.1Z stdout F `,
  /// `Nov 30 09:00:00 node-a collect[12]: `, `Nov 30 09:00:00 ` of `ts`, `[2026-11-30 09:00:00] `, `09:00:00 `.
  private static func timeStamp(_ line: ArraySlice<UInt8>) -> Int? {
    withText(line) { text in
      var words = Words(text)
      guard let first = words.next(), text.first != 0x20 else { return nil }
      var last = first
      if isDateTime(first) {
        if let stream = words.next(), let tag = words.next() {
          if stream == "stdout" || stream == "stderr" {
            if tag == "F" || tag == "P" { last = tag }
          } else if tag.contains("["), tag.last == UInt8(ascii: ":") {
            // `journalctl -o short-iso`: host and program.
            last = tag
          }
        }
      } else if isDate(first.first == UInt8(ascii: "[") ? first.dropFirst(1) : first), let time = words.next(),
        isTime(time)
      {
        last = time
      } else if isTime(first.first == UInt8(ascii: "[") ? first.dropFirst(1) : first) {
        last = first
      } else if first.count == 3, words.next()?.int != nil, let time = words.next(), isTime(time) {
        last = time
        if let host = words.next(), host.last != UInt8(ascii: ":"), let program = words.next(),
          program.last == UInt8(ascii: ":")
        {
          last = program
        }
      } else {
        return nil
      }
      guard let start = text.bytes.baseAddress, let end = last.bytes.baseAddress else { return nil }
      // One blank behind it; more are the line's own.
      return Swift.min(end - start + last.count + 1, text.count)
    }
  }

  private static func isDateTime(_ word: ByteText) -> Bool {
    word.count >= 19 && isDate(word[0..<10]) && word.bytes[10] == UInt8(ascii: "T") && isTime(word.dropFirst(11))
  }
  private static func isDate(_ word: ByteText) -> Bool {
    word.count == 10 && word.bytes[4] == UInt8(ascii: "-") && word.bytes[7] == UInt8(ascii: "-")
      && word[0..<4].int != nil
  }
  private static func isTime(_ word: ByteText) -> Bool {
    word.count >= 8 && word.bytes[2] == UInt8(ascii: ":") && word.bytes[5] == UInt8(ascii: ":")
      && word[0..<2].int != nil
      && word[3..<5].int != nil
  }
}
