import Input
import PacketPath
import Ruleset
import Snapshot

/// A rule's own text, its comment behind it: where there is little room the comment is shortened, never an address.
struct RuleText {
  let style: Style

  func lines(_ text: String, indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    let (rule, comment) = Self.parted(text)
    let shown = printable(rule, limit: .max)
    guard let comment else { return broken(shown, margin) }
    let note = "  # \(printable(comment, limit: .max))"
    guard let width = style.width else { return [margin + shown + style.dim(note)] }
    let room = width - indent - columnWidth(shown)
    if room >= columnWidth(note) { return [margin + shown + style.dim(note)] }
    if room >= Self.shortestNote { return [margin + shown + style.dim(clip(note, room))] }
    return broken(shown, margin)
  }

  private static let shortestNote = 12

  private func broken(_ text: String, _ margin: String) -> [String] {
    style.paragraph(margin, text, hanging: margin.count + 4)
  }

  /// iptables' `-m comment --comment X` and nft's `comment "X"`, taken out of the rule.
  static func parted(_ text: String) -> (rule: String, comment: String?) {
    for opening in ["-m comment --comment ", "/* "] {
      guard let start = text.range(of: opening) else { continue }
      let rest = text[start.upperBound...]
      let comment: Substring
      let behind: Substring
      if opening == "/* " {
        guard let close = rest.range(of: " */") else { return (text, nil) }
        (comment, behind) = (rest[..<close.lowerBound], rest[close.upperBound...])
      } else if rest.first == "\"" {
        guard let close = closingQuote(rest.dropFirst()) else { return (text, nil) }
        (comment, behind) = (rest[rest.index(after: rest.startIndex)..<close], rest[rest.index(after: close)...])
      } else {
        let end = rest.firstIndex(of: " ") ?? rest.endIndex
        (comment, behind) = (rest[..<end], rest[end...])
      }
      return (joined(text[..<start.lowerBound], behind), String(comment))
    }
    if let start = text.range(of: " comment \""), let close = closingQuote(text[start.upperBound...]) {
      let behind = text[text.index(after: close)...]
      return (joined(text[..<start.lowerBound], behind), String(text[start.upperBound..<close]))
    }
    return (text, nil)
  }

  private static func closingQuote(_ text: Substring) -> Substring.Index? {
    var at = text.startIndex
    while at < text.endIndex {
      if text[at] == "\"" { return at }
      if text[at] == "\\" { at = text.index(after: at) }
      if at < text.endIndex { at = text.index(after: at) }
    }
    return nil
  }

  private static func joined(_ before: Substring, _ behind: Substring) -> String {
    var head = before
    while head.last == " " { head.removeLast() }
    let tail = behind.drop { $0 == " " }
    return tail.isEmpty ? String(head) : "\(head) \(tail)"
  }
}

extension StringProtocol {
  /// Where a text first stands; without Foundation.
  fileprivate func range(of text: String) -> Range<Index>? {
    let bytes = Array(text.utf8)
    var at = utf8.startIndex
    while at < utf8.endIndex {
      if utf8[at] == bytes[0], utf8[at...].starts(with: bytes) {
        return at..<utf8.index(at, offsetBy: bytes.count)
      }
      at = utf8.index(after: at)
    }
    return nil
  }
}
