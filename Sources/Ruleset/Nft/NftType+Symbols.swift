extension NftType {
  /// Names of values, as nft prints them; the first of a value is the one printed.
  var symbols: [(StaticString, UInt32)] {
    switch self {
    case .connectionState: Self.connectionStates
    case .connectionStatus: Self.connectionStatuses
    case .connectionDirection: Self.directions
    case .connectionEvent: Self.connectionEvents
    case .networkFamily: Self.networkFamilies
    case .etherType: Self.etherTypes
    case .tcpFlags: Self.tcpFlagNames
    case .icmpType: Self.icmpTypes
    case .icmpCode: Self.icmpCodes
    case .icmp6Type: Self.icmp6Types
    case .icmp6Code: Self.icmp6Codes
    case .icmpxCode: Self.icmpxCodes
    case .igmpType: Self.igmpTypes
    case .dccpType: Self.dccpTypes
    case .mobilityType: Self.mobilityTypes
    case .dscp: Self.dscps
    case .ecn: Self.ecns
    case .packetType: Self.packetTypes
    case .addressType: Self.addressTypes
    case .boolean: Self.booleans
    case .day: Self.days
    case .interfaceType: Self.interfaceTypes
    case .interfaceGroup: Self.groups
    case .arpOperation: Self.arpOperations
    case .port: Self.services
    case .user, .group: Self.users
    default: []
    }
  }

  static let connectionStates: [(StaticString, UInt32)] = [
    ("invalid", 1), ("established", 2), ("related", 4), ("new", 8), ("untracked", 64),
  ]
  static let connectionStatuses: [(StaticString, UInt32)] = [
    ("expected", 1), ("seen-reply", 2), ("assured", 4), ("confirmed", 8), ("snat", 16), ("dnat", 32), ("dying", 512),
  ]
  static let directions: [(StaticString, UInt32)] = [("original", 0), ("reply", 1)]
  static let connectionEvents: [(StaticString, UInt32)] = [
    ("new", 1), ("related", 2), ("destroy", 4), ("reply", 8), ("assured", 16), ("protoinfo", 32), ("helper", 64),
    ("mark", 128), ("seqadj", 256), ("secmark", 512), ("label", 1024),
  ]
  static let networkFamilies: [(StaticString, UInt32)] = [("ipv4", 2), ("ipv6", 10)]
  static let etherTypes: [(StaticString, UInt32)] = [
    ("ip", 0x0800), ("arp", 0x0806), ("ip6", 0x86DD), ("8021q", 0x8100), ("vlan", 0x8100), ("8021ad", 0x88A8),
  ]
  static let tcpFlagNames: [(StaticString, UInt32)] = [
    ("fin", 1), ("syn", 2), ("rst", 4), ("psh", 8), ("ack", 16), ("urg", 32), ("ecn", 64), ("cwr", 128),
  ]
  static let icmpTypes: [(StaticString, UInt32)] = [
    ("echo-reply", 0), ("destination-unreachable", 3), ("source-quench", 4), ("redirect", 5), ("echo-request", 8),
    ("router-advertisement", 9), ("router-solicitation", 10), ("time-exceeded", 11), ("parameter-problem", 12),
    ("timestamp-request", 13), ("timestamp-reply", 14), ("info-request", 15), ("info-reply", 16),
    ("address-mask-request", 17), ("address-mask-reply", 18),
  ]
  static let icmpCodes: [(StaticString, UInt32)] = [
    ("net-unreachable", 0), ("host-unreachable", 1), ("prot-unreachable", 2), ("port-unreachable", 3),
    ("frag-needed", 4), ("net-prohibited", 9), ("host-prohibited", 10), ("admin-prohibited", 13),
  ]
  static let icmp6Types: [(StaticString, UInt32)] = [
    ("destination-unreachable", 1), ("packet-too-big", 2), ("time-exceeded", 3), ("parameter-problem", 4),
    ("echo-request", 128), ("echo-reply", 129), ("mld-listener-query", 130), ("mld-listener-report", 131),
    ("mld-listener-done", 132), ("mld-listener-reduction", 132), ("nd-router-solicit", 133), ("nd-router-advert", 134),
    ("nd-neighbor-solicit", 135), ("nd-neighbor-advert", 136), ("nd-redirect", 137), ("router-renumbering", 138),
    ("ind-neighbor-solicit", 141), ("ind-neighbor-advert", 142), ("mld2-listener-report", 143),
  ]
  static let icmp6Codes: [(StaticString, UInt32)] = [
    ("no-route", 0), ("admin-prohibited", 1), ("addr-unreachable", 3), ("port-unreachable", 4), ("policy-fail", 5),
    ("reject-route", 6),
  ]
  static let icmpxCodes: [(StaticString, UInt32)] = [
    ("no-route", 0), ("port-unreachable", 1), ("host-unreachable", 2), ("admin-prohibited", 3),
  ]
  static let igmpTypes: [(StaticString, UInt32)] = [
    ("membership-query", 0x11), ("membership-report-v1", 0x12), ("membership-report-v2", 0x16),
    ("membership-report-v3", 0x22), ("leave-group", 0x17),
  ]
  static let dccpTypes: [(StaticString, UInt32)] = [
    ("request", 0), ("response", 1), ("data", 2), ("ack", 3), ("dataack", 4), ("closereq", 5), ("close", 6),
    ("reset", 7), ("sync", 8), ("syncack", 9),
  ]
  static let mobilityTypes: [(StaticString, UInt32)] = [
    ("binding-refresh-request", 0), ("home-test-init", 1), ("careof-test-init", 2), ("home-test", 3),
    ("careof-test", 4), ("binding-update", 5), ("binding-acknowledgement", 6), ("binding-error", 7),
    ("fast-binding-update", 8), ("fast-binding-acknowledgement", 9), ("fast-binding-advertisement", 10),
    ("experimental-mobility-header", 11), ("home-agent-switch-message", 12),
  ]
  static let dscps: [(StaticString, UInt32)] = [
    ("cs0", 0), ("lephb", 1), ("cs1", 8), ("af11", 10), ("af12", 12), ("af13", 14), ("cs2", 16), ("af21", 18),
    ("af22", 20), ("af23", 22), ("cs3", 24), ("af31", 26), ("af32", 28), ("af33", 30), ("cs4", 32), ("af41", 34),
    ("af42", 36), ("af43", 38), ("cs5", 40), ("va", 44), ("ef", 46), ("cs6", 48), ("cs7", 56), ("be", 0), ("df", 0),
  ]
  static let ecns: [(StaticString, UInt32)] = [("not-ect", 0), ("ect1", 1), ("ect0", 2), ("ce", 3)]
  static let packetTypes: [(StaticString, UInt32)] = [
    ("host", 0), ("unicast", 0), ("broadcast", 1), ("multicast", 2), ("other", 3),
  ]
  static let addressTypes: [(StaticString, UInt32)] = [
    ("unspec", 0), ("unicast", 1), ("local", 2), ("broadcast", 3), ("anycast", 4), ("multicast", 5), ("blackhole", 6),
    ("unreachable", 7), ("prohibit", 8),
  ]
  static let booleans: [(StaticString, UInt32)] = [("exists", 1), ("missing", 0), ("true", 1), ("false", 0)]
  static let days: [(StaticString, UInt32)] = [
    ("Sunday", 0), ("Monday", 1), ("Tuesday", 2), ("Wednesday", 3), ("Thursday", 4), ("Friday", 5), ("Saturday", 6),
  ]
  static let interfaceTypes: [(StaticString, UInt32)] = [
    ("ether", 1), ("ppp", 512), ("ipip", 768), ("ipip6", 769), ("loopback", 772), ("sit", 776), ("ipgre", 778),
  ]
  static let groups: [(StaticString, UInt32)] = [("default", 0)]
  static let arpOperations: [(StaticString, UInt32)] = [
    ("request", 1), ("reply", 2), ("rrequest", 3), ("rreply", 4), ("inrequest", 8), ("inreply", 9), ("nak", 10),
  ]
  static let users: [(StaticString, UInt32)] = [("root", 0)]
  static let services: [(StaticString, UInt32)] = [
    ("ftp-data", 20), ("ftp", 21), ("ssh", 22), ("telnet", 23), ("smtp", 25), ("domain", 53), ("bootps", 67),
    ("bootpc", 68), ("tftp", 69), ("http", 80), ("kerberos", 88), ("pop3", 110), ("sunrpc", 111), ("ntp", 123),
    ("netbios-ns", 137), ("netbios-dgm", 138), ("netbios-ssn", 139), ("imap2", 143), ("imap", 143), ("snmp", 161),
    ("snmp-trap", 162), ("bgp", 179), ("ldap", 389), ("https", 443), ("microsoft-ds", 445), ("submissions", 465),
    ("isakmp", 500), ("syslog", 514), ("dhcpv6-client", 546), ("dhcpv6-server", 547), ("submission", 587),
    ("ipp", 631), ("ldaps", 636), ("domain-s", 853), ("rsync", 873), ("imaps", 993), ("pop3s", 995),
    ("openvpn", 1194), ("ms-sql-s", 1433), ("l2f", 1701), ("radius", 1812), ("radius-acct", 1813), ("nfs", 2049),
    ("git", 9418), ("mysql", 3306), ("ipsec-nat-t", 4500), ("sip", 5060), ("sip-tls", 5061), ("xmpp-client", 5222),
    ("mdns", 5353), ("postgresql", 5432), ("amqp", 5672), ("redis", 6379), ("http-alt", 8080), ("socks", 1080),
  ]
}
