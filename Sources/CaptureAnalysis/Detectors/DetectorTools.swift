import Findings
import Wire

/// A few examples of something that happens many times, by a key; bounded in keys and in examples.
struct Tally<Key: MixHashable> {
  struct Entry {
    var count = 0
    /// Weight of the worst example, which stands first.
    var examples: [Example] = []
    var clients = KeyTable<IPAddress>()
    var total: Int64 = 0
    var worst: Int64 = .min
  }
  struct Example {
    var frames: [FrameReference]
    private let words: () -> Words

    struct Words {
      var text: String
      var filter: String
    }

    init(frames: [FrameReference], text: String, filter: String) {
      self.frames = frames
      words = { Words(text: text, filter: filter) }
    }

    /// For what happens often: most examples are never shown, so their words are made only when they are. `words` must
    /// hold copies; a conversation's view is gone by then.
    init(frames: [FrameReference], words: @escaping () -> Words) {
      self.frames = frames
      self.words = words
    }

    var text: String { words().text }
    var filter: String { words().filter }
  }

  static var maximumKeys: Int { 2048 }
  static var maximumExamples: Int { 3 }
  private var numbers = KeyTable<Key>()
  private var entries: [Entry] = []
  private(set) var total = 0
  private(set) var unlisted = 0

  var isEmpty: Bool { total == 0 }

  /// `keepFirst`: the first examples stay, however large the amounts of later ones (amounts that only grow would make an
  /// example each time).
  mutating func add(
    _ key: Key, client: IPAddress? = nil, amount: Int64 = 1, keepFirst: Bool = false,
    example: @autoclosure () -> Example
  ) {
    total += 1
    guard let at = numbers.number(key, limit: Self.maximumKeys) else {
      unlisted += 1
      return
    }
    if at == entries.count { entries.append(Entry()) }
    entries[at].count += 1
    entries[at].total &+= amount
    if let client { _ = entries[at].clients.number(client, limit: 1024) }
    if keepFirst {
      entries[at].worst = max(entries[at].worst, amount)
      if entries[at].examples.count < Self.maximumExamples { entries[at].examples.append(example()) }
    } else if amount > entries[at].worst {
      entries[at].worst = amount
      entries[at].examples.insert(example(), at: 0)
      if entries[at].examples.count > Self.maximumExamples { entries[at].examples.removeLast() }
    } else if entries[at].examples.count < Self.maximumExamples {
      entries[at].examples.append(example())
    }
  }

  func entry(_ key: Key) -> Entry? { numbers.find(key).map { entries[$0] } }

  /// The keys that happened most, first; equal ones in the order in which they came.
  func top(_ count: Int) -> [(Key, Entry)] {
    entries.indices.sorted { entries[$0].count != entries[$1].count ? entries[$0].count > entries[$1].count : $0 < $1 }
      .prefix(count).map { (numbers.keys[$0], entries[$0]) }
  }
}

/// The far end of attempts: where they went.
struct Target: Hashable {
  var address: IPAddress
  var port: UInt16
  var proto: UInt8 = 6

  var hasPort: Bool { IPProtocol(rawValue: proto).hasPorts }
  /// How the rules of a node treat it, asked by the first of its clients.
  func traceCommand<Key>(from entry: Tally<Key>.Entry) -> ShellCommand {
    let proto = IPProtocol(rawValue: proto)
    let end = proto == .tcp ? text : "\(text)/\(proto)"
    return "kubepath trace \(end) --from \(entry.clients.keys.first.map(\.description) ?? "CLIENT") -s NODE/"
  }
  /// As tcpdump takes it.
  var captureFilter: String { "host \(address) and port \(port)" }
  var text: String { hasPort ? endpointText(address, port) : address.description }
}

extension Conversation {
  var target: Target { Target(address: server, port: serverPort, proto: proto) }
}

func endpointText(_ address: IPAddress, _ port: UInt16) -> String {
  address.version == .v6 ? "[\(address)]:\(port)" : "\(address):\(port)"
}

