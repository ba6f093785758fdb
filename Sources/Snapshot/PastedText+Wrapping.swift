import Input

/// Lines of formats other than iptables-save that a mail program or a terminal broke. A line is joined to the one above it where
/// nothing of its format begins so.
extension PastedText {
  mutating func unwrapOthers() -> Bool {
    let widest = lines.lazy.map(\.count).max() ?? 0
    /// A terminal breaks every line at the same column.
    let edge = widest >= Self.narrowest && lines.lazy.filter { $0.count == widest }.count > 1 ? widest : Int.max
    var joins: [(index: Int, above: Int)] = []
    var owner: DumpFormat?
    var depth = 0
    var above: Int?
    var table: KubectlTable?
    /// The words of the row of a table, or of its heading, so far.
    var row: [ArraySlice<UInt8>] = []
    for index in lines.indices {
      let text = Self.trimmed(lines[index])
      if text.isEmpty {
        (owner, above, table) = (depth > 0 ? owner : nil, depth > 0 ? above : nil, nil)
        continue
      }
      let isIndented = lines[index].first == 0x20 || lines[index].first == 0x09
      if depth > 0 {
        // Inside braces every line but the closing one stands indented.
        if !isIndented, text.first != UInt8(ascii: "}"), let above,
          lines[above].first == 0x09 || lines[above].first == 0x20
        {
          joins.append((index, above))
          depth += Self.braces(text)
          continue
        }
        depth = max(0, depth + Self.braces(text))
        above = index
        if depth == 0 { owner = nil }
        continue
      }
      if let known = table, let last = above, Self.withText(text, { Prompt.command(of: $0) }) == nil {
        if known.isHeading(last) ? known.continues(text) : known.isWrapped && !known.isWhole(row) {
          joins.append((index, last))
          row += lines[index].split { $0 <= 0x20 }
          if known.isHeading(last) {
            table = KubectlTable(row, at: last, isWrapped: true)
            row = []
          }
        } else {
          above = index
          row = lines[index].split { $0 <= 0x20 }
        }
        continue
      }
      table = nil
      // The details of an interface belong to it.
      if isIndented, owner == .link {
        above = index
        continue
      }
      let format = isIndented ? nil : Self.format(text)
      if let last = above, let owner, !isIndented,
        Self.continues(owner, text) || Self.recognisable.contains(owner) && format == nil && lines[last].count == edge,
        Self.withText(text, { Prompt.command(of: $0) }) == nil
      {
        joins.append((index, last))
        continue
      }
      owner = format
      above = format == nil ? nil : index
      if format == .nftText { depth = max(0, Self.braces(text)) }
      if format == .objectText {
        row = lines[index].split { $0 <= 0x20 }
        table = KubectlTable(row, at: index, isWrapped: false)
      }
    }
    // A terminal breaks in the middle of words, at its edge only.
    let isHard = joins.allSatisfy { lines[$0.index - 1].count == edge }
    for (index, above) in joins { join(index, to: above, isHard: isHard) }
    return !joins.isEmpty
  }

  /// No terminal is narrower; mail programs break at less.
  private static let narrowest = 80

  /// Formats whose lines each say what they are: one that does not goes on with the line above.
  private static let recognisable: Set<DumpFormat> = [.route, .conntrack, .neighbour, .rule]

  private mutating func join(_ index: Int, to above: Int, isHard: Bool) {
    let needsBlank = !isHard && lines[above].last != 0x20 && lines[index].first != 0x20
    lines[above] = ArraySlice(lines[above] + (needsBlank ? [0x20] : []) + Self.trimmed(lines[index]))
    lines[index] = []
  }

