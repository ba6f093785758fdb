import Input

extension Snapshot {
  /// The number of a routing table. A dump prints names of the node's own rt_tables, whose numbers it does not tell:
  /// such a name gets a number above all real ones, the same in routes and rules.
  mutating func routingTable(_ name: ByteText) -> UInt32? {
    if let number = name.number(UInt32.self) { return number }
    switch name {
    case "local": return Route.TableNumber.local
    case "main": return Route.TableNumber.main
    case "default": return Route.TableNumber.default
    case "unspec", "all": return 0
    default: break
    }
    guard let first = name.first, first != UInt8(ascii: "["), name.count <= 64 else { return nil }
    var hash: UInt32 = 2_166_136_261
    for byte in name.bytes { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    var number = hash | 0x8000_0000
    let text = name.string
    while let other = routingTableNames[number], other != text { number = (number &+ 1) | 0x8000_0000 }
    routingTableNames[number] = text
    return number
  }
}
