import CMnl

/// The names of ipsets, which rules know by their numbers.
final class IPSetNames {
  private var socket: NetlinkSocket?
  private var known: [UInt16: String?] = [:]

  /// Nil: the kernel has no such set, or does not tell (before Linux 4.20 there is no such request).
  func name(_ index: UInt16) -> String? {
    if let name = known[index] { return name }
    var found: String?
    do {
      let socket = try self.socket ?? NetlinkSocket(NETLINK_NETFILTER)
      self.socket = socket
      // NFNL_SUBSYS_IPSET << 8 | IPSET_CMD_GET_BYINDEX; IPSET_ATTR_PROTOCOL, IPSET_ATTR_INDEX.
      var payload: [UInt8] = [2, 0, 0, 0]
      payload.appendAttribute(1, [7])
      payload.appendAttribute(11 | 0x4000, [UInt8(index >> 8), UInt8(index & 0xFF)])
      try socket.request("name of an ipset", type: 0x60F, flags: 0, payload: payload) { _, message in
        found = Attributes(message, after: 4)[2]?.string
      }
    } catch {}
    known[index] = .some(found)
    return found
  }
}
