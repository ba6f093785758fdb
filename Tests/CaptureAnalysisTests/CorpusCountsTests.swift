import CaptureAnalysis
import CaptureFile
import Foundation
import Testing

/// Compares the counts with tshark's over the shared corpus; skipped where the corpus is not beside the package.
@Suite struct CorpusCountsTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/corpus/captures")
  static let exists = FileManager.default.fileExists(atPath: folder.appendingPathComponent("INDEX.tsv").path)

  /// Files whose counts differ on purpose, and why.
  static let deliberate: [String: String] = [
    "ndpi__fuzz-2021-10-13.pcap": "a record of 524501 bytes is not believed",
    "suricata__bug-6875-01__fuzz.pcap":
      "a record of 1.4 GB is not believed; an IPv4 header with a wrong checksum is counted",
    "pcapng-gen__test102.pcapng": "custom blocks are not packets",
    "pcapng-gen__test202.pcapng": "custom blocks are not packets",
    "pcapng-gen__test202.2.pcapng": "custom blocks are not packets",
    "wireshark__wireguard-ping-tcp-dsb.pcapng": "tshark decrypts WireGuard with keys from the file",
    "tcpdump__bigtcp-ipv6-geneve-ipv4.pcap": "BIG TCP: tshark 4.0 stops at the jumbo length, the packet is walked here",
    "tcpdump__bigtcp-ipv6-geneve-ipv6.pcap": "BIG TCP: tshark 4.0 stops at the jumbo length, the packet is walked here",
    "tcpdump__bigtcp-ipv6-vxlan-ipv4.pcap": "BIG TCP: tshark 4.0 stops at the jumbo length, the packet is walked here",
    "tcpdump__bigtcp-ipv6-vxlan-ipv6.pcap": "BIG TCP: tshark 4.0 stops at the jumbo length, the packet is walked here",
    "tcpdump__ipv6_frag6_negative_len.pcap":
      "a payload length of zero is taken as the rest of the frame, as for BIG TCP",
    "tcpdump__esp_truncated.pcap": "the VXLAN header itself was not captured",
    "pcpp__ip4_bad_fragment.pcap": "the IPv4 header is longer than its packet",
    "ndpi__dnscrypt-v1-and-resolver-pings.pcap": "DNS on port 443, which tshark finds by heuristics",
    "ndpi__fuzz-2006-06-26-2594.pcap": "DNS on other ports than 53, which tshark finds by its conversations",
    "suricata__vxlan-decoder-01__input.pcap": "DNS on other ports than 53, which tshark finds by its conversations",
    "ndpi__anyconnect-vpn.pcap": "a TLS alert alone on port 5223, which tshark does not take for TLS",
    "ndpi__heuristic_tcp_ack_payload.pcap":
      "a TLS alert behind two bytes of padding that the IP length includes; tshark drops the segment as overlapping",
    "ndpi__fuzz-2006-09-29-28586.pcap":
      "tshark 4.0 takes an acknowledgment of unseen data for 2^32 - 1 duplicate ones, so what follows is \"fast\"",
    "k8scka__cn-ngfw.pcap": "VXLAN on a port that its content tells, and tshark does not know",
    "k8scka__eth.pcap": "VXLAN on a port that its content tells, and tshark does not know",
    "zeek__vxlan-overlapping-http-get.pcap": "tshark merges equal addresses of two VNIs, here they stay apart",
  ]

  @Test(.enabled(if: exists)) func counts() throws {
    let table = try String(contentsOf: Self.folder.appendingPathComponent("INDEX.tsv"), encoding: .utf8)
    var lines = table.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
    let header = lines.removeFirst().map(String.init)
    let column = Dictionary(uniqueKeysWithValues: header.enumerated().map { ($0.element, $0.offset) })
    var equal = 0
    var unexplained: [String] = []
    for line in lines where line.count == header.count {
      let file = String(line[column["file"]!])
      var analyzer = CaptureAnalyzer()
      guard
        let captures = try? CaptureSession.run(
          paths: [Self.folder.appendingPathComponent(file).path], filter: nil, analyzer: &analyzer)
      else {
        if line[column["packets"]!] != "0" { unexplained.append("\(file): not read") }
        continue
      }
      _ = analyzer.finish(captures: captures)
      let c = analyzer.counts
      let pairs: [(String, Int)] = [
        ("packets", c.packets), ("ipv4_fragments", c.ipv4Fragments), ("ipv6_fragments", c.ipv6Fragments),
        ("icmp_frag_needed", c.icmpFragmentationNeeded), ("icmpv6_packet_too_big", c.icmpv6PacketTooBig),
        ("vxlan_frames", c.vxlan), ("geneve_frames", c.geneve), ("tcp_syn", c.tcpSyn), ("tcp_rst", c.tcpRst),
        ("tcp_retransmission", c.tcpRetransmissions), ("ipv4_checksum_bad", c.badIPv4HeaderChecksums),
        ("udp_checksum_bad", c.badUDPChecksums), ("tcp_checksum_bad", c.badTCPChecksums),
        ("dns_queries", c.dnsQueries), ("dns_unanswered", c.dnsUnanswered), ("tls_alert_records", c.tlsAlerts),
      ]
      let different = pairs.filter { String($0.1) != line[column[$0.0]!] }
      if different.isEmpty {
        equal += 1
      } else if Self.deliberate[file] == nil {
        unexplained.append(
          "\(file): " + different.map { "\($0.0) \($0.1), tshark \(line[column[$0.0]!])" }.joined(separator: "; "))
      }
    }
    #expect(equal >= lines.count - Self.deliberate.count)
    #expect(unexplained == [])
  }
}
