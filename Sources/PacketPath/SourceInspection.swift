import Wire

/// What walks looked at of a flow's source address and port. Flows that differ from it only elsewhere fare the same:
/// that is what `FlowCache` shares results by.
public struct SourceInspection: Sendable {
  /// Bits that were compared.
  var address = Bits128.zero
  var port: UInt16 = 0
  /// Questions of the routing tables that the source answers; it need not be the same, if it answers the same.
  var reversePaths: [ReversePathQuestion] = []

  public init() {}

  /// Takes note of a comparison of masked bits. Where they differ, one bit that does settles it; one that was looked
  /// at before is preferred.
  mutating func compare(_ value: Bits128, with other: Bits128, mask: Bits128) {
    let difference = (value ^ other) & mask
    if difference.isZero {
      address = address | mask
    } else if (difference & address).isZero {
      address = address | difference.highestBit
    }
  }

  /// Takes note that somebody else looked at the whole address.
  public mutating func compareWholeAddress() { address = .ones }

  /// … and at the port.
  public mutating func compareAll() {
    address = .ones
    port = .max
  }

  mutating func compare(port value: UInt16, with other: UInt16, mask: UInt16) {
    let difference = (value ^ other) & mask
    if difference == 0 {
      port |= mask
    } else if difference & port == 0 {
      port |= 1 << UInt16(15 - difference.leadingZeroBitCount)
    }
  }

  mutating func ask(_ question: ReversePathQuestion) {
    if reversePaths.last != question, !reversePaths.contains(question) { reversePaths.append(question) }
  }
}

/// Where a packet back to a source would go, asked in one context.
struct ReversePathQuestion: Sendable, Equatable {
  /// Its destination is the source in question.
  var query: RoutingTables.Query
  /// The interface that the packet came by.
  var input: Bits128
  var answer: ReversePath
}

/// What a way back to a source is, as fib_validate_source sees it.
enum ReversePath: Sendable {
  /// Through the interface the packet came by, or through another.
  case same, elsewhere
  /// The source is an address of this node.
  case local
  case invalid, none
}

extension Bits128 {
  /// The most significant set bit alone; zero has none.
  fileprivate var highestBit: Bits128 {
    if high != 0 { return Bits128(high: 1 << UInt64(63 - high.leadingZeroBitCount), low: 0) }
    return low == 0 ? .zero : Bits128(high: 0, low: 1 << UInt64(63 - low.leadingZeroBitCount))
  }
}
