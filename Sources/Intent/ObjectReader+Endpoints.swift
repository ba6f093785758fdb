import Input
import Wire

extension ObjectReader {
  mutating func slice(_ value: JSONValue, _ meta: Metadata) {
    var slice = EndpointSlice(namespace: meta.namespace, name: meta.name)
    slice.file = file
    slice.service = meta.label("kubernetes.io/service-name") ?? ""
    let what = ObjectName("EndpointSlice", meta)
    for (key, member) in value.members {
      switch key {
      case "addressType": slice.addressType = member.string ?? "IPv4"
      case "ports": for item in member.elements { slice.ports.append(endpointPort(item, what)) }
      case "endpoints":
        slice.endpoints.reserveCapacity(member.count)
        for item in member.elements { endpoint(item, &slice, what) }
      default: break
      }
    }
    if slice.addressType == "FQDN" { slice.endpoints = [] }
    cluster.slices.append(slice)
  }

  private mutating func endpointPort(_ value: JSONValue, _ what: ObjectName) -> EndpointSlice.Port {
    var entry = EndpointSlice.Port()
    for (key, member) in value.members {
      switch key {
      case "name": entry.name = member.string ?? ""
      case "protocol": entry.ipProtocol = ipProtocol(member)
      case "port": entry.port = port(member, what)
      default: break
      }
    }
    return entry
  }

  private mutating func endpoint(_ value: JSONValue, _ slice: inout EndpointSlice, _ what: ObjectName) {
    // Kube-proxy takes the first address of an endpoint.
    guard let first = value["addresses"]?[0] else { return cluster.warn(file, "\(what): an endpoint has no addresses") }
    if slice.addressType == "FQDN" { return }
    guard let found = address(first, what) else { return }
    var endpoint = Endpoint(found)
    for (key, member) in value.members {
      switch key {
      case "conditions":
        for (name, flag) in member.members {
          switch name {
          case "ready":
            // Nil means ready; serving follows ready where it is not given.
            endpoint.ready = flag.bool ?? true
            if member["serving"]?.bool == nil { endpoint.serving = endpoint.ready }
          case "serving": endpoint.serving = flag.bool ?? endpoint.ready
          case "terminating": endpoint.terminating = flag.bool ?? false
          default: break
          }
        }
      case "nodeName": if let name = member.string { endpoint.node = cluster.intern(name) }
      case "topology": if let name = member["kubernetes.io/hostname"]?.string { endpoint.node = cluster.intern(name) }
      case "hints":
        if let zones = member["forZones"] {
          for zone in zones.elements {
            if let name = zone["name"]?.string { endpoint.zoneHints.append(cluster.intern(name)) }
          }
        }
        if let nodes = member["forNodes"] {
          for node in nodes.elements {
            if let name = node["name"]?.string { endpoint.nodeHints.append(cluster.intern(name)) }
          }
        }
      default: break
      }
    }
    slice.endpoints.append(endpoint)
  }

  mutating func endpoints(_ value: JSONValue, _ meta: Metadata) {
    let what = ObjectName("Endpoints", meta)
    guard let subsets = value["subsets"] else { return }
    for subset in subsets.elements {
      for version in [IPVersion.v4, .v6] {
        var slice = EndpointSlice(namespace: meta.namespace, name: "")
        slice.file = file
        slice.service = meta.name
        slice.addressType = version == .v4 ? "IPv4" : "IPv6"
        if let ports = subset["ports"] { for item in ports.elements { slice.ports.append(endpointPort(item, what)) } }
        for (key, member) in subset.members where key == "addresses" || key == "notReadyAddresses" {
          for item in member.elements {
            guard let ip = item["ip"], let found = address(ip, what), found.version == version else { continue }
            var endpoint = Endpoint(found)
            endpoint.ready = key == "addresses"
            endpoint.serving = endpoint.ready
            if let name = item["nodeName"]?.string { endpoint.node = cluster.intern(name) }
            slice.endpoints.append(endpoint)
          }
        }
        if !slice.endpoints.isEmpty { legacy.append(slice) }
      }
    }
  }
}
