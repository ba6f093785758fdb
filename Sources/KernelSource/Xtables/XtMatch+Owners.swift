import Wire

// What a packet belongs to: a socket, a cgroup, a route's realm, a helper, an IPsec policy, an IPVS service.
extension XtMatch {
  static func owners(_ name: String, _ revision: UInt32, _ blob: XtBlob) -> String? {
    switch (name, revision) {
    case ("socket", 0): ""
    case ("socket", 1...3):
      [("--transparent", 1), ("--nowildcard", 2), ("--restore-skmark", 4)]
        .filter { blob.u8(0) & $0.1 != 0 }.map(\.0).joined(separator: " ")
    case ("realm", 0): "\(XtText.not(blob.u8(8) != 0))--realm \(XtText.masked(blob.u32(0), blob.u32(4)))"
    case ("cgroup", 0): "\(XtText.not(blob.u32(4) != 0))--cgroup \(blob.u32(0))"
    case ("cgroup", 1...2): controlGroup(blob, revision)
    case ("helper", 0): "\(XtText.not(blob.u32(0) != 0))--helper \(XtText.quoted(blob.string(4, 30)))"
    case ("policy", 0): policy(blob)
    case ("ipvs", 0): virtualServer(blob)
    default: nil
    }
  }

  /// struct xt_cgroup_info_v1, _v2
  private static func controlGroup(_ blob: XtBlob, _ revision: UInt32) -> String {
    let length = revision == 1 ? 4096 : 512
    var parts: [String] = []
    if blob.u8(0) != 0 { parts.append("\(XtText.not(blob.u8(2) != 0))--path \(XtText.quoted(blob.string(4, length)))") }
    if blob.u8(1) != 0 { parts.append("\(XtText.not(blob.u8(3) != 0))--cgroup \(blob.u32(revision == 1 ? 4100 : 4))") }
    return parts.joined(separator: " ")
  }

  /// struct xt_policy_info: up to four elements of 76 bytes.
  private static func policy(_ blob: XtBlob) -> String {
    let flags = blob.u16(304)
    var parts = ["--dir \(flags & 1 != 0 ? "in" : "out")"]
    guard flags & 4 == 0 else { return (parts + ["--pol none"]).joined(separator: " ") }
    parts.append("--pol ipsec")
    if flags & 8 != 0 { parts.append("--strict") }
    for index in 0..<min(Int(blob.u16(306)), 4) {
      let at = index * 76
      let (asked, inverted) = (blob.u8(at + 74), blob.u8(at + 75))
      if index > 0 { parts.append("--next") }
      let list: [(UInt8, String)] = [
        (32, "--reqid \(blob.u32(at + 68))"), (16, "--spi \(XtText.hex(blob.u32(at + 64)))"),
        (4, "--proto \(XtText.transport(blob.u8(at + 72)))"),
        (8, "--mode \(blob.u8(at + 73) == 1 ? "tunnel" : "transport")"),
        (2, "--tunnel-dst \(blob.network(at + 32, mask: at + 48))"),
        (1, "--tunnel-src \(blob.network(at, mask: at + 16))"),
      ]
      for (bit, text) in list where asked & bit != 0 { parts.append(XtText.not(inverted & bit != 0) + text) }
    }
    return parts.joined(separator: " ")
  }

  /// struct xt_ipvs_mtinfo
  private static func virtualServer(_ blob: XtBlob) -> String? {
    let (inverted, asked) = (blob.u8(38), blob.u8(39))
    if asked == 1 { return "\(XtText.not(inverted & 1 != 0))--ipvs" }
    let methods: [UInt8: String] = [0: "MASQ", 2: "IPIP", 3: "GATE"]
    guard asked & 32 == 0 || methods[blob.u8(35)] != nil else { return nil }
    let list: [(UInt8, String)] = [
      (2, "--vproto \(blob.u8(34))"), (4, "--vaddr \(blob.network(0, mask: 16))"), (8, "--vport \(blob.be16(32))"),
      (32, "--vmethod \(methods[blob.u8(35)] ?? "")"), (64, "--vportctl \(blob.be16(36))"),
    ]
    var parts = list.filter { asked & $0.0 != 0 }.map { XtText.not(inverted & $0.0 != 0) + $0.1 }
    if asked & 16 != 0 { parts.append("--vdir \(inverted & 16 != 0 ? "REPLY" : "ORIGINAL")") }
    return parts.joined(separator: " ")
  }
}
