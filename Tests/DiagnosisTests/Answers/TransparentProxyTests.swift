import Diagnosis
import Input
import PacketPath
import Snapshot
import Testing
import Wire

/// What a TPROXY rule hands to a proxy of the node is served there.
@Suite struct TransparentProxyTests {
  /// The packet's own address and port say nothing then.
  @Test func whatIsHandedToATransparentProxyIsServedThere() {
    let rules =
      "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i cni0 -p tcp -m tcp --dport 8080 "
      + "-j TPROXY --on-port 15001 --on-ip 127.0.0.1 --tproxy-mark 0x1/0x1\nCOMMIT\n"
    let listening = "tcp LISTEN 0 128 127.0.0.1:15001 0.0.0.0:*\n"
    let routes = AnswerTests.routes + "local default dev lo table 100 scope host\n"
    func judgement(_ sockets: String) -> Judgement {
      var node = AnswerTests.node(rules, sockets: sockets, routes: routes)
      node.snapshot.routingRules =
        SnapshotLoader.load(
          [
            SourceFile(
              name: "ip-rule",
              text: "0:\tfrom all lookup local\n9:\tfrom all fwmark 0x1 lookup 100\n32766:\tfrom all lookup main\n")
          ],
          name: "node-a"
        ).routingRules
      return AnswerTests.judge(node, to: "198.51.100.9", 8080, from: "10.42.1.7", by: "cni0")
    }
    let taken = judgement(listening)
    #expect(taken.answer == .served, "\(taken.why)")
    #expect(taken.why.contains("15001"))
    // Of another protocol, or at another address, it is not the proxy.
    #expect(
      judgement("udp UNCONN 0 0 127.0.0.1:15001 0.0.0.0:*\n" + listening.replacing("127.0.0.1", with: "192.0.2.10"))
        .answer == .dropped)
  }
}
