import ArgumentParser

@main
struct Kubepath: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kubepath",
    abstract: "Where does this packet go, and why not where it should?",
    subcommands: [TraceCommand.self, CaptureCommand.self])
}
