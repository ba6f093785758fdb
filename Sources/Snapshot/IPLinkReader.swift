import Input
import Wire

/// `ip addr`, `ip link`, both with `-d`, `-s`, `-4` or `-j`: one grammar, read by one reader. Reading the same interface
/// again adds what is new about it.
public enum IPLinkReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    if section.isJSON { return withJSON(section, into: &snapshot, readJSON) }
    var merger = LinkMerger(snapshot)
    var current: Link?
    for line in section.lines {
      var words = line.words
      guard let first = words.next() else { continue }
      if !line.isIndented {
        // `ip -o` prints what belongs to an interface on one line, the parts divided by backslashes.
        if let (name, address) = oneLineAddress(line.words) {
          merger.add(Link(index: name.index, name: name.name), isNameOnly: true)
          if let address { merger.add(address) }
          continue
        }
        if let (head, rest) = line.text.split(at: UInt8(ascii: "\\")),
          var link = header(head, &snapshot, section, line.number)
        {
          var parts = Words(rest)
          if let first = parts.next() { _ = detail(first, &parts, link: &link, merger: &merger) }
          merger.add(link)
          continue
        }
        if let link = header(line.text, &snapshot, section, line.number) {
          if let finished = current { merger.add(finished) }
          current = link
        } else if isNoise(first) {
          continue
        } else if current != nil,
          first == "inet" || first == "inet6" || first.hasPrefix("link/") || first == "valid_lft",
          detail(first, &words, link: &current!, merger: &merger)
        {
          // Its indentation went lost on the way.
          continue
        } else {
          snapshot.warn(
            section, line.number, "expected `INDEX: NAME: <FLAGS> …` of ip link, found “\(line.text.printable)”")
        }
        continue
      }
      guard current != nil else {
        snapshot.warn(section, line.number, "“\(line.text.printable)” belongs to no interface")
        continue
      }
      if !detail(first, &words, link: &current!, merger: &merger) {
        snapshot.warn(
          section, line.number, "expected details of interface \(current!.name), found “\(line.text.printable)”")
      }
    }
    if let finished = current { merger.add(finished) }
    merger.store(into: &snapshot)
  }

  /// `2: eth0    inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0\       valid_lft forever …`
  private static func oneLineAddress(_ line: Words) -> ((index: Int, name: String), InterfaceAddress?)? {
    var words = line
    guard let index = words.next(), index.last == UInt8(ascii: ":"), let number = index.dropLast(1).int, number >= 0,
      let name = words.next(), name.last != UInt8(ascii: ":"), let family = words.next(),
      family == "inet" || family == "inet6"
    else { return nil }
    let interface = (name.split(at: UInt8(ascii: "@"))?.before ?? name).string
    return ((number, interface), address(&words, interface: interface))
  }

  /// What surrounds the output in reports.
  private static func isNoise(_ word: ByteText) -> Bool {
    word.first == UInt8(ascii: "#") || word == "Message" || word == "Dump" || word.first == UInt8(ascii: "$")
  }

  /// `2: eth0@if7: <BROADCAST,UP> mtu 1500 qdisc noqueue master cni0 state UP …`
  private static func header(
    _ text: ByteText, _ snapshot: inout Snapshot, _ section: DumpSection, _ number: Int
  ) -> Link? {
    var words = Words(text)
    guard let indexWord = words.next(), indexWord.last == UInt8(ascii: ":"),
      let index = indexWord.dropLast(1).int, index >= 0, index <= Int(Int32.max),
      let nameWord = words.next(), nameWord.last == UInt8(ascii: ":"), nameWord.count > 1,
      let flags = words.next(), flags.first == UInt8(ascii: "<"), flags.last == UInt8(ascii: ">")
    else { return nil }
    let full = nameWord.dropLast(1)
    var link = Link(index: index, name: full.string)
    link.place = FilePlace(file: snapshot.fileIndex(section.file), line: number)
    if let (name, parent) = full.split(at: UInt8(ascii: "@")) {
      link.name = name.string
      if parent.hasPrefix("if"), let peer = parent.dropFirst(2).int {
        link.peerIndex = peer
      } else if !(parent == "NONE") {
        link.parent = parent.string
      }
    }
    apply(flags: flags.dropFirst(1).dropLast(1).string.split(separator: ",").map(String.init), to: &link)
    while let word = words.next() {
      switch word {
      case "mtu": link.mtu = words.next()?.int
      case "master": link.master = words.next()?.string
      case "group": if let value = words.next() { link.group = value.int ?? 0 }
      case "vrf": link.master = words.next()?.string
      case "state":
        // `bridge link` prints that of the port, `ip link` that of the device.
        if let word = words.next(), BridgePortFlags.isState(word) { link.forwards = word == "forwarding" }
      default: break
      }
    }
    return link
  }

  private static func apply(flags: [String], to link: inout Link) {
    link.up = flags.contains("UP")
    link.lacksCarrier = flags.contains("NO-CARRIER")
    link.loopback = flags.contains("LOOPBACK")
    link.promiscuous = flags.contains("PROMISC")
  }

  private static func detail(
    _ first: ByteText, _ words: inout Words, link: inout Link, merger: inout LinkMerger
  ) -> Bool {
    if first.hasPrefix("link/") {
      link.hardwareType = hardwareType(first.dropFirst(5).string)
      if let mac = words.peek, mac.contains(":") {
        link.mac = mac.string
        _ = words.next()
      }
      while let word = words.next() {
        switch word {
        case "promiscuity": if let count = words.next()?.int, count > 0 { link.promiscuous = true }
        default: break
        }
      }
      return true
    }
    switch first {
    case "inet", "inet6":
      guard let address = address(&words, interface: link.name) else { return false }
      merger.add(address)
    case "vxlan":
      link.kind = "vxlan"
      link.vxlan = vxlan(&words, parent: &link.parent)
    case "bridge_slave": BridgePortFlags.read(&words, into: &link)
    // `bridge -d link`
    case "hairpin":
      link.hairpin = words.next().map { $0 == "on" }
      BridgePortFlags.read(&words, into: &link)
    case "valid_lft", "altname", "alias", "RX:", "TX:", "RX", "TX", "vf", "addrgenmode", "bond_slave", "vrf_slave",
      "openvswitch_slave", "team_slave", "numtxqueues", "promiscuity", "link-netnsid", "link-netns", "proto_down",
      "permaddr", "parentbus", "prog/xdp", "peer", "macsec_slave":
      break
    default:
      if kinds.contains(where: { first == $0 }) {
        link.kind = first.string
        if TunnelDevice.Kind(rawValue: first.string) != nil { link.tunnelEnds = tunnelEnds(&words) }
        return true
      }
      // A line of statistics, a continued value, or the link-layer's own options.
      return first.int != nil || first.hasPrefix("0x") || first.contains("_slave") || first.contains("_lft")
    }
    return true
  }

  /// `10.0.0.1/24 brd 10.0.0.255 scope global secondary eth0`, `10.0.0.1 peer 10.0.0.2/32 scope …`
  private static func address(_ words: inout Words, interface: String) -> InterfaceAddress? {
    guard let word = words.next(), let local = (word.split(at: UInt8(ascii: "/"))?.before ?? word).address else {
      return nil
    }
    var result = InterfaceAddress(interface: interface, address: local, prefixLength: local.version.width)
    if let (_, length) = word.split(at: UInt8(ascii: "/")) {
      guard let length = length.int, length >= 0, length <= local.version.width else { return nil }
      result.prefixLength = length
    }
    while let word = words.next() {
      switch word {
      case "peer":
        guard let peer = words.next()?.string, let prefix = IPPrefix(peer) else { return nil }
        result.peer = IPAddress(peer.split(separator: "/").first ?? "")
        result.prefixLength = prefix.length
      case "brd": result.broadcast = words.next()?.address
      case "scope": if let scope = words.next() { result.scope = scope.string }
      case "secondary", "temporary": result.secondary = true
      case "deprecated": result.deprecated = true
      case "tentative": result.tentative = true
      default: break
      }
    }
    return result
  }

  /// `vxlan id 1 local 192.0.2.1 dev eth0 srcport 0 0 dstport 8472 nolearning …`
  private static func vxlan(_ words: inout Words, parent: inout String?) -> Link.VXLAN? {
    var result = Link.VXLAN(id: 0)
    while let word = words.next() {
      switch word {
      case "id": result.id = words.next()?.int ?? 0
      case "local": result.local = words.next()?.address
      case "remote", "group": result.remote = words.next()?.address
      case "dev":
        result.device = words.next()?.string
        parent = result.device
      case "dstport": result.port = words.next()?.int
      case "nolearning": result.learning = false
      case "external": result.isExternal = true
      default: break
      }
    }
    return result
  }

  /// `ipip any remote any local 192.0.2.1 ttl inherit`, `geneve external id 0 dstport 6081`
  private static func tunnelEnds(_ words: inout Words) -> Link.TunnelEnds {
    var result = Link.TunnelEnds()
    while let word = words.next() {
      switch word {
      case "local": result.local = words.next()?.address
      case "remote": result.remote = words.next()?.address
      case "id": result.identifier = words.next()?.int
      case "dstport": result.port = words.next()?.int
      case "external": result.isExternal = true
      default: break
      }
    }
    return result
  }

  private static func hardwareType(_ name: String) -> Int? {
    switch name {
    case "ether": 1
    case "infiniband": 32
    case "ppp": 512
    case "ipip": 768
    case "tunnel6": 769
    case "loopback": 772
    case "sit": 776
    case "gre": 778
    case "gre6": 823
    case "none": 65534
    default: Int(name.trimmingBrackets)
    }
  }

  private static let kinds: [StaticString] = [
    "veth", "bridge", "dummy", "ipip", "sit", "gre", "gretap", "ip6gre", "ip6gretap", "ip6tnl", "erspan", "ip6erspan",
    "wireguard", "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "bond", "team", "tun", "vrf", "geneve", "vti",
    "vti6",
    "xfrm", "openvswitch", "nlmon", "ifb", "vcan", "vxcan", "can", "bareudp", "netkit", "hsr", "macsec", "lowpan",
    "rmnet",
    "batadv", "ipoib", "netdevsim", "gtp", "amt", "vsockmon", "dsa", "tap", "virt_wifi", "hsr", "tunl",
  ]

  // MARK: JSON

  private static func readJSON(_ root: JSONValue, _ snapshot: inout Snapshot) {
    var merger = LinkMerger(snapshot)
    for item in root.elements {
      guard let index = item["ifindex"]?.int, let name = item["ifname"]?.string else { continue }
      var link = Link(index: index, name: name)
      for member in item.members { apply(member.name, member.value, to: &link) }
      merger.add(link)
      for entry in item["addr_info"]?.elements ?? item.elements {
        if let address = address(entry, interface: name) { merger.add(address) }
      }
    }
    merger.store(into: &snapshot)
  }

  private static func apply(_ name: JSONText, _ value: JSONValue, to link: inout Link) {
    switch name {
    case "flags": apply(flags: value.elements.compactMap(\.string), to: &link)
    case "mtu": link.mtu = value.int
    case "address": link.mac = value.string
    case "master": link.master = value.string
    case "link": link.parent = value.string
    case "link_index": link.peerIndex = value.int
    case "link_type": link.hardwareType = value.string.flatMap { hardwareType($0) }
    case "promiscuity": if let count = value.int, count > 0 { link.promiscuous = true }
    case "group": link.group = value.string.flatMap { Int($0) } ?? 0
    case "linkinfo":
      link.kind = value["info_kind"]?.string
      let data = value["info_data"]
      if link.kind == "vxlan", let data {
        var vxlan = Link.VXLAN(id: data["id"]?.int ?? 0)
        vxlan.port = data["port"]?.int
        vxlan.local = (data["local"] ?? data["local6"])?.text?.address
        vxlan.remote = (data["remote"] ?? data["remote6"] ?? data["group"] ?? data["group6"])?.text?.address
        vxlan.device = data["link"]?.string
        vxlan.learning = data["learning"]?.bool ?? true
        vxlan.isExternal = data["external"]?.bool ?? false
        link.vxlan = vxlan
        link.parent = link.parent ?? vxlan.device
      } else if link.kind.flatMap(TunnelDevice.Kind.init(rawValue:)) != nil, let data {
        var ends = Link.TunnelEnds()
        ends.local = data["local"]?.text?.address
        ends.remote = (data["remote"] ?? data["remote6"])?.text?.address
        ends.port = data["port"]?.int
        ends.identifier = data["id"]?.int
        ends.isExternal = data["external"]?.bool ?? false
        link.tunnelEnds = ends
      }
      if value["info_slave_kind"]?.text.map({ $0 == "bridge" }) == true {
        if let flags = value["info_slave_data"] {
          for flag in flags.members { BridgePortFlags.read(flag.name, flag.value, into: &link) }
        }
      }
    default: BridgePortFlags.read(name, value, into: &link)
    }
  }

  private static func address(_ entry: JSONValue, interface: String) -> InterfaceAddress? {
    guard let local = entry["local"]?.text?.address, let length = entry["prefixlen"]?.int,
      length >= 0, length <= local.version.width
    else { return nil }
    var result = InterfaceAddress(
      interface: interface, address: local, prefixLength: length, scope: entry["scope"]?.string ?? "global")
    result.peer = entry["address"]?.text?.address
    result.broadcast = entry["broadcast"]?.text?.address
    result.secondary = (entry["secondary"] ?? entry["temporary"])?.bool ?? false
    result.deprecated = entry["deprecated"]?.bool ?? false
    result.tentative = entry["tentative"]?.bool ?? false
    return result
  }
}

