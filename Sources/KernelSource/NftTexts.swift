import Ruleset
import Wire

/// nft's spelling of statements that the walk keeps as text.
enum NftTexts {
  static func counter(_ data: Attributes) -> String {
    "counter packets \(data[2]?.be64 ?? 0) bytes \(data[1]?.be64 ?? 0)"
  }

  /// An expression of a set's element.
  static func expression(_ element: Attributes) -> String {
    let data = element[2] ?? Attributes(UnsafeRawBufferPointer(start: nil, count: 0))
    switch element[1]?.string {
    case "counter": return counter(data)
    case "limit": return limit(data)
    case "quota": return quota(data)
    case "connlimit": return connectionLimit(data)
    case "last": return "last used never"
    case let name: return name ?? ""
    }
  }

  static func connectionLimit(_ data: Attributes) -> String {
    "ct count \((data[2]?.be32 ?? 0) & 1 != 0 ? "over " : "")\(data[1]?.be32 ?? 0)"
  }

  static func limit(_ data: Attributes) -> String {
    let rate = data[1]?.be64 ?? 0
    let unit: String =
      switch data[2]?.be64 ?? 1 {
      case 1: "second"
      case 60: "minute"
      case 3600: "hour"
      case 86400: "day"
      default: "week"
      }
    let burst = data[3]?.be32 ?? 0
    let over = (data[5]?.be32 ?? 0) & 1 != 0 ? "over " : ""
    if data[4]?.be32 == 1 {
      let (value, name) = size(rate)
      var text = "limit rate \(over)\(value) \(name)/\(unit)"
      if burst > 0 {
        let (value, name) = size(UInt64(burst))
        text += " burst \(value) \(name)"
      }
      return text
    }
    return "limit rate \(over)\(rate)/\(unit)" + (burst > 0 && burst != 5 ? " burst \(burst) packets" : "")
  }

  private static func size(_ value: UInt64) -> (UInt64, String) {
    if value > 0, value.isMultiple(of: 1 << 20) { return (value >> 20, "mbytes") }
    if value > 0, value.isMultiple(of: 1 << 10) { return (value >> 10, "kbytes") }
    return (value, "bytes")
  }

  static func quota(_ data: Attributes) -> String {
    let flags = data[2]?.be32 ?? 0
    let (value, name) = size(data[1]?.be64 ?? 0)
    var text = "quota \(flags & 1 != 0 ? "over " : "")\(value) \(name)"
    if let used = data[4]?.be64, used > 0 {
      let (value, name) = size(used)
      text += " used \(value) \(name)"
    }
    return text
  }

  static func log(_ data: Attributes) -> String {
    var text = "log"
    if let prefix = data[2]?.string { text += " prefix \"\(prefix)\"" }
    if let group = data[1]?.be16 {
      text += " group \(group)"
      if let length = data[3]?.be32 { text += " snaplen \(length)" }
      if let threshold = data[4]?.be16 { text += " queue-threshold \(threshold)" }
      return text
    }
    if let level = data[5]?.be32, level != 4 {
      let names = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit"]
      text += " level \(Int(level) < names.count ? names[Int(level)] : "\(level)")"
    }
    if let flags = data[6]?.be32, flags != 0 {
      if flags & 31 == 31 { return text + " flags all" }
      if flags & 3 != 0 {
        text +=
          " flags tcp "
          + [flags & 1 != 0 ? "sequence" : "", flags & 2 != 0 ? "options" : ""].filter { !$0.isEmpty }.joined(
            separator: ",")
      }
      if flags & 4 != 0 { text += " flags ip options" }
      if flags & 8 != 0 { text += " flags skuid" }
      if flags & 16 != 0 { text += " flags ether" }
    }
    return text
  }

  static func queue(_ data: Attributes) -> String {
    let flags = data[3]?.be16 ?? 0
    var names: [String] = []
    if flags & 1 != 0 { names.append("bypass") }
    if flags & 2 != 0 { names.append("fanout") }
    let first = data[1]?.be16 ?? 0
    let total = data[2]?.be16 ?? 1
    return "queue" + (names.isEmpty ? "" : " flags \(names.joined(separator: ","))") + " to \(first)"
      + (total > 1 ? "-\(first + total - 1)" : "")
  }

  /// Milliseconds as nft prints them: `1h30m`.
  static func duration(_ milliseconds: UInt64) -> String {
    var rest = milliseconds
    var text = ""
    for (unit, name) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")]
      as [(UInt64, String)]
    {
      let value = rest / unit
      rest %= unit
      if value > 0 { text += "\(value)\(name)" }
    }
    return text.isEmpty ? "0s" : text
  }
}
