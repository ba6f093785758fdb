import Input
import Wire

/// `ip -br addr`, `ip -br link`: an interface a line.
enum IPBriefReader: DumpReader {
  static let descriptor = DumpDescriptor(
    .linkBrief, commands: ["ip -br addr", "ip -br link"],
    read: { read($0.section, into: &$1) },
    recognises: { line in
      guard isState(line.second), !(line.first.last == UInt8(ascii: ":")) else { return false }
      guard let third = line.rest.peek else { return line.first.count <= 40 && !(line.second == "UNKNOWN") }
      return third.prefix != nil || third.contains(":")
    })

  private static func isState(_ word: ByteText) -> Bool {
    switch word {
    case "UP", "DOWN", "UNKNOWN", "LOWERLAYERDOWN", "DORMANT", "TESTING", "NOTPRESENT": true
    default: false
    }
  }

  static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var merger = LinkMerger(snapshot)
    for line in section.lines {
      var words = line.words
      guard let name = words.next(), name.first != UInt8(ascii: "#") else { continue }
      guard let state = words.next(), isState(state) else {
        snapshot.warn(section, line.number, "expected `NAME STATE ADDRESS…` of ip -br, found “\(line.text.printable)”")
        continue
      }
      var link = Link(index: 0, name: (name.split(at: UInt8(ascii: "@"))?.before ?? name).string)
      if let (_, parent) = name.split(at: UInt8(ascii: "@")) {
        if parent.hasPrefix("if"), let peer = parent.dropFirst(2).int {
          link.peerIndex = peer
        } else if !(parent == "NONE") {
          link.parent = parent.string
        }
      }
      link.up = !(state == "DOWN")
      link.lacksCarrier = state == "LOWERLAYERDOWN"
      link.loopback = link.name == "lo"
      while let word = words.next() {
        if word.first == UInt8(ascii: "<") {
          let flags = word.dropFirst(1).dropLast(1).string.split(separator: ",")
          link.up = flags.contains("UP")
          link.lacksCarrier = flags.contains("NO-CARRIER")
        } else if word == "peer", let peer = words.next()?.prefix {
          // Of the address before: the line tells no more of it.
          _ = peer
        } else if word.count == 17, word.bytes[2] == UInt8(ascii: ":"), word.address == nil {
          link.mac = word.string
        } else if let (host, length) = word.split(at: UInt8(ascii: "/")), let address = host.address,
          let length = length.int, (0...address.version.width).contains(length)
        {
          merger.add(
            InterfaceAddress(
              interface: link.name, address: address, prefixLength: length,
              scope: word.hasPrefix("fe80:") ? "link" : link.loopback ? "host" : "global"))
        } else if let address = word.address {
          merger.add(InterfaceAddress(interface: link.name, address: address, prefixLength: address.version.width))
        }
      }
      merger.add(link)
    }
    merger.store(into: &snapshot)
  }
}
