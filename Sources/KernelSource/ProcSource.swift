import Glibc
import Input
import Snapshot
import Wire

/// Facts from /proc of the calling thread's network namespace.
enum ProcSource {
  // MARK: sysctl

  private static let interfaceKeys = [
    "forwarding", "rp_filter", "route_localnet", "accept_local", "src_valid_mark", "arp_ignore", "arp_announce",
    "proxy_arp", "disable_ipv6", "disable_policy", "mtu", "accept_ra",
  ]
  private static let plainKeys = [
    "net/ipv4/ip_forward", "net/ipv4/ip_local_port_range", "net/ipv4/ip_local_reserved_ports",
    "net/ipv4/ip_nonlocal_bind", "net/ipv4/ip_default_ttl", "net/ipv4/fwmark_reflect", "net/ipv4/tcp_fwmark_accept",
    "net/ipv4/ip_early_demux", "net/ipv4/fib_multipath_hash_policy", "net/ipv6/fib_multipath_hash_policy",
    "net/ipv4/tcp_mtu_probing", "net/ipv4/ip_no_pmtu_disc", "net/ipv4/icmp_echo_ignore_all",
    "net/ipv6/ip_nonlocal_bind", "net/ipv6/bindv6only",
  ]

  /// The keys that decide where packets go.
  static func sysctls() -> [String: String] {
    var values: [String: String] = [:]
    func take(_ path: String) { if let value = read("/proc/sys/" + path) { values[key(path)] = value } }
    for path in plainKeys { take(path) }
    for version in ["ipv4", "ipv6"] {
      for interface in entries("/proc/sys/net/\(version)/conf") {
        for name in interfaceKeys { take("net/\(version)/conf/\(interface)/\(name)") }
      }
    }
    for name in entries("/proc/sys/net/bridge") { take("net/bridge/\(name)") }
    for name in entries("/proc/sys/net/netfilter") where name.hasPrefix("nf_conntrack") {
      take("net/netfilter/\(name)")
    }
    for name in entries("/proc/sys/net/ipv4/vs") { take("net/ipv4/vs/\(name)") }
    return values
  }

  /// Slashes are dots, and dots of a name slashes, as sysctl prints them.
  static func key(_ path: String) -> String {
    String(path.map { $0 == "/" ? "." : $0 == "." ? "/" : $0 })
  }

  static func entries(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let item = readdir(folder) {
      let name = withUnsafePointer(to: &item.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  static func read(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let got = Glibc.read(file, &buffer, buffer.count)
    guard got >= 0 else { return nil }
    var text = buffer[..<got]
    while let last = text.last, last == 10 || last == 32 { text.removeLast() }
    return String(decoding: text, as: UTF8.self)
  }

  // MARK: Sockets

  /// Listening and unconnected sockets of /proc/net: what `ss -lntu` prints.
  static func sockets() -> [SocketEntry] {
    var list: [SocketEntry] = []
    for (file, proto) in [("udp", "udp"), ("tcp", "tcp"), ("udp6", "udp"), ("tcp6", "tcp")] {
      guard let text = try? SourceFile.open(path: "/proc/thread-self/net/\(file)") else { continue }
      for line in String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
        let words = line.split(separator: " ")
        guard words.count > 3, let colon = words[1].firstIndex(of: ":"),
          let port = UInt16(words[1][words[1].index(after: colon)...], radix: 16)
        else { continue }
        // TCP_LISTEN; an unconnected UDP socket is in TCP_CLOSE.
        guard words[3] == (proto == "tcp" ? "0A" : "07") else { continue }
        let address = address(words[1][..<colon])
        let entry = SocketEntry(
          protocol: proto, state: proto == "tcp" ? "LISTEN" : "UNCONN",
          localAddress: address.flatMap { $0.isUnspecified ? nil : $0 }, localPort: port)
        if !list.contains(entry) { list.append(entry) }
      }
    }
    return list
  }

  /// Words of 32 bits in the machine's order, as hexadecimal digits.
  private static func address(_ text: Substring) -> IPAddress? {
    var words: [UInt32] = []
    var rest = text
    while rest.count >= 8 {
      guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
      words.append(word.byteSwapped)
      rest = rest.dropFirst(8)
    }
    if words.count == 1 { return IPAddress(v4: words[0]) }
    guard words.count == 4 else { return nil }
    return IPAddress(
      v6: Bits128(
        high: UInt64(words[0]) << 32 | UInt64(words[1]), low: UInt64(words[2]) << 32 | UInt64(words[3])))
  }
}
