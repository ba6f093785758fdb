import Input
import Wire

/// pcapng: sections of blocks.
extension CaptureReader {
  mutating func nextBlock(_ frame: inout Frame) -> Bool {
    while true {
      guard buffer.need(12) else {
        if buffer.available > 0 || buffer.failure != nil { fail("the file ends inside a block header") }
        return false
      }
      let start = buffer.offset
      var type = u32(0)
      if buffer.next.loadUnaligned(as: UInt32.self) == 0x0A0D_0D0A {
        type = 0x0A0D_0D0A
        switch buffer.next.loadUnaligned(fromByteOffset: 8, as: UInt32.self) {
        case 0x1A2B_3C4D: swapped = false
        case 0x4D3C_2B1A: swapped = true
        default:
          fail("a section header with an unknown byte-order magic", at: start + 8)
          return false
        }
      }
      let length = Int(u32(4))
      guard length >= 12, length & 3 == 0 else {
        fail("a block of type \(hex(type)) claims a length of \(length) bytes", at: start + 4)
        return false
      }
      let isPacket = type == 6 || type == 2 || type == 3
      if isPacket ? length > Self.maximumRecord + 65_536 : length > Self.maximumBlock {
        if isPacket {
          fail("packet block \(frames + 1) claims \(length) bytes, more than is believed", at: start + 4)
          return false
        }
        guard buffer.skip(length) else {
          fail("the file ends inside a block of \(length) bytes (type \(hex(type)))", at: start)
          return false
        }
        continue
      }
      guard buffer.need(length) else {
        fail(
          "the file ends inside a block of type \(hex(type)): \(buffer.available) of its \(length) bytes are there",
          at: start)
        return false
      }
      let trailer = Int(u32(length - 4))
      guard trailer == length else {
        fail("a block's two lengths differ: \(length) at its head, \(trailer) at its end", at: start)
        return false
      }
      var isFrame = false
      switch type {
      case 0x0A0D_0D0A: startSection(length)
      case 1: addInterface(length)
      case 5: addStatistics(length)
      case 6: isFrame = packet(length, interface: u32(8), &frame)
      case 2: isFrame = packet(length, interface: UInt32(u16(8)), &frame)
      case 3: isFrame = simplePacket(length, &frame)
      case _ where Self.isNumbered(type): unreadFrames += 1
      default: break
      }
      if damage != nil { return false }
      buffer.consume(length)
      if isFrame { return true }
    }
  }

  /// Blocks that are no packets and that Wireshark shows as frames all the same, so that those behind them have higher numbers:
  /// systemd's journal entries (9), custom blocks, and sysdig's events.
  private static func isNumbered(_ type: UInt32) -> Bool {
    switch type {
    case 9, 0xBAD, 0x4000_0BAD, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222, 0x223, 0x224: true
    default: false
    }
  }

  private mutating func startSection(_ length: Int) {
    header.sections += 1
    if header.sections == 1 { header.bigEndian = swapped }
    interfaces.removeAll(keepingCapacity: true)
    interfaceNames.removeAll(keepingCapacity: true)
  }

  private mutating func addInterface(_ length: Int) {
    guard length >= 20 else { return fail("an interface block of \(length) bytes, at least 20 expected") }
    guard interfaces.count < Self.maximumInterfaces else {
      return fail("more than \(Self.maximumInterfaces) interfaces in one section")
    }
    var interface = CaptureInterface(linkType: LinkType(rawValue: u16(8)), snapLength: u32(12))
    var at = 16
    while at + 4 <= length - 4 {
      let code = u16(at)
      let size = Int(u16(at + 2))
      guard code != 0, at + 4 + size <= length - 4 else { break }
      switch (code, size) {
      case (9, 1...):
        let value = buffer.next.load(fromByteOffset: at + 4, as: UInt8.self)
        let exponent = UInt64(value & 0x7F)
        if value & 0x80 != 0 {
          interface.unitsPerSecond = 1 << min(exponent, 63)
        } else {
          interface.unitsPerSecond = (0..<min(exponent, 19)).reduce(1) { power, _ in power * 10 }
        }
      case (14, 8): interface.timeOffset = Int64(bitPattern: u64(at + 4))
      case (2, 1...) where interfaceNames.count < Self.maximumNames:
        interface.name = Int32(interfaceNames.count)
        interfaceNames.append(Array(UnsafeRawBufferPointer(start: buffer.next + at + 4, count: min(size, 64))))
      default: break
      }
      at += 4 + ((size + 3) & ~3)
    }
    interfaces.append(interface)
  }

