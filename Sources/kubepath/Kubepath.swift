import ArgumentParser

@main
struct Kubepath: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kubepath",
    abstract: "Where does this packet go, and why not where it should?",
    discussion: """
      kubepath reads what Kubernetes nodes say about themselves (iptables, nftables, ipset, IPVS, routes, conntrack)
      and what tcpdump captured, and tells which exact rule or device stops a packet, why, and the smallest fix.
      """,
    version: "0.1.0",
    subcommands: [
      WhyCommand.self, TraceCommand.self, ServicesCommand.self, CheckCommand.self, GraphCommand.self,
      CaptureCommand.self,
      SnapshotCommand.self, ExplainCommand.self, DemoCommand.self,
    ])
}
