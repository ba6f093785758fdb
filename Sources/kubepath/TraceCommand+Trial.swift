import ArgumentParser
import Diagnosis
import Input
import Intent
import PacketPath
import Report
import Snapshot

// `--try`: the question before and after, and what else changes.
extension TraceCommand {
  /// True: a flow fails after all.
  func traceTrial(_ trial: Trial, before: Snapshot, _ cluster: Cluster?, _ names: NameResolver?) throws -> Bool {
    let comparison = TrialComparison(before: before, after: trial.snapshot, cluster: cluster)
    let (old, new) = (PathTracer(before, indexed: flows != nil), PathTracer(trial.snapshot, indexed: flows != nil))
    let asked = try flows == nil ? [arguments.flow(old, names: names)] : readFlows()
    let fares = asked.map { flow in (flow, Fare(old.trace(flow), before), Fare(new.trace(flow), trial.snapshot)) }
    switch output {
    case .json, .yaml:
      var json = JSONWriter()
      json.beginObject()
      json.key("flows")
      json.beginArray()
      for (flow, before, after) in fares {
        json.beginObject()
        json.key("id")
        json.string(flow.id)
        json.key("before")
        TrialText.write(before, to: &json)
        json.key("after")
        TrialText.write(after, to: &json)
        json.endObject()
      }
      json.endArray()
      TrialText.write(trial, comparison, to: &json)
      json.endObject()
      json.newline()
      Terminal.write(output == .json ? json.bytes : try YAMLText.from(json: json.bytes))
    case .dot: throw ValidationError("--try prints text, wide, json or yaml.")
    case .text, .wide:
      let style = Terminal.style(source.color)
      for (flow, before, after) in fares {
        if flows != nil { Terminal.write("\(printable(flow.id)):\n") }
        Terminal.write(
          "\(style.bold("Before")) \(TrialText.text(before))\n\(style.bold("After"))  \(TrialText.text(after))\n")
      }
      Terminal.write("\n" + TrialText.render(trial, comparison, style: style))
      if flows == nil {
        let text = TraceText(trial.snapshot, style: style, wide: output == .wide, name: { names?.name(of: $0) })
        Terminal.write("\n\(style.bold("After the change"))\n" + text.render(new.trace(asked[0]), service: nil))
      }
    }
    return fares.contains { !$0.2.isGood }
  }

  private func readFlows() throws -> [Flow] {
    let file = flows == "-" ? try SourceFile.read(descriptor: 0, name: "stdin") : try SourceFile.open(path: flows!)
    var reader = FlowReader(file, threads: 1)
    var diagnostics = Diagnostics()
    var list: [Flow] = []
    while let block = reader.next(&diagnostics) { list += block }
    Terminal.report(diagnostics, verbose: source.verbose)
    if diagnostics.worst == .error { throw ExitStatus.malformed }
    return list
  }
}
