import ArgumentParser
import Diagnosis
import Input
import Report
import Snapshot

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "A finding as a page: what, why, how to see it, what to do, how to undo it.",
    usage: "kubepath explain [<finding>] [<options>]",
    discussion: """
      EXAMPLES
        kubepath explain                 all findings, one line each
        kubepath explain forward-drop    one of them
        kubepath explain -o json         all, for programs

      EXIT STATUS
        0 told · 64 there is no such finding
      """)

  @Argument(
    help: ArgumentHelp("The finding's id.", valueName: "finding"),
    completion: .list(Catalogue.entries.map(\.id)))
  var finding: String?

  @OptionGroup var output: OutputOptions<PlainFormat>
  @OptionGroup var list: ListOptions
  @OptionGroup var view: ViewOptions

  func run() throws {
    let entries: [Catalogue.Entry]
    if let finding {
      guard let entry = Catalogue.entry(finding) else {
        throw ValidationError(
          "No finding '\(printable(finding))'\(NearestName.question(finding, in: Catalogue.entries.map(\.id))) 'kubepath explain' lists all."
        )
      }
      entries = [entry]
    } else {
      entries = Array(Catalogue.entries.prefix(list.top ?? .max))
    }
    let style = output.format == .wide ? view.style.unlimited : view.style
    switch output.format {
    case .text, .wide:
      Terminal.write(
        finding == nil
          ? CatalogueText.list(entries, style: style) : CatalogueText.page(entries[0], style: style))
    case .json, .yaml:
      var json = JSONWriter()
      if finding == nil { json.beginArray() }
      for entry in entries { CatalogueText.write(entry, to: &json) }
      if finding == nil { json.endArray() }
      json.newline()
      Terminal.write(output.format == .json ? json.bytes : try YAMLText.from(json: json.bytes))
    }
  }
}
