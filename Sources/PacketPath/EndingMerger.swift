import Ruleset
import Wire

/// Finds the endings of a walk that are alike: the same verdict, packet and steps are one outcome. What only some of
/// them assumed is no assumption of the outcome. Keeps its memory from one walk to the next.
struct EndingMerger {
  struct Group {
    /// Index of the first ending of this kind in `Engine.finished`.
    var ending: Int
    var probability: Double
    /// What all endings of this kind assumed; nil: there is one ending, or all assumed the same.
    var common: [Assumption]?
  }

  private(set) var groups: [Group] = []
  /// The group of each ending, by its index in `Engine.finished`; -1: none.
  private(set) var membership: [Int32] = []
  /// The groups, by index, the most probable first; equally likely ones as the walk met them.
  private(set) var order: [Int] = []
  /// Open addressing over `groups`, index + 1; 0: free.
  private var slots: [UInt32] = []

  mutating func merge(_ engine: borrowing Engine) {
    groups.removeAll(keepingCapacity: true)
    var size = 16
    while size < engine.finished.count * 2 { size *= 2 }
    slots.removeAll(keepingCapacity: true)
    slots.append(contentsOf: repeatElement(0, count: size))
    membership.removeAll(keepingCapacity: true)
    membership.append(contentsOf: repeatElement(-1, count: engine.finished.count))
    for index in engine.finished.indices where engine.finished[index].branch.probability > 0 {
      add(index, engine, mask: size - 1)
    }
    order.removeAll(keepingCapacity: true)
    order.append(contentsOf: groups.indices)
    order.sort { [groups] in
      let (a, b) = (groups[$0].probability, groups[$1].probability)
      return a != b ? a > b : $0 < $1
    }
  }

  private mutating func add(_ index: Int, _ engine: borrowing Engine, mask: Int) {
    let branch = engine.finished[index].branch
    var mixed = branch.stepHash
    if Self.packetCounts(engine.finished[index]) {
      mixed ^= branch.packet.destination.low ^ branch.packet.rawSource.low << 16
    }
    mixed = mixed &* 0xFF51_AFD7_ED55_8CCD
    var slot = Int(truncatingIfNeeded: mixed >> 33) & mask
    while slots[slot] != 0 {
      let known = Int(slots[slot] - 1)
      if Self.same(groups[known].ending, index, engine) {
        membership[index] = Int32(known)
        groups[known].probability += branch.probability
        intersect(known, branch.assumptions, engine)
        return
      }
      slot = (slot + 1) & mask
    }
    membership[index] = Int32(groups.count)
    groups.append(Group(ending: index, probability: branch.probability))
    slots[slot] = UInt32(groups.count)
  }

  private static func same(_ a: Int, _ b: Int, _ engine: borrowing Engine) -> Bool {
    let (x, y) = (engine.finished[a], engine.finished[b])
    let (p, q) = (x.branch.packet, y.branch.packet)
    guard
      x.branch.stepHash == y.branch.stepHash && x.branch.stepCount == y.branch.stepCount && x.verdict == y.verdict
        && x.reason == y.reason && x.rejectWith == y.rejectWith && p.virtualServer == q.virtualServer
        && p.realServer == q.realServer && sameSteps(x.branch.steps, y.branch.steps, engine)
    else { return false }
    guard packetCounts(x) else { return true }
    return p.destination == q.destination && p.destinationPort == q.destinationPort && p.mark == q.mark
      && p.sourcePortOpen == q.sourcePortOpen && (x.verdict != .forward || p.routedOutput == q.routedOutput)
      && p.hasSameSource(as: q)
  }

  /// Of a packet that ends here, what it would have become makes no difference; which real server it was on the way to
  /// does.
  private static func packetCounts(_ ending: Engine.Ending) -> Bool {
    ending.verdict == .forward || ending.verdict == .deliver || ending.branch.packet.virtualServer >= 0
  }

  /// From the last steps back to where the two paths are one.
  private static func sameSteps(_ a: Int32, _ b: Int32, _ engine: borrowing Engine) -> Bool {
    var (a, b) = (a, b)
    while a != b {
      guard a >= 0, b >= 0, engine.steps[Int(a)].step == engine.steps[Int(b)].step else { return false }
      a = engine.steps[Int(a)].previous
      b = engine.steps[Int(b)].previous
    }
    return true
  }

  private mutating func intersect(_ group: Int, _ leaf: Int32, _ engine: borrowing Engine) {
    let first = engine.finished[groups[group].ending].branch.assumptions
    guard leaf != first || groups[group].common != nil else { return }
    var common = groups[group].common ?? Assumptions.path(engine.assumptions, first)
    guard !common.isEmpty else { return }
    let made = Assumptions.path(engine.assumptions, leaf)
    common.removeAll { !made.contains($0) }
    groups[group].common = common
  }
}
