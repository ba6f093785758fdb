import CMnl
import Glibc
import Input
import Ruleset
import Snapshot
import Wire

/// The ruleset of nf_tables over netlink: tables, chains, sets with their elements, and the rules' bytecode lowered to
/// clauses. Nothing is kept of a message once it is lowered.
struct NftSource {
  let socket: NetlinkSocket
  private let elementSocket: NetlinkSocket
  var lowering: NftLowering
  let names: InterfaceNames
  let file: UInt32
  var tables: [TableKey: TableID] = [:]
  var sets: [SetKey: KernelSet] = [:]
  /// Tables of iptables-nft.
  var xtables: [TableID: XtTable] = [:]
  /// Tables that look like its own, and are read as nft's nevertheless.
  let native: Set<TableKey>
  /// A table that turned out to be one of these.
  var alien: TableKey?
  let ipsetNames = IPSetNames()
  /// What is not decoded, and where.
  var opaque: Set<String> = []
  var opaqueTables: Set<TableID> = []
  /// Of the lines that were spelled.
  var diagnostics = Diagnostics()
  var rule = NftRuleState()

  struct TableKey: Hashable {
    var family: UInt8
    var name: String
  }
  struct SetKey: Hashable {
    var table: UInt32
    var name: String
  }

  /// Message types: NFNL_SUBSYS_NFTABLES and enum nf_tables_msg_types.
  enum Message {
    static let base: UInt16 = 10 << 8
    static let getTable = base | 1
    static let getChain = base | 4
    static let getRule = base | 7
    static let getSet = base | 10
    static let getElements = base | 13
    static let getGeneration = base | 16
    static let getObject = base | 19
    static let getFlowtable = base | 23
  }

  /// Declarations are read, of rules only those of base chains, and no set's elements: `readOn` reads the others.
  let isLazy: Bool
  /// Which set of the kernel a set of the ruleset is.
  var setKeys: [SetID: SetKey] = [:]

  /// Reads into the ruleset; again, when the kernel's generation changed meanwhile. Of the source that is returned more
  /// can be read where `lazily` left something out.
  @discardableResult
  static func read(
    into snapshot: inout Snapshot, names: InterfaceNames, skipping: Set<IPVersion> = [], lazily: Bool = false
  ) throws -> NftSource {
    var attempt = 0
    var native: Set<TableKey> = []
    while true {
      var ruleset = snapshot.ruleset
      let file = ruleset.addFile(SourceFile(name: "nf_tables", text: ""))
      var source = try NftSource(
        lowering: NftLowering(ruleset), names: names, file: file, isLazy: lazily, native: native)
      ruleset = Ruleset()
      let before = try source.generation()
      do {
        try source.readAll(skipping)
        if try source.generation() == before || attempt >= 10 {
          source.readGeneration = before
          snapshot.ruleset = Ruleset()
          swap(&snapshot.ruleset, &source.lowering.ruleset)
          source.report(to: &snapshot.diagnostics)
          return source
        }
      } catch let error as NetlinkError where error.interrupted && attempt < 10 {
      } catch let error as AlienTable {
        native.insert(error.table)
        continue
      }
      attempt += 1
    }
  }

  /// What reading met, since the last report.
  private mutating func report(to list: inout Diagnostics) {
    for text in opaque.sorted() {
      list.add(Diagnostic(.warning, file: "nf_tables", .whole, "\(text) is not decoded; its rules are unknown"))
    }
    list.add(contentsOf: diagnostics)
    opaque = []
    diagnostics = Diagnostics()
  }

  /// The generation of the kernel's rules that was read.
  private(set) var readGeneration: UInt32 = 0

  /// Whether the kernel's rules are still the ones that were read.
  func isCurrent() throws -> Bool { try generation() == readGeneration }

  /// Reads parts that were left out. Of the ruleset nothing else changes.
  mutating func readOn(_ parts: UnreadParts, into snapshot: inout Snapshot) throws {
    swap(&snapshot.ruleset, &lowering.ruleset)
    defer { swap(&snapshot.ruleset, &lowering.ruleset) }
    for set in parts.sets {
      guard let key = setKeys[set] else { continue }
      try readElements(key)
    }
    for chain in parts.chains.sorted(by: { $0.index < $1.index }) { try readRules(of: chain) }
    try readSpelled()
    lowering.ruleset.finish()
    report(to: &snapshot.diagnostics)
  }

