import Input

/// How an output looks where it is read: colours, and the width that there is.
public struct Style: Sendable {
  public var coloured: Bool
  /// The terminal's columns; nil: no limit, as in a pipe, a file and `-o wide`. Nothing is cut or broken there.
  public var width: Int?

  public init(coloured: Bool, width: Int? = nil) {
    self.coloured = coloured
    self.width = width.map { max($0, Self.narrowest) }
  }

  /// Narrower than this nothing is drawn well; it is drawn for this then.
  private static let narrowest = 40

  // Of the 256 colours, those that stand out from black and from white alike (3.5:1 and more), told apart without
  // red and green. Each goes with a word or a sign: nothing is told by colour alone.
  public static let goodColour: UInt8 = 32
  public static let badColour: UInt8 = 166
  public static let warnColour: UInt8 = 133

  public func good(_ text: String) -> String { wrap(text, "38;5;\(Self.goodColour)") }
  public func bad(_ text: String) -> String { wrap(text, "1;38;5;\(Self.badColour)") }
  public func warn(_ text: String) -> String { wrap(text, "38;5;\(Self.warnColour)") }
  public func bold(_ text: String) -> String { wrap(text, "1") }
  public func dim(_ text: String) -> String { wrap(text, "2") }

  private func wrap(_ text: String, _ code: String) -> String {
    coloured && !text.isEmpty
      ? "\(VisibleText.ownEscape)[\(code)m\(text)\(VisibleText.ownEscape)[0m" : text
  }

  /// The same without a limit.
  public var unlimited: Style { Style(coloured: coloured) }

  /// What is left of the width behind so many columns; nil: all there is.
  func left(_ columns: Int) -> Int? { width.map { max($0 - columns, Self.narrowest / 2) } }

  /// A text behind `heading`, broken at blanks; later lines stand under its first word, or `hanging` columns in.
  public func paragraph(_ heading: String, _ text: String, hanging: Int? = nil) -> [String] {
    let indent = hanging ?? columnWidth(heading)
    let margin = String(repeating: " ", count: indent)
    let first = columnWidth(heading)
    guard let width else { return [heading + text] }
    return wrapped(text, width - indent, first: width - first).enumerated().map {
      ($0.offset == 0 ? heading : margin) + $0.element
    }
  }

  /// A line that is cut where the terminal ends.
  func cut(_ text: String) -> String { clip(text, width) }
}

/// 0.333… → "33.3 %".
func percent(_ value: Double) -> String {
  let tenths = Int((value * 1000).rounded())
  if tenths == 0, value > 0 { return "< 0.1 %" }
  return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
}

/// `1 node`, `3 nodes`, `2 Services`.
public func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
