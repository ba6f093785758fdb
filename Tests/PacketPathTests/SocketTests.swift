import Snapshot
import Testing
import Wire

@testable import PacketPath

@Suite("Matches on sockets and their owners")
struct SocketTests {
  private func verdicts(_ match: String, sockets: String?, port: UInt16 = 6443) -> Set<Outcome.Verdict> {
    let rules = "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m socket\(match) -j DROP\nCOMMIT\n"
    let extra = sockets.map { [("ss.txt", $0)] } ?? []
    let trace = PathTracer(node(rules, extra: extra)).trace(flow("203.0.113.9", "192.0.2.10", port, from: "eth0"))
    return Set(trace.outcomes.map(\.verdict))
  }

  private let listeners = """
    Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port
    tcp   LISTEN 0      128        192.0.2.10:6443       0.0.0.0:*
    tcp   LISTEN 0      128           0.0.0.0:22         0.0.0.0:*
    udp   UNCONN 0      0          192.0.2.10:443        0.0.0.0:*

    """

  @Test("-m socket holds where one listens at the address; one at any address counts with --nowildcard alone")
  func socketMatch() {
    #expect(verdicts("", sockets: listeners) == [.drop])
    #expect(verdicts("", sockets: listeners, port: 22) == [.deliver])
    #expect(verdicts(" --nowildcard", sockets: listeners, port: 22) == [.drop])
    #expect(verdicts("", sockets: listeners, port: 443) == [.deliver])
  }

  @Test("--transparent cannot hold where nothing listens there; where something does, ss does not tell")
  func transparent() {
    #expect(verdicts(" --transparent", sockets: listeners, port: 8080) == [.deliver])
    #expect(verdicts(" --transparent", sockets: listeners) == [.drop, .deliver])
  }

  @Test("Without ss it holds or it does not")
  func withoutSockets() { #expect(verdicts("", sockets: nil) == [.drop, .deliver]) }

  @Test("The owner's group is the flow's, else either the one or the other")
  func group() {
    let rules = "*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -m owner --gid-owner 1337 -j DROP\nCOMMIT\n"
    let tracer = PathTracer(node(rules))
    func verdicts(_ group: UInt32?) -> Set<Outcome.Verdict> {
      var local = flow("192.0.2.10", "203.0.113.9", 80, from: Flow.local)
      local.gid = group
      return Set(tracer.trace(local).outcomes.map(\.verdict))
    }
    #expect(verdicts(1337) == [.drop])
    #expect(verdicts(0) == [.forward])
    #expect(verdicts(nil) == [.drop, .forward])
  }
}
