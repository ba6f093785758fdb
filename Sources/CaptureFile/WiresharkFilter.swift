/// Wireshark's display filters, as far as a tcpdump expression can say the same (pcap-filter(7), wireshark-filter(4)).
public enum WiresharkFilter {
  /// The tcpdump expression; nil where the filter asks for something that libpcap cannot, or is no display filter.
  public static func translated(_ filter: String) -> String? {
    var parser = Parser(tokens(filter))
    guard let result = parser.either(), parser.isAtEnd else { return nil }
    return result
  }

  private static let addresses = [
    "ip.addr": "host", "ip.src": "src host", "ip.dst": "dst host", "ipv6.addr": "host", "ipv6.src": "src host",
    "ipv6.dst": "dst host", "ip.host": "host", "eth.addr": "ether host", "eth.src": "ether src", "eth.dst": "ether dst",
  ]
  private static let ports = [
    "tcp.port": "tcp port", "tcp.srcport": "tcp src port", "tcp.dstport": "tcp dst port", "udp.port": "udp port",
    "udp.srcport": "udp src port", "udp.dstport": "udp dst port", "sctp.port": "sctp port",
  ]
  private static let flags = [
    "tcp.flags.syn": "tcp-syn", "tcp.flags.reset": "tcp-rst", "tcp.flags.fin": "tcp-fin", "tcp.flags.ack": "tcp-ack",
    "tcp.flags.push": "tcp-push",
  ]
  private static let protocols = [
    "tcp": "tcp", "udp": "udp", "icmp": "icmp", "icmpv6": "icmp6", "arp": "arp", "ip": "ip", "ipv6": "ip6",
    "sctp": "sctp",
    "dns": "port 53",
  ]

  private static func tokens(_ text: String) -> [String] {
    var tokens: [String] = []
    var word = ""
    func end() {
      if !word.isEmpty { tokens.append(word) }
      word = ""
    }
    var rest = Substring(text)
    while let first = rest.first {
      if let sign = ["==", "!=", "&&", "||", "(", ")", "!"].first(where: { rest.hasPrefix($0) }) {
        end()
        tokens.append(sign)
        rest = rest.dropFirst(sign.count)
      } else {
        if first.isWhitespace { end() } else { word.append(first) }
        rest = rest.dropFirst()
      }
    }
    end()
    return tokens
  }

  private struct Parser {
    private let tokens: [String]
    private var at = 0
    private var depth = 0

    init(_ tokens: [String]) { self.tokens = tokens }

    var isAtEnd: Bool { at == tokens.count }

    private mutating func take(_ words: String...) -> Bool {
      guard at < tokens.count, words.contains(tokens[at]) else { return false }
      at += 1
      return true
    }

    mutating func either() -> String? {
      guard var result = both() else { return nil }
      while take("||", "or") {
        guard let next = both() else { return nil }
        result += " or \(next)"
      }
      return result
    }

    private mutating func both() -> String? {
      guard var result = term() else { return nil }
      while take("&&", "and") {
        guard let next = term() else { return nil }
        result += " and \(next)"
      }
      return result
    }

    private mutating func term() -> String? {
      depth += 1
      defer { depth -= 1 }
      // Deeper than anybody writes.
      guard depth < 64 else { return nil }
      if take("!", "not") { return term().map { "not \($0)" } }
      if take("(") {
        guard let inner = either(), take(")") else { return nil }
        return "(\(inner))"
      }
      return comparison()
    }

    private mutating func comparison() -> String? {
      guard at < tokens.count else { return nil }
      let field = tokens[at]
      at += 1
      let isEqual = take("==", "eq")
      guard isEqual || take("!=", "ne") else { return protocols[field] }
      guard at < tokens.count else { return nil }
      let value = tokens[at]
      at += 1
      guard value.allSatisfy({ $0.isLetter || $0.isNumber || ".:/-_".contains($0) }) else { return nil }
      let positive: String
      if let word = addresses[field] {
        positive =
          (value.contains("/")
            ? word.split(separator: " ").map { $0 == "host" ? "net" : String($0) }.joined(separator: " ") : word)
          + " \(value)"
      } else if let word = ports[field], UInt16(value) != nil {
        positive = "\(word) \(value)"
      } else if let flag = flags[field], value == "1" || value == "0" {
        positive = "tcp[tcpflags] & \(flag) \(value == "1" ? "!=" : "==") 0"
      } else {
        return nil
      }
      return isEqual ? positive : "not (\(positive))"
    }
  }
}
