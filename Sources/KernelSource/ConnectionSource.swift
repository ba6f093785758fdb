import Glibc
import Input
import Snapshot
import Wire

/// The conntrack table over ctnetlink.
enum ConnectionSource {
  static func read(_ socket: NetlinkSocket) throws -> [ConnectionEntry] {
    var list: [ConnectionEntry] = []
    // NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET
    try socket.dump("connections", type: 0x101, payload: [0, 0, 0, 0]) { type, message in
      if type == NetlinkSocket.restarted {
        list = []
        return
      }
      if let entry = entry(Attributes(message, after: 4)) { list.append(entry) }
    }
    return list
  }

  private static func entry(_ attributes: Attributes) -> ConnectionEntry? {
    guard let (original, number) = attributes[1].flatMap({ tuple($0) }),
      let (reply, _) = attributes[2].flatMap({ tuple($0) })
    else { return nil }
    var entry = ConnectionEntry(ipProtocol: number, original: original, reply: reply)
    let status = attributes[3]?.be32 ?? 0
    entry.unreplied = status & 2 == 0
    entry.assured = status & 4 != 0
    entry.timeout = attributes[7].map { Int($0.be32) }
    entry.mark = attributes[8]?.be32 ?? 0
    entry.zone = attributes[18]?.be16 ?? 0
    // CTA_PROTOINFO, CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE
    if number == 6, let state = attributes[4]?[1]?[1]?.u8 {
      let names = [
        "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
        "SYN_SENT2",
      ]
      entry.state = Int(state) < names.count ? names[Int(state)] : nil
    }
    return entry
  }

  private static func tuple(_ attributes: Attributes) -> (ConnectionEntry.Tuple, UInt8)? {
    guard let addresses = attributes[1],
      let source = (addresses[1] ?? addresses[3]).flatMap({ LinkSource.address($0.bytes) }),
      let destination = (addresses[2] ?? addresses[4]).flatMap({ LinkSource.address($0.bytes) }),
      let ports = attributes[2]
    else { return nil }
    // ICMP and ICMPv6 have an id in both places.
    let id = (ports[4] ?? ports[7])?.be16
    return (
      ConnectionEntry.Tuple(
        source: source, destination: destination, sourcePort: id ?? ports[2]?.be16 ?? 0,
        destinationPort: id ?? ports[3]?.be16 ?? 0), ports[1]?.u8 ?? 0
    )
  }

  /// `conntrack -S`: one dictionary a CPU.
  static func statistics(_ socket: NetlinkSocket) throws -> [[String: Int]] {
    let names = [
      1: "searched", 2: "found", 3: "new", 4: "invalid", 5: "ignore", 6: "delete", 7: "delete_list", 8: "insert",
      9: "insert_failed", 10: "drop", 11: "early_drop", 12: "error", 13: "search_restart", 14: "clash_resolve",
      15: "chain_toolong",
    ]
    var list: [[String: Int]] = []
    // IPCTNL_MSG_CT_GET_STATS_CPU
    try socket.dump("statistics of conntrack", type: 0x104, payload: [0, 0, 0, 0]) { type, message in
      if type == NetlinkSocket.restarted {
        list = []
        return
      }
      var values: [String: Int] = [:]
      Attributes(message, after: 4).each { type, value in
        if let name = names[type] { values[name] = Int(value.be32) }
      }
      list.append(values)
    }
    return list
  }
}
