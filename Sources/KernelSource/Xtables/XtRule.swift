import Wire

/// A rule of an iptables-nft table: nf_tables' bytecode, spelled as iptables-save does, so that one parser reads what
/// the tool prints and what the kernel tells. Some options stand as native expressions, others as xtables extensions.
struct XtRule {
  private let version: IPVersion
  private let sets: IPSetNames
  /// Extensions that are not decoded.
  private(set) var opaque: [String] = []
  /// Not an iptables rule: some other tool wrote it.
  private(set) var isAlien = false

  private var registers = [Register](repeating: .empty, count: 20)
  private var source = ""
  private var destination = ""
  private var input = ""
  private var output = ""
  private var transport = ""
  private var fragment = ""
  private var matches: [String] = []
  private var target = ""
  private var protocolNumber: UInt8 = 0
  /// Where the options of `-m tcp` and `-m udp` stand that are native expressions.
  private var portMatch: (position: Int, source: String, destination: String, flags: String)?
  /// `>=` whose `<=` comes next.
  private var lower: (slot: Int, value: UInt16)?

  private enum Register {
    case empty
    case payload(base: UInt32, offset: UInt32, length: UInt32, mask: [UInt8])
    case meta(key: UInt32, mask: UInt32)
    case constant([UInt8])
  }

  init(_ version: IPVersion, _ sets: IPSetNames) {
    self.version = version
    self.sets = sets
  }

  /// Everything behind `-A CHAIN`, with a space in front.
  mutating func text(_ expressions: Attributes?, userdata: Attributes?) -> String {
    var copy = self
    expressions?.each { _, element in
      copy.add(
        element[1]?.string ?? "", element[2] ?? Attributes(UnsafeRawBufferPointer(start: nil, count: 0)))
    }
    self = copy
    if let match = portMatch {
      let name = XtText.transport(protocolNumber)
      let options = [match.source, match.destination, match.flags].filter { !$0.isEmpty }
      matches.insert((["-m \(name)"] + options).joined(separator: " "), at: match.position)
    }
    if let comment = userdata.flatMap({ NftSource.userString($0.bytes, type: 0) }) {
      matches.append("-m comment --comment \(XtText.quoted(comment))")
    }
    return ([source, destination, input, output, transport, fragment] + matches + [target])
      .filter { !$0.isEmpty }.map { " " + $0 }.joined()
  }

  private mutating func add(_ name: String, _ data: Attributes) {
    switch name {
    case "counter": break
    case "payload": load(data)
    case "meta": meta(data)
    case "bitwise": mask(data)
    case "cmp": compare(data)
    case "range": range(data)
    case "immediate": immediate(data)
    case "match": extensionMatch(data)
    case "target": extensionTarget(data)
    case "limit": limit(data)
    case "log": log(data)
    default: isAlien = true
    }
  }

  // MARK: Registers

  private mutating func store(_ register: Register, _ number: UInt32?) {
    registers[NftRuleState.slot(number ?? 1)] = register
  }

  private mutating func load(_ data: Attributes) {
    guard data[5] == nil else {
      isAlien = true
      return
    }
    store(
      .payload(base: data[2]?.be32 ?? 0, offset: data[3]?.be32 ?? 0, length: data[4]?.be32 ?? 0, mask: []),
      data[1]?.be32)
  }

  private mutating func meta(_ data: Attributes) {
    if data[3] != nil {
      // The trace bit, which -j TRACE sets.
      if data[2]?.be32 == 12 {
        target = "-j TRACE"
        return
      }
      isAlien = true
      return
    }
    store(.meta(key: data[2]?.be32 ?? 0, mask: .max), data[1]?.be32)
  }

