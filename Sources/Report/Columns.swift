import Wire

/// A table of text. Where the terminal is too narrow for it, cells give way in this order: lists go over several lines, names
/// lose their middle; the first column's cells become headings of the others; at last each row becomes a block in which every
/// value stands behind its column's name. No other cell is ever cut or broken.
public struct Columns {
  /// What may happen to a column's cells.
  public enum Kind: Sendable {
    /// Nothing: an address, a number, a word.
    case whole
    /// The same, against the right edge.
    case number
    /// May lose its middle; an address among names does not.
    case name
    /// May go over several lines, behind its commas.
    case list
    /// Words that may go over several lines.
    case text
  }

  private let kinds: [Kind]
  private let header: [String]
  private var rows: [[String]] = []

  /// `header` empty: none. `kinds` may be shorter than a row; the rest is whole.
  public init(_ header: [String] = [], _ kinds: [Kind] = []) {
    self.header = header
    self.kinds = kinds
  }

  public mutating func add(_ cells: String...) { rows.append(cells) }
  public mutating func add(_ cells: [String]) { rows.append(cells) }
  public var isEmpty: Bool { rows.isEmpty }

  private static let gap = 2
  private static let shortestName = 12
  private static let narrowestText = 24

  private func kind(_ column: Int) -> Kind { column < kinds.count ? kinds[column] : .whole }

  /// Lines with `indent` blanks before and two between the columns; no trailing blanks.
  public func lines(_ width: Int? = nil, indent: Int = 0) -> [String] {
    let all = header.isEmpty ? rows : [header] + rows
    var widths = [Int](repeating: 0, count: all.map(\.count).max() ?? 0)
    for row in all {
      for (column, cell) in row.enumerated() { widths[column] = max(widths[column], columnWidth(cell)) }
    }
    guard let width else { return draw(all, widths, indent) }
    for gap in [Self.gap, 1] {
      if let fitted = fitted(widths, all, width - indent, from: 0, gap: gap) {
        return draw(all, fitted, indent, gap: gap)
      }
    }
    for gap in [Self.gap, 1] where !header.isEmpty {
      if let fitted = fitted(widths, all, width - indent - Self.inner, from: 1, gap: gap) {
        return headed(all, fitted, indent, gap)
      }
    }
    return blocks(width, indent)
  }

  /// What the first column's cells stand before, where they are headings.
  private static let inner = 2

  /// The widths with which the columns from `first` on fit; nil: they do not.
  private func fitted(
    _ natural: [Int], _ all: [[String]], _ width: Int, from first: Int, gap: Int = Self.gap
  ) -> [Int]? {
    var widths = natural
    func excess() -> Int { widths[first...].reduce(0) { $0 + $1 + gap } - gap - width }
    for kinds in [[Kind.list, .text], [.name]] {
      for column in widths.indices[first...].reversed() where kinds.contains(kind(column)) && excess() > 0 {
        widths[column] = max(least(column, all), widths[column] - excess())
      }
    }
    return excess() <= 0 ? widths : nil
  }

  /// Rows under their first cells, those of one under it together.
  private func headed(_ all: [[String]], _ widths: [Int], _ indent: Int, _ gap: Int) -> [String] {
    var lines: [String] = []
    var heading: String?
    for row in all {
      if row.first != heading {
        heading = row.first
        lines.append(String(repeating: " ", count: indent) + (heading ?? ""))
      }
      lines += draw([row], widths, indent + Self.inner, from: 1, gap: gap)
    }
    return lines
  }

  /// The least width of a column.
  private func least(_ column: Int, _ all: [[String]]) -> Int {
    let cells = all.compactMap { column < $0.count ? $0[column] : nil }
    let widest = cells.map { columnWidth($0) }.max() ?? 0
    let title = header.isEmpty ? 0 : columnWidth(header[column])
    switch kind(column) {
    case .whole, .number: return widest
    case .name:
      let addresses = cells.filter { Self.isAddress($0) }.map { columnWidth($0) }.max() ?? 0
      return min(widest, max(Self.shortestName, title, addresses))
    case .text: return min(widest, max(Self.narrowestText, title))
    case .list: return cells.flatMap { parts($0) }.map { columnWidth($0) }.max() ?? 0
    }
  }

  private static func isAddress(_ cell: String) -> Bool {
    guard let first = cell.utf8.first, first == UInt8(ascii: "[") || Character(Unicode.Scalar(first)).isHexDigit else {
      return false
    }
    let bare = cell.prefix { $0 != "/" }
    if IPAddress(bare) != nil { return true }
    let host = bare.prefix(upTo: bare.lastIndex(of: ":") ?? bare.endIndex)
    return IPAddress(host.first == "[" ? host.dropFirst().dropLast() : host) != nil
  }

  /// The parts of a list that stay whole, each with its comma.
  private func parts(_ cell: String) -> [String] {
    let parts = cell.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    return parts.enumerated().map { $0.offset == parts.count - 1 ? $0.element : $0.element + "," }
  }

  private func cellLines(_ cell: String, _ column: Int, _ width: Int) -> [String] {
    guard columnWidth(cell) > width else { return [cell] }
    switch kind(column) {
    case .whole, .number: return [cell]
    case .name: return [clipMiddle(cell, width)]
    case .text: return wrapped(cell, width)
    case .list:
      var lines: [String] = []
      for part in parts(cell) {
        if let last = lines.last, columnWidth(last) + columnWidth(part) <= width {
          lines[lines.count - 1] += part
        } else {
          lines.append(part)
        }
      }
      return lines
    }
  }

  private func draw(
    _ all: [[String]], _ widths: [Int], _ indent: Int, from first: Int = 0, gap: Int = Self.gap
  ) -> [String] {
    all.flatMap { row -> [String] in
      let cells = row.enumerated().map { $0.offset < first ? [] : cellLines($0.element, $0.offset, widths[$0.offset]) }
      return (0..<(cells.map(\.count).max() ?? 0)).map { number in
        var line = String(repeating: " ", count: indent)
        for (column, lines) in cells.enumerated().dropFirst(first) {
          let text = number < lines.count ? lines[number] : ""
          let padding = String(repeating: " ", count: max(0, widths[column] - columnWidth(text)))
          line += kind(column) == .number ? padding + text : text + padding
          if column < cells.count - 1 { line += String(repeating: " ", count: gap) }
        }
        while line.last == " " { line.removeLast() }
        return line
      }
    }
  }

  /// Each row as a block: its first cell, then `name value` pairs, as many on a line as fit.
  private func blocks(_ width: Int, _ indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    let inner = margin + "  "
    return rows.flatMap { row -> [String] in
      var lines = [margin + (row.first ?? "")]
      var line = ""
      for (column, cell) in row.enumerated().dropFirst() where !cell.isEmpty {
        let name = header.isEmpty ? "" : header[column].lowercased() + " "
        let value = name + cell
        if !line.isEmpty, columnWidth(inner + line) + 3 + columnWidth(value) <= width {
          line += "   " + value
          continue
        }
        if !line.isEmpty { lines.append(inner + line) }
        line = value
        guard columnWidth(inner + line) > width, kind(column) != .whole else { continue }
        let room = width - columnWidth(inner + name)
        let broken = cellLines(cell, column, max(room, Self.shortestName))
        let hang = String(repeating: " ", count: columnWidth(name))
        lines += broken.dropLast().enumerated().map { inner + ($0.offset == 0 ? name : hang) + $0.element }
        line = (broken.count == 1 ? name : hang) + (broken.last ?? "")
      }
      if !line.isEmpty { lines.append(inner + line) }
      return lines
    }
  }
}
