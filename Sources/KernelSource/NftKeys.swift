import Ruleset
import Wire

/// The kernel's numbers of keys (enum nft_meta_keys, nft_ct_keys), as the keys that nft's language names.
enum NftKeys {
  /// The key, and how many bytes the kernel loads.
  static func meta(_ key: UInt32) -> (NftTerm, Int)? {
    switch key {
    case 0: (NftTerm(.field(.length), .integer, width: 32), 4)
    case 1: (NftTerm(.field(.etherType), .etherType), 2)
    case 2: (NftTerm(.field(.priority), .classID), 4)
    case 3: (NftTerm(.field(.mark), .mark), 4)
    case 4: (NftTerm(.field(.inputInterfaceIndex), .interfaceIndex), 4)
    case 5: (NftTerm(.field(.outputInterfaceIndex), .interfaceIndex), 4)
    case 6: (NftTerm(.field(.inputInterface), .interfaceName), 16)
    case 7: (NftTerm(.field(.outputInterface), .interfaceName), 16)
    case 8: (NftTerm(.field(.inputInterfaceType), .interfaceType), 2)
    case 9: (NftTerm(.field(.outputInterfaceType), .interfaceType), 2)
    case 10: (NftTerm(.field(.userID), .user), 4)
    case 11: (NftTerm(.field(.groupID), .group), 4)
    case 13: (NftTerm(.field(.realm), .realm), 4)
    case 14: (NftTerm(.field(.securityMark), .integer, width: 32), 4)
    case 15: (NftTerm(.field(.networkProtocol), .networkFamily), 1)
    case 16: (NftTerm(.field(.protocol), .transport), 1)
    case 17: (NftTerm(.field(.inputBridge), .interfaceName), 16)
    case 18: (NftTerm(.field(.outputBridge), .interfaceName), 16)
    case 19: (NftTerm(.field(.packetType), .packetType), 1)
    case 20: (NftTerm(.field(.cpu), .integer, width: 32), 4)
    case 21: (NftTerm(.field(.inputInterfaceGroup), .interfaceGroup), 4)
    case 22: (NftTerm(.field(.outputInterfaceGroup), .interfaceGroup), 4)
    case 23: (NftTerm(.field(.cgroup), .integer, width: 32), 4)
    case 24: (NftTerm(.field(.random), .integer, width: 32), 4)
    case 25: (NftTerm(.field(.ipsec), .boolean), 1)
    case 31: (NftTerm(.field(.day), .day), 1)
    case 32: (NftTerm(.field(.hour), .hour, width: 32), 4)
    default: nil
    }
  }

  static func isHost(meta key: UInt32) -> Bool {
    switch key {
    case 1, 15, 16: false
    default: true
    }
  }

  static func unmodelledMeta(_ key: UInt32) -> (String, NftType) {
    switch key {
    case 1: ("priority", .classID)
    case 12: ("nftrace", .integer)
    case 26: ("iifkind", .interfaceName)
    case 27: ("oifkind", .interfaceName)
    case 28: ("ibrpvid", .integer)
    case 29: ("ibrvproto", .etherType)
    case 30: ("time", .time)
    case 33: ("sdif", .interfaceIndex)
    case 34: ("sdifname", .interfaceName)
    case 35: ("broute", .integer)
    default: ("key \(key)", .integer)
    }
  }

  /// `six`: what `ct original saddr` is in a table of one family.
  static func connection(_ key: UInt32, reply: Bool?, six: Bool) -> (NftTerm?, Int) {
    let back = reply == true
    func address(_ field: Field, _ reverse: Field, _ type: NftType, _ needs: NftNeeds) -> (NftTerm?, Int) {
      (NftTerm(.field(back ? reverse : field), type, needs: needs), type == .ipv6 ? 16 : 4)
    }
    switch key {
    case 0: return (NftTerm(.field(.connectionState), .connectionState), 4)
    case 1: return (NftTerm(.field(.connectionDirection), .connectionDirection), 1)
    case 2: return (NftTerm(.field(.connectionStatus), .connectionStatus), 4)
    case 3: return (NftTerm(.field(.connectionMark), .mark), 4)
    case 5: return (NftTerm(.field(.connectionExpiration), .duration), 4)
    case 6: return (NftTerm(.field(.connectionHelper), .string), 16)
    case 7: return (NftTerm(.field(.connectionFamily), .networkFamily), 1)
    case 8: return address(.originalSource, .replySource, six ? .ipv6 : .ipv4, .init())
    case 9: return address(.originalDestination, .replyDestination, six ? .ipv6 : .ipv4, .init())
    case 10: return (NftTerm(.field(.connectionProtocol), .transport), 1)
    case 11: return (NftTerm(.field(back ? .replySourcePort : .originalSourcePort), .port), 2)
    case 12: return (NftTerm(.field(back ? .replyDestinationPort : .originalDestinationPort), .port), 2)
    case 13: return (NftTerm(.field(.connectionLabel), .connectionLabel), 16)
    case 14 where reply == nil: return (NftTerm(.field(.connectionPackets), .integer, width: 64), 8)
    case 15 where reply == nil: return (NftTerm(.field(.connectionBytes), .integer, width: 64), 8)
    case 17 where reply == nil: return (NftTerm(.field(.connectionZone), .integer, width: 16), 2)
    case 19: return address(.originalSource, .replySource, .ipv4, .ip)
    case 20: return address(.originalDestination, .replyDestination, .ipv4, .ip)
    case 21: return address(.originalSource, .replySource, .ipv6, .ip6)
    case 22: return address(.originalDestination, .replyDestination, .ipv6, .ip6)
    default: return (nil, 8)
    }
  }

  static func isHost(connection key: UInt32) -> Bool {
    switch key {
    case 6...12, 19...22: false
    default: true
    }
  }

  static func connectionText(_ key: UInt32, reply: Bool?) -> String {
    let name: String =
      switch key {
      case 4: "secmark"
      case 14: "packets"
      case 15: "bytes"
      case 16: "avgpkt"
      case 17: "zone"
      case 18: "event"
      case 23: "id"
      default: "key \(key)"
      }
    return "ct " + (reply.map { $0 ? "reply " : "original " } ?? "") + name
  }

  static func option(_ kind: UInt8, _ offset: UInt32) -> String {
    switch (kind, offset) {
    case (2, 2): "tcp option maxseg size"
    case (3, 2): "tcp option window count"
    case (8, 2): "tcp option timestamp tsval"
    case (8, 6): "tcp option timestamp tsecr"
    default: "tcp option @\(kind),\(offset * 8)"
    }
  }
}
