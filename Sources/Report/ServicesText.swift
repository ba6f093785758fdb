import Findings
import PacketPath
import Ruleset
import ServiceMap
import Snapshot
import Wire

/// The service map as a table, and as JSON.
public enum ServicesText {
  public static func render(_ map: ServiceMap, node: String, style: Style, wide: Bool, top: Int? = nil) -> String {
    if map.entries.isEmpty { return "No rule of node \(printable(node)) serves a frontend.\n" }
    var table = Columns(
      ["SERVICE", "FRONTEND", "PODS", "NODE", "OUTSIDE", "ENDPOINTS"]
        + (wide
          ? ["TRAFFIC POLICY", "AFFINITY", "SOURCE RANGES", "SOURCE NAT OUTSIDE", "SOURCE NAT NODE", "SHARES"] : []),
      [.name, .whole, .whole, .whole, .whole, .list])
    let style = wide ? style.unlimited : style
    // On a terminal a few endpoints tell enough.
    let shown = style.width == nil ? Int.max : 4
    for entry in map.entries.prefix(top ?? .max) {
      let endpoints = entry.endpoints
      let list = endpoints.prefix(shown).map { "\($0.backend)" }.joined(separator: ",")
      var row = [
        entry.service.map { printable($0) } ?? foreign(entry) ?? "-", FrontendText.text(entry.frontend),
        entry.answers.pod?.rawValue ?? "?", entry.answers.node?.rawValue ?? "?", entry.answers.outside?.rawValue ?? "?",
        list.isEmpty ? "<none>" : endpoints.count > shown ? "\(list), + \(endpoints.count - shown) more" : list,
      ]
      if wide {
        row.append(entry.policy.traffic?.rawValue ?? "-")
        row.append(entry.policy.affinity.map { $0 == 0 ? "for ever" : "\($0) s" } ?? "-")
        let ranges = entry.policy.sourceRanges.map { "\($0)" }.joined(separator: ",")
        row.append(ranges.isEmpty ? "-" : ranges)
        row.append(masquerade(entry.outside))
        row.append(masquerade(entry.node))
        let shares = endpoints.map { percent($0.share) }.joined(separator: ",")
        row.append(shares.isEmpty ? "-" : shares)
      }
      table.add(row)
    }
    let left = map.entries.count - min(map.entries.count, top ?? .max)
    return (table.lines(style.width) + (left > 0 ? ["… and \(left) more (--top)"] : [])).joined(separator: "\n") + "\n"
  }

  /// Of a frontend that no Service proxy serves: whose rule it is.
  private static func foreign(_ entry: ServiceMap.Entry) -> String? {
    guard let owner = entry.owner, owner != .kubeProxy else { return nil }
    return "(\(owner.rawValue))"
  }

  private static func masquerade(_ reach: Reach) -> String {
    // Cilium's tables do not tell what becomes of the client's address.
    if case .ebpf = reach.balancer { return "?" }
    return reach.translated == 0
      ? "-" : reach.masqueraded == 0 ? "kept" : reach.masqueraded >= reach.translated - 1e-9 ? "yes" : "part"
  }

  public static func json(_ map: ServiceMap, node: String) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.key("node")
    json.string(node)
    json.key("services")
    json.beginArray()
    for entry in map.entries {
      json.beginObject()
      json.key("service")
      if let name = entry.service { json.string(name) } else { json.null() }
      json.key("kind")
      json.string(entry.frontend.kind.rawValue)
      json.key("address")
      json.address(entry.frontend.address)
      json.key("port")
      json.number(entry.frontend.port)
      json.key("protocol")
      json.string(entry.frontend.ipProtocol.description)
      json.key("state")
      json.string(entry.state.rawValue)
      json.key("answers")
      json.beginObject()
      for (name, answer) in [
        ("pods", entry.answers.pod), ("node", entry.answers.node), ("outside", entry.answers.outside),
      ] {
        json.key(name)
        if let answer { json.string(answer.rawValue) } else { json.null() }
      }
      json.endObject()
      if let owner = entry.owner {
        json.key("owner")
        json.string(owner.rawValue)
      }
      if let traffic = entry.policy.traffic {
        json.key("trafficPolicy")
        json.string(traffic.rawValue)
      }
      if !entry.policy.sourceRanges.isEmpty {
        json.key("sourceRanges")
        json.beginArray()
        for range in entry.policy.sourceRanges { json.string("\(range)") }
        json.endArray()
      }
      if let affinity = entry.policy.affinity {
        json.key("affinitySeconds")
        json.number(affinity)
      }
      if let scheduler = entry.scheduler {
        json.key("scheduler")
        json.string(scheduler)
      }
      json.key("masqueradedFromOutside")
      json.number(entry.outside.masqueraded)
      json.key("masqueradedFromNode")
      json.number(entry.node.masqueraded)
      json.key("endpoints")
      json.beginArray()
      for endpoint in entry.endpoints {
        json.beginObject()
        json.key("address")
        json.address(endpoint.backend.address)
        json.key("port")
        json.number(endpoint.backend.port)
        json.key("probability")
        json.number(endpoint.share)
        json.endObject()
      }
      json.endArray()
      json.endObject()
    }
    json.endArray()
    json.endObject()
    json.newline()
    return json.bytes
  }
}
