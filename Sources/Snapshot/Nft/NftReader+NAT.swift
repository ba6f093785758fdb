import Ruleset
import Wire

// Statements with an address: NAT, reject, tproxy.
extension NftReader {
  mutating func reject() -> Bool {
    advance()
    guard take(.with) else {
      lowering.reject(nil)
      return true
    }
    let kind = word
    advance()
    if kind == .tcp {
      guard take(.reset) else {
        expected("'reset'")
        return false
      }
      lowering.reject(.tcpReset)
      return true
    }
    _ = take(.type)
    let name = scanner.text(scanner.start..<scanner.stop)
    let number = UInt32(name)
    let reason: RejectReason?
    switch kind {
    case .icmp: reason = Self.icmpReason(number.flatMap { Self.code(.icmpCode, $0) } ?? name)
    case .icmpv6: reason = Self.icmp6Reason(number.flatMap { Self.code(.icmp6Code, $0) } ?? name)
    default: reason = Self.icmpxReason(number.flatMap { Self.code(.icmpxCode, $0) } ?? name)
    }
    guard let reason else {
      expected("a reject reason such as port-unreachable")
      return false
    }
    advance()
    if lowering.family == .inet || lowering.family == .bridge || lowering.family == .netdev {
      if kind == .icmp { lowering.require(.ip) }
      if kind == .icmpv6 { lowering.require(.ip6) }
    }
    lowering.reject(reason)
    return true
  }

  static func code(_ type: NftType, _ value: UInt32) -> String { type.spell(Bits128(value)) }

  static func icmpReason(_ name: String) -> RejectReason? {
    switch name {
    case "net-unreachable": .icmpNetUnreachable
    case "host-unreachable": .icmpHostUnreachable
    case "prot-unreachable": .icmpProtocolUnreachable
    case "port-unreachable": .icmpPortUnreachable
    case "net-prohibited": .icmpNetProhibited
    case "host-prohibited": .icmpHostProhibited
    case "admin-prohibited": .icmpAdminProhibited
    default: nil
    }
  }

  static func icmp6Reason(_ name: String) -> RejectReason? {
    switch name {
    case "no-route": .icmp6NoRoute
    case "admin-prohibited": .icmp6AdminProhibited
    case "addr-unreachable": .icmp6AddressUnreachable
    case "port-unreachable": .icmp6PortUnreachable
    case "policy-fail": .icmp6PolicyFail
    case "reject-route": .icmp6RejectRoute
    default: nil
    }
  }

  static func icmpxReason(_ name: String) -> RejectReason? {
    switch name {
    case "port-unreachable": .icmpxPortUnreachable
    case "admin-prohibited": .icmpxAdminProhibited
    case "no-route": .icmpxNoRoute
    case "host-unreachable": .icmpxHostUnreachable
    default: nil
    }
  }

  // MARK: NAT

  /// What a NAT statement says, as it is read.
  private struct Spelled {
    var version: IPVersion?
    var address = NftArgument.absent
    var port = NftArgument.absent
    var pair: Expression?
    var prefix = false
    var choice = Translation.PortChoice.first
    var persistent = false
  }

  mutating func translate(_ kind: Translation.Kind) -> Bool {
    advance()
    var spelled = Spelled()
    var addressAndPort = false
    var explicit = false
    // [ip|ip6] [addr . port | prefix | interval] to
    while scanner.kind == .word, let word {
      switch word {
      case .ip where !explicit:
        spelled.version = .v4
        explicit = true
      case .ip6 where !explicit:
        spelled.version = .v6
        explicit = true
      case .addr:
        advance()
        guard scanner.isByte(".") else {
          expected("'. port'")
          return false
        }
        advance()
        addressAndPort = true
      case .prefix: spelled.prefix = true
      case .interval: break
      case .to:
        advance()
        guard target(kind, &spelled, addressAndPort) else { return false }
        return flags(kind, &spelled)
      default:
        // Older spellings leave out `to`.
        if explicit || addressAndPort || spelled.prefix || !isNATFlag(word) { return bareTarget(kind, &spelled) }
        return flags(kind, &spelled)
      }
      advance()
    }
    if kind == .masquerade || kind == .redirect || atEndOfStatement { return flags(kind, &spelled) }
    return bareTarget(kind, &spelled)
  }

