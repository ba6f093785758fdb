import Input

/// A row of `iptables -L`, put into the words of iptables-save. What the row does not show, or shows in words that are not
/// known here, is an unknown match and never left out.
struct ListedRule {
  /// The columns that the chain's heading names.
  struct Columns {
    var hasNumber = false
    var hasCounters = false
    var hasInterfaces = false

    /// `num pkts bytes target prot opt in out source destination`; nil: no heading.
    init?(_ line: ByteText) {
      var words = Words(line)
      guard var word = words.next() else { return nil }
      if word == "num" {
        hasNumber = true
        guard let next = words.next() else { return nil }
        word = next
      }
      if word == "pkts" {
        hasCounters = true
        guard let bytes = words.next(), bytes == "bytes", let next = words.next() else { return nil }
        word = next
      }
      guard word == "target", let prot = words.next(), prot == "prot" else { return nil }
      hasInterfaces = line.contains(" in ")
    }
  }

  /// Options as iptables-save spells them, behind `-A CHAIN`.
  private(set) var options: [UInt8] = []
  /// What is in the row and not in `options`.
  private(set) var unknown: [String] = []

  private var target: ByteText
  private var words: [ByteText]
  private var at = 0

  /// Nil where the row is none.
  init?(_ row: ByteText, _ columns: Columns) {
    var words = Array(Words(row))
    var first = 0
    if columns.hasNumber { first += 1 }
    if columns.hasCounters { first += 2 }
    guard words.count >= first + 3 else { return nil }
    for word in words[..<first] where !Self.isCount(word) { return nil }
    words.removeFirst(first)
    // A rule without a target has nothing in its column; IPv6 has nothing in the column of the fragments.
    func isFragments(_ index: Int) -> Bool {
      index < words.count && (words[index] == "--" || words[index] == "-f" || words[index] == "!f")
    }
    let hasTarget = isFragments(2) || !isFragments(1) && !Self.isProtocol(words[0])
    target = hasTarget ? words.removeFirst() : row[0..<0]
    guard let proto = words.first, Self.isProtocol(proto) else { return nil }
    words.removeFirst()
    var fragments = row[0..<0]
    if isFragments(0) { fragments = words.removeFirst() }
    let addresses = columns.hasInterfaces ? 2 : 0
    guard words.count >= addresses + 2 else { return nil }
    self.words = words
    at = addresses + 2
    if !(proto == "all" || proto == "0") { add("-p", proto) }
    if fragments == "-f" { add("-f") } else if fragments == "!f" { add("! -f") }
    if columns.hasInterfaces {
      addUnless("-i", words[0], ["*", "any"])
      addUnless("-o", words[1], ["*", "any"])
    }
    addAddress("-s", words[addresses])
    addAddress("-d", words[addresses + 1])
    while at < words.count { match() }
    if hasTarget { addTarget() }
  }

  private var isGoto = false
  /// The target's own options, in the order of the row.
  private var targetOptions: [UInt8] = []

  private static func isCount(_ word: ByteText) -> Bool {
    guard let last = word.last else { return false }
    let digits = last >= 48 && last <= 57 ? word : word.dropLast(1)
    return digits.int != nil && (last >= 48 && last <= 57 || last == 75 || last == 77 || last == 71 || last == 84)
  }

  private static func isProtocol(_ word: ByteText) -> Bool {
    let name = word.first == UInt8(ascii: "!") ? word.dropFirst(1) : word
    if name == "all" || name.int.map({ $0 >= 0 && $0 < 256 }) ?? false { return true }
    switch name {
    case "tcp", "udp", "icmp", "icmpv6", "ipv6-icmp", "sctp", "udplite", "dccp", "esp", "ah", "gre", "ipencap", "ipv4",
      "ipv6",
      "igmp", "ospf", "vrrp", "ipip", "mh", "l2tp", "pim":
      return true
    default: return false
    }
  }

  // MARK: Writing

  private mutating func add(_ text: StaticString) { options += Array("\(text) ".utf8) }

  /// `!VALUE` becomes `! OPTION VALUE`.
  private mutating func add(_ option: StaticString, _ value: ByteText) {
    var value = value
    if value.first == UInt8(ascii: "!") {
      options += Array("! ".utf8)
      value = value.dropFirst(1)
    }
    add(option)
    Self.put(value, &options)
  }

  /// A word from the row; one that could be more than a word in iptables-save's language is quoted.
  private static func put(_ value: ByteText, _ list: inout [UInt8]) {
    list.append(UInt8(ascii: "\""))
    for byte in value.bytes {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { list.append(UInt8(ascii: "\\")) }
      list.append(byte)
    }
    list += Array("\" ".utf8)
  }

