import Ruleset
import Wire

extension NftType {
  /// nft's numbers of data types (`enum datatypes` of its datatype.h), six bits each in a set's key type.
  init(number: UInt32) {
    let list: [NftType] = [
      .object, .verdict, .networkFamily, .integer, .integer, .string, .integer, .ipv4, .ipv6, .ethernet, .etherType,
      .arpOperation, .transport, .port, .icmpType, .tcpFlags, .dccpType, .mobilityType, .duration, .mark,
      .interfaceIndex, .interfaceType, .realm, .classID, .user, .group, .connectionState, .connectionDirection,
      .connectionStatus, .icmp6Type, .connectionLabel, .packetType, .icmpCode, .icmp6Code, .icmpxCode, .interfaceGroup,
      .dscp, .ecn, .addressType, .boolean, .connectionEvent, .interfaceName, .igmpType, .time, .hour, .day, .cgroup,
    ]
    self = Int(number) < list.count ? list[Int(number)] : .integer
  }

  /// The types of a set's key or data.
  static func list(_ packed: UInt32) -> [NftType] {
    var types: [NftType] = []
    var rest = packed
    while rest != 0 {
      types.insert(NftType(number: rest & 63), at: 0)
      rest >>= 6
    }
    return types.isEmpty ? [.integer] : types
  }

  /// Whether the kernel holds it in its own byte order instead of the wire's.
  var isHostOrder: Bool {
    switch self {
    case .mark, .connectionState, .connectionStatus, .connectionDirection, .connectionLabel, .connectionEvent,
      .interfaceIndex, .interfaceType, .interfaceGroup, .user, .group, .realm, .classID, .cgroup, .duration, .time,
      .day, .hour, .packetType, .addressType:
      true
    default: false
    }
  }

  /// Bytes of a value, where the type alone says so.
  var bytes: Int? { self == .integer || self == .string ? nil : (width + 7) / 8 }
}

/// Raw bytes of a register or an element.
struct RawValue {
  /// The first byte is the most significant.
  var bits = Bits128.zero
  var count = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    count = min(bytes.count, 16)
    bits = Bits128(leftAligned: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
  }
  init() {}

  /// As a number.
  func number(host: Bool) -> Bits128 {
    guard host else { return bits >> (128 - count * 8) }
    return Bits128(
      high: bits.low.byteSwapped, low: bits.high.byteSwapped)
      & (count >= 16 ? .ones : ~(.ones << (count * 8)))
  }
}

/// A declared or anonymous set of the kernel, and how its bytes are cut.
struct KernelSet {
  var id: SetID
  var keys: [NftType]
  /// Bytes of each part of a key.
  var keyLengths: [Int]
  var keyHost: [Bool]
  var data: [NftType]
  var dataLengths: [Int]
  var dataHost: [Bool]
  var flags: UInt32
  /// Elements hold the end of their range themselves.
  var isConcatenatedInterval: Bool { keys.count > 1 && flags & 4 != 0 }
}
