import Wire

/// xtables targets as iptables-save spells them.
enum XtTarget {
  /// `-j NAME OPTIONS`; nil: not decoded.
  static func text(_ name: String, revision: UInt32, _ blob: XtBlob, _ sets: IPSetNames) -> String? {
    if name == "CT", blob.u16(0) & 2 != 0 { return "-j NOTRACK" }
    return options(name, revision: revision, blob, sets).map { $0.isEmpty ? "-j \(name)" : "-j \(name) \($0)" }
  }

  private static func options(_ name: String, revision: UInt32, _ blob: XtBlob, _ sets: IPSetNames) -> String? {
    switch (name, revision) {
    case ("MARK", 2): return "--set-xmark \(XtText.hex(blob.u32(0)))/\(XtText.hex(blob.u32(4)))"
    case ("CONNMARK", 1...2): return connectionMark(blob, revision)
    case ("DNAT", _), ("SNAT", _), ("MASQUERADE", _), ("REDIRECT", _), ("NETMAP", _):
      return translation(name, NATRange(blob, revision))
    case ("REJECT", 0): return rejection(blob).map { "--reject-with \($0)" }
    case ("LOG", 0): return log(blob)
    case ("TCPMSS", 0): return blob.u16(0) == 0xFFFF ? "--clamp-mss-to-pmtu" : "--set-mss \(blob.u16(0))"
    case ("CT", _): return tracking(blob, revision)
    case ("NOTRACK", _), ("TRACE", _): return ""
    case ("TTL", 0), ("HL", 0):
      guard blob.u8(0) < 3 else { return nil }
      return "--\(name.lowercased())-\(["set", "inc", "dec"][Int(blob.u8(0))]) \(blob.u8(1))"
    case ("DSCP", 0): return "--set-dscp \(XtMatch.dscp(blob.u8(0)))"
    case ("TOS", 1): return "--set-tos \(XtMatch.dscp(blob.u8(0)))/\(XtMatch.dscp(blob.u8(1)))"
    case ("TPROXY", 0...1): return transparentProxy(blob, revision)
    case ("NFQUEUE", 0...3): return queue(blob, revision)
    case ("CLASSIFY", 0):
      return "--set-class \(String(blob.u32(0) >> 16, radix: 16)):\(String(blob.u32(0) & 0xFFFF, radix: 16))"
    case ("CHECKSUM", 0): return blob.u8(0) & 1 != 0 ? "--checksum-fill" : ""
    case ("SET", 1...3): return changeSet(blob, revision, sets)
    case ("TEE", 1):
      let device = blob.string(16, 16)
      return "--gateway \(blob.address(0))" + (device.isEmpty ? "" : " --oif \(device)")
    case ("AUDIT", 0...1):
      guard blob.u8(0) < 3 else { return nil }
      return "--type \(["accept", "drop", "reject"][Int(blob.u8(0))])"
    case ("SYNPROXY", 0): return synproxy(blob)
    default: return nil
    }
  }

  /// struct xt_connmark_tginfo1, 2
  private static func connectionMark(_ blob: XtBlob, _ revision: UInt32) -> String? {
    let mark = XtText.hex(blob.u32(0))
    let connectionMask = XtText.hex(blob.u32(4))
    let packetMask = XtText.hex(blob.u32(8))
    // A shift of the value is not modelled.
    if revision == 2, blob.u8(14) != 0 { return nil }
    switch blob.u8(12) {
    case 0: return "--set-xmark \(mark)/\(connectionMask)"
    case 1: return "--save-mark --nfmask \(packetMask) --ctmask \(connectionMask)"
    case 2: return "--restore-mark --nfmask \(packetMask) --ctmask \(connectionMask)"
    default: return nil
    }
  }

  /// struct nf_nat_ipv4_multi_range_compat (revision 0 of version 4), nf_nat_range and nf_nat_range2.
  private struct NATRange {
    var flags: UInt32
    var addresses: (first: IPAddress, last: IPAddress)
    var ports: (first: UInt16, last: UInt16)
    var basePort: UInt16 = 0
    let isVersion6: Bool

    init(_ blob: XtBlob, _ revision: UInt32) {
      isVersion6 = blob.version == .v6
      if revision == 0, !isVersion6 {
        flags = blob.u32(4)
        addresses = (blob.address(8), blob.address(12))
        ports = (blob.be16(16), blob.be16(18))
      } else {
        flags = blob.u32(0)
        addresses = (blob.address(4), blob.address(20))
        ports = (blob.be16(36), blob.be16(38))
        if revision >= 2 { basePort = blob.be16(40) }
      }
    }

    var portText: String {
      XtText.range(ports.first, ports.last, "-") + (flags & 32 != 0 ? "/\(basePort)" : "")
    }

    /// `a[-b][:p[-q]]`
    var text: String {
      var text = ""
      if flags & 1 != 0 {
        text = "\(addresses.first)" + (addresses.first == addresses.last ? "" : "-\(addresses.last)")
        if flags & 2 != 0, isVersion6 { text = "[\(text)]" }
      }
      return flags & 2 != 0 ? text + ":" + portText : text
    }
  }