  private mutating func addUnless(_ option: StaticString, _ value: ByteText, _ anything: [StaticString]) {
    if !anything.contains(where: { value == $0 }) { add(option, value) }
  }

  private mutating func addAddress(_ option: StaticString, _ value: ByteText) {
    let bare = value.first == UInt8(ascii: "!") ? value.dropFirst(1) : value
    switch bare {
    case "anywhere", "0.0.0.0/0", "::/0": return
    case "base-address.mcast.net/4", "224.0.0.0/4":
      options += Array("\(bare.count < value.count ? "! " : "")\(option) 224.0.0.0/4 ".utf8)
    case "localhost": options += Array("\(bare.count < value.count ? "! " : "")\(option) 127.0.0.1 ".utf8)
    case "localhost/8": options += Array("\(bare.count < value.count ? "! " : "")\(option) 127.0.0.0/8 ".utf8)
    default:
      // Without -n names stand here, and no dump tells whose they are.
      guard bare.prefix != nil else { return unknown.append("\(option) \(value.printable)") }
      add(option, value)
    }
  }

  private mutating func addTarget() {
    options += Array(isGoto ? "-g ".utf8 : "-j ".utf8)
    Self.put(target, &options)
    options += targetOptions
  }

  // MARK: Matches and the target's options

  private mutating func next() -> ByteText? {
    guard at < words.count else { return nil }
    at += 1
    return words[at - 1]
  }

  private func isNext(_ text: StaticString) -> Bool { at < words.count && words[at] == text }

  /// One match, or one of the target's options, from the row's end.
  private mutating func match() {
    let start = at
    guard var word = next() else { return }
    var isNegated = false
    if word == "!", let following = next() {
      isNegated = true
      word = following
    }
    if !read(word, isNegated) {
      // To the next thing that is known would be a guess: all that is left is unknown.
      let rest = words[start...].map(\.printable).joined(separator: " ")
      unknown.append(rest)
      at = words.count
    }
  }

  private mutating func option(_ module: StaticString, _ option: StaticString, _ isNegated: Bool) -> Bool {
    guard let value = next() else { return false }
    options += Array("-m \(module) ".utf8)
    if isNegated { options += Array("! ".utf8) }
    // `mark match ! 0x1`, `multiport dports  !80`
    if value == "!", let following = next() {
      options += Array("! ".utf8)
      add(option, following)
    } else {
      add(option, value)
    }
    return true
  }

  private mutating func read(_ word: ByteText, _ isNegated: Bool) -> Bool {
    switch word {
    case "/*":
      while let next = next() { if next == "*/" { return true } }
      return true
    case "[goto]":
      isGoto = true
      return true
    case "tcp", "udp", "sctp", "udplite", "dccp": return transport(word)
    case "state": return option("state", "--state", isNegated)
    case "ctstate": return option("conntrack", "--ctstate", isNegated)
    case "ctstatus": return option("conntrack", "--ctstatus", isNegated)
    case "ctdir": return option("conntrack", "--ctdir", isNegated)
    case "ctorigdst": return option("conntrack", "--ctorigdst", isNegated)
    case "ctorigsrc": return option("conntrack", "--ctorigsrc", isNegated)
    case "ctorigdstport": return option("conntrack", "--ctorigdstport", isNegated)
    case "multiport":
      switch next() {
      case .some(let side) where side == "dports": return option("multiport", "--dports", isNegated)
      case .some(let side) where side == "sports": return option("multiport", "--sports", isNegated)
      case .some(let side) where side == "ports": return option("multiport", "--ports", isNegated)
      default: return false
      }
    case "ADDRTYPE" where isNext("match"): return addressType()
    case "mark" where isNext("match"):
      at += 1
      return option("mark", "--mark", isNegated)
    case "connmark" where isNext("match"):
      at += 1
      return option("connmark", "--mark", isNegated)
    case "match-set":
      guard let name = next(), let sides = next() else { return false }
      options += Array("-m set \(isNegated ? "! " : "")--match-set ".utf8)
      Self.put(name, &options)
      Self.put(sides, &options)
      return true
    case "statistic" where isNext("mode"): return statistic(isNegated)
    case "source", "destination":
      guard isNext("IP"), at + 1 < words.count, words[at + 1] == "range" else { return false }
      at += 2
      return word == "source"
        ? option("iprange", "--src-range", isNegated) : option("iprange", "--dst-range", isNegated)
    case "icmptype", "ipv6-icmptype":
      guard let type = next() else { return false }
      var value = type.string
      if isNext("code") {
        at += 1
        guard let code = next() else { return false }
        value += "/" + code.string
      }
      return icmp(value, isV6: word == "ipv6-icmptype")
    case "icmp", "ipv6-icmp": return next().map { icmp($0.string, isV6: word == "ipv6-icmp") } ?? false
    case "PHYSDEV" where isNext("match"):
      at += 1
      options += Array("-m physdev ".utf8)
      while at < words.count, words[at].hasPrefix("--physdev-") || words[at] == "!" {
        let name = words[at]
        at += 1
        if name == "!" {
          options += Array("! ".utf8)
          continue
        }
        options += Array("\(name.string) ".utf8)
        if name == "--physdev-in" || name == "--physdev-out", let device = next() { Self.put(device, &options) }
      }
      return true
    case "owner":
      guard let kind = next(), isNext("match") else { return false }
      at += 1
      return kind == "UID"
        ? option("owner", "--uid-owner", isNegated)
        : kind == "GID" ? option("owner", "--gid-owner", isNegated) : false
    case "length": return option("length", "--length", isNegated)
    case "MAC": return option("mac", "--mac-source", isNegated)
    case "limit:":
      guard isNext("avg") || isNext("up") || isNext("above") else { return false }
      unknownRate(module: "limit")
      return true
    case "rpfilter":
      options += Array("-m rpfilter ".utf8)
      while at < words.count {
        switch words[at] {
        case "loose": add("--loose")
        case "validmark": add("--validmark")
        case "accept-local": add("--accept-local")
        case "invert": add("--invert")
        default: return true
        }
        at += 1
      }
      return true
    default: break
    }
    if word.hasPrefix("MAC"), word.count >= 20 {
      options += Array("-m mac ".utf8)
      add("--mac-source", word.dropFirst(3))
      return true
    }
    return targetOption(word)
  }

