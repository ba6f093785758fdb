import Glibc
import Input
import PacketPath
import Snapshot
import Testing
import Wire

/// Real packets through rules that kube-proxy itself wrote, recorded with where they arrived and from which address:
/// the trace must have foreseen each. Runs where the recordings lie beside the package.
@Suite struct RecordedTrafficTests {
  /// One attempt to connect.
  struct Attempt {
    /// Nil: it did not arrive.
    var endpoint: Substring?
    /// The client as the endpoint saw it.
    var seen: IPAddress?
    /// `connected`, `refused`, `timeout`, `EPERM` …
    var result: String
  }

  static let folder: String? = {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return ["/\(root)/../shared/corpus/kube-proxy", "/\(root)/../../shared/corpus/kube-proxy"].first {
      access($0, R_OK) == 0
    }
  }()

  static let scenarios: [String] = {
    guard let folder, let index = try? SourceFile.open(path: "\(folder)/INDEX.jsonl") else { return [] }
    return index.text(0..<index.bytes.count).split(separator: "\n").compactMap { line in
      guard !line.contains("\"flows\": 0,"), let start = line.firstRange(of: "\"dir\": \"") else { return nil }
      return String(line[start.upperBound...].prefix { $0 != "\"" })
    }
  }()

  @Test(arguments: scenarios) func traceAgrees(_ scenario: String) throws {
    let path = "\(Self.folder!)/\(scenario)"
    let snapshot = try SnapshotLoader.load([path]).snapshots[0]
    let tracer = PathTracer(snapshot)
    let file = try SourceFile.open(path: "\(path)/flows.jsonl")
    for (number, line) in file.text(0..<file.bytes.count).split(separator: "\n").enumerated() {
      let document = try JSONDocument(SourceFile(name: "flow", text: String(line)))
      try document.withRoot { record in
        let (flow, attempts) = try #require(Self.read(record, tracer))
        #expect(!attempts.isEmpty)
        let outcomes = tracer.trace(flow).outcomes
        for attempt in attempts where !Self.foresees(attempt, flow, outcomes) {
          Issue.record(
            "\(scenario) line \(number + 1): \(flow.source) (\(flow.from)) → \(flow.destination):\(flow.destinationPort) \(flow.ipProtocol): \(attempt), foreseen \(outcomes.map { "\($0.verdict) \($0.destination):\($0.destinationPort) from \($0.source) \($0.reason?.description ?? "")" })"
          )
          break
        }
      }
    }
  }

  private static func read(_ record: JSONValue, _ tracer: PathTracer) -> (Flow, [Attempt])? {
    guard let source = record["src_ip"]?.string.flatMap({ bare(Substring($0)) }),
      let destination = record["dst"]?.text?.address,
      let port = record["dport"]?.int, let ipProtocol = record["proto"]?.string.flatMap({ IPProtocol($0) }),
      let from = record["from"]?.string, let tries = record["tries"]
    else { return nil }
    let flow = Flow(
      ipProtocol: ipProtocol, source: source, sourcePort: 40000, destination: destination,
      destinationPort: UInt16(port),
      from: from == "node" ? Flow.local : tracer.inputInterface(from: source) ?? "unknown")
    let attempts = tries.elements.map { entry in
      Attempt(
        endpoint: entry["endpoint"]?.string.map { Substring($0) },
        seen: entry["seen_src"]?.string.flatMap { host($0) }, result: entry["result"]?.string ?? "")
    }
    return (flow, attempts)
  }

  /// The address of `10.0.0.1:80` or `[fd00::1]:80`.
  private static func host(_ text: String) -> IPAddress? {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    return bare(text[..<colon])
  }

  private static func bare(_ text: Substring) -> IPAddress? {
    IPAddress(text.filter { $0 != "[" && $0 != "]" })
  }

  private static func foresees(_ attempt: Attempt, _ flow: Flow, _ outcomes: [Outcome]) -> Bool {
    outcomes.contains { outcome in
      let arrives = outcome.verdict == .forward || outcome.verdict == .deliver
      if let endpoint = attempt.endpoint {
        let host = outcome.destination.version == .v6 ? "[\(outcome.destination)]" : "\(outcome.destination)"
        return arrives && "\(host):\(outcome.destinationPort)" == endpoint
          && (attempt.seen == nil || attempt.seen == outcome.source)
      }
      switch attempt.result {
      // By a program on the node itself, which the recording did not ask for its name.
      case "connected": return outcome.verdict == .deliver
      case "EPERM": return flow.isLocal && (outcome.verdict == .reject || outcome.verdict == .drop)
      // Nobody listens at the node's own address.
      case "refused": return outcome.verdict == .reject || outcome.verdict == .deliver && !outcome.isTranslated
      case "timeout":
        if outcome.verdict == .drop { return true }
        // Nobody has the Service's own address; and an endpoint elsewhere answers past the node, where the client's
        // address was kept.
        return outcome.verdict == .forward
          && (!outcome.isTranslated || outcome.source == flow.source && outcome.outInterface == flow.from)
      default: return false
      }
    }
  }
}
