import Wire

/// A kernel ipset, from `ipset save` or `ipset list`.
public struct IPSet: Sendable {
  /// What one part of an element is.
  public enum Dimension: String, Sendable, Hashable { case ip, net, port, iface, mac, mark, set }

  public struct Element: Sendable, Hashable {
    /// A part that is an address: prefix or range. IPv4 in the low bits.
    public struct AddressRange: Sendable, Hashable {
      public var low: Bits128
      public var high: Bits128
      public init(_ low: Bits128, _ high: Bits128) {
        self.low = low
        self.high = high
      }
    }
    public enum Part: Sendable, Hashable {
      case address(AddressRange)
      /// Protocol number (nil: any, as in bitmap:port) and inclusive ports; for ICMP type << 8 | code.
      case port(proto: UInt8?, ports: ClosedRange<UInt16>)
      /// `physdev:NAME` sets physical.
      case interface(String, physical: Bool)
      case mac(String)
      case mark(UInt32)
      case set(String)
    }
    public var parts: [Part]
    /// `nomatch`: an exception from the other elements.
    public var noMatch = false
    /// Seconds left; nil: stays.
    public var timeout: UInt32?
    public var comment: String?
    public var line = 0
    public init(parts: [Part]) { self.parts = parts }
  }

  public var name: String
  /// `hash:ip,port` and the like.
  public var type: String
  public var dimensions: [Dimension]
  public var version: IPVersion?
  /// `timeout` given at creation: elements may expire.
  public var timeout: UInt32?
  /// hash:mark's mask, hash:ip's netmask (prefix length).
  public var markMask: UInt32 = .max
  public var netmask: Int?
  public var elements: [Element] = []
  public var file: UInt32 = 0
  public var line = 0

  public init(name: String, type: String, dimensions: [Dimension]) {
    self.name = name
    self.type = type
    self.dimensions = dimensions
  }
}
