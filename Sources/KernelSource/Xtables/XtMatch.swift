import Wire

/// xtables matches as iptables-save spells them.
enum XtMatch {
  /// `-m NAME OPTIONS`; nil: not decoded.
  static func text(_ name: String, revision: UInt32, _ blob: XtBlob, _ sets: IPSetNames) -> String? {
    options(name, revision: revision, blob, sets).map { option in
      let isState = option.hasPrefix("--state") || option.hasPrefix("! --state")
      let name = name == "conntrack" && isState ? "state" : name
      return option.isEmpty ? "-m \(name)" : "-m \(name) \(option)"
    }
  }

  private static func options(_ name: String, revision: UInt32, _ blob: XtBlob, _ sets: IPSetNames) -> String? {
    switch (name, revision) {
    case ("comment", _): return "--comment \(XtText.quoted(blob.string(0, 256)))"
    case ("statistic", 0): return statistic(blob)
    case ("mark", 1), ("connmark", 1):
      return "\(XtText.not(blob.u8(8) != 0))--mark \(XtText.masked(blob.u32(0), blob.u32(4)))"
    case ("conntrack", 1...3): return conntrack(blob, revision)
    case ("addrtype", 1): return addressType(blob)
    case ("multiport", 1): return multiport(blob)
    case ("tcp", 0): return tcp(blob)
    case ("udp", 0), ("udplite", 0): return udp(blob)
    case ("icmp", 0), ("icmp6", 0): return icmp(blob)
    case ("set", 1...4): return set(blob, revision, sets)
    case ("limit", 0):
      let burst = blob.u32(4)
      return "--limit \(XtText.rate(period: blob.u32(0)))" + (burst == 5 ? "" : " --limit-burst \(burst)")
    case ("recent", 0...1): return recent(blob, revision)
    case ("iprange", 1): return addressRange(blob)
    case ("mac", 0):
      let text = (0..<6).map { (blob.u8($0) < 16 ? "0" : "") + String(blob.u8($0), radix: 16) }
      return "\(XtText.not(blob.u32(8) != 0))--mac-source \(text.joined(separator: ":"))"
    case ("length", 0):
      return "\(XtText.not(blob.u8(4) != 0))--length \(XtText.range(blob.u16(0), blob.u16(2)))"
    case ("ttl", 0), ("hl", 0):
      let word = ["--\(name)-eq", "! --\(name)-eq", "--\(name)-lt", "--\(name)-gt"][Int(min(blob.u8(0), 3))]
      return "\(word) \(blob.u8(1))"
    case ("physdev", 0): return physicalDevice(blob)
    case ("dscp", 0): return "\(XtText.not(blob.u8(1) != 0))--dscp \(dscp(blob.u8(0)))"
    case ("tos", 1):
      return "\(XtText.not(blob.u8(2) != 0))--tos \(XtText.hex(blob.u8(1)))/\(XtText.hex(blob.u8(0)))"
    case ("pkttype", 0):
      guard blob.u32(0) < 3 else { return nil }
      return
        "\(XtText.not(blob.u32(4) != 0))--pkt-type \(["unicast", "broadcast", "multicast"][Int(blob.u32(0))])"
    case ("rpfilter", 0):
      let flags = blob.u8(0)
      return [("--loose", 1), ("--validmark", 2), ("--accept-local", 4), ("--invert", 8)]
        .filter { flags & $0.1 != 0 }.map(\.0).joined(separator: " ")
    case ("owner", 1): return owner(blob)
    case ("devgroup", 0): return deviceGroup(blob)
    case ("cpu", 0): return "\(XtText.not(blob.u32(4) != 0))--cpu \(blob.u32(0))"
    case ("connlimit", 1):
      let above = blob.u32(20) & 1 == 0
      return "--connlimit-\(above ? "above" : "upto") \(blob.u32(16)) --connlimit-mask "
        + "\(XtBlob.prefixLength(blob.address(0).bits, width: blob.version.width) ?? 0) "
        + (blob.u32(20) & 2 != 0 ? "--connlimit-daddr" : "--connlimit-saddr")
    default:
      return content(name, revision, blob) ?? limits(name, revision, blob) ?? time(name, blob)
        ?? transport(name, blob) ?? owners(name, revision, blob)
    }
  }