  private init(
    lowering: NftLowering, names: InterfaceNames, file: UInt32, isLazy: Bool, native: Set<TableKey>
  ) throws {
    socket = try NetlinkSocket(NETLINK_NETFILTER)
    elementSocket = try NetlinkSocket(NETLINK_NETFILTER)
    self.lowering = lowering
    self.names = names
    self.file = file
    self.isLazy = isLazy
    self.native = native
  }

  /// struct nfgenmsg
  static let anyFamily: [UInt8] = [0, 0, 0, 0]

  private func generation() throws -> UInt32 {
    var value: UInt32 = 0
    try socket.request(
      "generation of nf_tables", type: Message.getGeneration, flags: 0, payload: Self.anyFamily
    ) { _, message in value = Attributes(message, after: 4)[1]?.be32 ?? 0 }
    return value
  }

  private mutating func readAll(_ skipping: Set<IPVersion>) throws {
    try readTables(skipping)
    try readSets()
    try readObjects()
    try readChains()
    findXtables()
    try readRules()
    try readSpelled()
  }

  /// The start of a request about something in a table.
  private func request(about table: TableID) -> [UInt8] {
    let key = tables.first { $0.value == table }?.key
    var payload: [UInt8] = [key?.family ?? 0, 0, 0, 0]
    payload.appendAttribute(1, key?.name ?? "")
    return payload
  }

  static func family(_ number: UInt8) -> Family? {
    switch number {
    case 1: .inet
    case 2: .ip
    case 3: .arp
    case 5: .netdev
    case 7: .bridge
    case 10: .ip6
    default: nil
    }
  }

  /// Calls `body` with each message of a dump. A restart of one list would add it twice: the whole is read again.
  private mutating func each(
    _ what: String, _ type: UInt16, payload: [UInt8] = NftSource.anyFamily,
    _ body: (inout NftSource, UInt8, Attributes) -> Void
  ) throws {
    try socket.request(what, type: type, flags: 0x300, payload: payload) { _, message in
      guard message.count >= 4 else { return }
      body(&self, message[0], Attributes(message, after: 4))
    }
  }

  func table(_ family: UInt8, _ name: Attributes?) -> TableID? {
    name.flatMap { tables[TableKey(family: family, name: $0.string)] }
  }

  private mutating func readTables(_ skipping: Set<IPVersion>) throws {
    try each("tables of nf_tables", Message.getTable) { state, number, attributes in
      guard let family = Self.family(number), let name = attributes[1]?.string else { return }
      if Self.builtIn.contains(name), skipping.contains(where: { $0 == .v4 ? family == .ip : family == .ip6 }) {
        return
      }
      var table = Table(family: family, name: name, backend: .nft, file: state.file)
      table.dormant = (attributes[2]?.be32 ?? 0) & 1 != 0
      table.comment = attributes[6].flatMap { Self.userString($0.bytes, type: 0) }
      state.tables[TableKey(family: number, name: name)] = state.lowering.ruleset.addTable(table)
    }
  }

  /// nft's own attributes in userdata: one byte of type, one of length.
  static func userString(_ bytes: UnsafeRawBufferPointer, type: UInt8) -> String? {
    user(bytes, type: type).map { Attributes($0).string }
  }
  static func user(_ bytes: UnsafeRawBufferPointer, type: UInt8) -> UnsafeRawBufferPointer? {
    var at = 0
    while at + 2 <= bytes.count {
      let length = Int(bytes[at + 1])
      guard at + 2 + length <= bytes.count else { return nil }
      if bytes[at] == type { return UnsafeRawBufferPointer(rebasing: bytes[at + 2..<at + 2 + length]) }
      at += 2 + length
    }
    return nil
  }

  private mutating func readChains() throws {
    try each("chains of nf_tables", Message.getChain) { state, number, attributes in
      guard let table = state.table(number, attributes[1]), let name = attributes[3] else { return }
      let chain = state.lowering.ruleset.chain(state.lowering.ruleset.names.intern(name.stringBytes), in: table)
      var base: BaseChain?
      if let hook = attributes[4], let at = Self.hook(hook[1]?.be32 ?? 99, family: number) {
        var devices = hook[3].map { [$0.string] } ?? []
        hook[4]?.each { _, device in devices.append(device.string) }
        base = BaseChain(
          type: attributes[7].flatMap { ChainType(rawValue: $0.string) } ?? .filter, hook: at,
          priority: Int(Int32(bitPattern: hook[2]?.be32 ?? 0)),
          policyDrops: attributes[5].map { $0.be32 == 0 } ?? false,
          devices: devices)
      }
      state.lowering.ruleset.define(chain, line: 1, base: base)
      state.lowering.ruleset.chains[Int(chain.index)].isUnread = state.isLazy
      if let comment = attributes[12].flatMap({ Self.userString($0.bytes, type: 0) }) {
        state.lowering.ruleset.chainProperties[chain.index, default: []].append("comment \"\(comment)\"")
      }
    }
  }

