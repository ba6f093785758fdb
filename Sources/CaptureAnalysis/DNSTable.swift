import Wire

/// One DNS question as one client asked it: same socket, identifier, name and type.
struct DNSQuery {
  var client: Bits128
  var server: Bits128
  var clientPort: UInt16
  var serverPort: UInt16
  var version: UInt8
  var proto: UInt8
  var type: UInt16
  var identifier: UInt16
  var scope: UInt32
  var firstTime: Int64
  var lastTime: Int64
  var answerTime: Int64 = -1
  var firstFrame: FrameReference
  var repeatFrame: FrameReference = .none
  var answerFrame: FrameReference = .none
  var repeats: UInt16 = 0
  var responseCode: UInt8 = 0xFF
  var name: Int32
  /// ICMP error or answer from a stranger instead.
  var strangerFrame: FrameReference = .none

  var clientAddress: IPAddress { IPAddress(bits: client, version: version == 4 ? .v4 : .v6) }
  var serverAddress: IPAddress { IPAddress(bits: server, version: version == 4 ? .v4 : .v6) }
}

/// An answer to a question that was never seen from this pair of sockets.
struct DNSStranger {
  var client: Bits128
  var clientPort: UInt16
  var server: Bits128
  var version: UInt8
  var identifier: UInt16
  var scope: UInt32
  var frame: FrameReference
  var time: Int64
}

/// Queries and answers, by a 64-bit hash of socket pair, identifier, name and type. At `maximum` transactions new ones
/// are counted and not kept.
struct DNSTable: ~Copyable {
  static let maximum = 1 << 20
  private(set) var queries = Paged<DNSQuery>()
  private var index = HashIndex()
  private(set) var untracked = 0
  private(set) var strangers: [DNSStranger] = []
  private(set) var responseCodes = [Int](repeating: 0, count: 16)
  /// First frames of SERVFAIL (2), NXDOMAIN (3) and REFUSED (5).
  private(set) var codeFrames = [FrameReference](repeating: .none, count: 16)
  /// NXDOMAIN answers for names that a search list made (a cluster domain behind a name that had dots already).
  private(set) var searchExpansions = 0
  private(set) var searchFrame: FrameReference = .none
  private(set) var searchName: Int32 = -1
  private let seed = UInt64.random(in: .min ... .max)
  var names = NameTable()

  struct Message {
    var source: Bits128
    var destination: Bits128
    var sourcePort: UInt16
    var destinationPort: UInt16
    var version: UInt8
    var proto: UInt8
    var scope: UInt32
    var time: Int64
    var frame: FrameReference
  }

  /// Takes a message; says whether it was a query (true), a response (false), or too short (nil).
  mutating func take(_ bytes: PacketBytes, _ m: Message) -> Bool? {
    guard let header = DNSHeader(bytes) else { return nil }
    let nameEnd = header.firstNameEnd
    var type: UInt16 = 0
    if let nameEnd, nameEnd + 2 <= bytes.count { type = bytes.u16(nameEnd) }
    let nameRange = DNSHeader.length..<(nameEnd ?? DNSHeader.length)
    var hash = seed ^ UInt64(header.identifier) << 16 ^ UInt64(type)
    hash = hashBytes(bytes.base + nameRange.lowerBound, nameRange.count, seed: hash)
    let response = header.isResponse
    let client = response ? m.destination : m.source
    let server = response ? m.source : m.destination
    let clientPort = response ? m.destinationPort : m.sourcePort
    let serverPort = response ? m.sourcePort : m.destinationPort
    hash = mix(hash ^ client.low, client.high ^ UInt64(clientPort) << 16 ^ UInt64(serverPort))
    hash = mix(hash ^ server.low, server.high ^ UInt64(m.proto) << 40 ^ UInt64(m.scope))
    hash |= 1
    if response {
      let code = Int(header.responseCode)
      responseCodes[code] += 1
      if !codeFrames[code].exists { codeFrames[code] = m.frame }
      if let at = index.find(hash) {
        let query = queries.pointer(at)
        if query.pointee.answerTime < 0 {
          query.pointee.answerTime = m.time
          query.pointee.answerFrame = m.frame
          query.pointee.responseCode = UInt8(code)
          if code == 3, query.pointee.name >= 0, names.isSearchExpansion(query.pointee.name) {
            searchExpansions += 1
            if !searchFrame.exists {
              searchFrame = m.frame
              searchName = query.pointee.name
            }
          }
        }
      } else if strangers.count < 4096 {
        strangers.append(
          DNSStranger(
            client: client, clientPort: clientPort, server: server, version: m.version, identifier: header.identifier,
            scope: m.scope, frame: m.frame, time: m.time))
      }
      return false
    }
    if let at = index.find(hash) {
      let query = queries.pointer(at)
      query.pointee.repeats &+= 1
      query.pointee.lastTime = m.time
      if !query.pointee.repeatFrame.exists { query.pointee.repeatFrame = m.frame }
    } else if queries.count < Self.maximum {
      let name = names.intern(UnsafeRawBufferPointer(start: bytes.base + nameRange.lowerBound, count: nameRange.count))
      let at = queries.append(
        DNSQuery(
          client: client, server: server, clientPort: clientPort, serverPort: serverPort, version: m.version,
          proto: m.proto, type: type, identifier: header.identifier, scope: m.scope, firstTime: m.time,
          lastTime: m.time, firstFrame: m.frame, name: name))
      index.insert(hash, at)
    } else {
      untracked += 1
    }
    return true
  }

  var unanswered: Int {
    var count = 0
    for at in 0..<queries.count where queries.pointer(at).pointee.answerTime < 0 { count += 1 }
    return count
  }
}

