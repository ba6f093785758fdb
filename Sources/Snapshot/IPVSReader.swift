import Input
import Wire

/// `ipvsadm -Sn` (commands) and `ipvsadm -Ln` (a table, also with `--stats` or `--rate`). The same server in both is
/// kept once, with what each tells.
public enum IPVSReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var reader = Reader(
      section: section, servers: snapshot.virtualServers ?? [], file: snapshot.fileIndex(section.file))
    for line in section.lines { reader.read(line, &snapshot) }
    snapshot.virtualServers = reader.servers
  }

  /// `192.0.2.1:80`, `[2001:db8::1]:80`, or without a port.
  static func endpoint(_ word: ByteText) -> (IPAddress, UInt16)? {
    if word.first == UInt8(ascii: "[") {
      guard let (host, rest) = word.dropFirst(1).split(at: UInt8(ascii: "]")), let address = host.address else {
        return nil
      }
      if rest.isEmpty { return (address, 0) }
      return rest.dropFirst(1).number(UInt16.self).map { (address, $0) }
    }
    if let address = word.address { return (address, 0) }
    guard let (host, port) = word.splitLast(at: UInt8(ascii: ":")), let address = host.address,
      let number = port.number(UInt16.self) ?? ServiceName.port(port)
    else { return nil }
    return (address, number)
  }

  private struct Key: Hashable {
    var ipProtocol: UInt8
    var address: IPAddress
    var port: UInt16
    var firewallMark: UInt32?
    init(_ server: VirtualServer) {
      ipProtocol = server.ipProtocol
      address = server.address
      port = server.port
      firewallMark = server.firewallMark
    }
  }

  private struct Reader {
    let section: DumpSection
    var servers: [VirtualServer]
    let file: UInt32
    var byKey: [Key: Int] = [:]
    /// The virtual server that real servers of a table belong to.
    var current: Int?
    /// The table has counters instead of schedulers and weights.
    var countersOnly = false
    var realServers: [Int: [RealKey: Int]] = [:]

    struct RealKey: Hashable {
      var address: IPAddress
      var port: UInt16
    }

    init(section: DumpSection, servers: [VirtualServer], file: UInt32) {
      self.section = section
      self.servers = servers
      self.file = file
      for (index, server) in servers.enumerated() {
        byKey[Key(server)] = index
        for (position, real) in server.realServers.enumerated() {
          realServers[index, default: [:]][RealKey(address: real.address, port: real.port)] = position
        }
      }
    }

    mutating func read(_ line: LineScanner.Line, _ snapshot: inout Snapshot) {
      var words = line.words
      guard let first = words.next(), first.first != UInt8(ascii: "#") else { return }
      var understood = true
      switch first {
      case "-A", "--add-service": understood = command(&words, line.number, adds: .service)
      case "-a", "--add-server": understood = command(&words, line.number, adds: .server)
      case "IP": break
      case "Prot": countersOnly = !line.text.contains("Scheduler")
      case "->":
        if let next = words.peek, next.hasPrefix("RemoteAddress") { break }
        understood = tableServer(&words, line.number)
      case "TCP", "UDP", "SCTP", "FWM": understood = tableService(first, &words, line.number, &snapshot)
      case "-C", "--clear": break
      default: understood = false
      }
      if !understood {
        // A virtual server whose address is a name serves packets of which nothing is known here.
        snapshot.unread.append(
          UnreadPart(.rules, .unknownFormat, file: section.file.name, lines: line.number...line.number))
        snapshot.warn(
          section, line.number,
          "expected a line of ipvsadm -Sn or -Ln (with -n: addresses, not names), found “\(line.text.printable)”")
      }
    }

    private mutating func add(_ server: VirtualServer) {
      if let index = byKey[Key(server)] {
        current = index
        // Counters came first, and did not tell how it schedules.
        if servers[index].scheduler == "unknown", server.scheduler != "unknown" {
          let realServers = servers[index].realServers
          servers[index] = server
          servers[index].realServers = realServers
        }
        return
      }
      byKey[Key(server)] = servers.count
      current = servers.count
      servers.append(server)
    }

    private mutating func add(_ real: VirtualServer.RealServer) -> Bool {
      guard let current else { return false }
      let key = RealKey(address: real.address, port: real.port)
      if let index = realServers[current]?[key] {
        let old = servers[current].realServers[index]
        if !countersOnly {
          servers[current].realServers[index].forwarding = real.forwarding
          servers[current].realServers[index].weight = real.weight
        }
        servers[current].realServers[index].activeConnections = real.activeConnections ?? old.activeConnections
        servers[current].realServers[index].inactiveConnections = real.inactiveConnections ?? old.inactiveConnections
        return true
      }
      realServers[current, default: [:]][key] = servers[current].realServers.count
      servers[current].realServers.append(real)
      return true
    }

    // MARK: -Sn

    private enum Adds { case service, server }

    /// `-A -t 192.0.2.1:80 -s rr -p 10800`, `-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1`
    private mutating func command(_ words: inout Words, _ line: Int, adds: Adds) -> Bool {
      var server: VirtualServer?
      var scheduler = "wlc"
      var real: VirtualServer.RealServer?
      var forwarding = VirtualServer.RealServer.Forwarding.route
      var weight = 1
      var persistence: Int?
      var mask: Int?
      var flags: [String] = []
      var onePacket = false
      var version = IPVersion.v4
      while let word = words.next() {
        switch word {
        case "-t", "--tcp-service": server = Self.service(6, words.next())
        case "-u", "--udp-service": server = Self.service(17, words.next())
        case "--sctp-service": server = Self.service(132, words.next())
        case "-f", "--fwmark-service":
          guard let mark = words.next()?.number(UInt32.self) else { return false }
          server = VirtualServer(ipProtocol: 0, address: IPAddress(v4: 0), port: 0, scheduler: "")
          server?.firewallMark = mark
        case "-6", "--ipv6": version = .v6
        case "-s", "--scheduler":
          guard let name = words.next() else { return false }
          scheduler = name.string
        case "-p", "--persistent":
          persistence = 300
          if let value = words.peek?.int {
            persistence = value
            _ = words.next()
          }
        case "-M", "--netmask": mask = words.next().flatMap { Self.maskLength($0) }
        case "-o", "--ops": onePacket = true
        case "-b", "--sched-flags": flags = words.next()?.string.split(separator: ",").map(String.init) ?? []
        case "--pe", "-x", "--u-threshold", "-y", "--l-threshold", "--tun-type", "--tun-port": _ = words.next()
        case "--tun-nocsum", "--tun-csum", "--tun-remcsum": break
        case "-r", "--real-server":
          guard let (address, port) = words.next().flatMap({ IPVSReader.endpoint($0) }) else { return false }
          real = .init(address: address, port: port)
        case "-m", "--masquerading": forwarding = .masquerade
        case "-g", "--gatewaying": forwarding = .route
        case "-i", "--ipip": forwarding = .tunnel
        case "-w", "--weight":
          guard let value = words.next()?.int else { return false }
          weight = value
        default: return false
        }
      }
      guard var server else { return false }
      if server.firewallMark != nil { server.address = IPAddress(bits: .zero, version: version) }
      server.line = line
      server.file = file
      switch adds {
      case .service:
        server.scheduler = scheduler
        server.persistence = persistence
        server.persistenceMask = mask
        server.schedulerFlags = flags
        server.onePacket = onePacket
        add(server)
        return true
      case .server:
        guard var real, let index = byKey[Key(server)] else { return false }
        real.forwarding = forwarding
        real.weight = weight
        real.line = line
        current = index
        return add(real)
      }
    }

    private static func service(_ ipProtocol: UInt8, _ word: ByteText?) -> VirtualServer? {
      word.flatMap { IPVSReader.endpoint($0) }.map {
        VirtualServer(ipProtocol: ipProtocol, address: $0.0, port: $0.1, scheduler: "")
      }
    }

    private static func maskLength(_ word: ByteText) -> Int? {
      if let length = word.int, (0...128).contains(length) { return length }
      return IPPrefix("0.0.0.0/" + word.string)?.length
    }

    // MARK: -Ln

    /// `TCP  192.0.2.1:80 rr persistent 10800 mask 255.255.255.0`, `FWM  1 IPv6 rr`
    private mutating func tableService(
      _ kind: ByteText, _ words: inout Words, _ line: Int, _ snapshot: inout Snapshot
    ) -> Bool {
      current = nil
      guard let name = words.next() else { return false }
      var server: VirtualServer
      if kind == "FWM" {
        guard let mark = name.number(UInt32.self) else { return false }
        var version = IPVersion.v4
        if let word = words.peek, word == "IPv6" {
          version = .v6
          _ = words.next()
        }
        server = VirtualServer(ipProtocol: 0, address: IPAddress(bits: .zero, version: version), port: 0, scheduler: "")
        server.firewallMark = mark
      } else {
        let number: UInt8 = kind == "TCP" ? 6 : kind == "UDP" ? 17 : 132
        guard let read = Self.service(number, name) else { return false }
        server = read
      }
      server.line = line
      server.file = file
      if countersOnly {
        if byKey[Key(server)] == nil {
          server.scheduler = "unknown"
          snapshot.diagnostics.add(
            Diagnostic(
              .note, file: section.file.name, .line(line),
              "counters of \(name.printable) only: its scheduler and weights are in ipvsadm -Sn or -Ln"))
        }
        add(server)
        return true
      }
      guard let scheduler = words.next() else { return false }
      server.scheduler = scheduler.string
      while let word = words.next() {
        switch word {
        case "persistent": server.persistence = words.next()?.int
        case "mask": server.persistenceMask = words.next().flatMap { Self.maskLength($0) }
        case "ops": server.onePacket = true
        case "pe": _ = words.next()
        default:
          if word.first == UInt8(ascii: "("), word.last == UInt8(ascii: ")") {
            server.schedulerFlags = word.dropFirst(1).dropLast(1).string.split(separator: ",").map(String.init)
          }
        }
      }
      add(server)
      return true
    }

    /// `-> 10.0.0.1:80  Masq  1  0  0`
    private mutating func tableServer(_ words: inout Words, _ line: Int) -> Bool {
      guard let (address, port) = words.next().flatMap({ IPVSReader.endpoint($0) }) else { return false }
      var real = VirtualServer.RealServer(address: address, port: port)
      real.line = line
      if !countersOnly {
        guard let forwarding = words.next(), let weight = words.next()?.int else { return false }
        // `Local` is a route to the node itself.
        real.forwarding = .init(rawValue: forwarding.string) ?? .route
        real.weight = weight
        real.activeConnections = words.next()?.int
        real.inactiveConnections = words.next()?.int
      }
      return add(real)
    }
  }
}

extension IPVSReader {
  static let descriptor = DumpDescriptor(
    .ipvs, commands: ["ipvsadm -Sn", "ipvsadm -Ln"], collected: [.init("ipvsadm.txt", "ipvsadm", "-Sn")],
    isNamed: { $0.contains("ipvsadm") }, empty: { $0.virtualServers = $0.virtualServers ?? [] },
    read: { read($0.section, into: &$1) },
    recognises: { line in
      switch line.first {
      case "-A", "-a": line.second.first == UInt8(ascii: "-")
      case "--add-service", "--add-server": true
      case "TCP", "UDP", "SCTP": line.second.contains(":") && !IPVSConnectionReader.isTime(line.second)
      case "FWM": line.second.int != nil
      case "IP": line.second == "Virtual"
      case "Prot": line.second.hasPrefix("LocalAddress")
      default: false
      }
    })
}
