import Diagnosis

/// Pages of the catalogue, and the list of them.
public enum CatalogueText {
  public static func list(_ entries: [Catalogue.Entry], style: Style) -> String {
    var table = Columns([], [.whole, .text])
    for entry in entries { table.add(entry.id, entry.summary) }
    return table.lines(style.width).joined(separator: "\n") + "\n"
  }

  public static func page(_ entry: Catalogue.Entry, style: Style) -> String {
    var out = [style.bold(entry.id)]
    func section(_ heading: String, _ lines: [String]) { out += ["", style.bold(heading)] + lines }
    func text(_ text: String) -> [String] { style.paragraph("  ", text) }
    section("WHAT", text(entry.summary))
    section("HOW IT SHOWS", text(entry.signs))
    section("WHY", text(entry.why))
    // Commands stay whole, however long: people copy them.
    section("SEE IT", entry.see.map { "  \($0)" })
    section(
      "FIX, by who owns what is wrong", entry.fixes.flatMap { style.paragraph("  \($0.owner): ", $0.text, hanging: 4) })
    section("UNDO", text(entry.undo))
    section("EXAMPLE", ["  \(entry.example)"])
    section("FROM", text(entry.sources.map { "kubepath \($0.rawValue)" }.joined(separator: ", ")))
    section("READ MORE", entry.references.map { "  \($0)" })
    return out.joined(separator: "\n") + "\n"
  }

  public static func write(_ entry: Catalogue.Entry, to json: inout JSONWriter) {
    json.beginObject()
    for (key, value) in [
      ("id", entry.id), ("what", entry.summary), ("shows", entry.signs), ("why", entry.why), ("undo", entry.undo),
      ("example", entry.example),
    ] {
      json.key(key)
      json.string(value)
    }
    for (key, values) in [
      ("see", entry.see), ("from", entry.sources.map(\.rawValue)), ("references", entry.references),
    ] {
      json.key(key)
      json.beginArray()
      for value in values { json.string(value) }
      json.endArray()
    }
    json.key("fix")
    json.beginArray()
    for fix in entry.fixes {
      json.beginObject()
      json.key("owner")
      json.string(fix.owner)
      json.key("text")
      json.string(fix.text)
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }
}
