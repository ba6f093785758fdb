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
          json.field("bytes", capture.bytes)
          json.field("start", TimeText.iso(capture.start))
          json.field("end", TimeText.iso(capture.end))
          json.field("snaplenTruncated", capture.snapped)
          json.field("dropped", capture.dropped)
          json.field("damage", capture.damage.map(\.description))
        }
      }
      let counts = report.counts
      json.object("counts") { json in
        for (name, value) in fields(counts) { json.field(name, value) }
      }
      json.array("findings", report.findings) { json, finding in FindingsJSON.write(finding, to: &json) }
      json.field("interrupted", report.interrupted)
      json.field("newConnectionsPerSecondPeak", report.newConnectionsPeak)
      json.field("conntrackEntriesPeak", report.conntrackPeak)
      json.object("conntrackCurve") { json in
        json.field("secondsPerPoint", Double(report.conntrackSpan) / 1000)
        json.field("maximum", report.conntrackMaximum)
        json.array("entries", report.conntrackCurve) { json, value in json.number(value) }
      }
      json.field("conversationCount", report.conversationCount)
      json.field("conversationsEvicted", report.evicted)
      json.array("conversations", report.conversations) { json, row in
        json.object { json in
          json.field("protocol", row.proto.description)
          json.field("client", row.client.description)
          json.field("clientPort", Int(row.clientPort))
          json.field("server", row.server.description)
          json.field("serverPort", Int(row.serverPort))
          if let name = report.names[row.client] { json.field("clientObject", name) }
          if let name = report.names[row.server] { json.field("serverObject", name) }
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
      json.array("paths", report.paths) { json, row in
        json.object { json in
          json.field("source", row.source.description)
          json.field("destination", row.destination.description)
          json.field("tunnel", row.tunnel)
          json.field("packets", row.packets)
          json.field("announcedMTU", row.announced)
          json.field("largestFragment", row.fragment)
          json.field("largestDelivered", row.delivered)
          json.field("smallestLost", row.lost)
        }
      }
      json.array("hosts", report.hosts) { json, row in
        json.object { json in
          json.field("address", row.address.description)
          if let name = report.names[row.address] { json.field("object", name) }
          json.field("conversations", row.conversations)
          json.field("packets", row.packets)
          json.field("bytes", row.bytes)
          json.field("retransmissions", row.retransmissions)
        }
      }
      json.array("services", report.services) { json, row in
        json.object { json in
          json.field("protocol", row.proto.description)
          json.field("port", Int(row.port))
          json.field("conversations", row.conversations)
          json.field("packets", row.packets)
          json.field("bytes", row.bytes)
          json.field("unanswered", row.unanswered)
          json.field("resets", row.resets)
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
      ("tcpZeroWindows", c.tcpZeroWindows), ("tcpAckedUnseen", c.tcpAckedUnseen),
      ("offloadedChecksums", c.offloadedChecksums),
      ("duplicateFrames", c.duplicateFrames), ("duplicateRetransmissions", c.duplicateRetransmissions),
      ("undecoded", c.undecoded),
    ]
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
  mutating func field(_ name: StaticString, _ value: Double) {
    key(name)
    number(value)
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
