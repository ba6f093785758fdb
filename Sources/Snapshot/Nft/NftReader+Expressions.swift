import Ruleset
import Wire

// Keys: what stands left of an operator, or right of `set` and `to`.
extension NftReader {
  /// Parentheses and maps inside one another.
  static let maximumDepth = 64

  /// A key, or several joined by `.`. `literal`: the type of constants; nil: constants are not expected.
  mutating func term(literal: NftType?) -> NftTerm? {
    guard depth < Self.maximumDepth else {
      expected("an expression that is nested less deeply")
      return nil
    }
    depth += 1
    defer { depth -= 1 }
    guard let first = operand(literal: literal) else { return nil }
    guard scanner.isByte(".") else { return first }
    var parts = [first]
    while scanner.isByte(".") {
      advance()
      skipNewlines()
      guard let next = constantPart(literal) ?? operand(literal: literal) else { return nil }
      parts.append(next)
    }
    return NftTerm(parts: parts)
  }

  /// A constant among the parts of a key, as in `ip saddr . "lo" @s`: its looks tell its type.
  private mutating func constantPart(_ literal: NftType?) -> NftTerm? {
    if literal != nil { return nil }
    if scanner.kind == .string {
      guard let value = value(.interfaceName) else { return nil }
      return NftTerm(constant: value.low, .interfaceName)
    }
    guard scanner.kind == .word, let first = scanner.bytes.first, first &- 48 < 10 else { return nil }
    for type in [NftType.integer, .ipv4, .ipv6, .ethernet] {
      if let value = type.parse(scanner.bytes) {
        advance()
        return NftTerm(constant: value, type)
      }
    }
    return nil
  }

  /// A key with the operations behind it.
  private mutating func operand(literal: NftType?) -> NftTerm? {
    guard let first = primary(literal: literal) else { return nil }
    return operations(behind: first, literal: literal ?? first.type)
  }

  private enum Operation: Int {
    case or = 1
    case xor, and, shift
  }

  /// The binary operator that is next.
  private var operation: (kind: Operation, left: Bool)? {
    if scanner.kind == .punctuation {
      return switch scanner.mark {
      case UInt8(ascii: "&"): (.and, false)
      case UInt8(ascii: "|"): (.or, false)
      case UInt8(ascii: "^"): (.xor, false)
      case NftScanner.Operator.shiftLeft: (.shift, true)
      case NftScanner.Operator.shiftRight: (.shift, false)
      default: nil
      }
    }
    guard scanner.kind == .word, scanner.stop - scanner.start <= 6 else { return nil }
    switch scanner.base[scanner.start] {
    case UInt8(ascii: "a"), UInt8(ascii: "o"), UInt8(ascii: "x"), UInt8(ascii: "l"), UInt8(ascii: "r"): break
    default: return nil
    }
    return switch word {
    case .and: (.and, false)
    case .or: (.or, false)
    case .xor: (.xor, false)
    case .lshift: (.shift, true)
    case .rshift: (.shift, false)
    default: nil
    }
  }

  /// Binary operators by precedence: shifts, `&`, `^`, `|`.
  mutating func operations(behind first: NftTerm, literal: NftType, above lowest: Int = 0) -> NftTerm {
    var left = first
    while let (kind, leftward) = operation, kind.rawValue > lowest {
      let saved = scanner
      advance()
      // What follows takes the type of the key: `tcp flags & (syn | ack)`, `ct mark & 0xff`.
      let type: NftType = kind == .shift ? .integer : left.isConstant ? literal : left.type
      guard var right = constantOrKey(type, width: left.width) else {
        scanner = saved
        return left
      }
      while let (next, _) = operation, next.rawValue > kind.rawValue {
        right = operations(behind: right, literal: type, above: kind.rawValue)
      }
      var result = left.isConstant && !right.isConstant ? right : left
      result.parts = []
      switch kind {
      case .and: result.expression = .and(left.expression, right.expression)
      case .or: result.expression = .or(left.expression, right.expression)
      case .xor: result.expression = .xor(left.expression, right.expression)
      case .shift:
        result.expression =
          leftward ? .shiftLeft(left.expression, right.expression) : .shiftRight(left.expression, right.expression)
        result.type = .integer
        if leftward { result.width = 32 }
      }
      left = result
    }
    return left
  }

