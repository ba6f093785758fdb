import Input
import Wire

/// `wg show`: devices, their ports, and their peers with what each is sent.
enum WireGuardReader: DumpReader {
  static let descriptor = DumpDescriptor(
    .wireGuard, commands: ["wg show"], collected: [.init("wg-show.txt", "wg", "show")],
    isNamed: { $0 == "wg" || $0.hasPrefix("wg-show") || $0.hasPrefix("wg_show") },
    empty: { $0.wireGuards = $0.wireGuards ?? [] }, read: { read($0.section, into: &$1) },
    recognises: { line in
      (line.first == "interface:" || line.first == "peer:") && !line.second.isEmpty && line.rest.peek == nil
    })

  static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var devices = snapshot.wireGuards ?? []
    let file = snapshot.fileIndex(section.file)
    for line in section.lines {
      guard let first = line.words.peek, first.first != UInt8(ascii: "#") else { continue }
      guard let (key, rest) = line.text.split(at: UInt8(ascii: ":")) else {
        snapshot.warn(section, line.number, "expected `KEY: VALUE` of wg show, found “\(line.text.printable)”")
        continue
      }
      var value = Words(rest)
      let name = key.string.trimmed
      switch name {
      case "interface":
        guard let word = value.next() else { continue }
        var device = WireGuard(name: word.string)
        device.file = file
        device.line = line.number
        // The same device again tells nothing new.
        if let at = devices.firstIndex(where: { $0.name == device.name }) { devices.remove(at: at) }
        devices.append(device)
      case "peer":
        guard let word = value.next(), !devices.isEmpty else {
          snapshot.warn(section, line.number, "a peer of no interface")
          continue
        }
        devices[devices.count - 1].peers.append(WireGuard.Peer(key: word.string))
      case "listening port":
        if !devices.isEmpty { devices[devices.count - 1].port = value.next()?.int.flatMap { UInt16(exactly: $0) } }
      case "endpoint", "allowed ips", "latest handshake":
        guard let device = devices.indices.last, let peer = devices[device].peers.indices.last else { continue }
        read(name, &value, into: &devices[device].peers[peer])
      // Keys, marks and counters.
      default: break
      }
    }
    snapshot.wireGuards = devices
  }

  private static func read(_ name: String, _ value: inout Words, into peer: inout WireGuard.Peer) {
    switch name {
    case "endpoint": peer.endpoint = value.next().flatMap(address)
    case "latest handshake": peer.hasHandshake = true
    default:
      while let word = value.next() {
        let text = word.last == UInt8(ascii: ",") ? word.dropLast(1) : word
        if let prefix = text.prefix { peer.allowed.append(prefix) }
      }
    }
  }

  /// `192.0.2.2:51820`, `[2001:db8::2]:51820`
  private static func address(_ word: ByteText) -> IPAddress? {
    let text = word.string
    guard let colon = text.lastIndex(of: ":") else { return nil }
    return IPAddress(String(text[..<colon].filter { $0 != "[" && $0 != "]" }))
  }
}

extension String {
  fileprivate var trimmed: String {
    String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}
