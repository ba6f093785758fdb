import Diagnosis
import Findings
import Intent
import Report
import Snapshot
import Wire

/// `trace http://host/path --from outside`: the whole way through the Ingress controller.
enum ExternalTrace {
  /// Nil: the arguments ask for something else.
  static func run(_ bundle: Bundle, _ arguments: FlowArguments, _ output: TraceOutput, _ style: Style) throws
    -> Answer?
  {
    guard let url = arguments.destination, url.hasPrefix("http://") || url.hasPrefix("https://"),
      let from = arguments.from, !bundle.objectFiles.isEmpty
    else { return nil }
    let intent = ObjectReader.read(bundle.objectFiles)
    let source = IPAddress(from)
    // Clients inside the cluster dial the Service itself.
    guard from == FlowText.outside || source.map({ intent.owner(of: $0) == nil }) ?? false,
      let (path, scheme) = try? NameResolver(intent).ingressPath(url: url)
    else { return nil }
    let journey = ExternalJourney(path, scheme: scheme, source: source, bundle.snapshots, intent)
    let stages = journey.stages.map { stage in
      let evidence = stage.evidence.first
      let place = [evidence?.file, evidence?.line.map { "\($0)" }].compactMap { $0 }.joined(separator: ":")
      return ExternalJourneyText.Stage(
        place: stage.place.rawValue, name: stage.name, packet: stage.packet, problem: stage.problem, source: place)
    }
    let text = ExternalJourneyText(
      url: journey.url, service: journey.service, answer: journey.answer.rawValue, why: journey.why,
      failed: journey.answer != .served, stages: stages, takesDown: journey.takesDown, fix: journey.fix)
    switch output {
    case .json, .yaml:
      let bytes = text.json()
      Terminal.write(output == .json ? bytes : try YAMLText.from(json: bytes))
    case .text, .dot: Terminal.write(text.render(style))
    case .wide: Terminal.write(text.render(style.unlimited))
    }
    return journey.answer
  }
}