  private mutating func constantOrKey(_ type: NftType, width: Int) -> NftTerm? {
    if scanner.isMark("(") {
      guard depth < Self.maximumDepth else {
        expected("an expression that is nested less deeply")
        return nil
      }
      depth += 1
      defer { depth -= 1 }
      advance()
      guard let first = constantOrKey(type, width: width) else { return nil }
      let inner = operations(behind: first, literal: type)
      guard take(")") else { return nil }
      if let constant = Self.fold(inner.expression) { return NftTerm(constant: constant, type) }
      return inner
    }
    if scanner.kind == .word, let value = type.parse(scanner.bytes) {
      advance()
      // `syn,ack` among flags.
      var bits = value
      if type.isBitmask {
        while scanner.isMark(",") {
          let saved = scanner
          advance()
          guard scanner.kind == .word, let next = type.parse(scanner.bytes) else {
            scanner = saved
            break
          }
          bits = bits | next
          advance()
        }
      }
      return NftTerm(constant: bits, type)
    }
    if scanner.kind == .word, let number = NftType.number(scanner.bytes) {
      advance()
      return NftTerm(constant: number, type)
    }
    return primary(literal: type)
  }

  // MARK: Single keys

  private mutating func primary(literal: NftType?) -> NftTerm? {
    switch scanner.kind {
    case .punctuation:
      if scanner.isMark("(") {
        advance()
        guard let inner = term(literal: literal) else { return nil }
        guard take(")") else {
          expected("')'")
          return nil
        }
        return inner
      }
      if scanner.isMark("@"), isRawPayload { return rawPayload() }
      expected("a key such as ip daddr")
      return nil
    case .word:
      if let word, let key = key(word) { return mapped(key) }
      if failure != nil { return nil }
    case .string: break
    default:
      expected("a key such as ip daddr")
      return nil
    }
    if let literal, let value = value(literal), value.low == value.high {
      return mapped(NftTerm(constant: value.low, literal))
    }
    expected(literal == nil ? "a key such as ip daddr, or a statement" : "a value of type \(literal!.name)")
    return nil
  }

  private func mapped(_ term: NftTerm) -> NftTerm { term }

  /// The key that begins with this word; nil and nothing consumed where none does.
  private mutating func key(_ word: NftWord) -> NftTerm? {
    switch word {
    case .ip, .ip6, .tcp, .udp, .th, .icmp, .icmpv6, .ether, .vlan, .arp, .udplite, .sctp, .dccp, .ah, .esp, .comp,
      .igmp, .gre:
      return headerKey(word)
    case .meta:
      advance()
      guard let name = self.word, let term = Self.metaKey(name) else { return otherKey(from: "meta", type: .integer) }
      advance()
      return term
    case .mark, .iif, .oif, .iifname, .oifname, .iiftype, .oiftype, .iifgroup, .oifgroup, .skuid, .skgid, .nftrace,
      .rtclassid, .ibrname, .obrname, .ibriport, .obriport, .pkttype, .cpu, .cgroup:
      advance()
      return Self.metaKey(word) ?? unknown("meta \(word.rawValue)", Self.unmodelledMeta(word))
    case .ct: return connectionKey()
    case .fib: return routeKey()
    case .numgen: return numberKey()
    case .jhash: return hashKey()
    case .symhash:
      advance()
      let (modulus, _, offset) = modulus()
      return NftTerm(.symmetricHash(modulus: modulus, offset: offset), .integer, width: 32)
    case .rt: return routingKey()
    case .socket, .osf, .ipsec, .exthdr, .hbh, .rt0, .rt2, .rt4, .srh, .frag, .dst, .mh, .vxlan, .geneve, .gretap:
      return unmodelledKey(word)
    default: return nil
    }
  }

