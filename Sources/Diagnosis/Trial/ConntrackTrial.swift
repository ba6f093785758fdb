import Snapshot
import Wire

/// `conntrack -D` with filters, and `conntrack -F`.
enum ConntrackTrial {
  static func apply(_ arguments: [String], to snapshot: inout Snapshot) throws(Trial.Failure) {
    guard snapshot.connections != nil else {
      throw Trial.Failure("The snapshot holds no connection table (conntrack -L).")
    }
    switch arguments.first {
    case "-F", "--flush": snapshot.connections = []
    case "-D", "--delete":
      let filters = try filters(Array(arguments.dropFirst()))
      snapshot.connections!.removeAll { entry in filters.allSatisfy { $0(entry) } }
    default: throw Trial.Failure("Of conntrack, -D and -F can be tried.")
    }
  }

  private typealias Filter = (ConnectionEntry) -> Bool

  private static func filters(_ words: [String]) throws(Trial.Failure) -> [Filter] {
    var filters: [Filter] = []
    var at = 0
    while at < words.count {
      let option = words[at]
      guard at + 1 < words.count else { throw Trial.Failure("\(printable(option)) lacks a value.") }
      let value = words[at + 1]
      at += 2
      func prefix() throws(Trial.Failure) -> IPPrefix {
        let parts = value.split(separator: "/")
        guard let address = parts.first.flatMap({ IPAddress($0) }) else { throw wrong(option, value) }
        let length = parts.count > 1 ? Int(parts[1]) : address.version.width
        guard let length, (0...address.version.width).contains(length) else { throw wrong(option, value) }
        return IPPrefix(address, length: length)
      }
      func port() throws(Trial.Failure) -> UInt16 {
        guard let port = UInt16(value) else { throw wrong(option, value) }
        return port
      }
      switch option {
      case "-p", "--proto":
        guard let number = IPProtocol(value.lowercased()) else { throw wrong(option, value) }
        filters.append { $0.ipProtocol == number.rawValue }
      case "-f", "--family": filters.append { ($0.original.source.version == .v6) == (value == "ipv6") }
      case "-s", "--src", "--orig-src":
        let range = try prefix()
        filters.append { range.contains($0.original.source) }
      case "-d", "--dst", "--orig-dst":
        let range = try prefix()
        filters.append { range.contains($0.original.destination) }
      case "-r", "--reply-src":
        let range = try prefix()
        filters.append { range.contains($0.reply.source) }
      case "-q", "--reply-dst":
        let range = try prefix()
        filters.append { range.contains($0.reply.destination) }
      case "--sport", "--orig-port-src":
        let port = try port()
        filters.append { $0.original.sourcePort == port }
      case "--dport", "--orig-port-dst":
        let port = try port()
        filters.append { $0.original.destinationPort == port }
      case "--reply-port-src":
        let port = try port()
        filters.append { $0.reply.sourcePort == port }
      default: throw Trial.Failure("'conntrack \(printable(option))' cannot be tried.")
      }
    }
    return filters
  }

  private static func wrong(_ option: String, _ value: String) -> Trial.Failure {
    Trial.Failure("'\(printable(value))' is no value for conntrack \(option).")
  }
}
