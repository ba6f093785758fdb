import Ruleset
import Snapshot
import Testing
import Wire

@testable import PacketPath

/// IPVS takes packets at INPUT and OUTPUT, and sends them on by OUTPUT and POSTROUTING: what ip_vs_core.c and
/// ip_vs_xmit.c say, and no rule dump shows.
@Suite struct VirtualServerTests {
  static let rules = """
    *nat
    :PREROUTING ACCEPT [0:0]
    :INPUT ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    :POSTROUTING ACCEPT [0:0]
    -A PREROUTING ! -s 10.244.0.0/16 -j MARK --set-xmark 0x4000/0x4000
    -A OUTPUT -d 10.96.0.10/32 -j MARK --set-xmark 0x4000/0x4000
    -A POSTROUTING -m set --match-set KUBE-LOOP-BACK dst,dst,src -j MASQUERADE
    -A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
    COMMIT
    *filter
    :INPUT ACCEPT [0:0]
    :FORWARD DROP [0:0]
    :OUTPUT ACCEPT [0:0]
    -A INPUT -s 198.51.100.66/32 -j DROP
    -A OUTPUT -d 10.244.1.66/32 -j DROP
    COMMIT
    """
  static let addresses = """
    9: kube-ipvs0: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default
        link/ether 02:00:00:00:00:09 brd ff:ff:ff:ff:ff:ff
        inet 10.96.0.10/32 scope global kube-ipvs0
    """
  static let route = "local 10.96.0.10 dev kube-ipvs0 table local proto kernel scope host src 10.96.0.10\n"
  static let sets =
    "create KUBE-LOOP-BACK hash:ip,port,ip family inet hashsize 1024 maxelem 65536\nadd KUBE-LOOP-BACK 10.244.1.7,tcp:8080,10.244.1.7\n"

  static func load(_ table: String?, rules: String = rules, sysctl: String = "net.ipv4.vs.conntrack = 1\n") -> Snapshot
  {
    var extra = [
      ("ip-addr-2.txt", addresses), ("ip-route-2.txt", route), ("ipset.txt", sets), ("sysctl-2.txt", sysctl),
    ]
    if let table { extra.append(("ipvsadm.txt", table)) }
    return node(rules, extra: extra)
  }

  static func outcomes(
    _ table: String?, from source: String, by interface: String, sysctl: String = "net.ipv4.vs.conntrack = 1\n",
    flags: UInt8? = nil
  ) -> [Outcome] {
    var request = flow(source, "10.96.0.10", 80, from: interface)
    request.tcpFlags = flags
    return PathTracer(load(table, sysctl: sysctl)).trace(request).outcomes
  }

  static let two =
    "-A -t 10.96.0.10:80 -s rr\n-a -t 10.96.0.10:80 -r 10.244.1.7:8080 -m -w 1\n-a -t 10.96.0.10:80 -r 10.244.1.8:8080 -m -w 1\n"

