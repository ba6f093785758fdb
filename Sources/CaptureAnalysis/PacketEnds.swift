import Wire

/// Both ends of a packet, and what is known of its conversation.
struct PacketEnds {
  /// Of the key, by the table of conversations.
  var hash: UInt64 = 0
  /// The transport header that this was read ahead from; nil: it was not.
  var transport: UnsafeRawPointer?
  // What a key of IPv4 is made of, where it was read ahead
  var addresses: UInt64 = 0
  var rest: UInt64 = 0
  var proto: UInt8 = 0
  /// Inside of VXLAN.
  var isCarried = false
  /// 0 from the key's low end, 1 from its high end.
  var direction = 0
  /// Index of the newest record of the key, or what `guess` says instead.
  var record = ConversationTable.unknown
  /// Good after `complete`: most packets do not need it.
  var key = ConversationKey.none

  /// Of packets read ahead: whether DNS over UDP is what the ports say.
  @inline(__always) var isDNS: Bool {
    transport != nil && proto == 17 && (rest & 0xFFFF == 53 || rest & 0xFFFF_0000 == 53 << 16)
  }

  @inline(__always) mutating func complete() {
    if transport != nil { key = ConversationKey(addresses: addresses, rest: rest, proto: proto) }
  }
}

extension CaptureAnalyzer {
  /// The ends of the packet with the transport header `bytes`: those read ahead, or read now.
  @inline(__always) mutating func ends(
    _ bytes: PacketBytes, _ layer: NetworkLayer, _ sourcePort: UInt16, _ destinationPort: UInt16
  ) -> UnsafeMutablePointer<PacketEnds> {
    sighted.pointee.transport == bytes.base ? sighted : readEnds(layer, sourcePort, destinationPort)
  }

  @inline(never) private mutating func readEnds(
    _ layer: NetworkLayer, _ sourcePort: UInt16, _ destinationPort: UInt16
  ) -> UnsafeMutablePointer<PacketEnds> {
    let (key, direction) = ConversationKey.make(
      layer.source, sourcePort, layer.destination, destinationPort, proto: layer.proto, version: layer.version,
      scope: layer.outer.scope)
    let ends = lookahead + Self.batch
    ends.pointee = PacketEnds(hash: conversations.hash(key), direction: direction, key: key)
    return ends
  }

  /// The index of the newest record of a packet's conversation, or -1.
  @inline(__always) mutating func find(_ ends: UnsafeMutablePointer<PacketEnds>) -> Int {
    ends.pointee.record >= 0 ? ends.pointee.record : lookUp(ends)
  }

  @inline(never) private mutating func lookUp(_ ends: UnsafeMutablePointer<PacketEnds>) -> Int {
    if ends.pointee.record == ConversationTable.absent, !hasCreated { return -1 }
    ends.pointee.complete()
    return conversations.find(ends.pointee.key, ends.pointee.hash)
  }

  /// A record was replaced, or a newer one has its key: what was found ahead may be wrong.
  mutating func forgetSighted() {
    for index in 0..<Self.batch { lookahead[index].record = ConversationTable.unknown }
  }
}
