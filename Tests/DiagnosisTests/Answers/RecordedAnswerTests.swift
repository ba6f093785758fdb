import Diagnosis
import Findings
import Input
import Intent
import PacketPath
import Snapshot
import Testing
import Wire

/// Real packets through rules that kube-proxy itself wrote: the answer says what became of each. Runs where the
/// recordings lie beside the package.
@Suite struct RecordedAnswerTests {
  /// What the recording program saw, and the answers that are right then.
  private static let right: [String: Set<Answer>] = [
    "arrived": [.served, .passes], "refused": [.refused], "EPERM": [.refused, .dropped],
    "timeout": [.dropped, .unserved, .lost],
  ]

  @Test(arguments: Corpus.scenarios) func everyFlow(_ scenario: String) throws {
    guard let text = Corpus.text(scenario, "flows.jsonl"), let folder = Corpus.folder else { return }
    let bundle = try SnapshotLoader.load(["\(folder)/\(scenario)"])
    let snapshot = bundle.snapshots[0]
    let judge = Judge(snapshot, names: NameResolver(ObjectReader.read(bundle.objectFiles)))
    for line in text.split(separator: "\n") {
      let document = try JSONDocument(SourceFile(name: "flow", text: String(line)))
      try document.withRoot { record in
        let (flow, seen) = try #require(Self.read(record, judge.tracer))
        let judgement = judge.judge(flow).judgement
        let fits =
          seen.count > 1 ? judgement.answer == .partly : seen.allSatisfy { Self.right[$0]!.contains(judgement.answer) }
        #expect(
          fits,
          "\(scenario): \(flow.source) (\(flow.from)) → \(flow.destination):\(flow.destinationPort)/\(flow.ipProtocol): \(seen), answered \(judgement.answer): \(judgement.why)"
        )
      }
    }
  }

  private static func read(_ record: JSONValue, _ tracer: PathTracer) -> (Flow, Set<String>)? {
    func bare(_ text: String) -> IPAddress? { IPAddress(text.filter { $0 != "[" && $0 != "]" }) }
    guard let source = record["src_ip"]?.string.flatMap(bare), let destination = record["dst"]?.string.flatMap(bare),
      let port = record["dport"]?.int, let ipProtocol = record["proto"]?.string.flatMap({ IPProtocol($0) }),
      let from = record["from"]?.string, let tries = record["tries"]
    else { return nil }
    let flow = Flow(
      ipProtocol: ipProtocol, source: source, sourcePort: 40000, destination: destination,
      destinationPort: UInt16(port),
      from: from == "node" ? Flow.local : tracer.inputInterface(from: source) ?? "unknown")
    let seen = tries.elements.map { $0["result"]?.string ?? "" }.map { right[$0] == nil ? "arrived" : $0 }
    return (flow, Set(seen))
  }
}
