import Input
import Wire

/// `ipset save` and `ipset list`. A set that both tell is kept once, with the more elements.
public enum IPSetReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var reader = Reader(section: section, file: snapshot.fileIndex(section.file))
    for line in section.lines { reader.read(line, &snapshot) }
    var sets = snapshot.ipsets ?? []
    var byName: [String: Int] = [:]
    for (index, set) in sets.enumerated() { byName[set.name] = index }
    for set in reader.sets {
      // A listing without members, or of which the end was cut off, does not tell what is in it.
      if let wanted = reader.entries[set.name], wanted > set.elements.count, set.timeout == nil {
        snapshot.warn(
          section, set.line,
          "set \(printable(set.name)) has \(wanted) entries, and \(set.elements.count) of them are listed: it is taken as unknown; hand over ipset save"
        )
        continue
      }
      if let index = byName[set.name] {
        if set.elements.count > sets[index].elements.count { sets[index] = set }
      } else {
        byName[set.name] = sets.count
        sets.append(set)
      }
    }
    snapshot.ipsets = sets
  }

  private struct Reader {
    let section: DumpSection
    let file: UInt32
    var sets: [IPSet] = []
    var byName: [String: Int] = [:]
    /// The set that the last line was about; most lines go on with it.
    var current: Int?
    /// `Number of entries: 4`, by the set's name.
    var entries: [String: Int] = [:]
    /// Behind `Members:` of a list.
    var inMembers = false

    mutating func read(_ line: LineScanner.Line, _ snapshot: inout Snapshot) {
      var words = line.words
      guard let first = words.next() else {
        inMembers = false
        return
      }
      if first.first == UInt8(ascii: "#") { return }
      switch first {
      case "create", "-N", "add", "-A":
        inMembers = false
        let name = words.next()
        guard let name else {
          return snapshot.warn(section, line.number, "expected a set's name behind “\(first.string)”")
        }
        if first == "create" || first == "-N" {
          guard let type = words.next(), create(name, type, line.number) else {
            return snapshot.warn(section, line.number, "expected `create NAME TYPE …`, found “\(line.text.printable)”")
          }
          options(&words)
        } else {
          select(name)
          guard current != nil else {
            return snapshot.warn(section, line.number, "set \(name.printable) is not created before this line")
          }
          add(&words, line, &snapshot)
        }
      case "Name:":
        inMembers = false
        pendingName = words.next()?.string
        pendingLine = line.number
        current = nil
      case "Type:":
        guard let name = pendingName, let type = words.next(), create(name, type, pendingLine) else {
          return snapshot.warn(section, line.number, "expected the type of a set, found “\(line.text.printable)”")
        }
      case "Header:": options(&words)
      case "Revision:", "References:", "Size": break
      case "Number" where words.peek.map({ $0 == "of" }) == true:
        if let current, let count = line.text.split(at: UInt8(ascii: ":"))?.after.trimmed.int {
          entries[sets[current].name] = count
        }
      case "Members:": inMembers = current != nil
      case "flush", "-F", "COMMIT", "-exist", "-!": break
      default:
        guard inMembers else {
          return snapshot.warn(
            section, line.number, "expected a line of ipset save or list, found “\(line.text.printable)”")
        }
        words = line.words
        add(&words, line, &snapshot)
      }
    }

    private var pendingName: String?
    private var pendingLine = 0

    init(section: DumpSection, file: UInt32) {
      self.section = section
      self.file = file
    }

    private mutating func create(_ name: ByteText, _ type: ByteText, _ line: Int) -> Bool {
      create(name.string, type, line)
    }

    private mutating func create(_ name: String, _ type: ByteText, _ line: Int) -> Bool {
      let text = type.string
      guard let dimensions = IPSet.dimensions(ofType: text) else { return false }
      if let index = byName[name] {
        current = index
        return true
      }
      var set = IPSet(name: name, type: text, dimensions: dimensions)
      set.file = file
      set.line = line
      byName[name] = sets.count
      current = sets.count
      sets.append(set)
      return true
    }

    private mutating func select(_ name: ByteText) {
      if let current, name.bytes.elementsEqual(sets[current].name.utf8) { return }
      current = byName[name.string]
    }

    private mutating func options(_ words: inout Words) {
      guard let current else { return }
      while let word = words.next() {
        switch word {
        case "family":
          switch words.next() {
          case .some("inet6"), .some("ipv6"): sets[current].version = .v6
          case .some: sets[current].version = .v4
          case nil: break
          }
        case "timeout": sets[current].timeout = words.next()?.number(UInt32.self)
        case "markmask": sets[current].markMask = words.next()?.number(UInt32.self) ?? .max
        case "netmask": sets[current].netmask = words.next()?.int
        case "range":
          // bitmap:ip has a range instead of a family.
          if sets[current].type != "bitmap:port", let range = words.next(), range.contains(".") {
            sets[current].version = .v4
          }
        default: break
        }
      }
      if sets[current].version == nil, sets[current].type.hasPrefix("hash:"), sets[current].type != "hash:mac" {
        sets[current].version = .v4
      }
    }

    /// `PART,PART… [timeout N] [nomatch] [comment "…"] …`
    private mutating func add(_ words: inout Words, _ line: LineScanner.Line, _ snapshot: inout Snapshot) {
      guard let current, let text = words.next() else { return }
      guard var element = IPSet.element(text, of: sets[current].dimensions) else {
        return snapshot.warn(
          section, line.number, "expected an element of a \(sets[current].type) set, found “\(text.printable)”")
      }
      element.line = line.number
      while let word = words.next() {
        switch word {
        case "timeout": element.timeout = words.next()?.number(UInt32.self)
        case "nomatch": element.noMatch = true
        case "comment":
          let rest = words.rest
          guard rest.first == UInt8(ascii: "\""), let (quoted, after) = rest.dropFirst(1).split(at: UInt8(ascii: "\""))
          else {
            element.comment = words.next()?.string
            continue
          }
          element.comment = quoted.string
          words = Words(after)
        case "packets", "bytes", "skbmark", "skbprio", "skbqueue", "before", "after": _ = words.next()
        case "-exist", "wildcard", "-!": break
        default:
          snapshot.warn(section, line.number, "unknown option “\(word.printable)” of an element")
          while words.next() != nil {}
        }
      }
      sets[current].elements.append(element)
      if sets[current].version == nil, case .address? = element.parts.first, sets[current].type.hasPrefix("hash:") {
        sets[current].version =
          text.contains(":") && text.split(at: UInt8(ascii: ","))?.before.address?.version == .v6 ? .v6 : .v4
      }
    }
  }
}

