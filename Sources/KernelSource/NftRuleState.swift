import Ruleset
import Wire

/// What the virtual machine's registers hold while a rule's bytecode is read.
struct NftRuleState {
  enum Content {
    case empty
    /// A key; `host`: in the kernel's byte order. `bytes`: how many were loaded.
    case term(NftTerm, host: Bool, bytes: Int)
    /// A payload load that names no field by itself: bit offset and length; named once a mask tells which bits.
    case bits(PayloadBase, offset: UInt32, length: UInt32)
    case constant(RawValue)
  }

  /// Sixteen words of four bytes.
  var slots = [Content](repeating: .empty, count: 20)
  /// By how many bits a field of less than a byte stands left of where its number is.
  var shifts = [Int](repeating: 0, count: 20)
  var used = 0
  /// Where the tests stand that only say which header follows; nil: none, or taken back.
  var networkClause: Int?
  var transportClause: Int?
  /// What they said: names headers up to the rule's end.
  var network: UInt8 = 0
  var transport: UInt8?
  /// `>=` of a range whose `<=` may come next: not a clause yet.
  var lower: (slot: Int, key: NftTerm, value: Bits128)?

  mutating func begin(_ family: Family) {
    for slot in 0..<used { slots[slot] = .empty }
    used = 0
    networkClause = nil
    transportClause = nil
    transport = nil
    lower = nil
    network = family == .ip ? 2 : family == .ip6 ? 10 : 0
  }

  /// NFT_REG_1…4 are four words each, NFT_REG32_00… one.
  static func slot(_ register: UInt32) -> Int {
    if register >= 8 { return min(Int(register) - 8, 19) }
    return register >= 1 ? min(Int(register - 1) * 4, 16) : 0
  }

  mutating func store(_ content: Content, _ register: UInt32, shift: Int = 0) {
    let slot = Self.slot(register)
    slots[slot] = content
    shifts[slot] = shift
    // What is wider than a word overwrites the next ones.
    var words = 1
    switch content {
    case .term(_, _, let bytes): words = (bytes + 3) / 4
    case .constant(let raw): words = (raw.count + 3) / 4
    case .bits(_, _, let length): words = Int(length + 31) / 32
    case .empty: break
    }
    var next = slot + 1
    while next < min(slot + words, slots.count) {
      slots[next] = .empty
      next += 1
    }
    used = max(used, slot + 1)
  }
}