  private func isNATFlag(_ word: NftWord) -> Bool {
    switch word {
    case .random, .fullyRandom, .persistent, .comment, .counter: true
    default: false
    }
  }

  private mutating func bareTarget(_ kind: Translation.Kind, _ spelled: inout Spelled) -> Bool {
    if kind == .destination || kind == .source {
      guard target(kind, &spelled, false) else { return false }
    }
    return flags(kind, &spelled)
  }

  private mutating func flags(_ kind: Translation.Kind, _ spelled: inout Spelled) -> Bool {
    while scanner.kind == .word, let word {
      switch word {
      case .random: spelled.choice = .random
      case .fullyRandom: spelled.choice = .fullyRandom
      case .persistent: spelled.persistent = true
      case .netmap: spelled.prefix = true
      default: return finish(kind, spelled)
      }
      advance()
      _ = take(",")
    }
    return finish(kind, spelled)
  }

  private mutating func finish(_ kind: Translation.Kind, _ spelled: Spelled) -> Bool {
    lowering.translate(
      kind, version: spelled.version, address: spelled.address, port: spelled.port, pair: spelled.pair,
      choice: spelled.choice, persistent: spelled.persistent, prefix: spelled.prefix)
    return true
  }

  /// `10.0.0.1:80`, `[fd00::1]:80-90`, `:8080`, `8080` (redirect), `KEY map …`.
  private mutating func target(_ kind: Translation.Kind, _ spelled: inout Spelled, _ addressAndPort: Bool) -> Bool {
    let wantsPort = kind == .masquerade || kind == .redirect
    if scanner.kind == .word, let first = scanner.bytes.first {
      if first == UInt8(ascii: ":"), scanner.bytes.count < 2 || scanner.bytes[1] != first {
        if scanner.stop - scanner.start == 1 {
          advance()
        } else {
          scanner.split(after: 1)
          advance()
        }
        return port(&spelled)
      }
      if wantsPort { return port(&spelled) }
      if let known = literalTarget(&spelled) {
        if known { return true }
        return false
      }
    }
    // Computed: a key with a map, or a plain key.
    let version = spelled.version ?? (lowering.family == .ip6 ? .v6 : .v4)
    let type: NftType = version == .v6 ? .ipv6 : .ipv4
    guard let key = term(literal: type) else { return false }
    guard let value = mapped(key, data: [type, .port]) else { return false }
    lowering.require(value)
    if case .map(_, let set) = value.expression, addressAndPort || dataComponents(set) == 2 {
      spelled.pair = value.expression
    } else {
      spelled.address = .computed(value.expression)
    }
    // `… map { … } : tcp dport map { … }`
    if scanner.kind == .word, scanner.bytes.first == UInt8(ascii: ":") {
      if scanner.stop - scanner.start > 1 { scanner.split(after: 1) }
      advance()
      return port(&spelled)
    }
    return true
  }

  private func dataComponents(_ set: SetID) -> Int {
    let set = lowering.ruleset.sets[Int(set.index)]
    if case .values(_, _, let components) = set.data, components > 0 { return components }
    return set.dataTypes.count
  }

  private mutating func port(_ spelled: inout Spelled) -> Bool {
    if let value = value(.port) {
      spelled.port = .range(value.low, value.high)
      return true
    }
    failure = nil
    guard let key = term(literal: .port), let value = mapped(key, data: [.port]) else { return false }
    lowering.require(value)
    spelled.port = .computed(value.expression)
    return true
  }