  /// A key that is not modelled, with nft's spelling.
  mutating func unknown(_ text: String, _ type: NftType, width: Int? = nil) -> NftTerm {
    NftTerm(.unknown(lowering.text(text)), type, width: width)
  }

  private mutating func otherKey(from prefix: String, type: NftType) -> NftTerm? {
    guard scanner.kind == .word, let word else {
      expected("a key behind '\(prefix)'")
      return nil
    }
    let text = scanner.text(scanner.start..<scanner.stop)
    advance()
    return unknown("\(prefix) \(text)", prefix == "meta" ? Self.unmodelledMeta(word) : type)
  }

  // MARK: Headers

  private mutating func headerKey(_ word: NftWord) -> NftTerm? {
    guard let header = NftHeader.named(word) else { return nil }
    let saved = scanner
    advance()
    guard scanner.kind == .word, let name = self.word else {
      scanner = saved
      return nil
    }
    if name == .option, word == .tcp || word == .ip || word == .dccp { return optionKey(word) }
    if name == .chunk, word == .sctp { return unmodelledTail("sctp chunk") }
    if word == .gre, name == .ip || name == .ip6 || name == .ether { return innerKey("gre") }
    advance()
    if word == .arp, name == .saddr || name == .daddr {
      let qualifier = self.word
      advance()
      guard let field = header.field(named: name, qualifier: qualifier) else {
        expected("'ip' or 'ether'")
        return nil
      }
      return header.term(field)
    }
    guard let field = header.field(named: name) else {
      return unknown("\(word.rawValue) \(name.rawValue)", .integer)
    }
    return header.term(field)
  }

  private mutating func optionKey(_ header: NftWord) -> NftTerm? {
    let start = scanner.start
    advance()
    if scanner.isMark("@") {
      advance()
      _ = numbers(3)
      return unknown("\(header.rawValue) \(scanner.text(start..<scanner.lastStop))", .integer)
    }
    let kind = scanner.text(scanner.start..<scanner.stop)
    advance()
    if scanner.kind == .word, word == .exists || word == .missing {
      if header == .tcp { lowering.require(NftNeeds(transport: 6)) }
      return unknown("\(header.rawValue) option \(kind)", .boolean)
    }
    let name = scanner.text(scanner.start..<scanner.stop)
    advance()
    if header == .tcp, kind == "maxseg" || kind == "mss", name == "size" {
      return NftTerm(.field(.tcpMaximumSegment), .integer, width: 16)
    }
    return unknown("\(header.rawValue) option \(kind) \(name)", .integer)
  }

  var isRawPayload: Bool {
    let rest = scanner.end - scanner.stop
    guard rest >= 4, scanner.base[scanner.stop + 2] == UInt8(ascii: ",") else { return false }
    switch (scanner.base[scanner.stop], scanner.base[scanner.stop + 1]) {
    case (UInt8(ascii: "l"), UInt8(ascii: "l")), (UInt8(ascii: "n"), UInt8(ascii: "h")),
      (UInt8(ascii: "t"), UInt8(ascii: "h")), (UInt8(ascii: "i"), UInt8(ascii: "h")):
      return true
    default: return false
    }
  }

  /// `@nh,72,8`
  private mutating func rawPayload() -> NftTerm? {
    advance()
    let base: PayloadBase =
      switch scanner.base[scanner.start] {
      case UInt8(ascii: "l"): .link
      case UInt8(ascii: "n"): .network
      case UInt8(ascii: "t"): .transport
      default: .inner
      }
    advance()
    guard take(","), let pair = numbers(2) else {
      expected("offset and length in bits, as in @nh,72,8")
      return nil
    }
    return NftTerm(.payload(base, offset: pair[0], length: pair[1]), .integer, width: Int(pair[1]))
  }

  /// `a,b,c`
  private mutating func numbers(_ count: Int) -> [UInt32]? {
    var list: [UInt32] = []
    while list.count < count {
      if !list.isEmpty, !take(",") { return nil }
      guard scanner.kind == .word, let value = NftType.number(scanner.bytes), value <= Bits128(UInt32.max) else {
        return nil
      }
      list.append(UInt32(value.low))
      advance()
    }
    return list
  }

