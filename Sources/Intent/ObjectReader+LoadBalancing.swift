import Input
import Wire

extension ObjectReader {
  mutating func ingressClass(_ value: JSONValue, _ meta: Metadata) {
    var ingress = IngressClass(name: meta.name)
    ingress.controller = value["spec"]?["controller"]?.string ?? ""
    ingress.isDefault =
      meta.annotations?["ingressclass.kubernetes.io/is-default-class"]?.text.map { $0 == "true" } ?? false
    cluster.ingressClasses.append(ingress)
  }

  mutating func addressPool(_ value: JSONValue, _ meta: Metadata) {
    var pool = AddressPool(namespace: meta.namespace, name: meta.name)
    pool.file = file
    pool.assignsByItself = value["spec"]?["autoAssign"]?.bool ?? true
    for item in value["spec"]?["addresses"]?.elements ?? value.elements {
      guard let text = item.string else { continue }
      if let range = AddressRange(text) {
        pool.ranges.append(range)
      } else {
        cluster.warn(file, "IPAddressPool \(meta.fullName): “\(item.text?.printable ?? "")” is no range of addresses")
      }
    }
    cluster.addressPools.append(pool)
  }

  mutating func advertisement(_ value: JSONValue, _ meta: Metadata, _ kind: PoolAdvertisement.Kind) {
    var advertisement = PoolAdvertisement(kind, namespace: meta.namespace, name: meta.name)
    let what = ObjectName(kind == .layer2 ? "L2Advertisement" : "BGPAdvertisement", meta)
    // One without a specification is for all pools.
    let spec = value["spec"] ?? value
    for (key, member) in spec.members {
      switch key {
      case "ipAddressPools": advertisement.pools = member.elements.compactMap(\.string)
      case "ipAddressPoolSelectors": advertisement.selectsByLabel = member.count > 0
      case "nodeSelectors":
        for item in member.elements { advertisement.nodeSelectors.append(labelSelector(item, what)) }
      default: break
      }
    }
    cluster.advertisements.append(advertisement)
  }

  mutating func peerAuthentication(_ value: JSONValue, _ meta: Metadata) {
    var policy = PeerAuthentication(namespace: meta.namespace, name: meta.name)
    policy.file = file
    let spec = value["spec"] ?? value
    for (key, member) in spec.members {
      switch key {
      case "mtls": policy.mode = member["mode"]?.string ?? ""
      case "selector": policy.selector = labelSelector(member, ObjectName("PeerAuthentication", meta))
      case "portLevelMtls":
        for (port, item) in member.members {
          if let number = port.number(UInt16.self) { policy.portModes[number] = item["mode"]?.string ?? "" }
        }
      default: break
      }
    }
    cluster.peerAuthentications.append(policy)
  }
}