  static func hook(_ number: UInt32, family: UInt8) -> Hook? {
    if family == 5 { return number == 0 ? .ingress : .egress }
    return switch number {
    case 0: .prerouting
    case 1: .input
    case 2: .forward
    case 3: .output
    case 4: .postrouting
    case 5: .ingress
    default: nil
    }
  }

  /// Counters, quotas, helpers … by name, and flowtables: kept for printing.
  private mutating func readObjects() throws {
    try each("objects of nf_tables", Message.getObject) { state, number, attributes in
      guard let table = state.table(number, attributes[1]), let name = attributes[2]?.string else { return }
      let data = attributes[4] ?? Attributes(UnsafeRawBufferPointer(start: nil, count: 0))
      let (kind, text): (String, String) =
        switch attributes[3]?.be32 ?? 0 {
        case 1: ("counter", "packets \(data[2]?.be64 ?? 0) bytes \(data[1]?.be64 ?? 0)")
        case 2: ("quota", NftTexts.quota(data).replacingPrefix("quota "))
        case 3: ("ct helper", "type \"\(data[1]?.string ?? "")\" protocol \(IPProtocol(rawValue: data[3]?.u8 ?? 0))")
        case 4: ("limit", NftTexts.limit(data).replacingPrefix("limit "))
        case 7: ("ct timeout", "")
        case 8: ("secmark", "\"\(data[1]?.string ?? "")\"")
        case 9: ("ct expectation", "")
        case 10: ("synproxy", "mss \(data[1]?.be16 ?? 0) wscale \(data[2]?.u8 ?? 0)")
        default: ("object", "")
        }
      state.lowering.ruleset.objects.append(TableObject(table: table, kind: kind, name: name, text: text))
    }
    try? each("flowtables of nf_tables", Message.getFlowtable) { state, number, attributes in
      guard let table = state.table(number, attributes[1]), let name = attributes[2]?.string else { return }
      var devices: [String] = []
      attributes[3]?[3]?.each { _, device in devices.append(device.string) }
      let priority = Int32(bitPattern: attributes[3]?[2]?.be32 ?? 0)
      state.lowering.ruleset.objects.append(
        TableObject(
          table: table, kind: "flowtable", name: name,
          text: "hook ingress priority \(priority)\ndevices = { \(devices.joined(separator: ", ")) }"))
    }
  }

  private mutating func readRules() throws {
    if isLazy {
      for chain in lowering.ruleset.chains.indices
      where lowering.ruleset.chains[chain].isUnread && lowering.ruleset.chains[chain].base != Chain.notBase {
        try readRules(of: ChainID(chain))
      }
    } else {
      try each("rules of nf_tables", Message.getRule) { $0.addRule($1, $2) }
    }
  }

  private mutating func readRules(of chain: ChainID) throws {
    let name = lowering.ruleset.name(of: chain)
    var payload = request(about: lowering.ruleset[chain].table)
    payload.appendAttribute(2, name)
    try each("rules of chain \(name)", Message.getRule, payload: payload) { $0.addRule($1, $2) }
    lowering.ruleset.chains[Int(chain.index)].isUnread = false
  }

  private mutating func addRule(_ number: UInt8, _ attributes: Attributes) {
    guard let table = table(number, attributes[1]), let name = attributes[2] else { return }
    if spell(attributes[4], userdata: attributes[7], of: name.string, in: table) { return }
    let chain = lowering.ruleset.chain(lowering.ruleset.names.intern(name.stringBytes), in: table)
    lowering.enter(table)
    rule(attributes[4], userdata: attributes[7])
    lowering.endRule(in: chain, file: file, line: 0, offset: 0, length: 0)
  }

  // MARK: Sets

  private mutating func readSets() throws {
    var keys: [SetKey] = []
    try each("sets of nf_tables", Message.getSet) { state, number, attributes in
      guard let table = state.table(number, attributes[1]), let name = attributes[2]?.string else { return }
      let key = SetKey(table: table.index, name: name)
      let set = Self.declare(name, table, attributes, &state)
      state.sets[key] = set
      if state.isLazy {
        state.setKeys[set.id] = key
        state.lowering.ruleset.sets[Int(set.id.index)].isUnread = true
      } else {
        keys.append(key)
      }
    }
    for key in keys { try readElements(key) }
  }