  // MARK: meta

  static func metaKey(_ word: NftWord) -> NftTerm? {
    switch word {
    case .l4proto: NftTerm(.field(.protocol), .transport)
    case .nfproto: NftTerm(.field(.networkProtocol), .networkFamily)
    case .protocol: NftTerm(.field(.etherType), .etherType)
    case .mark: NftTerm(.field(.mark), .mark)
    case .iifname: NftTerm(.field(.inputInterface), .interfaceName)
    case .oifname: NftTerm(.field(.outputInterface), .interfaceName)
    case .iif: NftTerm(.field(.inputInterfaceIndex), .interfaceIndex)
    case .oif: NftTerm(.field(.outputInterfaceIndex), .interfaceIndex)
    case .iiftype: NftTerm(.field(.inputInterfaceType), .interfaceType)
    case .oiftype: NftTerm(.field(.outputInterfaceType), .interfaceType)
    case .iifgroup: NftTerm(.field(.inputInterfaceGroup), .interfaceGroup)
    case .oifgroup: NftTerm(.field(.outputInterfaceGroup), .interfaceGroup)
    case .ibrname: NftTerm(.field(.inputBridge), .interfaceName)
    case .obrname: NftTerm(.field(.outputBridge), .interfaceName)
    case .skuid: NftTerm(.field(.userID), .user)
    case .skgid: NftTerm(.field(.groupID), .group)
    case .length: NftTerm(.field(.length), .integer, width: 32)
    case .pkttype: NftTerm(.field(.packetType), .packetType)
    case .cpu: NftTerm(.field(.cpu), .integer, width: 32)
    case .cgroup: NftTerm(.field(.cgroup), .integer, width: 32)
    case .rtclassid: NftTerm(.field(.realm), .realm)
    case .priority: NftTerm(.field(.priority), .classID)
    case .random: NftTerm(.field(.random), .integer, width: 32)
    case .day: NftTerm(.field(.day), .day)
    case .hour: NftTerm(.field(.hour), .hour, width: 32)
    case .time: NftTerm(.field(.time), .time)
    case .secmark: NftTerm(.field(.securityMark), .integer, width: 32)
    case .ipsec, .secpath: NftTerm(.field(.ipsec), .boolean)
    default: nil
    }
  }

  static func unmodelledMeta(_ word: NftWord) -> NftType {
    switch word {
    case .ibriport, .obriport, .sdifname, .iifkind, .oifkind: .interfaceName
    case .sdif: .interfaceIndex
    case .ibrvproto: .etherType
    default: .integer
    }
  }

  // MARK: ct

  private mutating func connectionKey() -> NftTerm? {
    let saved = scanner
    advance()
    var reply: Bool?
    if scanner.kind == .word {
      switch word {
      case .original: reply = false
      case .reply: reply = true
      default: break
      }
    }
    if reply != nil { advance() }
    var needs = NftNeeds()
    var type: NftType = lowering.family == .ip6 ? .ipv6 : .ipv4
    if reply != nil || lowering.family != .inet {
      switch word {
      case .ip:
        needs = .ip
        type = .ipv4
        advance()
      case .ip6:
        needs = .ip6
        type = .ipv6
        advance()
      default: break
      }
    }
    guard scanner.kind == .word, let word else {
      scanner = saved
      return nil
    }
    let name = scanner.text(scanner.start..<scanner.stop)
    advance()
    let isReply = reply == true
    switch word {
    case .state: return NftTerm(.field(.connectionState), .connectionState)
    case .status: return NftTerm(.field(.connectionStatus), .connectionStatus)
    case .direction: return NftTerm(.field(.connectionDirection), .connectionDirection)
    case .mark: return NftTerm(.field(.connectionMark), .mark)
    case .zone where reply == nil: return NftTerm(.field(.connectionZone), .integer, width: 16)
    case .l3proto: return NftTerm(.field(.connectionFamily), .networkFamily)
    case .protocol: return NftTerm(.field(.connectionProtocol), .transport)
    case .saddr: return NftTerm(.field(isReply ? .replySource : .originalSource), type, needs: needs)
    case .daddr: return NftTerm(.field(isReply ? .replyDestination : .originalDestination), type, needs: needs)
    case .protoSrc: return NftTerm(.field(isReply ? .replySourcePort : .originalSourcePort), .port)
    case .protoDst: return NftTerm(.field(isReply ? .replyDestinationPort : .originalDestinationPort), .port)
    case .expiration: return NftTerm(.field(.connectionExpiration), .duration)
    case .helper: return NftTerm(.field(.connectionHelper), .string)
    case .label: return NftTerm(.field(.connectionLabel), .connectionLabel)
    case .bytes where reply == nil: return NftTerm(.field(.connectionBytes), .integer, width: 64)
    case .packets where reply == nil: return NftTerm(.field(.connectionPackets), .integer, width: 64)
    case .event: return unknown("ct event", .connectionEvent)
    default:
      return unknown("ct \(reply == nil ? "" : isReply ? "reply " : "original ")\(name)", .integer, width: 64)
    }
  }

