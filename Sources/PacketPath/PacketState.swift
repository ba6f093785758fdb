import Ruleset
import Wire

/// The packet and its surroundings at one point of the walk; copied where the walk forks.
struct PacketState {
  /// Takes note of what is read of the flow's own source; belongs to the engine.
  var inspection: UnsafeMutablePointer<SourceInspection>
  var version: IPVersion
  var ipProtocol: UInt8
  /// As it stands; who decides something by it reads `source`, which takes note.
  private(set) var rawSource: Bits128
  var destination: Bits128
  private(set) var rawSourcePort: UInt16
  var destinationPort: UInt16
  /// Nothing has replaced the flow's own.
  private(set) var sourceIsFlows = true
  private(set) var sourcePortIsFlows = true
  /// Source NAT was done without a fixed port: the port that leaves may be another.
  var sourcePortOpen = false
  /// … and it is drawn at random: rules behind cannot know it.
  var sourcePortRandom = false
  var timeToLive: UInt8? = nil
  /// Assumptions made before this one are of an earlier hop limit.
  var timeToLiveChanged: Int32 = 0
  /// As many assumptions had been made when a rule last changed an ipset that one of them is about.
  var setsChanged: Int32 = 0
  var typeOfService: UInt8 = 0
  /// Which bits of it are known.
  var typeOfServiceKnown: UInt8 = 0
  var length: UInt32?
  var tcpFlags: UInt8
  var icmpTypeAndCode: UInt16?
  var mark: UInt32
  var userID: UInt32?
  var groupID: UInt32?
  var sourceMAC: Bits128?

  var hook: Hook = .prerouting
  /// Names; zero: none.
  var input = Bits128.zero
  var output = Bits128.zero
  /// The output interface is not known (no routes in the snapshot).
  var outputUnknown = false
  /// Comes from a socket of this node.
  var hasSocket = false

  // Connection tracking.
  var tracking = Tracking.notYet
  var connectionMark: UInt32 = 0
  var status: UInt32 = 0
  var zone: UInt16 = 0
  var destinationBound = false
  var sourceBound = false
  private(set) var rawOriginalSource = Bits128.zero
  var originalDestination = Bits128.zero
  private(set) var rawOriginalSourcePort: UInt16 = 0
  private var originalSourceIsFlows = false
  private var originalSourcePortIsFlows = false
  var originalDestinationPort: UInt16 = 0
  var destinationRule: UInt32 = .max
  var sourceRule: UInt32 = .max

  /// The device that the last routing decision leads to; `output` is what the current hook shows.
  var routedOutput = Bits128.zero
  /// Passes a bridge from port to port without being routed.
  var bridged = false
  /// What a bridge knows of it; names of ports are zero where there is none, or none is known.
  var frame = Frame()
  /// The last routing decision was to deliver here.
  var routedLocally = false

  /// The virtual server of IPVS that took the packet, and its real server; -1: none has.
  var virtualServer: Int32 = -1
  var realServer: Int32 = -1
  /// The device by which a packet came that IPVS sends on: POSTROUTING shows it again.
  var arrival = Bits128.zero

  // The last routing decision.
  var route: Int32 = -1
  var nextHop: Int32 = -1
  var routeKnown = true

  /// A packet as a bridge sees it.
  struct Frame {
    /// The bridge that it came by; zero: it did not come by one.
    var bridge = Bits128.zero
    var inputPort = Bits128.zero
    var outputPort = Bits128.zero
    /// It is addressed to another host behind the bridge, not to the bridge itself.
    var isForOther = false
    /// It was, before a translation.
    var cameForOther = false
    /// The bridge shows it to the hooks of IP (br_netfilter), with the port that it came by.
    var isShown = false
    /// PREROUTING ran on the bridge, and does not run again where IP receives the packet.
    var passedPrerouting = false
    /// Where it was going when it came.
    var destination = Bits128.zero
  }

  /// Whose hooks see the packet now.
  enum Layer: UInt8 { case ip, bridge, device }
  var layer = Layer.ip
  /// The input interface of the present hook is a port that is not known.
  var inputUnknown = false
  var destinationMAC: Bits128?

  enum Tracking: UInt8 {
    /// Before the tracking hook: state INVALID, no entry.
    case notYet
    case new
    /// A reply: the entry of `Engine.connection`, in its other direction.
    case established
    /// The same entry in its own direction, once a reply was seen, and before.
    case further, again
    case related
    case invalid
    case untracked
    /// A template is attached (CT --zone in raw): no connection yet, state NEW.
    case template
  }

