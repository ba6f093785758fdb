import Wire

/// Elements of a set as nft spells them.
struct NftSetSpelling {
  let ruleset: Ruleset
  let set: NamedSet
  let keys: [NftType]
  let data: [NftType]

  init(_ ruleset: Ruleset, _ set: NamedSet) {
    self.ruleset = ruleset
    self.set = set
    func types(_ names: [String]) -> [NftType] {
      names.map { name in
        var copy = name
        return copy.withUTF8 { NftType(named: UnsafeRawBufferPointer($0)) } ?? .integer
      }
    }
    keys = types(set.keyTypes)
    data = types(set.dataTypes)
  }

  func element(_ index: Int) -> String {
    var text = ""
    if set.catchAll == index {
      text = "*"
    } else {
      let parts = (0..<set.components).map { part -> String in
        let at = index * set.components + part
        let high = set.highs.isEmpty ? set.lows[at] : set.highs[at]
        return Self.spell(part < keys.count ? keys[part] : .integer, set.lows[at], high)
      }
      text = parts.joined(separator: " . ")
    }
    if let annotation = set.annotations[index] { text += " " + annotation }
    if let comment = set.comments[index] { text += " comment \"\(comment)\"" }
    switch set.data {
    case .none: break
    case .verdicts(let verdicts):
      if index < verdicts.count { text += " : " + Self.spell(verdicts[index], ruleset) }
    case .objects(let names): if index < names.count { text += " : \"\(names[index])\"" }
    case .values(let lows, let highs, let components):
      let parts = (0..<components).map { part -> String in
        let at = index * components + part
        guard at < lows.count else { return "" }
        return Self.spell(part < data.count ? data[part] : .integer, lows[at], highs.isEmpty ? lows[at] : highs[at])
      }
      text += " : " + parts.joined(separator: " . ")
    }
    return text
  }

  static func spell(_ verdict: Verdict, _ ruleset: Ruleset) -> String {
    switch verdict {
    case .accept: "accept"
    case .drop: "drop"
    case .return: "return"
    case .continue: "continue"
    case .queue: "queue"
    case .jump(let chain): "jump \(ruleset.name(of: chain))"
    case .goto(let chain): "goto \(ruleset.name(of: chain))"
    }
  }

  /// A value, prefix, wildcard name or range.
  static func spell(_ type: NftType, _ low: Bits128, _ high: Bits128, width: Int = 0) -> String {
    if low == high {
      // Flags in a set are written `syn | ack`, because commas part the elements.
      if type.isBitmask, let flags = type.spellFlags(low, separator: " | ") { return flags }
      return type.spell(low, width: width)
    }
    let difference = low ^ high
    let isPrefix = (difference & difference.successor).isZero && (low & difference).isZero
    let bits =
      128 - (difference.high == 0 ? 64 + difference.low.leadingZeroBitCount : difference.high.leadingZeroBitCount)
    if type.isText {
      let name = String(decoding: low.bytes.prefix { $0 != 0 }, as: UTF8.self)
      return "\"\(name)*\""
    }
    if isPrefix, type == .ipv4 || type == .ipv6, bits <= type.width {
      return "\(type.spell(low))/\(type.width - bits)"
    }
    if low.isZero, high == .ones { return "*" }
    if type == .transport { return "\(low.low)-\(high.low)" }
    return "\(type.spell(low, width: width))-\(type.spell(high, width: width))"
  }
}

extension Ruleset {
  /// An element of a set as nft spells it, with what it leads to.
  public func spelling(ofElement index: Int, in set: SetID) -> String {
    NftSetSpelling(self, sets[Int(set.index)]).element(index)
  }
}
