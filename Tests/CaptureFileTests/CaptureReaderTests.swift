import CaptureFile
import Testing
import Wire

@Suite struct CaptureReaderTests {
  static func little32(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
  static func big32(_ value: UInt32) -> [UInt8] { little32(value).reversed() }

  static func pcap(magic: UInt32 = 0xA1B2_C3D4, big: Bool = false, records: [(UInt32, UInt32, [UInt8])]) -> [UInt8] {
    let word = big ? big32 : little32
    var out = word(magic) + (big ? [0, 2, 0, 4] : [2, 0, 4, 0]) + word(0) + word(0) + word(65535) + word(1)
    for (seconds, fraction, bytes) in records {
      out += word(seconds) + word(fraction) + word(UInt32(bytes.count)) + word(UInt32(bytes.count + 2)) + bytes
    }
    return out
  }

  static func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
    let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
    let length = little32(UInt32(padded.count + 12))
    return little32(type) + length + padded + length
  }

  static func section() -> [UInt8] {
    block(0x0A0D_0D0A, little32(0x1A2B_3C4D) + [1, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8))
  }

  static func interface(_ linkType: UInt8, snap: UInt32, resolution: UInt8? = nil) -> [UInt8] {
    let options: [UInt8] = resolution.map { [9, 0, 1, 0, $0, 0, 0, 0, 0, 0, 0, 0] } ?? []
    return block(1, [linkType, 0, 0, 0] + little32(snap) + options)
  }

  static func packet(_ interface: UInt32, high: UInt32 = 0, low: UInt32, _ bytes: [UInt8]) -> [UInt8] {
    block(
      6,
      little32(interface) + little32(high) + little32(low) + little32(UInt32(bytes.count))
        + little32(UInt32(bytes.count))
        + bytes)
  }

  static func read(_ bytes: [UInt8]) throws -> (frames: [(Int, Int64, UInt16, Int)], damage: String?) {
    var reader = try CaptureReader.open(stream: MemoryStream(bytes), name: "test")
    var frame = Frame.empty
    var list: [(Int, Int64, UInt16, Int)] = []
    while reader.next(&frame) { list.append((frame.number, frame.time, frame.linkType.rawValue, frame.bytes.count)) }
    return (list, reader.damage?.description)
  }

  @Test(arguments: [(UInt32(0xA1B2_C3D4), Int64(2_000_003_000)), (0xA1B2_3C4D, 2_000_000_003)])
  func bothOrdersAndPrecisions(magic: UInt32, time: Int64) throws {
    for big in [false, true] {
      let result = try Self.read(Self.pcap(magic: magic, big: big, records: [(2, 3, [1, 2, 3])]))
      #expect(result.frames.count == 1)
      #expect(result.frames.first?.1 == time)
      #expect(result.frames.first?.3 == 3)
      #expect(result.damage == nil)
    }
  }

  @Test func interfacesOfDifferentLinkTypesAndResolutions() throws {
    let bytes =
      Self.section() + Self.interface(1, snap: 100) + Self.interface(101, snap: 65535, resolution: 9)
      + Self.packet(0, low: 5, [1, 2, 3, 4, 5]) + Self.packet(1, low: 7, [6])
    let result = try Self.read(bytes)
    #expect(result.frames.map(\.2) == [1, 101])
    #expect(result.frames.map(\.1) == [5000, 7])
    #expect(result.damage == nil)
  }

  /// Wireshark gives journal entries, custom blocks and sysdig's events numbers of frames, name resolution and statistics none.
  @Test(arguments: [(9, 3), (0xBAD, 3), (0x208, 3), (4, 2), (5, 2)] as [(UInt32, Int)])
  func numbersAreWiresharks(type: UInt32, last: Int) throws {
    let other = Self.block(type, [UInt8](repeating: 0, count: 12))
    let bytes =
      Self.section() + Self.interface(1, snap: 0) + Self.packet(0, low: 1, [1]) + other + Self.packet(0, low: 2, [2])
    #expect(try Self.read(bytes).frames.map(\.0) == [1, last])
  }

  @Test func aNewSectionForgetsTheInterfaces() throws {
    let bytes =
      Self.section() + Self.interface(1, snap: 0) + Self.packet(0, low: 1, [1]) + Self.section()
      + Self.packet(0, low: 2, [2])
    let result = try Self.read(bytes)
    #expect(result.frames.count == 1)
    #expect(result.damage?.contains("names interface 0, the section has 0") == true)
  }

  @Test func aCutFileKeepsWhatWasRead() throws {
    let whole = Self.pcap(records: [(1, 0, [1, 2, 3]), (2, 0, [4, 5, 6])])
    for cut in 24..<whole.count {
      let result = try Self.read(Array(whole[..<cut]))
      #expect(result.frames.count == (cut < 43 ? 0 : 1))
      #expect((result.damage == nil) == (cut == 24 || cut == 43))
    }
  }

