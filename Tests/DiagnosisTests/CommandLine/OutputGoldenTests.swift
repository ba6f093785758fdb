import Foundation
import Glibc
import Testing

/// What each command prints on terminals of 80 and 120 columns and in a pipe, and its help at 80. The texts stand in Golden/;
/// with GOLDEN=write in the environment they are written anew, to be looked at before they are committed.
@Suite struct OutputGoldenTests {
  struct Output: CustomTestStringConvertible, Sendable {
    var name: String
    var arguments: [String]
    var testDescription: String { name }
    init(_ name: String, _ line: String) {
      self.name = name
      arguments = line.split(separator: " ").map(String.init)
    }
  }

  /// For people: on terminals and in a pipe.
  static let texts = [
    Output("trace", "trace 10.96.12.34:80 --from 10.244.1.10 -s example"),
    Output("trace-wide", "trace 10.96.30.7:80 --from 10.244.1.10 -s example -o wide"),
    Output("trace-dropped", "trace 192.168.40.11:30080 --from 203.0.113.9 -s example"),
    Output("trace-names", "trace cart.shop.svc.cluster.local:http --from pod/shop/web-0 -s example"),
    Output("trace-try", "trace 10.96.40.9:443 --from 10.244.1.10 -s example --try sysctl"),
    Output("trace-journey", "trace svc/shop/cart:http --from pod/shop/web-0 -s example --round-trip"),
    Output("trace-flows", "trace --flows flows.ndjson -s example"),
    Output("why", "why svc/shop/search -s example"),
    Output("why-served", "why svc/shop/cart -s example"),
    Output("services", "services -s example"),
    Output("services-wide", "services svc/shop/cart -s example -o wide"),
    Output("check", "check -s example"),
    Output("check-service", "check svc/shop/search -s example"),
    Output("check-expect", "check -s example --only expectation-failed --expect expectations.yaml"),
    Output("check-node-ports", "check -s example --only no-local-endpoints-external --node-ports"),
    Output("capture", "capture drop.pcap"),
    Output("capture-two", "capture pmtu-ignored.pcap healthy-dns.pcap --top 3"),
    Output("capture-joined", "capture drop.pcap -s example --only syn-unanswered"),
    Output("explain", "explain forward-drop"),
    Output("explain-all", "explain"),
    Output("demo", "demo"),
    Output("wrong-name", "trace svc/shop/cartt --from local -s example"),
    Output("wrong-command", "chek -s example"),
    Output("wrong-finding", "explain forward-dorp"),
  ]
  /// For programs: in a pipe.
  static let pipes = [
    Output("trace-json", "trace 10.96.30.7:80 --from 10.244.1.10 -s example -o json"),
    Output("trace-yaml", "trace 10.96.30.7:80 --from 10.244.1.10 -s example -o yaml"),
    Output("trace-dot", "trace 10.96.30.7:80 --from 10.244.1.10 -s example -o dot"),
    Output("trace-flows-json", "trace --flows flows.ndjson -s example -o json --no-steps"),
    Output(
      "trace-journey-json", "trace svc/shop/cart:http --from pod/shop/web-0 -s example --round-trip -o json --no-steps"),
    Output("trace-try-json", "trace 10.96.40.9:443 --from 10.244.1.10 -s example --try sysctl -o json"),
    Output("why-json", "why svc/shop/search -s example -o json"),
    Output("services-yaml", "services svc/shop/cart -s example -o yaml"),
    Output("check-json", "check svc/shop/search -s example -o json"),
    Output("check-junit", "check -s example --only no-endpoints,no-route -o junit"),
    Output("capture-json", "capture drop.pcap -o json"),
    Output("explain-json", "explain forward-drop -o json"),
    Output("snapshot-script", "snapshot --script"),
    Output("graph", "graph -s example --from filter/KUBE-FORWARD"),
  ]

  @Test func onTerminalsAndInPipes() throws {
    let folder = try TerminalRun.example()
    defer { try? FileManager.default.removeItem(at: folder) }
    for output in Self.texts {
      for columns in [80, 120] {
        let result = try TerminalRun.run(Self.arguments(output), columns: columns, folder: folder)
        try Self.compare("\(output.name).\(columns)", result.output, result.status)
        // Nothing is broken in -o wide, and a flow is a line.
        guard !output.name.hasSuffix("-wide"), output.name != "trace-flows" else { continue }
        for line in result.output.split(separator: "\n") where line.count > columns {
          // What is copied stays whole: commands, filters, addresses, rules' own words.
          #expect(Self.isWhole(line, columns), "\(output.name) at \(columns): \(line)")
        }
      }
    }
    for output in Self.texts + Self.pipes {
      let result = try TerminalRun.run(Self.arguments(output), folder: folder)
      try Self.compare("\(output.name).pipe", result.output + result.errors, result.status)
      #expect(
        !result.output.contains("…") || output.name == "snapshot-script", "\(output.name): something is cut in a pipe")
      #expect(!result.output.contains("\u{1B}"), "\(output.name): colours in a pipe")
    }
  }

  private static func arguments(_ output: Output) -> [String] {
    output.arguments.map { $0 == "sysctl" ? "ip route replace 10.244.3.0/24 via 192.168.40.13" : $0 }
  }

  /// A line that is too long may only be one word behind its heading, or a command or filter.
  private static func isWhole(_ line: Substring, _ columns: Int) -> Bool {
    let words = line.split(separator: " ")
    if words.count <= 2 { return true }
    return [
      "kubectl", "kubepath", "ip ", "verify:", "filter:", "fix:", "Tried", "iptables", "nft", "tcpdump", "https:",
    ]
    .contains { line.contains($0) }
  }

  /// Help is read in terminals of 80 columns.
  @Test(arguments: ["", "why", "trace", "services", "check", "graph", "capture", "snapshot", "explain", "demo"])
  func help(_ command: String) throws {
    let result = try TerminalRun.run(
      command.isEmpty ? ["--help"] : [command, "--help"], columns: 80, environment: ["COLUMNS": "80", "NO_COLOR": "1"])
    try Self.compare("help\(command.isEmpty ? "" : "-\(command)")", result.output, result.status)
    for line in result.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
  }

  private static func compare(_ name: String, _ text: String, _ status: Int32) throws {
    let whole = text + "[exit \(status)]\n"
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name).txt")
    if getenv("GOLDEN").map({ String(cString: $0) }) == "write" {
      try FileManager.default.createDirectory(at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(whole.utf8).write(to: path)
    }
    let golden = try String(contentsOf: path, encoding: .utf8)
    #expect(golden == whole, "\(name) is not what its file in Golden/ says")
  }
}
