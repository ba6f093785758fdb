import Input

/// Columns that a terminal gives a text: two for wide characters (East Asian Width W and F, emoji), none for combining marks
/// and for our own colours. The ranges are those of Unicode 15's EastAsianWidth.txt, joined where only unassigned code
/// points lie between.
public func columnWidth(_ text: String) -> Int {
  if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text.utf8.count }
  var width = 0
  var isColour = false
  for scalar in text.unicodeScalars {
    if scalar == VisibleText.ownEscape {
      isColour = true
    } else if isColour {
      isColour = scalar != "m"
    } else {
      width += columnWidth(scalar)
    }
  }
  return width
}

private func columnWidth(_ scalar: Unicode.Scalar) -> Int {
  let value = scalar.value
  if value < 0x300 { return 1 }
  switch scalar.properties.generalCategory {
  case .nonspacingMark, .enclosingMark, .format: return 0
  default: break
  }
  return wideRanges.contains { $0.contains(value) } ? 2 : 1
}

private let wideRanges: [ClosedRange<UInt32>] = [
  0x1100...0x115F, 0x231A...0x231B, 0x2329...0x232A, 0x23E9...0x23EC, 0x23F0...0x23F0, 0x23F3...0x23F3,
  0x25FD...0x25FE, 0x2614...0x2615, 0x2648...0x2653, 0x267F...0x267F, 0x2693...0x2693, 0x26A1...0x26A1,
  0x26AA...0x26AB, 0x26BD...0x26BE, 0x26C4...0x26C5, 0x26CE...0x26CE, 0x26D4...0x26D4, 0x26EA...0x26EA,
  0x26F2...0x26F3, 0x26F5...0x26F5, 0x26FA...0x26FA, 0x26FD...0x26FD, 0x2705...0x2705, 0x270A...0x270B,
  0x2728...0x2728, 0x274C...0x274C, 0x274E...0x274E, 0x2753...0x2755, 0x2757...0x2757, 0x2795...0x2797,
  0x27B0...0x27B0, 0x27BF...0x27BF, 0x2B1B...0x2B1C, 0x2B50...0x2B50, 0x2B55...0x2B55, 0x2E80...0x303E,
  0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19,
  0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18D08, 0x1AFF0...0x1B2FF, 0x1F004...0x1F004,
  0x1F0CF...0x1F0CF, 0x1F18E...0x1F18E, 0x1F191...0x1F19A, 0x1F200...0x1F320, 0x1F32D...0x1F335, 0x1F337...0x1F37C,
  0x1F37E...0x1F393, 0x1F3A0...0x1F3CA, 0x1F3CF...0x1F3D3, 0x1F3E0...0x1F3F0, 0x1F3F4...0x1F3F4, 0x1F3F8...0x1F43E,
  0x1F440...0x1F440, 0x1F442...0x1F4FC, 0x1F4FF...0x1F53D, 0x1F54B...0x1F54E, 0x1F550...0x1F567, 0x1F57A...0x1F57A,
  0x1F595...0x1F596, 0x1F5A4...0x1F5A4, 0x1F5FB...0x1F64F, 0x1F680...0x1F6C5, 0x1F6CC...0x1F6CC, 0x1F6D0...0x1F6D2,
  0x1F6D5...0x1F6DF, 0x1F6EB...0x1F6EC, 0x1F6F4...0x1F6FC, 0x1F7E0...0x1F7F0, 0x1F90C...0x1F93A, 0x1F93C...0x1F945,
  0x1F947...0x1FAFF, 0x20000...0x3FFFD,
]

/// A text cut to so many columns, its end replaced by "…"; nil: whole.
func clip(_ text: String, _ width: Int?) -> String {
  guard let width, columnWidth(text) > width else { return text }
  var used = 0
  let head = text.prefix { character in
    used += columnWidth(String(character))
    return used < width
  }
  return head + "…"
}

/// A name cut in its middle: what tells names apart stands at either end.
func clipMiddle(_ text: String, _ width: Int) -> String {
  guard columnWidth(text) > width, width > 3 else { return clip(text, width) }
  let tail = (width - 1) / 2
  return String(text.prefix(width - 1 - tail)) + "…" + String(text.suffix(tail))
}

/// Text broken at blanks into lines of at most `width` columns, the first of `first`. Words stay whole: addresses are copied.
func wrapped(_ text: String, _ width: Int?, first: Int? = nil) -> [String] {
  guard let width else { return [text] }
  var lines: [String] = []
  var line = ""
  var used = 0
  for word in text.split(separator: " ") {
    let wide = columnWidth(String(word))
    if used > 0, used + 1 + wide > (lines.isEmpty ? first ?? width : width) {
      lines.append(line)
      (line, used) = ("", 0)
    }
    line += (used == 0 ? "" : " ") + word
    used += (used == 0 ? 0 : 1) + wide
  }
  if used > 0 { lines.append(line) }
  return lines
}
