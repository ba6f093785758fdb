import Ruleset
import Wire

/// What became of flows, shared by flows that differ only where the walk did not look: in bits of the source address
/// and port. Everything else of a flow must be equal. In the manner of Open vSwitch's megaflows.
public struct FlowCache<Value> {
  private struct Entry {
    var flow: Flow
    var inspected: SourceInspection
    var value: Value
    /// The next entry in its bucket; -1: none.
    var next: Int32
  }

  private let model: NodeModel
  private var entries: [Entry] = []
  private var buckets = [Int32](repeating: -1, count: 1 << 12)
  private var bytes = 0
  private let limit: Int

  /// `limit`: when the values take more bytes than this, the cache starts anew.
  public init(_ model: NodeModel, limit: Int) {
    self.model = model
    self.limit = limit
  }

  public mutating func removeAll() {
    entries.removeAll(keepingCapacity: true)
    for index in buckets.indices { buckets[index] = -1 }
    bytes = 0
  }

  /// More entries than this for flows that differ in their source alone, and no more are kept.
  private static var maximumDepth: Int { 64 }

  /// What is known of a flow; nil: nothing.
  public func find(_ flow: Flow) -> Value? {
    var at = Int(buckets[bucket(flow)])
    while at >= 0 {
      if entries[at].inspected.holds(flow, as: entries[at].flow, model), Self.alike(entries[at].flow, flow) {
        return entries[at].value
      }
      at = Int(entries[at].next)
    }
    return nil
  }

  /// Keeps a value that takes `size` bytes. `inspected`: what the walk looked at.
  public mutating func insert(_ flow: Flow, _ value: Value, _ inspected: SourceInspection, size: Int) {
    guard size <= limit else { return }
    if bytes + size > limit { removeAll() }
    if entries.count >= buckets.count { grow() }
    let bucket = bucket(flow)
    var depth = 0
    var at = Int(buckets[bucket])
    while at >= 0 {
      depth += 1
      at = Int(entries[at].next)
    }
    guard depth < Self.maximumDepth else { return }
    bytes += size + MemoryLayout<Entry>.stride
    entries.append(Entry(flow: flow, inspected: inspected, value: value, next: buckets[bucket]))
    buckets[bucket] = Int32(entries.count - 1)
  }

  /// Equal in all that a walk may ask of a flow besides its source.
  private static func alike(_ a: Flow, _ b: Flow) -> Bool {
    a.destination == b.destination && a.destinationPort == b.destinationPort && a.ipProtocol == b.ipProtocol
      && a.from == b.from && a.icmpType == b.icmpType && a.icmpCode == b.icmpCode && a.length == b.length
      && a.mark == b.mark && a.tcpFlags == b.tcpFlags && a.uid == b.uid && a.dontFragment == b.dontFragment
  }

  private func bucket(_ flow: Flow) -> Int { Int(truncatingIfNeeded: flow.digest >> 32) & (buckets.count - 1) }

  private mutating func grow() {
    buckets = [Int32](repeating: -1, count: buckets.count * 4)
    for index in entries.indices {
      let bucket = bucket(entries[index].flow)
      entries[index].next = buckets[bucket]
      buckets[bucket] = Int32(index)
    }
  }
}

extension Flow {
  /// Spreads flows by where they go; equal for flows that a cache may hold to be alike.
  public var digest: UInt64 {
    let port = UInt64(destinationPort) << 32 ^ UInt64(ipProtocol.rawValue) << 48
    return (destination.bits.low ^ destination.bits.high &* 31 ^ port) &* 0xFF51_AFD7_ED55_8CCD
  }
}
