import Wire

/// Echo requests and their replies, by who asks whom: which sizes come back.
struct PingTable {
  struct Pair: Hashable {
    var source: IPAddress
    var destination: IPAddress
    var scope: UInt32
  }

  struct Sizes {
    /// The largest IP packet that was answered, and the smallest that was not.
    var answered = 0
    var unanswered = Int.max
    var answeredFrame = FrameReference.none
    var unansweredFrame = FrameReference.none
    var answers = 0
    var silent = 0
  }

  private struct Request: Hashable {
    var pair: Pair
    var identifier: UInt16
    var sequence: UInt16
  }

  private struct Waiting {
    var length: Int
    var frame: FrameReference
  }

  static let maximum = 16_384
  private var waiting: [Request: Waiting] = [:]
  private var sizes: [Pair: Sizes] = [:]

  mutating func request(
    from source: IPAddress, to destination: IPAddress, scope: UInt32, identifier: UInt16, sequence: UInt16, length: Int,
    frame: FrameReference
  ) {
    guard waiting.count < Self.maximum else { return }
    let pair = Pair(source: source, destination: destination, scope: scope)
    let request = Request(pair: pair, identifier: identifier, sequence: sequence)
    // Copies on other interfaces are the same request.
    if waiting[request] == nil { waiting[request] = Waiting(length: length, frame: frame) }
  }

  mutating func reply(
    from source: IPAddress, to destination: IPAddress, scope: UInt32, identifier: UInt16, sequence: UInt16
  ) {
    let pair = Pair(source: destination, destination: source, scope: scope)
    guard let found = waiting.removeValue(forKey: Request(pair: pair, identifier: identifier, sequence: sequence)),
      sizes[pair] != nil || sizes.count < Self.maximum
    else { return }
    var known = sizes[pair] ?? Sizes()
    known.answers += 1
    if found.length > known.answered {
      known.answered = found.length
      known.answeredFrame = found.frame
    }
    sizes[pair] = known
  }

  /// At the end: with those that wait still counted as silent.
  func finished() -> [(pair: Pair, sizes: Sizes)] {
    var all = sizes
    for (request, entry) in waiting {
      guard var known = all[request.pair] else { continue }
      known.silent += 1
      if entry.length < known.unanswered {
        known.unanswered = entry.length
        known.unansweredFrame = entry.frame
      }
      all[request.pair] = known
    }
    return all.map { ($0.key, $0.value) }.sorted { $0.1.answeredFrame < $1.1.answeredFrame }
  }
}
