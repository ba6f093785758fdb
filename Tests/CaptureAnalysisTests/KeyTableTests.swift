import Testing

@testable import CaptureAnalysis

/// The table that detectors number their keys with, against a dictionary.
@Suite struct KeyTableTests {
  @Test func numbersAreThoseOfTheFirstComing() {
    var table = KeyTable<UInt32>()
    #expect(table.find(7) == nil)
    var known: [UInt32: Int] = [:]
    var state: UInt64 = 3
    for _ in 0..<20_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1
      let key = UInt32(truncatingIfNeeded: state >> 33) % 5000
      #expect(table.find(key) == known[key])
      let expected = known[key] ?? known.count
      known[key] = expected
      #expect(table.number(key) == expected)
    }
    #expect(table.count == known.count)
    #expect(known.allSatisfy { table.keys[$0.value] == $0.key })
  }

  @Test func theLimitIsForNewKeysOnly() {
    var table = KeyTable<UInt32>()
    for key in 0..<100 as Range<UInt32> {
      #expect(table.number(key, limit: 10) == (key < 10 ? Int(key) : nil))
    }
    #expect(table.number(3, limit: 10) == 3)
    #expect(table.count == 10)
  }

  /// DNS questions of one socket with one identifier all begin their search at one place; whoever writes the capture may
  /// choose a hundred thousand of them.
  @Test(.timeLimit(.minutes(1))) func placesThatMeetDoNotMakeOneRun() {
    var index = HashIndex()
    let count = 200_000
    for number in 1...count { index.insert(UInt64(number) &* 0x9E37_79B9_7F4A_7C15, number, at: 7) }
    var wrong = 0
    for number in 1...count where index.find(UInt64(number) &* 0x9E37_79B9_7F4A_7C15, at: 7) != number { wrong += 1 }
    #expect(wrong == 0)
    #expect(index.find(UInt64(count + 1) &* 0x9E37_79B9_7F4A_7C15, at: 7) == nil)
  }
}
