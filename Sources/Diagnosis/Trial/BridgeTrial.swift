import Snapshot

/// `bridge link set dev PORT hairpin on`, `isolated on`, `state …`.
enum BridgeTrial {
  static func apply(_ arguments: [String], to snapshot: inout Snapshot) throws(Trial.Failure) {
    guard arguments.prefix(3) == ["link", "set", "dev"], arguments.count > 3,
      let index = snapshot.links?.firstIndex(where: { $0.name == arguments[3] })
    else { throw Trial.Failure("Expected bridge link set dev PORT …, with a port that the node has.") }
    var words = arguments[4...]
    while let word = words.first {
      guard let value = words.dropFirst().first else { throw Trial.Failure("\(printable(word)) lacks a value.") }
      words = words.dropFirst(2)
      switch (word, value) {
      case ("hairpin", "on"): snapshot.links![index].hairpin = true
      case ("hairpin", "off"): snapshot.links![index].hairpin = false
      case ("isolated", "on"): snapshot.links![index].isolated = true
      case ("isolated", "off"): snapshot.links![index].isolated = false
      // By number or name: 3 is forwarding.
      case ("state", _): snapshot.links![index].forwards = value == "forwarding" || value == "3"
      default:
        throw Trial.Failure(
          "'bridge link set … \(printable(word)) \(printable(value))' cannot be tried: hairpin and isolated (on, off) and state can."
        )
      }
    }
  }
}
