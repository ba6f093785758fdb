import Input
import PacketPath
import Ruleset
import Wire

/// The JSON of steps, each made once and then known by its number. One thread's; a class, so that handing it on costs no
/// more than a reference.
final class StepTexts {
  private let ruleset: Ruleset
  private var bytes: [UInt8] = []
  /// By number: where its text ends.
  private var ends: [Int] = []
  /// Open addressing: identity and number + 1; 0: free.
  private var slots = [(identity: Bits128, number: UInt32)](repeating: (.zero, 0), count: 1 << 10)

  init(_ ruleset: Ruleset) { self.ruleset = ruleset }

  /// The memory that the texts take.
  var size: Int { bytes.count }

  func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    for index in slots.indices { slots[index] = (.zero, 0) }
  }

  /// The step's number, its text made where it is new.
  func number(of step: Step) -> Int {
    let identity = step.identity
    var slot = Self.hash(identity) & (slots.count - 1)
    while slots[slot].number != 0 {
      if slots[slot].identity == identity { return Int(slots[slot].number) - 1 }
      slot = (slot + 1) & (slots.count - 1)
    }
    append(step)
    slots[slot] = (identity, UInt32(ends.count))
    if ends.count * 2 > slots.count { grow() }
    return ends.count - 1
  }

  func write(_ number: Int, to out: inout TextBuffer) {
    bytes.withUnsafeBytes { bytes in
      let start = number == 0 ? 0 : ends[number - 1]
      out.raw(UnsafeRawBufferPointer(rebasing: bytes[start..<ends[number]]))
    }
  }

  private static func hash(_ identity: Bits128) -> Int {
    Int(truncatingIfNeeded: ((identity.high ^ identity.low << 33) &* 0x9E37_79B9_7F4A_7C15) >> 32)
  }

  private func grow() {
    var larger = [(identity: Bits128, number: UInt32)](repeating: (.zero, 0), count: slots.count * 2)
    for entry in slots where entry.number != 0 {
      var slot = Self.hash(entry.identity) & (larger.count - 1)
      while larger[slot].number != 0 { slot = (slot + 1) & (larger.count - 1) }
      larger[slot] = entry
    }
    slots = larger
  }

  private func append(_ step: Step) {
    let chain = ruleset[step.chain]
    let table = ruleset[chain.table]
    var out = TextBuffer(capacity: 512)
    out.literal("{\"hook\":")
    out.quoted(step.hook.rawValue)
    out.literal(",\"family\":")
    out.quoted(table.family.rawValue)
    out.literal(",\"table\":")
    out.quoted(table.name)
    out.literal(",\"chain\":")
    out.quoted(ruleset.names[chain.name])
    if step.rule != nil {
      out.literal(",\"rule\":")
      out.decimal(step.position)
    }
    out.literal(",\"verdict\":")
    out.quoted(StepWord.text(step, ruleset))
    if let id = step.rule {
      let rule = ruleset[id]
      out.literal(",\"file\":")
      out.quoted(ruleset.files.indices.contains(Int(rule.file)) ? ruleset.files[Int(rule.file)].name : "")
      out.literal(",\"line\":")
      out.decimal(UInt64(rule.line))
      out.literal(",\"text\":")
      out.quoted(ruleset.text(of: rule))
    }
    out.literal("}")
    bytes.append(contentsOf: out.bytes)
    ends.append(bytes.count)
  }
}