  private static func translation(_ name: String, _ range: NATRange) -> String? {
    var parts: [String] = []
    switch name {
    case "DNAT": parts.append("--to-destination \(range.text)")
    case "SNAT": parts.append("--to-source \(range.text)")
    case "NETMAP":
      let width = range.isVersion6 ? 128 : 32
      let host = range.addresses.first.bits ^ range.addresses.last.bits
      let full = width == 128 ? Bits128.ones : ~(Bits128.ones << width)
      guard let length = XtBlob.prefixLength(~host & full, width: width) else { return nil }
      return "--to \(range.addresses.first)" + (length == width ? "" : "/\(length)")
    default: if range.flags & 2 != 0 { parts.append("--to-ports \(range.portText)") }
    }
    if range.flags & 4 != 0 { parts.append("--random") }
    if range.flags & 16 != 0 { parts.append("--random-fully") }
    if range.flags & 8 != 0 { parts.append("--persistent") }
    return parts.joined(separator: " ")
  }

  /// enum ipt_reject_with, ip6t_reject_with
  private static func rejection(_ blob: XtBlob) -> String? {
    let names =
      blob.version == .v4
      ? [
        "icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable", "icmp-port-unreachable", nil,
        "icmp-net-prohibited", "icmp-host-prohibited", "tcp-reset", "icmp-admin-prohibited",
      ]
      : [
        "icmp6-no-route", "icmp6-adm-prohibited", nil, "icmp6-addr-unreachable", "icmp6-port-unreachable", nil,
        "tcp-reset", "icmp6-policy-fail", "icmp6-reject-route",
      ]
    let number = Int(blob.u32(0))
    return number < names.count ? names[number] : nil
  }

  /// struct xt_log_info
  private static func log(_ blob: XtBlob) -> String {
    var parts: [String] = []
    let prefix = blob.string(2, 30)
    if !prefix.isEmpty { parts.append("--log-prefix \(XtText.quoted(prefix))") }
    if blob.u8(0) != 4 { parts.append("--log-level \(blob.u8(0))") }
    let flags = blob.u8(1)
    for (bit, word) in [(1, "tcp-sequence"), (2, "tcp-options"), (4, "ip-options"), (8, "uid"), (32, "macdecode")]
      as [(UInt8, String)] where flags & bit != 0
    {
      parts.append("--log-\(word)")
    }
    return parts.joined(separator: " ")
  }

  /// struct xt_ct_target_info, _v1
  private static func tracking(_ blob: XtBlob, _ revision: UInt32) -> String {
    let flags = blob.u16(0)
    if flags & 1 != 0 { return "--notrack" }
    var parts: [String] = []
    let helper = blob.string(12, 16)
    if !helper.isEmpty { parts.append("--helper \(XtText.quoted(helper))") }
    if revision >= 1 {
      let timeout = blob.string(28, 32)
      if !timeout.isEmpty { parts.append("--timeout \(XtText.quoted(timeout))") }
    }
    let side = flags & 12 == 4 ? "-orig" : flags & 12 == 8 ? "-reply" : ""
    if flags & 16 != 0 {
      parts.append("--zone\(side) mark")
    } else if blob.u16(2) != 0 {
      parts.append("--zone\(side) \(blob.u16(2))")
    }
    return parts.joined(separator: " ")
  }

  /// struct xt_tproxy_target_info, _v1
  private static func transparentProxy(_ blob: XtBlob, _ revision: UInt32) -> String {
    let port = blob.be16(revision == 0 ? 12 : 24)
    return "--on-port \(port) --on-ip \(blob.address(8)) --tproxy-mark "
      + "\(XtText.hex(blob.u32(4)))/\(XtText.hex(blob.u32(0)))"
  }

  /// struct xt_NFQ_info, _v1, _v2, _v3
  private static func queue(_ blob: XtBlob, _ revision: UInt32) -> String {
    let first = blob.u16(0)
    let total = revision >= 1 ? blob.u16(2) : 1
    let flags = revision >= 2 ? blob.u16(4) : 0
    return (total > 1 ? "--queue-balance \(first):\(first + total - 1)" : "--queue-num \(first)")
      + (flags & 1 != 0 ? " --queue-bypass" : "") + (flags & 2 != 0 ? " --queue-cpu-fanout" : "")
  }

  /// struct xt_synproxy_info
  private static func synproxy(_ blob: XtBlob) -> String {
    let options = blob.u8(0)
    let list: [(UInt8, String)] = [
      (4, "--sack-perm"), (8, "--timestamp"), (2, "--wscale \(blob.u8(1))"), (1, "--mss \(blob.u16(2))"), (16, "--ecn"),
    ]
    return list.filter { options & $0.0 != 0 }.map(\.1).joined(separator: " ")
  }

  /// struct xt_set_info_target_v1 … v3
  private static func changeSet(_ blob: XtBlob, _ revision: UInt32, _ sets: IPSetNames) -> String? {
    var parts: [String] = []
    for (at, word) in [(0, "add"), (4, "del"), (8, "map")] where word != "map" || revision == 3 {
      // IPSET_INVALID_ID: none.
      guard blob.u16(at) != 0xFFFF else { continue }
      guard let name = sets.name(blob.u16(at)) else { return nil }
      parts.append("--\(word)-set \(name) \(XtMatch.directions(blob.u8(at + 2), blob.u8(at + 3)))")
    }
    let flags = revision == 1 ? 0 : blob.u32(revision == 2 ? 8 : 12)
    let timeout = revision == 1 ? .max : blob.u32(revision == 2 ? 12 : 16)
    if flags & 1 != 0 { parts.append("--exist") }
    if timeout != .max { parts.append("--timeout \(timeout)") }
    return parts.joined(separator: " ")
  }
}
