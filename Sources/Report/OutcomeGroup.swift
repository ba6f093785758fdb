import PacketPath
import Wire

/// Outcomes of a trace that end alike: the same verdict, packet and place, whichever rules led there.
struct OutcomeGroup {
  /// Indexes of its outcomes, the likeliest first.
  var members: [Int]
  var probability: Double
  var first: Int { members[0] }

  /// The groups of a trace, the likeliest first.
  static func of(_ outcomes: [Outcome]) -> [OutcomeGroup] {
    var groups: [OutcomeGroup] = []
    // Comparing with all others is quicker than hashing, where there are few.
    var places: [IPSocket: [Int]] = [:]
    let hashing = outcomes.count > 32
    // In place: an outcome is large, and copies of it count references.
    outcomes.withUnsafeBufferPointer { outcomes in
      for index in outcomes.indices {
        let known: Int?
        let place = IPSocket(address: outcomes[index].destination, port: outcomes[index].destinationPort)
        if hashing {
          known = places[place]?.first { alike(outcomes, groups[$0].first, index) }
        } else {
          known = groups.firstIndex { alike(outcomes, $0.first, index) }
        }
        if let known {
          groups[known].probability += outcomes[index].probability
          groups[known].members.append(index)
        } else {
          if hashing { places[place, default: []].append(groups.count) }
          groups.append(OutcomeGroup(members: [index], probability: outcomes[index].probability))
        }
      }
    }
    return groups.enumerated().sorted {
      $0.element.probability != $1.element.probability
        ? $0.element.probability > $1.element.probability : $0.offset < $1.offset
    }.map(\.element)
  }

  private static func alike(_ outcomes: UnsafeBufferPointer<Outcome>, _ a: Int, _ b: Int) -> Bool {
    guard
      outcomes[a].destination == outcomes[b].destination,
      outcomes[a].destinationPort == outcomes[b].destinationPort, outcomes[a].verdict == outcomes[b].verdict,
      outcomes[a].source == outcomes[b].source, outcomes[a].outInterface == outcomes[b].outInterface,
      outcomes[a].rejectWith == outcomes[b].rejectWith, outcomes[a].reason == outcomes[b].reason
    else { return false }
    guard outcomes[a].verdict == .drop || outcomes[a].verdict == .reject else { return true }
    let (last, other) = (outcomes[a].steps.last, outcomes[b].steps.last)
    return last?.chain == other?.chain && last?.position == other?.position
  }
}

private struct IPSocket: Hashable {
  var address: IPAddress
  var port: UInt16
}