  static func dscp(_ value: UInt8) -> String { "0x" + (value < 16 ? "0" : "") + String(value, radix: 16) }

  /// struct xt_statistic_info
  private static func statistic(_ blob: XtBlob) -> String? {
    let inverted = XtText.not(blob.u16(2) & 1 != 0)
    switch blob.u16(0) {
    case 0: return "--mode random \(inverted)--probability \(probability(blob.u32(4)))"
    case 1:
      let packet = blob.u32(8)
      return "--mode nth \(inverted)--every \(blob.u32(4) &+ 1)" + (packet == 0 ? "" : " --packet \(packet)")
    default: return nil
    }
  }

  /// threshold / 2^31 to eleven digits, as `%.11f` rounds it.
  private static func probability(_ threshold: UInt32) -> String {
    let digits = "\(UInt64((Double(threshold) / 2_147_483_648 * 1e11).rounded(.toNearestOrEven)))"
    let padded = String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    return padded.dropLast(11) + "." + padded.suffix(11)
  }

  /// struct xt_conntrack_mtinfo1, 2 and 3
  private static func conntrack(_ blob: XtBlob, _ revision: UInt32) -> String {
    let narrow = revision == 1
    let flags = blob.u16(146)
    let inverted = blob.u16(148)
    let states = narrow ? UInt32(blob.u8(150)) : UInt32(blob.u16(150))
    let status = narrow ? UInt32(blob.u8(151)) : UInt32(blob.u16(152))
    var parts: [String] = []
    func add(_ bit: UInt16, _ text: @autoclosure () -> String) {
      if flags & bit != 0 { parts.append(XtText.not(inverted & bit != 0) + text()) }
    }
    let names: [(String, UInt32)] = [
      ("INVALID", 1), ("NEW", 8), ("RELATED", 4), ("ESTABLISHED", 2), ("UNTRACKED", 256), ("SNAT", 64), ("DNAT", 128),
    ]
    add(0x1, (flags & 0x2000 != 0 ? "--state " : "--ctstate ") + XtText.names(states, names))
    add(0x2, "--ctproto \(blob.u16(136))")
    for (index, word) in ["origsrc", "origdst", "replsrc", "repldst"].enumerated() {
      add(0x4 << UInt16(index), "--ct\(word) \(blob.network(index * 32, mask: index * 32 + 16))")
    }
    for (index, word) in ["origsrcport", "origdstport", "replsrcport", "repldstport"].enumerated() {
      let at = 138 + index * 2
      let first = revision == 3 ? blob.u16(at) : blob.be16(at)
      let last = revision == 3 ? blob.u16(154 + index * 2) : first
      add(0x100 << UInt16(index), "--ct\(word) \(XtText.range(first, last))")
    }
    let statuses: [(String, UInt32)] = [("EXPECTED", 1), ("SEEN_REPLY", 2), ("ASSURED", 4), ("CONFIRMED", 8)]
    let held = XtText.names(status, statuses)
    add(0x40, "--ctstatus \(held.isEmpty ? "NONE" : held)")
    add(0x80, "--ctexpire \(XtText.range(blob.u32(128), blob.u32(132)))")
    if flags & 0x1000 != 0 { parts.append("--ctdir \(inverted & 0x1000 != 0 ? "REPLY" : "ORIGINAL")") }
    return parts.joined(separator: " ")
  }

  /// struct xt_addrtype_info_v1
  private static func addressType(_ blob: XtBlob) -> String {
    let names: [(String, UInt32)] = [
      "UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT",
      "THROW", "NAT", "XRESOLVE",
    ].enumerated().map { ($0.element, 1 << UInt32($0.offset)) }
    let flags = blob.u32(4)
    var parts: [String] = []
    if blob.u16(0) != 0 {
      parts.append("\(XtText.not(flags & 1 != 0))--src-type \(XtText.names(UInt32(blob.u16(0)), names))")
    }
    if blob.u16(2) != 0 {
      parts.append("\(XtText.not(flags & 2 != 0))--dst-type \(XtText.names(UInt32(blob.u16(2)), names))")
    }
    if flags & 4 != 0 { parts.append("--limit-iface-in") }
    if flags & 8 != 0 { parts.append("--limit-iface-out") }
    return parts.joined(separator: " ")
  }

