extension InterfaceAddress {
  /// On a device where kube-proxy (IPVS mode) or kube-router binds the addresses of Services: not the node's own.
  public var isOfServiceDevice: Bool { Self.serviceDevices.contains(interface) }

  private static let serviceDevices: Set<String> = ["kube-ipvs0", "kube-dummy-if"]
}
