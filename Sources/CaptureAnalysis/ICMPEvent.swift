import Wire

/// An ICMP or ICMPv6 error with the packet that it quotes.
struct ICMPEvent {
  var version: IPVersion
  var type: UInt8
  var code: UInt8
  /// Announced by fragmentation-needed and packet-too-big; 0 otherwise.
  var mtu: Int
  var reporter: Bits128
  var receiver: Bits128
  var quotedSource: Bits128
  var quotedDestination: Bits128
  var quotedProtocol: UInt8
  var quotedSourcePort: UInt16
  var quotedDestinationPort: UInt16
  var quotedLength: Int
  /// As it arrived at the reporter.
  var quotedTTL: UInt8
  var scope: UInt32
  var frame: FrameReference
  var time: Int64
  var conversation: Int32

  var isTooBig: Bool { version == .v4 ? type == 3 && code == 4 : type == 2 }
  var isUnreachable: Bool { version == .v4 ? type == 3 && code != 4 : type == 1 }
  var isTimeExceeded: Bool { version == .v4 ? type == 11 : type == 3 }

  func address(_ bits: Bits128) -> IPAddress { IPAddress(bits: bits, version: version) }

  /// The message's name as iptables' `--reject-with` spells it, where it has one.
  static func name(_ version: IPVersion, type: UInt8, code: UInt8) -> String {
    switch (version, type, code) {
    case (.v4, 3, 0): "icmp-net-unreachable"
    case (.v4, 3, 1): "icmp-host-unreachable"
    case (.v4, 3, 2): "icmp-proto-unreachable"
    case (.v4, 3, 3): "icmp-port-unreachable"
    case (.v4, 3, 4): "fragmentation needed"
    case (.v4, 3, 9): "icmp-net-prohibited"
    case (.v4, 3, 10): "icmp-host-prohibited"
    case (.v4, 3, 13): "icmp-admin-prohibited"
    case (.v4, 11, _): "time exceeded"
    case (.v6, 1, 0): "icmp6-no-route"
    case (.v6, 1, 1): "icmp6-adm-prohibited"
    case (.v6, 1, 3): "icmp6-addr-unreachable"
    case (.v6, 1, 4): "icmp6-port-unreachable"
    case (.v6, 1, 5): "source address failed policy"
    case (.v6, 1, 6): "reject route"
    case (.v6, 2, _): "packet too big"
    case (.v6, 3, _): "time exceeded"
    default: "ICMP\(version == .v6 ? "v6" : "") type \(type) code \(code)"
    }
  }
}