  /// struct xt_multiport_v1
  private static func multiport(_ blob: XtBlob) -> String? {
    guard blob.u8(0) < 3, blob.u8(1) <= 15 else { return nil }
    var list: [String] = []
    var index = 0
    while index < Int(blob.u8(1)) {
      let port = blob.u16(2 + index * 2)
      if blob.u8(32 + index) != 0 {
        index += 1
        list.append("\(port):\(blob.u16(2 + index * 2))")
      } else {
        list.append("\(port)")
      }
      index += 1
    }
    return
      "\(XtText.not(blob.u8(47) != 0))--\(["sports", "dports", "ports"][Int(blob.u8(0))]) \(list.joined(separator: ","))"
  }

  static func ports(_ word: String, _ first: UInt16, _ last: UInt16, inverted: Bool) -> String? {
    if first == 0, last == 0xFFFF, !inverted { return nil }
    return "\(XtText.not(inverted))--\(word) \(XtText.range(first, last))"
  }

  /// struct xt_tcp
  private static func tcp(_ blob: XtBlob) -> String {
    let inverted = blob.u8(11)
    var parts = [
      ports("sport", blob.u16(0), blob.u16(2), inverted: inverted & 1 != 0),
      ports("dport", blob.u16(4), blob.u16(6), inverted: inverted & 2 != 0),
    ].compactMap(\.self)
    if blob.u8(8) != 0 { parts.append("\(XtText.not(inverted & 8 != 0))--tcp-option \(blob.u8(8))") }
    if blob.u8(9) != 0 {
      parts.append(
        "\(XtText.not(inverted & 4 != 0))--tcp-flags \(XtText.tcpFlags(blob.u8(9))) \(XtText.tcpFlags(blob.u8(10)))")
    }
    return parts.joined(separator: " ")
  }

  /// struct xt_udp
  private static func udp(_ blob: XtBlob) -> String {
    [
      ports("sport", blob.u16(0), blob.u16(2), inverted: blob.u8(8) & 1 != 0),
      ports("dport", blob.u16(4), blob.u16(6), inverted: blob.u8(8) & 2 != 0),
    ].compactMap(\.self).joined(separator: " ")
  }

  /// struct ipt_icmp, ip6t_icmp
  private static func icmp(_ blob: XtBlob) -> String {
    let word = blob.version == .v4 ? "--icmp-type" : "--icmpv6-type"
    if blob.u8(0) == 255, blob.version == .v4 { return "\(word) any" }
    let whole = blob.u8(1) == 0 && blob.u8(2) == 255
    return "\(XtText.not(blob.u8(3) != 0))\(word) \(blob.u8(0))" + (whole ? "" : "/\(blob.u8(1))")
  }

  /// struct xt_set_info_match_v1 … v4
  private static func set(_ blob: XtBlob, _ revision: UInt32, _ sets: IPSetNames) -> String? {
    guard let name = sets.name(blob.u16(0)) else { return nil }
    let flags = blob.u8(3)
    // Counters are asked for: operators in front of their numbers, since revision 4 behind them.
    if revision >= 3, blob.u8(revision == 3 ? 8 : 16) != 0 || blob.u8(revision == 3 ? 24 : 32) != 0 { return nil }
    let returns = revision >= 3 ? blob.u32(40) & 128 != 0 : revision == 2 && flags & 128 != 0
    let nomatch = returns ? " --return-nomatch" : ""
    return "\(XtText.not(flags & 1 != 0))--match-set \(name) \(directions(blob.u8(2), flags))\(nomatch)"
  }

  static func directions(_ dimensions: UInt8, _ flags: UInt8) -> String {
    (1...max(1, min(dimensions, 6))).map { flags & 1 << $0 != 0 ? "src" : "dst" }.joined(separator: ",")
  }

