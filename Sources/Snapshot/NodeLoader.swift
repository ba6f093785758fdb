import Input
import Ruleset
import Wire

/// Reads the files of one node.
enum NodeLoader {
  /// A file and the dumps in it.
  struct Content {
    var entry: SnapshotLoader.Entry
    var dumps: [RecognisedDump]
    var isBinary: Bool

    init(_ entry: SnapshotLoader.Entry) {
      self.entry = entry
      // A log or dump that was compressed on its own.
      if Archive.isArchive(entry.file.bytes), let members = try? Archive.members(of: entry.file), members.count == 1 {
        self.entry.file = members[0]
      }
      isBinary = Recognition.isBinary(self.entry.file.bytes)
      dumps = isBinary ? [] : Recognition.dumps(in: self.entry.file)
    }

    /// Tells something about a node, not only about the cluster.
    var isOfNode: Bool { dumps.contains { $0.format != .objects } || emptyFormat != nil }

    /// An empty file says that there are none, where its name tells of what.
    var emptyFormat: DumpFormat? {
      guard entry.file.bytes.isEmpty else { return nil }
      let name = entry.name.lowercased()
      if name.contains("tables") && name.contains("save") { return .iptablesSave }
      if name.contains("ipset") { return .ipset }
      if name.contains("conntrack") { return .conntrack }
      if name.contains("ipvsadm") { return .ipvs }
      if name.contains("nft") { return .nftText }
      if name.contains("neigh") { return .neighbour }
      return nil
    }

    /// A sosreport has thousands of files; these folders tell of the network.
    var isOfInterestInReport: Bool {
      let path = (entry.folders + [entry.name]).joined(separator: "/")
      guard path.contains("sos_commands/") else { return false }
      return [
        "networking/", "firewall", "kernel/sysctl", "kernel/dmesg", "ipvs", "conntrack", "ipset", "kubernetes/",
        "nftables", "cilium",
      ]
      .contains { path.contains($0) }
    }
  }

  static func load(name: String, _ contents: [Content]) -> Snapshot {
    var snapshot = Snapshot(name: name)
    var rules: [RecognisedDump] = []
    for content in contents {
      if content.dumps.isEmpty {
        applyEmpty(content, &snapshot)
        continue
      }
      for dump in content.dumps {
        switch dump.format {
        case .iptablesSave, .nftText, .nftJSON: rules.append(dump)
        case .objects: addObjects(dump, content, &snapshot.objectFiles)
        default: read(dump, into: &snapshot)
        }
      }
    }
    var notes: [Diagnostic] = []
    let chosen = RuleSelection.choose(rules) { section, message in
      notes.append(Diagnostic(.note, file: section.file.name, .line(section.firstLine), message))
    }
    for note in notes { snapshot.diagnostics.add(note) }
    for dump in chosen { readRules(dump, into: &snapshot) }
    snapshot.rulesRead = snapshot.rulesRead || !chosen.isEmpty
    snapshot.ruleset.finish()
    return snapshot
  }

  /// Files beside the folders of a bundle's nodes.
  static func loadShared(_ contents: [Content], _ bundle: inout Bundle) {
    for content in contents {
      for dump in content.dumps where dump.format == .objects { addObjects(dump, content, &bundle.objectFiles) }
      if content.dumps.isEmpty { bundle.diagnostics.add(unrecognised(content)) }
    }
  }

  private static func addObjects(_ dump: RecognisedDump, _ content: Content, _ files: inout [SourceFile]) {
    let file = content.entry.file
    if content.dumps.allSatisfy({ $0.format == .objects }) {
      if files.last !== file { files.append(file) }
    } else {
      files.append(SourceFile(name: file.name, partOf: file, range: dump.section.range))
    }
  }

