import Wire

// Fields of transports other than TCP's and UDP's ports.
extension XtMatch {
  static func transport(_ name: String, _ blob: XtBlob) -> String? {
    switch name {
    case "tcpmss": "\(XtText.not(blob.u8(4) != 0))--mss \(XtText.range(blob.u16(0), blob.u16(2)))"
    case "esp": parameterIndex("espspi", blob)
    case "ah" where blob.version == .v4: parameterIndex("ahspi", blob)
    // Types of chunks and options stay opaque.
    case "sctp" where blob.u32(284) & 4 == 0: destinationFirst(blob, flags: blob.u32(284), inverted: blob.u32(288))
    case "dccp" where blob.u16(8) & 12 == 0:
      destinationFirst(blob, flags: UInt32(blob.u16(8)), inverted: UInt32(blob.u16(10)))
    case "ecn": congestion(blob)
    default: nil
    }
  }

  /// struct xt_esp, ipt_ah
  private static func parameterIndex(_ word: String, _ blob: XtBlob) -> String {
    let (first, last, inverted) = (blob.u32(0), blob.u32(4), blob.u8(8) & 1 != 0)
    if first == 0, last == .max, !inverted { return "" }
    return "\(XtText.not(inverted))--\(word) \(XtText.range(first, last))"
  }

  /// struct xt_sctp_info (whose map of chunks has a word for each fourth of them, 256 bytes), xt_dccp_info
  private static func destinationFirst(_ blob: XtBlob, flags: UInt32, inverted: UInt32) -> String {
    [
      flags & 1 != 0 ? ports("sport", blob.u16(4), blob.u16(6), inverted: inverted & 1 != 0) : nil,
      flags & 2 != 0 ? ports("dport", blob.u16(0), blob.u16(2), inverted: inverted & 2 != 0) : nil,
    ].compactMap(\.self).joined(separator: " ")
  }

  /// struct xt_ecn_info
  private static func congestion(_ blob: XtBlob) -> String {
    let list: [(UInt8, String)] = [
      (0x10, "--ecn-tcp-ece"), (0x20, "--ecn-tcp-cwr"), (0x01, "--ecn-ip-ect \(blob.u8(2))"),
    ]
    return list.filter { blob.u8(0) & $0.0 != 0 }
      .map { XtText.not(blob.u8(1) & $0.0 != 0) + $0.1 }.joined(separator: " ")
  }
}
