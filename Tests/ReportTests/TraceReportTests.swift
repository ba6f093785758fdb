import Diagnosis
import Input
import PacketPath
import Report
import Snapshot
import Testing
import Wire

private let rules = """
  *filter
  :INPUT ACCEPT [0:0]
  :FORWARD DROP [0:0]
  :OUTPUT ACCEPT [0:0]
  -A FORWARD -d 10.244.1.9/32 -p tcp -m comment --comment "evil \\u{1B}[31m \\"quote\\"" -m tcp --dport 81 -j REJECT --reject-with tcp-reset
  -A FORWARD -d 10.244.1.9/32 -j ACCEPT
  COMMIT

  """.replacing("\\u{1B}", with: "\u{1B}")

private func snapshot() -> Snapshot {
  SnapshotLoader.load(
    [
      SourceFile(name: "iptables-save.txt", text: rules),
      SourceFile(
        name: "ip-addr.txt",
        text:
          "2: eth0: <UP> mtu 1500\n    inet 192.0.2.10/24 scope global eth0\n3: cni0: <UP> mtu 1450\n    inet 10.244.1.1/24 scope global cni0\n"
      ),
      SourceFile(
        name: "ip-route.txt",
        text:
          "default via 192.0.2.1 dev eth0\n10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1\nlocal 192.0.2.10 dev eth0 table local proto kernel scope host src 192.0.2.10\n"
      ),
      SourceFile(name: "sysctl.txt", text: "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\n"),
    ], name: "node")
}

private func trace(_ destination: String, _ port: UInt16) -> (Snapshot, Trace, Judgement) {
  let node = snapshot()
  let flow = Flow(
    ipProtocol: .tcp, source: IPAddress("203.0.113.9")!, sourcePort: 40000, destination: IPAddress(destination)!,
    destinationPort: port, from: "eth0")
  let (trace, judgement) = Judge(node).judge(flow)
  return (node, trace, judgement)
}

@Suite("Traces as text and JSON")
struct TraceReportTests {
  @Test("The verdict stands first, with the rule's file and line; nothing is wider than the terminal")
  func verdictFirst() {
    let (node, rejected, judgement) = trace("10.244.1.9", 81)
    let text = TraceText(node, style: Style(coloured: false, width: 100)).render(rejected, judgement)
    #expect(text.hasPrefix("REFUSED  filter FORWARD rule 1 (iptables-save.txt:5) rejects it with tcp-reset"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    let (other, dropped, reason) = trace("10.244.1.8", 80)
    let causes = AnswerCauses.findings(reason, dropped, other, nil)
    let second = TraceText(other, style: Style(coloured: false)).render(dropped, reason, findings: causes)
    #expect(second.hasPrefix("DROPPED  the policy of filter FORWARD drops it"))
    #expect(second.contains("iptables -t filter -I FORWARD"))
  }

  @Test("Where the dump breaks off before rules for the packet, nothing is promised")
  func cutDump() {
    let node = SnapshotLoader.load(
      [SourceFile(name: "iptables-save.txt", text: "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.9 -j DROP\n")],
      name: "node")
    let flow = Flow(
      ipProtocol: .tcp, source: IPAddress("203.0.113.9")!, sourcePort: 40000, destination: IPAddress("127.0.0.1")!,
      destinationPort: 80, from: "lo")
    let (trace, judgement) = Judge(node).judge(flow)
    let text = TraceText(node, style: Style(coloured: false)).render(trace, judgement)
    #expect(text.hasPrefix("UNSURE"), "\(text)")
  }

  @Test("Control characters of a comment reach neither the terminal nor the JSON")
  func escaped() {
    let (node, rejected, judgement) = trace("10.244.1.9", 81)
    let text = TraceText(node, style: Style(coloured: false), wide: true).render(rejected, judgement)
    #expect(!text.utf8.contains(0x1B))
    var json = TextBuffer()
    var writer = TraceJSON(node)
    writer.write(rejected, judgement, to: &json)
    let written = Array(json.bytes)
    #expect(written.allSatisfy { $0 >= 0x20 })
  }

  @Test("The JSON is the contract's, and reads back")
  func contract() throws {
    let (node, rejected, judgement) = trace("10.244.1.9", 81)
    var json = TextBuffer()
    var writer = TraceJSON(node)
    writer.write(rejected, judgement, to: &json)
    let document = try JSONDocument(SourceFile(name: "trace", contents: Array(json.bytes)))
    document.withRoot { root in
      #expect(root["id"]?.string == "f1")
      #expect(root["answer"]?.string == "refused")
      #expect(root["why"]?.string?.contains("filter FORWARD rule 1 (iptables-save.txt:5) rejects it") == true)
      #expect(root["findings"]?.elements.first { _ in true } == nil)
      #expect(root["flow"]?["destinationPort"]?.int == 81)
      let outcome = root["outcomes"]?[0]
      #expect(outcome?["verdict"]?.string == "reject")
      #expect(outcome?["rejectWith"]?.string == "tcp-reset")
      #expect(outcome?["probability"]?.double == 1)
      let step = outcome?["steps"]?[0]
      #expect(
        step?["family"]?.string == "ip" && step?["table"]?.string == "filter" && step?["chain"]?.string == "FORWARD")
      #expect(step?["rule"]?.int == 1 && step?["line"]?.int == 5 && step?["verdict"]?.string == "reject")
    }
  }

  @Test("YAML says what the JSON says")
  func yaml() throws {
    var json = JSONWriter()
    json.beginObject()
    json.key("a")
    json.string("plain")
    json.key("b")
    json.beginArray()
    json.number(1)
    json.string("yes")
    json.beginObject()
    json.key("c")
    json.null()
    json.endObject()
    json.endArray()
    json.endObject()
    let text = String(decoding: try YAMLText.from(json: json.bytes), as: UTF8.self)
    #expect(text == "a: plain\nb:\n- 1\n- \"yes\"\n- c: null\n")
  }

  @Test("The rule graph names chains, counts rules and quotes what it prints")
  func graph() {
    let dot = GraphDOT.rules(snapshot().ruleset)!
    #expect(dot.contains("FORWARD\\n2 rules\\nforward 0, policy drop"))
    #expect(GraphDOT.rules(snapshot().ruleset, from: "no such chain") == nil)
  }
}
