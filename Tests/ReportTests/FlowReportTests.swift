import Diagnosis
import Input
import Intent
import PacketPath
import Report
import Snapshot
import Testing
import Wire

/// Rules that look at a flow's source in every way that decides something.
private let rules = """
  *raw
  :PREROUTING ACCEPT [0:0]
  :OUTPUT ACCEPT [0:0]
  -A PREROUTING -s 10.244.7.0/24 -p udp -j NOTRACK
  COMMIT
  *mangle
  :PREROUTING ACCEPT [0:0]
  :INPUT ACCEPT [0:0]
  :FORWARD ACCEPT [0:0]
  :OUTPUT ACCEPT [0:0]
  :POSTROUTING ACCEPT [0:0]
  -A PREROUTING -d 10.96.0.12/32 -m iprange --src-range 10.244.3.9-10.244.4.77 -j MARK --set-xmark 0x7/0xff
  -A PREROUTING -d 10.96.0.11/32 -p tcp -m multiport --sports 1000:1999,2048 -j MARK --set-xmark 0x100/0x100
  COMMIT
  *nat
  :PREROUTING ACCEPT [0:0]
  :INPUT ACCEPT [0:0]
  :OUTPUT ACCEPT [0:0]
  :POSTROUTING ACCEPT [0:0]
  :SVC - [0:0]
  :SEP-A - [0:0]
  :SEP-B - [0:0]
  :MARK - [0:0]
  -A PREROUTING -d 10.96.0.10/32 -p tcp -m comment --comment "shop/cart:http cluster IP" -m tcp --dport 80 -j SVC
  -A PREROUTING -d 10.96.0.11/32 -m addrtype --src-type LOCAL -j DNAT --to-destination 10.244.9.6
  -A PREROUTING -d 10.96.0.12/32 -j DNAT --to-destination 10.244.9.1-10.244.9.7
  -A MARK -j MARK --set-xmark 0x4000/0x4000
  -A SVC ! -s 10.244.0.0/16 -j MARK
  -A SVC -m statistic --mode random --probability 0.50000000000 -j SEP-A
  -A SVC -j SEP-B
  -A SEP-A -s 10.244.1.5/32 -j MARK
  -A SEP-A -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080
  -A SEP-B -s 10.244.9.6/32 -j MARK
  -A SEP-B -p tcp -m tcp -j DNAT --to-destination 10.244.9.6:8080
  -A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
  -A POSTROUTING -s 10.244.2.0/23 -p tcp -j SNAT --to-source 192.0.2.10:3000-4000
  -A POSTROUTING -s 10.244.6.0/24 -j NETMAP --to 198.51.100.0/24
  COMMIT
  *filter
  :INPUT ACCEPT [0:0]
  :FORWARD ACCEPT [0:0]
  :OUTPUT ACCEPT [0:0]
  -A FORWARD -p udp -m udp --sport 53 -j DROP
  -A FORWARD -s 10.244.5.0/25 -j REJECT --reject-with icmp-port-unreachable
  -A FORWARD -s 10.244.8.1/32 -m recent --rcheck --name seen --rsource -j DROP
  -A FORWARD -m set --match-set blocked src,dst -j DROP
  COMMIT

  """

private func node(reversePathFilter: Int?) -> Snapshot {
  var files = [
    ("iptables-save.txt", rules),
    ("ipset.txt", "create blocked hash:net,port family inet\nadd blocked 10.244.4.0/28,tcp:8080\n"),
    (
      "ip-addr.txt",
      "2: eth0: <UP> mtu 1500\n    inet 192.0.2.10/24 scope global eth0\n3: cni0: <UP> mtu 1450\n    inet 10.244.1.1/24 scope global cni0\n"
    ),
    (
      "ip-route.txt",
      """
      default via 192.0.2.1 dev eth0
      10.244.0.0/16 via 192.0.2.20 dev eth0
      10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1
      10.244.4.0/22 dev cni0
      192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10
      blackhole 10.250.0.0/16
      local 10.244.1.1 dev cni0 table local proto kernel scope host src 10.244.1.1
      local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1
      local 192.0.2.10 dev eth0 table local proto kernel scope host src 192.0.2.10

      """
    ),
    (
      "ip-rule.txt",
      "0:\tfrom all lookup local\n32765:\tfrom all fwmark 0x7/0xff lookup 254\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n"
    ),
  ]
  if let reversePathFilter {
    files.append(
      (
        "sysctl.txt",
        "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = \(reversePathFilter)\nnet.ipv4.conf.cni0.rp_filter = \(reversePathFilter)\n"
      ))
  }
  return SnapshotLoader.load(files.map { SourceFile(name: $0.0, text: $0.1) }, name: "node")
}

