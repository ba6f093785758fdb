import Wire

/// Files of a node, and of Pods on it, that tell of its configuration and its health.
public struct NodeFiles: Sendable {
  /// resolv.conf of a Pod, or of the node.
  public var resolvers: [ResolverFile] = []
  /// What components complain of in their logs.
  public var complaints: [LogComplaint] = []
  /// Addresses that the plugin host-local has given out, by network.
  public var localAddresses: [HostLocalRange] = []
  public var networkConfigurations: [NetworkConfiguration] = []
  /// Flags that a kubelet is started with, without the dashes.
  public var kubeletFlags: [String: String] = [:]
  public var kubeletFlagsPlace = FilePlace()
  public var certificates: [CertificateDates] = []
  /// Entries of the connection table, counted by `wc -l` or told by /proc.
  public var connectionCount: Int?
  public init() {}
}

/// Where something stands: an index into the ruleset's files, and a line; 0: not known.
public struct FilePlace: Sendable, Hashable {
  public var file: UInt32 = 0
  public var line = 0
  public init() {}
  public init(file: UInt32, line: Int) {
    self.file = file
    self.line = line
  }
}

/// A note that two values may differ in and still be equal: where each was read is no part of what it is.
@propertyWrapper public struct NotCompared<Value: Sendable>: Sendable, Hashable {
  public var wrappedValue: Value
  public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
  public static func == (a: Self, b: Self) -> Bool { true }
  public func hash(into hasher: inout Hasher) {}
}

public struct ResolverFile: Sendable {
  public var nameservers: [IPAddress] = []
  public var searches: [String] = []
  public var options: [String] = []
  public var place = FilePlace()
  /// Its file is named as a Pod's.
  public var isNamedPods = false
  public init() {}

  /// The kubelet wrote it for a Pod: names of Services are looked for in their zone.
  public var isPods: Bool { isNamedPods || searches.contains { $0.hasPrefix("svc.") || $0.contains(".svc.") } }
}

public struct HostLocalRange: Sendable {
  /// Name of the network: the folder's.
  public var network = ""
  public var addresses: [IPAddress] = []
  /// How many entries a count tells of; nil: they are all listed.
  public var count: Int?
  public var place = FilePlace()
  public init() {}
}

/// A file of /etc/cni/net.d.
public struct NetworkConfiguration: Sendable {
  public var name = ""
  public var plugins: [String] = []
  public var subnets: [IPPrefix] = []
  public var mtu: Int?
  public var place = FilePlace()
  public init() {}
}

/// Until when a certificate is good.
public struct CertificateDates: Sendable, Hashable {
  /// As the tool names it; empty: only a file was looked at.
  public var name = ""
  /// As it is printed.
  public var until = ""
  public var hasExpired = false
  public var place = FilePlace()
  public init() {}
}
