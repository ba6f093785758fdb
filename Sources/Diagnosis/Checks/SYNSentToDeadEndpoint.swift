import Findings
import Intent
import Snapshot
import Wire

/// A client that dials again from the same port follows the entry that its first SYN made, to an endpoint that is gone.
enum SYNSentToDeadEndpoint: Check {
  static let id = "syn-sent-to-dead-endpoint"

  static func run(_ context: CheckContext) -> [Finding] {
    guard !context.intent.isPartial, context.nodes.contains(where: { !($0.snapshot.connections ?? []).isEmpty }) else {
      return []
    }
    let frontends = FrontendIndex(context.intent)
    return context.nodes.flatMap { check($0, frontends, context) }
  }

  private static func check(_ node: NodeContext, _ frontends: FrontendIndex, _ context: CheckContext) -> [Finding] {
    guard !node.isIPVS, (node.snapshot.ebpfFrontends ?? []).isEmpty else { return [] }
    var found: [(service: Int, port: Int, entry: ConnectionEntry, count: Int)] = []
    for entry in node.snapshot.connections ?? []
    where entry.ipProtocol == 6 && entry.unreplied && entry.state == "SYN_SENT" {
      let (dialled, leads) = (entry.original.destination, entry.reply.source)
      guard leads != dialled, let owner = frontends.entry(at: dialled, entry.original.destinationPort, .tcp),
        context.intent.podOfAddress[leads] == nil, context.intent.owner(of: leads) == nil
      else { continue }
      let service = context.intent.services[owner.service]
      let known = EndpointSelection(
        context.intent, service, service.ports[owner.port], dialled.version, node: node.node
      ).known
      guard !known.contains(where: { $0.address == leads }) else { continue }
      if let at = found.firstIndex(where: { $0.service == owner.service && $0.port == owner.port }) {
        found[at].count += 1
      } else {
        found.append((owner.service, owner.port, entry, 1))
      }
    }
    return found.map { hit in
      let service = context.intent.services[hit.service]
      let (dialled, leads) = (hit.entry.original, hit.entry.reply.source)
      let of: ShellCommand =
        "-p tcp --orig-dst \(dialled.destination) --dport \(dialled.destinationPort) --state SYN_SENT"
      return Finding(
        id: id, severity: .warning, confidence: .likely,
        subject: context.subject(service, service.ports[hit.port], node: node.name),
        problem:
          "\(hit.count == 1 ? "a client" : "\(hit.count) clients") of \(service.portName(service.ports[hit.port])) on \(node.name) dial\(hit.count == 1 ? "s" : "") \(leads), which is gone",
        cause:
          "\(leads) is no endpoint of the Service, and no Pod has it ← a SYN from the same port follows the entry of the first, which no rule sees again",
        evidence: [
          Finding.Evidence(
            file: node.snapshot.fileName(hit.entry.file), line: hit.entry.line > 0 ? hit.entry.line : nil,
            text:
              "tcp SYN_SENT \(dialled.source):\(dialled.sourcePort) → \(dialled.destination):\(dialled.destinationPort) [UNREPLIED], led to \(leads):\(hit.entry.reply.sourcePort)"
          )
        ],
        fix: [.command("conntrack -D \(of)")], verify: ["conntrack -L \(of)"],
        reference: "kubernetes/kubernetes#101607")
    }
  }
}
