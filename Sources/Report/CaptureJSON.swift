import CaptureAnalysis
import Findings
import Wire

/// The JSON of `capture -o json`: the contract's fields first, tables after them.
public enum CaptureJSON {
  public static func render(_ report: CaptureReport) -> String {
    var json = JSONWriter()
    json.object { json in
      json.array("captures", report.captures) { json, capture in
        json.object { json in
          json.field("file", capture.file)
          json.field("format", capture.format)
          json.array("linkTypes", capture.linkTypes) { json, name in json.value(name) }
          json.field("packets", capture.packets)
          json.field("bytes", report.captures.count == 1 ? report.counts.bytes : capture.packets)
          json.field("start", TimeText.iso(report.start))
          json.field("end", TimeText.iso(report.end))
          json.field("snaplenTruncated", report.counts.snapped)
          json.field("dropped", capture.dropped)
          json.field("damage", capture.damage.map(\.description))
        }
      }
      let counts = report.counts
      json.object("counts") { json in
        for (name, value) in fields(counts) { json.field(name, value) }
      }
      json.array("findings", report.findings) { json, finding in Self.finding(finding, &json) }
      json.field("interrupted", report.interrupted)
      json.field("newConnectionsPerSecondPeak", report.newConnectionsPeak)
      json.field("conntrackEntriesPeak", report.conntrackPeak)
      json.field("conversationCount", report.conversationCount)
      json.field("conversationsEvicted", report.evicted)
      json.array("conversations", report.conversations) { json, row in
        json.object { json in
          json.field("protocol", row.proto.description)
          json.field("client", row.client.description)
          json.field("clientPort", Int(row.clientPort))
          json.field("server", row.server.description)
          json.field("serverPort", Int(row.serverPort))
          json.field("tunnel", row.tunnel)
          json.field("packets", row.packets)
          json.field("bytes", row.bytes)
          json.field("firstFrame", row.firstFrame.number)
          json.field("lastFrame", row.lastFrame.number)
          json.field("retransmissions", row.retransmissions)
          json.field("resets", row.resets)
          json.field("handshakeNanoseconds", row.handshake < 0 ? nil : Int(row.handshake))
          json.field("slowestResponseNanoseconds", Int(row.slowestResponse))
          json.field("serverName", row.serverName)
          json.field("state", row.state)
        }
      }
      json.array("tunnels", report.tunnels) { json, row in
        json.object { json in
          json.field("kind", row.kind)
          json.field("source", row.source.description)
          json.field("destination", row.destination.description)
          json.field("port", Int(row.port))
          json.field("identifier", Int(row.identifier))
          json.field("packets", row.packets)
          json.field("bytes", row.bytes)
          json.field("innerBytes", row.innerBytes)
          json.field("badChecksums", row.badChecksums)
        }
      }
    }
    return String(decoding: json.bytes, as: UTF8.self)
  }

  /// Names as in the contract, then what is added to it.
  static func fields(_ c: CaptureCounts) -> [(StaticString, Int)] {
    [
      ("ipv4Fragments", c.ipv4Fragments), ("ipv6Fragments", c.ipv6Fragments),
      ("icmpFragmentationNeeded", c.icmpFragmentationNeeded), ("icmpv6PacketTooBig", c.icmpv6PacketTooBig),
      ("vxlan", c.vxlan), ("geneve", c.geneve), ("tcpSyn", c.tcpSyn), ("tcpRst", c.tcpRst),
      ("tcpRetransmissions", c.tcpRetransmissions), ("badIPv4HeaderChecksums", c.badIPv4HeaderChecksums),
      ("badUDPChecksums", c.badUDPChecksums), ("badTCPChecksums", c.badTCPChecksums), ("dnsQueries", c.dnsQueries),
      ("dnsUnanswered", c.dnsUnanswered), ("tlsAlerts", c.tlsAlerts), ("tcp", c.tcp), ("udp", c.udp),
      ("icmp", c.icmp), ("arp", c.arp), ("sctp", c.sctp), ("gre", c.gre), ("ipip", c.ipip),
      ("wireguard", c.wireguard), ("esp", c.esp), ("vlan", c.vlan), ("tcpSynAck", c.tcpSynAck),
      ("tcpFastRetransmissions", c.tcpFastRetransmissions),
      ("tcpSpuriousRetransmissions", c.tcpSpuriousRetransmissions), ("tcpOutOfOrder", c.tcpOutOfOrder),
      ("tcpLostSegments", c.tcpLostSegments), ("tcpDuplicateAcks", c.tcpDuplicateAcks),
      ("tcpZeroWindows", c.tcpZeroWindows), ("offloadedChecksums", c.offloadedChecksums),
      ("duplicateFrames", c.duplicateFrames), ("duplicateRetransmissions", c.duplicateRetransmissions),
      ("undecoded", c.undecoded),
    ]
  }

  static func finding(_ finding: Finding, _ json: inout JSONWriter) {
    json.object { json in
      json.field("id", finding.id)
      json.field("severity", finding.severity.rawValue)
      json.field("confidence", finding.confidence.rawValue)
      json.object("subject") { json in
        json.field("kind", finding.subject.kind)
        json.field("namespace", finding.subject.namespace)
        json.field("name", finding.subject.name)
        json.field("port", finding.subject.port)
        json.field("node", finding.subject.node)
      }
      json.field("problem", finding.problem)
      json.field("cause", finding.cause)
      json.array("evidence", finding.evidence) { json, evidence in
        json.object { json in
          json.field("file", evidence.file)
          if let line = evidence.line { json.field("line", line) }
          if let frame = evidence.frame { json.field("frame", frame) }
          json.field("text", evidence.text)
        }
      }
      json.array("fix", finding.fix) { json, command in json.value(command) }
      json.array("verify", finding.verify) { json, command in json.value(command) }
      json.field("reference", finding.reference)
    }
  }
}

extension JSONWriter {
  mutating func value(_ text: String) { string(text) }

  mutating func field(_ name: StaticString, _ text: String) {
    key(name)
    string(text)
  }
  mutating func field(_ name: StaticString, _ text: String?) {
    key(name)
    if let text { string(text) } else { null() }
  }
  mutating func field(_ name: StaticString, _ value: Int) {
    key(name)
    number(value)
  }
  mutating func field(_ name: StaticString, _ value: Int?) {
    key(name)
    if let value { number(value) } else { null() }
  }
  mutating func field(_ name: StaticString, _ flag: Bool) {
    key(name)
    bool(flag)
  }

  mutating func object(_ name: StaticString? = nil, _ body: (inout JSONWriter) -> Void) {
    if let name { key(name) }
    beginObject()
    body(&self)
    endObject()
  }

  mutating func array<Item>(
    _ name: StaticString, _ items: some Sequence<Item>, _ body: (inout JSONWriter, Item) -> Void
  ) {
    key(name)
    beginArray()
    for item in items { body(&self, item) }
    endArray()
  }
}
