import Findings
import Wire

/// Segment sizes announced in handshakes that the overlay or the path cannot carry.
struct MSSDetector: Detector {
  private struct Key: MixHashable {
    var mss: Int
    /// Nil outside of tunnels.
    var tunnel: TunnelKind?
  }
  private var tally = Tally<Key>()
  private var v6 = false

  mutating func examine(_ c: ConversationView) {
    guard c.isTCP, c.clientHalf.maximumSegment > 0, c.server.maximumSegment > 0 else { return }
    let mss = Int(min(c.clientHalf.maximumSegment, c.server.maximumSegment))
    let header = c.record.version == 4 ? 40 : 60
    let (low, high) = (c.remarks.announcedMTU.low, c.remarks.announcedMTU.high)
    let announced = low | high == 0 ? nil : Int(low == 0 || high == 0 ? max(low, high) : min(low, high))
    let kind = TunnelKind(rawValue: UInt8(truncatingIfNeeded: c.record.scope >> 24))
    let tunnelled = kind == .vxlan || kind == .geneve
    if tunnelled || announced.map({ mss + header > $0 }) == true {
      tally.add(
        Key(mss: mss + header, tunnel: tunnelled ? kind : nil), client: c.client,
        amount: Int64(announced ?? 0),
        example: .init(
          frames: [c.clientHalf.firstSyn, c.server.synAck],
          text:
            "\(c.endpoints): MSS \(c.clientHalf.maximumSegment) and \(c.server.maximumSegment), so packets of up to "
            + "\(mss + header) bytes" + (announced.map { "; the path takes \($0)" } ?? ""),
          filter: "tcp.flags.syn==1 && tcp.options.mss_val>=\(mss)"))
    }
  }

  static let clamp: ShellCommand =
    "iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    var outerLargest = 0
    var overhead = 50
    for index in 0..<facts.tunnels.count {
      let t = facts.tunnels.tunnels.pointer(index).pointee
      outerLargest = max(outerLargest, t.largestInner + TunnelDetector.overheadBytes(t))
      if t.key.version == 6 { overhead = 70 }
    }
    // What was seen unfragmented on the link fits it; fragments say that it does not.
    let fragmented = facts.fragments.groups.contains { $0.overlay > 0 }
    let link = facts.options.linkMTU ?? (fragmented ? 1500 : max(1500, min(outerLargest, 9216)))
    return tally.top(8).filter { key, _ in key.tunnel == nil || key.mss + overhead > link }.prefix(2).map {
      key, entry in
      let room = key.tunnel == nil ? Int(entry.worst) : link - overhead
      return Finding(
        id: "mss-too-large", severity: .warning, confidence: .likely, subject: .init(kind: "Path"),
        problem: "\(plural(entry.count, "connection")) agreed on segments of \(key.mss) bytes a packet where "
          + "\(room) fit\(key.tunnel.map { " into \($0.name) on a link of \(link)" } ?? "")",
        cause: "the interfaces' MTU is too large for the way, and nobody clamps the MSS",
        evidence: facts.evidence([(key, entry)]),
        fix: [
          .advice("set the interfaces' MTU to \(room), or clamp: \(Self.clamp)")
        ], verify: ["tcpdump -nn 'tcp[tcpflags] & tcp-syn != 0'  # mss at most \(room - 40)"])
    }
  }
}
