import Wire

/// A socket of a node that waits for clients.
struct Listener {
  var ipProtocol: IPProtocol
  var address: IPAddress
  var port: UInt16
  /// It takes packets to addresses that are not the node's (IP_TRANSPARENT), as proxies do.
  var isTransparent: Bool
}

/// The addresses of the lab by name, alike in both families, so that a situation is written once:
///
///     client, client2 ── eth0 ┐      ┌ veth1 ── pod1, pod1b
///     gateway, hop            ├ node ┤                        (or both on the bridge cni0)
///     far ────────────── eth1 ┘      └ veth2 ── pod2, pod2b
///
/// In rules, sets and commands `@name` stands for an address (bracketed before a port where IPv6 wants it), a prefix,
/// or a word that differs between the families.
public struct World: Sendable {
  public var version: IPVersion

  public init(_ version: IPVersion) { self.version = version }

  public var family: String { version == .v4 ? "ip" : "ip6" }
  var isV6: Bool { version == .v6 }

  static let addresses: [String: (v4: String, v6: String)] = [
    "node": ("192.168.7.10", "fd00:7::10"), "nodeb": ("192.168.7.11", "fd00:7::11"),
    "node2": ("172.20.0.10", "fd00:20::10"), "podgw": ("10.244.1.1", "fd00:244:1::1"),
    "client": ("192.168.7.30", "fd00:7::30"), "client2": ("192.168.7.31", "fd00:7::31"),
    "gateway": ("192.168.7.1", "fd00:7::1"), "hop": ("192.168.7.20", "fd00:7::20"),
    "far": ("172.20.0.30", "fd00:20::30"), "gateway2": ("172.20.0.1", "fd00:20::1"),
    "pod1": ("10.244.1.2", "fd00:244:1::2"), "pod1b": ("10.244.1.4", "fd00:244:1::4"),
    "pod2": ("10.244.1.3", "fd00:244:1::3"), "pod2b": ("10.244.1.5", "fd00:244:1::5"),
    "remote": ("10.244.9.2", "fd00:244:9::2"), "remote2": ("10.244.9.3", "fd00:244:9::3"),
    "kube": ("10.96.0.1", "fd00:96::1"), "dnslocal": ("169.254.20.10", "fd00:254::10"),
    "vtep": ("10.244.9.0", "fd00:244:9::"),
    "vip": ("10.96.0.10", "fd00:96::a"), "vip2": ("10.96.0.11", "fd00:96::b"), "vip3": ("10.96.0.12", "fd00:96::c"),
    "lb": ("198.51.100.8", "2001:db8:51::8"), "outside": ("203.0.113.5", "2001:db8:99::5"),
    "outside2": ("203.0.113.6", "2001:db8:99::6"), "dead": ("10.99.0.4", "fd00:99::4"),
    "nowhere": ("10.98.0.4", "fd00:98::4"), "loop": ("127.0.0.1", "::1"),
    "container": ("172.17.0.2", "fd00:17::2"), "any": ("0.0.0.0", "::"), "proxy": ("127.0.0.6", "::6"),
  ]

  private static let words: [String: (v4: String, v6: String)] = [
    "ip": ("ip", "ip6"), "addr": ("ipv4_addr", "ipv6_addr"), "l4icmp": ("icmp", "ipv6-icmp"),
    "lan": ("192.168.7.0/24", "fd00:7::/64"), "lan2": ("172.20.0.0/24", "fd00:20::/64"),
    "allpods": ("10.244.0.0/16", "fd00:244::/32"), "multicast": ("224.0.0.0/4", "ff00::/8"),
    "pods": ("10.244.1.0/24", "fd00:244:1::/64"), "remotes": ("10.244.9.0/24", "fd00:244:9::/64"),
    "containers": ("172.17.0.0/16", "fd00:17::/64"), "containergw": ("172.17.0.1/16", "fd00:17::1/64"),
    "vips": ("10.96.0.0/16", "fd00:96::/64"), "deads": ("10.99.0.0/24", "fd00:99::/64"),
    "net": ("ipv4", "ipv6"), "netmap": ("10.97.0.0/24", "fd00:97::/64"), "all": ("0.0.0.0/0", "::/0"),
    "loops": ("127.0.0.0/8", "::1/128"), "host": ("32", "128"), "inet": ("inet", "inet6"), "6": ("", "6"),
    "icmp": ("icmp", "ipv6-icmp"), "echo": ("-m icmp --icmp-type 8", "-m icmp6 --icmpv6-type 128"),
    "reply": ("-m icmp --icmp-type 0", "-m icmp6 --icmpv6-type 129"),
    "unreach": ("-m icmp --icmp-type 3/4", "-m icmp6 --icmpv6-type 1/4"),
    "TTL": ("TTL --ttl", "HL --hl"), "ttl": ("ttl --ttl", "hl --hl"),
    "rejectport": ("icmp-port-unreachable", "icmp6-port-unreachable"),
    "rejecthost": ("icmp-host-unreachable", "icmp6-addr-unreachable"),
    "rejectnet": ("icmp-net-unreachable", "icmp6-no-route"),
    "rejectadmin": ("icmp-admin-prohibited", "icmp6-adm-prohibited"),
  ]

