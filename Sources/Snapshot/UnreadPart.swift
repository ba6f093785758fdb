/// A part of an input that is not, or not wholly, in the snapshot. A trace that could end otherwise because of it is unsure.
public struct UnreadPart: Sendable, Hashable {
  public enum Content: Sendable {
    /// Rules of a packet filter: what they do to a packet is not known.
    case rules
    /// Anything else.
    case text
  }

  public enum Reason: Sendable, Hashable {
    /// No reader knows it.
    case unknownFormat
    /// No reader takes it; another command tells the same.
    case known(KnownOutput)
    /// It tells of another network namespace, a Pod's for one, and not of the node.
    case otherNamespace
    /// Some of a table's rules, chosen by a search, a chain's name or a table's: the others are not known.
    case excerpt
    /// It ends before its end, or something was left out of it.
    case cut
    /// Rules without the name of their table, and nothing in them tells which it is.
    case tableNotTold
  }

  public var content: Content
  public var reason: Reason
  public var file: String
  /// From 1.
  public var lines: ClosedRange<Int>

  public init(_ content: Content, _ reason: Reason, file: String, lines: ClosedRange<Int>) {
    self.content = content
    self.reason = reason
    self.file = file
    self.lines = lines
  }

  /// What to print of it behind the file's name and line.
  public var sentence: String {
    let isOne = lines.count == 1
    let what = isOne ? "line \(lines.lowerBound)" : "lines \(lines.lowerBound) to \(lines.upperBound)"
    let holds = isOne ? "holds" : "hold"
    switch reason {
    case .unknownFormat:
      return content == .rules
        ? "\(what) \(holds) rules in a form that kubepath does not read; hand over iptables-save or nft list ruleset"
        : "\(what) \(holds) nothing that kubepath reads"
    case .known(let output):
      return "\(what) \(holds) \(output.name), which kubepath does not read; hand over \(output.instead)"
    case .otherNamespace:
      return
        "\(what) \(isOne ? "is" : "are") of another network namespace, as the command says: not taken for the node's; where it shares the node's network, hand over the output without the command"
    case .excerpt:
      return
        "\(what) \(isOne ? "is" : "are") an excerpt: rules that are not in it are unknown; hand over all of iptables-save or nft list ruleset"
    case .cut:
      return "\(what): something was left out of the dump here, or is not understood; what it would say is unknown"
    case .tableNotTold: return "\(what): rules whose table nothing tells; iptables-save names it"
    }
  }
}
