import Diagnosis
import Input
import PacketPath
import Snapshot
import Testing
import Wire

@testable import Report

/// What is shown is what decided: jumps that led to the verdict, none that came back empty-handed.
@Suite struct DecidingStepTests {
  private static let facts = [
    SourceFile(
      name: "addr",
      text:
        "1: lo: <UP>\n    inet 127.0.0.1/8 scope host lo\n2: eth0: <UP>\n    inet 192.0.2.1/24 scope global eth0\n3: cni0: <UP>\n    inet 10.244.0.1/24 scope global cni0\n"
    ),
    SourceFile(
      name: "route",
      text:
        "default via 192.0.2.254 dev eth0\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1\n10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1\nlocal 192.0.2.1 dev eth0 table local proto kernel scope host src 192.0.2.1\nlocal 10.244.0.1 dev cni0 table local proto kernel scope host src 10.244.0.1\n"
    ),
    SourceFile(name: "sysctl", text: "net.ipv4.ip_forward = 1\n"),
  ]

  private static func steps(
    _ rules: String, others: [SourceFile] = [], to destination: String = "10.96.0.9", _ port: UInt16 = 80
  ) throws -> (steps: [DecidingStep], snapshot: Snapshot, trace: Trace, judgement: Judgement) {
    let snapshot = SnapshotLoader.load(facts + others + [SourceFile(name: "rules", text: rules)], name: "a")
    let judge = Judge(PathTracer(snapshot), AnswerFacts(snapshot, names: nil))
    let flow = Flow(
      ipProtocol: .tcp, source: IPAddress("10.244.0.7")!, sourcePort: 40000, destination: IPAddress(destination)!,
      destinationPort: port, from: "cni0")
    let (trace, judgement) = judge.judge(flow)
    let outcome = trace.outcomes[judgement.deciding ?? 0]
    return (DecidingSteps(trace, snapshot.ruleset).steps(of: outcome), snapshot, trace, judgement)
  }

  private static let iptables = """
    *nat
    :PREROUTING ACCEPT [0:0]
    :A - [0:0]
    :B - [0:0]
    :SEP - [0:0]
    -A PREROUTING -j A
    -A PREROUTING -j B
    -A A -s 10.9.9.9/32 -j RETURN
    -A A -d 10.96.0.9/32 -j RETURN
    -A B -d 10.96.0.9/32 -p tcp -m comment --comment "the Service" -m tcp --dport 80 -j SEP
    -A SEP -p tcp -m tcp -j DNAT --to-destination 10.244.0.9:8080
    COMMIT
    *filter
    :FORWARD ACCEPT [0:0]
    :EMPTY - [0:0]
    :GUARD - [0:0]
    -A FORWARD -j EMPTY
    -A FORWARD -j GUARD
    -A GUARD -d 10.244.0.9/32 -j REJECT --reject-with icmp-host-prohibited
    COMMIT

    """

  @Test func jumpsThatReturnedAreLeftOut() throws {
    let (steps, snapshot, _, _) = try Self.steps(Self.iptables)
    let shown = steps.map { "\(StepLabel.chain($0.step, snapshot.ruleset)): \($0.effect)" }
    #expect(
      shown == [
        "nat PREROUTING: jump B", "nat B: jump SEP", "nat SEP: DNAT to 10.244.0.9:8080", "filter FORWARD: jump GUARD",
        "filter GUARD: reject with icmp-host-prohibited",
      ])
    #expect(steps[1].matches == ["ip daddr 10.96.0.9", "tcp dport 80"])
    #expect(steps[0].matches == [])
  }

  @Test func aRejectSaysRejectInTextAndJSON() throws {
    let (_, snapshot, trace, judgement) = try Self.steps(Self.iptables)
    var out = TextBuffer(capacity: 256)
    var writer = TraceJSON(snapshot)
    writer.write(trace, judgement, to: &out)
    let json = String(decoding: out.bytes, as: UTF8.self)
    #expect(json.contains(#""chain":"GUARD","rule":1,"verdict":"reject""#))
    #expect(json.contains(#""effect":"reject with icmp-host-prohibited""#))
    #expect(
      json.contains(#""translations":[{"kind":"dnat","address":"10.244.0.9","port":8080,"table":"nat","chain":"SEP""#))
    #expect(json.contains(#""node":"a""#))
    let text = TraceText(snapshot, style: Style(coloured: false), wide: true).render(trace, judgement)
    #expect(text.contains("* filter GUARD rule 1 (rules:19): reject with icmp-host-prohibited"))
    #expect(text.contains("  filter FORWARD rule 1 (rules:17): jump EMPTY"))
    #expect(text.contains("--to-destination 10.244.0.9:8080"))
  }

  @Test func theElementOfAnNftMap() throws {
    let (steps, _, _, _) = try Self.steps(
      """
      table ip k {
        map ips { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.96.0.8 . tcp . 80 : goto other, 10.96.0.9 . tcp . 80 : goto svc }; }
        chain other { drop
        }
        chain svc { dnat to 10.244.0.9:8080
        }
        chain pre { type nat hook prerouting priority dstnat; policy accept; ip daddr . meta l4proto . th dport vmap @ips
        }
      }

      """)
    #expect(steps.first?.effect == "goto svc")
    #expect(steps.first?.elements.map { [$0.set, $0.text] } == [["@ips", "10.96.0.9 . tcp . 80 : goto svc"]])
  }

  @Test func theElementOfAnIpset() throws {
    let (steps, _, _, _) = try Self.steps(
      "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m set --match-set blocked dst,dst -j DROP\nCOMMIT\n",
      others: [
        SourceFile(
          name: "ipset",
          text:
            "create blocked hash:net,port family inet hashsize 64 maxelem 65536\nadd blocked 203.0.113.0/24,tcp:443\nadd blocked 198.51.100.0/24,tcp:80\n"
        )
      ], to: "198.51.100.7")
    #expect(steps.last?.effect == "drop")
    #expect(steps.last?.elements.map { [$0.set, $0.text] } == [["blocked", "198.51.100.0/24,tcp:80"]])
  }
}
