import Input
import Wire

/// `ipvsadm -Lnc`: one connection, or template of persistence, a line.
public enum IPVSConnectionReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var list = snapshot.virtualConnections ?? []
    let file = snapshot.fileIndex(section.file)
    for line in section.lines {
      guard let first = line.words.peek, first.first != UInt8(ascii: "#"), !(first == "IPVS"), !(first == "pro") else {
        continue
      }
      if var entry = parse(line.words) {
        entry.file = file
        entry.line = line.number
        list.append(entry)
      } else {
        snapshot.warn(
          section, line.number,
          "expected `PROTOCOL MM:SS STATE CLIENT VIRTUAL REAL` of ipvsadm -Lnc, found “\(line.text.printable)”")
      }
    }
    snapshot.virtualConnections = list
  }

  private static func parse(_ line: Words) -> VirtualConnection? {
    var words = line
    let protocols: [(name: StaticString, number: UInt8)] = [("TCP", 6), ("UDP", 17), ("SCTP", 132), ("IP", 0)]
    guard let name = words.next(), let ipProtocol = protocols.first(where: { name == $0.name })?.number,
      let expires = words.next().flatMap({ seconds($0) }), let state = words.next(),
      let client = words.next().flatMap({ IPVSReader.endpoint($0) }),
      let virtual = words.next().flatMap({ IPVSReader.endpoint($0) }),
      let real = words.next().flatMap({ IPVSReader.endpoint($0) })
    else { return nil }
    return VirtualConnection(
      ipProtocol: ipProtocol, expires: expires, state: state.string,
      client: .init(address: client.0, port: client.1), virtual: .init(address: virtual.0, port: virtual.1),
      real: .init(address: real.0, port: real.1))
  }

  /// `14:59`, `179:59`.
  private static func seconds(_ word: ByteText) -> Int? {
    guard let (minutes, seconds) = word.split(at: UInt8(ascii: ":")), let whole = minutes.number(UInt32.self),
      let rest = seconds.number(UInt32.self)
    else { return nil }
    return Int(whole) * 60 + Int(rest)
  }

  /// Whether a second word is a time and no address.
  static func isTime(_ word: ByteText) -> Bool { seconds(word) != nil }
}

extension IPVSConnectionReader {
  static let descriptor = DumpDescriptor(
    .ipvsConnections, commands: ["ipvsadm -Lnc"],
    read: { read($0.section, into: &$1) },
    recognises: { line in
      switch line.first {
      case "TCP", "UDP", "SCTP", "IP": isTime(line.second)
      case "IPVS": line.second == "connection"
      case "pro": line.second == "expire"
      default: false
      }
    })
}
