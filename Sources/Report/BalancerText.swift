import PacketPath
import Ruleset
import Snapshot
import Wire

/// What a virtual server or a table of Cilium did with a flow, in words and in JSON.
struct BalancerText {
  /// `10.96.0.10:80/tcp`, or `mark 7`.
  var frontend: String
  /// `rr → 3 real servers`, `ClusterIP → 2 backends`.
  var choice: String
  /// Where it stands: `ipvsadm-Sn.txt:12`; empty: the running kernel.
  var file: String?
  var line: Int
  /// Of the real server that was picked; nil: none was.
  var endpointLine: Int?
  var isIPVS: Bool

  init?(_ outcome: Outcome, _ snapshot: Snapshot) {
    switch outcome.balancer {
    case nil: return nil
    case .virtualServer(let index, let real):
      let server = snapshot.virtualServers![index]
      isIPVS = true
      frontend =
        server.firewallMark.map { "mark \($0)" }
        ?? Self.socket(server.address, server.port, IPProtocol(rawValue: server.ipProtocol))
      let usable = server.realServers.count { $0.weight > 0 }
      choice = "\(printable(server.scheduler)) → \(Self.count(usable, "real server"))"
      if let seconds = server.persistence { choice += ", kept for \(seconds) s" }
      if let real, server.realServers[real].forwarding != .masquerade {
        choice += server.realServers[real].forwarding == .route ? ", routed" : ", by IPIP tunnel"
      }
      file = Self.name(server.file, snapshot)
      line = server.line
      endpointLine = real.map { server.realServers[$0].line }
    case .ebpf(let index, _):
      let entry = snapshot.ebpfFrontends![index]
      isIPVS = false
      frontend = Self.socket(entry.address, entry.port, entry.ipProtocol)
      choice = "\(printable(entry.kind)) → \(Self.count(entry.usable.count, "backend"))"
      file = Self.name(entry.file, snapshot)
      line = entry.line
    }
  }

  var place: String {
    guard let file else { return "" }
    let base = printable(file.split(separator: "/").last.map(String.init) ?? file)
    return line > 0 ? "\(base):\(line)" : base
  }

  func write(to json: inout JSONWriter) {
    json.beginObject()
    json.key("kind")
    json.string(isIPVS ? "ipvs" : "ebpf")
    json.key("frontend")
    json.string(frontend)
    json.key("choice")
    json.string(choice)
    if let file {
      json.key("file")
      json.string(file)
    }
    if line > 0 {
      json.key("line")
      json.number(line)
    }
    if let endpointLine, endpointLine > 0 {
      json.key("endpointLine")
      json.number(endpointLine)
    }
    json.endObject()
  }

  private static func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }

  private static func name(_ file: UInt32, _ snapshot: Snapshot) -> String? {
    let files = snapshot.ruleset.files
    return Int(file) < files.count && !files[Int(file)].name.isEmpty ? files[Int(file)].name : nil
  }

  private static func socket(_ address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol?) -> String {
    let host = address.version == .v6 ? "[\(address)]" : "\(address)"
    return "\(host):\(port)" + (ipProtocol.map { "/\($0)" } ?? "")
  }
}