extension IPSet {
  /// Nil for a type that ipset does not have.
  static func dimensions(ofType type: String) -> [Dimension]? {
    if type == "list:set" { return [.set] }
    let parts = type.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "hash" || parts[0] == "bitmap" else { return nil }
    var dimensions: [Dimension] = []
    for part in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
      guard let dimension = Dimension(rawValue: String(part)), dimension != .set, dimensions.count < 3 else {
        return nil
      }
      dimensions.append(dimension)
    }
    return dimensions.isEmpty ? nil : dimensions
  }

  public static func element(_ text: ByteText, of dimensions: [Dimension]) -> Element? {
    var parts: [Element.Part] = []
    var rest: ByteText? = text
    for dimension in dimensions {
      guard let left = rest else {
        // bitmap:ip,mac: the address is not yet learnt.
        if dimension == .mac, !parts.isEmpty { break }
        return nil
      }
      let divided = left.split(at: UInt8(ascii: ","))
      let word = divided?.before ?? left
      rest = divided?.after
      guard let part = part(word, dimension) else { return nil }
      parts.append(part)
    }
    return rest == nil ? Element(parts: parts) : nil
  }

  private static func part(_ word: ByteText, _ dimension: Dimension) -> Element.Part? {
    guard !word.isEmpty else { return nil }
    switch dimension {
    case .ip, .net: return range(word).map { .address($0) }
    case .port: return port(word)
    case .iface:
      let physical = word.hasPrefix("physdev:")
      let name = physical ? word.dropFirst(8) : word
      return name.isEmpty || name.count > 15 ? nil : .interface(name.string, physical: physical)
    case .mac: return word.count == 17 ? .mac(word.string.lowercased()) : nil
    case .mark: return word.number(UInt32.self).map { .mark($0) }
    case .set: return .set(word.string)
    }
  }

  /// An address, a prefix, or `first-last`.
  private static func range(_ word: ByteText) -> Element.AddressRange? {
    if let prefix = word.prefix { return .init(prefix.address.bits, prefix.last.bits) }
    guard let (low, high) = word.split(at: UInt8(ascii: "-")), let low = low.address, let high = high.address,
      low.version == high.version, low <= high
    else { return nil }
    return .init(low.bits, high.bits)
  }

  /// `80`, `80-90`, `tcp:80-90`, `icmp:8/0`, `icmp:echo-request`, `vrrp:0`.
  private static func port(_ word: ByteText) -> Element.Part? {
    guard let (name, value) = word.split(at: UInt8(ascii: ":")) else {
      return ports(word).map { .port(proto: nil, ports: $0) }
    }
    guard let proto = IPProtocol(parsing: name.bytes) else { return nil }
    if proto.isICMP, let code = icmp(value, proto) { return .port(proto: proto.rawValue, ports: code...code) }
    return ports(value).map { .port(proto: proto.rawValue, ports: $0) }
  }

  private static func ports(_ word: ByteText) -> ClosedRange<UInt16>? {
    if let (low, high) = word.split(at: UInt8(ascii: "-")) {
      guard let low = low.number(UInt16.self), let high = high.number(UInt16.self), low <= high else { return nil }
      return low...high
    }
    if let port = word.number(UInt16.self) { return port...port }
    return ServiceName.port(word).map { $0...$0 }
  }

  /// Type << 8 | code, from `8/0` or the names that ipset prints (lib/icmp.c and lib/icmpv6.c).
  private static func icmp(_ word: ByteText, _ proto: IPProtocol) -> UInt16? {
    if let (type, code) = word.split(at: UInt8(ascii: "/")) {
      guard let type = type.number(UInt8.self), let code = code.number(UInt8.self) else { return nil }
      return UInt16(type) << 8 | UInt16(code)
    }
    let names = proto == .icmp ? icmpNames : icmpv6Names
    return names.first { word == $0.0 }.map { UInt16($0.1) << 8 | UInt16($0.2) }
  }

  private static let icmpNames: [(StaticString, UInt8, UInt8)] = [
    ("echo-reply", 0, 0), ("pong", 0, 0), ("network-unreachable", 3, 0), ("host-unreachable", 3, 1),
    ("protocol-unreachable", 3, 2), ("port-unreachable", 3, 3), ("fragmentation-needed", 3, 4),
    ("source-route-failed", 3, 5), ("network-unknown", 3, 6), ("host-unknown", 3, 7), ("network-prohibited", 3, 9),
    ("host-prohibited", 3, 10), ("TOS-network-unreachable", 3, 11), ("TOS-host-unreachable", 3, 12),
    ("communication-prohibited", 3, 13), ("host-precedence-violation", 3, 14), ("precedence-cutoff", 3, 15),
    ("source-quench", 4, 0), ("network-redirect", 5, 0), ("host-redirect", 5, 1), ("TOS-network-redirect", 5, 2),
    ("TOS-host-redirect", 5, 3), ("echo-request", 8, 0), ("ping", 8, 0), ("router-advertisement", 9, 0),
    ("router-solicitation", 10, 0), ("ttl-zero-during-transit", 11, 0), ("ttl-zero-during-reassembly", 11, 1),
    ("ip-header-bad", 12, 0), ("required-option-missing", 12, 1), ("timestamp-request", 13, 0),
    ("timestamp-reply", 14, 0), ("address-mask-request", 17, 0), ("address-mask-reply", 18, 0),
  ]
  private static let icmpv6Names: [(StaticString, UInt8, UInt8)] = [
    ("no-route", 1, 0), ("communication-prohibited", 1, 1), ("address-unreachable", 1, 3), ("port-unreachable", 1, 4),
    ("packet-too-big", 2, 0), ("ttl-zero-during-transit", 3, 0), ("ttl-zero-during-reassembly", 3, 1),
    ("bad-header", 4, 0), ("unknown-header-type", 4, 1), ("unknown-option", 4, 2), ("echo-request", 128, 0),
    ("ping", 128, 0), ("echo-reply", 129, 0), ("pong", 129, 0), ("router-solicitation", 133, 0),
    ("router-advertisement", 134, 0), ("neighbour-solicitation", 135, 0), ("neigbour-solicitation", 135, 0),
    ("neighbour-advertisement", 136, 0), ("neigbour-advertisement", 136, 0), ("redirect", 137, 0),
  ]
}

