import Ruleset
import Wire

/// Elements of one set as the kernel lists them, sorted and joined to ranges as nft does.
struct KernelElements {
  let set: KernelSet
  private var entries: [Entry] = []

  private struct Entry {
    var low: [Bits128]
    var high: [Bits128]
    var isEnd = false
    var isCatchAll = false
    var verdict: Verdict?
    var data: [Bits128] = []
    var dataHigh: [Bits128] = []
    var object: String?
    var comment: String?
    var annotation: String?
  }

  init(_ set: KernelSet) { self.set = set }

  mutating func append(_ element: Attributes, table: TableID, _ lowering: inout NftLowering) {
    let flags = element[3]?.be32 ?? 0
    var entry = Entry(low: [], high: [])
    entry.isEnd = flags & 1 != 0
    entry.isCatchAll = flags & 2 != 0
    if let key = element[1]?[1] {
      entry.low = cut(key.bytes, set.keys, set.keyLengths, set.keyHost, interval: set.flags & 4 != 0)
    } else if entry.isCatchAll {
      entry.low = set.keys.map { _ in .zero }
    } else {
      return
    }
    entry.high = entry.low
    if let end = element[10]?[1] {
      entry.high = cut(end.bytes, set.keys, set.keyLengths, set.keyHost, interval: true)
    }
    if let data = element[2] {
      if let verdict = data[2] {
        entry.verdict = NftSource.verdict(verdict, table: table, &lowering)
      } else if let value = data[1] {
        let total =
          set.dataLengths.count == 1 ? set.dataLengths[0] : set.dataLengths.reduce(0) { $0 + ($1 + 3) / 4 * 4 }
        let type = set.data.first?.bytes ?? total
        if set.data.count == 1, total == 2 * type {
          // `interval`: first and last one behind the other.
          entry.data = cut(value.bytes, set.data, [type], set.dataHost, interval: false)
          let tail = UnsafeRawBufferPointer(rebasing: value.bytes[min((type + 3) & ~3, value.bytes.count)...])
          entry.dataHigh = cut(tail, set.data, [type], set.dataHost, interval: false)
        } else {
          entry.data = cut(value.bytes, set.data, set.dataLengths, set.dataHost, interval: false)
        }
      }
    }
    entry.object = element[9]?.string
    entry.comment = element[6].flatMap { NftSource.userString($0.bytes, type: 0) }
    var notes: [String] = []
    if let timeout = element[4]?.be64, timeout > 0 { notes.append("timeout \(NftTexts.duration(timeout))") }
    if let left = element[5]?.be64, left > 0 { notes.append("expires \(NftTexts.duration(left))") }
    if let expression = element[7] { notes.append(NftTexts.expression(expression)) }
    element[11]?.each { _, expression in notes.append(NftTexts.expression(expression)) }
    if !notes.isEmpty { entry.annotation = notes.joined(separator: " ") }
    entries.append(entry)
  }

  private func cut(
    _ bytes: UnsafeRawBufferPointer, _ types: [NftType], _ lengths: [Int], _ host: [Bool], interval: Bool
  ) -> [Bits128] {
    var at = 0
    var list: [Bits128] = []
    list.reserveCapacity(types.count)
    for part in types.indices {
      let end = min(at + lengths[part], bytes.count)
      let raw = RawValue(UnsafeRawBufferPointer(rebasing: bytes[min(at, end)..<end]))
      if types[part] == .interfaceName || types[part] == .string {
        list.append(raw.bits)
      } else {
        // Trees of ranges are ordered by the wire's byte order.
        list.append(raw.number(host: host[part] && !(interval && types.count == 1)))
      }
      at += (lengths[part] + 3) & ~3
    }
    return list
  }

  mutating func finish(into result: inout NamedSet, _ names: InterfaceNames) {
    if set.flags & 4 != 0, set.keys.count == 1 { joinRanges() } else { sort() }
    let indexes = set.keys.enumerated().filter { $0.element == .interfaceIndex }.map(\.offset)
    let ranged = entries.contains { $0.low != $0.high }
    let dataRanged = entries.contains { !$0.dataHigh.isEmpty }
    result.lows.reserveCapacity(entries.count * set.keys.count)
    var verdicts: [Verdict] = []
    var values: [Bits128] = []
    var highs: [Bits128] = []
    var objects: [String] = []
    for (index, entry) in entries.enumerated() {
      var low = entry.low
      var high = entry.high
      for part in indexes {
        low[part] = Bits128(leftAligned: names[Int(low[part].low)].utf8)
        high[part] = Bits128(leftAligned: names[Int(high[part].low)].utf8)
      }
      result.lows += low
      if ranged { result.highs += high }
      if entry.isCatchAll { result.catchAll = index }
      if let comment = entry.comment { result.comments[index] = comment }
      if let annotation = entry.annotation {
        result.annotations[index] = annotation
        if annotation.contains("timeout") || annotation.contains("expires") { result.flags.insert(.volatile) }
      }
      if let verdict = entry.verdict { verdicts.append(verdict) }
      values += entry.data
      if dataRanged { highs += entry.dataHigh.isEmpty ? entry.data : entry.dataHigh }
      if let object = entry.object { objects.append(object) }
    }
    // An anonymous set of single values is no interval, whatever tree holds it.
    if result.flags.contains(.anonymous), !ranged { result.flags.remove(.interval) }
    if !verdicts.isEmpty {
      result.data = .verdicts(verdicts)
    } else if !objects.isEmpty {
      result.data = .objects(objects)
    } else if !values.isEmpty {
      result.data = .values(values, highs: highs, components: set.data.count)
    }
    entries = []
  }

  private mutating func sort() {
    if entries.count < 2 { return }
    if set.keys.count == 1, set.keys[0].isText {
      // nft compares names as numbers in the machine's byte order.
      func number(_ value: Bits128) -> Bits128 { Bits128(high: value.low.byteSwapped, low: value.high.byteSwapped) }
      return entries.sort { a, b in
        a.isCatchAll != b.isCatchAll ? b.isCatchAll : number(a.low[0]) < number(b.low[0])
      }
    }
    entries.sort { a, b in
      if a.isCatchAll != b.isCatchAll { return b.isCatchAll }
      return a.low.lexicographicallyPrecedes(b.low)
    }
  }

  /// Starts and ends become ranges; an end is the first value behind.
  private mutating func joinRanges() {
    let all = entries
    entries.sort { a, b in
      if a.isCatchAll != b.isCatchAll { return b.isCatchAll }
      return a.low[0] != b.low[0] ? a.low[0] < b.low[0] : a.isEnd && !b.isEnd
    }
    let width = set.keys[0].isText ? 128 : set.keyLengths[0] * 8
    let top = width >= 128 ? Bits128.ones : ~(Bits128.ones << width)
    var joined: [Entry] = []
    joined.reserveCapacity(all.count / 2 + 1)
    for (index, entry) in entries.enumerated() where !entry.isEnd {
      var entry = entry
      if entry.isCatchAll {
        joined.append(entry)
        continue
      }
      if index + 1 < entries.count, !entries[index + 1].isCatchAll {
        let next = entries[index + 1].low[0]
        entry.high = [Bits128(high: next.low == 0 ? next.high &- 1 : next.high, low: next.low &- 1)]
      } else {
        entry.high = [top]
      }
      joined.append(entry)
    }
    entries = joined
  }
}
