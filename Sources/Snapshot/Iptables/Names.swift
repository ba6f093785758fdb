/// Service names that people write instead of ports; /etc/services of the machine that reads need not be the node's.
enum ServiceNames {
  static let ports: [String: UInt16] = [
    "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "time": 37, "whois": 43, "tacacs": 49, "domain": 53,
    "bootps": 67, "bootpc": 68, "tftp": 69, "gopher": 70, "finger": 79, "http": 80, "www": 80, "kerberos": 88,
    "pop3": 110,
    "sunrpc": 111, "auth": 113, "ident": 113, "nntp": 119, "ntp": 123, "netbios-ns": 137, "netbios-dgm": 138,
    "netbios-ssn": 139, "imap": 143, "imap2": 143, "snmp": 161, "snmp-trap": 162, "snmptrap": 162, "bgp": 179,
    "irc": 194,
    "ldap": 389, "https": 443, "microsoft-ds": 445, "isakmp": 500, "syslog": 514, "printer": 515, "ipp": 631,
    "submission": 587, "ldaps": 636, "rsync": 873, "domain-s": 853, "imaps": 993, "pop3s": 995, "socks": 1080,
    "openvpn": 1194, "ms-sql-s": 1433, "l2f": 1701, "l2tp": 1701, "pptp": 1723, "radius": 1812, "radius-acct": 1813,
    "nfs": 2049, "zookeeper": 2181, "mysql": 3306, "rdp": 3389, "ms-wbt-server": 3389, "ipsec-nat-t": 4500, "sip": 5060,
    "sips": 5061, "mdns": 5353, "postgresql": 5432, "amqp": 5672, "x11": 6000, "redis": 6379, "http-alt": 8080,
    "webcache": 8080, "git": 9418, "echo": 7, "discard": 9, "daytime": 13, "chargen": 19, "rtsp": 554,
    "vnc-server": 5900,
  ]
}

/// ICMP type names of `iptables -p icmp -h`: type, and code where the name means one.
enum ICMPNames {
  static let v4: [String: (UInt32, UInt32?)] = [
    "echo-reply": (0, nil), "pong": (0, nil), "destination-unreachable": (3, nil), "network-unreachable": (3, 0),
    "host-unreachable": (3, 1), "protocol-unreachable": (3, 2), "port-unreachable": (3, 3),
    "fragmentation-needed": (3, 4),
    "source-route-failed": (3, 5), "network-unknown": (3, 6), "host-unknown": (3, 7), "network-prohibited": (3, 9),
    "host-prohibited": (3, 10), "TOS-network-unreachable": (3, 11), "TOS-host-unreachable": (3, 12),
    "communication-prohibited": (3, 13), "host-precedence-violation": (3, 14), "precedence-cutoff": (3, 15),
    "source-quench": (4, nil), "redirect": (5, nil), "network-redirect": (5, 0), "host-redirect": (5, 1),
    "TOS-network-redirect": (5, 2), "TOS-host-redirect": (5, 3), "echo-request": (8, nil), "ping": (8, nil),
    "router-advertisement": (9, nil), "router-solicitation": (10, nil), "time-exceeded": (11, nil),
    "ttl-exceeded": (11, nil), "ttl-zero-during-transit": (11, 0), "ttl-zero-during-reassembly": (11, 1),
    "parameter-problem": (12, nil), "ip-header-bad": (12, 0), "required-option-missing": (12, 1),
    "timestamp-request": (13, nil), "timestamp-reply": (14, nil), "address-mask-request": (17, nil),
    "address-mask-reply": (18, nil),
  ]
  static let v6: [String: (UInt32, UInt32?)] = [
    "destination-unreachable": (1, nil), "no-route": (1, 0), "communication-prohibited": (1, 1), "beyond-scope": (1, 2),
    "address-unreachable": (1, 3), "port-unreachable": (1, 4), "failed-policy": (1, 5), "reject-route": (1, 6),
    "packet-too-big": (2, nil), "time-exceeded": (3, nil), "ttl-exceeded": (3, nil), "ttl-zero-during-transit": (3, 0),
    "ttl-zero-during-reassembly": (3, 1), "parameter-problem": (4, nil), "bad-header": (4, 0),
    "unknown-header-type": (4, 1), "unknown-option": (4, 2), "echo-request": (128, nil), "ping": (128, nil),
    "echo-reply": (129, nil), "pong": (129, nil), "mld-listener-query": (130, nil), "mld-listener-report": (131, nil),
    "mld-listener-done": (132, nil), "mld-listener-reduction": (132, nil), "router-solicitation": (133, nil),
    "router-advertisement": (134, nil), "neighbour-solicitation": (135, nil), "neighbor-solicitation": (135, nil),
    "neighbour-advertisement": (136, nil), "neighbor-advertisement": (136, nil), "redirect": (137, nil),
  ]
}

/// Differentiated services classes (RFC 2474, 2597, 3246).
enum DSCPNames {
  static let values: [String: UInt32] = [
    "CS0": 0, "CS1": 8, "CS2": 16, "CS3": 24, "CS4": 32, "CS5": 40, "CS6": 48, "CS7": 56, "BE": 0, "AF11": 10,
    "AF12": 12,
    "AF13": 14, "AF21": 18, "AF22": 20, "AF23": 22, "AF31": 26, "AF32": 28, "AF33": 30, "AF41": 34, "AF42": 36,
    "AF43": 38,
    "EF": 46, "LE": 1, "VA": 44,
  ]
  static let typesOfService: [String: UInt32] = [
    "Minimize-Delay": 0x10, "Maximize-Throughput": 0x08, "Maximize-Reliability": 0x04, "Minimize-Cost": 0x02,
    "Normal-Service": 0,
  ]
}
