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
    var text: String
    var filter: String
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
  var text: String { hasPort ? endpointText(address, port) : address.description }
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

extension ConversationView {
  var target: Target { Target(address: record.server, port: record.serverPort, proto: record.key.proto) }
  var isTunnelled: Bool { record.key.scope != 0 }
  var clientPackets: Int { Int(record.packets[Int(record.initiator)]) }
  var serverPackets: Int { Int(record.packets[1 - Int(record.initiator)]) }

  var endpoints: String {
    "\(endpointText(record.client, record.clientPort)) → \(endpointText(record.server, record.serverPort))"
      + (isTunnelled ? " (in \(CaptureAnalyzer.tunnelText(record.key.scope)))" : "")
  }

  /// A Wireshark display filter that shows this conversation.
  var filter: String {
    let ip = record.key.version == 4 ? "ip" : "ipv6"
    let both = "\(ip).addr==\(record.client) && \(ip).addr==\(record.server)"
    switch record.key.proto {
    case 6: return "\(both) && tcp.port==\(record.clientPort) && tcp.port==\(record.serverPort)"
    case 17: return "\(both) && udp.port==\(record.clientPort) && udp.port==\(record.serverPort)"
    default: return both
    }
  }

  /// Neither a SYN-ACK nor a reset came back, and the client never acknowledged one either: the capture does not just
  /// lack a direction.
  var isUnansweredSyn: Bool {
    isTCP && clientHalf.syns > 0 && clientHalf.lastAck == 0 && clientHalf.segments == 0 && server.synAcks == 0
      && server.resets == 0 && serverPackets == 0
  }
}

extension CaptureAnalyzer {
  func evidence(_ frame: FrameReference, _ text: String) -> Finding.Evidence {
    let file = frame.file < summaries.count ? summaries[frame.file].file : nil
    return Finding.Evidence(file: file, frame: frame.exists ? frame.number : nil, text: text)
  }

  func evidence(_ example: Tally<some MixHashable>.Example) -> [Finding.Evidence] {
    let known = example.frames.filter(\.exists)
    guard let first = known.first else { return [evidence(.none, example.text)] }
    let others = known.dropFirst().map { String($0.number) }
    let text =
      others.isEmpty
      ? example.text : "\(example.text) (also frame\(others.count == 1 ? "" : "s") \(others.joined(separator: ", ")))"
    return [evidence(first, text)]
  }

  /// Examples, then one line with a display filter.
  func evidence<Key>(_ entries: [(Key, Tally<Key>.Entry)], filter: String? = nil) -> [Finding.Evidence] {
    var list = entries.flatMap { $0.1.examples.flatMap { evidence($0) } }.prefix(6).map { $0 }
    if let filter = filter ?? entries.first?.1.examples.first?.filter, !filter.isEmpty {
      list.append(Finding.Evidence(text: "Wireshark display filter: \(filter)"))
    }
    return list
  }

  func filterEvidence(_ filter: String) -> Finding.Evidence {
    Finding.Evidence(text: "Wireshark display filter: \(filter)")
  }

  /// Nanoseconds that the capture lasts.
  var duration: Int64 { start <= end ? end &- start : 0 }
}
