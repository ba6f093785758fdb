import Input
import Wire

extension ObjectReader {
  mutating func service(_ value: JSONValue, _ meta: Metadata) {
    var service = Service(namespace: meta.namespace, name: meta.name)
    service.file = file
    let what = ObjectName("Service", meta)
    service.proxyName = meta.label("service.kubernetes.io/service-proxy-name")
    for (key, member) in meta.annotations?.members ?? value.members where meta.annotations != nil {
      if key == "service.kubernetes.io/topology-mode" || key == "service.kubernetes.io/topology-aware-hints" {
        service.wantsTopologyHints = member.text.map { $0 == "Auto" || $0 == "auto" } ?? false
      }
    }
    var single: JSONValue?
    var affinityIsClientIP = false
    var timeout = 10800
    guard let spec = value["spec"] else { return cluster.warn(file, "\(what) has no spec; left out") }
    for (key, member) in spec.members {
      switch key {
      case "type":
        service.kind = member.string.flatMap(Service.Kind.init) ?? .clusterIP
      case "clusterIP": single = member
      case "externalName": service.externalName = member.string ?? ""
      case "clusterIPs":
        for item in member.elements {
          if item.text.map({ $0 == "None" }) ?? false {
            service.headless = true
            continue
          }
          if let found = address(item, what) { service.clusterIPs.append(found) }
        }
      case "externalIPs":
        for item in member.elements { if let found = address(item, what) { service.externalIPs.append(found) } }
      case "externalTrafficPolicy": service.externalPolicyLocal = member.text.map { $0 == "Local" } ?? false
      case "internalTrafficPolicy": service.internalPolicyLocal = member.text.map { $0 == "Local" } ?? false
      case "sessionAffinity": affinityIsClientIP = member.text.map { $0 == "ClientIP" } ?? false
      case "sessionAffinityConfig": timeout = member["clientIP"]?["timeoutSeconds"]?.int ?? timeout
      case "healthCheckNodePort": service.healthCheckNodePort = port(member, what)
      case "publishNotReadyAddresses": service.publishesNotReady = member.bool ?? false
      case "trafficDistribution": service.wantsTopologyHints = member.isString
      case "selector": service.selector = Self.pairs(member)
      case "loadBalancerSourceRanges":
        for item in member.elements {
          if let range = item.text?.trimmed.prefix {
            service.sourceRanges.append(range)
          } else {
            cluster.warn(file, "\(what): “\(item.text?.printable ?? "?")” is no source range")
          }
        }
      case "ports": for item in member.elements { servicePort(item, &service, what) }
      default: break
      }
    }
    if service.clusterIPs.isEmpty, let single, let text = single.text, !text.isEmpty {
      if text == "None" {
        service.headless = true
      } else if let found = address(single, what) {
        service.clusterIPs = [found]
      }
    }
    if affinityIsClientIP { service.affinity = timeout }
    for ingress in value["status"]?["loadBalancer"]?["ingress"]?.elements ?? value.elements {
      let proxy = ingress["ipMode"]?.text.map { $0 == "Proxy" } ?? false
      if let ip = ingress["ip"], let found = address(ip, what) {
        if proxy { service.proxiedLoadBalancerIPs.append(found) } else { service.loadBalancerIPs.append(found) }
      } else if let host = ingress["hostname"]?.string {
        service.loadBalancerHostnames.append(host)
      }
    }
    cluster.services.append(service)
  }

  private mutating func servicePort(_ value: JSONValue, _ service: inout Service, _ what: ObjectName) {
    var entry = Service.Port()
    for (key, member) in value.members {
      switch key {
      case "name": entry.name = member.string ?? ""
      case "protocol": entry.ipProtocol = ipProtocol(member)
      case "port": entry.port = port(member, what)
      case "nodePort": entry.nodePort = port(member, what)
      case "targetPort": entry.targetPort = member.string ?? member.int.map(String.init) ?? ""
      default: break
      }
    }
    service.ports.append(entry)
  }

  mutating func ingress(_ value: JSONValue, _ meta: Metadata) {
    func path(_ backend: JSONValue?, _ host: String, _ text: String) -> IngressPath? {
      guard let backend else { return nil }
      var path = IngressPath()
      path.namespace = meta.namespace
      path.ingress = meta.name
      path.host = host
      path.path = text
      let service = backend["service"]
      path.service = service?["name"]?.string ?? backend["serviceName"]?.string ?? ""
      let port = service?["port"]
      path.port =
        port?["name"]?.string ?? port?["number"]?.int.map(String.init) ?? backend["servicePort"]?.string
        ?? backend["servicePort"]?.int.map(String.init) ?? ""
      return path.service.isEmpty ? nil : path
    }
    guard let spec = value["spec"] else { return }
    var ingress = Ingress(namespace: meta.namespace, name: meta.name)
    ingress.file = file
    ingress.className = spec["ingressClassName"]?.string ?? meta.annotations?["kubernetes.io/ingress.class"]?.string
    for item in value["status"]?["loadBalancer"]?["ingress"]?.elements ?? value.elements {
      if let ip = item["ip"]?.text?.address { ingress.addresses.append(ip) }
      if let name = item["hostname"]?.string { ingress.hostnames.append(name) }
    }
    cluster.ingresses.append(ingress)
    if let found = path(spec["defaultBackend"] ?? spec["backend"], "", "/") { cluster.ingressPaths.append(found) }
    guard let rules = spec["rules"] else { return }
    for rule in rules.elements {
      guard let paths = rule["http"]?["paths"] else { continue }
      for item in paths.elements {
        if var found = path(item["backend"], rule["host"]?.string ?? "", item["path"]?.string ?? "/") {
          found.isExact = item["pathType"]?.text.map { $0 == "Exact" } ?? false
          cluster.ingressPaths.append(found)
        }
      }
    }
  }

  /// Of several the address ranges add up.
  mutating func serviceRange(_ value: JSONValue, _ meta: Metadata) {
    for item in value["spec"]?["cidrs"]?.elements ?? value.elements {
      guard let range = item.text?.prefix else {
        cluster.warn(file, "ServiceCIDR \(meta.name): “\(item.text?.printable ?? "")” is no address range")
        continue
      }
      cluster.serviceRanges.append(range)
    }
  }
}
