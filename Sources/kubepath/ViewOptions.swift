import ArgumentParser
import Report

enum ColorChoice: String, ExpressibleByArgument, CaseIterable { case auto, always, never }

/// How output looks and what is said beside it; shared by all commands.
struct ViewOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Colour the output; auto: on a terminal, unless NO_COLOR is set.", valueName: "when"))
  var color: ColorChoice = .auto

  @Flag(name: .shortAndLong, help: "Print every message about the input, also those that change nothing.")
  var verbose = false

  /// Of this output, on the terminal it is on.
  var style: Style { Terminal.style(color) }
}

/// How much is shown; shared by the commands that print lists.
struct ListOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Rows of each table, findings and outcomes that text shows at most; 0: none.", valueName: "rows")
  )
  var top: Int?

  func validate() throws {
    if let top, top < 0 { throw ValidationError("--top must not be negative.") }
  }
}

/// What a command can print, by the word of `-o`; `text` is what it prints unasked.
protocol OutputFormat: ExpressibleByArgument, CaseIterable, RawRepresentable, Sendable where RawValue == String {
  static var text: Self { get }
}

struct OutputOptions<Format: OutputFormat>: ParsableArguments {
  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("How to print.", valueName: "format"))
  var format: Format = .text
}

enum PlainFormat: String, OutputFormat { case text, wide, json, yaml }