func seconds(_ nanoseconds: Int64) -> String {
  let tenths = (nanoseconds + 50_000_000) / 100_000_000
  if nanoseconds < 1_000_000 { return "\(nanoseconds / 1000) µs" }
  if nanoseconds < 1_000_000_000 { return "\(nanoseconds / 1_000_000) ms" }
  return "\(tenths / 10).\(tenths % 10) s"
}

func plural(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// Who talked to whom, to be written later.
struct ConversationEnds {
  var client: IPAddress
  var clientPort: UInt16
  var server: IPAddress
  var serverPort: UInt16
  var proto: UInt8
  var scope: UInt32

  var text: String {
    "\(endpointText(client, clientPort)) → \(endpointText(server, serverPort))"
      + (scope != 0 ? " (in \(CaptureAnalyzer.tunnelText(scope)))" : "")
  }

  /// A Wireshark display filter that shows this conversation.
  var filter: String {
    let ip = client.version == .v4 ? "ip" : "ipv6"
    let both = "\(ip).addr==\(client) && \(ip).addr==\(server)"
    switch proto {
    case 6: return "\(both) && tcp.port==\(clientPort) && tcp.port==\(serverPort)"
    case 17: return "\(both) && udp.port==\(clientPort) && udp.port==\(serverPort)"
    default: return both
    }
  }
}

extension ConversationView {
  var isTunnelled: Bool { record.scope != 0 }
  var clientPackets: Int { Int(record.packets[Int(record.initiator)]) }
  var serverPackets: Int { Int(record.packets[1 - Int(record.initiator)]) }

  var ends: ConversationEnds {
    ConversationEnds(
      client: client, clientPort: record.clientPort, server: target.address, serverPort: target.port,
      proto: record.proto, scope: record.scope)
  }
  var endpoints: String { ends.text }
  var filter: String { ends.filter }

  /// The client answers each SYN-ACK with a reset and says nothing else.
  var isRefusedAnswer: Bool {
    isTCP && clientPointer.pointee.resets > 0 && clientPointer.pointee.segments == 0
      && clientPointer.pointee.lastAck == 0 && serverPointer.pointee.synAcks > 0
  }

  /// SYN-ACKs are sent again and again, and nothing says that the client got one.
  var isAnswerLost: Bool {
    isTCP && serverPointer.pointee.synAcks > 1 && clientPointer.pointee.syns > 0 && clientPointer.pointee.lastAck == 0
      && clientPointer.pointee.segments == 0 && clientPointer.pointee.resets == 0
  }

  /// Acknowledgments that carry nothing else; a filter for flags or payloads leaves them out, and what they tell.
  var hasBareAcknowledgments: Bool {
    var others = record.phase.contains(.fin) ? 2 : 0
    for half in [clientHalf, server] {
      others += Int(half.segments)
      others += Int(half.syns) + Int(half.synAcks) + Int(half.resets)
    }
    return record.totalPackets > others
  }

  /// The SYN was answered, and the client, which asked once, never said anything more.
  var isAbandoned: Bool {
    isTCP && serverPointer.pointee.synAcks > 0 && clientPointer.pointee.syns == 1 && clientPointer.pointee.lastAck == 0
      && clientPointer.pointee.segments == 0 && clientPointer.pointee.resets == 0 && serverPointer.pointee.resets == 0
  }

  /// The server repeats its SYN-ACK although the client acknowledged it, and takes nothing of what the client sends.
  var isUnaccepted: Bool {
    isTCP && both.seen.contains(.synAckRepeated) && !both.seen.contains(.acknowledgmentArrived)
      && clientPointer.pointee.segments > 0 && serverPointer.pointee.segments == 0
      && serverPointer.pointee.lastAck == serverPointer.pointee.synAckAcknowledges
  }

  /// How long nothing has come any more from the side that `half` repeats its last data to, in a connection that worked; nil
  /// where something came, or the segment may just be too large.
  func silence(_ half: TCPHalf, other: TCPHalf) -> Int64? {
    let health = half.health
    guard isTCP, health.worstCount >= 4,
      health.worstLength <= half.largestAcked || health.worstLength < BlackHoleDetector.largeSegment,
      half.largestAcked > 0 || other.segments > 0, other.lastAck != 0, !before(health.worstSequence, other.lastAck),
      other.resets == 0
    else { return nil }
    let silence = record.lastTime &- other.lastAckTime
    return silence > 2_000_000_000 ? silence : nil
  }

  /// The client resets the server's answer at once, from another distance than all that it said before, and without
  /// having hung up: somebody else speaks for it.
  var isResetByStranger: Bool {
    guard isTCP, clientPointer.pointee.resets > 0, clientPointer.pointee.segments > 0, !record.phase.contains(.fin)
    else {
      return false
    }
    let ownTTL = record.ttl[Int(record.initiator)]
    let delay = clientPointer.pointee.health.firstResetTime &- serverPointer.pointee.lastData
    return ownTTL != 0 && clientPointer.pointee.lastTTL != ownTTL && delay >= 0 && delay < 100_000_000
  }

  /// Neither a SYN-ACK nor a reset came back, and the client never acknowledged one either: the capture does not just
  /// lack a direction.
  var isUnansweredSyn: Bool {
    isTCP && clientHalf.syns > 0 && clientHalf.lastAck == 0 && clientHalf.segments == 0 && server.synAcks == 0
      && server.resets == 0 && serverPackets == 0
  }
}

/// A display filter that shows what any of the given ones shows; terms that all of them have stand in front.
func anyOf(_ filters: [String]) -> String {
  let terms = filters.filter { !$0.isEmpty }.map { filter in
    // Of alternatives no term can be taken out.
    filter.contains("||")
      ? ["(\(filter))"] : filter.split(separator: " && ", omittingEmptySubsequences: true).map(String.init)
  }
  guard let first = terms.first else { return "" }
  let common = first.filter { term in terms.allSatisfy { $0.contains(term) } }
  var rests: [String] = []
  for own in terms.map({ $0.filter { !common.contains($0) } }) {
    // All that has the common terms is shown.
    guard !own.isEmpty else { return common.joined(separator: " && ") }
    let rest = own.joined(separator: " && ")
    if !rests.contains(rest) { rests.append(rest) }
  }
  guard rests.count > 1 else { return (common + rests).joined(separator: " && ") }
  let either = rests.map { $0.contains("&&") ? "(\($0))" : $0 }.joined(separator: " || ")
  return common.isEmpty ? either : (common + ["(\(either))"]).joined(separator: " && ")
}

extension CaptureAnalyzer {
  func evidence(_ frame: FrameReference, _ text: String) -> Finding.Evidence {
    let file = frame.file < summaries.count ? summaries[frame.file].file : nil
    return Finding.Evidence(file: file, frame: frame.exists ? frame.number : nil, text: text)
  }

  func evidence(_ example: Tally<some MixHashable>.Example) -> [Finding.Evidence] {
    let known = example.frames.filter(\.exists)
    guard let first = known.first else { return [evidence(.none, example.text)] }
    let others = known.dropFirst().map { frame in
      frame.file != first.file && frame.file < summaries.count
        ? "\(frame.number) of \(summaries[frame.file].file)" : String(frame.number)
    }
    let text =
      others.isEmpty
      ? example.text : "\(example.text) (also frame\(others.count == 1 ? "" : "s") \(others.joined(separator: ", ")))"
    return [evidence(first, text)]
  }

  /// Examples, then one line with a display filter that shows them.
  func evidence<Key>(_ entries: [(Key, Tally<Key>.Entry)], filter: String? = nil) -> [Finding.Evidence] {
    let examples = entries.flatMap(\.1.examples).prefix(6)
    var list = examples.flatMap { evidence($0) }
    let filter = filter ?? anyOf(examples.map(\.filter))
    if !filter.isEmpty { list.append(filterEvidence(filter)) }
    return list
  }

  func filterEvidence(_ filter: String) -> Finding.Evidence {
    .filter(filter)
  }

  /// Nanoseconds that the capture lasts.
  var duration: Int64 { start <= end ? end &- start : 0 }
}
