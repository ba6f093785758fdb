import Diagnosis
import Findings
import Input
import Intent
import PacketPath
import Report
import ServiceMap
import Snapshot
import Testing
import Wire

/// One question gets one answer, whichever command asks: over the recorded clusters, where they lie beside the package.
@Suite struct SameAnswerTests {
  @Test(
    arguments: Corpus.scenarios.filter {
      !$0.contains("svc-5000") && !$0.contains("large-slices") && !$0.contains("svc-1000x5")
        && !$0.contains("clusterip-100ep")
    })
  func everyFrontend(_ scenario: String) throws {
    guard let folder = Corpus.folder else { return }
    let bundle = try SnapshotLoader.load(["\(folder)/\(scenario)"])
    let snapshot = bundle.snapshots[0]
    let intent = ObjectReader.read(bundle.objectFiles)
    let names = NameResolver(intent)
    let facts = AnswerFacts(snapshot, names: names)
    let model = NodeModel(snapshot, indexed: true)
    let map = ServiceMap(model, intent: intent) { tracer in
      let judge = Judge(tracer, facts)
      return { judge.answer(to: $0) }
    }
    // Without indexes, and with flows as `trace` makes them.
    let judge = Judge(PathTracer(snapshot), facts)
    let report = FlowReport(model, facts, .json(steps: false))
    for entry in map.entries {
      let client = ServiceMap.outsideAddress(entry.frontend.address.version, snapshot)
      guard let from = judge.tracer.inputInterface(from: client, to: entry.frontend.address) else { continue }
      var flow = Flow(
        ipProtocol: entry.frontend.ipProtocol, source: client, sourcePort: 41234, destination: entry.frontend.address,
        destinationPort: entry.frontend.port, from: from)
      flow.isFrame = !flow.isLocal
      let answer = judge.judge(flow).judgement.answer
      #expect(answer == entry.answers.outside, "\(scenario): \(entry.frontend): services and trace")
      report.run([flow])
      let line = String(decoding: report.text, as: UTF8.self)
      #expect(line.contains("\"answer\":\"\(answer.rawValue)\""), "\(scenario): \(entry.frontend): trace and --flows")
    }
    let context = CheckContext(bundle, intent: intent)
    for answer in NodePorts.answers(context) {
      let entry = map.entries.first {
        $0.frontend.kind == .nodePort && $0.frontend.port == answer.port && $0.frontend.address == answer.address
          && $0.frontend.ipProtocol == answer.ipProtocol
      }
      if let entry { #expect(entry.answers.outside == answer.outside, "\(scenario): \(entry.frontend): --node-ports") }
    }
    // What `check` says of a frontend that no client of a kind reaches is never nothing.
    let findings = Diagnosis.run(context)
    for service in intent.services where service.isProxied {
      let own = map.entries.filter {
        $0.frontend.kind == .clusterIP && service.clusterIPs.contains($0.frontend.address)
      }
      guard own.contains(where: { $0.answers.node == .unserved || $0.answers.node == .dropped }) else { continue }
      #expect(!findings.isEmpty, "\(scenario): \(service.fullName) fails and check is silent")
    }
  }
}
