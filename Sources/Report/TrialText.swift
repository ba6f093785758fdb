import Diagnosis
import Snapshot

/// What a change would do, for people and as JSON.
public enum TrialText {
  /// Changes that are shown on a terminal.
  private static let shown = 20

  public static func render(_ trial: Trial, _ comparison: TrialComparison, style: Style) -> String {
    var out = trial.commands.map { "\(style.bold("Tried")) \(printable($0, limit: .max))" }
    for limit in trial.limits { out += style.paragraph("Not modelled: ", printable(limit, limit: .max), hanging: 2) }
    let questions = counted(comparison.compared, "question")
    let shown = style.width == nil ? Int.max : Self.shown
    if comparison.changes.isEmpty {
      out.append("Nothing changes for the frontends of this node (\(questions) asked).")
    } else {
      out += style.paragraph(
        "\(style.bold("Frontends")) ",
        "of this node: \(comparison.gained) gained, \(comparison.lost) lost, "
          + "\(comparison.changes.count - comparison.gained - comparison.lost) fail otherwise than before (\(questions) asked)",
        hanging: 2)
      // What is lost first: that is what speaks against the change.
      let ordered = comparison.changes.sorted { rank($0) < rank($1) }
      for change in ordered.prefix(shown) {
        let (word, text) = line(change, style)
        out += style.paragraph("  \(word) ", text, hanging: 4)
      }
      if ordered.count > shown { out.append("  and \(ordered.count - shown) more (-o json lists all)") }
    }
    if comparison.left > 0 { out.append("\(comparison.left) more frontends were not asked.") }
    return out.joined(separator: "\n") + "\n"
  }

  private static func rank(_ change: TrialComparison.Change) -> Int {
    change.before.isGood ? 0 : change.after.isGood ? 1 : 2
  }

  private static func line(_ change: TrialComparison.Change, _ style: Style) -> (word: String, text: String) {
    let word =
      change.after.isGood
      ? style.good("gained") : change.before.isGood ? style.bad("lost  ") : style.dim("still ")
    return (word, "\(change.frontend) from \(change.origin.rawValue): \(text(change.before)) → \(text(change.after))")
  }

  public static func text(_ fare: Fare) -> String {
    fare.isGood ? "\(fare.kind.rawValue) \(fare.why)" : "\(fare.kind.rawValue), \(fare.why)"
  }

  // MARK: JSON

  public static func write(_ trial: Trial, _ comparison: TrialComparison, to json: inout JSONWriter) {
    json.key("tried")
    json.beginArray()
    for command in trial.commands { json.string(command) }
    json.endArray()
    json.key("notModelled")
    json.beginArray()
    for limit in trial.limits { json.string(limit) }
    json.endArray()
    json.key("changes")
    json.beginArray()
    for change in comparison.changes {
      json.beginObject()
      json.key("address")
      json.string("\(change.frontend.address)")
      json.key("port")
      json.number(Int(change.frontend.port))
      json.key("protocol")
      json.string("\(change.frontend.ipProtocol)")
      json.key("kind")
      json.string(change.frontend.kind.rawValue)
      json.key("from")
      json.string(change.origin.rawValue)
      json.key("source")
      json.string("\(change.source)")
      json.key("before")
      write(change.before, to: &json)
      json.key("after")
      write(change.after, to: &json)
      json.endObject()
    }
    json.endArray()
    json.key("compared")
    json.number(comparison.compared)
  }

  public static func write(_ fare: Fare, to json: inout JSONWriter) {
    json.beginObject()
    json.key("answer")
    json.string(fare.kind.rawValue)
    json.key("why")
    json.string(fare.why)
    json.endObject()
  }
}
