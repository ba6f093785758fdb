import Input

/// Times as the API writes them.
enum Timestamp {
  /// `2026-11-30T09:00:00Z`, with or without a fraction, in seconds since 1970; 0: it is none.
  static func seconds(_ text: ByteText) -> Int {
    guard text.count >= 19, let year = text[0..<4].int, let month = text[5..<7].int, let day = text[8..<10].int,
      let hour = text[11..<13].int, let minute = text[14..<16].int, let second = text[17..<19].int,
      (1...12).contains(month), (1...31).contains(day), (0...24).contains(hour), (0...60).contains(minute)
    else { return 0 }
    return ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
  }

  /// Since 1970-01-01, in the Gregorian calendar; years begin in March, so that the leap day is the last.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let y = month <= 2 ? year - 1 : year
    let era = y / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// `2026-11-30T09:00:00Z`
  static func text(_ seconds: Int) -> String {
    let (day, rest) = seconds.quotientAndRemainder(dividingBy: 86400)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    // The inverse of `days`.
    let shifted = day + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return
      "\(year)-\(two(month))-\(two(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1))T\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
  }
}
