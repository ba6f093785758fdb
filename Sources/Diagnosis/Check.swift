import Findings

/// One entry of the catalogue that can be looked for in a bundle. Its file is named after its finding.
public protocol Check: Sendable {
  static var id: String { get }
  static func run(_ context: CheckContext) -> [Finding]
}

/// A check that runs behind the others and leaves out what they have told.
protocol LateCheck: Check {
  static func run(_ context: CheckContext, beside found: [Finding]) -> [Finding]
}

extension LateCheck {
  static func run(_ context: CheckContext) -> [Finding] { run(context, beside: []) }
}

public enum Checks {
  /// In the order in which people triage: node, objects, kube-proxy, the way of the packet.
  public static let all: [any Check.Type] = causes + endpoints + rulePlane + packets + virtualServers

  private static let causes: [any Check.Type] = [
    NodeNotReady.self, NodeUnreachable.self, PodNamespace.self, CertificateExpired.self, NetworkPluginDown.self,
    ControlPlaneDown.self, NoPods.self, VolumeNotBound.self, PodNotReady.self,
    PodRestarts.self, EndpointsNotWritten.self, StaleEndpoints.self, ExternalName.self, SelectorMismatch.self,
    TargetPortMismatch.self, NothingListening.self,
    IPAMExhausted.self,
    LoadBalancerAddress.self, IngressPathCheck.self, DNSService.self, APIServerUnreachable.self,
    ControlPlanePort.self, ConfigurationMismatch.self, CIDROverlap.self, OverlayMTU.self, PodMTU.self,
    VXLANPort.self, WrongVTEP.self, MeshPolicy.self, SidecarRedirect.self, ProxyRoute.self,
  ]
  private static let endpoints: [any Check.Type] = [
    NoEndpoints.self, NoLocalEndpointsExternal.self, NoLocalEndpointsInternal.self, TopologyHints.self,
    DualStackFamilyMissing.self, SessionAffinity.self,
  ]
  private static let rulePlane: [any Check.Type] = [
    KubeProxyNotProgramming.self, NftPrerequisites.self, RulesFlushed.self, MixedIptablesBackends.self,
    ModeLeftovers.self, StaleRules.self, HostPortShadowing.self, SourceRanges.self, VXLANChecksum.self,
    InvalidPacketReset.self, Deprecation.self,
  ]
  private static let packets: [any Check.Type] = [
    MasqueradeScope.self, Hairpin.self, ForwardDrop.self, OneWayUDPForwardDrop.self, NetworkPolicyDrop.self,
    PolicyNotEvaluated.self,
    StalePodFirewall.self, ChainNotReached.self, EgressMasquerade.self, BridgePort.self, PodRoute.self,
    IPForwardOff.self, ConntrackTableFull.self, NeighbourTableOverflow.self, CloseWaitTimeout.self,
    NodeLocalDNSRules.self, StaleUDPConntrack.self, SYNSentToDeadEndpoint.self,
    UntranslatedUDP.self, NoRoute.self, ReversePathFilter.self, BridgeNFCallOff.self,
    NotrackBeforeNAT.self,
    SNATPortRace.self, PathBroken.self,
    HealthCheckNodePort.self, NodePortInEphemeralRange.self, LocalhostNodePort.self,
  ]
  private static let virtualServers: [any Check.Type] = [
    IPVSWeightZero.self, IPVSAddressMissing.self, IPVSStaleVirtualServer.self, IPVSConntrackOff.self,
    IPVSTableMissing.self, RuleDumpMissing.self,
    IPVSSetMismatch.self, IPVSNodePorts.self,
    IPVSStrictARP.self, IPVSInputPolicy.self, IPVSLocalSource.self, IPVSConnectionReuse.self, EBPFMapDiverged.self,
  ]
}
