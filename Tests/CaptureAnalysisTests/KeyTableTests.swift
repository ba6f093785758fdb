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
    func hash(_ number: Int) -> UInt64 { UInt64(number) &* 0x9E37_79B9_7F4A_7C15 << 1 | 1 }
    var index = HashIndex()
    let count = 200_000
    for number in 1...count { index.insert(hash(number), number, at: 7) }
    var wrong = 0
    for number in 1...count where index.find(hash(number), at: 7) != number { wrong += 1 }
    #expect(wrong == 0)
    #expect(index.find(hash(count + 1), at: 7) == nil)
  }

  /// What was removed is not found, what stood behind it still is, and what comes and goes needs no more room for ever.
  @Test func removedHashesAreGone() {
    var index = HashIndex()
    var known: [UInt64: Int] = [:]
    var state: UInt64 = 5
    var wrong = 0
    for number in 0..<200_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let hash = ((state >> 40) % 3000) << 24 | 1
      let place = UInt32(hash >> 24) % 40
      if index.find(hash, at: place) != known[hash] { wrong += 1 }
      if known[hash] != nil {
        index.remove(hash, at: place)
        known[hash] = nil
      } else {
        index.insert(hash, number, at: place)
        known[hash] = number
      }
    }
    #expect(wrong == 0)
    #expect(index.capacity <= 1 << 14)
  }
}