  @Test func absurdLengthsAreNotBelieved() throws {
    var bytes = Self.pcap(records: [(1, 0, [1, 2, 3])])
    bytes += Self.little32(0) + Self.little32(0) + Self.little32(0xFFFF_FFF0) + Self.little32(0)
    let result = try Self.read(bytes)
    #expect(result.frames.count == 1)
    #expect(result.damage?.contains("byte 43") == true)
    let block = try Self.read(Self.section() + Self.little32(6) + Self.little32(0x7FFF_FFFC) + [0, 0, 0, 0])
    #expect(block.frames.isEmpty)
    #expect(block.damage != nil)
  }

  @Test(arguments: [[], [1, 2], Array("not a capture".utf8), [0xD4, 0xC3, 0xB2, 0xA1, 2, 0]])
  func whatIsNoCaptureIsRefused(bytes: [UInt8]) {
    #expect(throws: CaptureError.self) { _ = try Self.read(bytes) }
  }

  /// Frames of a batch are all good at once, also where the buffer moves between two batches or blocks of other kinds
  /// stand between packets.
  @Test func batchesHoldTheSameFrames() throws {
    let payload = { (number: Int) in (0..<900 + number % 300).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) } }
    let records = (0..<3000).map { (UInt32($0), UInt32(0), payload($0)) }
    var blocks = Self.section() + Self.interface(1, snap: 0)
    for number in 0..<3000 {
      if number % 50 == 7 { blocks += Self.block(5, [0, 0, 0, 0] + [UInt8](repeating: 0, count: 8)) }
      blocks += Self.packet(0, low: UInt32(number), payload(number))
    }
    for bytes in [Self.pcap(records: records), blocks] {
      var reader = try CaptureReader.open(stream: MemoryStream(bytes), name: "test")
      var frames = [Frame](repeating: .empty, count: 16)
      var number = 0
      while true {
        let count = frames.withUnsafeMutableBufferPointer { reader.next($0) }
        guard count > 0 else { break }
        for frame in frames[..<count] {
          #expect(frame.number == number + 1)
          #expect(Array(frame.bytes.buffer) == payload(number))
          number += 1
        }
      }
      #expect(number == 3000)
      #expect(reader.damage == nil)
    }
  }

  @Test func tooManyInterfacesEndTheReading() throws {
    let interface = Self.interface(1, snap: 0)
    var bytes = Self.section()
    for _ in 0...1 << 20 { bytes += interface }
    let result = try Self.read(bytes + Self.packet(0, low: 1, [1]))
    #expect(result.frames.isEmpty)
    #expect(result.damage?.contains("byte \(28 + interface.count << 20)") == true)
  }

  @Test func gzip() throws {
    let compressed = Self.gzipCapture
    let result = try Self.read(compressed)
    #expect(result.frames.count == 1)
    #expect(result.frames.first?.3 == 3)
    #expect(result.damage == nil)
    let cut = try Self.read(Array(compressed[..<(compressed.count - 12)]))
    #expect(cut.damage != nil)
  }

  /// Changes bytes at random places: nothing may crash, and no more frames come out than bytes allow.
  @Test func mutations() throws {
    var state: UInt64 = 42
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let seeds = [
      Self.pcap(records: (0..<8).map { (UInt32($0), 1, [UInt8](repeating: UInt8($0), count: 20)) }),
      Self.section() + Self.interface(1, snap: 100, resolution: 0x86) + Self.interface(0, snap: 0, resolution: 255)
        + Self.packet(0, low: 5, [1, 2, 3, 4, 5]) + Self.packet(1, high: .max, low: .max, [6]),
    ]
    for round in 0..<4000 {
      var bytes = seeds[round % 2]
      for _ in 0...random(6) { bytes[random(bytes.count)] = UInt8(random(256)) }
      if random(4) == 0 { bytes.removeLast(random(bytes.count)) }
      guard let result = try? Self.read(bytes) else { continue }
      #expect(result.frames.count <= bytes.count / 12)
      for frame in result.frames { #expect(frame.1 >= 0) }
    }
  }
}

@Suite struct WiresharkFilterTests {
  /// What libpcap can ask for is asked for; nothing else is guessed.
  @Test(
    arguments: [
      ("tcp.port==80 && ip.addr==10.0.0.1", "tcp port 80 and host 10.0.0.1"),
      ("ip.src == 10.0.0.0/24 or !(udp.dstport eq 53)", "src net 10.0.0.0/24 or not (udp dst port 53)"),
      ("dns", "port 53"),
      ("tcp.flags.syn==1 and tcp.flags.ack==0", "tcp[tcpflags] & tcp-syn != 0 and tcp[tcpflags] & tcp-ack == 0"),
      ("ipv6.addr!=fd00::1", "not (host fd00::1)"), ("http.request.uri contains \"x\"", nil), ("tcp.port==80 &&", nil),
      ("tcp.port==80; rm", nil), ("", nil), ("((tcp)", nil),
    ] as [(String, String?)])
  func translations(filter: String, expression: String?) throws {
    #expect(WiresharkFilter.translated(filter) == expression)
    if let expression { _ = try CaptureFilter(expression) }
  }
}
