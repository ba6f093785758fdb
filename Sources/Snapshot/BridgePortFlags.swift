import Input

/// The flags of a bridge port: of `bridge_slave …` in `ip -d link`, of the second line of an interface in
/// `bridge -d link`, and of both tools' JSON.
enum BridgePortFlags {
  /// Of the spanning tree.
  static func isState(_ word: ByteText) -> Bool {
    switch word {
    case "disabled", "listening", "learning", "forwarding", "blocking": true
    default: false
    }
  }

  /// The words behind `bridge_slave`, or those of `bridge -d link`, which begin with a flag: `hairpin off guard off …`.
  static func read(_ words: inout Words, into link: inout Link) {
    while let word = words.next() {
      switch word {
      case "hairpin": link.hairpin = words.next().map { $0 == "on" }
      case "isolated": link.isolated = words.next().map { $0 == "on" }
      case "state": link.forwards = words.next().map { $0 == "forwarding" }
      default: break
      }
    }
  }

  /// A member of `linkinfo.info_slave_data` of `ip -d -j link`, or of an interface of `bridge -d -j link`.
  static func read(_ name: JSONText, _ value: JSONValue, into link: inout Link) {
    switch name {
    case "hairpin": link.hairpin = value.bool
    case "isolated": link.isolated = value.bool
    case "state": link.forwards = value.text.map { $0 == "forwarding" }
    default: break
    }
  }
}
