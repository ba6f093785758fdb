import Findings

/// One entry of the catalogue that can be looked for in a bundle. Its file is named after its finding.
public protocol Check: Sendable {
  static var id: String { get }
  static func run(_ context: CheckContext) -> [Finding]
}

public enum Checks {
  /// In the order in which people triage: node, objects, kube-proxy, the way of the packet.
  public static let all: [any Check.Type] = [
    PodNotReady.self, SelectorMismatch.self, NoEndpoints.self, TargetPortMismatch.self, NoLocalEndpointsExternal.self,
    NoLocalEndpointsInternal.self, KubeProxyNotProgramming.self, RulesFlushed.self, StaleRules.self, SourceRanges.self,
    MasqueradeScope.self, Hairpin.self, ForwardDrop.self, NetworkPolicyDrop.self, IPForwardOff.self,
    ReversePathFilter.self,
    BridgeNFCallOff.self, NotrackBeforeNAT.self, HealthCheckNodePort.self, NodePortInEphemeralRange.self,
    TopologyHints.self,
    DualStackFamilyMissing.self, MixedIptablesBackends.self, ModeLeftovers.self, IPVSWeightZero.self,
    IPVSAddressMissing.self, IPVSStaleVirtualServer.self, IPVSConntrackOff.self,
    IPVSTableMissing.self, IPVSSetMismatch.self, IPVSNodePorts.self, EBPFMapDiverged.self,
    LoadBalancerAddress.self,
    IngressPathCheck.self, DNSService.self, LocalhostNodePort.self, HostPortShadowing.self,
    IPVSStrictARP.self, IPVSInputPolicy.self, IPVSLocalSource.self, IPVSConnectionReuse.self, SessionAffinity.self, OneWayUDPForwardDrop.self, SNATPortRace.self, NftPrerequisites.self,
    APIServerUnreachable.self, IPAMExhausted.self, NothingListening.self, VXLANChecksum.self, InvalidPacketReset.self,
  ]
}
