import Findings
import PacketPath
import ServiceMap
import Snapshot
import Wire

extension NoRoute {
  /// What no lookup by destination alone shows: routing rules send packets by their source, mark or interface to a table
  /// that refuses them. One finding for each route that does.
  static func traced(_ context: CheckContext) -> [Finding] {
    var entries: [(loss: Losses.Entry, frontends: Set<Frontend>)] = []
    for entry in Losses.collect(context, where: { loss, _ in Losses.kernelReason(loss) == "route" }) {
      let target = entry.loss.translatedTo!.address
      switch NodeRoutes(entry.node.snapshot).route(to: target) {
      case .none, .refused: if context.intent.pods.contains(where: { $0.addresses.contains(target) }) { continue }
      case .unknown, .route: break
      }
      if let known = entries.firstIndex(where: {
        $0.loss.node.name == entry.node.name && $0.loss.loss.route == entry.loss.route
      }) {
        entries[known].frontends.formUnion(entry.frontends)
      } else {
        entries.append((entry, entry.frontends))
      }
    }
    return entries.map { finding($0.loss, $0.frontends.count) }
  }

  private static func finding(_ entry: Losses.Entry, _ count: Int) -> Finding {
    let node = entry.node
    let endpoint = entry.loss.translatedTo!
    let tool = endpoint.address.version == .v4 ? "ip" : "ip -6"
    let route = entry.loss.route
    let standard = [Route.TableNumber.local, Route.TableNumber.main, Route.TableNumber.default]
    let isPolicy = route.map { !standard.contains($0.table) } ?? false
    let rules = (node.snapshot.routingRules ?? []).filter {
      isPolicy && $0.version == endpoint.address.version && $0.action == .lookup(route!.table)
    }
    return Finding(
      id: id, severity: .error, confidence: entry.confidence, subject: node.subject,
      problem:
        "\(node.name) does not route packets of \(count) Service frontend\(count == 1 ? "" : "s"), e.g. \(entry.example)",
      cause: (entry.loss.reason.map { "\($0)" } ?? "no route")
        + (isPolicy ? " ← a routing rule sends these packets to table \(route!.table)" : ""),
      evidence: evidence(route, rules, node.snapshot),
      fix: [
        .advice(
          isPolicy
            ? "find what added the rule and the route, and delete or correct them there: \(tool) rule; \(tool) route show table \(route!.table)"
            : "see the log of the network plugin's agent on \(node.name), which should have made a route to \(endpoint.address)"
        )
      ], verify: ["\(tool) route get \(endpoint.address) from POD-ADDRESS iif POD-INTERFACE"])
  }

  private static func evidence(_ route: Route?, _ rules: [RoutingRule], _ snapshot: Snapshot) -> [Finding.Evidence] {
    let route = route.map {
      Finding.Evidence(
        file: snapshot.fileName($0.file), line: $0.line > 0 ? $0.line : nil,
        text: "\($0.type) \($0.destination) in table \($0.table)")
    }
    return [route].compactMap { $0 }
      + rules.prefix(3).map {
        Finding.Evidence(
          file: snapshot.fileName($0.file), line: $0.line > 0 ? $0.line : nil,
          text: text($0))
      }
  }

  /// As `ip rule` prints it, the usual selectors alone.
  private static func text(_ rule: RoutingRule) -> String {
    var words = ["\(rule.priority):", rule.inverted ? "not from" : "from", rule.from.map { "\($0)" } ?? "all"]
    if let to = rule.to { words.append("to \(to)") }
    if let mark = rule.mark { words.append("fwmark 0x\(String(mark, radix: 16))") }
    if let name = rule.inputInterface { words.append("iif \(printable(name))") }
    if case .lookup(let table) = rule.action { words.append("lookup \(table)") }
    return words.joined(separator: " ")
  }
}
