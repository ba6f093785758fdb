import CaptureAnalysis
import Findings
import Input
import Snapshot
import Wire

/// Captures as text for a person at 3 a.m.: what is wrong and what to do, then the vital figures, then tables.
public struct CaptureText {
  private let style: Style

  public init(_ style: Style) { self.style = style }

  public func render(_ report: CaptureReport) -> String {
    let frames = "\(counted(report.counts.packets, "frame")) of \(counted(report.captures.count, "capture"))"
    var out = ["\(FindingsText.headline(report.findings))  (\(frames))"]
    if !report.findings.isEmpty {
      let findings = FindingsText(style, namesCaptures: report.captures.count > 1).render(report.findings)
      out += [""] + findings.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
    vitals(report, &out)
    tables(report, &out)
    return out.joined(separator: "\n") + "\n"
  }

  /// A finding of a live capture as it is made, so many seconds after its begin: one line, the details come at the end.
  public func news(_ finding: Finding, after seconds: Int) -> String {
    style.paragraph(
      "\(seconds) s  \(finding.severity.rawValue.uppercased())  ", "\(printable(finding.problem))  [\(finding.id)]"
    ).joined(separator: "\n")
  }

  // MARK: figures

  private func vitals(_ report: CaptureReport, _ out: inout [String]) {
    let c = report.counts
    out += ["", style.bold("CAPTURE")]
    for capture in report.captures {
      let links = capture.linkTypes.isEmpty ? "" : capture.linkTypes.joined(separator: " ") + ", "
      out += style.paragraph(
        "  ", "\(escaped(capture.file)): \(capture.format), \(links)\(counted(capture.packets, "frame"))", hanging: 4)
      if let damage = capture.damage { out += style.paragraph("    ", escaped(damage.description)) }
    }
    if let start = TimeText.iso(report.start), let end = TimeText.iso(report.end) {
      out.append("  \(start) to \(end) (\(TimeText.span(report.end - report.start)))")
    }
    if report.interrupted { out.append("  Interrupted: what follows holds for the frames read until then.") }
    var total = "\(counted(c.packets, "frame")), \(size(c.bytes))"
    if c.snapped > 0 { total += ", \(c.snapped) of them snapped" }
    if c.duplicateFrames > 0 { total += ", \(c.duplicateFrames) are copies of others" }
    out += style.paragraph("  ", total, hanging: 4)
    line(
      "TCP",
      [
        (c.tcp, "segments"), (c.tcpSyn, "SYN"), (c.tcpSynAck, "SYN-ACK"), (c.tcpRst, "RST"),
        (c.tcpRetransmissions - c.duplicateRetransmissions, "retransmitted"), (c.tcpOutOfOrder, "out of order"),
        (c.tcpZeroWindows, "zero windows"),
      ], &out)
    line("UDP", [(c.udp, "datagrams"), (c.dnsQueries, "DNS queries"), (c.dnsUnanswered, "unanswered")], &out)
    line(
      "tunnels",
      [
        (c.vxlan, "VXLAN"), (c.geneve, "Geneve"), (c.gre, "GRE"), (c.ipip, "IP in IP"),
        (c.wireguard, "WireGuard"), (c.esp, "ESP"),
      ], &out)
    line(
      "fragments",
      [
        (c.ipv4Fragments, "IPv4"), (c.ipv6Fragments, "IPv6"),
        (c.icmpFragmentationNeeded, "fragmentation needed"), (c.icmpv6PacketTooBig, "packet too big"),
      ], &out)
    line(
      "bad checksums",
      [
        (c.badIPv4HeaderChecksums, "IPv4"), (c.badUDPChecksums, "UDP"), (c.badTCPChecksums, "TCP"),
        (c.offloadedChecksums, "left to the network card"),
      ], &out)
    line(
      "other",
      [
        (c.icmp, "ICMP"), (c.arp, "ARP"), (c.sctp, "SCTP"), (c.vlan, "VLAN"), (c.tlsAlerts, "TLS alerts"),
        (c.undecoded, "not decoded"),
      ], &out)
    let maximum = report.conntrackMaximum.map { " of \($0)" } ?? ""
    out += style.paragraph(
      "  ",
      "new conversations: at most \(report.newConnectionsPeak) per second; conntrack table (simulated): at most "
        + "\(report.conntrackPeak) \(report.conntrackPeak == 1 ? "entry" : "entries")\(maximum)", hanging: 4)
    // A handful of entries makes no curve.
    if report.conntrackPeak >= 50, report.conntrackCurve.count > 1 {
      out.append("    \(sparkline(report.conntrackCurve))  \(TimeText.span(report.conntrackSpan * 1_000_000)) each")
    }
    if report.evicted > 0 {
      out += style.paragraph(
        "  ",
        "\(report.evicted) idle conversations were dropped from the table; raise --max-conversations to keep them",
        hanging: 4)
    }
  }

  /// Bars of eighths, the highest the peak.
  private func sparkline(_ values: [Int]) -> String {
    let peak = max(1, values.max() ?? 1)
    let bars = Array("▁▂▃▄▅▆▇█")
    return String(values.map { $0 == 0 ? " " : bars[min(7, $0 * 8 / (peak + 1))] })
  }

  private func line(_ title: String, _ figures: [(Int, String)], _ out: inout [String]) {
    let shown = figures.filter { $0.0 > 0 }
    guard !shown.isEmpty else { return }
    out += style.paragraph("  \(title): ", shown.map { "\($0.0) \($0.1)" }.joined(separator: ", "), hanging: 4)
  }

  // MARK: tables

  private func tables(_ report: CaptureReport, _ out: inout [String]) {
    if !report.conversations.isEmpty {
      var table = Columns(
        ["PROTO", "CLIENT", "SERVER", "FRAMES", "BYTES", "RETR", "RTT", "STATE"],
        [.whole, .name, .name, .number, .number, .number, .number])
      for row in report.conversations {
        table.add(
          row.proto.description + (row.tunnel.isEmpty ? "" : " in \(row.tunnel)"),
          endpoint(row.client, row.clientPort, row.proto, report),
          endpoint(row.server, row.serverPort, row.proto, report), String(row.packets), size(row.bytes),
          String(row.retransmissions), row.handshake < 0 ? "-" : TimeText.span(row.handshake),
          row.state.isEmpty ? "-" : row.state)
      }
      add("CONVERSATIONS (\(report.conversations.count) of \(report.conversationCount))", table, &out)
    }
    if !report.hosts.isEmpty {
      let named = !report.names.isEmpty
      var table = Columns(
        ["ADDRESS", "CONVERSATIONS", "FRAMES", "BYTES", "RETR"] + (named ? ["NAME"] : []),
        [.whole, .number, .number, .number, .number, .name])
      for row in report.hosts {
        table.add(
          [
            row.address.description, String(row.conversations), String(row.packets), size(row.bytes),
            String(row.retransmissions),
          ] + (named ? [report.names[row.address] ?? "-"] : []))
      }
      add("HOSTS", table, &out)
    }
    if !report.services.isEmpty {
      var table = Columns(
        ["PORT", "CONVERSATIONS", "FRAMES", "BYTES", "UNANSWERED", "RESET"],
        [.whole, .number, .number, .number, .number, .number])
      for row in report.services {
        table.add(
          "\(row.port)/\(row.proto)", String(row.conversations), String(row.packets), size(row.bytes),
          String(row.unanswered), String(row.resets))
      }
      add("PORTS", table, &out)
    }
    let limited = report.paths.filter(\.isLimited)
    if !limited.isEmpty {
      var table = Columns(
        ["FROM", "TO", "ANNOUNCED", "FRAGMENTS", "PASSED", "LOST"],
        [.whole, .whole, .number, .number, .number, .number])
      for row in limited {
        table.add(
          row.source.description + (row.tunnel.isEmpty ? "" : " in \(row.tunnel)"), row.destination.description,
          row.announced.map(String.init) ?? "-", row.fragment.map(String.init) ?? "-",
          row.delivered.map(String.init) ?? "-", row.lost.map(String.init) ?? "-")
      }
      add("PATH MTU", table, &out)
    }
    if !report.tunnels.isEmpty {
      var table = Columns(
        ["KIND", "FROM", "TO", "PORT", "ID", "FRAMES", "BYTES", "PAYLOAD", "BAD SUMS"],
        [.whole, .whole, .whole, .number, .number, .number, .number, .number, .number])
      for row in report.tunnels {
        table.add(
          row.kind, row.source.description, row.destination.description, row.port == 0 ? "-" : String(row.port),
          String(row.identifier) + (row.otherIdentifier == nil ? "" : "+"), String(row.packets), size(row.bytes),
          row.bytes > 0 ? percent(Double(row.innerBytes) / Double(row.bytes)) : "-", String(row.badChecksums))
      }
      add("TUNNELS", table, &out)
    }
  }

  private func add(_ title: String, _ table: Columns, _ out: inout [String]) {
    out += ["", style.bold(title)] + table.lines(style.width, indent: 2)
  }

  /// The name where there is one; the hosts' table tells its address.
  private func endpoint(_ address: IPAddress, _ port: UInt16, _ proto: IPProtocol, _ report: CaptureReport) -> String {
    if let name = report.names[address] { return proto.hasPorts ? "\(name):\(port)" : name }
    return proto.hasPorts ? EndpointText.text(address, port) : address.description
  }

  private func size(_ bytes: Int) -> String {
    switch bytes {
    case ..<10_000: "\(bytes) B"
    case ..<10_000_000: "\(bytes / 1000) kB"
    case ..<10_000_000_000: "\(bytes / 1_000_000) MB"
    default: "\(bytes / 1_000_000_000) GB"
    }
  }
}
