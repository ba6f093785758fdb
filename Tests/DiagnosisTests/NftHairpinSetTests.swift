import Testing

@testable import Diagnosis

/// kube-proxy's nftables layout since 1.36: one rule of `masquerading` asks for the mark, clears it and masquerades, and a set
/// tells the Pods that pick themselves.
@Suite struct NftHairpinSetTests {
  private static let mark =
    "ip daddr @cluster-ips ip saddr != 10.20.0.0/16 meta mark set meta mark | 0x00004000"
  private static let masquerade =
    "meta mark & 0x00004000 != 0x00000000 meta mark set meta mark ^ 0x00004000 masquerade fully-random"

  private static func files(without rule: String = "") -> [String: String] {
    let rules = """
      table ip kube-proxy {
      	set hairpin-connections {
      		type ipv4_addr . ipv4_addr . inet_proto . inet_service
      		elements = { 10.20.0.5 . 10.20.0.5 . tcp . 9000 }
      	}
      	set cluster-ips {
      		type ipv4_addr
      		elements = { 10.30.0.7 }
      	}
      	set nodeport-ips {
      		type ipv4_addr
      		elements = { 192.0.2.40 }
      	}
      	map service-ips {
      		type ipv4_addr . inet_proto . inet_service : verdict
      		elements = { 10.30.0.7 . tcp . 90 : goto service-AAAA-lab/api/tcp/web }
      	}
      	map service-nodeports {
      		type inet_proto . inet_service : verdict
      	}
      	chain nat-prerouting {
      		type nat hook prerouting priority dstnat; policy accept;
      		jump services
      	}
      	chain nat-output {
      		type nat hook output priority -100; policy accept;
      		jump services
      	}
      	chain nat-postrouting {
      		type nat hook postrouting priority srcnat; policy accept;
      		jump masquerading
      	}
      	chain services {
      		\(mark)
      		ip daddr . meta l4proto . th dport vmap @service-ips
      		ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
      	}
      	chain masquerading {
      		\(masquerade)
      		ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random
      	}
      	chain service-AAAA-lab/api/tcp/web {
      		meta l4proto tcp dnat ip to numgen random mod 1 map { 0 : 10.20.0.5 . 9000 }
      	}
      }

      """
    return [
      "nft.txt": rule.isEmpty ? rules : rules.replacing("\t\t\(rule)\n", with: ""),
      "ip-addr.txt":
        "2: eth0: <UP> mtu 1500\n    inet 192.0.2.40/24 scope global eth0\n3: cni0: <UP> mtu 1500\n    inet 10.20.0.1/24 scope global cni0\n",
      "ip-route.txt":
        "default via 192.0.2.1 dev eth0\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.40\n10.20.0.0/24 dev cni0 proto kernel scope link src 10.20.0.1\n",
      "sysctl.txt": "net.ipv4.ip_forward = 1\n",
    ]
  }

  private static func masqueradeFindings(without rule: String = "") throws -> [String] {
    let ids = ["masquerade-scope", "rules-flushed"]
    return try Corpus.findings(files(without: rule), from: .info).filter { ids.contains($0.id) }.map {
      "\($0.severity) \($0.id)"
    }
  }

  @Test func aHealthyNodeIsSilent() throws {
    let found = try Self.masqueradeFindings()
    #expect(found.isEmpty, "\(found)")
  }

  @Test func aMissingMasqueradeRuleIsFound() throws {
    let found = try Self.masqueradeFindings(without: Self.masquerade)
    #expect(!found.isEmpty)
  }

  /// It may be kube-proxy's choice: said, and no more.
  @Test func aMissingMarkIsToldAsPossible() throws {
    let found = try Self.masqueradeFindings(without: Self.mark)
    #expect(found == ["info masquerade-scope"])
  }
}
