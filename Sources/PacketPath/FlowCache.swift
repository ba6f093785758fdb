import Ruleset
import Wire

/// What became of flows, shared by flows that differ only where the walk did not look: in bits of the source address
/// and port. Everything else of a flow must be equal. In the manner of Open vSwitch's megaflows.
public struct FlowCache<Value> {
  /// Plain data, so that a search counts no references.
  private struct Entry {
    var key: FlowKey
    /// Index of `questions`.
    var questions: Int32
    /// The next entry in its bucket; -1: none.
    var next: Int32
  }

  private let model: NodeModel
  private var entries: [Entry] = []
  /// By entry.
  private var values: [Value] = []
  /// Lists of questions that the routing tables were asked about sources; most walks ask the same.
  private var questions: [[ReversePathQuestion]] = []
  private var interfaces: [String: UInt64] = [:]
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
    values.removeAll(keepingCapacity: true)
    questions.removeAll(keepingCapacity: true)
    interfaces.removeAll(keepingCapacity: true)
    for index in buckets.indices { buckets[index] = -1 }
    bytes = 0
  }

  /// More entries than this for flows that differ in their source alone, and no more are kept.
  private static var maximumDepth: Int { 64 }

  /// What is known of a flow; nil: nothing.
  public func find(_ flow: Flow) -> Value? {
    guard let interface = interfaces[flow.from] else { return nil }
    let key = FlowKey(flow, interface: interface)
    var at = Int(buckets[bucket(key)])
    while at >= 0 {
      if entries[at].key.holds(key), sameAnswers(to: Int(entries[at].questions), of: flow) { return values[at] }
      at = Int(entries[at].next)
    }
    return nil
  }

  private func sameAnswers(to list: Int, of flow: Flow) -> Bool {
    questions[list].allSatisfy {
      model.routing.reversePath(to: flow.source.bits, $0.query, through: $0.input) == $0.answer
    }
  }

  /// Keeps a value that takes `size` bytes. `inspected`: what the walk looked at.
  public mutating func insert(_ flow: Flow, _ value: Value, _ inspected: SourceInspection, size: Int) {
    let size =
      size + MemoryLayout<Entry>.stride + inspected.reversePaths.count * MemoryLayout<ReversePathQuestion>.stride
    guard size <= limit else { return }
    if bytes + size > limit { removeAll() }
    if entries.count >= buckets.count { grow() }
    if interfaces[flow.from] == nil { interfaces[flow.from] = UInt64(interfaces.count) }
    let key = FlowKey(flow, interface: interfaces[flow.from]!, inspected)
    let bucket = bucket(key)
    var depth = 0
    var at = Int(buckets[bucket])
    while at >= 0 {
      depth += 1
      at = Int(entries[at].next)
    }
    guard depth < Self.maximumDepth else { return }
    bytes += size
    entries.append(Entry(key: key, questions: number(of: inspected.reversePaths), next: buckets[bucket]))
    values.append(value)
    buckets[bucket] = Int32(entries.count - 1)
  }

  /// The number of a list of questions; one of the newest where that is the same.
  private mutating func number(of list: [ReversePathQuestion]) -> Int32 {
    for number in questions.indices.suffix(8).reversed() where questions[number] == list { return Int32(number) }
    questions.append(list)
    return Int32(questions.count - 1)
  }

  private func bucket(_ key: FlowKey) -> Int { Int(truncatingIfNeeded: key.digest >> 32) & (buckets.count - 1) }

  private mutating func grow() {
    buckets = [Int32](repeating: -1, count: buckets.count * 4)
    for index in entries.indices {
      let bucket = bucket(entries[index].key)
      entries[index].next = buckets[bucket]
      buckets[bucket] = Int32(index)
    }
  }
}

/// All that a walk may ask of a flow, and which bits of its source it did ask for.
private struct FlowKey {
  var source: Bits128
  var destination: Bits128
  /// Source port in the lowest 16 bits, destination port, protocol, the number of the interface.
  var ends: UInt64
  /// IP version, type and code of ICMP, TCP flags, Don't Fragment, each with a bit for being given, and the same bits
  /// for the members below.
  var details: UInt64 = 0
  var length: UInt32
  var mark: UInt32
  var userID: UInt32
  var groupID: UInt32
  var sourceMask = Bits128.zero
  var endsMask: UInt64 = ~0xFFFF

  init(_ flow: Flow, interface: UInt64) {
    source = flow.source.bits
    destination = flow.destination.bits
    ends =
      UInt64(flow.sourcePort) | UInt64(flow.destinationPort) << 16 | UInt64(flow.ipProtocol.rawValue) << 32
      | interface << 40
    length = flow.length ?? 0
    mark = flow.mark ?? 0
    userID = flow.uid ?? 0
    groupID = flow.gid ?? 0
    add(flow.version == .v4 ? 1 : 0)
    add(flow.icmpType)
    add(flow.icmpCode)
    add(flow.tcpFlags)
    add((flow.dontFragment.map { $0 ? 1 : 0 } ?? 2) | (flow.isFrame ? 4 : 0) | (flow.gid == nil ? 0 : 8))
    details =
      details << 3 | (flow.length == nil ? 0 : 4) | (flow.mark == nil ? 0 : 2) | (flow.uid == nil ? 0 : 1)
  }

  init(_ flow: Flow, interface: UInt64, _ inspected: SourceInspection) {
    self.init(flow, interface: interface)
    sourceMask = inspected.address
    endsMask |= UInt64(inspected.port)
  }

  private mutating func add(_ value: UInt8?) {
    details = details << 9 | (value.map { 0x100 | UInt64($0) } ?? 0)
  }

  /// Whether another flow agrees with this one, where walks looked.
  func holds(_ flow: FlowKey) -> Bool {
    destination == flow.destination && (ends ^ flow.ends) & endsMask == 0
      && ((source ^ flow.source) & sourceMask).isZero && details == flow.details && length == flow.length
      && mark == flow.mark && userID == flow.userID && groupID == flow.groupID
  }

  /// Equal for flows that differ in their source alone.
  var digest: UInt64 { (destination.low ^ destination.high &* 31 ^ (ends >> 16) << 32) &* 0xFF51_AFD7_ED55_8CCD }
}

extension Flow {
  /// Spreads flows by where they go; equal for flows that a cache may hold to be alike.
  public var digest: UInt64 {
    let port = UInt64(destinationPort) << 32 ^ UInt64(ipProtocol.rawValue) << 48
    return (destination.bits.low ^ destination.bits.high &* 31 ^ port) &* 0xFF51_AFD7_ED55_8CCD
  }
}
