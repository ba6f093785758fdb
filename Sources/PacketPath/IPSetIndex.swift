import Ruleset
import Snapshot
import Wire

/// The node's ipsets, asked the way the kernel's xt_set asks them (net/netfilter/ipset/).
struct IPSetIndex: Sendable {
  private var sets: [String: IPSet] = [:]
  /// Of sets whose elements are single addresses or (address, port) in the first parts: candidates by address.
  private var byAddress: [String: [Bits128: [Int]]] = [:]
  let known: Bool

  init(_ ipsets: [IPSet]?) {
    known = ipsets != nil
    for set in ipsets ?? [] {
      sets[set.name] = set
      guard set.elements.count > 32 else { continue }
      var groups: [Bits128: [Int]] = [:]
      var single = true
      for (index, element) in set.elements.enumerated() {
        guard case .address(let range)? = element.parts.first, range.low == range.high else {
          single = false
          break
        }
        groups[range.low, default: []].append(index)
      }
      if single { byAddress[set.name] = groups }
    }
  }

  func exists(_ name: String) -> Bool { sets[name] != nil }

  /// What a set test asks of a packet; nil fields are not known.
  struct Query {
    var version: IPVersion
    var source: Bits128
    var destination: Bits128
    var ipProtocol: UInt8
    /// Of protocols with ports; ICMP: type << 8 | code in both.
    var sourcePort: UInt16?
    var destinationPort: UInt16?
    var inputInterface: String
    var outputInterface: String?
    var mark: UInt32
  }

  enum Answer { case no, yes, unknown }

  func test(_ test: IPSetTest, _ query: Query) -> Answer {
    guard let set = sets[test.name] else { return .unknown }
    if !test.otherOptions.isEmpty { return .unknown }
    return ask(set, test, query, depth: 0)
  }

  private func ask(_ set: IPSet, _ test: IPSetTest, _ query: Query, depth: Int) -> Answer {
    if set.dimensions == [.set] {
      guard depth < 8 else { return .no }
      var result = Answer.no
      for element in set.elements {
        guard case .set(let name)? = element.parts.first, let member = sets[name] else { continue }
        switch ask(member, test, query, depth: depth + 1) {
        case .yes: return .yes
        case .unknown: result = .unknown
        case .no: continue
        }
      }
      return result
    }
    guard test.fromSource.count >= set.dimensions.count else { return .no }
    if let version = set.version, version != query.version { return .no }
    var best: (specificity: Int, noMatch: Bool)?
    // hash:net,iface stops at the narrowest network that holds the address, whatever interfaces it is listed with.
    var narrowest = -1
    if set.dimensions.contains(.iface) {
      for element in set.elements {
        if case .address(let range)? = element.parts.first {
          let address = test.fromSource[0] ? query.source : query.destination
          if range.low <= address, address <= range.high { narrowest = max(narrowest, Self.width(range)) }
        }
      }
    }
    let candidates: [Int]
    if let groups = byAddress[set.name] {
      let address = netmasked(test.fromSource[0] ? query.source : query.destination, set)
      candidates = groups[address] ?? []
    } else {
      candidates = Array(set.elements.indices)
    }
    var unknown = false
    for index in candidates {
      let element = set.elements[index]
      var specificity = 0
      var held = true
      for (position, part) in element.parts.enumerated() {
        guard position < test.fromSource.count else { break }
        switch holds(part, set, fromSource: test.fromSource[position], query) {
        case .no: held = false
        case .unknown:
          unknown = true
          held = false
        case .yes:
          if case .address(let range) = part {
            specificity = specificity * 129 + Self.width(range)
            if position == 0, narrowest >= 0, Self.width(range) < narrowest { held = false }
          }
        }
        if !held { break }
      }
      guard held else { continue }
      if best == nil || specificity > best!.specificity { best = (specificity, element.noMatch) }
    }
    // A more specific `nomatch` element is an exception from a wider one.
    guard let best else { return unknown ? .unknown : .no }
    return best.noMatch == test.returnNoMatch ? .yes : .no
  }

  private func netmasked(_ address: Bits128, _ set: IPSet) -> Bits128 {
    guard let netmask = set.netmask, let version = set.version else { return address }
    return address & IPPrefix.mask(netmask, version)
  }

  /// Leading bits that low and high share: the prefix length of a prefix.
  private static func width(_ range: IPSet.Element.AddressRange) -> Int {
    let difference = range.low ^ range.high
    return difference.high != 0 ? difference.high.leadingZeroBitCount : 64 + difference.low.leadingZeroBitCount
  }

  private func holds(_ part: IPSet.Element.Part, _ set: IPSet, fromSource: Bool, _ query: Query) -> Answer {
    switch part {
    case .address(let range):
      let address = netmasked(fromSource ? query.source : query.destination, set)
      return range.low <= address && address <= range.high ? .yes : .no
    case .port(let proto, let ports):
      if let proto {
        guard proto == query.ipProtocol else { return .no }
      } else if !IPProtocol(rawValue: query.ipProtocol).hasPorts {
        return .no  // bitmap:port knows only protocols with ports
      }
      guard let port = fromSource ? query.sourcePort : query.destinationPort else {
        return IPProtocol(rawValue: query.ipProtocol).hasPorts || IPProtocol(rawValue: query.ipProtocol).isICMP
          ? .unknown : ports.contains(0) ? .yes : .no
      }
      return ports.contains(port) ? .yes : .no
    case .interface(let name, let physical):
      if physical { return .unknown }
      guard let interface = fromSource ? query.inputInterface : query.outputInterface else { return .unknown }
      if interface.isEmpty { return .no }
      if name.hasSuffix("+") { return interface.hasPrefix(name.dropLast()) ? .yes : .no }
      return interface == name ? .yes : .no
    case .mark(let mark): return query.mark & set.markMask == mark ? .yes : .no
    case .mac: return .unknown
    case .set: return .no
    }
  }
}