  /// `tcp spt:1 dpts:80:90 flags:0x17/0x02`
  private mutating func transport(_ name: ByteText) -> Bool {
    options += Array("-m \(name.string) ".utf8)
    while at < words.count {
      let word = words[at]
      if word.hasPrefix("dpt:") || word.hasPrefix("spt:") {
        word.first == UInt8(ascii: "d") ? add("--dport", word.dropFirst(4)) : add("--sport", word.dropFirst(4))
      } else if word.hasPrefix("dpts:") || word.hasPrefix("spts:") {
        word.first == UInt8(ascii: "d") ? add("--dport", word.dropFirst(5)) : add("--sport", word.dropFirst(5))
      } else if word.hasPrefix("flags:") {
        var value = word.dropFirst(6)
        if value.first == UInt8(ascii: "!") {
          options += Array("! ".utf8)
          value = value.dropFirst(1)
        }
        guard let (mask, flags) = value.split(at: UInt8(ascii: "/")) else { return false }
        add("--tcp-flags", mask)
        Self.put(flags, &options)
      } else if word.hasPrefix("option=") {
        add("--tcp-option", word.dropFirst(7))
      } else {
        return true
      }
      at += 1
    }
    return true
  }

  /// `ADDRTYPE match src-type LOCAL dst-type !LOCAL limit-in`
  private mutating func addressType() -> Bool {
    at += 1
    options += Array("-m addrtype ".utf8)
    while at < words.count {
      switch words[at] {
      case "dst-type", "src-type":
        let isDestination = words[at] == "dst-type"
        at += 1
        guard let type = next() else { return false }
        isDestination ? add("--dst-type", type) : add("--src-type", type)
      case "limit-in":
        add("--limit-iface-in")
        at += 1
      case "limit-out":
        add("--limit-iface-out")
        at += 1
      default: return true
      }
    }
    return true
  }

  /// `statistic mode random probability 0.5`, `statistic mode nth every 3 packet 1`
  private mutating func statistic(_ isNegated: Bool) -> Bool {
    at += 1
    guard let mode = next() else { return false }
    options += Array("-m statistic --mode \(mode == "random" ? "random" : "nth") \(isNegated ? "! " : "")".utf8)
    while at + 1 < words.count {
      switch words[at] {
      case "probability": add("--probability", words[at + 1])
      case "every": add("--every", words[at + 1])
      case "packet": add("--packet", words[at + 1])
      default: return true
      }
      at += 2
    }
    return true
  }

  private mutating func icmp(_ value: String, isV6: Bool) -> Bool {
    var value = value
    if value.hasPrefix("!") {
      options += Array("! ".utf8)
      value.removeFirst()
    }
    options += Array((isV6 ? "--icmpv6-type \(value) " : "--icmp-type \(value) ").utf8)
    return true
  }

