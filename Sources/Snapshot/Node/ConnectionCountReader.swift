import Input

/// The size of the connection table, as people measure it: `conntrack -L | wc -l`, `conntrack -C`, and what
/// /proc/sys/net/netfilter/nf_conntrack_count or _max say.
enum ConnectionCountReader {
  static func read(_ section: DumpSection, command: String?, into snapshot: inout Snapshot) {
    let name = command ?? section.file.name
    for line in section.lines {
      guard let first = line.words.peek, let number = first.int, number >= 0 else { continue }
      if name.contains("nf_conntrack_max") {
        snapshot.sysctls["net.netfilter.nf_conntrack_max"] = "\(number)"
      } else {
        snapshot.files.connectionCount = max(number, snapshot.files.connectionCount ?? 0)
      }
      return
    }
  }
}

extension ConnectionCountReader {
  static let descriptor = DumpDescriptor(
    .connectionCount, commands: ["conntrack -C", "cat /proc/sys/net/netfilter/nf_conntrack_count"],
    isNamed: { $0.contains("conntrack") && ($0.contains("count") || $0.contains("max") || $0.contains("wc")) },
    isPromised: { command in
      guard !command.hasPrefix("sysctl") else { return false }
      return command.contains("nf_conntrack_count") || command.contains("nf_conntrack_max")
        || command.hasSuffix("conntrack -C")
        || command.contains("wc -l") && (command.contains("conntrack -L") || command.contains("/proc/net/nf_conntrack"))
    },
    read: { read($0.section, command: $0.command, into: &$1) }, recognises: { _ in false })
}
