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
