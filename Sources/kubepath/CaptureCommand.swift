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
        0 nothing of the severity of --fail-on · 1 such a finding stands · 2 nothing
        could be decoded · 64 usage · 65 not a capture, or damaged · 66 cannot be
        opened · 73 a file cannot be written
      """)

  @Argument(
    help: ArgumentHelp("Capture files, or - for standard input.", valueName: "file"),
    completion: .file(extensions: ["pcap", "pcapng", "cap", "gz", "zst"]))
  var files: [String] = []

  @OptionGroup var source: SourceOptions
  @OptionGroup var output: OutputOptions<PlainFormat>
  @OptionGroup var chosen: FindingOptions
  @OptionGroup var list: ListOptions
  @OptionGroup var view: ViewOptions

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

  @Option(help: "Sort conversations by bytes, packets, retransmissions, rtt, response or start.")
  var sort: String = "bytes"

  @Option(help: "UDP ports that carry VXLAN besides 4789 and 8472.")
  var vxlanPort: [UInt16] = []

  @Option(help: "nf_conntrack_max of the node, to judge the simulated table against.")
  var conntrackMax: Int?

  @Option(help: "The link's MTU, where it is known.")
  var mtu: Int?

  @Option(help: "Conversations kept at once; beyond, the longest idle is dropped.")
  var maxConversations: Int = 131_072

  @Option(help: ArgumentHelp("Write every conversation to this file (.csv or .sqlite).", valueName: "file"))
  var conversations: String?

  /// Rows of each table, unasked.
  private static let usualTop = 10

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
    if maxConversations < 16 || maxConversations > 1 << 24 {
      throw ValidationError("--max-conversations must lie between 16 and 16777216")
    }
    if let conversations, !conversations.hasSuffix(".csv"), !conversations.hasSuffix(".sqlite") {
      throw ValidationError("--conversations \(escaped(conversations)): the name must end in .csv or .sqlite")
    }
  }

  func run() throws { try CommandRun.guarding { try analyze() } }

  private func analyze() throws {
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
    if let live {
      summaries = [try capture(live, filter: expression, options, &analyzer)]
    } else {
      let paths = files + read
      let compiled = try expression.map { try CaptureFilter($0) }
      let total = Self.size(of: paths)
      Activity.begin("reading \(paths.joined(separator: " "))")
      defer { Activity.end() }
      summaries = try CaptureSession.run(
        paths: paths, filter: compiled, limit: count ?? .max, analyzer: &analyzer
      ) { consumed in
        // Of what comes through a pipe the size is not known before.
        if let total { Activity.show(consumed, of: total) } else { Activity.show("\(consumed / 1_000_000) MB") }
        return !Interruption.happened
      }
      stopped = Interruption.happened
    }
    var findings = analyzer.finish(captures: summaries)
    if let join {
      findings = Activity.during("tracing what failed through the rules") { join.complete(findings, analyzer) }
    }
    findings = chosen.filter(findings)
    try writeConversations(analyzer, summaries, findings)
    var report = analyzer.report(
      captures: summaries, findings: findings, top: list.top ?? Self.usualTop,
      order: ConversationOrder(rawValue: sort) ?? .bytes)
    report.interrupted = stopped
    if let join { report.name { join.name(of: $0) } }
    let gap = gap(report.counts, summaries)
    if let gap { Terminal.say("unsure: \(gap)") }
    switch output.format {
    case .text: Terminal.write(CaptureText(view.style).render(report))
    case .wide: Terminal.write(CaptureText(view.style.unlimited).render(report))
    case .json, .yaml:
      let json = Array((CaptureJSON.render(report) + "\n").utf8)
      Terminal.write(output.format == .json ? json : try YAMLText.from(json: json))
    }
    if let damage = summaries.compactMap(\.damage).first {
      Terminal.say(damage.description)
      throw ExitStatus.malformed
    }
    if chosen.failOn.isReached(by: findings) { throw ExitStatus.failing }
    if gap != nil { throw ExitStatus.unsure }
  }

  /// The bytes of the files; nil where one is no file.
  private static func size(of paths: [String]) -> Int? {
    var sum = 0
    for path in paths {
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      sum += Int(status.st_size)
    }
    return sum
  }

  private func writeConversations(
    _ analyzer: borrowing CaptureAnalyzer, _ summaries: [CaptureSummary], _ findings: [Finding]
  ) throws {
    guard let conversations else { return }
    do {
      if conversations.hasSuffix(".csv") {
        try ConversationCSV.write(analyzer, to: conversations)
      } else {
        try ConversationStore.write(analyzer, captures: summaries, findings: findings, to: conversations)
      }
    } catch {
      throw OutputFailure(conversations, "\(error)")
    }
    Terminal.say("the conversations are written to \(conversations)")
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
    guard !source.snapshot.isEmpty else { return nil }
    var bundle = try Activity.during("reading \(source.snapshot.joined(separator: " "))") {
      try SnapshotLoader.load(source.snapshot)
    }
    try source.restrict(&bundle)
    let intent = ObjectReader.read(bundle.objectFiles)
    bundle.diagnostics.add(contentsOf: intent.diagnostics)
    _ = CommandRun.report(bundle, verbose: view.verbose)
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
      Terminal.say("--filter is Wireshark's, read as the tcpdump expression '\(expression)'")
      return expression
    }
    return filter
  }

  private func capture(
    _ interface: String, filter: String?, _ options: CaptureOptions, _ analyzer: inout CaptureAnalyzer
  ) throws(CaptureError) -> CaptureSummary {
    var source = try LiveCapture(interface: interface, filter: filter)
    if let write { try source.write(to: write) }
    var frame = Frame.empty
    let start = time(nil)
    var news = LiveNews(
      options, text: CaptureText(Style(coloured: false, width: Terminal.width(of: 2))), chosen, at: start)
    Terminal.say(
      "capturing on \(interface)\(duration.map { " for \($0) s" } ?? ""); Ctrl-C ends it and prints the report")
    Activity.begin("capturing on \(interface)")
    defer { Activity.end() }
    loop: while !Interruption.happened {
      switch source.next(&frame) {
      case .frame:
        analyzer.consume(frame)
        news.consume(frame)
      case .timeout: Activity.show(counted(source.frames, "frame"))
      case .end: break loop
      }
      for line in news.lines(at: time(nil)) { Terminal.note(line) }
      if source.frames & 63 == 0 { Activity.show(counted(source.frames, "frame")) }
      if let duration, time(nil) >= start + duration { break }
      if let count, source.frames >= count { break }
    }
    if let write {
      guard source.flush() else {
        throw .cannotWrite(InputError(path: write, reason: "not all frames could be written"))
      }
      Terminal.say("\(counted(source.frames, "frame")) written to \(write)")
    }
    var summary = CaptureSummary(
      file: interface, format: "live", linkTypes: [source.linkType.description], packets: source.frames,
      dropped: source.dropped, damage: nil, interfaces: [interface])
    analyzer.describe(&summary)
    return summary
  }
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
