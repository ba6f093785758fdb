import PacketPath
import Ruleset
import Snapshot

/// Graphviz text of rule graphs and of traced paths.
public enum GraphDOT {
  /// Chains as nodes, jumps as edges with how many rules make them. `from`: only what is reachable from chains of that
  /// name (in any table, or `table/chain`).
  public static func rules(_ ruleset: Ruleset, from: String? = nil) -> String? {
    var edges: [UInt32: [UInt32: Int]] = [:]
    var gotos: Set<UInt64> = []
    for rule in ruleset.rules {
      for clause in ruleset.clauses(of: rule) {
        guard case .statement(let statement) = clause else { continue }
        var targets: [ChainID] = []
        switch statement {
        case .jump(let chain): targets = [chain]
        case .goto(let chain):
          targets = [chain]
          gotos.insert(UInt64(rule.chain.index) << 32 | UInt64(chain.index))
        case .verdictMap(let id):
          if case .verdicts(let verdicts) = ruleset.sets[Int(ruleset.lookups[Int(id.index)].set.index)].data {
            for verdict in verdicts {
              switch verdict {
              case .jump(let chain), .goto(let chain): targets.append(chain)
              default: continue
              }
            }
          }
        default: continue
        }
        for target in targets { edges[rule.chain.index, default: [:]][target.index, default: 0] += 1 }
      }
    }
    var wanted = Set(ruleset.chains.indices.map { UInt32($0) })
    if let from {
      var queue = ruleset.chains.indices.filter { index in
        let chain = ruleset.chains[index]
        let name = ruleset.names[chain.name]
        return name == from || "\(ruleset[chain.table].name)/\(name)" == from
      }.map { UInt32($0) }
      guard !queue.isEmpty else { return nil }
      wanted = Set(queue)
      while let chain = queue.popLast() {
        for target in edges[chain, default: [:]].keys where wanted.insert(target).inserted { queue.append(target) }
      }
    }
    var out =
      "digraph rules {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n  edge [fontsize=9];\n"
    for (number, table) in ruleset.tables.enumerated() where !table.dormant {
      let members = ruleset.chains.indices.filter {
        Int(ruleset.chains[$0].table.index) == number && wanted.contains(UInt32($0))
      }
      guard !members.isEmpty else { continue }
      out +=
        "  subgraph cluster_\(number) {\n    label=\(quoted("\(table.family.rawValue) \(table.name)"));\n    style=rounded; color=gray;\n"
      for index in members {
        let chain = ruleset.chains[index]
        var label = ruleset.names[chain.name] + "\n\(chain.ruleCount) rule\(chain.ruleCount == 1 ? "" : "s")"
        var attributes = ""
        if let base = ruleset.base(of: ChainID(index)) {
          label += "\n\(base.hook.rawValue) \(base.priority), policy \(base.policyDrops ? "drop" : "accept")"
          attributes = base.policyDrops ? ", style=bold, color=red" : ", style=bold"
        } else if !chain.isDefined {
          label += "\nmissing"
          attributes = ", style=dashed, color=red"
        }
        out += "    c\(index) [label=\(quoted(label))\(attributes)];\n"
      }
      out += "  }\n"
    }
    for source in edges.keys.sorted() where wanted.contains(source) {
      for (target, count) in edges[source]!.sorted(by: { $0.key < $1.key }) {
        let dashed = gotos.contains(UInt64(source) << 32 | UInt64(target)) ? ", style=dashed" : ""
        out += "  c\(source) -> c\(target) [label=\"\(count > 1 ? "\(count)" : "")\"\(dashed)];\n"
      }
    }
    return out + "}\n"
  }

  /// The paths of a trace: hooks and chains that were met, endings with their probability.
  public static func trace(_ trace: Trace, _ ruleset: Ruleset) -> String {
    var out =
      "digraph trace {\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n  edge [fontsize=9];\n"
    out +=
      "  start [shape=oval, label=\(quoted("\(trace.flow.ipProtocol) \(trace.flow.source):\(trace.flow.sourcePort)\n→ \(trace.flow.destination):\(trace.flow.destinationPort)\n\(trace.flow.from)"))];\n"
    var nodes: [Step: Int] = [:]
    var weights: [String: Double] = [:]
    for (number, outcome) in trace.outcomes.prefix(200).enumerated() {
      var last = "start"
      for step in outcome.steps {
        let id: String
        if let known = nodes[step] {
          id = "s\(known)"
        } else {
          nodes[step] = nodes.count
          id = "s\(nodes.count - 1)"
          let chain = ruleset[step.chain]
          let what = step.rule == nil ? "policy" : "rule \(step.position)"
          out +=
            "  \(id) [label=\(quoted("\(step.hook.rawValue)\n\(ruleset[chain.table].name) \(ruleset.names[chain.name]) \(what)\n\(StepWord.text(step, ruleset))"))];\n"
        }
        weights["\(last) -> \(id)", default: 0] += outcome.probability
        last = id
      }
      let good = outcome.verdict == .forward || outcome.verdict == .deliver
      let reason =
        outcome.rejectWith ?? outcome.reason.map { "\($0)" }
        ?? (good
          ? "\(outcome.destination):\(outcome.destinationPort)\(outcome.outInterface.map { " \($0)" } ?? "")" : "")
      out +=
        "  e\(number) [shape=oval, color=\(good ? "darkgreen" : "red"), label=\(quoted("\(outcome.verdict.rawValue) \(percent(outcome.probability))\n\(reason)"))];\n"
      weights["\(last) -> e\(number)", default: 0] += outcome.probability
    }
    for (edge, weight) in weights.sorted(by: { $0.key < $1.key }) {
      out += "  \(edge) [label=\"\(weight > 0.9999 ? "" : percent(weight))\"];\n"
    }
    return out + "}\n"
  }

  /// A DOT string: quotes and backslashes escaped, control characters made visible; newlines become line breaks.
  static func quoted(_ text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { printable(String($0)) }
    let escaped = lines.map { $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") }
    return "\"" + escaped.joined(separator: "\\n") + "\""
  }
}
