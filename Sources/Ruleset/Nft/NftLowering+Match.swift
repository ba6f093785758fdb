import Wire

extension NftLowering {
  /// `LEFT OP RIGHT`. `text` is nft's spelling, kept where the match is not modelled.
  public mutating func match(
    _ left: NftTerm, _ comparator: NftOperator, _ right: NftOperand, text: UnsafeRawBufferPointer
  ) {
    let negated = comparator == .notEqual
    if left.isUnknown {
      require(left)
      return add(.unknown(self.text(text)))
    }
    require(left, always: negated || left.parts.count > 0 || !left.expression.failsByItself)
    switch right {
    case .unknown:
      add(.unknown(self.text(text)))
    case .set(let set):
      if let types = addressTypes(left, set) {
        return addressType(left, types, negated: negated)
      }
      add(.lookup(ruleset.addLookup(Lookup(key: left.expression, set: set))), negated: negated)
    case .masked(let value, let mask):
      masked(left, value: value & mask, mask: mask, negated: negated)
    case .noneOf(let bits):
      anyBit(left, bits, negated: !negated)
    case .term(let term):
      if term.isUnknown { return add(.unknown(self.text(text))) }
      if case .constant(let value) = term.expression {
        return interval(left, comparator, value, value)
      }
      compare(left.expression, comparator, .zero, .zero, term.expression)
    case .interval(let low, let high):
      interval(left, comparator, low, high)
    }
  }

  private mutating func interval(_ left: NftTerm, _ comparator: NftOperator, _ low: Bits128, _ high: Bits128) {
    let negated = comparator == .notEqual
    switch comparator {
    case .less, .lessOrEqual, .greater, .greaterOrEqual:
      return order(left, comparator, low)
    case .implicit where left.type.isBitmask && low == high:
      return anyBit(left, low, negated: false)
    default: break
    }
    if low != high {
      if let mask = prefixMask(low, high, width: left.width) {
        masked(left, value: low, mask: mask, negated: negated)
      } else if case .field(let field) = left.expression {
        range(field, left.width, low, high, negated: negated)
      } else {
        compare(left.expression, negated ? .notInRange : .inRange, low, high)
      }
      return
    }
    if case .routeLookup(let lookup) = left.expression {
      return routeLookup(left, lookup, low, negated: negated)
    }
    masked(left, value: low, mask: nil, negated: negated)
  }

  /// `(left & mask) == value`; nil: all bits.
  private mutating func masked(_ left: NftTerm, value: Bits128, mask: Bits128?, negated: Bool) {
    var expression = left.expression
    var value = value
    var mask = mask
    // (x & m) == v, (x ^ f) == v: the same asked of x.
    peel: while true {
      switch expression {
      case .and(let inner, .constant(let bits)):
        mask = mask.map { $0 & bits } ?? bits
        if !(value & ~bits).isZero { break peel }
        expression = inner
      case .xor(let inner, .constant(let bits)) where mask == nil:
        value = value ^ bits
        expression = inner
      default: break peel
      }
    }
    guard case .field(let field) = expression else {
      if let mask {
        return compare(.and(expression, .constant(mask)), negated ? .notEqual : .equal, value, .zero)
      }
      return compare(expression, negated ? .notEqual : .equal, value, .zero)
    }
    if left.width <= 32, value.high == 0, value.low >> 32 == 0 {
      let bits = mask.map { UInt32(truncatingIfNeeded: $0.low) } ?? .max
      add(.equal(field, value: UInt32(truncatingIfNeeded: value.low), mask: bits), negated: negated)
      if !negated, mask == nil { learn(field, value.low) }
    } else {
      add(.equalWide(field, ruleset.addWide(value, mask ?? .ones)), negated: negated)
    }
  }

  /// What an exact match tells the keys behind it.
  private mutating func learn(_ field: Field, _ value: UInt64) {
    switch field {
    case .protocol, .headerProtocol4, .headerProtocol6:
      // One that no packet has tells nothing.
      guard let number = UInt8(exactly: value) else { return }
      knownTransport = UInt16(number) + 1
      if field == .headerProtocol4 { knownNetwork = 2 }
      if field == .headerProtocol6 { knownNetwork = 10 }
    case .networkProtocol: knownNetwork = UInt8(truncatingIfNeeded: value)
    case .etherType: knownNetwork = value == 0x0800 ? 2 : value == 0x86DD ? 10 : knownNetwork
    default: break
    }
  }

  private mutating func range(_ field: Field, _ width: Int, _ low: Bits128, _ high: Bits128, negated: Bool) {
    if width <= 32, high.high == 0, high.low >> 32 == 0 {
      add(
        .range(field, low: UInt32(truncatingIfNeeded: low.low), high: UInt32(truncatingIfNeeded: high.low)),
        negated: negated)
    } else {
      add(.rangeWide(field, ruleset.addWide(low, high)), negated: negated)
    }
  }

