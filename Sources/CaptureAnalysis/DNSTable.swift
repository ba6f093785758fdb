import Wire

/// One DNS question as one client asked it: same socket, identifier, name and type. One cache line: there are many.
struct DNSQuery {
  /// See `DNSTable.client(of:)`.
  fileprivate(set) var client: UInt32
  /// In the table's list of servers.
  var server: Int32
  var name: Int32
  /// Microseconds from the first time it was asked to the last.
  fileprivate(set) var span: UInt32 = 0
  var clientPort: UInt16
  var type: UInt16
  var identifier: UInt16
  /// How often it was asked again, at most 255 times.
  fileprivate(set) var repeats: UInt8 = 0
  var responseCode: UInt8 = 0xFF
  var firstTime: Int64
  var answerTime: Int64 = -1
  var firstFrame: FrameReference
  var repeatFrame: FrameReference = .none
  var answerFrame: FrameReference = .none

  var lastTime: Int64 { firstTime &+ Int64(span) &* 1000 }

  /// Answered at once, and not by an error of the server.
  var endedWell: Bool {
    answerTime >= 0 && answerTime &- firstTime <= 1_000_000_000 && repeats == 0 && responseCode != 2
      && responseCode != 5
  }
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

/// Queries and answers, by a 64-bit hash of socket pair, identifier, name and type. Those that were answered as they should
/// are forgotten after a while. At `maximum` open or odd transactions new ones are counted and not kept.
struct DNSTable: ~Copyable {
  static let maximum = 1 << 20
  /// No resolver repeats a question later than that.
  private static let memory: Int64 = 30_000_000_000
  /// Those that are kept; forgotten ones among them, which tell nothing, until others take their places.
  private(set) var queries = Paged<DNSQuery>()
  private var index = HashIndex()
  /// Transactions that ended well, in the order of their ends, in a ring.
  private var settled: [Settled] = []
  private var oldest = 0
  private var settledCount = 0
  private var free: [UInt32] = []

  private struct Settled {
    var hash: UInt64
    var time: Int64
    var place: UInt32
    var query: UInt32
  }

  private var total = 0
  private(set) var untracked = 0
  private var answered = 0
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
  /// Questions that came again long after they were answered here: the answer did not arrive. Numbers of `queries`.
  private(set) var askedInVain: Set<Int> = []
  private static let maximumInVain = 4096
  /// By the earlier answer; a resolver waits longer, a copy of the question comes sooner.
  private static let vainAfter: Int64 = 300_000_000
  /// Names that do not exist, and those that do.
  private(set) var missing: [MissingName] = []
  private var missingNumbers: [UInt64: Int] = [:]
  private(set) var existing: Set<Int32> = []
  private static let maximumMissing = 4096

  /// A name that a server said does not exist.
  struct MissingName {
    var name: Int32
    var server: IPAddress
    var client: IPAddress
    var count: Int
    var frame: FrameReference
  }
  private var serverNumbers = KeyTable<IPAddress>()
  /// The server asked last, whom most ask.
  private var latest = (bits: Bits128(high: 0, low: 0), version: UInt8(0), number: -1)
  /// How many questions each server was asked, and how many it answered.
  private(set) var asked: [(questions: Int, answers: Int)] = []
  /// Addresses of IPv6 clients, and places in it that nobody has.
  private var clients: [Bits128] = []
  private var freeClients: [UInt32] = []

  var servers: [IPAddress] { serverNumbers.keys }
  func server(of query: DNSQuery) -> IPAddress { serverNumbers.keys[Int(query.server)] }
  func client(of query: DNSQuery) -> IPAddress {
    server(of: query).version == .v4 ? IPAddress(v4: query.client) : IPAddress(v6: clients[Int(query.client)])
  }

  /// Where the index has a message of these ends, in either direction: known before the name is read, so that the line
  /// can be on its way.
  @inline(__always) func place(_ addresses: UInt64, _ ports: UInt16, identifier: UInt16) -> UInt32 {
    let key = UInt64(ports) << 16 | UInt64(identifier)
    return HashIndex.place(mix(addresses ^ seed, key ^ 0x9E37_79B9_7F4A_7C15))
  }

