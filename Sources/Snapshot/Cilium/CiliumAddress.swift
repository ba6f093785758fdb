import Input
import Wire

/// How Cilium prints an address with a port: `10.96.0.10:53`, `10.96.0.10:53/UDP`, `[fd00::1]:80/TCP/i`, `10.0.0.1:80:TCP`.
struct CiliumAddress {
  var address: IPAddress
  var port: UInt16
  var ipProtocol: IPProtocol?
  var isInternal = false

  init?(_ word: ByteText) {
    var host: ByteText
    var rest: ByteText
    if word.first == UInt8(ascii: "[") {
      guard let parts = word.dropFirst(1).split(at: UInt8(ascii: "]")), parts.after.first == UInt8(ascii: ":") else {
        return nil
      }
      (host, rest) = (parts.before, parts.after.dropFirst(1))
    } else {
      guard let parts = word.split(at: UInt8(ascii: ":")) else { return nil }
      (host, rest) = parts
    }
    guard let address = host.address else { return nil }
    self.address = address
    var tail: ByteText?
    for divider in [UInt8(ascii: "/"), UInt8(ascii: ":")] where tail == nil {
      if let parts = rest.split(at: divider) { (rest, tail) = (parts.before, parts.after) }
    }
    guard let port = rest.number(UInt16.self) else { return nil }
    self.port = port
    while let text = tail, !text.isEmpty {
      let parts = text.split(at: UInt8(ascii: "/")) ?? (text, text[0..<0])
      switch parts.before {
      case "TCP": ipProtocol = .tcp
      case "UDP": ipProtocol = .udp
      case "SCTP": ipProtocol = .sctp
      case "i": isInternal = true
      case "ANY", "NONE": break
      default: return nil
      }
      tail = parts.after
    }
  }
}

/// Gathers frontends that a table names on several lines.
struct CiliumTable {
  private struct Key: Hashable {
    var address: IPAddress
    var port: UInt16
    var ipProtocol: IPProtocol?
    var isInternal: Bool
  }

  let source: EBPFFrontend.Source
  let file: UInt32
  private(set) var frontends: [EBPFFrontend]
  private var index: [Key: Int] = [:]

  init(_ known: [EBPFFrontend]?, source: EBPFFrontend.Source, file: UInt32) {
    self.source = source
    self.file = file
    frontends = known ?? []
    for (position, frontend) in frontends.enumerated() where frontend.source == source {
      index[
        Key(
          address: frontend.address, port: frontend.port, ipProtocol: frontend.ipProtocol,
          isInternal: frontend.isInternal)] = position
    }
  }

  /// The position of the frontend in `frontends`; added where it is new.
  mutating func position(of address: CiliumAddress, line: Int) -> Int {
    let key = Key(
      address: address.address, port: address.port, ipProtocol: address.ipProtocol, isInternal: address.isInternal)
    if let known = index[key] { return known }
    var frontend = EBPFFrontend(
      address: address.address, port: address.port, ipProtocol: address.ipProtocol, source: source)
    frontend.isInternal = address.isInternal
    frontend.file = file
    frontend.line = line
    frontends.append(frontend)
    index[key] = frontends.count - 1
    return frontends.count - 1
  }

  mutating func change(_ position: Int, _ body: (inout EBPFFrontend) -> Void) { body(&frontends[position]) }

  /// The same backend given twice is one.
  mutating func add(_ backend: EBPFFrontend.Backend, to position: Int) {
    if !frontends[position].backends.contains(backend) { frontends[position].backends.append(backend) }
  }
}
