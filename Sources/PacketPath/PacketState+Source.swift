import Wire

// The source address and port. Whoever reads them decides something by them, and flows that differ there may fare
// otherwise: reading takes note, comparing takes note of as few bits as settle the comparison.
extension PacketState {
  var source: Bits128 {
    get {
      if sourceIsFlows { inspection.pointee.address = .ones }
      return rawSource
    }
    set { replaceSource(newValue) }
  }

  var sourcePort: UInt16 {
    get {
      if sourcePortIsFlows { inspection.pointee.port = .max }
      return rawSourcePort
    }
    set { replaceSourcePort(newValue) }
  }

  func sourceMatches(_ value: Bits128, mask: Bits128) -> Bool {
    if sourceIsFlows { inspection.pointee.compare(rawSource, with: value, mask: mask) }
    return ((rawSource ^ value) & mask).isZero
  }

  func sourcePortMatches(_ value: UInt16, mask: UInt16 = .max) -> Bool {
    if sourcePortIsFlows { inspection.pointee.compare(port: rawSourcePort, with: value, mask: mask) }
    return (rawSourcePort ^ value) & mask == 0
  }

  /// The leading bits of the source were looked at.
  func noteSource(leading bits: Int) {
    guard sourceIsFlows else { return }
    inspection.pointee.address = inspection.pointee.address | IPPrefix.mask(bits, version)
  }

  var sourceIsUnspecified: Bool { sourceMatches(.zero, mask: .ones) }
  var sourceIsLoopback: Bool {
    version == .v4
      ? sourceMatches(Bits128(UInt32(127) << 24), mask: Bits128(UInt32(255) << 24))
      : sourceMatches(Bits128(high: 0, low: 1), mask: .ones)
  }
  var sourceIsMulticast: Bool {
    version == .v4
      ? sourceMatches(Bits128(UInt32(0xE) << 28), mask: Bits128(UInt32(0xF) << 28))
      : sourceMatches(.mask(leading: 8), mask: .mask(leading: 8))
  }

  /// Whether two packets of one flow have the same source, whatever the flow's is.
  func hasSameSource(as other: PacketState) -> Bool {
    (sourceIsFlows && other.sourceIsFlows || source == other.source)
      && (sourcePortOpen || sourcePortIsFlows && other.sourcePortIsFlows || sourcePort == other.sourcePort)
  }
}