  @inline(__always) func line(_ place: UInt32) -> UnsafeRawPointer { index.line(place) }

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
    let nameHash = hashBytes(bytes.base + nameRange.lowerBound, nameRange.count, seed: seed)
    let response = header.isResponse
    let client = response ? m.destination : m.source
    let server = response ? m.source : m.destination
    let clientPort = response ? m.destinationPort : m.sourcePort
    let serverPort = response ? m.sourcePort : m.destinationPort
    let question = nameHash ^ UInt64(header.identifier) << 16 ^ UInt64(type)
    var hash = mix(question ^ client.low, client.high ^ UInt64(clientPort) << 16 ^ UInt64(serverPort))
    hash = mix(hash ^ server.low, server.high ^ UInt64(m.proto) << 40 ^ UInt64(m.scope >> 24))
    hash |= 1
    let place = place(
      client.low ^ client.high ^ server.low ^ server.high, clientPort ^ serverPort, identifier: header.identifier)
    if response {
      let code = Int(header.responseCode)
      responseCodes[code] += 1
      if !codeFrames[code].exists { codeFrames[code] = m.frame }
      if let at = index.find(hash, at: place) {
        let query = queries.pointer(at)
        if code == 3 { miss(query.pointee, client: client, server: server, m) }
        if code == 0, query.pointee.name >= 0 { existing.insert(query.pointee.name) }
        if query.pointee.answerTime < 0 {
          query.pointee.answerTime = m.time
          if m.time >= 0 { answered += 1 }
          asked[Int(query.pointee.server)].answers += 1
          query.pointee.answerFrame = m.frame
          query.pointee.responseCode = UInt8(code)
          if query.pointee.endedWell {
            settle(Settled(hash: hash, time: m.time, place: place, query: UInt32(truncatingIfNeeded: at)))
          }
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
    if let at = index.find(hash, at: place) {
      let query = queries.pointer(at)
      if query.pointee.repeats < .max { query.pointee.repeats += 1 }
      query.pointee.span = UInt32(clamping: (m.time &- query.pointee.firstTime) / 1000)
      if !query.pointee.repeatFrame.exists { query.pointee.repeatFrame = m.frame }
      if query.pointee.answerTime >= 0, m.time &- query.pointee.answerTime > Self.vainAfter,
        askedInVain.count < Self.maximumInVain
      {
        askedInVain.insert(at)
      }
    } else {
      total += 1
      forget(m.time)
      let range = UnsafeRawBufferPointer(start: bytes.base + nameRange.lowerBound, count: nameRange.count)
      guard let server = number(server, m.version), let at = room() else {
        untracked += 1
        return true
      }
      asked[Int(server)].questions += 1
      queries.pointer(at).initialize(
        to: DNSQuery(
          client: keep(client, m.version), server: server, name: names.intern(range, hash: nameHash),
          clientPort: clientPort, type: type, identifier: header.identifier, firstTime: m.time, firstFrame: m.frame))
      index.insert(hash, at, at: place)
    }
    return true
  }

  private mutating func miss(_ query: DNSQuery, client: Bits128, server: Bits128, _ m: Message) {
    guard query.name >= 0 else { return }
    let version: IPVersion = m.version == 4 ? .v4 : .v6
    let key = mix(UInt64(UInt32(bitPattern: query.name)) ^ client.low << 32, client.high ^ 0x9E37_79B9_7F4A_7C15)
    if let at = missingNumbers[key] {
      missing[at].count += 1
    } else if missing.count < Self.maximumMissing {
      missingNumbers[key] = missing.count
      missing.append(
        MissingName(
          name: query.name, server: IPAddress(bits: server, version: version),
          client: IPAddress(bits: client, version: version), count: 1, frame: m.frame))
    }
  }

  /// Where another query can stand.
  private mutating func room() -> Int? {
    if let at = free.popLast() { return Int(at) }
    guard queries.count < Self.maximum else { return nil }
    _ = queries.add()
    return queries.count - 1
  }

  private mutating func settle(_ entry: Settled) {
    if settledCount == settled.count {
      // Unrolled, so that the oldest stands first.
      settled = Array(settled[oldest...] + settled[..<oldest])
      settled += repeatElement(entry, count: max(256, settled.count))
      oldest = 0
    }
    settled[(oldest + settledCount) & (settled.count - 1)] = entry
    settledCount += 1
  }

  /// Makes room of what ended well long ago.
  private mutating func forget(_ now: Int64) {
    while settledCount > 0, settled[oldest].time < now &- Self.memory {
      let entry = settled[oldest]
      oldest = (oldest + 1) & (settled.count - 1)
      settledCount -= 1
      let query = queries.pointer(Int(entry.query))
      guard query.pointee.endedWell else { continue }
      index.remove(entry.hash, at: entry.place)
      free.append(entry.query)
      if server(of: query.pointee).version == .v6 { freeClients.append(query.pointee.client) }
    }
  }

  /// Nil when there are too many.
  private mutating func number(_ server: Bits128, _ version: UInt8) -> Int32? {
    if server != latest.bits || version != latest.version {
      let address = IPAddress(bits: server, version: version == 4 ? .v4 : .v6)
      guard let number = serverNumbers.number(address, limit: Self.maximum) else { return nil }
      if number == asked.count { asked.append((0, 0)) }
      latest = (server, version, number)
    }
    return Int32(latest.number)
  }

  private mutating func keep(_ client: Bits128, _ version: UInt8) -> UInt32 {
    guard version != 4 else { return UInt32(truncatingIfNeeded: client.low) }
    if let at = freeClients.popLast() {
      clients[Int(at)] = client
      return at
    }
    clients.append(client)
    return UInt32(clients.count - 1)
  }

  var unanswered: Int { total - untracked - answered }
}
