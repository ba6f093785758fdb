/// Divides a text where a JSON string needs an escape: each piece that stands as it is, and the code behind it (nil at the
/// end). Escaped are what RFC 8259 asks for, and what terminals obey or do not show: U+007F to U+009F, the marks that
/// turn the direction of writing, and the two line separators.
@inline(__always)
func divideForJSON(_ text: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, UInt16?) -> Void) {
  var clean = 0
  for (index, byte) in text.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5C || byte >= 0x7F {
    var code = UInt16(byte)
    var length = 1
    if byte >= 0x80 {
      guard byte < 0xC0, let wide = hiddenCode(text, endingAt: index) else { continue }
      code = wide
      length = wide < 0x800 ? 2 : 3
    }
    body(UnsafeRawBufferPointer(rebasing: text[clean...index].dropLast(length)), code)
    clean = index + 1
  }
  body(UnsafeRawBufferPointer(rebasing: text[clean...]), nil)
}

/// The code that ends with the byte at `index`, where it is one to hide.
private func hiddenCode(_ text: UnsafeRawBufferPointer, endingAt index: Int) -> UInt16? {
  let byte = text[index]
  if index >= 1, text[index - 1] == 0xC2, byte < 0xA0 { return UInt16(byte) }
  if index >= 1, text[index - 1] == 0xD8, byte == 0x9C { return 0x061C }
  guard index >= 2, text[index - 2] == 0xE2 else { return nil }
  switch (text[index - 1], byte) {
  case (0x80, 0x8E...0x8F), (0x80, 0xA8...0xAE): return 0x2000 | UInt16(byte - 0x80)
  case (0x81, 0xA6...0xA9): return 0x2040 | UInt16(byte - 0x80)
  default: return nil
  }
}

/// What stands behind the backslash: a letter, or `u` and four digits.
@inline(__always)
func appendJSONEscape(_ code: UInt16, _ append: (UInt8) -> Void) {
  append(0x5C)
  switch code {
  case 0x22, 0x5C: append(UInt8(code))
  case 0x0A: append(UInt8(ascii: "n"))
  case 0x09: append(UInt8(ascii: "t"))
  default:
    append(UInt8(ascii: "u"))
    for shift in stride(from: 12, through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: code >> UInt16(shift) & 15)
      append(digit < 10 ? 0x30 + digit : 0x57 + digit)
    }
  }
}