  /// struct xt_recent_mtinfo, _v1
  private static func recent(_ blob: XtBlob, _ revision: UInt32) -> String {
    let check = blob.u8(8)
    var parts: [String] = []
    let word = [("--rcheck", 1), ("--set", 2), ("--update", 4), ("--remove", 8)].first { check & $0.1 != 0 }?.0
    if let word { parts.append(XtText.not(blob.u8(9) != 0) + word) }
    if blob.u32(0) != 0 { parts.append("--seconds \(blob.u32(0))") }
    if check & 32 != 0 { parts.append("--reap") }
    if blob.u32(4) != 0 { parts.append("--hitcount \(blob.u32(4))") }
    if check & 16 != 0 { parts.append("--rttl") }
    parts.append("--name \(XtText.quoted(blob.string(10, 200)))")
    if revision == 1 { parts.append("--mask \(blob.address(212))") }
    parts.append(blob.u8(210) == 1 ? "--rdest" : "--rsource")
    return parts.joined(separator: " ")
  }

  /// struct xt_iprange_mtinfo
  private static func addressRange(_ blob: XtBlob) -> String {
    let flags = blob.u8(64)
    var parts: [String] = []
    if flags & 1 != 0 {
      parts.append("\(XtText.not(flags & 16 != 0))--src-range \(blob.address(0))-\(blob.address(16))")
    }
    if flags & 2 != 0 {
      parts.append("\(XtText.not(flags & 32 != 0))--dst-range \(blob.address(32))-\(blob.address(48))")
    }
    return parts.joined(separator: " ")
  }

  /// struct xt_physdev_info
  private static func physicalDevice(_ blob: XtBlob) -> String {
    func device(_ at: Int) -> String { blob.string(at, 16) + (blob.u8(at + 16 + 15) == 0 && wildcard(at) ? "+" : "") }
    // A mask that covers the name without its end: a wildcard.
    func wildcard(_ at: Int) -> Bool { blob.u8(at + 16 + min(blob.string(at, 16).utf8.count, 15)) == 0 }
    let inverted = blob.u8(64)
    let asked = blob.u8(65)
    let list: [(UInt8, String)] = [
      (8, "--physdev-is-in"), (1, "--physdev-in \(device(0))"), (16, "--physdev-is-out"),
      (2, "--physdev-out \(device(32))"), (4, "--physdev-is-bridged"),
    ]
    return list.filter { asked & $0.0 != 0 }.map { XtText.not(inverted & $0.0 != 0) + $0.1 }.joined(separator: " ")
  }

  /// struct xt_owner_match_info
  private static func owner(_ blob: XtBlob) -> String {
    let asked = blob.u8(16)
    let inverted = blob.u8(17)
    var parts: [String] = []
    if asked & 4 != 0 { parts.append("\(XtText.not(inverted & 4 != 0))--socket-exists") }
    if asked & 1 != 0 {
      parts.append("\(XtText.not(inverted & 1 != 0))--uid-owner \(XtText.range(blob.u32(0), blob.u32(4), "-"))")
    }
    if asked & 2 != 0 {
      parts.append("\(XtText.not(inverted & 2 != 0))--gid-owner \(XtText.range(blob.u32(8), blob.u32(12), "-"))")
    }
    if asked & 8 != 0 { parts.append("--suppl-groups") }
    return parts.joined(separator: " ")
  }

  /// struct xt_devgroup_info
  private static func deviceGroup(_ blob: XtBlob) -> String {
    let flags = blob.u32(0)
    func group(_ at: Int) -> String {
      blob.u32(at + 4) == .max ? XtText.hex(blob.u32(at)) : XtText.masked(blob.u32(at), blob.u32(at + 4))
    }
    var parts: [String] = []
    if flags & 1 != 0 { parts.append("\(XtText.not(flags & 2 != 0))--src-group \(group(4))") }
    if flags & 4 != 0 { parts.append("\(XtText.not(flags & 8 != 0))--dst-group \(group(12))") }
    return parts.joined(separator: " ")
  }
}
