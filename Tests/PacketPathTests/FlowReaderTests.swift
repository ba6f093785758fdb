import Input
import PacketPath
import Testing
import Wire

@Suite("Flows are read line by line; a bad line costs only itself")
struct FlowReaderTests {
  private func read(_ text: String, threads: Int) -> (flows: [Flow], messages: [String], calls: Int) {
    var reader = FlowReader(SourceFile(name: "flows", text: text), threads: threads)
    var diagnostics = Diagnostics()
    var flows: [Flow] = []
    var calls = 0
    while let some = reader.next(&diagnostics) {
      flows += some
      calls += 1
    }
    return (flows, diagnostics.list.map { "\($0)" }, calls)
  }

  private func line(_ number: Int) -> String {
    #"{"id": "n\#(number)", "protocol": "udp", "source": "10.0.0.1", "sourcePort": \#(number % 65536), "#
      + #""destination": "10.96.0.10", "destinationPort": 53, "from": "eth0"}"#
  }

  @Test("Order, ids and line numbers do not depend on the number of threads", arguments: [1, 2, 5])
  func order(threads: Int) {
    var lines = (0..<20_000).map(line)
    lines[9_000] = "not JSON"
    lines[12_345] = ""
    lines[15_000] = #"{"protocol": "tcp", "source": "10.0.0.1", "destination": "fd00::1", "from": "eth0"}"#
    let result = read(lines.joined(separator: "\n"), threads: threads)
    let expected = (0..<20_000).filter { ![9_000, 12_345, 15_000].contains($0) }.map { "n\($0)" }
    #expect(result.flows.map(\.id) == expected)
    #expect(result.flows.allSatisfy { $0.ipProtocol == .udp && $0.destinationPort == 53 && $0.from == "eth0" })
    #expect(result.messages.count == 2)
    #expect(result.messages[0].hasPrefix("flows:9001: "))
    #expect(
      result.messages[1] == "flows:15001: source and destination are of different IP versions")
    #expect(result.calls > 1, "a large file is read in parts")
  }

  @Test("Every member of a flow is read; a missing id is the flow's number")
  func members() throws {
    let result = read(
      #"{"protocol": 1, "source": "10.0.0.1", "destination": "10.0.0.2", "from": "local", "icmpType": 8, "icmpCode": 0,"#
        + #" "length": 84, "mark": 16384, "tcpFlags": 2, "uid": 0, "dontFragment": true, "unknown": [1]}"# + "\n"
        + #"{"id": 7, "protocol": "tcp", "source": "fd00::1", "destination": "fd00::2", "from": "cni0", "mark": null}"#,
      threads: 2)
    #expect(result.messages == [])
    let first = try #require(result.flows.first)
    #expect(first.id == "f1" && first.ipProtocol == .icmp && first.isLocal)
    #expect(first.icmpType == 8 && first.icmpCode == 0 && first.length == 84 && first.mark == 16384)
    #expect(first.tcpFlags == 2 && first.uid == 0 && first.dontFragment == true)
    #expect(result.flows.last?.id == "7" && result.flows.last?.version == .v6 && result.flows.last?.mark == nil)
  }

  @Test(
    "What is wrong with a line is said",
    arguments: [
      ("[1]", "expected an object with protocol, source, destination and from"),
      (#"{"source": "10.0.0.1"}"#, #"expected "protocol": a name such as tcp, or a number"#),
      (#"{"protocol": "tcp", "source": "10.0.0.256"}"#, #"expected "source": an IP address"#),
      (
        #"{"protocol": "tcp", "source": "10.0.0.1", "destination": "10.0.0.2"}"#,
        #"expected "from": an interface or "local""#
      ),
      (
        #"{"protocol": "tcp", "source": "10.0.0.1", "destination": "10.0.0.2", "from": "eth0", "sourcePort": 70000}"#,
        #""sourcePort" must be a whole number from 0 to 65535"#
      ),
    ])
  func problems(text: String, message: String) {
    let result = read(line(1) + "\n" + text + "\n" + line(2), threads: 1)
    #expect(result.flows.map(\.id) == ["n1", "n2"])
    #expect(result.messages == ["flows:2: \(message)"])
  }

  @Test("An empty file has no flows")
  func empty() { #expect(read("\n \n", threads: 3).flows.isEmpty) }
}
