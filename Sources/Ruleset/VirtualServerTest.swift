import Wire

/// xt_ipvs: whether IPVS has taken the packet, and properties of its virtual server. All given parts must hold.
public struct VirtualServerTest: Hashable, Sendable {
  /// A part and whether it is inverted; nil: not asked.
  public struct Part<Value: Hashable & Sendable>: Hashable, Sendable {
    public var value: Value
    public var negated: Bool
    public init(_ value: Value, negated: Bool) {
      self.value = value
      self.negated = negated
    }
  }

  /// `--vmethod`: how the packet is sent on.
  public enum Method: String, Sendable {
    case masquerade = "MASQ"
    case route = "GATE"
    case tunnel = "IPIP"
  }

  /// `--ipvs`; the other parts imply it.
  public var property: Part<Bool>?
  public var ipProtocol: Part<UInt8>?
  public var address: Part<IPPrefix>?
  public var port: Part<UInt16>?
  /// The port of the connection that this one belongs to (FTP's 21).
  public var controlPort: Part<UInt16>?
  /// `--vdir`: true: an answer.
  public var isReply: Part<Bool>?
  public var method: Part<Method>?

  public init() {}
}