  private mutating func mask(_ data: Attributes) {
    let bytes = (data[4]?[1]?.bytes).map(Array.init) ?? []
    let flips = (data[5]?[1]?.bytes).map(Array.init) ?? []
    guard data[6]?.be32 ?? 0 == 0, flips.allSatisfy({ $0 == 0 }) else {
      isAlien = true
      return
    }
    switch registers[NftRuleState.slot(data[1]?.be32 ?? 1)] {
    case .payload(let base, let offset, let length, _):
      store(.payload(base: base, offset: offset, length: length, mask: bytes), data[2]?.be32)
    case .meta(let key, _) where bytes.count == 4:
      store(.meta(key: key, mask: bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }), data[2]?.be32)
    default: isAlien = true
    }
  }

  private mutating func immediate(_ data: Attributes) {
    guard let verdict = data[2]?[2] else {
      return store(.constant((data[2]?[1]?.bytes).map(Array.init) ?? []), data[1]?.be32)
    }
    let chain = verdict[2]?.string ?? ""
    switch Int32(bitPattern: verdict[1]?.be32 ?? 0) {
    case 0: target = "-j DROP"
    case 1: target = "-j ACCEPT"
    case 3: target = "-j QUEUE"
    case -3: target = "-j \(XtText.quoted(chain))"
    case -4: target = "-g \(XtText.quoted(chain))"
    case -5: target = "-j RETURN"
    default: break
    }
  }

  // MARK: Native matches

  private mutating func compare(_ data: Attributes) {
    let slot = NftRuleState.slot(data[1]?.be32 ?? 1)
    let value = (data[3]?[1]?.bytes).map(Array.init) ?? []
    let operation = data[2]?.be32 ?? 0
    if operation == 5, value.count == 2 {
      lower = (slot, Self.number(value))
      return
    }
    if operation == 3, value.count == 2, let lower, lower.slot == slot,
      case .payload(2, let offset, 2, _) = registers[slot]
    {
      self.lower = nil
      return port(offset, lower.value, Self.number(value), negated: false)
    }
    guard operation < 2 else {
      isAlien = true
      return
    }
    let negated = operation == 1
    switch registers[slot] {
    case .meta(let key, let mask): compareMeta(key, mask, value, negated)
    case .payload(1, let offset, let length, let mask): compareNetwork(offset, length, mask, value, negated)
    case .payload(2, let offset, let length, let mask): compareTransport(offset, length, mask, value, negated)
    default: isAlien = true
    }
  }

  private static func number(_ bytes: [UInt8]) -> UInt16 { bytes.reduce(0) { $0 << 8 | UInt16($1) } }

  private mutating func compareMeta(_ key: UInt32, _ mask: UInt32, _ value: [UInt8], _ negated: Bool) {
    let not = XtText.not(negated)
    switch key {
    case 3 where value.count == 4:
      let mark = value.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
      matches.append("-m mark \(not)--mark \(XtText.masked(mark, mask))")
    case 6: input = "\(not)-i \(Self.interface(value))"
    case 7: output = "\(not)-o \(Self.interface(value))"
    case 16 where value.count == 1:
      transport = "\(not)-p \(XtText.transport(value[0]))"
      if !negated { protocolNumber = value[0] }
    default: isAlien = true
    }
  }

  /// A name without its end is the start of many.
  private static func interface(_ value: [UInt8]) -> String {
    let name = value.prefix { $0 != 0 }
    return String(decoding: name, as: UTF8.self) + (name.count == value.count && value.count < 16 ? "+" : "")
  }

  private mutating func compareNetwork(
    _ offset: UInt32, _ length: UInt32, _ mask: [UInt8], _ value: [UInt8], _ negated: Bool
  ) {
    if version == .v4, offset == 6, length == 2, value.allSatisfy({ $0 == 0 }) {
      fragment = negated ? "-f" : "! -f"
      return
    }
    let width = version == .v4 ? 4 : 16
    let first: UInt32 = version == .v4 ? 12 : 8
    guard offset == first || offset == first + UInt32(width), !value.isEmpty, value.count <= width else {
      isAlien = true
      return
    }
    let bits = value.withUnsafeBytes { Bits128(leftAligned: $0) } >> (128 - width * 8)
    let bytes = mask.isEmpty ? [UInt8](repeating: 255, count: value.count) : mask
    let ones = bytes.withUnsafeBytes { Bits128(leftAligned: $0) } >> (128 - width * 8)
    let text =
      XtBlob.prefixLength(ones, width: width * 8).map { "\($0)" } ?? "\(IPAddress(bits: ones, version: version))"
    let word = offset == first ? "-s" : "-d"
    let option = "\(XtText.not(negated))\(word) \(IPAddress(bits: bits, version: version))/\(text)"
    if offset == first { source = option } else { destination = option }
  }

  private mutating func compareTransport(
    _ offset: UInt32, _ length: UInt32, _ mask: [UInt8], _ value: [UInt8], _ negated: Bool
  ) {
    switch (protocolNumber, offset, length) {
    case (1, 0, 1...2), (58, 0, 1...2):
      let word =
        protocolNumber == 1
        ? "-m icmp \(XtText.not(negated))--icmp-type" : "-m icmp6 \(XtText.not(negated))--icmpv6-type"
      matches.append("\(word) \(value.map { "\($0)" }.joined(separator: "/"))")
    case (6, 13, 1) where value.count == 1:
      openPortMatch()
      let asked = mask.first ?? 0xFF
      portMatch?.flags = "\(XtText.not(negated))--tcp-flags \(XtText.tcpFlags(asked)) \(XtText.tcpFlags(value[0]))"
    // `--sport 67 --dport 68` as one comparison.
    case (_, 0, 4) where value.count == 4 && mask.isEmpty && !negated:
      for (offset, number) in [(UInt32(0), Self.number(Array(value[..<2]))), (2, Self.number(Array(value[2...])))] {
        port(offset, number, number, negated: false)
      }
    case (_, 0, 2), (_, 2, 2): port(offset, Self.number(value), Self.number(value), negated: negated)
    default: isAlien = true
    }
  }

  private mutating func openPortMatch() {
    if portMatch == nil { portMatch = (matches.count, "", "", "") }
  }

  private mutating func port(_ offset: UInt32, _ first: UInt16, _ last: UInt16, negated: Bool) {
    guard protocolNumber != 0, offset == 0 || offset == 2 else {
      isAlien = true
      return
    }
    openPortMatch()
    let option = "\(XtText.not(negated))--\(offset == 0 ? "sport" : "dport") \(XtText.range(first, last))"
    if offset == 0 { portMatch?.source = option } else { portMatch?.destination = option }
  }

  private mutating func range(_ data: Attributes) {
    guard case .payload(2, let offset, 2, _) = registers[NftRuleState.slot(data[1]?.be32 ?? 1)],
      let from = data[3]?[1]?.bytes, let to = data[4]?[1]?.bytes
    else {
      isAlien = true
      return
    }
    port(offset, Self.number(Array(from)), Self.number(Array(to)), negated: data[2]?.be32 == 1)
  }

  // MARK: Extensions and statements

  private mutating func extensionMatch(_ data: Attributes) {
    let name = data[1]?.string ?? ""
    let blob = XtBlob(bytes: data[3]?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0), version: version)
    if let text = XtMatch.text(name, revision: data[2]?.be32 ?? 0, blob, sets) { return matches.append(text) }
    opaque.append("match \(name)")
    matches.append("-m \(XtText.quoted(name))")
  }

  private mutating func extensionTarget(_ data: Attributes) {
    let name = data[1]?.string ?? ""
    let blob = XtBlob(bytes: data[3]?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0), version: version)
    if let text = XtTarget.text(name, revision: data[2]?.be32 ?? 0, blob, sets) {
      target = text
      return
    }
    opaque.append("target \(name)")
    // An option marks it as an extension and no chain.
    target = "-j \(XtText.quoted(name)) --opaque"
  }

  private mutating func limit(_ data: Attributes) {
    guard data[4]?.be32 ?? 0 == 0, data[5]?.be32 ?? 0 == 0 else {
      isAlien = true
      return
    }
    let unit: String =
      switch data[2]?.be64 ?? 1 {
      case 60: "min"
      case 3600: "hour"
      case 86400: "day"
      default: "sec"
      }
    let burst = data[3]?.be32 ?? 5
    matches.append("-m limit --limit \(data[1]?.be64 ?? 0)/\(unit)" + (burst == 5 ? "" : " --limit-burst \(burst)"))
  }

  private mutating func log(_ data: Attributes) {
    guard let group = data[1]?.be16 else {
      isAlien = true
      return
    }
    target = "-j NFLOG"
    if let prefix = data[2]?.string, !prefix.isEmpty { target += " --nflog-prefix \(XtText.quoted(prefix))" }
    if group != 0 { target += " --nflog-group \(group)" }
    if let size = data[3]?.be32, size != 0 { target += " --nflog-size \(size)" }
    if let threshold = data[4]?.be16, threshold != 0 { target += " --nflog-threshold \(threshold)" }
  }
}
