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
  var troubles = TroubleTable()
  var fragments = FragmentTable()
  var tunnels = TunnelTable()
  var dns = DNSTable()
  var claims = AddressClaims()
  var conntrack = ConntrackSimulation()
  var icmpEvents: [ICMPEvent] = []
  var serverNames = NameTable()
  var staleCertificates: [StaleCertificate] = []
  var detectors = DetectorSet()
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
    // Three cache lines, see there.
    assert(MemoryLayout<TCPHalf>.stride <= 192 && MemoryLayout<Conversation>.stride <= 192)
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
      c.pointee.duplicates &+= 1
      return true
    }
    tally(c, direction, packetLength: packetLength, ttl: ttl)
    let mtu = c.pointee.announcedMTU[direction]
    if mtu != 0, packetLength > Int(mtu), now &- c.pointee.announcedTime > 50_000_000 {
      c.pointee.oversized &+= 1
      if !c.pointee.oversizedFrame.exists { c.pointee.oversizedFrame = frame }
    }
    return false
  }

  @inline(__always) func tally(
    _ c: UnsafeMutablePointer<Conversation>, _ direction: Int, packetLength: Int, ttl: UInt8
  ) {
    c.pointee.lastTime = now
    c.pointee.lastFrame = frame
    let length = UInt16(truncatingIfNeeded: min(packetLength, 65_535))
    var isFirst = false
    c.pointee.packets.change(direction) {
      isFirst = $0 == 0
      $0 &+= 1
    }
    if isFirst { c.pointee.ttl[direction] = ttl }
    c.pointee.bytes.change(direction) { $0 &+= UInt64(truncatingIfNeeded: packetLength) }
    c.pointee.largest.change(direction) { if length > $0 { $0 = length } }
  }

  @inline(never) mutating func create(_ ends: UnsafeMutablePointer<PacketEnds>, isTCP: Bool) -> Int {
    ends.pointee.complete()
    hasCreated = true
    var record = Conversation(key: ends.pointee.key, time: now, frame: frame)
    record.initiator = UInt8(ends.pointee.direction)
    let victim = conversations.victim()
    var freed: Int32 = -1
    if let victim {
      forgetSighted()
      retire(victim)
      freed = conversations.records.pointer(victim).pointee.tcp
    }
    let index = conversations.insert(record, ends.pointee.hash, replacing: victim)
    if isTCP {
      let at: Int
      if freed >= 0 {
        at = Int(freed)
        shared[at] = TCPShared()
        for half in at * 2...at * 2 + 1 {
          troubles.giveBack(halves.pointer(half))
          halves[half] = TCPHalf(trouble: troubles.none)
        }
      } else {
        at = shared.append(TCPShared())
        _ = halves.append(TCPHalf(trouble: troubles.none))
        _ = halves.append(TCPHalf(trouble: troubles.none))
      }
      conversations.records.pointer(index).pointee.tcp = Int32(at)
    }
    newConnections.add(now)
    return index
  }

  /// Shows a conversation to the detectors for the last time and ends its conntrack entry.
  @inline(never) mutating func retire(_ index: Int) {
    let c = conversations.records.pointer(index)
    if c.pointee.trackedFrom >= 0 { conntrack.add(from: c.pointee.trackedFrom, until: c.pointee.trackedUntil) }
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
    return Self.ordered(doubted(Self.withoutSymptoms(found)))
  }

  /// Enters or renews the conversation's entry in the simulated conntrack table.
  @inline(__always) mutating func track(_ c: UnsafeMutablePointer<Conversation>, timeout seconds: Int) {
    let at = (now &- start) / 1_000_000
    if at > c.pointee.trackedUntil {
      if c.pointee.trackedFrom >= 0 { conntrack.add(from: c.pointee.trackedFrom, until: c.pointee.trackedUntil) }
      c.pointee.trackedFrom = at
    }
    c.pointee.trackedUntil = at &+ Int64(seconds) &* 1000
  }
}