/// The few service names that tools print for ports where they were not told to print numbers.
enum ServiceName {
  static func port(_ word: ByteText) -> UInt16? { names.first { word == $0.0 }?.1 }

  private static let names: [(StaticString, UInt16)] = [
    ("ftp", 21), ("ssh", 22), ("telnet", 23), ("smtp", 25), ("domain", 53), ("bootps", 67), ("bootpc", 68),
    ("tftp", 69),
    ("http", 80), ("pop3", 110), ("sunrpc", 111), ("ntp", 123), ("imap2", 143), ("imap", 143), ("snmp", 161),
    ("bgp", 179),
    ("ldap", 389), ("https", 443), ("syslog", 514), ("submission", 587), ("ipp", 631), ("ldaps", 636), ("imaps", 993),
    ("pop3s", 995), ("nfs", 2049), ("mysql", 3306), ("postgresql", 5432), ("mdns", 5353), ("http-alt", 8080),
    ("webcache", 8080),
  ]
}

extension IPSetReader {
  static let descriptor = DumpDescriptor(
    .ipset, commands: ["ipset save", "ipset list"], collected: [.init("ipset-save.txt", "ipset", "save")],
    isNamed: { $0.contains("ipset") }, empty: { $0.ipsets = $0.ipsets ?? [] },
    read: { read($0.section, into: &$1) },
    recognises: { line in
      switch line.first {
      case "create": line.rest.peek.flatMap { IPSet.dimensions(ofType: $0.string) } != nil
      // kubectl describe aligns its values with more blanks.
      case "Name:": !line.second.isEmpty && !line.text.hasPrefix("Name:  ")
      default: false
      }
    })
}
