import Diagnosis
import Input
import Intent
import Snapshot
import Testing

/// Of several nodes, the one that a packet begins its way on is not guessed.
@Suite struct NodeChoiceTests {
  private static func node(_ name: String, _ last: Int) -> Snapshot {
    SnapshotLoader.load(
      [
        SourceFile(
          name: "ip-addr.txt",
          text: """
            2: eth0: <BROADCAST,UP,LOWER_UP> mtu 1500
                inet 192.0.2.\(last)/24 scope global eth0
            3: cni0: <BROADCAST,UP,LOWER_UP> mtu 1450
                inet 10.42.\(last).1/24 scope global cni0

            """),
        SourceFile(
          name: "ip-route.txt",
          text: """
            default via 192.0.2.254 dev eth0
            10.42.\(last).0/24 dev cni0 proto kernel scope link src 10.42.\(last).1
            192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.\(last)

            """),
      ], name: name)
  }

  private static let names = NameResolver(
    ObjectReader.read([
      SourceFile(
        name: "objects.json",
        text: """
          {"kind": "List", "items": [
            {"kind": "Node", "metadata": {"name": "ash"}, "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}},
            {"kind": "Node", "metadata": {"name": "oak"}, "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.3"}]}},
            {"kind": "Pod", "metadata": {"namespace": "shop", "name": "near"}, "spec": {"nodeName": "ash"},
              "status": {"phase": "Running", "podIPs": [{"ip": "10.42.1.9"}]}},
            {"kind": "Pod", "metadata": {"namespace": "shop", "name": "far"}, "spec": {"nodeName": "oak"},
              "status": {"phase": "Running", "podIPs": [{"ip": "10.42.3.9"}]}}]}
          """)
    ]))

  private static func chosen(from: String?, to: String) -> String {
    switch NodeChoice.choose([node("b", 2), node("a", 1)], from: from, to: to, names) {
    case .node(let snapshot): snapshot.name
    case .unclear(let snapshot): "\(snapshot.name)?"
    case .missing(let sender, let node): "\(sender) on \(node)"
    }
  }

  @Test func bySenderThenByDestination() {
    #expect(Self.chosen(from: "pod/shop/near", to: "10.96.0.1:443") == "a")
    #expect(Self.chosen(from: "10.42.2.77", to: "10.96.0.1:443") == "b")
    #expect(Self.chosen(from: "192.0.2.1", to: "10.96.0.1:443") == "a")
    #expect(Self.chosen(from: "outside", to: "192.0.2.2:30080") == "b")
    #expect(Self.chosen(from: "198.51.100.9", to: "192.0.2.1:30080") == "a")
  }

  @Test func aNodeThatIsNotThereIsNamed() {
    #expect(Self.chosen(from: "pod/shop/far", to: "10.96.0.1:443") == "shop/far on oak")
  }

  @Test func whatNothingTellsIsSaid() { #expect(Self.chosen(from: "local", to: "10.96.0.1:443") == "b?") }
}