  /// Constant addresses. Nil: the word is no address. False: it is one, but not understood.
  private mutating func literalTarget(_ spelled: inout Spelled) -> Bool? {
    let bytes = scanner.bytes
    var addressEnd = bytes.count
    var portStart: Int?
    if bytes[0] == UInt8(ascii: "[") {
      // [a]:p, [a]-[b]:p
      guard let bracket = bytes.lastIndex(of: UInt8(ascii: "]")) else { return nil }
      addressEnd = bracket + 1
      if addressEnd < bytes.count, bytes[addressEnd] == UInt8(ascii: ":") { portStart = addressEnd + 1 }
    } else if let first = bytes.firstIndex(of: UInt8(ascii: ":")),
      bytes[(first + 1)...].firstIndex(of: UInt8(ascii: ":")) == nil
    {
      addressEnd = first
      portStart = first + 1
    }
    guard let (low, high, version) = addresses(UnsafeRawBufferPointer(rebasing: bytes[..<addressEnd])) else {
      return nil
    }
    spelled.address = .range(low, high)
    if spelled.version == nil { spelled.version = version }
    if let portStart {
      if portStart < bytes.count {
        scanner.split(after: portStart)
        advance()
        return port(&spelled)
      }
      // `10.0.0.1:tcp dport map …`: the port is computed.
      advance()
      return port(&spelled)
    }
    advance()
    if scanner.isByte(":") {
      advance()
      return port(&spelled)
    }
    if scanner.isByte("."), let next = pairPort() { spelled.port = next }
    return true
  }

  /// `10.0.0.1 . 80` behind `addr . port to`.
  private mutating func pairPort() -> NftArgument? {
    advance()
    guard let value = value(.port) else { return nil }
    return .range(value.low, value.high)
  }

  private func addresses(_ bytes: UnsafeRawBufferPointer) -> (Bits128, Bits128, IPVersion)? {
    func one(_ bytes: UnsafeRawBufferPointer) -> IPAddress? {
      if bytes.count > 2, bytes[0] == UInt8(ascii: "["), bytes[bytes.count - 1] == UInt8(ascii: "]") {
        return IPAddress(parsing: UnsafeRawBufferPointer(rebasing: bytes[1..<bytes.count - 1]))
      }
      return IPAddress(parsing: bytes)
    }
    guard let first = bytes.first, first == UInt8(ascii: "[") || first == UInt8(ascii: ":") || first.isHexDigit else {
      return nil
    }
    if let separator = bytes.firstIndex(where: { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "/") }) {
      let head = UnsafeRawBufferPointer(rebasing: bytes[..<separator])
      let tail = UnsafeRawBufferPointer(rebasing: bytes[(separator + 1)...])
      guard let low = one(head) else { return nil }
      if bytes[separator] == UInt8(ascii: "-") {
        guard let high = one(tail), high.version == low.version else { return nil }
        return (low.bits, high.bits, low.version)
      }
      guard let length = NftType.number(tail), length <= Bits128(UInt32(low.version.width)) else { return nil }
      let prefix = IPPrefix(low, length: Int(length.low))
      return (prefix.address.bits, prefix.last.bits, low.version)
    }
    guard let address = one(bytes) else { return nil }
    return (address.bits, address.bits, address.version)
  }

  // MARK: tproxy

  mutating func transparentProxy(_ start: Int) -> Bool {
    advance()
    var spelled = Spelled()
    if take(.ip) { spelled.version = .v4 } else if take(.ip6) { spelled.version = .v6 }
    guard take(.to) else {
      expected("'to'")
      return false
    }
    let version = spelled.version
    if let known = scanner.kind == .word ? scanner.bytes.first : nil, known == UInt8(ascii: ":") {
      if scanner.stop - scanner.start > 1 { scanner.split(after: 1) }
      advance()
      guard port(&spelled) else { return false }
    } else if literalTarget(&spelled) != true {
      return false
    }
    var address: Bits128?
    if case .range(let low, _) = spelled.address { address = low }
    switch spelled.port {
    case .range(let low, _):
      lowering.transparentProxy(address: address, port: UInt16(truncatingIfNeeded: low.low), version: version)
    case .absent: lowering.transparentProxy(address: address, port: 0, version: version)
    case .computed:
      lowering.add(.handOff(lowering.text(self.spelled(start))))
    }
    return true
  }
}

extension UInt8 {
  var isHexDigit: Bool { (48...57).contains(self) || (97...102).contains(self | 0x20) }
}