  // MARK: fib, rt

  /// `fib saddr . iif oif`
  private mutating func routeKey() -> NftTerm? {
    advance()
    var fromSource = false
    var lookup = RouteLookup(.addressType, fromSource: false)
    while true {
      switch word {
      case .saddr: fromSource = true
      case .daddr: break
      case .mark: lookup.withMark = true
      case .iif: lookup.withInputInterface = true
      case .oif: lookup.withOutputInterface = true
      default:
        expected("saddr, daddr, mark, iif or oif")
        return nil
      }
      advance()
      guard scanner.isByte(".") else { break }
      advance()
    }
    lookup.fromSource = fromSource
    var type: NftType
    switch word {
    case .type:
      lookup.result = .addressType
      type = .addressType
    case .check:
      // nft 1.1.4's word for asking only whether there is a route.
      lookup.result = .interfaceIndex
      lookup.presenceOnly = true
      advance()
      return NftTerm(.routeLookup(lookup), .boolean)
    case .oif:
      lookup.result = .interfaceIndex
      type = .interfaceIndex
    case .oifname:
      lookup.result = .interfaceName
      type = .interfaceName
    default:
      expected("type, oif, oifname or check")
      return nil
    }
    advance()
    // Asked only whether there is a route.
    if type != .addressType, scanner.kind == .word, let word {
      if word == .exists || word == .missing {
        lookup.presenceOnly = true
        type = .boolean
      }
    } else if type == .interfaceIndex, scanner.kind == .word, NftType.number(scanner.bytes)?.isZero == true {
      lookup.presenceOnly = true
      type = .boolean
    }
    return NftTerm(.routeLookup(lookup), type)
  }

  private mutating func routingKey() -> NftTerm? {
    advance()
    var family = ""
    if word == .ip || word == .ip6 {
      family = scanner.text(scanner.start..<scanner.stop) + " "
      advance()
    }
    switch word {
    case .classid:
      advance()
      return NftTerm(.field(.routingClass), .realm)
    case .ipsec:
      advance()
      return unknown("rt ipsec", .boolean)
    case .nexthop:
      advance()
      let six = family == "ip6 " || (family.isEmpty && lowering.family == .ip6)
      return unknown("rt \(family)nexthop", six ? .ipv6 : .ipv4)
    default: return otherKey(from: "rt", type: .integer)
    }
  }

  // MARK: Numbers and hashes

  private mutating func numberKey() -> NftTerm? {
    advance()
    let isRandom: Bool
    switch word {
    case .random: isRandom = true
    case .inc: isRandom = false
    default:
      expected("'random' or 'inc'")
      return nil
    }
    advance()
    let (modulus, _, offset) = modulus()
    return NftTerm(
      isRandom
        ? .randomNumber(modulus: modulus, offset: offset) : .counterNumber(modulus: modulus, offset: offset),
      .integer, width: 32)
  }