  @Test func realServersTakeTurnsAndForwardIsNotPassed() {
    let outcomes = Self.outcomes(Self.two, from: "10.244.1.9", by: "cni0")
    #expect(outcomes.map(\.verdict) == [.forward, .forward])
    #expect(outcomes.map(\.probability) == [0.5, 0.5])
    #expect(Set(outcomes.map { "\($0.destination):\($0.destinationPort)" }) == ["10.244.1.7:8080", "10.244.1.8:8080"])
    #expect(
      outcomes.allSatisfy {
        $0.assumptions.isEmpty && $0.source == IPAddress("10.244.1.9") && $0.outInterface == "cni0"
      })
    var hooks: [Hook] = []
    for step in outcomes[0].steps where hooks.last != step.hook { hooks.append(step.hook) }
    #expect(hooks == [.prerouting, .input, .output, .postrouting])
  }

  @Test func inputStandsBeforeIPVSAndOutputBehindIt() {
    #expect(Self.outcomes(Self.two, from: "198.51.100.66", by: "eth0").map(\.verdict) == [.drop])
    let table = Self.two + "-a -t 10.96.0.10:80 -r 10.244.1.66:8080 -m -w 2\n"
    let outcomes = Self.outcomes(table, from: "10.244.1.9", by: "cni0")
    #expect(outcomes.first { $0.destination == IPAddress("10.244.1.66") }?.verdict == .drop)
    #expect(outcomes.count { $0.verdict == .forward } == 2)
  }

  @Test func masqueradingNeedsConntrackOfIPVS() {
    let kept = Self.outcomes(Self.two, from: "198.51.100.7", by: "eth0", sysctl: "net.ipv4.vs.conntrack = 0\n")
    #expect(kept.allSatisfy { $0.source == IPAddress("198.51.100.7") && $0.sourceRule == nil })
    let rewritten = Self.outcomes(Self.two, from: "198.51.100.7", by: "eth0")
    #expect(rewritten.allSatisfy { $0.source == IPAddress("10.244.1.1") && $0.assumptions.isEmpty })
    let unknown = Self.outcomes(Self.two, from: "198.51.100.7", by: "eth0", sysctl: "")
    #expect(unknown.allSatisfy { $0.assumptions.contains { $0.hasPrefix("net.ipv4.vs.conntrack is 1") } })
  }

  @Test func aPodThatReachesItselfIsMasqueraded() {
    let outcomes = Self.outcomes(Self.two, from: "10.244.1.7", by: "cni0")
    #expect(outcomes.first { $0.destination == IPAddress("10.244.1.7") }?.source == IPAddress("10.244.1.1"))
    #expect(outcomes.first { $0.destination == IPAddress("10.244.1.8") }?.source == IPAddress("10.244.1.7"))
  }

  @Test func theNodeDialsWithTheVirtualAddressAndIsMasqueraded() {
    let tracer = PathTracer(Self.load(Self.two))
    let source = tracer.sourceAddress(to: IPAddress("10.96.0.10")!)!
    #expect(source == IPAddress("10.96.0.10"))
    let outcomes = tracer.trace(flow("\(source)", "10.96.0.10", 80, from: Flow.local)).outcomes
    #expect(outcomes.map(\.verdict) == [.forward, .forward])
    #expect(outcomes.allSatisfy { $0.source == IPAddress("10.244.1.1") })
  }

  /// A dump is written by strangers: memory stays bounded, and what is left out is counted.
  @Test func realServersWithoutEndAreCut() {
    let count = Engine.maximumRealServers + 10
    var server = VirtualServer(ipProtocol: 6, address: IPAddress("10.96.0.10")!, port: 80, scheduler: "rr")
    server.realServers = (0..<count).map {
      VirtualServer.RealServer(address: IPAddress(v4: 0x0AF4_0000 + UInt32($0)), port: 8080)
    }
    var scheduling = Scheduling(server)
    #expect(scheduling.choices.count == count)
    scheduling.keep(Engine.maximumRealServers)
    #expect(scheduling.choices.count == Engine.maximumRealServers)
    #expect(abs(scheduling.choices.reduce(0) { $0 + $1.share } - 1) < 1e-9)
  }

  @Test func weightZeroGetsNothing() {
    let one = Self.two.replacing("10.244.1.8:8080 -m -w 1", with: "10.244.1.8:8080 -m -w 0")
    #expect(Self.outcomes(one, from: "10.244.1.9", by: "cni0").map(\.destination) == [IPAddress("10.244.1.7")!])
    let none = Self.two.replacing("-w 1", with: "-w 0")
    let outcomes = Self.outcomes(none, from: "10.244.1.9", by: "cni0")
    #expect(outcomes.map(\.verdict) == [.reject])
    #expect(outcomes.first?.rejectWith == "icmp-port-unreachable")
    #expect(outcomes.first?.isTranslated == false)
  }

  @Test(arguments: [
    ("rr", [0.5, 0.5], true), ("wrr", [0.75, 0.25], true), ("fo", [1], true), ("lc", [0.5, 0.5], false),
    ("wlc", [0.75, 0.25], false), ("sh", [0.75, 0.25], false), ("mh", [0.75, 0.25], false), ("dh", [0.5, 0.5], false),
    ("nq", [0.75, 0.25], false), ("unheard-of", [0.75, 0.25], false),
  ]) func schedulers(_ name: String, _ shares: [Double], _ isExact: Bool) {
    let table = Self.two.replacing("-s rr", with: "-s \(name)").replacing(
      "10.244.1.7:8080 -m -w 1", with: "10.244.1.7:8080 -m -w 3")
    let outcomes = Self.outcomes(table, from: "10.244.1.9", by: "cni0")
    #expect(outcomes.map(\.probability) == shares)
    #expect(outcomes.allSatisfy { $0.assumptions.isEmpty == isExact })
  }

  @Test func sourceHashingRefusesWhatAServerOfWeightZeroWouldGet() {
    let table = Self.two.replacing("-s rr", with: "-s sh").replacing(
      "10.244.1.7:8080 -m -w 1", with: "10.244.1.7:8080 -m -w 0")
    #expect(Set(Self.outcomes(table, from: "10.244.1.9", by: "cni0").map(\.verdict)) == [.forward, .reject])
    let fallback = table.replacing("-s sh", with: "-s sh -b sh-fallback")
    #expect(Self.outcomes(fallback, from: "10.244.1.9", by: "cni0").map(\.verdict) == [.forward])
  }

  @Test func persistenceKeepsAnEarlierChoice() {
    let table = Self.two.replacing("-s rr", with: "-s rr -p 10800")
    let outcomes = Self.outcomes(table, from: "10.244.1.9", by: "cni0")
    #expect(outcomes.count == 2)
    #expect(outcomes.allSatisfy { $0.assumptions.contains { $0.contains("10800 s") } })
  }

  @Test func directRoutingLeavesTheAddress() {
    let table = "-A -t 10.96.0.10:80 -s rr\n-a -t 10.96.0.10:80 -r 192.0.2.33:80 -g -w 1\n"
    let outcome = Self.outcomes(table, from: "10.244.1.9", by: "cni0")[0]
    #expect(outcome.verdict == .forward)
    #expect(outcome.destination == IPAddress("10.96.0.10"))
    #expect(outcome.outInterface == "eth0")
    #expect(outcome.gateway == IPAddress("192.0.2.33"))
    #expect(outcome.isTranslated)
  }

  @Test func aRealServerOnTheNodeIsDelivered() {
    let table = "-A -t 10.96.0.10:80 -s rr\n-a -t 10.96.0.10:80 -r 192.0.2.10:9000 -m -w 1\n"
    let outcome = Self.outcomes(table, from: "10.244.1.9", by: "cni0")[0]
    #expect(outcome.verdict == .deliver)
    #expect(outcome.destination == IPAddress("192.0.2.10"))
    #expect(outcome.destinationPort == 9000)
    let own = Self.outcomes(table, from: "10.96.0.10", by: Flow.local)[0]
    #expect(own.verdict == .deliver)
    #expect(own.destination == IPAddress("192.0.2.10"))
  }

  @Test func aMarkNamesAVirtualServerToo() {
    let rules =
      Self.rules + "\n*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 80 -j MARK --set-mark 7\nCOMMIT\n"
    let snapshot = Self.load("-A -f 7 -s rr\n-a -f 7 -r 10.244.1.8:0 -m -w 1\n", rules: rules)
    let outcomes = PathTracer(snapshot).trace(flow("10.244.1.9", "10.96.0.10", 80, from: "cni0")).outcomes
    #expect(outcomes.map(\.destination) == [IPAddress("10.244.1.8")!])
    #expect(outcomes.map(\.destinationPort) == [80])
  }

  @Test func onlyAFirstPacketIsScheduled() {
    #expect(Self.outcomes(Self.two, from: "10.244.1.9", by: "cni0", flags: 16).map(\.verdict) == [.deliver])
    let other = PathTracer(Self.load(Self.two)).trace(flow("10.244.1.9", "10.96.0.10", 81, from: "cni0")).outcomes
    #expect(other.map(\.verdict) == [.deliver])
    #expect(other.allSatisfy { $0.assumptions.isEmpty })
  }

  @Test(arguments: [
    ("--ipvs", true), ("! --ipvs", false), ("--vaddr 10.96.0.10 --vproto tcp --vport 80", true),
    ("--vaddr 10.96.0.0/16", true), ("! --vaddr 10.96.0.10", false), ("--vport 81", false), ("! --vport 81", true),
    ("--vmethod MASQ", true), ("--vmethod GATE", false), ("--vdir ORIGINAL", true), ("--vdir REPLY", false),
    ("--vproto 17", false), ("--vportctl 21", false),
  ]) func rulesAskWhatIPVSDid(_ match: String, _ holds: Bool) {
    let rules = Self.rules.replacing("-A OUTPUT -d 10.244.1.66/32 -j DROP", with: "-A OUTPUT -m ipvs \(match) -j DROP")
    let tracer = PathTracer(Self.load(Self.two, rules: rules))
    let taken = tracer.trace(flow("10.244.1.9", "10.96.0.10", 80, from: "cni0")).outcomes
    #expect(taken.allSatisfy { ($0.verdict == .drop) == holds && $0.assumptions.isEmpty })
    // A packet that IPVS did not take has none of it, inverted or not, but for the bare property.
    let other = tracer.trace(flow("192.0.2.10", "198.51.100.7", 80, from: Flow.local)).outcomes
    #expect(other.map(\.verdict) == [match == "! --ipvs" ? .drop : .forward])
  }

  @Test func withoutTheTableNothingIsClaimed() {
    let outcomes = Self.outcomes(nil, from: "10.244.1.9", by: "cni0")
    #expect(outcomes.map(\.verdict) == [.deliver])
    #expect(outcomes.first?.assumptions.contains { $0.contains("not in the snapshot") } == true)
  }
}
