import Wire

// Matches that count: hashlimit, quota, connbytes.
extension XtMatch {
  static func limits(_ name: String, _ revision: UInt32, _ blob: XtBlob) -> String? {
    switch (name, revision) {
    case ("hashlimit", 1...3): hashLimit(HashLimit(blob, revision), blob.version)
    case ("quota", 0): "\(XtText.not(blob.u32(0) & 1 != 0))--quota \(blob.u64(8))"
    case ("connbytes", 0): connectionBytes(blob)
    default: nil
    }
  }

  /// struct xt_hashlimit_mtinfo1, 2 and 3
  private struct HashLimit {
    var name: String
    var average: UInt64
    var burst: UInt64
    var mode: UInt32
    var size: UInt32
    var maximum: UInt32
    var collection: UInt32
    var expire: UInt32
    var interval: UInt32 = 1
    var masks: (source: UInt8, destination: UInt8)
    /// Units of `average` a second.
    var scale: UInt64

    init(_ blob: XtBlob, _ revision: UInt32) {
      let isWide = revision > 1
      name = blob.string(0, isWide ? 255 : 16)
      average = isWide ? blob.u64(256) : UInt64(blob.u32(20))
      burst = isWide ? blob.u64(264) : UInt64(blob.u32(24))
      mode = blob.u32(isWide ? 272 : 16)
      let rest = isWide ? 276 : 28
      size = blob.u32(rest)
      maximum = blob.u32(rest + 4)
      collection = blob.u32(rest + 8)
      expire = blob.u32(rest + 12)
      if revision == 3 { interval = blob.u32(rest + 16) }
      let masksAt = rest + (revision == 3 ? 20 : 16)
      masks = (blob.u8(masksAt), blob.u8(masksAt + 1))
      scale = isWide ? 1_000_000 : 10_000
    }
  }

  private static func hashLimit(_ limit: HashLimit, _ version: IPVersion) -> String {
    var parts: [String] = []
    let word = limit.mode & 16 != 0 ? "--hashlimit-above" : "--hashlimit-upto"
    // How long an entry lives when nothing else is said, in milliseconds.
    let lifetime: UInt64
    if limit.mode & 32 != 0 {
      let rate = bytes(limit.average)
      parts.append("\(word) \(unit(rate) { cost(of: $0) == limit.average })b/s")
      if limit.burst > 0 {
        parts.append(
          "--hashlimit-burst \(unit(rate.multipliedReportingOverflow(by: limit.burst).partialValue) { _ in true })b")
      }
      lifetime = limit.burst > 0 ? 60_000 : 15_000
    } else {
      let rate = XtText.rate(period: limit.average, scale: limit.scale)
      parts += ["\(word) \(rate.text)", "--hashlimit-burst \(limit.burst)"]
      lifetime = rate.unit * 1000
    }
    let modes = XtText.names(limit.mode, [("srcip", 4), ("srcport", 8), ("dstip", 1), ("dstport", 2)])
    if !modes.isEmpty { parts.append("--hashlimit-mode \(modes)") }
    parts.append("--hashlimit-name \(XtText.bare(limit.name))")
    if limit.size != 0 { parts.append("--hashlimit-htable-size \(limit.size)") }
    if limit.maximum != 0 { parts.append("--hashlimit-htable-max \(limit.maximum)") }
    if limit.collection != 1000 { parts.append("--hashlimit-htable-gcinterval \(limit.collection)") }
    if UInt64(limit.expire) != lifetime { parts.append("--hashlimit-htable-expire \(limit.expire)") }
    let width: UInt8 = version == .v4 ? 32 : 128
    if limit.masks.source != width { parts.append("--hashlimit-srcmask \(limit.masks.source)") }
    if limit.masks.destination != width { parts.append("--hashlimit-dstmask \(limit.masks.destination)") }
    if limit.mode & 64 != 0 {
      parts.append("--hashlimit-rate-match")
      if limit.interval != 1 { parts.append("--hashlimit-rate-interval \(limit.interval)") }
    }
    return parts.joined(separator: " ")
  }

  /// Bytes a second of a cost, which counts in steps of sixteen bytes.
  private static func bytes(_ cost: UInt64) -> UInt64 {
    let steps = cost == 0 ? UInt64(UInt32.max) : UInt64(UInt32.max) / cost
    return steps == 0 ? 0 : (steps - 1) << 4
  }

  private static func cost(of bytes: UInt64) -> UInt64 { UInt64(UInt32.max) / ((bytes >> 4) + 1) }

  /// The largest unit of which there is one at least and whose whole number is exact enough.
  private static func unit(_ bytes: UInt64, _ isExact: (UInt64) -> Bool) -> String {
    for (size, letter) in [(1 << 20, "m"), (1 << 10, "k")] as [(UInt64, String)]
    where bytes >= size && isExact(bytes & ~(size - 1)) {
      return "\(bytes / size)\(letter)"
    }
    return "\(bytes)"
  }

  /// struct xt_connbytes_info: an inverted range stands the wrong way round.
  private static func connectionBytes(_ blob: XtBlob) -> String? {
    let (from, to) = (blob.u64(0), blob.u64(8))
    guard blob.u8(16) < 3, blob.u8(17) < 3 else { return nil }
    let last = max(from, to)
    return "\(XtText.not(from > to))--connbytes \(min(from, to))" + (last > 0 && last < .max ? ":\(last)" : "")
      + " --connbytes-mode \(["packets", "bytes", "avgpkt"][Int(blob.u8(16))])"
      + " --connbytes-dir \(["original", "reply", "both"][Int(blob.u8(17))])"
  }
}
