/// Colours of terminal output; off where the output is no terminal, or NO_COLOR is set.
public struct Style: Sendable {
  public var coloured: Bool
  public init(coloured: Bool) { self.coloured = coloured }

  public func good(_ text: String) -> String { wrap(text, "32") }
  public func bad(_ text: String) -> String { wrap(text, "31;1") }
  public func warn(_ text: String) -> String { wrap(text, "33") }
  public func bold(_ text: String) -> String { wrap(text, "1") }
  public func dim(_ text: String) -> String { wrap(text, "2") }

  func wrap(_ text: String, _ code: String) -> String {
    coloured ? "\(Self.mark)[\(code)m\(text)\(Self.mark)[0m" : text
  }

  /// Stands for the terminal's escape in text that is still to be written (`VisibleText`): one of the private characters,
  /// drawn anew for each process, so that no name in an input can hold it on purpose.
  static let mark = Unicode.Scalar(UInt32.random(in: 0xF0000...0xFFFFD))!
}

/// Columns of text: each as wide as its widest cell.
public struct Columns {
  private var rows: [[String]] = []
  public init() {}

  public mutating func add(_ cells: String...) { rows.append(cells) }
  public mutating func add(_ cells: [String]) { rows.append(cells) }
  public var isEmpty: Bool { rows.isEmpty }

  /// Lines with `indent` blanks before and two between the columns; no trailing blanks.
  public func lines(indent: Int = 0) -> [String] {
    var widths: [Int] = []
    for row in rows {
      for (index, cell) in row.enumerated() {
        if index == widths.count { widths.append(0) }
        widths[index] = max(widths[index], cell.count)
      }
    }
    return rows.map { row in
      var line = String(repeating: " ", count: indent)
      for (index, cell) in row.enumerated() {
        line += cell
        if index < row.count - 1 { line += String(repeating: " ", count: widths[index] - cell.count + 2) }
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}

/// 0.333… → "33.3 %".
func percent(_ value: Double) -> String {
  let tenths = Int((value * 1000).rounded())
  if tenths == 0, value > 0 { return "< 0.1 %" }
  return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
}

/// Text cut to a width, the end replaced by "…".
func clip(_ text: String, _ width: Int) -> String {
  text.count <= width ? text : String(text.prefix(max(width - 1, 0))) + "…"
}

/// Text broken at blanks into lines of at most `width`.
func wrapped(_ text: String, _ width: Int) -> [String] {
  var lines: [String] = []
  var line = ""
  for word in text.split(separator: " ") {
    if !line.isEmpty, line.count + 1 + word.count > width {
      lines.append(line)
      line = ""
    }
    line += (line.isEmpty ? "" : " ") + word
  }
  if !line.isEmpty { lines.append(line) }
  return lines
}
