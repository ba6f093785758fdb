import CaptureAnalysis
import Findings
import Input
import Wire

/// Captures as text for a person at 3 a.m.: what is wrong and what to do, then the vital figures, then tables.
public struct CaptureText {
  public var colour = false
  public var width = 100

  public init(colour: Bool = false) { self.colour = colour }

  public func render(_ report: CaptureReport) -> String {
    var out = ""
    findings(report, &out)
    vitals(report, &out)
    tables(report, &out)
    return out
  }

  // MARK: findings

  private func findings(_ report: CaptureReport, _ out: inout String) {
    if report.findings.isEmpty {
      out += "No findings.\n"
      return
    }
    let errors = report.findings.count { $0.severity == .error }
    let warnings = report.findings.count { $0.severity == .warning }
    let notes = report.findings.count { $0.severity == .info }
    out += "\(count(errors, "error")), \(count(warnings, "warning")), \(count(notes, "note"))\n"
    for finding in report.findings {
      let (label, code) =
        switch finding.severity {
        case .error: ("ERROR", "1;31")
        case .warning: ("WARNING", "1;33")
        case .info: ("NOTE", "1;36")
        }
      out += "\n" + paint(label, code) + "  " + paint(finding.id, "1") + "  (\(finding.confidence.rawValue))\n"
      paragraph("", escaped(finding.problem), indent: 2, &out)
      paragraph("cause: ", escaped(finding.cause), indent: 2, &out)
      for evidence in finding.evidence {
        var place = evidence.frame.map { frame in
          (evidence.file.map { report.captures.count > 1 ? "\(escaped($0)) " : "" } ?? "") + "frame \(frame)"
        }
        if place == nil, let line = evidence.line { place = "\(escaped(evidence.file ?? "")):\(line)" }
        // What is said of one file as a whole.
        if place == nil, report.captures.count > 1, let file = evidence.file, !evidence.text.hasPrefix(file) {
          place = escaped(file)
        }
        paragraph("- ", (place.map { "\($0): " } ?? "") + escaped(evidence.fullText), indent: 4, &out)
      }
      // Commands stay whole, however long: people copy them.
      for fix in finding.fix {
        out += "  \(fix.command == nil ? "advice" : "fix"): \(escaped(fix.text))\n"
        if let why = fix.why { paragraph("", "(\(escaped(why)))", indent: 4, &out) }
      }
      for command in finding.verify { out += "  verify: \(escaped(command.text))\n" }
      if let reference = finding.reference { paragraph("see: ", escaped(reference), indent: 2, &out) }
    }
  }

