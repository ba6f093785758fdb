/// What somebody relies on: these sources reach, or do not reach, these destinations, and how. One entry of an
/// expectations file; each source is paired with each destination.
public struct Assertion: Sendable {
  /// What becomes of every new connection.
  public enum Result: String, Sendable, CaseIterable {
    /// It arrives: leaves for its endpoint, or is delivered to a socket of the node.
    case allow
    /// It is answered: an ICMP error, or a reset.
    case refuse
    /// It vanishes without an answer.
    case drop
    /// `refuse` or `drop`.
    case deny
  }

  /// What the endpoint sees as the client's address.
  public enum SourceAddress: String, Sendable, CaseIterable { case kept, masqueraded }

  /// A word of the file and its line (from 1).
  public struct Text: Sendable {
    public var text: String
    public var line: Int
  }

  /// Empty: it has none.
  public var name = ""
  /// As `trace --from` takes them.
  public var sources: [Text] = []
  /// As `trace` takes them: ADDRESS:PORT[/PROTOCOL] or a name.
  public var destinations: [Text] = []
  public var result = Result.allow
  public var sourceAddress: SourceAddress?
  /// Exactly these are reached; nil: any.
  public var endpoints: [Text]?
  /// Nil: the node of the source's Pod, else every node.
  public var node: String?
  public var interface: String?
  public var ipProtocol: String?
  /// Where it begins, from 1.
  public var line: Int

  public init(line: Int) { self.line = line }
}
