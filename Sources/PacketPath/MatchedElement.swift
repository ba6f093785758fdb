import Ruleset
import Snapshot
import Wire

/// The element of a set, map or ipset into which a packet fell, as the set's own tool spells it.
public struct MatchedElement: Sendable, Hashable {
  /// `@service-ips`, `KUBE-CLUSTER-IP`.
  public var set: String
  /// `10.43.21.102 . tcp . 4317 : goto service-2QRHZV4L-default/cart/tcp/http`, `10.43.21.102,tcp:4317`
  public var text: String
}

/// A packet's addresses as a rule meets them: what a set's key is made of.
public struct StepPacket: Sendable {
  public var source: IPAddress
  /// Nil: source NAT may have chosen another.
  public var sourcePort: UInt16?
  public var destination: IPAddress
  public var destinationPort: UInt16
  public var ipProtocol: IPProtocol

  public init(_ flow: Flow) {
    source = flow.source
    sourcePort = flow.sourcePort
    destination = flow.destination
    destinationPort = flow.destinationPort
    ipProtocol = flow.ipProtocol
  }

  /// What a field of the packet holds; nil: not told here.
  fileprivate func value(_ field: Field) -> Bits128? {
    switch field {
    case .source, .source4, .source6: source.bits
    case .destination, .destination4, .destination6: destination.bits
    case .protocol, .headerProtocol4, .headerProtocol6: Bits128(UInt32(ipProtocol.rawValue))
    case .sourcePort: sourcePort.map { Bits128(UInt32($0)) }
    case .destinationPort: Bits128(UInt32(destinationPort))
    case .networkProtocol: Bits128(UInt32(destination.version == .v4 ? 2 : 10))
    default: nil
    }
  }
}

extension Trace {
  /// The element that a lookup of a rule found. Parts of the key that are not told here fit any; nil: none fits.
  public func element(_ id: LookupID, _ packet: StepPacket, verdict: StepVerdict) -> MatchedElement? {
    let ruleset = model.ruleset
    let lookup = ruleset.lookups[Int(id.index)]
    let set = ruleset.sets[Int(lookup.set.index)]
    let parts: [Expression] = if case .concatenation(let parts) = lookup.key { parts } else { [lookup.key] }
    guard parts.count == set.components else { return nil }
    let key = parts.map { part -> Bits128? in
      guard case .field(let field) = part else { return nil }
      return packet.value(field)
    }
    // A verdict map's element is told by its verdict, too, where there is one such element.
    guard key.contains(where: { $0 != nil }) || set.elements(leadingTo: verdict) == 1 else { return nil }
    let found = (0..<set.count).first { index in
      guard index != set.catchAll, set.leads(index, to: verdict) else { return false }
      return key.indices.allSatisfy { part in
        guard let value = key[part] else { return true }
        let at = index * set.components + part
        return set.lows[at] <= value && value <= (set.highs.isEmpty ? set.lows[at] : set.highs[at])
      }
    }
    guard let found = found ?? set.catchAll else { return nil }
    return MatchedElement(
      set: set.name.isEmpty ? "" : "@\(set.name)", text: ruleset.spelling(ofElement: found, in: lookup.set))
  }

  /// The element of an ipset that a test found; nil: none is told here.
  public func element(_ test: IPSetTest, _ packet: StepPacket) -> MatchedElement? {
    guard let set = model.snapshot.ipsets?.first(where: { $0.name == test.name }) else { return nil }
    let element = set.elements.first { element in
      guard !element.noMatch, element.parts.count <= test.fromSource.count else { return false }
      return zip(element.parts, test.fromSource).allSatisfy { part, isSource in
        switch part {
        case .address(let range):
          let address = isSource ? packet.source : packet.destination
          return range.low <= address.bits && address.bits <= range.high
        case .port(let number, let ports):
          let port = isSource ? packet.sourcePort : packet.destinationPort
          return (number ?? packet.ipProtocol.rawValue) == packet.ipProtocol.rawValue
            && (port.map { ports.contains($0) } ?? true)
        case .interface, .mac, .mark, .set: return true
        }
      }
    }
    return element.map { MatchedElement(set: set.name, text: set.spelling($0)) }
  }
}

extension NamedSet {
  fileprivate func elements(leadingTo verdict: StepVerdict) -> Int {
    guard case .verdicts(let verdicts) = data else { return 0 }
    return verdicts.indices.count { leads($0, to: verdict) }
  }

  /// Whether an element of a verdict map gives the verdict that a rule was seen to give.
  fileprivate func leads(_ index: Int, to verdict: StepVerdict) -> Bool {
    guard case .verdicts(let verdicts) = data, index < verdicts.count else { return true }
    switch (verdicts[index], verdict) {
    case (.jump(let a), .jump(let b)), (.goto(let a), .goto(let b)): return a == b
    case (.accept, .accept), (.drop, .drop), (.return, .return), (.continue, .continue), (.queue, .queue): return true
    default: return false
    }
  }
}

extension IPSet {
  /// An element as `ipset save` prints it.
  fileprivate func spelling(_ element: Element) -> String {
    element.parts.map { part in
      switch part {
      case .address(let range):
        let version = version ?? (range.high.high == 0 && range.high.low <= UInt64(UInt32.max) ? .v4 : .v6)
        return spelling(range, version)
      case .port(let number, let ports):
        let text = ports.count == 1 ? "\(ports.lowerBound)" : "\(ports.lowerBound)-\(ports.upperBound)"
        return (number.map { "\(IPProtocol(rawValue: $0)):" } ?? "") + text
      case .interface(let name, let physical): return (physical ? "physdev:" : "") + name
      case .mac(let text), .set(let text): return text
      case .mark(let mark): return "0x\(String(mark, radix: 16))"
      }
    }.joined(separator: ",")
  }

  private func spelling(_ range: Element.AddressRange, _ version: IPVersion) -> String {
    let low = IPAddress(bits: range.low, version: version)
    guard range.low != range.high else { return "\(low)" }
    let host = range.low ^ range.high
    guard (host & host.successor).isZero, (range.low & host).isZero else {
      return "\(low)-\(IPAddress(bits: range.high, version: version))"
    }
    let bits = host.high == 0 ? 64 - host.low.leadingZeroBitCount : 128 - host.high.leadingZeroBitCount
    return "\(low)/\(version.width - bits)"
  }
}
