import Findings
import Intent
import Snapshot
import Wire

/// Entries of a node's connection table that hold UDP clients of one Service port where no endpoint answers: as long as
/// the client keeps sending from its port, no rule sees the flow again.
struct UnansweredUDP {
  /// Where an entry leads.
  enum Kind {
    /// To an address that is no endpoint of the Service (any more).
    case gone
    /// To the Service's own address: nothing translated its first packet.
    case untranslated
  }

  var node: NodeContext
  var service: Int
  var port: Int
  /// The first of them, and how many there are.
  var entry: ConnectionEntry
  var count = 1

  static func all(_ kind: Kind, _ context: CheckContext) -> [UnansweredUDP] {
    guard context.nodes.contains(where: { !($0.snapshot.connections ?? []).isEmpty }) else { return [] }
    let frontends = FrontendIndex(context.intent)
    return context.nodes.flatMap { node -> [UnansweredUDP] in
      // Without net.ipv4.vs.conntrack the entries of IPVS show no translation; Cilium has a table of its own.
      guard !node.isIPVS, (node.snapshot.ebpfFrontends ?? []).isEmpty else { return [] }
      let own = Set((node.snapshot.addresses ?? []).map(\.address))
      var found: [UnansweredUDP] = []
      for entry in node.snapshot.connections ?? [] where entry.ipProtocol == IPProtocol.udp.rawValue {
        let destination = entry.original.destination
        guard let owner = frontends.entry(at: destination, entry.original.destinationPort, .udp) else { continue }
        let service = context.intent.services[owner.service]
        let known = EndpointSelection(
          context.intent, service, service.ports[owner.port], destination.version, node: node.node
        ).known
        let leads = entry.reply.source
        // Who answered once may be gone since, if no Pod has its address any more.
        if !entry.unreplied {
          guard kind == .gone, !context.intent.isPartial, !context.intent.pods.isEmpty,
            context.intent.podOfAddress[leads] == nil
          else { continue }
        }
        switch kind {
        // A daemon of the node may answer at the address itself, as the node-local DNS cache does.
        case .untranslated: guard leads == destination, !own.contains(destination), !known.isEmpty else { continue }
        case .gone:
          guard leads != destination, !own.contains(leads), !known.contains(where: { $0.address == leads }) else {
            continue
          }
        }
        if let at = found.firstIndex(where: {
          $0.service == owner.service && $0.port == owner.port && $0.entry.reply.source == leads
        }) {
          found[at].count += 1
        } else {
          found.append(UnansweredUDP(node: node, service: owner.service, port: owner.port, entry: entry))
        }
      }
      return found
    }
  }

  func finding(_ id: String, _ context: CheckContext, problem: String, cause: String, reference: String) -> Finding {
    let service = context.intent.services[service]
    let target = entry.original
    // Those that lead there, and no others.
    let of: ShellCommand =
      "-p udp --orig-dst \(target.destination) --dport \(target.destinationPort) --reply-src \(entry.reply.source)"
    let flows = count == 1 ? "1 UDP flow" : "\(count) UDP flows"
    return Finding(
      id: id, severity: .warning, confidence: .likely,
      subject: context.subject(service, service.ports[port], node: node.name),
      problem: "\(flows) to \(service.portName(service.ports[port])) get\(count == 1 ? "s" : "") no answer: \(problem)",
      cause: cause,
      evidence: [
        Finding.Evidence(
          file: node.snapshot.fileName(entry.file), line: entry.line > 0 ? entry.line : nil,
          text:
            "udp \(target.source):\(target.sourcePort) → \(target.destination):\(target.destinationPort)\(entry.unreplied ? " [UNREPLIED]" : ""), led to \(entry.reply.source):\(entry.reply.sourcePort)"
        )
      ],
      fix: [.command("conntrack -D \(of)")], verify: ["conntrack -L \(of)"], reference: reference)
  }
}
