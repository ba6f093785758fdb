import Findings
import ServiceMap
import Snapshot
import Wire

/// How nodes answer at NodePorts, as a table and as JSON.
public enum NodePortsText {
  public static func render(_ answers: [NodePortAnswer], style: Style, top: Int? = nil) -> String {
    guard !answers.isEmpty else { return "No Service has a NodePort on a node of the snapshot.\n" }
    var table = Columns(
      [
        "SERVICE", "NODEPORT", "NODE", "OUTSIDE", "PODS", "NODE ITSELF", "LOCALHOST", "CLIENT ADDRESS", "HEALTH CHECK",
        "SOURCE RANGES", "PORT",
      ], [.name, .whole, .name])
    for answer in answers.prefix(top ?? .max) {
      table.add([
        printable(answer.service), "\(EndpointText.text(answer.address, answer.port))/\(answer.ipProtocol)",
        printable(answer.node),
        answer.outside.rawValue, answer.fromPod?.rawValue ?? "?", answer.fromNode?.rawValue ?? "?",
        answer.localhost.rawValue,
        answer.keepsClientAddress.map { $0 ? "kept" : "rewritten" } ?? "-", health(answer),
        answer.sourceRangesKept.map { $0 ? "kept" : "ignored" } ?? "-", port(answer),
      ])
    }
    let left = answers.count - min(answers.count, top ?? .max)
    return (table.lines(style.width) + (left > 0 ? ["… and \(left) more (--top)"] : [])).joined(separator: "\n") + "\n"
  }

  private static func health(_ answer: NodePortAnswer) -> String {
    guard answer.healthCheckPort != 0 else { return "-" }
    if answer.healthCheckAccepted == false { return "\(answer.healthCheckPort) closed" }
    switch answer.healthCheckListening {
    case true?: return "\(answer.healthCheckPort) open"
    case false?: return "\(answer.healthCheckPort) nobody listens"
    case nil: return "\(answer.healthCheckPort) let in"
    }
  }

  private static func port(_ answer: NodePortAnswer) -> String {
    var notes: [String] = []
    if let holder = answer.heldBy { notes.append("held by \(printable(holder))") }
    if answer.inEphemeralRange == true { notes.append("in the ephemeral range") }
    return notes.isEmpty ? (answer.inEphemeralRange == nil ? "?" : "free") : notes.joined(separator: ", ")
  }

  /// An array of objects; a field that is not known is null.
  public static func write(_ answers: [NodePortAnswer], to json: inout JSONWriter) {
    json.beginArray()
    for answer in answers {
      json.beginObject()
      json.key("node")
      json.string(answer.node)
      json.key("service")
      json.string(answer.service)
      json.key("address")
      json.address(answer.address)
      json.key("nodePort")
      json.number(answer.port)
      json.key("protocol")
      json.string(answer.ipProtocol.description)
      for (name, result) in [
        ("fromOutside", answer.outside), ("fromPod", answer.fromPod), ("fromNode", answer.fromNode),
        ("fromLocalhost", answer.localhost),
      ] {
        json.key(name)
        if let result { json.string(result.rawValue) } else { json.null() }
      }
      if answer.healthCheckPort != 0 {
        json.key("healthCheckNodePort")
        json.number(answer.healthCheckPort)
      }
      for (name, flag) in [
        ("keepsClientAddress", answer.keepsClientAddress), ("healthCheckAccepted", answer.healthCheckAccepted),
        ("healthCheckListening", answer.healthCheckListening), ("sourceRangesKept", answer.sourceRangesKept),
        ("inEphemeralRange", answer.inEphemeralRange),
      ] {
        json.key(name)
        if let flag { json.bool(flag) } else { json.null() }
      }
      json.key("heldBy")
      if let holder = answer.heldBy { json.string(holder) } else { json.null() }
      json.endObject()
    }
    json.endArray()
  }
}
