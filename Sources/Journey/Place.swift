/// A network namespace of a bundle: a node's own, or a Pod's on it.
public struct Place: Sendable, Hashable {
  public var node: String
  /// `NAMESPACE/NAME`; nil: the node's own.
  public var pod: String?

  public init(node: String, pod: String? = nil) {
    self.node = node
    self.pod = pod
  }
}