  init(_ flow: Flow, _ inspection: UnsafeMutablePointer<SourceInspection>) {
    self.inspection = inspection
    version = flow.version
    ipProtocol = flow.ipProtocol.rawValue
    rawSource = flow.source.bits
    destination = flow.destination.bits
    rawSourcePort = flow.sourcePort
    destinationPort = flow.destinationPort
    length = flow.length
    tcpFlags = flow.tcpFlags ?? 2
    mark = flow.mark ?? 0
    userID = flow.uid
    groupID = flow.gid
    if flow.ipProtocol.isICMP {
      icmpTypeAndCode =
        UInt16(flow.icmpType ?? (flow.version == .v4 ? 8 : 128)) << 8 | UInt16(flow.icmpCode ?? 0)
    }
    hasSocket = flow.isLocal
    if !flow.isLocal { input = Bits128(leftAligned: flow.from.utf8) }
    hook = flow.isLocal ? .output : .ingress
  }

  mutating func replaceSource(_ address: Bits128) {
    rawSource = address
    sourceIsFlows = false
  }

  mutating func replaceSourcePort(_ port: UInt16) {
    rawSourcePort = port
    sourcePortIsFlows = false
  }

  /// The packet is the first of a connection, whose tuple is the packet's.
  mutating func beginConnection() {
    tracking = .new
    rawOriginalSource = rawSource
    originalSourceIsFlows = sourceIsFlows
    rawOriginalSourcePort = rawSourcePort
    originalSourcePortIsFlows = sourcePortIsFlows
    originalDestination = destination
    originalDestinationPort = destinationPort
  }

  var originalSource: Bits128 {
    if originalSourceIsFlows { inspection.pointee.address = .ones }
    return rawOriginalSource
  }

  var originalSourcePort: UInt16 {
    if originalSourcePortIsFlows { inspection.pointee.port = .max }
    return rawOriginalSourcePort
  }

  var hasConnection: Bool {
    switch tracking {
    case .new, .established, .further, .again, .related: true
    case .notYet, .invalid, .untracked, .template: false
    }
  }

  /// An entry was there before the packet: NAT was decided by an earlier one.
  var hasEntry: Bool { hasConnection && tracking != .new }
  var hasPorts: Bool { IPProtocol(rawValue: ipProtocol).hasPorts }

  /// In bits of ConnectionState (xt_conntrack.c, nft_ct.c).
  var connectionState: UInt32 {
    switch tracking {
    case .notYet, .invalid: return ConnectionState.invalid
    case .untracked: return ConnectionState.untracked
    case .template: return ConnectionState.new
    case .related: return ConnectionState.related
    case .new, .established, .further, .again:
      let isNew = tracking == .new || tracking == .again
      var state = isNew ? ConnectionState.new : ConnectionState.established
      if status & ConnectionStatus.sourceNAT != 0 { state |= ConnectionState.sourceNAT }
      if status & ConnectionStatus.destinationNAT != 0 { state |= ConnectionState.destinationNAT }
      return state
    }
  }
}

/// Where a fork continues, and what it has gathered.
struct Branch {
  var packet: PacketState
  /// Of `chance`, what is left where each unknown splits in halves: weights that add up to 1 over all branches.
  var probability: Double
  /// What the kernel's random draws on the way here come to; unknown facts take nothing from it.
  var chance = 1.0
  /// Last entry of the step list; -1: none.
  var steps: Int32 = -1
  var stepCount: Int32 = 0
  /// Of the steps so far: branches with equal steps have equal hashes.
  var stepHash: UInt64 = 0
  /// Last entry of the assumption list; -1: none.
  var assumptions: Int32 = -1
  /// Last entry of the list of changed sets; -1: none.
  var setChanges: Int32 = -1

  // Position in the hooks.
  var stage: Stage
  /// Index of the entry in the hook's list, and of the nat chain within the NAT entry.
  var entry: Int32 = 0
  var natChain: Int32 = 0
  var inChain = false
  /// Of a local packet at OUTPUT: what the route type chain compares with at its end.
  var savedMark: UInt32 = 0
  var savedTOS: UInt8 = 0
  var savedSource = Bits128.zero
  var savedDestination = Bits128.zero

  // Position in the chains: the rule to evaluate next, and the callers.
  var chain: UInt32 = 0
  var position: UInt32 = 0
  /// First clause not yet decided, after a fork inside a rule.
  var clause: UInt32 = 0
  var depth: Int32 = 0
  /// The value that a random or hashed expression of the current rule took; -1: not drawn.
  var choice: Int32 = -1
  /// The last of the callers; -1: the base chain runs.
  var caller: Int32 = -1

  /// Goes one of several ways that the kernel draws at random.
  mutating func take(chance share: Double) {
    probability *= share
    chance *= share
  }

  /// On to the next rule: the current one does not match.
  mutating func skipRule() {
    position += 1
    clause = 0
    choice = -1
  }
}

/// The parts of the walk, in the order in which a packet may meet them.
enum Stage: UInt8 {
  case ingress, prerouting, routeInput, input, forward, outputRoute, output, postrouting, egress, loopback
  // On a bridge; the hooks of IP stand in between, where it calls them.
  case portIngress, bridgePrerouting, bridgeTranslated, bridgePreroutingBehind, bridgeDecision, bridgeInput
  case bridgeForward, bridgeForwardBehind, bridgeOutput, bridgePostrouting, portEgress
}
