import Input
import Wire

/// `ss`, `netstat` and `lsof -i` tables with internet sockets; other families (netlink, unix, packet) are passed over.
public enum SocketReader: DumpReader {
  private enum Layout { case ss, ssWithoutNetid, netstat, lsof, other }

  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var list = snapshot.sockets ?? []
    var seen = Set(list)
    var layout: Layout?
    let file = snapshot.fileIndex(section.file)
    for line in section.lines {
      var words = line.words
      guard let first = words.next(), first.first != UInt8(ascii: "#") else { continue }
      switch first {
      case "Netid":
        // Printed where sockets of several kinds were asked for (`ss -lntup`).
        layout = .ss
        snapshot.socketProtocols.formUnion([.tcp, .udp])
        continue
      case "State" where words.peek.map({ $0 == "Recv-Q" }) == true:
        layout = .ssWithoutNetid
        continue
      case "Proto":
        layout = line.text.contains("Local Address") ? .netstat : .other
        continue
      case "COMMAND":
        layout = .lsof
        continue
      case "Active":
        layout = line.text.contains("Internet") ? .netstat : .other
        continue
      default: break
      }
      // Continued details of `ss -i` or `-o`.
      if line.isIndented { continue }
      let entry: SocketEntry?
      let layout = layout ?? (lsofName(line.words) == nil ? .ss : .lsof)
      switch layout {
      case .other: continue
      case .ss:
        if isOtherFamily(first) { continue }
        entry = ss(line.words, withNetid: true)
      case .ssWithoutNetid: entry = ss(line.words, withNetid: false)
      case .netstat: entry = netstat(line.words)
      case .lsof:
        entry = lsof(line.words)
        // A port's name that no list has, a host's name.
        if entry == nil, lsofName(line.words) != nil { continue }
      }
      guard var entry else {
        snapshot.warn(section, line.number, "expected a socket of ss or netstat, found “\(line.text.printable)”")
        continue
      }
      entry.place = FilePlace(file: file, line: line.number)
      if snapshot.socketsPlace.line == 0 { snapshot.socketsPlace = entry.place }
      // lsof shows the processes that its user may see: what it does not list may be there.
      if layout != .lsof { snapshot.socketProtocols.insert(entry.protocol.hasPrefix("udp") ? .udp : .tcp) }
      if seen.insert(entry).inserted { list.append(entry) }
    }
    snapshot.sockets = list
  }

  private static func isOtherFamily(_ word: ByteText) -> Bool {
    switch word {
    case "nl", "p_raw", "p_dgr", "v_str", "v_dgr", "ti_st", "ti_dg", "ti_rd", "ti_sq", "xdp", "???": true
    default: word.hasPrefix("u_")
    }
  }

  /// `tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))`
  private static func ss(_ line: Words, withNetid: Bool) -> SocketEntry? {
    var words = line
    let netid = withNetid ? words.next()?.string : "tcp"
    guard let netid, let state = words.next(), state.int == nil,
      words.next()?.int != nil, words.next()?.int != nil, let local = words.next(),
      var entry = entry(netid, state: state.string, local: local)
    else { return nil }
    // `ss -tn` shows no listening sockets, and both ends of the others.
    if let peer = words.peek, entry.state != "LISTEN", let other = Self.entry(netid, state: "", local: peer) {
      (entry.peerAddress, entry.peerPort) = (other.localAddress, other.localPort)
    }
    while let word = words.next() {
      if word.hasPrefix("users:(("), let (_, name) = word.split(at: UInt8(ascii: "\"")) {
        entry.process = name.split(at: UInt8(ascii: "\""))?.before.string
      }
    }
    return entry
  }

  /// `tcp 0 0 0.0.0.0:22 0.0.0.0:* LISTEN 0 9999 1206/sshd`; UDP has no state.
  private static func netstat(_ line: Words) -> SocketEntry? {
    var words = line
    guard let proto = words.next(), words.next()?.int != nil, words.next()?.int != nil, let local = words.next(),
      let peer = words.next()
    else { return nil }
    var state = ""
    if let next = words.peek, next.bytes.allSatisfy({ (65...90).contains($0) || (48...57).contains($0) || $0 == 95 }),
      next.int == nil
    {
      state = next.string
      _ = words.next()
    }
    if state.isEmpty, proto.hasPrefix("udp") { state = "UNCONN" }
    if state == "LISTEN" || state == "LISTENING" { state = "LISTEN" }
    // ss' words for netstat's.
    if state == "ESTABLISHED" { state = "ESTAB" }
    if state == "SYN_SENT" { state = "SYN-SENT" }
    guard var entry = entry(proto.string, state: state, local: local) else { return nil }
    if state != "LISTEN", let other = Self.entry(proto.string, state: "", local: peer) {
      (entry.peerAddress, entry.peerPort) = (other.localAddress, other.localPort)
    }
    while let word = words.next() {
      if let (pid, name) = word.split(at: UInt8(ascii: "/")), pid.int != nil {
        entry.process = name.string
        break
      }
    }
    return entry
  }

  /// `sshd 1206 root 3u IPv4 23456 0t0 TCP *:22 (LISTEN)`; threads have two columns more.
  private static func lsof(_ line: Words) -> SocketEntry? {
    var words = line
    guard let process = words.next(), let (proto, name, state) = lsofName(line) else { return nil }
    guard let (local, rest) = name.split(at: UInt8(ascii: "-")), rest.first == UInt8(ascii: ">") else {
      guard var entry = entry(proto, state: proto == "udp" ? "UNCONN" : state, local: name) else { return nil }
      entry.process = process.string
      return entry
    }
    guard var entry = entry(proto, state: state == "ESTABLISHED" ? "ESTAB" : state, local: local),
      let peer = Self.entry(proto, state: "", local: rest.dropFirst(1))
    else { return nil }
    (entry.peerAddress, entry.peerPort) = (peer.localAddress, peer.localPort)
    entry.process = process.string
    return entry
  }

  /// The last columns of a row of lsof: NODE, NAME and, of TCP, the state.
  private static func lsofName(_ line: Words) -> (proto: String, name: ByteText, state: String)? {
    var words = line
    for _ in 0..<8 {
      guard let type = words.next() else { return nil }
      guard type == "IPv4" || type == "IPv6" else { continue }
      guard words.next() != nil, words.next() != nil, let node = words.next(), node == "TCP" || node == "UDP",
        let name = words.next()
      else { return nil }
      let state = words.next().map { $0.dropFirst(1).dropLast(1).string } ?? ""
      return (node == "TCP" ? "tcp" : "udp", name, state)
    }
    return nil
  }

  /// `127.0.0.53%lo:53`, `*:111`, `[::]:80`, `:::80`, `[::ffff:192.0.2.1]:80`
  private static func entry(_ proto: String, state: String, local: ByteText) -> SocketEntry? {
    guard let (start, port) = local.splitLast(at: UInt8(ascii: ":")) else { return nil }
    var host = start
    // ICMP and raw sockets have a protocol instead of a port; `*` is none.
    guard
      let number = port.number(UInt16.self) ?? ServiceName.port(port)
        ?? (port == "*" || !proto.hasPrefix("tcp") && !proto.hasPrefix("udp") ? 0 : nil)
    else { return nil }
    var entry = SocketEntry(protocol: proto, state: state, localAddress: nil, localPort: number)
    if let (address, zone) = host.split(at: UInt8(ascii: "%")) {
      entry.interface = zone.string.trimmingSuffix("]")
      host = address
    }
    if host.first == UInt8(ascii: "[") { host = host.dropFirst(1) }
    if host.last == UInt8(ascii: "]") { host = host.dropLast(1) }
    // A lone `::` behind netstat's own colon.
    if host == "*" || host == "0.0.0.0" || host == "::" || host == ":" || host.isEmpty { return entry }
    if let address = host.address {
      entry.localAddress = address
    } else if !(host == "localhost") {
      return nil
    } else {
      entry.localAddress = IPAddress(v4: 0x7F00_0001)
    }
    return entry
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}

extension SocketReader {
  static let descriptor = DumpDescriptor(
    .sockets, commands: ["ss -lntup", "netstat -lntup", "lsof -i -n -P"], collected: [.init("ss.txt", "ss", "-lntup")],
    read: { read($0.section, into: &$1) },
    recognises: { line in
      switch line.first {
      case "Netid": true
      case "State", "Proto": line.second == "Recv-Q"
      // `ss -H`
      case "tcp", "udp":
        line.second == "LISTEN" || line.second == "UNCONN" || line.second == "ESTAB" || line.second == "SYN-SENT"
      case "Active": line.second == "Internet" || line.second == "UNIX"
      case "COMMAND": line.second == "PID" && line.text.contains("NODE NAME")
      case _ where line.text.contains(" (LISTEN)"): lsofName(Words(line.text)) != nil
      default: false
      }
    })
}
