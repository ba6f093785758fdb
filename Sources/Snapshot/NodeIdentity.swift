import Input
import Wire

/// Tells whether files that lie side by side are of one node. A file that holds a node's addresses and more of it says whose
/// it is; two of them with no address in common are of two nodes. So are files that are named after no tool and hold different
/// rules for the same tables: `node-a.log` and `node-b.log`.
struct NodeIdentity {
  /// By the file's name, with what of the folder is that node's.
  private(set) var nodes: [(name: String, contents: [NodeLoader.Content])]
  /// Files that do not say whose they are: the cluster's objects belong to all.
  private(set) var shared: [NodeLoader.Content]

  /// Nil where nothing says that there is more than one node.
  static func divide(_ contents: [NodeLoader.Content]) -> NodeIdentity? {
    if let named = divideByHost(contents) { return named }
    var groups: [(addresses: Set<IPAddress>, name: String, contents: [NodeLoader.Content])] = []
    var others: [NodeLoader.Content] = []
    for content in contents {
      let addresses = addresses(of: content)
      guard !addresses.isEmpty else {
        others.append(content)
        continue
      }
      if let index = groups.firstIndex(where: { !$0.addresses.isDisjoint(with: addresses) }) {
        groups[index].addresses.formUnion(addresses)
        groups[index].contents.append(content)
      } else {
        groups.append((addresses, stem(content), [content]))
      }
    }
    if groups.isEmpty {
      let named = others.filter(isNamedAfterANode)
      guard named.count > 1, named.count <= maximumNodes, differ(named) else { return nil }
      groups = named.map { ([], stem($0), [$0]) }
      others.removeAll(where: isNamedAfterANode)
    }
    guard groups.count > 1, groups.count <= maximumNodes else { return nil }
    return NodeIdentity(
      nodes: groups.map { ($0.name, $0.contents) }, shared: others.filter { content in !content.isOfNode }
    )
    .refusing(others.filter(\.isOfNode))
  }

  /// Prompts and headings name different nodes, and both told their own rules or addresses.
  private static func divideByHost(_ contents: [NodeLoader.Content]) -> NodeIdentity? {
    var names: [String] = []
    var dumps: [String: Set<DumpFormat>] = [:]
    for content in contents {
      for dump in content.dumps {
        guard let host = dump.host else { continue }
        if dumps[host] == nil { names.append(host) }
        dumps[host, default: []].insert(dump.format)
      }
    }
    let nodes = names.filter { dumps[$0]!.contains { isNodes($0) } }
    guard nodes.count > 1, nodes.count <= maximumNodes else { return nil }
    let known = Set(nodes)
    var divided: [(name: String, contents: [NodeLoader.Content])] = nodes.map { ($0, []) }
    var rest: [NodeLoader.Content] = []
    for content in contents {
      for (at, node) in nodes.enumerated() {
        let own = content.dumps.filter { $0.host == node }
        // Whose the lines are that nobody reads is not known: they count for each.
        if !own.isEmpty { divided[at].contents.append(content.part(own, content.unread)) }
      }
      let others = content.dumps.filter { $0.host.map { !known.contains($0) } ?? true }
      if !others.isEmpty || content.dumps.isEmpty { rest.append(content.part(others, [])) }
    }
    return NodeIdentity(nodes: divided, shared: rest.filter { !$0.isOfNode }).refusing(rest.filter(\.isOfNode))
  }

  private static let maximumNodes = 1000

  private static func stem(_ content: NodeLoader.Content) -> String {
    content.entry.name.split(separator: ".").first.map(String.init) ?? content.entry.name
  }

  /// A file with rules whose name has no tool in it.
  private static func isNamedAfterANode(_ content: NodeLoader.Content) -> Bool {
    let name = content.entry.name.lowercased()
    return content.dumps.contains { $0.format == .iptablesSave }
      && !["tables", "nft", "ipset", "ipvs", "rule", "save", "filter", "nat", "before", "after", "route"].contains {
        name.contains($0)
      }
  }

  /// Whether two of them tell the same table of the same version differently.
  private static func differ(_ contents: [NodeLoader.Content]) -> Bool {
    var known: [String: UInt64] = [:]
    for content in contents {
      for dump in content.dumps where dump.format == .iptablesSave {
        let candidate = RuleSelection.Candidate(dump)
        for table in candidate.tables where table.rules > 0 {
          let key = "\(candidate.variant.version) \(candidate.variant.backend) \(table.name)"
          if let other = known[key], other != table.hash { return true }
          known[key] = table.hash
        }
      }
    }
    return false
  }

  private var unclaimed: [String] = []

  private init(nodes: [(name: String, contents: [NodeLoader.Content])], shared: [NodeLoader.Content]) {
    self.nodes = nodes
    self.shared = shared
  }

  private func refusing(_ contents: [NodeLoader.Content]) -> NodeIdentity {
    var copy = self
    copy.unclaimed = contents.map(\.entry.name)
    return copy
  }

  func warning(in folder: String) -> Diagnostic {
    let names = nodes.prefix(5).map(\.name).joined(separator: ", ")
    return Diagnostic(
      unclaimed.isEmpty ? .note : .warning, file: escaped(folder), .whole,
      "holds dumps of \(nodes.count) nodes, told by their addresses and names: \(escaped(names))"
        + (unclaimed.isEmpty
          ? ""
          : "; not used, since nothing tells whose they are: \(escaped(unclaimed.prefix(5).joined(separator: ", ")))"))
  }

  /// The node's own addresses, of a file that holds other dumps as well.
  private static func addresses(of content: NodeLoader.Content) -> Set<IPAddress> {
    let links = content.dumps.filter { [.link, .linkBrief, .ifconfig].contains($0.format) }
    guard !links.isEmpty, content.dumps.contains(where: { isNodes($0.format) }) else { return [] }
    var snapshot = Snapshot(name: "")
    for dump in links { dump.format.descriptor.read(dump, &snapshot) }
    // Those of bridges for containers may be the same on every node.
    let own = (snapshot.addresses ?? []).filter { address in
      address.scope == "global" && address.interface != "lo"
        && !["docker", "cni", "br-", "virbr", "cbr", "kube-", "nodelocaldns"].contains {
          address.interface.hasPrefix($0)
        }
    }
    return Set(own.map(\.address))
  }

  private static func isNodes(_ format: DumpFormat) -> Bool {
    switch format {
    case .iptablesSave, .iptablesListing, .nftText, .nftJSON, .route, .routeTable, .ipvs: true
    default: false
    }
  }
}