extension String {
  fileprivate var trimmingBrackets: Substring { hasPrefix("[") && hasSuffix("]") ? dropFirst().dropLast() : self[...] }
}

/// Collects interfaces and addresses, each once.
struct LinkMerger {
  private var links: [Link]
  private var byName: [String: Int] = [:]
  private var addresses: [InterfaceAddress]
  private var seen: [AddressKey: Int] = [:]
  private var addedAddress: Bool

  private struct AddressKey: Hashable {
    var interface: String
    var address: IPAddress
    var prefixLength: Int
  }

  init(_ snapshot: Snapshot) {
    links = snapshot.links ?? []
    addresses = snapshot.addresses ?? []
    addedAddress = snapshot.addresses != nil
    for (index, link) in links.enumerated() { byName[link.name] = index }
    for (index, address) in addresses.enumerated() { seen[key(address)] = index }
  }

  private func key(_ address: InterfaceAddress) -> AddressKey {
    AddressKey(interface: address.interface, address: address.address, prefixLength: address.prefixLength)
  }

  /// `isNameOnly`: where it is known already, nothing of it is changed.
  mutating func add(_ link: Link, isNameOnly: Bool = false) {
    if isNameOnly, byName[link.name] != nil { return }
    guard let index = byName[link.name] else {
      byName[link.name] = links.count
      links.append(link)
      return
    }
    let old = links[index]
    var new = link
    // Not every tool numbers them.
    if link.index == 0 { new.index = old.index }
    new.mtu = link.mtu ?? old.mtu
    new.mac = link.mac ?? old.mac
    new.master = link.master ?? old.master
    new.kind = link.kind ?? old.kind
    new.parent = link.parent ?? old.parent
    new.peerIndex = link.peerIndex ?? old.peerIndex
    new.vxlan = link.vxlan ?? old.vxlan
    new.tunnelEnds = link.tunnelEnds ?? old.tunnelEnds
    new.hairpin = link.hairpin ?? old.hairpin
    new.isolated = link.isolated ?? old.isolated
    new.forwards = link.forwards ?? old.forwards
    new.promiscuous = link.promiscuous || old.promiscuous
    new.hardwareType = link.hardwareType ?? old.hardwareType
    if new.group == 0 { new.group = old.group }
    links[index] = new
  }

  mutating func add(_ address: InterfaceAddress) {
    addedAddress = true
    guard seen[key(address)] == nil else { return }
    seen[key(address)] = addresses.count
    addresses.append(address)
  }

  /// `ip -d link` prints no addresses: then they stay unknown, not empty.
  func store(into snapshot: inout Snapshot) {
    if !links.isEmpty { snapshot.links = links }
    if addedAddress { snapshot.addresses = addresses }
  }
}

extension IPLinkReader {
  static let descriptor = DumpDescriptor(
    .link, commands: ["ip -d addr", "ip addr", "ip link"], collected: [.init("ip-addr.txt", "ip", "-d", "addr")],
    isNamed: { $0.contains("addr") || $0.contains("link") },
    json: { $0.contains("\"ifindex\"") || $0.contains("\"ifname\"") && $0.contains("\"mtu\"") },
    read: { read($0.section, into: &$1) },
    recognises: { line in
      guard line.first.last == UInt8(ascii: ":"), line.first.dropLast(1).int != nil, let third = line.rest.peek else {
        return false
      }
      return third == "inet" || third == "inet6"
        || line.second.last == UInt8(ascii: ":") && third.first == UInt8(ascii: "<")
    })
}