  private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  /// Wraps at `width` columns, later lines under the first one's text.
  private func paragraph(_ label: String, _ text: String, indent: Int, _ out: inout String) {
    let margin = String(repeating: " ", count: indent)
    let hanging = margin + String(repeating: " ", count: label.count)
    var line = margin + label
    var empty = true
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      if !empty, line.count + 1 + word.count > width {
        out += line + "\n"
        line = hanging
        empty = true
      }
      line += (empty ? "" : " ") + word
      empty = false
    }
    out += line + "\n"
  }

  private func paint(_ text: String, _ code: String) -> String { Style(coloured: colour).wrap(text, code) }

  // MARK: figures

  private func vitals(_ report: CaptureReport, _ out: inout String) {
    let c = report.counts
    out += "\n" + paint("CAPTURE", "1") + "\n"
    for capture in report.captures {
      let links = capture.linkTypes.isEmpty ? "" : capture.linkTypes.joined(separator: " ") + ", "
      out +=
        "  \(escaped(capture.file)): \(capture.format), \(links)\(count(capture.packets, "frame"))\n"
      if let damage = capture.damage { paragraph("", escaped(damage.description), indent: 4, &out) }
    }
    if let start = TimeText.iso(report.start), let end = TimeText.iso(report.end) {
      out += "  \(start) to \(end) (\(TimeText.span(report.end - report.start)))\n"
    }
    if report.interrupted { out += "  Interrupted: what follows holds for the frames read until then.\n" }
    out += "  \(c.packets) frames, \(size(c.bytes))"
    if c.snapped > 0 { out += ", \(c.snapped) of them snapped" }
    if c.duplicateFrames > 0 { out += ", \(c.duplicateFrames) are copies of others" }
    out += "\n"
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
    out += "  new conversations: at most \(report.newConnectionsPeak) per second; "
    out += "conntrack table (simulated): at most \(report.conntrackPeak) entries"
    if let maximum = report.conntrackMaximum { out += " of \(maximum)" }
    out += "\n"
    // A handful of entries makes no curve.
    if report.conntrackPeak >= 50, report.conntrackCurve.count > 1 {
      out += "    \(sparkline(report.conntrackCurve))  \(TimeText.span(report.conntrackSpan * 1_000_000)) each\n"
    }
    if report.evicted > 0 {
      out +=
        "  \(report.evicted) idle conversations were dropped from the table; raise --max-conversations to keep them\n"
    }
  }

  /// Bars of eighths, the highest the peak.
  private func sparkline(_ values: [Int]) -> String {
    let peak = max(1, values.max() ?? 1)
    let bars = Array("▁▂▃▄▅▆▇█")
    return String(values.map { $0 == 0 ? " " : bars[min(7, $0 * 8 / (peak + 1))] })
  }

  private func line(_ title: String, _ figures: [(Int, String)], _ out: inout String) {
    let shown = figures.filter { $0.0 > 0 }
    guard !shown.isEmpty else { return }
    out += "  \(title): " + shown.map { "\($0.0) \($0.1)" }.joined(separator: ", ") + "\n"
  }

  // MARK: tables

  private func tables(_ report: CaptureReport, _ out: inout String) {
    if !report.conversations.isEmpty {
      table(
        "CONVERSATIONS (\(report.conversations.count) of \(report.conversationCount))",
        ["proto", "client", "server", "packets", "bytes", "retr", "rtt", "state"],
        report.conversations.map { row in
          [
            row.proto.description + (row.tunnel.isEmpty ? "" : " in \(row.tunnel)"),
            endpoint(row.client, row.clientPort, row.proto, report),
            endpoint(row.server, row.serverPort, row.proto, report),
            String(row.packets), size(row.bytes), String(row.retransmissions),
            row.handshake < 0 ? "-" : TimeText.span(row.handshake), row.state,
          ]
        }, right: [3, 4, 5, 6], &out)
    }
    if !report.hosts.isEmpty {
      table(
        "HOSTS", ["address", "conversations", "packets", "bytes", "retr"] + (report.names.isEmpty ? [] : ["name"]),
        report.hosts.map { row in
          [
            row.address.description, String(row.conversations), String(row.packets), size(row.bytes),
            String(row.retransmissions),
          ] + (report.names.isEmpty ? [] : [report.names[row.address] ?? ""])
        }, right: [1, 2, 3, 4], &out)
    }
    if !report.services.isEmpty {
      table(
        "SERVICES BY PORT", ["port", "conversations", "packets", "bytes", "unanswered", "reset"],
        report.services.map { row in
          [
            "\(row.proto)/\(row.port)", String(row.conversations), String(row.packets), size(row.bytes),
            String(row.unanswered),
            String(row.resets),
          ]
        }, right: [1, 2, 3, 4, 5], &out)
    }
    let limited = report.paths.filter(\.isLimited)
    if !limited.isEmpty {
      table(
        "PATH MTU", ["from", "to", "announced", "fragments", "passed", "lost"],
        limited.map { row in
          [
            row.source.description + (row.tunnel.isEmpty ? "" : " in \(row.tunnel)"), row.destination.description,
            row.announced.map(String.init) ?? "-", row.fragment.map(String.init) ?? "-",
            row.delivered.map(String.init) ?? "-", row.lost.map(String.init) ?? "-",
          ]
        }, right: [2, 3, 4, 5], &out)
    }
    if !report.tunnels.isEmpty {
      table(
        "TUNNELS", ["kind", "from", "to", "port", "id", "packets", "bytes", "payload", "bad sums"],
        report.tunnels.map { row in
          [
            row.kind, row.source.description, row.destination.description, row.port == 0 ? "-" : String(row.port),
            String(row.identifier) + (row.otherIdentifier == nil ? "" : "+"), String(row.packets), size(row.bytes),
            percent(row.innerBytes, row.bytes), String(row.badChecksums),
          ]
        }, right: [3, 4, 5, 6, 7, 8], &out)
    }
  }

  /// The name where there is one; the hosts' table tells its address.
  private func endpoint(_ address: IPAddress, _ port: UInt16, _ proto: IPProtocol, _ report: CaptureReport) -> String {
    if let name = report.names[address].map({ clip($0, 32) }) { return proto.hasPorts ? "\(name):\(port)" : name }
    guard proto.hasPorts else { return address.description }
    return address.version == .v6 ? "[\(address)]:\(port)" : "\(address):\(port)"
  }

  private func percent(_ part: Int, _ whole: Int) -> String {
    guard whole > 0 else { return "-" }
    return "\(part * 1000 / whole / 10).\(part * 1000 / whole % 10)%"
  }

  private func table(_ title: String, _ header: [String], _ rows: [[String]], right: Set<Int>, _ out: inout String) {
    var widths = header.map(\.count)
    for row in rows { for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) } }
    out += "\n" + paint(title, "1") + "\n"
    for row in [header] + rows {
      var line = " "
      for (index, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[index] - cell.count)
        line += " " + (right.contains(index) ? padding + cell : cell + padding)
      }
      while line.last == " " { line.removeLast() }
      out += line + "\n"
    }
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
