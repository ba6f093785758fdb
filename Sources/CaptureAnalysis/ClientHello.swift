import Wire

/// The one thing asked of a ClientHello (RFC 8446 4.1.2): the server name (RFC 6066).
enum ClientHello {
  /// `handshake` starts with the handshake type. Nil when there is no name or the bytes end before it.
  static func serverName(_ handshake: PacketBytes) -> UnsafeRawBufferPointer? {
    // type 1, length 3, version 2, random 32
    var at = 38
    guard handshake.count > at else { return nil }
    at += 1 + Int(handshake.u8(at))
    guard at + 2 <= handshake.count else { return nil }
    at += 2 + Int(handshake.u16(at))
    guard at + 1 <= handshake.count else { return nil }
    at += 1 + Int(handshake.u8(at))
    guard at + 2 <= handshake.count else { return nil }
    let end = min(handshake.count, at + 2 + Int(handshake.u16(at)))
    at += 2
    while at + 4 <= end {
      let type = handshake.u16(at)
      let length = Int(handshake.u16(at + 2))
      if type == 0 {
        guard length >= 5, at + 4 + length <= end else { return nil }
        let size = min(Int(handshake.u16(at + 7)), length - 5)
        return UnsafeRawBufferPointer(start: handshake.base + at + 9, count: size)
      }
      at += 4 + length
    }
    return nil
  }
}
