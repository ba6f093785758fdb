import Input
import Wire

/// Parses some lines of a file of flows; one thread's share.
final class FlowParser: @unchecked Sendable {
  private let file: SourceFile
  private let lines: ArraySlice<LineScanner.Line>
  /// In order. A flow without an id has an empty one.
  private(set) var flows: [Flow] = []
  private(set) var diagnostics = Diagnostics()

  private let needsFrom: Bool

  init(_ file: SourceFile, _ lines: ArraySlice<LineScanner.Line>, needsFrom: Bool = true) {
    self.file = file
    self.needsFrom = needsFrom
    self.lines = lines
  }

  /// Parses all lines as one array: one parse instead of one a line. Line by line only where that fails.
  func run() {
    flows.reserveCapacity(lines.count)
    var joined: [UInt8] = []
    joined.reserveCapacity(lines.reduce(2) { $0 + $1.text.count + 1 })
    for line in lines {
      joined.append(joined.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
      joined.append(contentsOf: line.text.bytes)
    }
    joined.append(UInt8(ascii: "]"))
    if let document = try? JSONDocument(SourceFile(name: file.name, contents: joined)),
      document.withRoot({ $0.count }) == lines.count
    {
      document.withRoot { root in
        for (value, line) in zip(root.elements, lines) { add(value, line) }
      }
      return
    }
    for line in lines {
      do throws(Diagnostic) {
        let document = try JSONDocument(SourceFile(name: file.name, contents: line.text.bytes))
        document.withRoot { add($0, line) }
      } catch {
        report(error.message, line)
      }
    }
  }

  private func add(_ value: JSONValue, _ line: LineScanner.Line) {
    do throws(Problem) {
      let flow = try Self.flow(value)
      guard !needsFrom || !flow.from.isEmpty else {
        throw Problem(message: "expected \"from\": an interface or \"local\"")
      }
      flows.append(flow)
    } catch {
      report(error.message, line)
    }
  }

  private func report(_ message: String, _ line: LineScanner.Line) {
    diagnostics.add(Diagnostic(.error, file: file.name, .line(line.number), message))
  }

  private struct Problem: Error {
    let message: String
  }

  private static func flow(_ value: JSONValue) throws(Problem) -> Flow {
    guard value.isObject else {
      throw Problem(message: "expected an object with protocol, source, destination and from")
    }
    var ipProtocol: IPProtocol?
    var source: IPAddress?
    var destination: IPAddress?
    var (node, pod, enters): (String?, String?, String?) = (nil, nil, nil)
    var flow = Flow(ipProtocol: .tcp, source: IPAddress(v4: 0), destination: IPAddress(v4: 0), from: "")
    for (name, value) in value.members where !value.isNull {
      switch name {
      case "protocol":
        ipProtocol =
          value.text.flatMap { IPProtocol(parsing: $0.bytes) }
          ?? value.int.flatMap { UInt8(exactly: $0) }.map { IPProtocol(rawValue: $0) }
      case "source": source = value.text.flatMap { IPAddress(parsing: $0.bytes) }
      case "destination": destination = value.text.flatMap { IPAddress(parsing: $0.bytes) }
      case "from": flow.from = value.string ?? ""
      case "id": flow.id = value.string ?? value.int.map(String.init) ?? ""
      case "sourcePort": flow.sourcePort = try number(value, name)
      case "destinationPort": flow.destinationPort = try number(value, name)
      case "icmpType": flow.icmpType = try number(value, name)
      case "icmpCode": flow.icmpCode = try number(value, name)
      case "length": flow.length = try number(value, name)
      case "mark": flow.mark = try number(value, name)
      case "tcpFlags": flow.tcpFlags = try number(value, name)
      case "uid": flow.uid = try number(value, name)
      case "gid": flow.gid = try number(value, name)
      case "node": node = value.string
      case "pod": pod = value.string
      case "enters": enters = value.string
      case "dontFragment": flow.dontFragment = value.bool
      default: continue
      }
    }
    guard let ipProtocol else { throw Problem(message: "expected \"protocol\": a name such as tcp, or a number") }
    guard let source else { throw Problem(message: "expected \"source\": an IP address") }
    guard let destination else { throw Problem(message: "expected \"destination\": an IP address") }
    guard source.version == destination.version else {
      throw Problem(message: "source and destination are of different IP versions")
    }
    if node != nil || pod != nil || enters != nil {
      flow.origin = FlowOrigin(node: node, pod: pod, enters: enters)
      if flow.from.isEmpty, enters == nil { flow.from = Flow.local }
    }
    flow.ipProtocol = ipProtocol
    flow.source = source
    flow.destination = destination
    return flow
  }

  private static func number<T: FixedWidthInteger>(_ value: JSONValue, _ name: JSONText) throws(Problem) -> T {
    guard let number = value.int, let fits = T(exactly: number) else {
      throw Problem(message: "\"\(name.string)\" must be a whole number from 0 to \(T.max)")
    }
    return fits
  }
}
