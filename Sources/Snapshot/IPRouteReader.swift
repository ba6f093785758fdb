import Input
import Ruleset
import Wire

/// `ip route`, `ip -6 route`, both with `show table …` or `-j`.
public enum IPRouteReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var reader = Reader(section: section, file: snapshot.fileIndex(section.file), merger: RouteMerger(snapshot))
    if section.isJSON {
      withJSON(section, into: &snapshot) { root, snapshot in reader.readJSON(root, &snapshot) }
    } else {
      reader.readText(&snapshot)
    }
    snapshot.routes = reader.merger.routes
  }

  /// A route being read, and the version that its attributes tell where its destination does not.
  private struct Draft {
    var route: Route
    var version: IPVersion?
  }

  private struct Reader {
    let section: DumpSection
    let file: UInt32
    var merger: RouteMerger
    /// What the line before was: decides for a `default` that does not tell.
    var version = IPVersion.v4

    mutating func readText(_ snapshot: inout Snapshot) {
      var pending: Draft?
      for line in section.lines {
        var words = line.words
        guard let first = words.next() else { continue }
        if first == "nexthop" {
          guard pending != nil else {
            snapshot.warn(section, line.number, "a nexthop without a route before it")
            continue
          }
          var hop = Route.NextHop()
          while let word = words.next() { _ = attribute(word, &words, hop: &hop, version: &pending!.version) }
          settle(&pending!, from: hop)
          if pending!.route.nextHops.count < 4096 { pending!.route.nextHops.append(hop) }
          continue
        }
        if line.isIndented {
          // `    cache mtu 1492 …` goes on with the route above; so does what a terminal wrapped.
          guard pending != nil else {
            if first == "cache" { continue }
            snapshot.warn(section, line.number, "“\(line.text.printable)” belongs to no route")
            continue
          }
          var rest = line.words
          if !attributes(&rest, of: &pending!, &snapshot) {
            snapshot.warn(section, line.number, "expected attributes of a route, found “\(line.text.printable)”")
          }
          continue
        }
        if let finished = pending { finish(finished) }
        pending = nil
        if first.first == UInt8(ascii: "#") { continue }
        if let route = route(line, &snapshot) {
          pending = route
        } else {
          if line.text.contains(" uid ") {
            // `ip route get` tells what the kernel would do for one destination, no route of the table.
            snapshot.diagnostics.add(
              Diagnostic(
                .note, file: section.file.name, .line(line.number),
                "the answer of ip route get is not used; hand over ip route show table all"))
            continue
          }
          snapshot.warn(section, line.number, "expected a route, found “\(line.text.printable)”")
        }
      }
      if let finished = pending { finish(finished) }
    }

    /// `[TYPE] PREFIX|default ATTRIBUTE…`
    private mutating func route(_ line: LineScanner.Line, _ snapshot: inout Snapshot) -> Draft? {
      var words = line.words
      guard var word = words.next() else { return nil }
      var type = AddressType.unicast
      if let named = AddressType(routeType: word), let next = words.next() {
        type = named
        word = next
      }
      let wholeRange = word == "default" || word == "any" || word == "all"
      let known = wholeRange ? nil : word.prefix
      guard wholeRange || known != nil else { return nil }
      var route = Route(type: type, destination: known ?? IPPrefix(IPAddress(v4: 0), length: 0))
      route.file = file
      route.line = line.number
      var draft = Draft(route: route, version: known?.address.version)
      // Only IPv4 prints a scope; a bare `default dev tun0` takes after the line before it.
      if draft.version == nil, words.rest.contains("scope ") { draft.version = .v4 }
      guard attributes(&words, of: &draft, &snapshot) else { return nil }
      return draft
    }

    /// The next hops may have told what version a `default` is.
    private mutating func finish(_ draft: Draft) {
      var route = draft.route
      if route.destination.length == 0 {
        route.destination = IPPrefix(IPAddress(bits: .zero, version: draft.version ?? version), length: 0)
      }
      version = route.destination.address.version
      merger.add(route)
    }

    /// The rest of a line. False where the line is not a route at all.
    private func attributes(_ words: inout Words, of draft: inout Draft, _ snapshot: inout Snapshot) -> Bool {
      var hop = Route.NextHop()
      while let word = words.next() {
        if attribute(word, &words, hop: &hop, version: &draft.version) { continue }
        switch word {
        case "table":
          guard let name = words.next(), let table = snapshot.routingTable(name) else { return false }
          draft.route.table = table
        case "metric", "priority":
          guard let metric = words.next()?.number(UInt32.self) else { return false }
          draft.route.metric = metric
        case "src":
          guard let source = words.next()?.address else { return false }
          draft.route.source = source
          draft.version = draft.version ?? source.version
        case "from":
          guard let from = words.next() else { return false }
          if !(from == "default" || from == "all") {
            guard let prefix = from.prefix else { return false }
            draft.route.from = prefix
          }
          draft.version = draft.version ?? .v6
        case "tos", "dsfield": draft.route.typeOfService = Self.dsField(words.next())
        case "proto": draft.route.protocol = words.next()?.string
        case "scope": draft.route.scope = words.next()?.string
        case "mtu":
          var value = words.next()
          if let lock = value, lock == "lock" { value = words.next() }
          draft.route.mtu = value?.int
        case "pref":
          _ = words.next()
          draft.version = draft.version ?? .v6
        case "error":
          _ = words.next()
          draft.version = draft.version ?? .v6
        case "expires", "hoplimit", "advmss", "window", "rtt", "rttvar", "cwnd", "initcwnd", "initrwnd", "ssthresh",
          "realm", "realms", "realms_from", "features", "quickack", "congctl", "rto_min", "age", "used", "nhid",
          "users",
          "ttl-propagate", "fastopen_no_cookie", "reordering", "ipid", "tsage", "iif", "ts":
          let value = words.next()
          if let value, value == "lock" { _ = words.next() }
        case "cache", "notify", "offload", "offload_failed", "trap", "rt_offload", "rt_trap", "rt_offload_failed",
          "redirected", "local", "src-direct", "dst-nat", "src-nat", "mc", "reject", "redir-seq", "unresolved":
          break
        case "encap":
          // `encap ip id 1 dst 192.0.2.1 …`, `encap mpls 100`, `encap seg6 …`: up to `via` or `dev`.
          while let next = words.peek, !(next == "via" || next == "dev" || next == "table" || next == "proto") {
            _ = words.next()
          }
        default:
          if word.first == UInt8(ascii: "<") || word.first == UInt8(ascii: "(") || word.last == UInt8(ascii: ">") {
            continue
          }
          return false
        }
      }
      settle(&draft, from: hop)
      if hop != Route.NextHop(), draft.route.nextHops.isEmpty { draft.route.nextHops = [hop] }
      return true
    }

    private func settle(_ draft: inout Draft, from hop: Route.NextHop) {
      if draft.version == nil, let gateway = hop.gateway { draft.version = gateway.version }
    }

    /// What belongs to a next hop; false where the word is none of these.
    private func attribute(
      _ word: ByteText, _ words: inout Words, hop: inout Route.NextHop, version: inout IPVersion?
    ) -> Bool {
      switch word {
      case "via":
        var value = words.next()
        if let family = value, family == "inet6" || family == "inet" {
          // The gateway's family is named where it is not the route's own.
          version = version ?? (family == "inet6" ? .v4 : .v6)
          value = words.next()
        }
        hop.gateway = value?.address
      case "dev": hop.interface = words.next()?.string
      case "weight": hop.weight = min(max(words.next()?.int ?? 1, 1), 256)
      case "onlink", "pervasive": hop.onlink = true
      case "dead": hop.dead = true
      case "linkdown": break
      default: return false
      }
      return true
    }

    private static func dsField(_ word: ByteText?) -> UInt8 {
      guard let word else { return 0 }
      if let number = word.number(UInt8.self) { return number }
      return UInt8(word.string, radix: 16) ?? 0
    }

    // MARK: JSON

    mutating func readJSON(_ root: JSONValue, _ snapshot: inout Snapshot) {
      for item in root.elements where item.isObject {
        guard let text = item["dst"]?.text else { continue }
        var version: IPVersion?
        var route = Route(
          type: item["type"]?.text.flatMap { AddressType(routeType: $0) } ?? .unicast,
          destination: IPPrefix(IPAddress(v4: 0), length: 0))
        route.file = file
        route.line = 1
        if item["pref"] != nil { version = .v6 }
        for member in item.members {
          let value = member.value
          switch member.name {
          case "table": route.table = Self.table(value, &snapshot) ?? route.table
          case "metric": route.metric = value.int.flatMap { UInt32(exactly: $0) } ?? 0
          case "prefsrc":
            route.source = value.text?.address
            version = version ?? route.source?.version
          case "from": route.from = value.text?.prefix
          case "tos": route.typeOfService = Self.dsField(value.text)
          case "protocol": route.protocol = value.string
          case "scope": route.scope = value.string
          case "metrics": for metrics in value.elements { route.mtu = metrics["mtu"]?.int ?? route.mtu }
          case "nexthops":
            for entry in value.elements where route.nextHops.count < 4096 {
              route.nextHops.append(hop(entry, &version))
            }
          default: break
          }
        }
        let own = hop(item, &version)
        if route.nextHops.isEmpty, own != Route.NextHop() { route.nextHops = [own] }
        if text == "default" {
          route.destination = IPPrefix(IPAddress(bits: .zero, version: version ?? .v4), length: 0)
        } else if let prefix = text.prefix {
          route.destination = prefix
        } else {
          snapshot.warn(
            section, section.firstLine, "expected a prefix as \"dst\" of a route, found “\(text.printable)”")
          continue
        }
        merger.add(route)
      }
    }

    private static func table(_ value: JSONValue, _ snapshot: inout Snapshot) -> UInt32? {
      value.int.flatMap { UInt32(exactly: $0) } ?? value.text.flatMap { snapshot.routingTable($0) }
    }

    private func hop(_ item: JSONValue, _ version: inout IPVersion?) -> Route.NextHop {
      var hop = Route.NextHop()
      if let gateway = item["gateway"]?.text?.address {
        hop.gateway = gateway
        version = version ?? gateway.version
      } else if let via = item["via"] {
        hop.gateway = via["host"]?.text?.address
        if let gateway = hop.gateway { version = version ?? (gateway.version == .v6 ? .v4 : .v6) }
      }
      hop.interface = item["dev"]?.string
      hop.weight = min(max(item["weight"]?.int ?? 1, 1), 256)
      for flag in item["flags"]?.elements ?? item.elements {
        switch flag.text ?? ByteText(bytes: .init(start: nil, count: 0)) {
        case "onlink", "pervasive": hop.onlink = true
        case "dead": hop.dead = true
        default: break
        }
      }
      return hop
    }
  }
}

