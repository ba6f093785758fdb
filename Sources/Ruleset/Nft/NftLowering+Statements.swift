import Wire

extension NftLowering {
  public mutating func jump(to name: UnsafeRawBufferPointer) {
    add(.jump(ruleset.chain(ruleset.names.intern(name), in: table)))
  }

  public mutating func goto(_ name: UnsafeRawBufferPointer) {
    add(.goto(ruleset.chain(ruleset.names.intern(name), in: table)))
  }

  public mutating func verdictMap(_ key: NftTerm, _ set: SetID) {
    require(key)
    add(.verdictMap(ruleset.addLookup(Lookup(key: key.expression, set: set))))
  }

  public mutating func reject(_ reason: RejectReason?) {
    if reason == .tcpReset { require(NftNeeds(transport: 6)) }
    let standard: RejectReason =
      switch family {
      case .ip: .icmpPortUnreachable
      case .ip6: .icmp6PortUnreachable
      default: .icmpxPortUnreachable
      }
    add(.reject(reason ?? standard))
  }

  /// `add|update|delete @set { key }`. The set is dynamic then, whether or not its declaration says so: nft 1.0.6 leaves
  /// the flag out of its JSON.
  public mutating func update(_ update: SetUpdate, key: NftTerm) {
    require(key)
    ruleset.sets[Int(update.set.index)].flags.formUnion([.dynamic, .volatile])
    add(.updateSet(ruleset.add(update, to: \.setUpdates)))
  }

  /// `FIELD set VALUE`.
  public mutating func set(_ target: NftTerm, to value: NftTerm, text: UnsafeRawBufferPointer) {
    require(target)
    require(value)
    guard case .field(let field) = target.expression, !value.isUnknown else {
      return add(.unknown(self.text(text)))
    }
    switch (field, affine(value.expression)) {
    case (.mark, .some(let form)):
      if let source = form.source {
        if source == .mark {
          return add(.setMark(clear: ~form.keep, flip: form.flip))
        }
        if source == .connectionMark, form.flip == 0 {
          return add(
            .restoreMark(ruleset.add(MarkCopy(packetMask: .max, connectionMask: form.keep), to: \.markCopies)))
        }
      } else {
        return add(.setMark(clear: .max, flip: form.flip))
      }
    case (.connectionMark, .some(let form)):
      if let source = form.source {
        // With nothing kept it would read as a plain value, which needs no connection.
        if source == .connectionMark, form.keep != 0 {
          return add(.setConnectionMark(clear: ~form.keep, flip: form.flip))
        }
        if source == .mark, form.flip == 0 {
          return add(.saveMark(ruleset.add(MarkCopy(packetMask: form.keep, connectionMask: .max), to: \.markCopies)))
        }
      } else {
        return add(.setConnectionMark(clear: .max, flip: form.flip))
      }
    default: break
    }
    add(.setField(field, ruleset.addExpression(value.expression)))
  }

  /// `(field & keep) ^ flip`, or the constant `flip`.
  struct Affine {
    var source: Field?
    var keep: UInt32
    var flip: UInt32
  }

  func affine(_ expression: Expression) -> Affine? {
    func constant(_ expression: Expression) -> UInt32? {
      guard case .constant(let value) = expression, value.high == 0 else { return nil }
      return UInt32(truncatingIfNeeded: value.low)
    }
    switch expression {
    case .field(let field):
      return field == .mark || field == .connectionMark ? Affine(source: field, keep: .max, flip: 0) : nil
    case .constant:
      return constant(expression).map { Affine(source: nil, keep: 0, flip: $0) }
    case .and(let a, let b):
      guard var form = affine(a), let bits = constant(b) else { return nil }
      form.keep &= bits
      form.flip &= bits
      return form
    case .or(let a, let b):
      guard var form = affine(a), let bits = constant(b) else { return nil }
      form.keep &= ~bits
      form.flip |= bits
      return form
    case .xor(let a, let b):
      guard var form = affine(a), let bits = constant(b) else { return nil }
      form.flip ^= bits
      return form
    default: return nil
    }
  }
}

// MARK: - NAT

extension NftLowering {
  /// dnat, snat, masquerade, redirect. `pair`: one map yields address and port.
  public mutating func translate(
    _ kind: Translation.Kind, version: IPVersion? = nil, address: NftArgument = .absent, port: NftArgument = .absent,
    pair: Expression? = nil, choice: Translation.PortChoice = .first, persistent: Bool = false, prefix: Bool = false
  ) {
    if kind == .destination, family == .ip, choice == .first, !prefix, pair == nil,
      case .range(let low, let high) = address, low == high
    {
      switch port {
      case .absent:
        return add(
          .destinationNAT4(address: UInt32(truncatingIfNeeded: low.low), port: 0, persistent: persistent))
      case .range(let first, let last) where first == last && !first.isZero:
        return add(
          .destinationNAT4(
            address: UInt32(truncatingIfNeeded: low.low), port: UInt16(truncatingIfNeeded: first.low),
            persistent: persistent))
      default: break
      }
    }
    var translation = Translation(kind)
    switch address {
    case .absent: break
    case .range(let low, let high): translation.addresses = low <= high ? low...high : high...low
    case .computed(let expression): translation.addressExpression = ruleset.addExpression(expression)
    }
    switch port {
    case .absent: break
    case .range(let low, let high):
      let first = UInt16(truncatingIfNeeded: low.low)
      let last = UInt16(truncatingIfNeeded: high.low)
      translation.ports = min(first, last)...max(first, last)
    case .computed(let expression): translation.portExpression = ruleset.addExpression(expression)
    }
    translation.addressAndPort = pair.map { ruleset.addExpression($0) }
    translation.choice = choice
    translation.persistent = persistent
    translation.prefix = prefix
    translation.version = family == .ip || family == .ip6 ? nil : version
    add(.translate(ruleset.add(translation, to: \.translations)))
  }

  public mutating func transparentProxy(address: Bits128?, port: UInt16, version: IPVersion?) {
    if let version, family == .inet { require(version == .v4 ? .ip : .ip6) }
    add(
      .transparentProxy(
        ruleset.add(TransparentProxy(address: address, port: port, accepts: false), to: \.transparentProxies)))
  }
}
