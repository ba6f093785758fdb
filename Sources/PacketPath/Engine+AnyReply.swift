import Ruleset
import Wire

// The reply of every connection at once: whether some rule may stop it, whatever its addresses, ports and interfaces.
// Most nodes accept established connections before they look at anything else; then no reply need be walked.
extension Engine {
  /// False: no rule stops a packet of an established connection on its way through the node, from it or to it. True: one
  /// may.
  mutating func mayStopReplies(_ version: IPVersion) -> Bool {
    // Rules that are read only when a packet meets them, and those of bridges, are not looked at ahead.
    if node.snapshot.unreadRules != nil || !node.bridgeOrder.entries.isEmpty { return true }
    let address = IPAddress(bits: .zero, version: version)
    isAnyReply = true
    anyReplyIsOpen = false
    defer { isAnyReply = false }
    for start in [Stage.prerouting, .output] {
      var flow = Flow(
        ipProtocol: .tcp, source: address, destination: address, from: start == .output ? Flow.local : "any")
      flow.mark = 0
      walk(flow, from: start)
      let stops = finished.contains { $0.verdict == .drop || $0.verdict == .reject || $0.verdict == .noroute }
      if stops || anyReplyIsOpen { return true }
    }
    return false
  }

  /// Whether the rest of a rule does nothing but ask more and accept.
  func accepts(from: Int, end: Int) -> Bool {
    for at in from..<end {
      switch clauses[at] {
      case .match, .statement(.note): continue
      case .statement(.accept): return true
      case .statement: return false
      }
    }
    return false
  }

  /// More ways than this are not followed.
  static let maximumReplyForks = 256

  /// What a field of any reply holds; nil: it may be anything.
  func anyReplyValue(of field: Field, _ p: PacketState) -> FieldValue {
    switch field {
    case .mark: .number(p.mark)
    case .connectionState: .number(p.connectionState & 0x7F)
    case .connectionDirection: .number(1)
    case .networkProtocol: .number(p.version == .v4 ? 2 : 10)
    case .etherType: .number(p.version == .v4 ? 0x0800 : 0x86DD)
    case .ipVersion: .number(p.version.rawValue)
    default: .unknown
    }
  }

  func anyReply(_ test: Test, _ b: Branch) -> Answer {
    switch test {
    case .equal(let field, let value, let mask): return withNumber(field, b) { .holds($0 & mask == value) }
    case .range(let field, let low, let high): return withNumber(field, b) { .holds(low <= $0 && $0 <= high) }
    case .anyBit(.connectionState, let mask):
      if b.packet.connectionState & mask != 0 { return .holds(true) }
      // What the connection's NAT is, is not known of all.
      let translated = ConnectionState.sourceNAT | ConnectionState.destinationNAT
      return mask & translated == 0 ? .holds(false) : .unknown
    case .comparison(let id): return comparison(ruleset.comparisons[Int(id.index)], b)
    case .note: return .holds(true)
    default: return .unknown
    }
  }
}