  /// How often it holds, time decides.
  private mutating func unknownRate(module: StaticString) {
    var text = "-m \(module) "
    while at < words.count, !(words[at] == "/*") {
      let word = words[at]
      at += 1
      switch word {
      case "avg": text += "--limit \(next()?.printable ?? "") "
      case "burst": text += "--limit-burst \(next()?.printable ?? "") "
      default:
        at -= 1
        options += Array(text.utf8)
        return
      }
    }
    options += Array(text.utf8)
  }

  // MARK: Targets

  private mutating func putTarget(_ option: StaticString, _ value: ByteText) {
    targetOptions += Array("\(option) ".utf8)
    Self.put(value, &targetOptions)
  }

  private mutating func targetOption(_ word: ByteText) -> Bool {
    switch target {
    case "REJECT":
      guard word == "reject-with", let value = next() else { return false }
      putTarget("--reject-with", value)
    case "DNAT", "SNAT", "NETMAP":
      if word.hasPrefix("to:") {
        target == "DNAT"
          ? putTarget("--to-destination", word.dropFirst(3))
          : target == "SNAT" ? putTarget("--to-source", word.dropFirst(3)) : putTarget("--to", word.dropFirst(3))
      } else if word == "persistent" || word == "random" || word == "random-fully" {
        targetOptions += Array("--\(word.string) ".utf8)
      } else {
        return false
      }
    case "MASQUERADE":
      if word == "random" || word == "random-fully" {
        targetOptions += Array("--\(word.string) ".utf8)
      } else if word == "masq", isNext("ports:") {
        at += 1
        guard let ports = next() else { return false }
        putTarget("--to-ports", ports)
      } else {
        return false
      }
    case "REDIRECT":
      if word == "redir", isNext("ports") {
        at += 1
        guard let ports = next() else { return false }
        putTarget("--to-ports", ports)
      } else if word == "random" {
        targetOptions += Array("--random ".utf8)
      } else {
        return false
      }
    case "MARK", "CONNMARK": return mark(word)
    case "CT":
      guard word == "CT" || word == "NOTRACK" else { return false }
      while let option = next() {
        guard option == "notrack" else { return false }
        targetOptions += Array("--notrack ".utf8)
      }
    case "TPROXY":
      guard word == "TPROXY", isNext("redirect") else { return false }
      at += 1
      guard let to = next(), let (ip, port) = to.splitLast(at: UInt8(ascii: ":")) else { return false }
      putTarget("--on-port", port)
      putTarget("--on-ip", ip)
      if isNext("mark") {
        at += 1
        if let value = next() { putTarget("--tproxy-mark", value) }
      }
    case "SET":
      guard word == "add-set" || word == "del-set", let name = next(), let sides = next() else { return false }
      targetOptions += Array("--\(word.string) ".utf8)
      Self.put(name, &targetOptions)
      Self.put(sides, &targetOptions)
    case "LOG", "NFLOG", "ULOG", "TCPMSS", "CHECKSUM", "TRACE", "AUDIT", "CLASSIFY":
      // What it writes down or changes decides nothing; a match before it could, and stands before the target's word.
      guard word == target || word.hasPrefix("nflog") || word == "TCPMSS" || word == "CHECKSUM" else { return false }
      at = words.count
    case "NFQUEUE", "QUEUE":
      guard word == "NFQUEUE" || word == "QUEUE" else { return false }
      at = words.count
    default: return false
    }
    return true
  }

  /// `MARK or 0x4000`, `MARK xset 0x1/0x1`, `CONNMARK restore mask 0xf`
  private mutating func mark(_ word: ByteText) -> Bool {
    guard word == target, let verb = next() else { return false }
    switch verb {
    case "set", "xset", "or", "and", "xor":
      guard let value = next() else { return false }
      switch verb {
      case "set": targetOptions += Array("--set-mark \(value.string) ".utf8)
      case "xset": targetOptions += Array("--set-xmark \(value.string) ".utf8)
      default: targetOptions += Array("--\(verb.string)-mark \(value.string) ".utf8)
      }
    case "save", "restore":
      targetOptions += Array("--\(verb.string)-mark ".utf8)
      if isNext("mask"), at + 1 < words.count {
        targetOptions += Array("--mask \(words[at + 1].string) ".utf8)
        at += 2
      } else if isNext("nfmask"), at + 3 < words.count {
        targetOptions += Array("--nfmask \(words[at + 1].string) --ctmask \(words[at + 3].string) ".utf8)
        at += 4
      }
    default: return false
    }
    return true
  }
}
