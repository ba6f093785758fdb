import Wire

/// Times and spans as people read them.
enum TimeText {
  /// Nanoseconds since 1970 as `2024-05-01T12:00:00.123456Z`; nil for 0.
  static func iso(_ nanoseconds: Int64) -> String? {
    guard nanoseconds != 0 else { return nil }
    var seconds = nanoseconds / 1_000_000_000
    var rest = nanoseconds % 1_000_000_000
    if rest < 0 {
      rest += 1_000_000_000
      seconds -= 1
    }
    var days = seconds / 86_400
    var second = seconds % 86_400
    if second < 0 {
      second += 86_400
      days -= 1
    }
    return "\(CalendarDate(daysSince1970: Int(days)))T\(pad(second / 3600, 2)):\(pad(second / 60 % 60, 2)):"
      + "\(pad(second % 60, 2)).\(pad(rest / 1000, 6))Z"
  }

  static func pad(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  /// Nanoseconds as `12 µs`, `3.4 ms`, `1.25 s`, `5 min 3 s`, `2 h 5 min`.
  static func span(_ nanoseconds: Int64) -> String {
    switch nanoseconds {
    case ..<0: "-"
    case ..<1000: "\(nanoseconds) ns"
    case ..<1_000_000: "\(nanoseconds / 1000) µs"
    case ..<1_000_000_000: "\(decimal(nanoseconds, unit: 1_000_000, digits: 1)) ms"
    case ..<120_000_000_000: "\(decimal(nanoseconds, unit: 1_000_000_000, digits: 2)) s"
    case ..<7_200_000_000_000: "\(nanoseconds / 60_000_000_000) min \(nanoseconds / 1_000_000_000 % 60) s"
    default: "\(nanoseconds / 3_600_000_000_000) h \(nanoseconds / 60_000_000_000 % 60) min"
    }
  }

  static func decimal(_ value: Int64, unit: Int64, digits: Int) -> String {
    let scale: Int64 = digits == 1 ? 10 : 100
    let scaled = value / (unit / scale)
    return "\(scaled / scale).\(pad(scaled % scale, digits))"
  }
}
