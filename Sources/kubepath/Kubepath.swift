import ArgumentParser

@main
struct Kubepath: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kubepath",
    subcommands: [CaptureCommand.self])
}
