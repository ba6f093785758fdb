import CaptureFile
import Findings
import Input
import Wire

/// The walk of all frames of one or more captures: `consume` each, then `finish` once. One pass, no frame is kept; all
/// tables are bounded.
public struct CaptureAnalyzer: ~Copyable {
  let options: CaptureOptions
  public internal(set) var counts = CaptureCounts()
  var conversations: ConversationTable
  var halves = Paged<TCPHalf>()
  var shared = Paged<TCPShared>()
  /// TCP states of conversations that went.
  private var spareStates: [Int32] = []
  var troubles = RareRecords(of: TCPTrouble())
  var fragments = FragmentTable()
  var tunnels = TunnelTable()
  var senders = SenderIdentifiers()
  var dns = DNSTable()
  var claims = AddressClaims()
  var questions = AddressQuestions()
  var pings = PingTable()
  var conntrack = ConntrackSimulation()
  var icmpEvents: [ICMPEvent] = []
  var serverNames = NameTable()
  var staleCertificates: [StaleCertificate] = []
  /// By who showed it.
  var misnamedCertificates: [Target: MisnamedCertificate] = [:]
  var detectors = DetectorSet()
  /// Nanoseconds, by `ConntrackLifetime`.
  let lifetimes: UnsafeMutablePointer<Int64>
  /// Stands for the state of conversations that are not TCP.
  let noHalf: UnsafeMutablePointer<TCPHalf>
  var vxlanPorts: VXLANPorts

  // The frame being walked
  var frame: FrameReference = .none
  var now: Int64 = 0
  var linkType = LinkType.ethernet
  var interface: UInt32 = 0
  var notes: FrameNotes = []
  /// The conversation that the innermost packet belongs to.
  var touched: UnsafeMutablePointer<Conversation>?
  /// VXLAN tunnels that nobody has answered in yet, one for each nesting at most.
  let unjudged: UnsafeMutablePointer<UnsafeMutablePointer<Tunnel>>
  var frameUnjudged = 0
  var mayDuplicate = false
  var recent: UnsafeMutablePointer<RecentPacket>
  /// Of the frames of a batch, see `consume(_:)` of a buffer; one more at the end, for packets that nobody looked ahead at.
  let lookahead: UnsafeMutablePointer<PacketEnds>
  /// Whether a conversation was made since the lookahead: what it did not find may be there by now.
  var hasCreated = false
  /// Of the frame being walked.
  var sighted: UnsafeMutablePointer<PacketEnds>
  /// A bad outer checksum that the inner packet may still explain: the sum, and the tunnel.
  var pendingOuterSum: UInt16 = 0
  var pendingTunnel: UnsafeMutablePointer<Tunnel>?

  public internal(set) var start: Int64 = .max
  public internal(set) var end: Int64 = .min
  var newConnections = RateMeter()
  /// Sizes of packets on the outermost layer: the largest that had DF and was no super-frame, to learn the link's MTU.
  var largestPacket = 0
  var packetsOver1500 = 0
  /// IPv4 headers with a wrong checksum that no network card was to fill in.
  var corruptHeaders = 0
  var finished = false
  var summaries: [CaptureSummary] = []

  struct RecentPacket {
    var signature: UInt64
    var time: Int64
    var interface: UInt32
  }
  static let recentCount = 4096
  /// How long after its first sight another interface, or another capture, may show a packet: queues, links and clocks that
  /// differ lie between them. A retransmission after a timeout comes no sooner than 200 ms.
  static let copyWindow: Int64 = 100_000_000
  /// Where interfaces are not told apart.
  static let nearCopyWindow: Int64 = 1_000_000

  public init(options: CaptureOptions = CaptureOptions()) {
    self.options = options
    conversations = ConversationTable(limit: options.maximumConversations)
    noHalf = .allocate(capacity: 1)
    noHalf.initialize(to: TCPHalf(trouble: troubles.none))
    lifetimes = .allocate(capacity: ConntrackLifetime.allCases.count)
    for lifetime in ConntrackLifetime.allCases {
      lifetimes[Int(lifetime.rawValue)] = Int64(options.timeouts[lifetime]) &* 1_000_000_000
    }
    // Cache lines, see there.
    assert(MemoryLayout<TCPHalf>.stride <= 192 && MemoryLayout<Conversation>.stride <= 128)
    assert(MemoryLayout<TCPShared>.stride <= 64)
    recent = .allocate(capacity: Self.recentCount)
    recent.initialize(repeating: RecentPacket(signature: 0, time: 0, interface: 0), count: Self.recentCount)
    lookahead = .allocate(capacity: Self.batch + 1)
    lookahead.initialize(repeating: PacketEnds(), count: Self.batch + 1)
    sighted = lookahead
    unjudged = .allocate(capacity: Self.maximumDepth)
    vxlanPorts = VXLANPorts(options.vxlanPorts)
  }

