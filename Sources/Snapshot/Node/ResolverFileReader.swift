import Input
import Wire

/// resolv.conf(5).
public enum ResolverFileReader: DumpReader {
  static let maximumServers = 16

  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var file = ResolverFile()
    for line in section.lines {
      var words = line.words
      guard let first = words.next(), first.first != UInt8(ascii: "#"), first.first != UInt8(ascii: ";") else {
        continue
      }
      if file.place.line == 0 { file.place = FilePlace(file: snapshot.fileIndex(section.file), line: line.number) }
      switch first {
      case "nameserver":
        guard let word = words.next(), let address = (word.split(at: UInt8(ascii: "%"))?.before ?? word).address else {
          snapshot.warn(section, line.number, "expected `nameserver ADDRESS`, found “\(line.text.printable)”")
          continue
        }
        if file.nameservers.count < maximumServers { file.nameservers.append(address) }
      case "search", "domain": file.searches = words.prefix(32).map(\.string)
      case "options": file.options = words.prefix(32).map(\.string)
      case "sortlist": break
      default:
        snapshot.warn(section, line.number, "expected a line of resolv.conf, found “\(line.text.printable)”")
      }
    }
    let name = section.file.name.split(separator: "/").last.map { $0.lowercased() } ?? ""
    file.isNamedPods = name.contains("pod")
    if !file.nameservers.isEmpty { snapshot.files.resolvers.append(file) }
  }
}

extension ResolverFileReader {
  static let descriptor = DumpDescriptor(
    .resolver, commands: ["cat /etc/resolv.conf"],
    collected: [.init("resolv.conf", "cat", "/etc/resolv.conf")], read: { read($0.section, into: &$1) },
    recognises: { line in
      switch line.first {
      case "nameserver": line.second.address != nil
      case "options":
        line.second.hasPrefix("ndots:") || line.second.hasPrefix("edns0") || line.second.hasPrefix("timeout:")
      case "search": line.second.contains(".") && !line.text.contains(", ")
      default: false
      }
    })
}
