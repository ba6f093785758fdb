import PacketPath
import Wire

/// Outcomes of a trace that end alike: the same verdict, packet and place, whichever rules led there.
struct OutcomeGroup {
  /// Index of the first and likeliest of them.
  var first: Int
  var probability: Double

  /// The groups of a trace, the likeliest first.
  static func of(_ outcomes: [Outcome]) -> [OutcomeGroup] {
    var groups: [OutcomeGroup] = []
    // Comparing with all others is quicker than hashing, where there are few.
    var places: [IPSocket: [Int]] = [:]
    let hashing = outcomes.count > 32
    for (index, outcome) in outcomes.enumerated() {
      let known: Int?
      let place = IPSocket(address: outcome.destination, port: outcome.destinationPort)
      if hashing {
        known = places[place]?.first { alike(outcomes[groups[$0].first], outcome) }
      } else {
        known = groups.firstIndex { alike(outcomes[$0.first], outcome) }
      }
      if let known {
        groups[known].probability += outcome.probability
      } else {
        if hashing { places[place, default: []].append(groups.count) }
        groups.append(OutcomeGroup(first: index, probability: outcome.probability))
      }
    }
    return groups.enumerated().sorted {
      $0.element.probability != $1.element.probability
        ? $0.element.probability > $1.element.probability : $0.offset < $1.offset
    }.map(\.element)
  }

  private static func alike(_ a: Outcome, _ b: Outcome) -> Bool {
    guard
      a.destination == b.destination, a.destinationPort == b.destinationPort, a.verdict == b.verdict,
      a.source == b.source, a.outInterface == b.outInterface, a.rejectWith == b.rejectWith, a.detail == b.detail
    else { return false }
    guard a.verdict == .drop || a.verdict == .reject else { return true }
    return a.steps.last?.chain == b.steps.last?.chain && a.steps.last?.position == b.steps.last?.position
  }
}

private struct IPSocket: Hashable {
  var address: IPAddress
  var port: UInt16
}