  deinit {
    noHalf.deallocate()
    lifetimes.deallocate()
    recent.deallocate()
    lookahead.deallocate()
    unjudged.deallocate()
  }

  /// Several captures are read as one: a packet may show in each of them, from the first on.
  public mutating func expectCopies() { mayDuplicate = true }

  @inline(__always) mutating func walk(_ source: UnsafePointer<Frame>) {
    let f = source.pointee
    frame = FrameReference(file: f.file, number: f.number)
    now = f.time
    if now != 0 {
      if now < start { start = now }
      if now > end { end = now }
    }
    if UInt64(f.interface) | UInt64(truncatingIfNeeded: f.file) != 0 || f.linkType != .ethernet || mayDuplicate {
      origin(source)
    }
    notes = []
    if sighted.pointee.transport != nil { straight(f.bytes, sighted) } else { link(f.bytes, f.linkType) }
    if !notes.isEmpty { closeFrame() }
  }

  /// Where a frame comes from, needed only where a packet can come twice.
  @inline(never) private mutating func origin(_ f: UnsafePointer<Frame>) {
    linkType = f.pointee.linkType
    // The same interface of two files is two places: where the packet was seen before, and where after.
    interface = f.pointee.interface &+ UInt32(truncatingIfNeeded: f.pointee.file) << 20
    if f.pointee.interface != 0 || f.pointee.file != 0 || linkType.isLinuxCooked { mayDuplicate = true }
  }

  /// A copy of a packet that another interface or another capture showed a moment before.
  @inline(never) mutating func isDuplicate(_ signature: UInt64) -> Bool {
    let slot = recent + Int(signature & UInt64(Self.recentCount - 1))
    let seen = slot.pointee
    if seen.signature == signature, now >= seen.time {
      let age = now &- seen.time
      if seen.interface != interface {
        if age < Self.copyWindow { return true }
      }
      // SLL of version 1 has no interface; there the time alone decides.
      else if linkType == .linuxCooked, age < Self.nearCopyWindow {
        return true
      }
    }
    slot.pointee = RecentPacket(signature: signature, time: now, interface: interface)
    return false
  }

  // MARK: conversations

  /// The conversation of a packet, made when it is new. `signature` tells copies from packets.
  @inline(__always) mutating func conversation(
    _ ends: UnsafeMutablePointer<PacketEnds>, packetLength: Int, ttl: UInt8, signature: @autoclosure () -> UInt64
  ) -> UnsafeMutablePointer<Conversation> {
    var index = find(ends)
    if index < 0 { index = create(ends, isTCP: false) }
    let c = conversations.records.pointer(index)
    touch(c, direction: ends.pointee.direction, packetLength: packetLength, ttl: ttl, signature: signature())
    return c
  }

  /// Counts a packet in its conversation; true for a copy of one that was counted.
  @discardableResult @inline(__always) mutating func touch(
    _ c: UnsafeMutablePointer<Conversation>, direction: Int, packetLength: Int, ttl: UInt8, isCopy: Bool = false,
    signature: @autoclosure () -> UInt64
  ) -> Bool {
    touched = c
    if isCopy || mayDuplicate && isDuplicate(mix(signature(), UInt64(UInt(bitPattern: c)))) {
      notes.insert(.copy)
      conversations.remarks.own(&c.pointee.remarks).pointee.duplicates &+= 1
      return true
    }
    tally(c, direction, packetLength: packetLength, ttl: ttl)
    if c.pointee.phase.contains(.announced) { compare(packetLength, c.pointee.remarks, direction) }
    return false
  }

  /// With the MTU that was announced.
  @inline(never) private func compare(
    _ packetLength: Int, _ remarks: UnsafeMutablePointer<ConversationRemarks>, _ direction: Int
  ) {
    let mtu = remarks.pointee.announcedMTU[direction]
    guard mtu != 0, packetLength > Int(mtu), now &- remarks.pointee.announcedTime > 50_000_000 else { return }
    remarks.pointee.oversized &+= 1
    if !remarks.pointee.oversizedFrame.exists { remarks.pointee.oversizedFrame = frame }
  }

  @inline(__always) mutating func tally(
    _ c: UnsafeMutablePointer<Conversation>, _ direction: Int, packetLength: Int, ttl: UInt8
  ) {
    if now &- c.pointee.lastTime > lifetimes[Int(c.pointee.lifetime.rawValue)] { lapse(c) }
    c.pointee.lastTime = now
    c.pointee.lastFrame = frame
    let length = UInt16(truncatingIfNeeded: min(packetLength, 65_535))
    var isFirst = false
    c.pointee.packets.change(direction) {
      isFirst = $0 == 0
      $0 &+= 1
    }
    if isFirst { c.pointee.ttl[direction] = ttl }
    c.pointee.count(bytes: packetLength, direction)
    c.pointee.largest.change(direction) { if length > $0 { $0 = length } }
  }

