import Input
import Wire

/// A listing of /var/lib/cni/networks/NETWORK, where the plugin host-local keeps a file for each address that it gave out;
/// or how many there are, where it is counted.
enum HostLocalReader {
  static let folder = "/var/lib/cni/networks"

  static func read(_ section: DumpSection, command: String?, into snapshot: inout Snapshot) {
    var range = HostLocalRange()
    let words = (command ?? "").split(separator: " ").map(String.init)
    if let path = words.first(where: { $0.hasPrefix(folder) }) {
      range.network = path.split(separator: "/").dropFirst(4).first.map(String.init) ?? ""
    }
    let isCount = command?.contains("wc -l") ?? false
    for line in section.lines {
      let text = line.text.trimmed
      guard !text.isEmpty else { continue }
      if range.place.line == 0 { range.place = FilePlace(file: snapshot.fileIndex(section.file), line: line.number) }
      if isCount, let count = text.int {
        range.count = count
        continue
      }
      // `ls -l` prints the name last, `find` the path; other files there are not addresses.
      var last = text
      for word in line.words { last = word }
      if let (path, name) = last.splitLast(at: UInt8(ascii: "/")) {
        if range.network.isEmpty { range.network = (path.splitLast(at: UInt8(ascii: "/"))?.after ?? path).string }
        last = name
      }
      if let address = last.address {
        range.addresses.append(address)
      } else if !(last.hasPrefix("last_reserved_ip") || last == "lock" || text.hasPrefix("total ")
        || last.last == UInt8(ascii: ":"))
      {
        snapshot.warn(
          section, line.number, "expected a file of host-local, named after an address, found “\(text.printable)”")
      }
    }
    guard range.count != nil || !range.addresses.isEmpty else { return }
    // A count and a listing of one folder belong together.
    if let at = snapshot.files.localAddresses.firstIndex(where: { $0.network == range.network }) {
      snapshot.files.localAddresses[at].addresses += range.addresses
      if let count = range.count { snapshot.files.localAddresses[at].count = count }
    } else {
      snapshot.files.localAddresses.append(range)
    }
  }
}

extension HostLocalReader {
  static let descriptor = DumpDescriptor(
    .hostLocal, commands: ["ls /var/lib/cni/networks/cbr0"],
    collected: [.init("cni-networks.txt", "find", "/var/lib/cni/networks", "-type", "f")],
    isNamed: { $0.contains("cni-networks") || $0.contains("host-local") },
    isPromised: { $0.contains(folder) && ($0.hasPrefix("ls") || $0.hasPrefix("sudo ls")) },
    read: { read($0.section, command: $0.command, into: &$1) },
    recognises: { $0.first.hasPrefix("/var/lib/cni/networks/") && $0.second.isEmpty })
}