  private static func declare(
    _ name: String, _ table: TableID, _ attributes: Attributes, _ state: inout NftSource
  ) -> KernelSet {
    let flags = attributes[3]?.be32 ?? 0
    let keyLength = Int(attributes[5]?.be32 ?? 4)
    let keys = NftType.list(attributes[4]?.be32 ?? 0)
    var data: [NftType] = []
    var dataLengths: [Int] = []
    // NFT_SET_MAP 8, NFT_SET_OBJECT 64
    if flags & 64 != 0 {
      data = [.object]
      dataLengths = [0]
    } else if flags & 8 != 0 {
      let type = attributes[6]?.be32 ?? 0
      data = type == 0xFFFF_FF00 ? [.verdict] : NftType.list(type)
      dataLengths = lengths(data, total: Int(attributes[7]?.be32 ?? 0))
    }
    let user = attributes[13]?.bytes
    func order(_ type: UInt8) -> UInt32? { user.flatMap { Self.user($0, type: type) }.map { Attributes($0).u32 } }
    let keyOrder = order(0)
    let dataOrder = order(1)
    func host(_ types: [NftType], _ order: UInt32?) -> [Bool] {
      types.map { $0 == .integer ? types.count == 1 && order == 1 : $0.isHostOrder }
    }
    var set = NamedSet(
      table: table, name: flags & 1 != 0 ? "" : name, flags: [], components: keys.count, keyTypes: keys.map(\.name),
      dataTypes: data.map(\.name))
    if flags & 1 != 0 { set.flags.insert(.anonymous) }
    if flags & 2 != 0 { set.flags.insert(.constant) }
    if flags & 4 != 0 { set.flags.insert(.interval) }
    if flags & 16 != 0 { set.flags.insert(.timeout) }
    if flags & 32 != 0 { set.flags.insert(.dynamic) }
    if !flags.isMultiple(of: 2) {
      // A verdict map says so by its data.
      if data == [.verdict] { set.dataTypes = [] }
    } else {
      if flags & 48 != 0 { set.flags.insert(.volatile) }
      if let size = attributes[9]?[1]?.be32, size > 0 { set.properties.append("size \(size)") }
      if let timeout = attributes[11]?.be64, timeout > 0 {
        set.properties.append("timeout \(NftTexts.duration(timeout))")
      }
      if user.flatMap({ Self.user($0, type: 2) }).map({ Attributes($0).u32 }) == 1 { set.flags.insert(.autoMerge) }
      if let comment = user.flatMap({ Self.userString($0, type: 7) }) {
        set.properties.append("comment \"\(comment)\"")
      }
    }
    if flags & 72 != 0 {
      set.data =
        data == [.verdict]
        ? .verdicts([])
        : data == [.object]
          ? .objects([])
          : .values([], highs: [], components: data.count)
    }
    let id = state.lowering.ruleset.addSet(set)
    return KernelSet(
      id: id, keys: keys, keyLengths: lengths(keys, total: keyLength), keyHost: host(keys, keyOrder), data: data,
      dataLengths: dataLengths, dataHost: host(data, dataOrder), flags: flags)
  }

  /// Bytes of each part; parts of a concatenation are padded to words of four.
  private static func lengths(_ types: [NftType], total: Int) -> [Int] {
    if types.count == 1 { return [total > 0 ? total : types[0].bytes ?? 4] }
    let known = types.reduce(0) { $0 + (($1.bytes ?? 0) + 3) / 4 * 4 }
    let open = types.filter { $0.bytes == nil }.count
    return types.map { $0.bytes ?? max(4, (total - known) / max(open, 1)) }
  }

  /// Reads a set's elements over a socket of its own: the other one may be in the middle of the rules.
  mutating func readElements(_ key: SetKey) throws {
    guard let info = sets[key] else { return }
    var elements = KernelElements(info)
    let table = TableID(Int(key.table))
    var payload = request(about: table)
    payload.appendAttribute(2, key.name)
    try elementSocket.request("elements of \(key.name)", type: Message.getElements, flags: 0x300, payload: payload) {
      _, message in
      Attributes(message, after: 4)[3]?.each { _, element in
        elements.append(element, table: table, &lowering)
      }
    }
    elements.finish(into: &lowering.ruleset.sets[Int(info.id.index)], names)
    lowering.ruleset.sets[Int(info.id.index)].isUnread = false
  }
}

extension String {
  fileprivate func replacingPrefix(_ prefix: String) -> String {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
  }
}