extension AddressType {
  init?(routeType word: ByteText) {
    switch word {
    case "unicast": self = .unicast
    case "local": self = .local
    case "broadcast": self = .broadcast
    case "anycast": self = .anycast
    case "multicast": self = .multicast
    case "blackhole": self = .blackhole
    case "unreachable": self = .unreachable
    case "prohibit": self = .prohibit
    case "throw": self = .throw
    case "nat": self = .nat
    case "xresolve": self = .xresolve
    default: return nil
    }
  }
}

/// Collects routes, each once wherever it stands.
struct RouteMerger {
  private(set) var routes: [Route]
  private var seen: Set<Route> = []

  init(_ snapshot: Snapshot) {
    routes = snapshot.routes ?? []
    for route in routes { seen.insert(Self.key(route)) }
  }

  private static func key(_ route: Route) -> Route {
    var key = route
    key.file = 0
    key.line = 0
    // Text leaves out what JSON spells, and the other way round.
    key.scope = nil
    return key
  }

  mutating func add(_ route: Route) {
    if seen.insert(Self.key(route)).inserted { routes.append(route) }
  }
}

extension IPRouteReader {
  static let descriptor = DumpDescriptor(
    .route, commands: ["ip route show table all", "ip -6 route show table all", "ip route"],
    collected: [
      .init("ip-route.txt", "ip", "route", "show", "table", "all"),
      .init("ip-6-route.txt", "ip", "-6", "route", "show", "table", "all"),
    ],
    isNamed: { $0.contains("route") },
    json: { head in
      guard head.contains("\"dst\""), !head.contains("\"lladdr\""), !head.contains("\"state\"") else { return false }
      return head.contains("\"dev\"") || head.contains("\"gateway\"") || head.contains("\"type\"")
    },
    read: { read($0.section, into: &$1) },
    recognises: { line in
      switch line.first {
      case "default": return line.second == "via" || line.second == "dev" || line.second == "proto"
      case "blackhole", "unreachable", "prohibit", "throw", "local", "broadcast", "anycast", "multicast", "unicast",
        "nexthop":
        return line.second == "default" || line.second.prefix != nil
      default:
        switch line.second {
        case "dev", "via", "proto", "nhid", "from": return line.first.prefix != nil && !IPNeighbourReader.isOne(line)
        default: return false
        }
      }
    })
}
