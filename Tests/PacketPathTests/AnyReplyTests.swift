import Input
import Snapshot
import Testing
import Wire

@testable import PacketPath

/// Replies of all connections at once: where no rule can stop one, none is walked.
@Suite struct AnyReplyTests {
  private static func mayStop(_ rules: String, forward: String = "ACCEPT") -> Bool {
    let text =
      "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD \(forward) [0:0]\n:OUTPUT ACCEPT [0:0]\n:MORE - [0:0]\n\(rules)\nCOMMIT\n"
    let snapshot = SnapshotLoader.load([SourceFile(name: "iptables-save", text: text)], name: "n")
    var engine = Engine(NodeModel(snapshot, indexed: false))
    return engine.mayStopReplies(.v4)
  }

  @Test func establishedConnectionsAreLetThrough() {
    #expect(!Self.mayStop(""))
    #expect(!Self.mayStop("-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", forward: "DROP"))
    #expect(
      !Self.mayStop(
        "-A INPUT ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP\n"
          + "-A FORWARD -m conntrack --ctstate INVALID -j DROP\n-A FORWARD -m conntrack --ctstate NEW -j MORE\n-A MORE -j DROP"
      ))
  }

  /// Many rules that only accept are no reason to give up.
  @Test func rulesThatAcceptStopNothing() {
    let many = (1...2000).map { "-A MORE -p tcp -m tcp --dport \($0) -j ACCEPT" }.joined(separator: "\n")
    #expect(!Self.mayStop("-A INPUT -j MORE\n" + many))
    #expect(Self.mayStop("-A INPUT -j MORE\n" + many + "\n-A MORE -s 192.0.2.0/24 -j DROP"))
  }

  @Test func whatMayStopSomeReplyIsFound() {
    #expect(Self.mayStop("", forward: "DROP"))
    #expect(Self.mayStop("-A FORWARD -d 10.0.0.0/8 -j ACCEPT", forward: "DROP"))
    #expect(Self.mayStop("-A OUTPUT -p udp -j REJECT"))
    #expect(Self.mayStop("-A FORWARD -m conntrack --ctdir REPLY -j DROP"))
    #expect(!Self.mayStop("-A FORWARD -m conntrack --ctdir ORIGINAL -j DROP"))
    #expect(Self.mayStop("-A FORWARD -m conntrack --ctstate SNAT -j DROP"))
    #expect(
      Self.mayStop("-A FORWARD -s 10.0.0.1/32 -j MARK --set-xmark 0x1/0x1\n-A FORWARD -m mark ! --mark 0x1/0x1 -j DROP")
    )
  }
}
