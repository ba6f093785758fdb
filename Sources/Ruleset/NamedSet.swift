import Wire

/// A verdict as an element of a verdict map holds it.
public enum Verdict: Sendable, Hashable {
  case accept, drop, `return`, `continue`
  case jump(ChainID)
  case goto(ChainID)
  case queue
}

/// An nft set, map or verdict map, named or anonymous. Elements are stored flat: component `c` of element `e` is
/// `lows[e * components + c] ... highs[…]`; `highs` is empty while every element is a single value.
public struct NamedSet: Sendable {
  public struct Flags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let constant = Flags(rawValue: 1)
    public static let interval = Flags(rawValue: 2)
    public static let timeout = Flags(rawValue: 4)
    public static let dynamic = Flags(rawValue: 8)
    public static let anonymous = Flags(rawValue: 16)
    public static let autoMerge = Flags(rawValue: 32)
    /// Holds elements with a timeout, or is filled by rules: what the dump shows may not be what a packet meets.
    public static let volatile = Flags(rawValue: 64)
  }

  public enum Data: Sendable {
    case none
    /// One verdict an element.
    case verdicts([Verdict])
    /// `components` values an element, flat like the keys; `highs` empty unless some datum is a range.
    case values([Bits128], highs: [Bits128], components: Int)
    /// Names of objects (counters, quotas …).
    case objects([String])
  }

  public var table: TableID
  /// Empty for an anonymous set.
  public var name: String
  public var flags: Flags
  /// How many parts a key has.
  public var components: Int
  /// The type of each part, in nft's words (`ipv4_addr`, `inet_service`, `ifname` …); empty where unknown.
  public var keyTypes: [String]
  public var dataTypes: [String]
  public var lows: [Bits128] = []
  public var highs: [Bits128] = []
  public var data: Data = .none
  /// A comment of an element, by its index.
  public var comments: [Int: String] = [:]
  /// Index of the element that a `*` (catch-all) key stands for.
  public var catchAll: Int?
  /// What nft prints behind an element besides its comment (`timeout 1h expires 59m`, `counter packets …`), by its
  /// index.
  public var annotations: [Int: String] = [:]
  /// Other lines of the declaration, as nft spells them (`size 65535`, `timeout 3h`, `counter` …).
  public var properties: [String] = []
  /// `typeof …` as it is spelled, where the set is declared so; `keyTypes` then hold what it comes to.
  public var typeOf: String = ""
  /// False while the set is only referred to.
  public var isDefined = true
  /// Declared, and its elements not read yet (`Snapshot.unreadRules`).
  public var isUnread = false
  /// Line of the declaration; 0: unknown.
  public var line: UInt32 = 0

  public init(
    table: TableID, name: String, flags: Flags, components: Int, keyTypes: [String] = [], dataTypes: [String] = []
  ) {
    self.table = table
    self.name = name
    self.flags = flags
    self.components = components
    self.keyTypes = keyTypes
    self.dataTypes = dataTypes
  }

  public var count: Int { components == 0 ? 0 : lows.count / components }

  /// How many elements it may hold; nil: not declared.
  public var capacity: Int? {
    properties.lazy.compactMap { $0.hasPrefix("size ") ? Int($0.dropFirst(5)) : nil }.first
  }
}