  private mutating func addStatistics(_ length: Int) {
    guard length >= 24 else { return }
    var at = 20
    while at + 4 <= length - 4 {
      let code = u16(at)
      let size = Int(u16(at + 2))
      guard code != 0, at + 4 + size <= length - 4 else { break }
      // isb_ifdrop and isb_osdrop.
      if code == 5 || code == 7, size == 8 { dropped &+= u64(at + 4) }
      at += 4 + ((size + 3) & ~3)
    }
  }

  /// An enhanced packet block, or the older packet block, whose number of an interface has 16 bits and is followed by a
  /// count of drops.
  private mutating func packet(_ length: Int, interface: UInt32, _ frame: inout Frame) -> Bool {
    guard length >= 32 else {
      fail("a packet block of \(length) bytes, at least 32 expected")
      return false
    }
    let captured = Int(u32(20))
    guard captured <= length - 32 else {
      fail("packet block \(frames + 1) claims \(captured) captured bytes and holds \(length - 32)")
      return false
    }
    return take(
      &frame, interface: interface, units: UInt64(u32(12)) << 32 | UInt64(u32(16)), at: 28, captured: captured,
      original: Int(u32(24)))
  }

  private mutating func simplePacket(_ length: Int, _ frame: inout Frame) -> Bool {
    guard length >= 16 else {
      fail("a simple packet block of \(length) bytes, at least 16 expected")
      return false
    }
    let original = Int(u32(8))
    var captured = min(original, length - 16)
    if let first = interfaces.first, first.snapLength > 0 { captured = min(captured, Int(first.snapLength)) }
    return take(&frame, interface: 0, units: 0, at: 12, captured: captured, original: original)
  }

  private mutating func take(
    _ frame: inout Frame, interface index: UInt32, units: UInt64, at: Int, captured: Int, original: Int
  ) -> Bool {
    guard Int(index) < interfaces.count else {
      fail("packet block \(frames + 1) names interface \(index), the section has \(interfaces.count)")
      return false
    }
    let interface = interfaces[Int(index)]
    frames += 1
    frame.bytes = PacketBytes(base: buffer.next + at, count: captured, wireCount: max(original, captured))
    frame.time = Self.nanoseconds(units, per: interface.unitsPerSecond, offset: interface.timeOffset)
    frame.number = frames + unreadFrames
    frame.linkType = interface.linkType
    frame.interface = index
    if !linkTypes.contains(interface.linkType) { linkTypes.append(interface.linkType) }
    return true
  }

  /// Any resolution to nanoseconds, clamped to 1970...2116: the difference of two times never overflows.
  static func nanoseconds(_ units: UInt64, per second: UInt64, offset: Int64) -> Int64 {
    min(max(0, unclamped(units, per: second, offset: offset)), Int64.max / 2)
  }

  private static func unclamped(_ units: UInt64, per second: UInt64, offset: Int64) -> Int64 {
    let base: Int64
    switch second {
    case 1_000_000: base = units > UInt64(Int64.max) / 1000 ? .max : Int64(units) * 1000
    case 1_000_000_000: base = Int64(clamping: units)
    default:
      let (whole, part) = units.quotientAndRemainder(dividingBy: second)
      let product = part.multipliedFullWidth(by: 1_000_000_000)
      let fraction = second.dividingFullWidth(product).quotient
      let (scaled, overflow) = whole.multipliedReportingOverflow(by: 1_000_000_000)
      base = overflow ? .max : Int64(clamping: scaled &+ fraction)
    }
    let (shift, overflow) = offset.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return base }
    let (sum, past) = base.addingReportingOverflow(shift)
    return past ? base : sum
  }
}