  private static func unrecognised(_ content: Content) -> Diagnostic {
    let reason =
      content.entry.file.bytes.isEmpty
      ? "is empty" : content.isBinary ? "is a binary file, not a dump" : "is no dump that kubepath knows; not used"
    return Diagnostic(.note, file: escaped(content.entry.file.name), .whole, reason)
  }

  private static func applyEmpty(_ content: Content, _ snapshot: inout Snapshot) {
    switch content.emptyFormat {
    case .ipset: snapshot.ipsets = snapshot.ipsets ?? []
    case .conntrack: snapshot.connections = snapshot.connections ?? []
    case .ipvs: snapshot.virtualServers = snapshot.virtualServers ?? []
    case .neighbour: snapshot.neighbours = snapshot.neighbours ?? []
    case .iptablesSave, .nftText: snapshot.rulesRead = true
    case .some: break
    case nil:
      let diagnostic = unrecognised(content)
      snapshot.diagnostics.add(diagnostic)
      snapshot.unrecognised.append(diagnostic.description)
    }
  }

  static func read(_ dump: RecognisedDump, into snapshot: inout Snapshot) {
    let section = dump.section
    switch dump.format {
    case .link: IPLinkReader.read(section, into: &snapshot)
    case .route: IPRouteReader.read(section, into: &snapshot)
    case .rule:
      let name = dump.command ?? section.file.name.split(separator: "/").last.map(String.init) ?? ""
      let isV6 = ["ip-6", "ip6", "ip -6", "ip_-6", "-f inet6", "rule6"].contains { name.contains($0) }
      IPRuleReader.read(section, version: isV6 ? .v6 : nil, into: &snapshot)
    case .neighbour: IPNeighbourReader.read(section, into: &snapshot)
    case .forwarding: BridgeFDBReader.read(section, into: &snapshot)
    case .sysctl: SysctlReader.read(section, into: &snapshot)
    case .ipset: IPSetReader.read(section, into: &snapshot)
    case .conntrack: ConntrackReader.read(section, into: &snapshot)
    case .conntrackStatistics: ConntrackStatisticsReader.read(section, into: &snapshot)
    case .sockets: SocketReader.read(section, into: &snapshot)
    case .kernelLog: KernelLogReader.read(section, into: &snapshot)
    case .ipvs: IPVSReader.read(section, into: &snapshot)
    case .ipvsConnections: IPVSConnectionReader.read(section, into: &snapshot)
    case .ciliumServices: CiliumServiceReader.read(section, into: &snapshot)
    case .ciliumMap: CiliumMapReader.read(section, into: &snapshot)
    case .resolver: ResolverFileReader.read(section, into: &snapshot)
    case .hostLocal: HostLocalReader.read(section, command: dump.command, into: &snapshot)
    case .connectionCount: ConnectionCountReader.read(section, command: dump.command, into: &snapshot)
    case .kubeletFlags: KubeletFlagsReader.read(section, into: &snapshot)
    case .certificates: CertificateDatesReader.read(section, into: &snapshot)
    case .networkConfiguration: NetworkConfigurationReader.read(section, into: &snapshot)
    case .componentLog: ComponentLogReader.read(section, command: dump.command, into: &snapshot)
    case .iptablesSave, .nftText, .nftJSON, .objects: break
    }
  }

  /// The one place that calls the rule readers.
  static func readRules(_ dump: RuleDump, into snapshot: inout Snapshot) {
    switch dump {
    case .iptables(let section, let version, let backend):
      IptablesSaveReader.read(section.file, range: section.range, version: version, backend: backend, into: &snapshot)
    case .nftText(let section):
      NftTextReader.read(section.file, range: section.range, into: &snapshot)
    case .nftJSON(let section, let skipping):
      if !skipping.isEmpty, let rest = NftJSONFilter.without(skipping, section) {
        NftJSONReader.read(rest, range: 0..<rest.bytes.count, into: &snapshot)
      } else {
        NftJSONReader.read(section.file, range: section.range, into: &snapshot)
      }
    }
  }
}