private func flows(_ count: Int, seed: UInt64) -> [Flow] {
  var state = seed
  func next(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % bound
  }
  let sources: [() -> String] = [
    { "10.244.\(next(10)).\(next(256))" }, { "10.244.\(next(10)).\(1 + next(6))" }, { "192.0.2.\(next(20))" },
    { "203.0.113.\(next(256))" }, { "10.250.0.\(next(4))" },
    { ["127.0.0.1", "224.0.0.5", "0.0.0.0", "0.1.2.3", "255.255.255.255", "10.244.1.1"][next(6)] },
  ]
  let destinations = ["10.96.0.10", "10.96.0.11", "10.96.0.12", "10.244.9.6", "192.0.2.10", "203.0.113.1"]
  let ports: [UInt16] = [53, 80, 999, 1000, 1500, 2047, 2048, 3500, 40000]
  return (0..<count).map { number in
    Flow(
      id: "f\(number)", ipProtocol: next(3) == 0 ? .udp : .tcp, source: IPAddress(sources[next(6)]())!,
      sourcePort: ports[next(ports.count)], destination: IPAddress(destinations[next(6)])!,
      destinationPort: [80, 8080][next(2)], from: ["cni0", "eth0", "local"][next(3)])
  }
}

@Suite("Reports of many flows")
struct FlowReportTests {
  @Test(
    "Flows that share a walk read as if each were walked",
    arguments: [FlowReport.Form.line, .json(steps: false), .json(steps: true)], [nil, 0, 1, 2])
  func sharing(_ form: FlowReport.Form, _ reversePathFilter: Int?) {
    let model = NodeModel(node(reversePathFilter: reversePathFilter), indexed: true)
    let facts = AnswerFacts(model.snapshot, names: nil)
    let list = flows(6000, seed: 7)
    let walked = FlowReport(model, facts, form, isCaching: false)
    let shared = FlowReport(model, facts, form)
    for index in list.indices {
      walked.run(list[index...index])
      shared.run(list[index...index])
      let (a, b) = (Array(walked.text), Array(shared.text))
      guard a == b else {
        Issue.record("\(String(decoding: a, as: UTF8.self))\(String(decoding: b, as: UTF8.self))")
        return
      }
    }
    #expect(walked.walks == list.count)
    #expect(shared.walks < list.count * 9 / 10)
  }

  /// A shop of one Service with an endpoint, one that no rule takes, and a policy that lets one Pod in.
  private static let shop = """
    {"kind": "List", "items": [
      {"kind": "Service", "metadata": {"namespace": "shop", "name": "web"}, "spec": {"clusterIP": "10.96.0.10",
        "clusterIPs": ["10.96.0.10"], "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}},
      {"kind": "Service", "metadata": {"namespace": "shop", "name": "lost"}, "spec": {"clusterIP": "10.96.0.99",
        "clusterIPs": ["10.96.0.99"], "selector": {"app": "lost"}, "ports": [{"name": "http", "port": 80}]}},
      {"kind": "Pod", "metadata": {"namespace": "shop", "name": "web-0", "labels": {"app": "web"}},
        "spec": {"nodeName": "node-b"}, "status": {"phase": "Running", "podIPs": [{"ip": "10.244.9.6"}]}},
      {"kind": "Pod", "metadata": {"namespace": "shop", "name": "friend", "labels": {"app": "friend"}},
        "spec": {"nodeName": "node-a"}, "status": {"phase": "Running", "podIPs": [{"ip": "10.244.1.7"}]}},
      {"kind": "Pod", "metadata": {"namespace": "shop", "name": "stranger", "labels": {"app": "stranger"}},
        "spec": {"nodeName": "node-a"}, "status": {"phase": "Running", "podIPs": [{"ip": "10.244.1.8"}]}},
      {"kind": "NetworkPolicy", "metadata": {"namespace": "shop", "name": "friends"}, "spec": {
        "podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "friend"}}}]}]}}
    ]}
    """

