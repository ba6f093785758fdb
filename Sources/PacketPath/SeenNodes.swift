/// The nodes of a tree, linked from its leaves, that were visited: walks from several leaves end where they meet.
struct SeenNodes {
  private var tree: UnsafeRawPointer?
  private var isSeen: [Bool] = []

  /// Another tree than before has no visited nodes.
  mutating func begin<Node>(_ nodes: [Node]) {
    let start = nodes.withUnsafeBytes { $0.baseAddress }
    guard start != tree else { return }
    tree = start
    isSeen.removeAll(keepingCapacity: true)
    isSeen.append(contentsOf: repeatElement(false, count: nodes.count))
  }

  /// False: it was visited before, and so was all that leads to it.
  mutating func insert(_ node: Int32) -> Bool {
    defer { isSeen[Int(node)] = true }
    return !isSeen[Int(node)]
  }
}
