import Input
import Wire

/// `ifconfig`, in the layout of net-tools 2 (`eth0: flags=4163<UP,…>  mtu 1500`) and of the older ones
/// (`eth0      Link encap:Ethernet`, busybox). It shows one address a label: others of an interface may be missing.
enum IfconfigReader: DumpReader {
  static let descriptor = DumpDescriptor(
    .ifconfig, commands: ["ifconfig -a"],
    read: { read($0.section, into: &$1) },
    recognises: { line in
      line.first.last == UInt8(ascii: ":") && line.second.hasPrefix("flags=") && line.second.contains("<")
        || line.second == "Link" && line.text.contains("encap:")
    })

  static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var merger = LinkMerger(snapshot)
    var current: Link?
    for line in section.lines {
      var words = line.words
      guard let first = words.next(), first.first != UInt8(ascii: "#") else { continue }
      if line.isIndented {
        guard current != nil else {
          snapshot.warn(section, line.number, "“\(line.text.printable)” belongs to no interface")
          continue
        }
        if !detail(first, &words, &current!, &merger) {
          snapshot.warn(section, line.number, "expected details of an interface, found “\(line.text.printable)”")
        }
      } else if let link = header(line.text) {
        if let done = current { merger.add(done) }
        current = link
      } else {
        snapshot.warn(section, line.number, "expected an interface of ifconfig, found “\(line.text.printable)”")
      }
    }
    if let done = current { merger.add(done) }
    merger.store(into: &snapshot)
  }

  private static func header(_ text: ByteText) -> Link? {
    var words = Words(text)
    guard var name = words.next() else { return nil }
    var link = Link(index: 0, name: "")
    if name.last == UInt8(ascii: ":"), let flags = words.next(), flags.hasPrefix("flags="),
      let (_, list) = flags.split(at: UInt8(ascii: "<"))
    {
      name = name.dropLast(1)
      apply((list.split(at: UInt8(ascii: ">"))?.before ?? list).string.split(separator: ",").map(String.init), &link)
      while let word = words.next() { if word == "mtu" { link.mtu = words.next()?.int } }
    } else if text.contains("Link encap:") {
      // Flags and MTU come on a line of their own.
      link.up = false
      while let word = words.next() { if word == "HWaddr" { link.mac = words.next()?.string.lowercased() } }
      link.hardwareType = text.contains("encap:Ethernet") ? 1 : text.contains("encap:Local") ? 772 : nil
    } else {
      return nil
    }
    // `eth0:1` is a label of a further address.
    link.name = (name.split(at: UInt8(ascii: ":"))?.before ?? name).string
    return link.name.isEmpty ? nil : link
  }

  private static func apply(_ flags: [String], _ link: inout Link) {
    link.up = flags.contains("UP")
    link.loopback = flags.contains("LOOPBACK")
    link.promiscuous = flags.contains("PROMISC")
    link.lacksCarrier = link.up && !flags.contains("RUNNING")
  }

  private static func detail(
    _ first: ByteText, _ words: inout Words, _ link: inout Link, _ merger: inout LinkMerger
  ) -> Bool {
    switch first {
    case "inet", "inet6":
      guard let address = address(&words, interface: link.name) else { return false }
      merger.add(address)
    case "ether":
      link.mac = words.next()?.string
      link.hardwareType = 1
    case "loop": link.hardwareType = 772
    case "UP", "DOWN", "BROADCAST", "LOOPBACK", "POINTOPOINT", "NOARP", "MULTICAST", "RUNNING":
      var flags = [first.string]
      while let word = words.next() {
        if word.hasPrefix("MTU:") { link.mtu = word.dropFirst(4).int } else { flags.append(word.string) }
      }
      apply(flags, &link)
    default: break
    }
    return true
  }

  /// `192.0.2.1  netmask 255.255.255.0  broadcast …`, `fe80::1  prefixlen 64 …`, `addr:192.0.2.1  Bcast:…  Mask:…`,
  /// `addr: fe80::1/64 Scope:Link`
  private static func address(_ words: inout Words, interface: String) -> InterfaceAddress? {
    guard var word = words.next() else { return nil }
    if word.hasPrefix("addr:") {
      word = word.dropFirst(5)
      if word.isEmpty, let next = words.next() { word = next }
    }
    guard let first = word.prefix else { return nil }
    var result = InterfaceAddress(interface: interface, address: first.address, prefixLength: first.length)
    if first.address.version == .v6, let (_, length) = word.split(at: UInt8(ascii: "/")) {
      guard let length = length.int, (0...128).contains(length) else { return nil }
      result = InterfaceAddress(
        interface: interface, address: word.split(at: UInt8(ascii: "/"))!.before.address ?? first.address,
        prefixLength: length)
    }
    while let word = words.next() {
      var key = word
      var value: ByteText?
      if let (before, after) = word.split(at: UInt8(ascii: ":")), before.address == nil, !after.isEmpty {
        key = before
        value = after
      }
      switch key {
      case "netmask", "Mask":
        guard let mask = value ?? words.next(), let length = IPPrefix("0.0.0.0/" + mask.string)?.length else {
          return nil
        }
        result.prefixLength = length
      case "prefixlen":
        guard let length = words.next()?.int, (0...128).contains(length) else { return nil }
        result.prefixLength = length
      case "broadcast", "Bcast": result.broadcast = (value ?? words.next())?.address
      case "destination", "P-t-P":
        result.peer = (value ?? words.next())?.address
      default: break
      }
    }
    if result.address.version == .v4, result.prefixLength > 32 { return nil }
    return result
  }
}
