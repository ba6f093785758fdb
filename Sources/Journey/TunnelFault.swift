import PacketPath
import Wire

/// Why a tunnel does not carry a packet across.
public enum TunnelFault: Sendable, Hashable {
  /// `ip neigh` has no entry for the far end's inner address on the tunnel's device.
  case noNeighbour(IPAddress, device: String)
  /// `bridge fdb` knows no destination for the far end's link address.
  case noForwardingEntry(mac: String, device: String)
  /// The tunnel's own packet is stopped, or not known what to do with, on its way.
  case outerStopped(Outcome.Verdict, rule: RuleText?, Reason?)
  /// The far end's tunnel listens on another port, or there is none.
  case portDiffers(sent: UInt16, there: [UInt16])
  case idDiffers(sent: Int, there: Int)
  /// The packet inside is for a link address that the far end's device does not have.
  case linkAddressDiffers(sent: String, there: String)
  case deviceDown(String)
  /// The far end's device is of another kind, or is missing.
  case noDevice(String)
}

/// A rule by its place, as text.
public struct RuleText: Sendable, Hashable {
  public var chain: String
  /// From 1; 0: the policy.
  public var position: Int
}
