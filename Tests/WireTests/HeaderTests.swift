import Testing
import Wire

@Suite struct HeaderTests {
  /// 10.0.1.2 → 10.0.2.2, TCP SYN to port 80 with MSS 1460 and window scale 10.
  static let syn: [UInt8] = [
    0x45, 0x00, 0x00, 0x34, 0x1C, 0x46, 0x40, 0x00, 0x40, 0x06, 0x07, 0x7B, 10, 0, 1, 2, 10, 0, 2, 2,
    0xA1, 0x8A, 0x00, 0x50, 0x25, 0xFC, 0xB8, 0x33, 0, 0, 0, 0, 0x80, 0x02, 0xFA, 0xF0, 0, 0, 0, 0,
    0x02, 0x04, 0x05, 0xB4, 0x01, 0x01, 0x04, 0x02, 0x01, 0x03, 0x03, 0x0A,
  ]

  @Test func ipv4AndTCP() {
    Self.syn.withUnsafeBytes { raw in
      let bytes = PacketBytes(raw)
      let ip = IPv4Header(bytes)
      #expect(ip?.headerLength == 20)
      #expect(ip?.totalLength == 52)
      #expect(ip?.dontFragment == true)
      #expect(ip?.isFragment == false)
      #expect(ip?.proto == .tcp)
      #expect(ip?.isChecksumValid == true)
      let tcp = TCPHeader(bytes.dropping(20))
      #expect(tcp?.destinationPort == 80)
      #expect(tcp?.flags == .syn)
      #expect(tcp?.options.maximumSegmentSize == 1460)
      #expect(tcp?.options.windowScalePlusOne == 11)
    }
  }

  @Test func nothingIsReadBehindTheEnd() {
    for length in 0..<Self.syn.count {
      Array(Self.syn[..<length]).withUnsafeBytes { raw in
        let bytes = PacketBytes(raw)
        #expect((IPv4Header(bytes) != nil) == (length >= 20))
        if length >= 20 { #expect((TCPHeader(bytes.dropping(20)) != nil) == (length >= 40)) }
        _ = TCPHeader(bytes)?.options
      }
    }
  }

  @Test func checksumsOfAllLengthsAgreeWithTheDefinition() {
    var state: UInt64 = 7
    let bytes = (0..<200).map { _ -> UInt8 in
      state = state &* 6_364_136_223_846_793_005 &+ 1
      return UInt8(truncatingIfNeeded: state >> 40)
    }
    bytes.withUnsafeBytes { raw in
      for start in 0..<9 {
        for length in 0..<(raw.count - start) {
          var sum: UInt32 = 0
          for at in 0..<length {
            sum += at & 1 == 0 ? UInt32(raw[start + at]) << 8 : UInt32(raw[start + at])
            sum = sum & 0xFFFF + sum >> 16
          }
          sum = sum & 0xFFFF + sum >> 16
          #expect(Checksum.sum(raw.baseAddress! + start, length) == UInt16(sum))
        }
      }
    }
  }

  @Test func fragmentsAndVXLAN() {
    let header: [UInt8] = [8, 0, 0, 0, 0, 0, 42, 0] + [UInt8](repeating: 0, count: 14)
    header.withUnsafeBytes {
      #expect(VXLANHeader(PacketBytes($0))?.identifier == 42)
      #expect(VXLANHeader(PacketBytes($0))?.isPlausible == true)
    }
    // A DNS answer that happens to go to port 8472.
    let dns: [UInt8] = [0x1A, 0x2B, 0x81, 0x80, 0, 1, 0, 1] + [UInt8](repeating: 0, count: 14)
    dns.withUnsafeBytes { #expect(VXLANHeader(PacketBytes($0))?.isPlausible == false) }
    let fragment: [UInt8] = [17, 0, 0x05, 0xA9, 0, 0, 0, 9]
    fragment.withUnsafeBytes {
      let piece = IPv6FragmentHeader(PacketBytes($0))
      #expect(piece?.offset == 1448)
      #expect(piece?.moreFragments == true)
      #expect(piece?.isAtomic == false)
    }
  }

  @Test func geneveOptionsAreCounted() {
    let bytes: [UInt8] = [0x02, 0, 0x65, 0x58, 0, 0, 7, 0] + [UInt8](repeating: 0, count: 8)
    bytes.withUnsafeBytes {
      #expect(GeneveHeader(PacketBytes($0))?.headerLength == 16)
      #expect(GeneveHeader(PacketBytes($0))?.identifier == 7)
    }
    Array(bytes[..<12]).withUnsafeBytes { #expect(GeneveHeader(PacketBytes($0)) == nil) }
  }
}