  /// `mod 16 seed 0x1 offset 5`
  private mutating func modulus() -> (modulus: UInt32, seed: UInt32?, offset: UInt32) {
    var values: (modulus: UInt32, seed: UInt32?, offset: UInt32) = (0, nil, 0)
    while scanner.kind == .word, let word, word == .mod || word == .seed || word == .offset {
      let saved = scanner
      advance()
      guard scanner.kind == .word, let number = NftType.number(scanner.bytes) else {
        scanner = saved
        break
      }
      let value = UInt32(truncatingIfNeeded: number.low)
      switch word {
      case .mod: values.modulus = value
      case .seed: values.seed = value
      default: values.offset = value
      }
      advance()
    }
    return values
  }

  private mutating func hashKey() -> NftTerm? {
    advance()
    guard let key = term(literal: nil) else { return nil }
    let (modulus, seed, offset) = modulus()
    var result = NftTerm(
      .jenkinsHash(key.expression, modulus: modulus, seed: seed, offset: offset), .integer, width: 32)
    // The hash needs the headers of what it hashes.
    for part in key.parts.isEmpty ? [key] : key.parts {
      if part.needs.network != 0 { result.needs.network = part.needs.network }
      if part.needs.transport != 0 { result.needs.transport = part.needs.transport }
    }
    return result
  }

  // MARK: Keys that are read and kept, not modelled

  private mutating func unmodelledKey(_ word: NftWord) -> NftTerm? {
    let saved = scanner
    let start = scanner.start
    advance()
    guard scanner.kind == .word, let name = self.word else {
      scanner = saved
      return nil
    }
    switch word {
    case .socket:
      advance()
      if name == .cgroupv2 {
        _ = take(.level)
        advance()
        return unknown(scanner.text(start..<scanner.lastStop), .string)
      }
      if name == .mark { return unknown("socket mark", .mark) }
      return unknown("socket \(name.rawValue)", .boolean)
    case .osf:
      if name == .ttl {
        advance()
        advance()
      }
      advance()
      return unknown(scanner.text(start..<scanner.lastStop), .string)
    case .ipsec:
      advance()
      if take(.spnum) { advance() }
      var type = NftType.integer
      if take(.ip) { type = .ipv4 }
      if take(.ip6) { type = .ipv6 }
      advance()
      return unknown(scanner.text(start..<scanner.lastStop), type)
    case .exthdr:
      advance()
      return unknown("exthdr \(name.rawValue)", .boolean)
    case .vxlan, .geneve, .gretap:
      return innerKey(word.rawValue)
    default:
      let type: NftType =
        switch name {
        case .exists, .missing: .boolean
        case .nexthdr: .transport
        case .type where word == .mh: .mobilityType
        default: .integer
        }
      if type != .boolean {
        advance()
        if scanner.kind == .word, scanner.bytes.first == UInt8(ascii: "[") { advance() }
      }
      return unknown(scanner.text(start..<scanner.lastStop), type)
    }
  }

  /// A header inside a tunnel.
  private mutating func innerKey(_ tunnel: String) -> NftTerm? {
    let start = scanner.start
    let inner: NftTerm
    if let word, let key = key(word) {
      inner = key
    } else {
      advance()
      inner = NftTerm(.constant(.zero), .integer)
    }
    return unknown("\(tunnel) \(scanner.text(start..<scanner.lastStop))", inner.type, width: inner.width)
  }

  private mutating func unmodelledTail(_ prefix: String) -> NftTerm? {
    advance()
    let kind = scanner.text(scanner.start..<scanner.stop)
    advance()
    if word == .exists || word == .missing { return unknown("\(prefix) \(kind)", .boolean) }
    let name = scanner.text(scanner.start..<scanner.stop)
    advance()
    return unknown("\(prefix) \(kind) \(name)", .integer)
  }
}

extension NftTerm {
  var isConstant: Bool {
    if case .constant = expression { return true }
    return false
  }
}