  private mutating func anyBit(_ left: NftTerm, _ bits: Bits128, negated: Bool) {
    if case .field(let field) = left.expression, bits.high == 0, bits.low >> 32 == 0 {
      add(.anyBit(field, mask: UInt32(truncatingIfNeeded: bits.low)), negated: negated)
    } else {
      compare(.and(left.expression, .constant(bits)), negated ? .equal : .notEqual, .zero, .zero)
    }
  }

  private mutating func order(_ left: NftTerm, _ comparator: NftOperator, _ value: Bits128) {
    let top = left.width >= 128 ? Bits128.ones : (Bits128(UInt32(1)) << left.width) & .ones
    let maximum =
      left.width >= 128 ? Bits128.ones : Bits128(high: top.high &- (top.low == 0 ? 1 : 0), low: top.low &- 1)
    if case .field(let field) = left.expression {
      switch comparator {
      case .less where !value.isZero: return range(field, left.width, .zero, value.predecessor, negated: false)
      case .lessOrEqual: return range(field, left.width, .zero, value, negated: false)
      case .greater where value < maximum: return range(field, left.width, value.successor, maximum, negated: false)
      case .greaterOrEqual: return range(field, left.width, value, maximum, negated: false)
      default: break
      }
    }
    compare(left.expression, comparator, value, .zero)
  }

  mutating func compare(
    _ left: Expression, _ comparator: NftOperator, _ low: Bits128, _ high: Bits128, _ computed: Expression? = nil
  ) {
    let plain: Comparison.Operator =
      switch comparator {
      case .implicit, .equal: .equal
      case .notEqual: .notEqual
      case .less: .less
      case .lessOrEqual: .lessOrEqual
      case .greater: .greater
      case .greaterOrEqual: .greaterOrEqual
      }
    add(
      .comparison(ruleset.add(Comparison(left, plain, low, high: high, rightExpression: computed), to: \.comparisons)))
  }

  mutating func compare(_ left: Expression, _ comparator: Comparison.Operator, _ low: Bits128, _ high: Bits128) {
    add(.comparison(ruleset.add(Comparison(left, comparator, low, high: high), to: \.comparisons)))
  }

  /// The mask of a range that is a prefix of `width` bits; text and addresses alike.
  func prefixMask(_ low: Bits128, _ high: Bits128, width: Int) -> Bits128? {
    let difference = low ^ high
    // All ones from some bit down?
    guard (difference & difference.successor).isZero, (low & difference).isZero else { return nil }
    return width >= 128 ? ~difference : ~difference & (~(Bits128.ones << width))
  }
}

// MARK: - fib

extension NftLowering {
  private mutating func routeLookup(_ left: NftTerm, _ lookup: RouteLookup, _ value: Bits128, negated: Bool) {
    if lookup.result == .addressType, !lookup.withMark, value.low < 16 {
      return addressType(left, 1 << UInt16(value.low), negated: negated)
    }
    // `fib saddr … oif missing` (or `oif 0`) is rpfilter.
    let asksPresence = lookup.presenceOnly || (lookup.result == .interfaceIndex && value.isZero)
    if asksPresence, lookup.fromSource, !lookup.withOutputInterface {
      var test = ReversePathTest()
      test.loose = !lookup.withInputInterface
      test.validMark = lookup.withMark
      test.invert = value.isZero != negated
      return add(.reversePath(ruleset.add(test, to: \.reversePathTests)))
    }
    var asked = lookup
    asked.presenceOnly = asksPresence
    compare(.routeLookup(asked), negated ? .notEqual : .equal, value, .zero)
  }

  private mutating func addressType(_ left: NftTerm, _ types: UInt16, negated: Bool) {
    guard case .routeLookup(let lookup) = left.expression else { return }
    var test =
      lookup.fromSource ? AddressTypeTest(sourceTypes: types) : AddressTypeTest(destinationTypes: types)
    test.limitToInput = lookup.withInputInterface
    test.limitToOutput = lookup.withOutputInterface
    add(.addressType(ruleset.add(test, to: \.addressTypeTests)), negated: negated)
  }

  /// The types that an anonymous set of `fib … type` holds, as bits.
  private func addressTypes(_ left: NftTerm, _ id: SetID) -> UInt16? {
    guard case .routeLookup(let lookup) = left.expression, lookup.result == .addressType, !lookup.withMark else {
      return nil
    }
    let set = ruleset.sets[Int(id.index)]
    guard set.flags.contains(.anonymous), set.highs.isEmpty, set.count > 0 else { return nil }
    var bits: UInt16 = 0
    for value in set.lows {
      guard value.high == 0, value.low < 16 else { return nil }
      bits |= 1 << UInt16(value.low)
    }
    return bits
  }
}

extension Expression {
  /// Whether a positive match of it fails where the packet has no such header.
  var failsByItself: Bool {
    guard case .field(let field) = self else { return false }
    switch field {
    case .source4, .destination4, .source6, .destination6, .headerProtocol4, .headerProtocol6: return true
    default: return false
    }
  }
}

extension Bits128 {
  /// The number before, wrapping at zero.
  var predecessor: Bits128 { Bits128(high: low == 0 ? high &- 1 : high, low: low &- 1) }
}
