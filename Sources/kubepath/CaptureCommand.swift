import ArgumentParser
import CaptureAnalysis
import CaptureFile
import ConversationStore
import Diagnosis
import Findings
import Glibc
import Input
import Intent
import Report
import Snapshot

struct CaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract: "Say what a packet capture proves: MTU, fragments, conntrack, NAT, TCP, DNS, TLS.",
    usage: "kubepath capture [<file> ...] [--live <iface>] [<options>]",
    discussion: """
      EXAMPLES
        kubepath capture node1.pcap
        kubepath capture sender.pcap receiver.pcapng.gz
            several files, merged by time
        tcpdump -i any -w - -c 10000 | kubepath capture -    from a pipe
        kubepath capture --live eth0 --filter 'udp port 8472' --duration 30
        kubepath capture a.pcap --conntrack-max 131072
            judge the simulated conntrack table
        kubepath capture a.pcap -s node1/ -s objects.json
            against the node's rules and the cluster's objects
        kubepath capture a.pcap --conversations all.csv
            every conversation, for a spreadsheet
        kubepath capture a.pcap --conversations all.sqlite
            the same for SQL, see below
        kubepath capture a.pcap -o json | jq '.findings[].id'

      The SQLite database has the tables captures (id, file, format, frames, ...),
      conversations (columns as in the CSV file: protocol, client, client_port,
      server, server_port, tunnel, packets_out, packets_in, bytes_out, bytes_in,
      start, duration, first_file, first_frame, last_frame, retransmissions, resets,
      zero_windows, handshake_ms, slowest_response_ms, mss_client, mss_server,
      server_name, state) and findings (finding, severity, confidence, kind, name,
      port, problem, cause, evidence, fix), with indexes by server and port, client,
      start, state and server_name:
        sqlite3 all.sqlite \\
            "SELECT server, count(*) FROM conversations
             WHERE state='syn-only' GROUP BY 1 ORDER BY 2 DESC"

      With -s, addresses get the names of their Services and Pods, a failing
      conversation is traced through the rules to name the one that stops it, and
      MTUs, VXLAN ports, conntrack limits and timeouts are the nodes' own.

      Reads pcap and pcapng, also compressed with gzip or zstd. Frame numbers are
      Wireshark's.

      EXIT STATUS
        0 all well · 1 a finding of severity error stands · 2 nothing could be decoded
        64 usage · 65 not a capture, or damaged · 66 cannot be opened
        73 a file cannot be written
      """)

  enum Output: String, ExpressibleByArgument, CaseIterable { case text, json }
  enum Colour: String, ExpressibleByArgument, CaseIterable { case auto, always, never }

  @Argument(help: ArgumentHelp("Capture files, or - for standard input.", valueName: "file"))
  var files: [String] = []

  @Option(name: .shortAndLong, help: "How to print: text or json.")
  var output: Output = .text

  @Option(name: .customShort("r"), help: ArgumentHelp("A capture file, as tcpdump takes it.", valueName: "file"))
  var read: [String] = []

  @Option(help: "Only frames that this tcpdump expression (or Wireshark filter, where one says the same) matches.")
  var filter: String?

  @Option(
    name: [.customShort("i"), .long],
    help: ArgumentHelp("Capture on this interface until interrupted (needs CAP_NET_RAW).", valueName: "iface"))
  var live: String?

  @Option(
    name: [.customShort("w"), .long],
    help: ArgumentHelp("Write the frames of a live capture to this pcap file too.", valueName: "file"))
  var write: String?

  @Option(name: [.customShort("c"), .long], help: "Stop after so many frames.")
  var count: Int?

  @Flag(name: .customShort("n"), help: "Accepted for tcpdump's sake: no name is ever looked up.")
  var numeric = false

  @Option(help: "Stop a live capture after so many seconds.")
  var duration: Int?

  @Option(help: "Rows of each table.")
  var top: Int = 10

  @Option(help: "Sort conversations by bytes, packets, retransmissions, rtt, response or start.")
  var sort: String = "bytes"

  @Option(help: "UDP ports that carry VXLAN besides 4789 and 8472.")
  var vxlanPort: [UInt16] = []

  @Option(help: "nf_conntrack_max of the node, to judge the simulated table against.")
  var conntrackMax: Int?

  @Option(
    name: [.customShort("s"), .long],
    help: ArgumentHelp(
      "Dumps of the nodes and objects of the cluster to compare with. May be repeated.", valueName: "path"))
  var snapshot: [String] = []

  @Option(help: ArgumentHelp("Only this node, where the snapshot holds several.", valueName: "name"))
  var node: String?

  @Option(help: "The link's MTU, where it is known.")
  var mtu: Int?

  @Option(help: "Conversations kept at once; beyond, the longest idle is dropped.")
  var maxConversations: Int = 131_072

  @Option(help: ArgumentHelp("Write every conversation to this file (.csv or .sqlite).", valueName: "file"))
  var conversations: String?

  @Option(help: "Colours: auto, always or never.")
  var color: Colour = .auto

  func validate() throws {
    if files.isEmpty, read.isEmpty, live == nil {
      throw ValidationError("name a capture file, - for standard input, or --live IFACE")
    }
    if let count, count < 1 { throw ValidationError("--count must be at least 1") }
    if write != nil, live == nil { throw ValidationError("--write goes with --live; a file can be copied") }
    if !(files + read).isEmpty, live != nil { throw ValidationError("give either files or --live, not both") }
    if ConversationOrder(rawValue: sort) == nil {
      throw ValidationError(
        "--sort \(sort): one of " + ConversationOrder.allCases.map(\.rawValue).joined(separator: ", "))
    }
    if top < 0 { throw ValidationError("--top must not be negative") }
    if maxConversations < 16 || maxConversations > 1 << 24 {
      throw ValidationError("--max-conversations must lie between 16 and 16777216")
    }
    if let conversations, !conversations.hasSuffix(".csv"), !conversations.hasSuffix(".sqlite") {
      throw ValidationError("--conversations \(escaped(conversations)): the name must end in .csv or .sqlite")
    }
  }

  func run() throws {
    var options = CaptureOptions()
    options.maximumConversations = maxConversations
    options.vxlanPorts = vxlanPort
    options.conntrackMaximum = conntrackMax
    options.linkMTU = mtu
    let join = try loadJoin()
    join?.configure(&options)
    var analyzer = CaptureAnalyzer(options: options)
    var summaries: [CaptureSummary] = []
    var stopped = false
    Interruption.install()
    let expression = try filter.map { try self.expression($0) }
    do {
      if let live {
        summaries = [try capture(live, filter: expression, &analyzer)]
      } else {
        let paths = files + read
        let compiled = try expression.map { try CaptureFilter($0) }
        let progress = Progress(paths: paths)
        summaries = try CaptureSession.run(
          paths: paths, filter: compiled, limit: count ?? .max, analyzer: &analyzer
        ) { consumed in
          progress.show(consumed)
          return !Interruption.happened
        }
        progress.clear()
        stopped = Interruption.happened
      }
    } catch let error as CaptureError {
      complain(error.description)
      switch error {
      case .cannotOpen: throw ExitCode(66)
      case .cannotWrite: throw ExitCode(73)
      case .malformed: throw ExitCode(65)
      }
    }
    var findings = analyzer.finish(captures: summaries)
    if let join { findings = join.complete(findings, analyzer) }
    if let conversations {
      do {
        if conversations.hasSuffix(".csv") {
          try ConversationCSV.write(analyzer, to: conversations)
        } else {
          try ConversationStore.write(analyzer, captures: summaries, findings: findings, to: conversations)
        }
      } catch {
        complain("\(error)")
        throw ExitCode(73)
      }
    }
    var report = analyzer.report(
      captures: summaries, findings: findings, top: top, order: ConversationOrder(rawValue: sort) ?? .bytes)
    report.interrupted = stopped
    if let join { report.name { join.name(of: $0) } }
    let gap = gap(report.counts, summaries)
    if let gap { complain("unsure: \(gap)") }
    switch output {
    case .text: Terminal.write(CaptureText(colour: useColour).render(report))
    case .json: Terminal.write(Array((CaptureJSON.render(report) + "\n").utf8))
    }
    if let damage = summaries.compactMap(\.damage).first {
      complain(damage.description)
      throw ExitStatus.malformed
    }
    if report.worst == .error { throw ExitStatus.failing }
    if gap != nil { throw ExitStatus.unsure }
  }

  /// Why nothing can be said of the traffic; nil: frames were looked at.
  private func gap(_ counts: CaptureCounts, _ summaries: [CaptureSummary]) -> String? {
    if counts.packets == 0 {
      let read = summaries.reduce(0) { $0 + $1.packets }
      guard let filter, read > 0 else { return "there is no frame to look at" }
      return "--filter '\(printable(filter))' matches none of \(read) frames"
    }
    guard counts.undecoded >= counts.packets else { return nil }
    let types = Set(summaries.flatMap(\.linkTypes)).sorted().map { printable($0) }.joined(separator: ", ")
    return "none of \(counts.packets) frames could be decoded (link type \(types))"
  }

  /// What `-s` names; nil without it.
  private func loadJoin() throws -> CaptureJoin? {
    guard !snapshot.isEmpty else { return nil }
    var bundle: Bundle
    do { bundle = try SnapshotLoader.load(snapshot) } catch {
      complain(error.description)
      throw ExitCode(66)
    }
    if let node {
      bundle.snapshots.removeAll { $0.name != node }
      if bundle.snapshots.isEmpty { throw ValidationError("No node '\(escaped(node))' in the snapshot.") }
    }
    let intent = ObjectReader.read(bundle.objectFiles)
    var diagnostics = bundle.diagnostics
    for snapshot in bundle.snapshots { diagnostics.add(contentsOf: snapshot.diagnostics) }
    diagnostics.add(contentsOf: intent.diagnostics)
    Terminal.report(diagnostics, verbose: false)
    return CaptureJoin(bundle, intent: intent)
  }

  /// The filter as libpcap takes it; what is Wireshark's is translated, and it is said into what.
  private func expression(_ filter: String) throws(ValidationError) -> String {
    do { _ = try CaptureFilter(filter) } catch {
      guard let expression = WiresharkFilter.translated(filter), (try? CaptureFilter(expression)) != nil else {
        let hint =
          filter.contains("==")
          ? "; this is Wireshark's syntax, a tcpdump expression is wanted: tcp port 80 and host ADDRESS" : ""
        throw ValidationError("--filter: \(error)\(hint)")
      }
      complain("--filter is Wireshark's, read as the tcpdump expression '\(expression)'")
      return expression
    }
    return filter
  }

  private func capture(
    _ interface: String, filter: String?, _ analyzer: inout CaptureAnalyzer
  ) throws(CaptureError) -> CaptureSummary {
    var source = try LiveCapture(interface: interface, filter: filter)
    if let write { try source.write(to: write) }
    var frame = Frame.empty
    let end = duration.map { time(nil) + $0 }
    loop: while !Interruption.happened {
      switch source.next(&frame) {
      case .frame: analyzer.consume(frame)
      case .timeout: break
      case .end: break loop
      }
      if let end, time(nil) >= end { break }
      if let count, source.frames >= count { break }
    }
    if let write {
      guard source.flush() else {
        throw .cannotWrite(InputError(path: write, reason: "not all frames could be written"))
      }
      complain("\(source.frames) frame\(source.frames == 1 ? "" : "s") written to \(write)")
    }
    var summary = CaptureSummary(
      file: interface, format: "live", linkTypes: [source.linkType.description], packets: source.frames,
      dropped: source.dropped, damage: nil, interfaces: [interface])
    analyzer.describe(&summary)
    return summary
  }

  private var useColour: Bool {
    switch color {
    case .always: true
    case .never: false
    case .auto: isatty(1) == 1 && getenv("NO_COLOR") == nil
    }
  }

  private func complain(_ message: String) { standardError("kubepath: \(escaped(message))\n") }
}

/// Ctrl-C ends the reading, not the report.
private enum Interruption {
  nonisolated(unsafe) private static var flag: sig_atomic_t = 0
  static var happened: Bool { flag != 0 }
  static func install() {
    signal(SIGINT) { _ in
      // A second one ends the program.
      signal(SIGINT, SIG_DFL)
      Interruption.flag = 1
    }
  }
}

/// A bar on standard error, only on a terminal and only for files whose size is known.
private final class Progress {
  private let total: Int
  private let enabled: Bool
  private var shown = -1

  init(paths: [String]) {
    var sum = 0
    for path in paths {
      var status = stat()
      if stat(path, &status) == 0 { sum += Int(status.st_size) }
    }
    total = sum
    enabled = isatty(2) == 1 && sum > 32 << 20
  }

  func show(_ consumed: Int) {
    guard enabled, total > 0 else { return }
    let percent = min(100, consumed * 100 / total)
    guard percent != shown else { return }
    shown = percent
    let filled = percent * 40 / 100
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 40 - filled)
    standardError("\r[\(bar)] \(percent)%")
  }

  func clear() { if shown >= 0 { standardError("\r" + String(repeating: " ", count: 50) + "\r") } }
}

private func standardError(_ text: String) {
  var text = text
  text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}