  /// Words that stand inside lines of a format and never at their beginning.
  private static func continues(_ format: DumpFormat, _ line: ArraySlice<UInt8>) -> Bool {
    let word = line.prefix { $0 > 0x20 }
    switch format {
    case .route:
      return word.allSatisfy { $0 >= 48 && $0 <= 57 } && word.count == line.count
        || routeWords.contains { word.elementsEqual($0.utf8) }
    case .conntrack:
      return word.first == UInt8(ascii: "[") && !word.elementsEqual("[NEW]".utf8)
        && !word.elementsEqual("[DESTROY]".utf8)
        && !word.elementsEqual("[UPDATE]".utf8) || connectionKeys.contains { word.starts(with: $0.utf8) }
    case .link:
      // `default via …` is a route.
      if Self.format(line) != nil, !line.starts(with: "default qlen".utf8) { return false }
      return word.allSatisfy { $0 >= 48 && $0 <= 57 } && word.count == line.count
        || linkWords.contains { word.elementsEqual($0.utf8) }
    case .neighbour: return word.elementsEqual("lladdr".utf8) || word.elementsEqual("dev".utf8)
    case .rule:
      return word.elementsEqual("lookup".utf8) || word.elementsEqual("fwmark".utf8) || word.elementsEqual("iif".utf8)
    default: return false
    }
  }

  private static let routeWords = [
    "dev", "proto", "scope", "src", "metric", "via", "table", "linkdown", "onlink", "mtu", "advmss", "pref", "kernel",
    "link",
  ]
  private static let linkWords = [
    "mtu", "qdisc", "noqueue", "noop", "fq_codel", "mq", "master", "state", "UP", "DOWN", "UNKNOWN", "mode", "DEFAULT",
    "group", "default", "qlen", "brd", "scope", "global", "dynamic", "mngtmpaddr", "noprefixroute", "link-netnsid",
    "promiscuity", "preferred_lft", "forever", "numtxqueues", "gso_max_size",
  ]
  private static let connectionKeys = [
    "src=", "dst=", "sport=", "dport=", "mark=", "use=", "zone=", "packets=", "bytes=",
  ]

  private static func braces(_ line: ArraySlice<UInt8>) -> Int {
    var depth = 0
    var isQuoted = false
    for byte in line {
      switch byte {
      case UInt8(ascii: "\""): isQuoted.toggle()
      case UInt8(ascii: "{") where !isQuoted: depth += 1
      case UInt8(ascii: "}") where !isQuoted: depth -= 1
      case UInt8(ascii: "#") where !isQuoted: return depth
      default: break
      }
    }
    return depth
  }
}

/// A table of `kubectl get` whose heading tells how many cells a row has.
private struct KubectlTable {
  private let heading: Int
  private let columns: Int
  /// Its heading was, and so are its rows.
  let isWrapped: Bool
  /// A wrapped heading goes on with one of these.
  private static let names = [
    "AGE", "SELECTOR", "NODE", "NOMINATED", "READINESS", "GATES", "PORT(S)", "EXTERNAL-IP", "CLUSTER-IP", "IP",
    "RESTARTS",
    "STATUS", "VERSION", "INTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME", "ENDPOINTS", "PORTS", "TYPE",
  ]

  init(_ words: [ArraySlice<UInt8>], at index: Int, isWrapped: Bool) {
    heading = index
    self.isWrapped = isWrapped
    // NOMINATED NODE and READINESS GATES are one column each.
    columns = words.count { !$0.elementsEqual("NOMINATED".utf8) && !$0.elementsEqual("READINESS".utf8) }
  }

  func isHeading(_ index: Int) -> Bool { index == heading }

  /// Whether a row has all its cells.
  func isWhole(_ words: [ArraySlice<UInt8>]) -> Bool {
    // `5 (3d ago)` is one cell.
    words.count { $0.first != UInt8(ascii: "(") && !$0.elementsEqual("ago)".utf8) } >= columns
  }

  /// Whether a line can only be the rest of the heading.
  func continues(_ line: ArraySlice<UInt8>) -> Bool {
    let first = line.prefix { $0 > 0x20 }
    return Self.names.contains { first.elementsEqual($0.utf8) }
  }
}
