import Glibc
import Wire

/// Tunnels whose identifier says who sends, not which network it is: Cilium puts the sender's identity into the VNI of VXLAN
/// and Geneve, and of GTP-U each direction has its own TEID (3GPP TS 29.281). An answer shows it: it has the ends of a
/// packet that went the other way under another identifier, which nobody would have taken if that were a network's. From
/// then on conversations in tunnels of that kind are told apart without it.
struct SenderIdentifiers: ~Copyable {
  private static let places = 4096
  private static let candidates: [TunnelKind] = [.vxlan, .vxlanGPE, .geneve, .gtp]
  /// How long an answer may take.
  private static let patience: Int64 = 60_000_000_000

  /// A bit for each kind.
  private var learned: UInt16 = 0
  /// The last conversation, plus one, of each key without its identifier; by the key's hash.
  private let mates: UnsafeMutablePointer<Int32>

  init() { mates = zeroed(Self.places, of: Int32.self) }
  deinit { free(mates) }

  @inline(__always) func identifier(_ identifier: UInt32, of kind: TunnelKind) -> UInt32 {
    learned >> UInt16(kind.rawValue) & 1 == 0 ? identifier & 0xFF_FFFF : 0
  }

  func isLearned(_ kind: TunnelKind) -> Bool { learned >> UInt16(kind.rawValue) & 1 != 0 }

  private func kind(_ scope: UInt32) -> TunnelKind? {
    TunnelKind(rawValue: UInt8(truncatingIfNeeded: scope >> 24)).flatMap { Self.candidates.contains($0) ? $0 : nil }
  }

  private func place(_ key: ConversationKey, seed: UInt64) -> Int {
    Int(truncatingIfNeeded: key.hash(seed: seed) >> 40) & (Self.places - 1)
  }

  /// Takes note of a conversation that was made.
  func add(_ key: ConversationKey, _ index: Int, seed: UInt64) {
    guard let kind = kind(key.scope), !isLearned(kind) else { return }
    var bare = key
    bare.scope &= 0xFF00_0000
    mates[place(bare, seed: seed)] = Int32(truncatingIfNeeded: index + 1)
  }

  /// The kind of tunnel that a packet from `direction` teaches, if it answers a conversation under another identifier.
  mutating func learn(
    _ key: ConversationKey, direction: Int, time: Int64, _ conversations: borrowing ConversationTable
  ) -> TunnelKind? {
    guard let kind = kind(key.scope), !isLearned(kind),
      key.lowPort != key.highPort || IPProtocol(rawValue: key.proto).isICMP
    else { return nil }
    var bare = key
    bare.scope &= 0xFF00_0000
    let index = Int(mates[place(bare, seed: conversations.seed)]) - 1
    guard index >= 0, index < conversations.records.count else { return nil }
    let other = conversations.records.pointer(index)
    var otherKey = other.pointee.key
    guard otherKey.scope >> 24 == key.scope >> 24, otherKey.scope != key.scope else { return nil }
    otherKey.scope = key.scope
    guard otherKey == key, other.pointee.packets[direction] == 0, time &- other.pointee.lastTime < Self.patience else {
      return nil
    }
    learned |= 1 << UInt16(kind.rawValue)
    return kind
  }
}

extension CaptureAnalyzer {
  /// Puts conversations of a kind of tunnel together that differ in the identifier only.
  mutating func ignoreIdentifiers(of kind: TunnelKind) {
    conversations.rescope { $0 >> 24 == UInt32(kind.rawValue) ? $0 & 0xFF00_0000 : $0 }
    for index in 0..<Self.batch where lookahead + index != sighted {
      lookahead[index].transport = nil
      lookahead[index].record = ConversationTable.unknown
    }
  }
}
