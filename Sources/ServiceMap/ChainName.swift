import Intent
import Ruleset
import Wire

/// The chain names that kube-proxy derives from a Service port (pkg/proxy/iptables/proxier.go, portProtoHash;
/// pkg/proxy/nftables/proxier.go, servicePortChainNameBase): they identify a Service where comments are missing.
public enum ChainName {
  /// The 16 characters behind KUBE-SVC-, KUBE-SVL-, KUBE-EXT-, KUBE-FW- and KUBE-XLB-.
  public static func iptables(_ service: Service, _ port: Service.Port) -> String {
    hash("\(service.portName(port))\(port.ipProtocol.description.lowercased())", characters: 16)
  }

  /// What follows service-, local-, external- and firewall-: `ULMVA6XW-ns1/svc1/tcp/p80`.
  public static func nftables(_ service: Service, _ port: Service.Port) -> String {
    let text = "\(service.namespace)/\(service.name)/\(port.ipProtocol.description.lowercased())/\(port.name)"
    return "\(hash(text, characters: 8))-\(text)"
  }

  /// The first characters of base32 (RFC 4648) of SHA-256.
  static func hash(_ text: String, characters: Int) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
    let digest = SHA256.digest(text.utf8)
    var out: [UInt8] = []
    var buffer: UInt32 = 0
    var bits: UInt32 = 0
    for byte in digest where out.count < characters {
      buffer = buffer << 8 | UInt32(byte)
      bits += 8
      while bits >= 5, out.count < characters {
        bits -= 5
        out.append(alphabet[Int(buffer >> bits & 31)])
      }
      buffer &= (1 << bits) - 1
    }
    return String(decoding: out, as: UTF8.self)
  }
}

/// Finds the Service port that a chain of kube-proxy belongs to, by the hash in its name.
public struct ServiceOfChain: Sendable {
  public struct Owner: Sendable, Hashable {
    /// Index into `Cluster.services`, and into its ports.
    public var service: Int
    public var port: Int
    public init(service: Int, port: Int) {
      self.service = service
      self.port = port
    }
  }
  private var owners: [String: Owner] = [:]
  private let intent: Cluster

  /// `counts`: whether the ports of a Service do.
  public init(_ intent: Cluster, where counts: (Service) -> Bool = { _ in true }) {
    self.intent = intent
    for (index, service) in intent.services.enumerated() where service.isProxied && counts(service) {
      for (number, port) in service.ports.enumerated() {
        let owner = Owner(service: index, port: number)
        owners[ChainName.iptables(service, port)] = owner
        owners[ChainName.nftables(service, port)] = owner
      }
    }
  }

  public var isEmpty: Bool { owners.isEmpty }

  /// `name`: of the chain, with its prefix.
  public subscript(name: String) -> Owner? {
    for prefix in [
      "KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-XLB-", "KUBE-FW-", "service-", "local-", "external-", "firewall-",
    ]
    where name.hasPrefix(prefix) {
      return owners[String(name.dropFirst(prefix.count))]
    }
    return nil
  }

  /// `namespace/name:port` of the first chain that belongs to a Service.
  func label(_ chains: [ChainID], _ ruleset: Ruleset) -> String? {
    for chain in chains {
      guard let owner = self[ruleset.name(of: chain)] else { continue }
      let service = intent.services[owner.service]
      return service.portName(service.ports[owner.port])
    }
    return nil
  }
}
