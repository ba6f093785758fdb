import Findings
import Testing

/// A black hole seen only from behind it, and the losses that look like one for a moment.
@Suite struct MissingSegmentsTests {
  enum Case: CaseIterable {
    case blackHole
    /// The tail of the answer comes, the capture ends before anything could be sent again.
    case cutShort
    /// What is missing is small.
    case smallHole
    /// A full segment came from there in another conversation.
    case refuted
    /// The missing segment comes after all.
    case healed
    /// Bare acknowledgments were left out when capturing, and more than they.
    case filtered
  }

  /// An answer of a full segment and a small one, of which the second alone arrives; then the client asks on.
  @Test(arguments: Case.allCases) func largeOnesNeverArrive(_ what: Case) throws {
    var script = Script()
    let missing: UInt32 = what == .smallHole ? 400 : 1448
    script.handshake(at: 0, port: 40_000)
    if what == .filtered { script.removeLast() }
    script.tcp(at: 10, from: (1, 40_000), to: (2, 80), seq: 101, ack: 501, flags: Script.pushAck, count: 50)
    script.tcp(at: 11, from: (2, 80), to: (1, 40_000), seq: 501 + missing, ack: 151, flags: Script.pushAck, count: 90)
    if what != .filtered { script.tcp(at: 12, from: (1, 40_000), to: (2, 80), seq: 151, ack: 501, flags: Script.ack) }
    if what == .healed {
      script.tcp(at: 300, from: (2, 80), to: (1, 40_000), seq: 501, ack: 151, flags: Script.ack, count: 1448)
      script.tcp(at: 301, from: (1, 40_000), to: (2, 80), seq: 151, ack: 2039, flags: Script.ack)
    }
    if what != .cutShort, what != .filtered {
      let ack: UInt32 = what == .healed ? 2039 : 501
      script.tcp(at: 4000, from: (1, 40_000), to: (2, 80), seq: 151, ack: ack, flags: Script.pushAck, count: 5)
      script.tcp(at: 4001, from: (2, 80), to: (1, 40_000), seq: 591 + missing, ack: 156, flags: Script.ack)
    }
    if what == .filtered { script.tcp(at: 5000, from: (1, 40_009), to: (3, 81), seq: 100, flags: Script.syn) }
    if what == .refuted {
      script.handshake(at: 5000, port: 40_001)
      script.tcp(at: 5010, from: (2, 80), to: (1, 40_001), seq: 501, ack: 101, flags: Script.ack, count: 1448)
      script.tcp(at: 5011, from: (1, 40_001), to: (2, 80), seq: 101, ack: 1949, flags: Script.ack)
    }
    let finding = script.analyze().1.first { $0.id == "pmtu-black-hole" }
    guard what == .blackHole else { return #expect(finding == nil) }
    #expect(finding?.confidence == .possible)
    #expect(finding?.subject.name == "10.0.0.2 → 10.0.0.1")
    #expect(finding?.evidence.first?.frame == 5)
    #expect(finding?.evidence.first?.text.contains("1448 bytes from 10.0.0.2 are missing") == true)
  }
}
