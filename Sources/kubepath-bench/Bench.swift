import Glibc

/// Times whole processes over generated dumps, kubepath beside its peers, in one run on one machine:
///
///     swift build -c release && .build/release/kubepath-bench [--services 10000] [--endpoints 10] [--flows 100000]
///                                                             [--runs 3] [--kubepath PATH] [--no-peers]
///                                                             [--growth [NAME]]
///
/// Figures are processor seconds (user and system), and ratios to kubepath's.
@main
struct Bench {
  var services = 10_000
  var endpoints = 10
  var flows = 100_000
  var runs = 3
  var peers = true
  /// Only the table of `Growth`, of inputs whose names contain this.
  var growthOf: String?
  var kubepath: String

  static func main() {
    var bench = Bench(kubepath: beside("kubepath"))
    var arguments = CommandLine.arguments.dropFirst()
    while let option = arguments.popFirst() {
      if option == "--no-peers" {
        bench.peers = false
        continue
      }
      if option == "--growth" {
        bench.growthOf = arguments.first.flatMap { $0.hasPrefix("--") ? nil : arguments.popFirst() } ?? ""
        continue
      }
      guard let value = arguments.popFirst() else { fail("\(option): a value is missing") }
      switch (option, Int(value)) {
      case ("--services", let number?) where number > 0: bench.services = number
      case ("--endpoints", let number?) where number > 0: bench.endpoints = number
      case ("--flows", let number?) where number > 0: bench.flows = number
      case ("--runs", let number?) where number > 0: bench.runs = number
      case ("--kubepath", _): bench.kubepath = value
      default: fail("unknown option \(option) \(value)")
      }
    }
    bench.run()
  }

  private static func beside(_ name: String) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/" + name
  }

  private func run() {
    guard access(kubepath, X_OK) == 0 else { fail("\(kubepath): build it with swift build -c release") }
    var template = Array("/tmp/kubepath-bench-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fail("mkdtemp: \(String(cString: strerror(errno)))") }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { _ = Measurement.run(["rm", "-rf", folder]) }

    if let growthOf { return Growth(kubepath: kubepath, folder: folder).run(growthOf) }
    let small = ServiceRules(services: services, endpoints: endpoints)
    let dump = "\(folder)/iptables-save.txt"
    small.write(to: dump)
    small.writeFlows(1, to: "\(folder)/one.ndjson")
    print("\(services) services of \(endpoints) endpoints: \(megabytes(dump)) MB")
    guard let mine = trace(dump, "\(folder)/one.ndjson") else { return }
    show("kubepath trace", mine, mine)
    print("  peak memory is \(decimal(mine.peakMegabytes / (size(dump) / 1_048_576), 2)) times the file")
    if let lines = Measurement.best(of: runs, ["wc", "-l", dump]) {
      show("wc -l", lines, mine)
      print("  kubepath takes \(decimal(mine.processorSeconds / max(lines.processorSeconds, 1e-4), 1)) times as long")
    }
    if peers {
      for tool in ["iptables-legacy-restore", "iptables-nft-restore"] { peer(tool, dump, mine) }
    }
    growth(folder, mine)
    throughput(folder, small, mine)
    check(folder, small, mine)
  }

  private func trace(_ dump: String, _ flows: String) -> Measurement? {
    let command = [kubepath, "trace", "--flows", flows, "-s", dump, "-o", "json"]
    guard let result = Measurement.best(of: runs, command), result.status <= 1 else {
      print("\(command.joined(separator: " ")) failed")
      return nil
    }
    return result
  }

  /// Parses and checks the dump as the tool does before it commits, in a network namespace of its own.
  private func peer(_ tool: String, _ dump: String, _ mine: Measurement) {
    guard let result = Measurement.run(["unshare", "-n", tool, "--test"], input: dump), result.status == 0 else {
      print("\(pad(tool, 34)) skipped: not installed, or no right to make a network namespace")
      return
    }
    show("\(tool) --test", result, mine)
    print("  kubepath takes 1/\(decimal(result.processorSeconds / mine.processorSeconds, 0)) of it")
  }

  /// Twice the services must take twice the time.
  private func growth(_ folder: String, _ mine: Measurement) {
    let path = "\(folder)/double.txt"
    ServiceRules(services: services * 2, endpoints: endpoints).write(to: path)
    defer { unlink(path) }
    guard let result = trace(path, "\(folder)/one.ndjson") else { return }
    show("kubepath trace, twice the services", result, mine)
    print("  growth \(decimal(result.processorSeconds / mine.processorSeconds, 2)) for twice the input")
  }

  /// Many flows on one loaded ruleset: as lines, as objects, as objects with all matched rules.
  private func throughput(_ folder: String, _ rules: ServiceRules, _ mine: Measurement) {
    let path = "\(folder)/many.ndjson"
    rules.writeFlows(flows, to: path)
    for (name, options) in [
      ("lines", [String]()), ("json --no-steps", ["-o", "json", "--no-steps"]), ("json", ["-o", "json"]),
    ] {
      let command = [kubepath, "trace", "--flows", path, "-s", "\(folder)/iptables-save.txt"] + options
      guard let result = Measurement.best(of: runs, command), result.status <= 1 else {
        print("\(command.joined(separator: " ")) failed")
        continue
      }
      show("kubepath trace, \(flows) flows, \(name)", result, mine)
      let rate = Double(flows) / max(result.processorSeconds - mine.processorSeconds, 1e-6)
      let wallRate = Double(flows) / max(result.wallSeconds - mine.wallSeconds, 1e-6)
      print(
        "  loading left out, \(decimal(rate, 0)) flows a second of processor time, \(decimal(wallRate, 0)) of wall time"
      )
    }
  }

  /// Every Service traced from all its origins and held against the objects.
  private func check(_ folder: String, _ rules: ServiceRules, _ mine: Measurement) {
    ServiceObjects(rules: rules).write(to: "\(folder)/objects.json")
    ServiceObjects.writeFacts(to: folder)
    for name in ["one.ndjson", "many.ndjson"] { unlink("\(folder)/\(name)") }
    print("objects: \(megabytes("\(folder)/objects.json")) MB")
    guard let result = Measurement.best(of: runs, [kubepath, "check", "-s", folder]), result.status <= 1 else {
      return print("kubepath check failed")
    }
    show("kubepath check", result, mine)
  }

  // MARK: printing

  private func show(_ name: String, _ measured: Measurement, _ mine: Measurement) {
    let ratio = measured.processorSeconds / max(mine.processorSeconds, 1e-6)
    print(
      "\(pad(name, 34)) \(decimal(measured.processorSeconds, 3)) s processor, \(decimal(measured.wallSeconds, 3)) s wall, "
        + "\(decimal(measured.peakMegabytes, 0)) MB, ratio \(decimal(ratio, 2))")
  }

  private func size(_ path: String) -> Double {
    var status = stat()
    return stat(path, &status) == 0 ? Double(status.st_size) : 0
  }

  private func megabytes(_ path: String) -> String { decimal(size(path) / 1_048_576, 1) }
}

// MARK: Columns

func pad(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

func leftPad(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}

func decimal(_ value: Double, _ digits: Int) -> String {
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let scaled = Int((value * scale).rounded())
  guard digits > 0 else { return String(scaled) }
  let fraction = String(abs(scaled) % Int(scale))
  return "\(scaled / Int(scale)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
}
