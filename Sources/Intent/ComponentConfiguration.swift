import Wire

/// What a ConfigMap tells kube-proxy.
public struct ProxyConfiguration: Sendable {
  /// As it is written; empty: the platform's default, iptables.
  public var mode = ""
  public var clusterCIDRs: [IPPrefix] = []
  public var strictARP: Bool?
  /// Index into `Cluster.files`.
  public var file = 0
  public init() {}
}

/// `Corefile` of CoreDNS.
public struct Corefile: Sendable {
  /// A line `forward ZONE UPSTREAM…` or `proxy …`.
  public struct Forward: Sendable {
    public var zone: String
    /// Addresses, with ports where they are not 53.
    public var upstreams: [Upstream] = []
    /// It forwards to the nameservers of this file.
    public var resolverFile: String?
    /// The line itself.
    public var text = ""
    public init(zone: String) { self.zone = zone }
  }

  public struct Upstream: Sendable, Hashable {
    public var address: IPAddress
    public var port: UInt16
    public init(address: IPAddress, port: UInt16) {
      self.address = address
      self.port = port
    }
  }

  public var forwards: [Forward] = []
  /// It has the plugin `kubernetes`.
  public var servesCluster = false
  /// Zones of that plugin.
  public var clusterZones: [String] = []
  public var detectsLoops = false
  /// Index into `Cluster.files`.
  public var file = 0
  public init() {}

  public init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let code = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
      var words = code.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
      if words.last == "{" { words.removeLast() }
      guard let plugin = words.first else { continue }
      switch plugin {
      case "forward", "proxy":
        guard words.count > 2 else { continue }
        var forward = Forward(zone: words[1])
        forward.text = words.joined(separator: " ")
        for target in words[2...] {
          if let upstream = Self.upstream(target) {
            forward.upstreams.append(upstream)
          } else if target.hasPrefix("/") {
            forward.resolverFile = target
          }
        }
        forwards.append(forward)
      case "kubernetes":
        servesCluster = true
        clusterZones += words.dropFirst().filter { !$0.hasSuffix("arpa") }
      case "loop": detectsLoops = true
      default: break
      }
    }
  }

  /// The line that names an upstream.
  public func line(naming upstream: Upstream) -> String {
    forwards.first { $0.upstreams.contains(upstream) }?.text ?? forwards.first { $0.resolverFile != nil }?.text ?? ""
  }

  /// `192.0.2.53`, `192.0.2.53:5353`, `dns://192.0.2.53`, `tls://9.9.9.9`, `[2001:db8::1]:53`
  static func upstream(_ text: String) -> Upstream? {
    var rest = Substring(text)
    var port: UInt16 = 53
    if let scheme = ["dns://", "tls://"].first(where: { text.hasPrefix($0) }) {
      rest = rest.dropFirst(scheme.count)
      if scheme == "tls://" { port = 853 }
    }
    if let address = IPAddress(String(rest)) { return Upstream(address: address, port: port) }
    guard let colon = rest.lastIndex(of: ":"), let number = UInt16(rest[rest.index(after: colon)...]) else {
      return nil
    }
    let host = rest[..<colon].filter { $0 != "[" && $0 != "]" }
    return IPAddress(String(host)).map { Upstream(address: $0, port: number) }
  }
}

/// What kubeadm was told of the cluster's addresses.
public struct ClusterConfiguration: Sendable {
  public var podRanges: [IPPrefix] = []
  public var serviceRanges: [IPPrefix] = []
  public var dnsDomain = ""
  public var controlPlaneEndpoint = ""
  /// Index into `Cluster.files`.
  public var file = 0
  public init() {}
}

/// Where a kubeconfig dials the API server, by an address.
public struct DialledServer: Sendable {
  public var url: String
  public var address: IPAddress
  public var port: UInt16
  /// Index into `Cluster.files`.
  public var file: Int

  /// `https://192.0.2.10:6443`; nil: it is none, or dials a name.
  init?(_ url: String, file: Int) {
    guard let scheme = url.firstRange(of: "://") else { return nil }
    let host = url[scheme.upperBound...].prefix { $0 != "/" }
    var bare = host
    port = 443
    if let colon = host.lastIndex(of: ":"), let number = UInt16(host[host.index(after: colon)...]) {
      port = number
      bare = host[..<colon]
    }
    guard let address = IPAddress(bare.filter { $0 != "[" && $0 != "]" }) else { return nil }
    (self.url, self.address, self.file) = (url, address, file)
  }
}

/// What a network plugin's ConfigMap tells of its overlay.
public struct OverlayConfiguration: Sendable {
  /// `kube-flannel/kube-flannel-cfg`
  public var configMap = ""
  public var network: IPPrefix?
  public var mtu: Int?
  /// `vxlan`, `host-gw`, `wireguard` …; empty: not told.
  public var backend = ""
  /// Index into `Cluster.files`.
  public var file = 0
  public init() {}
}
