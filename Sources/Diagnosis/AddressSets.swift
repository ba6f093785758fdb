import Snapshot
import Wire

/// Questions to a node's ipsets of addresses.
enum AddressSets {
  /// The name of the set that has some of the addresses and none of those that are missing; nil: there is none.
  static func lacking(_ missing: [IPAddress], among all: [IPAddress], _ snapshot: Snapshot) -> String? {
    let others = all.filter { !missing.contains($0) }
    return (snapshot.ipsets ?? []).first { set in
      set.dimensions.count == 1 && others.contains { has(set, $0) } && missing.allSatisfy { !has(set, $0) }
    }?.name
  }

  private static func has(_ set: IPSet, _ address: IPAddress) -> Bool {
    guard set.version.map({ $0 == address.version }) ?? true else { return false }
    return set.elements.contains { element in
      guard !element.noMatch, case .address(let range)? = element.parts.first else { return false }
      return range.low <= address.bits && address.bits <= range.high
    }
  }
}