  @Test("Policies judge each client, though the rules treat them alike")
  func policies() {
    let model = NodeModel(node(reversePathFilter: 0), indexed: true)
    let names = NameResolver(ObjectReader.read([SourceFile(name: "objects.json", text: Self.shop)]))
    for form in [FlowReport.Form.line, .json(steps: false)] {
      let report = FlowReport(model, AnswerFacts(model.snapshot, names: names), form)
      report.run(
        ["10.244.1.7", "10.244.1.8", "10.244.1.7"].map {
          Flow(
            id: $0, ipProtocol: .tcp, source: IPAddress($0)!, sourcePort: 41000, destination: IPAddress("10.244.9.6")!,
            destinationPort: 8080, from: "cni0")
        }[...])
      let lines = String(decoding: report.text, as: UTF8.self).split(separator: "\n")
      let word = if case .line = form { "dropped:" } else { #""answer":"dropped""# }
      #expect(lines.map { $0.contains(word) } == [false, true, false], "\(lines)")
    }
  }

  @Test("A ClusterIP that no rule translates is a failure, not a destination")
  func unserved() {
    let model = NodeModel(node(reversePathFilter: 0), indexed: true)
    let names = NameResolver(ObjectReader.read([SourceFile(name: "objects.json", text: Self.shop)]))
    let flows = ["10.96.0.99", "10.96.0.10"].map {
      Flow(
        id: $0, ipProtocol: .tcp, source: IPAddress("10.244.1.7")!, sourcePort: 41000, destination: IPAddress($0)!,
        destinationPort: 80, from: "cni0")
    }
    for (form, word) in [(FlowReport.Form.line, "unserved:"), (.json(steps: false), #""answer":"unserved""#)] {
      let report = FlowReport(model, AnswerFacts(model.snapshot, names: names), form)
      report.run(flows[...])
      let lines = String(decoding: report.text, as: UTF8.self).split(separator: "\n")
      #expect(lines.map { $0.contains(word) } == [true, false], "\(lines)")
    }
  }

  @Test("Several threads write the lines of one, in the flows' order")
  func threads() {
    let model = NodeModel(node(reversePathFilter: 1), indexed: true)
    let list = flows(3000, seed: 11)
    var texts: [[UInt8]] = []
    for threads in [1, 3] {
      var text: [UInt8] = []
      FlowReportPool(model, AnswerFacts(model.snapshot, names: nil), .json(steps: true), threads: threads).run(list) {
        for piece in $0 { text += piece }
      }
      texts.append(text)
    }
    #expect(texts[0] == texts[1])
    #expect(texts[0].count { $0 == 10 } == list.count)
  }

  @Test("A line escapes what the input brings, and tells the shares of its ends")
  func line() {
    let model = NodeModel(node(reversePathFilter: 0), indexed: true)
    let report = FlowReport(model, AnswerFacts(model.snapshot, names: nil), .line)
    let flow = Flow(
      id: "x\u{1B}[31m", ipProtocol: .tcp, source: IPAddress("10.244.1.7")!, sourcePort: 41000,
      destination: IPAddress("10.96.0.10")!, destinationPort: 80, from: "cni0")
    report.run([flow])
    let line = String(decoding: report.text, as: UTF8.self)
    #expect(!line.utf8.contains(0x1B))
    #expect(line.contains("10.244.1.7:41000 → 10.96.0.10:80"))
    #expect(line.contains("forwarded to 10.244.1.5:8080 by cni0 50 %"))
    #expect(line.hasSuffix("[shop/cart:http]\n"))
  }
}
