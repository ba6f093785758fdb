import Input
import Wire

/// `ip rule`, `ip -6 rule`, both with `-j`. Without an address in it a dump does not tell its version: the caller may,
/// else it is IPv4.
public enum IPRuleReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    read(section, version: nil, into: &snapshot)
  }

  public static func read(_ section: DumpSection, version: IPVersion?, into snapshot: inout Snapshot) {
    let file = snapshot.fileIndex(section.file)
    var rules: [RoutingRule] = []
    var told: IPVersion?
    if section.isJSON {
      withJSON(section, into: &snapshot) { root, snapshot in
        for item in root.elements where item.isObject {
          if var rule = readJSON(item, &snapshot) {
            rule.line = section.firstLine
            rules.append(rule)
          } else {
            snapshot.warn(section, section.firstLine, "a rule without a priority or an action")
          }
        }
      }
    } else {
      for line in section.lines {
        guard let first = line.words.peek, first.first != UInt8(ascii: "#") else { continue }
        if var rule = parse(line.text, &snapshot) {
          rule.line = line.number
          rules.append(rule)
        } else {
          snapshot.warn(
            section, line.number, "expected `PRIORITY: from … lookup TABLE` of ip rule, found “\(line.text.printable)”")
        }
      }
    }
    for rule in rules { told = told ?? (rule.from ?? rule.to)?.address.version }
    var list = snapshot.routingRules ?? []
    var seen = Set(list.map(key))
    for var rule in rules {
      rule.version = told ?? version ?? .v4
      rule.file = file
      if seen.insert(key(rule)).inserted { list.append(rule) }
    }
    if !list.isEmpty { snapshot.routingRules = list }
  }

  private static func key(_ rule: RoutingRule) -> RoutingRule {
    var key = rule
    key.file = 0
    key.line = 0
    return key
  }

  /// `1536:	not from 192.0.2.0/24 to all fwmark 0x1/0xff iif eth0 [detached] lookup 2 proto static`
  private static func parse(_ text: ByteText, _ snapshot: inout Snapshot) -> RoutingRule? {
    guard let (number, rest) = text.split(at: UInt8(ascii: ":")),
      let priority = number.trimmed.number(UInt32.self)
    else { return nil }
    var rule = RoutingRule(version: .v4, priority: priority, action: .nop)
    var words = Words(rest)
    var acted = false
    while let word = words.next() {
      switch word {
      case "not": rule.inverted = true
      case "from", "to":
        guard let value = words.next() else { return nil }
        if value == "all" || value == "any" || value == "default" { continue }
        guard let prefix = value.prefix else { return nil }
        if word == "from" { rule.from = prefix } else { rule.to = prefix }
      case "fwmark":
        guard let value = words.next(), apply(mark: value, to: &rule) else { return nil }
      case "iif", "dev": rule.inputInterface = words.next()?.string
      case "oif": rule.outputInterface = words.next()?.string
      case "tos", "dsfield":
        rule.typeOfService = words.next().flatMap { $0.number(UInt8.self) ?? UInt8($0.string, radix: 16) } ?? 0
      case "ipproto": rule.ipProtocol = words.next().flatMap { IPProtocol(parsing: $0.bytes)?.rawValue }
      case "sport": rule.sourcePorts = words.next().flatMap { range($0) }
      case "dport": rule.destinationPorts = words.next().flatMap { range($0) }
      case "uidrange":
        guard let value = words.next(), let (low, high) = value.split(at: UInt8(ascii: "-")),
          let low = low.number(UInt32.self), let high = high.number(UInt32.self), low <= high
        else { return nil }
        rule.userIDs = low...high
      case "lookup", "table":
        guard let name = words.next() else { return nil }
        acted = true
        // `lookup [l3mdev-table]`: the VRF's own.
        if name.first == UInt8(ascii: "[") {
          rule.l3mdev = true
          rule.action = .lookup(0)
          continue
        }
        guard let table = snapshot.routingTable(name) else { return nil }
        rule.action = .lookup(table)
      case "suppress_prefixlength": rule.suppressPrefixLength = words.next()?.int
      case "suppress_prefixlen", "suppress_ifgroup", "suppressor", "realms", "proto", "protocol", "tun_id", "flowlabel",
        "map-to":
        _ = words.next()
      case "goto":
        guard let target = words.next()?.number(UInt32.self) else { return nil }
        rule.action = .goto(target)
        acted = true
      case "nop": acted = true
      case "blackhole":
        rule.action = .blackhole
        acted = true
      case "unreachable":
        rule.action = .unreachable
        acted = true
      case "prohibit":
        rule.action = .prohibit
        acted = true
      default:
        // `[detached]`, `[unresolved]`: the interface or the target is missing now.
        if word.first == UInt8(ascii: "[") { continue }
        return nil
      }
    }
    return acted ? rule : nil
  }

  private static func apply(mark: ByteText, to rule: inout RoutingRule) -> Bool {
    let parts = mark.split(at: UInt8(ascii: "/"))
    guard let value = (parts?.before ?? mark).number(UInt32.self) else { return false }
    rule.mark = value
    if let parts {
      guard let mask = parts.after.number(UInt32.self) else { return false }
      rule.markMask = mask
    }
    return true
  }

  private static func range(_ word: ByteText) -> ClosedRange<UInt16>? {
    let parts = word.split(at: UInt8(ascii: "-"))
    guard let low = (parts?.before ?? word).number(UInt16.self) else { return nil }
    guard let parts else { return low...low }
    guard let high = parts.after.number(UInt16.self), low <= high else { return nil }
    return low...high
  }

  private static func readJSON(_ item: JSONValue, _ snapshot: inout Snapshot) -> RoutingRule? {
    guard let priority = item["priority"]?.int.flatMap({ UInt32(exactly: $0) }) else { return nil }
    var rule = RoutingRule(version: .v4, priority: priority, action: .nop)
    var acted = false
    for member in item.members {
      let value = member.value
      switch member.name {
      case "not": rule.inverted = true
      case "src": rule.from = prefix(value, length: item["srclen"]) ?? rule.from
      case "dst": rule.to = prefix(value, length: item["dstlen"]) ?? rule.to
      case "fwmark": rule.mark = number(value)
      case "fwmask": rule.markMask = number(value) ?? .max
      case "iif": rule.inputInterface = value.string
      case "oif": rule.outputInterface = value.string
      case "tos": rule.typeOfService = value.text.flatMap { $0.number(UInt8.self) ?? UInt8($0.string, radix: 16) } ?? 0
      case "ipproto": rule.ipProtocol = value.text.flatMap { IPProtocol(parsing: $0.bytes)?.rawValue } ?? number(value)
      case "sport", "sport_start": rule.sourcePorts = ports(value, end: item["sport_end"])
      case "dport", "dport_start": rule.destinationPorts = ports(value, end: item["dport_end"])
      case "uid_start":
        if let low: UInt32 = number(value), let high: UInt32 = item["uid_end"].flatMap({ number($0) }), low <= high {
          rule.userIDs = low...high
        }
      case "l3mdev":
        rule.l3mdev = true
        rule.action = .lookup(0)
        acted = true
      case "table":
        if let table = value.int.flatMap({ UInt32(exactly: $0) }) ?? value.text.flatMap({ snapshot.routingTable($0) }) {
          if !rule.l3mdev { rule.action = .lookup(table) }
          acted = true
        }
      case "suppress_prefixlen", "suppress_prefixlength": rule.suppressPrefixLength = value.int
      case "goto":
        if let target: UInt32 = number(value) { rule.action = .goto(target) }
        acted = true
      case "action":
        acted = true
        switch value.text ?? member.name {
        case "blackhole": rule.action = .blackhole
        case "unreachable": rule.action = .unreachable
        case "prohibit": rule.action = .prohibit
        default: break
        }
      case "blackhole":
        rule.action = .blackhole
        acted = true
      case "unreachable":
        rule.action = .unreachable
        acted = true
      case "prohibit":
        rule.action = .prohibit
        acted = true
      case "nop": acted = true
      default: break
      }
    }
    return acted ? rule : nil
  }

  private static func prefix(_ value: JSONValue, length: JSONValue?) -> IPPrefix? {
    guard let text = value.text, !(text == "all"), let prefix = text.prefix else { return nil }
    guard let length = length?.int, length >= 0, length <= prefix.length else { return prefix }
    return IPPrefix(prefix.address, length: length)
  }

  private static func number<T: FixedWidthInteger & UnsignedInteger>(_ value: JSONValue) -> T? {
    value.int.flatMap { T(exactly: $0) } ?? value.text?.number(T.self)
  }

  private static func ports(_ value: JSONValue, end: JSONValue?) -> ClosedRange<UInt16>? {
    guard let low: UInt16 = number(value) else { return value.text.flatMap { range($0) } }
    guard let high: UInt16 = end.flatMap({ number($0) }), low <= high else { return low...low }
    return low...high
  }
}

extension IPRuleReader {
  static let descriptor = DumpDescriptor(
    .rule, commands: ["ip rule", "ip -6 rule"],
    collected: [.init("ip-rule.txt", "ip", "rule"), .init("ip-6-rule.txt", "ip", "-6", "rule")],
    isNamed: { $0.contains("rule") && $0.contains("ip") && !$0.contains("ruleset") },
    json: { $0.contains("\"priority\"") && $0.contains("\"src\"") },
    read: { dump, snapshot in
      let name = dump.command ?? dump.section.file.name.split(separator: "/").last.map(String.init) ?? ""
      let isV6 = ["ip-6", "ip6", "ip -6", "ip_-6", "-f inet6", "rule6"].contains { name.contains($0) }
      read(dump.section, version: isV6 ? .v6 : nil, into: &snapshot)
    },
    recognises: { line in
      line.first.last == UInt8(ascii: ":") && line.first.dropLast(1).int != nil
        && (line.second == "from" || line.second == "not")
    })
}
