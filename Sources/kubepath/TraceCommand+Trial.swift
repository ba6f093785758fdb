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
    switch output.format {
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
      Terminal.write(output.format == .json ? json.bytes : try YAMLText.from(json: json.bytes))
    case .dot: throw ValidationError("--try prints text, wide, json or yaml.")
    case .text, .wide:
      let style = output.format == .wide ? view.style.unlimited : view.style
      for (flow, before, after) in fares {
        if flows != nil { Terminal.write("\(printable(flow.id)):\n") }
        let lines =
          style.paragraph("\(style.bold("Before")) ", TrialText.text(before), hanging: 7)
          + style.paragraph("\(style.bold("After"))  ", TrialText.text(after), hanging: 7)
        Terminal.write(lines.joined(separator: "\n") + "\n")
      }
      Terminal.write("\n" + TrialText.render(trial, comparison, style: style))
      if flows == nil {
        let text = TraceText(trial.snapshot, style: style, wide: output.format == .wide, name: { names?.name(of: $0) })
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
    Terminal.report(diagnostics, verbose: view.verbose)
    if diagnostics.worst == .error { throw ExitStatus.malformed }
    return list
  }
}