  public func address(_ name: String) -> IPAddress? {
    let text = Self.addresses[name].map { isV6 ? $0.v6 : $0.v4 } ?? name
    return IPAddress(text).flatMap { $0.version == version ? $0 : nil }
  }

  /// Replaces every `@name` of a text.
  public func render(_ text: String) -> String {
    var out = ""
    var rest = Substring(text)
    while let at = rest.firstIndex(of: "@") {
      out += rest[..<at]
      let name = rest[rest.index(after: at)...].prefix { $0.isLetter || $0.isNumber }
      rest = rest[rest.index(at, offsetBy: 1 + name.count)...]
      if let pair = Self.addresses[String(name)] {
        let isPort = rest.first == ":" && rest.dropFirst().first?.isNumber == true
        out += isV6 && isPort ? "[\(pair.v6)]" : isV6 ? pair.v6 : pair.v4
      } else if let pair = Self.words[String(name)] {
        out += isV6 ? pair.v6 : pair.v4
      } else {
        out += "@" + name
      }
    }
    return out + rest
  }

  /// Reads `udp @vip:53`, `tcp @any:15006 transparent`.
  func listener(_ text: String) throws(LabError) -> Listener {
    let words = text.split(separator: " ").map(String.init)
    guard words.count == 2 || words.count == 3 && words[2] == "transparent", let ipProtocol = IPProtocol(words[0]),
      let colon = words[1].lastIndex(of: ":"),
      let port = UInt16(words[1][words[1].index(after: colon)...]),
      let own = address(String(words[1][..<colon].dropFirst()))
    else { throw LabError("not a listener: \(text)") }
    return Listener(ipProtocol: ipProtocol, address: own, port: port, isTransparent: words.count == 3)
  }

  /// Reads `eth0 tcp @client:40000 > @vip:80 length=60 mark=0x10 port=veth2 type=8 code=0 flags=16 uid=0 gid=0`.
  public func probe(_ text: String) throws(LabError) -> Probe {
    let words = text.split(separator: " ").map(String.init)
    guard words.count >= 5, words[3] == ">" else { throw LabError("not a flow: \(text)") }
    let name = words[1] == "icmp" && isV6 ? "icmpv6" : words[1]
    guard let ipProtocol = IPProtocol(name) else { throw LabError("not a protocol: \(text)") }
    func end(_ word: String) throws(LabError) -> (IPAddress, UInt16) {
      var host = Substring(word)
      var port: UInt16 = 0
      if ipProtocol.hasPorts, let colon = word.lastIndex(of: ":"),
        let number = UInt16(word[word.index(after: colon)...])
      {
        host = word[..<colon]
        port = number
      }
      if host.hasPrefix("@") { host = host.dropFirst() }
      guard let found = address(String(host)) else { throw LabError("not an address: \(word)") }
      return (found, port)
    }
    let (source, destination) = (try end(words[2]), try end(words[4]))
    var probe = Probe(ipProtocol, from: words[0], source: source.0, destination: destination.0)
    probe.sourcePort = source.1
    probe.destinationPort = destination.1
    if ipProtocol.isICMP { probe.icmpType = isV6 ? 128 : 8 }
    for option in words.dropFirst(5) {
      let pair = option.split(separator: "=", maxSplits: 1).map(String.init)
      guard pair.count == 2 else { throw LabError("not an option of a flow: \(option)") }
      let hexadecimal = pair[1].hasPrefix("0x")
      let number = Int(hexadecimal ? pair[1].dropFirst(2) : pair[1][...], radix: hexadecimal ? 16 : 10)
      switch (pair[0], number) {
      case ("length", let value?): probe.length = value
      case ("mark", let value?): probe.mark = UInt32(value)
      case ("uid", let value?): probe.user = UInt32(value)
      case ("gid", let value?): probe.group = UInt32(value)
      case ("type", let value?): probe.icmpType = UInt8(value)
      case ("code", let value?): probe.icmpCode = UInt8(value)
      case ("flags", let value?): probe.tcpFlags = UInt8(value)
      case ("port", nil): probe.port = pair[1]
      default: throw LabError("not an option of a flow: \(option)")
      }
    }
    return probe
  }
}