/// Eight bytes a step.
func hashBytes(_ base: UnsafeRawPointer, _ count: Int, seed: UInt64) -> UInt64 {
  var hash = seed ^ UInt64(truncatingIfNeeded: count)
  var at = 0
  while at &+ 8 <= count {
    hash = mix(hash ^ base.loadUnaligned(fromByteOffset: at, as: UInt64.self), 0x9E37_79B9_7F4A_7C15)
    at &+= 8
  }
  var rest: UInt64 = 0
  while at < count {
    rest = rest << 8 | UInt64(base.load(fromByteOffset: at, as: UInt8.self))
    at &+= 1
  }
  return mix(hash ^ rest, 0xC2B2_AE3D_27D4_EB4F)
}

/// 64-bit hashes (never 0) to indices, by open addressing; the hashes themselves are taken for equal keys.
struct HashIndex: ~Copyable {
  private struct Slot {
    var hash: UInt64
    var index: Int
  }
  private var slots: UnsafeMutablePointer<Slot>
  private var mask = (1 << 10) - 1
  private var used = 0

  init() {
    slots = .allocate(capacity: mask + 1)
    slots.initialize(repeating: Slot(hash: 0, index: 0), count: mask + 1)
  }
  deinit { slots.deallocate() }

  func find(_ hash: UInt64) -> Int? {
    var at = Int(truncatingIfNeeded: hash >> 20) & mask
    while slots[at].hash != 0 {
      if slots[at].hash == hash { return slots[at].index }
      at = (at &+ 1) & mask
    }
    return nil
  }

  /// The hash must not be there yet.
  mutating func insert(_ hash: UInt64, _ index: Int) {
    if (used + 1) * 2 > mask {
      let old = slots
      let size = mask + 1
      mask = size * 2 - 1
      slots = .allocate(capacity: mask + 1)
      slots.initialize(repeating: Slot(hash: 0, index: 0), count: mask + 1)
      for at in 0..<size where old[at].hash != 0 { place(old[at]) }
      old.deallocate()
    }
    place(Slot(hash: hash, index: index))
    used += 1
  }

  private func place(_ slot: Slot) {
    var at = Int(truncatingIfNeeded: slot.hash >> 20) & mask
    while slots[at].hash != 0 { at = (at &+ 1) & mask }
    slots[at] = slot
  }
}

/// Names as they stood in packets (DNS wire form or plain), each kept once; bounded in number and length.
struct NameTable: ~Copyable {
  static let maximum = 16_384
  private var index = HashIndex()
  private var names: [[UInt8]] = []
  private var expansions: [Bool] = []

  /// -1 when there is no room.
  mutating func intern(_ bytes: UnsafeRawBufferPointer) -> Int32 {
    guard !bytes.isEmpty, bytes.count <= 255 else { return -1 }
    let hash = hashBytes(bytes.baseAddress.unsafelyUnwrapped, bytes.count, seed: 0) | 1
    if let known = index.find(hash) { return Int32(truncatingIfNeeded: known) }
    guard names.count < Self.maximum else { return -1 }
    names.append(Array(bytes))
    index.insert(hash, names.count - 1)
    expansions.append(looksExpanded(Int32(names.count - 1)))
    return Int32(names.count - 1)
  }

  /// A name in DNS wire form as text, safe to print.
  func domain(_ index: Int32) -> String {
    guard index >= 0, Int(index) < names.count else { return "(name not kept)" }
    let bytes = names[Int(index)]
    var out: [UInt8] = []
    var at = 0
    while at < bytes.count {
      let length = Int(bytes[at])
      guard length > 0, length < 64, at + 1 + length <= bytes.count else { break }
      if !out.isEmpty { out.append(UInt8(ascii: ".")) }
      out.append(contentsOf: bytes[at + 1..<at + 1 + length])
      at += length + 1
    }
    return out.isEmpty ? "." : printable(out)
  }

  /// Plain bytes as text, safe to print.
  func plain(_ index: Int32) -> String {
    index >= 0 && Int(index) < names.count ? printable(names[Int(index)]) : ""
  }

  /// `www.example.com.default.svc.cluster.local`: a cluster suffix behind a name with a dot of its own, more labels than
  /// any Service or Pod name has.
  func isSearchExpansion(_ index: Int32) -> Bool { index >= 0 && expansions[Int(index)] }

  /// Over the labels as they stand, without making text: every new name is asked.
  private func looksExpanded(_ index: Int32) -> Bool {
    names[Int(index)].withUnsafeBufferPointer { bytes in
      var labels = 0
      var service = -1
      var at = 0
      while at < bytes.count {
        let length = Int(bytes[at])
        guard length > 0, length < 64, at + 1 + length <= bytes.count else { break }
        if length == 3, bytes[at + 1] | 0x20 == UInt8(ascii: "s"), bytes[at + 2] | 0x20 == UInt8(ascii: "v"),
          bytes[at + 3] | 0x20 == UInt8(ascii: "c")
        {
          service = labels
        }
        labels += 1
        at += length + 1
      }
      return labels > 3 && service > 2 && labels - service <= 3
    }
  }
}

/// Bytes that came from the wire as text for a terminal or a page: printable ASCII as it is, the rest as `\xNN`.
public func printable(_ bytes: some Sequence<UInt8>) -> String {
  var out: [UInt8] = []
  for byte in bytes {
    if byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\\") {
      out.append(byte)
    } else {
      let digits = Array("0123456789abcdef".utf8)
      out.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    }
  }
  return String(decoding: out, as: UTF8.self)
}
