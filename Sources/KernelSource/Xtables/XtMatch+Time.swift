import Wire

extension XtMatch {
  /// struct xt_time_info
  static func time(_ name: String, _ blob: XtBlob) -> String? {
    guard name == "time" else { return nil }
    var parts: [String] = []
    if blob.u32(8) != 0 || blob.u32(12) != 86399 {
      parts.append("--timestart \(clock(blob.u32(8))) --timestop \(clock(blob.u32(12)))")
    }
    if blob.u32(16) != 0xFFFF_FFFE {
      let days = (1...31).filter { blob.u32(16) >> $0 & 1 != 0 }
      parts.append("--monthdays \(days.map { "\($0)" }.joined(separator: ","))")
    }
    if blob.u8(20) != 0xFE {
      let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].enumerated()
      parts.append(
        "--weekdays \(XtText.names(UInt32(blob.u8(20)), names.map { ($0.element, 2 << UInt32($0.offset)) }))")
    }
    if blob.u32(0) != 0 { parts.append("--datestart \(date(blob.u32(0)))") }
    if blob.u32(4) != .max { parts.append("--datestop \(date(blob.u32(4)))") }
    if blob.u8(21) & 1 != 0 { parts.append("--kerneltz") }
    if blob.u8(21) & 2 != 0 { parts.append("--contiguous") }
    return parts.joined(separator: " ")
  }

  /// Seconds of a day.
  private static func clock(_ seconds: UInt32) -> String {
    "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
  }

  private static func two(_ number: UInt32) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// Seconds since 1970 in UTC, by the days of a year that begins in March: its leap day is the last.
  private static func date(_ seconds: UInt32) -> String {
    let days = seconds / 86400 + 719_468
    let era = days / 146_097
    let ofEra = days % 146_097
    let year = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * year + year / 4 - year / 100)
    let month = (5 * ofYear + 2) / 153
    let day = ofYear - (153 * month + 2) / 5 + 1
    let calendar = month < 10 ? month + 3 : month - 9
    return "\(year + era * 400 + (calendar <= 2 ? 1 : 0))-\(two(calendar))-\(two(day))T\(clock(seconds % 86400))"
  }
}
