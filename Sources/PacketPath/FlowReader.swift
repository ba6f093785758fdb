import Input
import Snapshot
import Wire

/// Reads flows as the JSON contract has them, one object a line.
public enum FlowReader {
  /// Flows in input order; each bad line is a diagnostic and is left out.
  public static func read(_ file: SourceFile, _ diagnostics: inout Diagnostics) -> [Flow] {
    // All lines as one array: one parse instead of one a line. Line by line only where that fails.
    var joined: [UInt8] = [UInt8(ascii: "[")]
    joined.reserveCapacity(file.bytes.count + 2)
    var lines: [Int] = []
    var number = 0
    forEachLine(file) { line in
      number += 1
      guard line.contains(where: { $0 > 0x20 }) else { return }
      if !lines.isEmpty { joined.append(UInt8(ascii: ",")) }
      joined.append(contentsOf: line)
      lines.append(number)
    }
    joined.append(UInt8(ascii: "]"))
    var flows: [Flow] = []
    flows.reserveCapacity(lines.count)
    if let document = try? JSONDocument(SourceFile(name: file.name, contents: joined)),
      document.withRoot({ $0.count }) == lines.count
    {
      document.withRoot { root in
        for (value, line) in zip(root.elements, lines) { add(value, line, file, &flows, &diagnostics) }
      }
      return flows
    }
    number = 0
    forEachLine(file) { line in
      number += 1
      guard line.contains(where: { $0 > 0x20 }) else { return }
      do throws(Diagnostic) {
        let document = try JSONDocument(SourceFile(name: file.name, contents: line))
        document.withRoot { add($0, number, file, &flows, &diagnostics) }
      } catch {
        diagnostics.add(Diagnostic(.error, file: file.name, .line(number), error.message))
      }
    }
    return flows
  }

  private static func forEachLine(_ file: SourceFile, _ body: (UnsafeRawBufferPointer) -> Void) {
    var at = 0
    while at < file.bytes.count {
      let end = file.bytes[at...].firstIndex(of: 10) ?? file.bytes.count
      body(UnsafeRawBufferPointer(rebasing: file.bytes[at..<end]))
      at = end + 1
    }
  }

  private static func add(
    _ value: JSONValue, _ line: Int, _ file: SourceFile, _ flows: inout [Flow], _ diagnostics: inout Diagnostics
  ) {
    do throws(Problem) {
      flows.append(try flow(value, position: flows.count + 1))
    } catch {
      diagnostics.add(Diagnostic(.error, file: file.name, .line(line), error.message))
    }
  }

  struct Problem: Error {
    let message: String
  }

  static func flow(_ value: JSONValue, position: Int) throws(Problem) -> Flow {
    guard value.isObject else {
      throw Problem(message: "expected an object with protocol, source, destination and from")
    }
    guard
      let proto = value["protocol"]?.string.flatMap({ IPProtocol($0) })
        ?? value["protocol"]?.int.flatMap({ UInt8(exactly: $0) }).map({ IPProtocol(rawValue: $0) })
    else { throw Problem(message: "expected \"protocol\": a name such as tcp, or a number") }
    guard let source = value["source"]?.string.flatMap({ IPAddress($0) }) else {
      throw Problem(message: "expected \"source\": an IP address")
    }
    guard let destination = value["destination"]?.string.flatMap({ IPAddress($0) }) else {
      throw Problem(message: "expected \"destination\": an IP address")
    }
    guard source.version == destination.version else {
      throw Problem(message: "source and destination are of different IP versions")
    }
    guard let from = value["from"]?.string, !from.isEmpty else {
      throw Problem(message: "expected \"from\": an interface or \"local\"")
    }
    var flow = Flow(ipProtocol: proto, source: source, destination: destination, from: from)
    flow.id = value["id"]?.string ?? value["id"]?.int.map(String.init) ?? "f\(position)"
    flow.sourcePort = try number(value, "sourcePort") ?? 0
    flow.destinationPort = try number(value, "destinationPort") ?? 0
    flow.icmpType = try number(value, "icmpType")
    flow.icmpCode = try number(value, "icmpCode")
    flow.length = try number(value, "length")
    flow.mark = try number(value, "mark")
    flow.tcpFlags = try number(value, "tcpFlags")
    flow.uid = try number(value, "uid")
    flow.dontFragment = value["dontFragment"]?.bool
    return flow
  }

  private static func number<T: FixedWidthInteger>(_ value: JSONValue, _ name: StaticString) throws(Problem) -> T? {
    guard let member = value[name], !member.isNull else { return nil }
    guard let number = member.int, let fits = T(exactly: number) else {
      throw Problem(message: "\"\(name)\" must be a whole number from 0 to \(T.max)")
    }
    return fits
  }
}
