import Wire

// Matches that look at any bytes of a packet: string, u32, bpf.
extension XtMatch {
  static func content(_ name: String, _ revision: UInt32, _ blob: XtBlob) -> String? {
    switch (name, revision) {
    case ("string", 1): string(blob)
    case ("u32", 0): words(blob)
    case ("bpf", 0): program(blob, count: blob.u16(0), at: 4)
    case ("bpf", 1) where blob.u16(0) == 0: program(blob, count: blob.u16(2), at: 8)
    case ("bpf", 1) where blob.u16(0) == 1: "--object-pinned \(XtText.bare(blob.string(8, 512)))"
    default: nil
    }
  }

  /// struct xt_string_info
  private static func string(_ blob: XtBlob) -> String {
    let flags = blob.u8(149)
    let pattern = (0..<min(Int(blob.u8(148)), 128)).map { blob.u8(20 + $0) }
    var text = XtText.not(flags & 1 != 0)
    // A backslash at the end would hide the quote.
    if pattern.last == UInt8(ascii: "\\") || !pattern.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
      let digits = pattern.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      text += "--hex-string \"|\(digits.joined())|\""
    } else {
      let escaped = pattern.flatMap { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") ? [0x5C, $0] : [$0] }
      text += "--string \"\(String(decoding: escaped, as: UTF8.self))\""
    }
    text += " --algo \(XtText.bare(blob.string(4, 16)))"
    if blob.u16(0) != 0 { text += " --from \(blob.u16(0))" }
    if blob.u16(2) != 0xFFFF { text += " --to \(blob.u16(2))" }
    return text + (flags & 2 != 0 ? " --icase" : "")
  }

  /// struct xt_u32: up to eleven tests, each of up to eleven numbers with operators between, and as many ranges.
  private static func words(_ blob: XtBlob) -> String? {
    let operators = ["&", "<<", ">>", "@"]
    var tests: [String] = []
    for index in 0..<min(Int(blob.u8(1980)), 11) {
      let at = index * 180
      var text = ""
      for number in 0..<min(Int(blob.u8(at + 176)), 11) {
        let sign = Int(blob.u8(at + number * 8 + 4))
        guard sign < operators.count else { return nil }
        text += (number == 0 ? "" : operators[sign]) + XtText.hex(blob.u32(at + number * 8))
      }
      let values = (0..<min(Int(blob.u8(at + 177)), 11)).map { value in
        let (low, high) = (blob.u32(at + 88 + value * 8), blob.u32(at + 92 + value * 8))
        return low == high ? XtText.hex(low) : "\(XtText.hex(low)):\(XtText.hex(high))"
      }
      tests.append("\(text)=\(values.joined(separator: ","))")
    }
    return "\(XtText.not(blob.u8(1981) != 0))--u32 \"\(tests.joined(separator: "&&"))\""
  }

  /// struct sock_filter: code, jump if true, jump if false, operand.
  private static func program(_ blob: XtBlob, count: UInt16, at start: Int) -> String {
    let list = (0..<min(Int(count), 64)).map { index in
      let at = start + index * 8
      return "\(blob.u16(at)) \(blob.u8(at + 2)) \(blob.u8(at + 3)) \(blob.u32(at + 4))"
    }
    return "--bytecode \"\((["\(list.count)"] + list).joined(separator: ","))\""
  }
}
