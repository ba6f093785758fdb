import ArgumentParser
import Diagnosis
import Findings
import Input
import Intent
import PacketPath
import Report
import Snapshot

// `--try`: the question before and after, and what else changes.
extension TraceCommand {
  /// The answer after the change; nil: of many flows each has its own.
  func traceTrial(_ trial: Trial, before: Snapshot, _ names: NameResolver?) throws -> Answer? {
    let comparison = TrialComparison(before: before, after: trial.snapshot, names: names)
    let isMany = flows != nil
    let old = Judge(PathTracer(before, indexed: isMany), AnswerFacts(before, names: names))
    let new = Judge(PathTracer(trial.snapshot, indexed: isMany), AnswerFacts(trial.snapshot, names: names))
    let asked = try flows == nil ? [arguments.flow(old.tracer, names: names)] : readFlows()
    let fares = asked.map { flow in (flow, Fare(old.judge(flow).judgement), Fare(new.judge(flow).judgement)) }
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
        let (trace, judgement) = new.judge(asked[0])
        Terminal.write("\n\(style.bold("After the change"))\n" + text.render(trace, judgement))
      }
    }
    return isMany ? nil : fares[0].2.kind
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
