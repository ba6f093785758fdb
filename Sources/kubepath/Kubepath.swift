import ArgumentParser
import Glibc
import Input
import Snapshot

@main
struct Kubepath: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kubepath",
    abstract: "Where does this packet go, and why not where it should?",
    discussion: """
      kubepath reads what Kubernetes nodes say about themselves (iptables, nftables,
      ipset, IPVS, routes, conntrack) and what tcpdump captured, and tells which
      exact rule or device stops a packet, why, and the smallest fix.
      """,
    version: "0.1.0",
    subcommands: [
      WhyCommand.self, TraceCommand.self, ServicesCommand.self, CheckCommand.self, GraphCommand.self,
      CaptureCommand.self,
      SnapshotCommand.self, ExplainCommand.self, DemoCommand.self,
    ])

  static func main() {
    Terminal.explainTruncatedInput()
    // A reader that closes its end is an error of write(2), not the program's death.
    signal(SIGPIPE, SIG_IGN)
    refuseUnknownCommand()
    var command: any ParsableCommand
    do { command = try parseAsRoot() } catch { exit(withError: error) }
    do { try command.run() } catch let error as ValidationError {
      // ArgumentParser would name the root's usage, which helps nobody.
      let name = type(of: command).configuration.commandName ?? ""
      refuse(error.message, "kubepath \(name)")
    } catch { exit(withError: error) }
  }

  /// A first word that is no command comes with the nearest that is one.
  private static func refuseUnknownCommand() {
    guard CommandLine.arguments.count > 1 else { return }
    let word = CommandLine.arguments[1]
    let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    guard !word.hasPrefix("-"), !names.contains(word) else { return }
    let near = NearestName.find(word, in: names)
    // kubectl's and tshark's words for the same.
    let other = ["get": "services", "describe": "why", "diagnose": "check", "collect": "snapshot", "read": "capture"][
      word]
    refuse(
      "'\(printable(word))' is no command\(NearestName.question(near.isEmpty ? [other].compactMap { $0 } : near))",
      "kubepath")
  }

  private static func refuse(_ message: String, _ command: String) -> Never {
    Terminal.say(message, as: "Error: ")
    Terminal.note("  See '\(command) --help' for more information.")
    Glibc.exit(EX_USAGE)
  }
}
