import ArgumentParser
import Glibc

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
    var command: any ParsableCommand
    do { command = try parseAsRoot() } catch { exit(withError: error) }
    do { try command.run() } catch let error as ValidationError {
      // ArgumentParser would name the root's usage, which helps nobody.
      let name = type(of: command).configuration.commandName ?? ""
      Terminal.note("Error: \(error.message)\n  See 'kubepath \(name) --help' for more information.")
      Glibc.exit(EX_USAGE)
    } catch { exit(withError: error) }
  }
}
