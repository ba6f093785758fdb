import Ruleset

extension Ruleset {
  /// Some rule or chain can tell one port of a bridge from another: tables of family bridge, chains attached to
  /// devices, physdev matches.
  var tellsBridgePorts: Bool {
    if bases.contains(where: { !$0.devices.isEmpty }) { return true }
    if tables.contains(where: { $0.family == .bridge && !$0.dormant }) { return true }
    return clauses.contains {
      guard case .match(let match) = $0 else { return false }
      switch match.test {
      case .equalWide(let field, _), .rangeWide(let field, _):
        return field == .inputBridgePort || field == .outputBridgePort
      default: return false
      }
    }
  }

  /// Whether a rule of the chain's table asks connection tracking for something: the kernel then tracks at that
  /// family's hooks.
  func usesTracking(_ table: TableID) -> Bool {
    for chain in chains where chain.table == table {
      for position in 0..<Int(chain.ruleCount) {
        let rule = self[rule(at: position, of: chain)]
        for clause in clauses(of: rule) where asksTracking(clause) { return true }
      }
    }
    return false
  }

  private func asksTracking(_ clause: Clause) -> Bool {
    switch clause {
    case .match(let match):
      switch match.test {
      case .equal(let field, _, _), .range(let field, _, _), .anyBit(let field, _), .equalWide(let field, _),
        .rangeWide(let field, _):
        return field.isOfConnection
      case .comparison(let id): return asksTracking(comparisons[Int(id.index)].left)
      case .lookup(let id): return asksTracking(lookups[Int(id.index)].key)
      default: return false
      }
    case .statement(.setConnectionMark), .statement(.saveMark), .statement(.restoreMark): return true
    case .statement(.verdictMap(let id)): return asksTracking(lookups[Int(id.index)].key)
    case .statement(.setField(let field, let id)):
      return field.isOfConnection || asksTracking(expressions[Int(id.index)])
    case .statement: return false
    }
  }

  private func asksTracking(_ expression: Expression) -> Bool {
    switch expression {
    case .field(let field): field.isOfConnection
    case .concatenation(let parts): parts.contains(where: asksTracking)
    case .and(let x, let y), .or(let x, let y), .xor(let x, let y), .shiftLeft(let x, let y), .shiftRight(let x, let y):
      asksTracking(x) || asksTracking(y)
    case .map(let key, _): asksTracking(key)
    case .jenkinsHash(let key, _, _, _): asksTracking(key)
    default: false
    }
  }
}

extension Field {
  /// Kept in the connection's entry.
  fileprivate var isOfConnection: Bool {
    switch self {
    case .connectionMark, .connectionState, .connectionStatus, .connectionDirection, .connectionZone,
      .connectionProtocol, .connectionFamily, .originalSource, .originalDestination, .originalSourcePort,
      .originalDestinationPort, .replySource, .replyDestination, .replySourcePort, .replyDestinationPort,
      .connectionExpiration, .connectionHelper, .connectionLabel, .connectionBytes, .connectionPackets:
      true
    default: false
    }
  }
}
