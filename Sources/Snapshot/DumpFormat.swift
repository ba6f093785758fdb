import Input

/// What a dump is, told by its content. What each one is about stands in its reader's descriptor.
public enum DumpFormat: String, Sendable, Hashable, CaseIterable {
  case iptablesSave, iptablesListing, nftText, nftJSON, link, linkBrief, ifconfig, route, routeTable, rule, neighbour
  case arpTable, forwarding, bridgePorts, wireGuard, sysctl, sysctlValue, ipset, conntrack, conntrackStatistics,
    sockets, kernelLog
  case ipvs, ipvsConnections, ciliumServices, ciliumMap, objects, objectText
  case resolver, hostLocal, connectionCount, kubeletFlags, certificates, networkConfiguration, componentLog
}

extension DumpFormat {
  public var descriptor: DumpDescriptor {
    switch self {
    case .iptablesSave: IptablesSaveReader.descriptor
    case .iptablesListing: IptablesListingReader.descriptor
    case .nftText: NftTextReader.descriptor
    case .nftJSON: NftJSONReader.descriptor
    case .link: IPLinkReader.descriptor
    case .linkBrief: IPBriefReader.descriptor
    case .ifconfig: IfconfigReader.descriptor
    case .route: IPRouteReader.descriptor
    case .routeTable: RouteTableReader.descriptor
    case .rule: IPRuleReader.descriptor
    case .neighbour: IPNeighbourReader.descriptor
    case .arpTable: ARPTableReader.descriptor
    case .forwarding: BridgeFDBReader.descriptor
    case .bridgePorts: BridgePortsReader.descriptor
    case .wireGuard: WireGuardReader.descriptor
    case .sysctl: SysctlReader.descriptor
    case .sysctlValue: SysctlValueReader.descriptor
    case .ipset: IPSetReader.descriptor
    case .conntrack: ConntrackReader.descriptor
    case .conntrackStatistics: ConntrackStatisticsReader.descriptor
    case .sockets: SocketReader.descriptor
    case .kernelLog: KernelLogReader.descriptor
    case .ipvs: IPVSReader.descriptor
    case .ipvsConnections: IPVSConnectionReader.descriptor
    case .ciliumServices: CiliumServiceReader.descriptor
    case .ciliumMap: CiliumMapReader.descriptor
    case .objects: ObjectDumps.descriptor
    case .objectText: ObjectDumps.textDescriptor
    case .resolver: ResolverFileReader.descriptor
    case .hostLocal: HostLocalReader.descriptor
    case .connectionCount: ConnectionCountReader.descriptor
    case .kubeletFlags: KubeletFlagsReader.descriptor
    case .certificates: CertificateDatesReader.descriptor
    case .networkConfiguration: NetworkConfigurationReader.descriptor
    case .componentLog: ComponentLogReader.descriptor
    }
  }

  /// The order in which they are asked whose a line is: what comes often first, and what could be mistaken for another's
  /// before that one.
  static let byLine: [DumpDescriptor] = allCases.map(\.descriptor)

  /// Whose JSON a text is: those that name themselves first.
  static let byJSON: [DumpDescriptor] = [
    DumpFormat.nftJSON, .networkConfiguration, .ciliumServices, .ciliumMap, .objects, .link, .forwarding, .rule,
    .neighbour, .route,
  ].map(\.descriptor)

  /// What a line that stands alone tells: nil for a line that could be anything. Indented lines tell nothing, except
  /// the few that are their format's own.
  static func of(_ text: ByteText) -> DumpFormat? {
    let line = DumpLine(text)
    return byLine.first { $0.recognises(line) }?.format
  }

  /// What a command prints of which the lines themselves tell nothing: values alone, names of files, a number.
  static func promised(by command: String) -> DumpFormat? {
    allCases.first { $0.descriptor.isPromised?(command) ?? false }
  }

  /// The same of a file that is named after what is in it.
  static func promised(byFile name: String) -> DumpFormat? {
    let lowered = name.lowercased()
    return allCases.first { format in
      let descriptor = format.descriptor
      return descriptor.isPromised != nil && descriptor.isNamed?(lowered) ?? false
    }
  }

  /// What a JSON text is; `head` is its beginning.
  static func ofJSON(_ head: ByteText) -> DumpFormat? {
    byJSON.first { $0.recognisesJSON?(head) ?? false }?.format
  }
}