  @inline(never) mutating func create(_ ends: UnsafeMutablePointer<PacketEnds>, isTCP: Bool) -> Int {
    ends.pointee.complete()
    hasCreated = true
    if ends.pointee.key.scope != 0,
      let kind = senders.learn(ends.pointee.key, direction: ends.pointee.direction, time: now, conversations)
    {
      ignoreIdentifiers(of: kind)
      ends.pointee.key.scope &= 0xFF00_0000
      ends.pointee.hash = conversations.hash(ends.pointee.key)
      let known = conversations.find(ends.pointee.key, ends.pointee.hash)
      if known >= 0 { return known }
    }
    let victim = conversations.victim()
    if let victim {
      forgetSighted()
      retire(victim)
      let tcp = conversations.records.pointer(victim).pointee.tcp
      if tcp >= 0 { spareStates.append(tcp) }
    }
    let index = conversations.insert(
      ends.pointee.key, ends.pointee.hash, time: now, frame: frame, replacing: victim)
    if ends.pointee.key.scope != 0 { senders.add(ends.pointee.key, index, seed: conversations.seed) }
    let c = conversations.records.pointer(index)
    c.pointee.initiator = UInt8(truncatingIfNeeded: ends.pointee.direction)
    if isTCP {
      if let spare = spareStates.popLast() {
        renew(spare)
        c.pointee.tcp = spare
      } else {
        c.pointee.tcp = addState()
      }
    }
    newConnections.add(now)
    return index
  }

  private mutating func addState() -> Int32 {
    for _ in 0...1 { halves.add().initialize(to: TCPHalf(trouble: troubles.none)) }
    shared.add().initialize(to: TCPShared())
    return Int32(truncatingIfNeeded: shared.count &- 1)
  }

  /// The state of a conversation that went, as new.
  private mutating func renew(_ state: Int32) {
    shared[Int(state)] = TCPShared()
    for half in Int(state) * 2...Int(state) * 2 + 1 {
      troubles.giveBack(halves.pointer(half).pointee.trouble)
      halves[half] = TCPHalf(trouble: troubles.none)
    }
  }

  /// Shows a conversation to the detectors for the last time and ends its conntrack entry.
  @inline(never) mutating func retire(_ index: Int) {
    let c = conversations.records.pointer(index)
    lapse(c)
    let view = self.view(c)
    detectors.examine(view)
  }

  /// In place: a call would be given a copy of the whole analyzer where it is mutable.
  @inline(__always) func view(_ c: UnsafeMutablePointer<Conversation>) -> ConversationView {
    let tcp = Int(c.pointee.tcp)
    guard tcp >= 0 else { return ConversationView(c, nil, client: noHalf, server: noHalf, now: now) }
    let client = halves.pointer(tcp * 2 + Int(c.pointee.initiator))
    let server = halves.pointer(tcp * 2 + 1 - Int(c.pointee.initiator))
    if client.pointee.stuckCount > 0 { closeRun(client) }
    if server.pointee.stuckCount > 0 { closeRun(server) }
    return ConversationView(c, shared.pointer(tcp), client: client, server: server, now: now)
  }

  /// Ends the analysis: what is still waiting is settled and all conversations are shown to the detectors.
  public mutating func finish(captures: [CaptureSummary] = []) -> [Finding] {
    summaries = captures
    guard !finished else { return [] }
    finished = true
    fragments.finish()
    counts.dnsUnanswered = dns.unanswered
    var index = 0
    while index < conversations.records.count {
      prefetchNeighbours(index)
      retire(index)
      index &+= 1
    }
    var found: [Finding] = []
    for detector in detectors.inOrder {
      var detector = detector
      found += detector.findings(self)
    }
    return Self.ordered(doubted(Self.withoutSymptoms(withoutUnheard(found))))
  }

  /// Ends the conversation's entry in the simulated conntrack table; the packet being walked makes another.
  @inline(never) private mutating func lapse(_ c: UnsafeMutablePointer<Conversation>) {
    if start <= end {
      let lifetime = lifetimes[Int(c.pointee.lifetime.rawValue)] / 1_000_000
      conntrack.add(from: milliseconds(c.pointee.trackedFrom), until: milliseconds(c.pointee.lastTime) &+ lifetime)
    }
    c.pointee.trackedFrom = now
  }

  /// From the capture's start; frames without a time count as there.
  private func milliseconds(_ time: Int64) -> Int64 { (max(time, start) &- start) / 1_000_000 }
}
