import Input
import Wire

extension ObjectReader {
  mutating func pod(_ value: JSONValue, _ meta: Metadata) {
    var pod = Pod(namespace: meta.namespace, name: meta.name)
    pod.labels = meta.labels
    pod.isTerminating = meta.isTerminating
    pod.file = file
    if let owner = meta.owner {
      pod.ownerKind = owner.kind
      pod.ownerName = cluster.intern(owner.name)
    }
    let what = ObjectName("Pod", meta)
    var troubled: PodTrouble?
    if let status = value["status"] {
      pod.hasStatus = true
      troubled = podStatus(status, &pod, what)
    }
    if let spec = value["spec"] {
      for (key, member) in spec.members {
        switch key {
        case "nodeName": pod.node = member.string ?? ""
        case "hostNetwork": pod.hostNetwork = member.bool ?? false
        case "containers", "initContainers":
          for container in member.elements { podContainer(container, &pod, &troubled, what) }
        case "volumes" where troubled != nil:
          for volume in member.elements {
            if let claim = volume["persistentVolumeClaim"]?["claimName"]?.string { troubled!.claims.append(claim) }
          }
        case "schedulerName":
          if troubled != nil, member.text.map({ $0 == "default-scheduler" }) == false {
            troubled!.scheduler = member.string ?? ""
          }
        case "schedulingGates": if troubled != nil { troubled!.isGated = member.count > 0 }
        default: break
        }
      }
      podResolver(spec, what)
    }
    pod.trouble = troubled
    cluster.pods.append(pod)
  }

  /// Programs of the control plane, whose commands tell where they listen.
  private static let controlPlane: Set<String> = [
    "kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler",
  ]

  private mutating func podContainer(
    _ value: JSONValue, _ pod: inout Pod, _ trouble: inout PodTrouble?, _ what: ObjectName
  ) {
    var name: JSONText?
    for (key, member) in value.members {
      switch key {
      case "name": name = member.text
      case "ports":
        for item in member.elements {
          let port = port(item["containerPort"], what)
          pod.ports.append(ContainerPort(item["name"]?.string ?? "", port, ipProtocol(item["protocol"])))
        }
      case "command", "args":
        // The container's name may come before or after its command.
        guard pod.namespace == "kube-system", let own = value["name"]?.string, Self.controlPlane.contains(own) else {
          continue
        }
        pod.arguments += member.elements.compactMap(\.string)
      default: break
      }
    }
    guard let name else { return }
    if name == "istio-proxy" { pod.hasMeshProxy = true }
    guard let at = trouble?.containers.firstIndex(where: { name.bytes.elementsEqual($0.name.utf8) }) else { return }
    for (key, member) in value.members {
      switch key {
      case "image": trouble!.containers[at].image = member.string ?? ""
      case "resources": trouble!.containers[at].memoryLimit = member["limits"]?["memory"]?.string ?? ""
      case "readinessProbe": add(member, .readiness)
      case "livenessProbe": add(member, .liveness)
      case "startupProbe": add(member, .startup)
      default: break
      }
    }
    func add(_ value: JSONValue, _ kind: HealthProbe.Kind) {
      if let probe = Self.probe(value, kind) { trouble!.containers[at].probes.append(probe) }
    }
  }

  private static func probe(_ value: JSONValue, _ kind: HealthProbe.Kind) -> HealthProbe? {
    func number(_ value: JSONValue?) -> String { value?.int.map { "\($0)" } ?? value?.string ?? "" }
    for (key, member) in value.members {
      var probe: HealthProbe
      switch key {
      case "httpGet":
        probe = HealthProbe(kind, .http)
        probe.path = member["path"]?.string ?? "/"
      case "tcpSocket": probe = HealthProbe(kind, .tcp)
      case "grpc": probe = HealthProbe(kind, .grpc)
      case "exec": return HealthProbe(kind, .exec)
      default: continue
      }
      probe.port = number(member["port"])
      return probe
    }
    return nil
  }

  // MARK: status

  /// Nil: all is well, and was.
  private mutating func podStatus(_ status: JSONValue, _ pod: inout Pod, _ what: ObjectName) -> PodTrouble? {
    var trouble = PodTrouble()
    var conditionReason = ""
    var containerReason: String?
    for (key, member) in status.members {
      switch key {
      case "phase": pod.phase = member.string ?? ""
      case "reason": trouble.reason = member.string ?? ""
      case "message": trouble.message = member.string ?? ""
      case "podIPs":
        pod.addresses = []
        for item in member.elements {
          if let ip = item["ip"], let found = address(ip, what) { pod.addresses.append(found) }
        }
      case "podIP":
        if pod.addresses.isEmpty, member.text?.isEmpty == false, let found = address(member, what) {
          pod.addresses.append(found)
        }
      case "conditions":
        for condition in member.elements { podCondition(condition, &pod, &trouble, &conditionReason) }
      case "containerStatuses", "initContainerStatuses":
        for item in member.elements {
          if Self.isWell(item) { continue }
          if containerReason == nil { containerReason = Self.containerReason(item) }
          if let container = Self.container(item, isInit: key == "initContainerStatuses") {
            trouble.containers.append(container)
          }
        }
      default: break
      }
    }
    if !pod.ready {
      let own = trouble.reason.isEmpty ? nil : [trouble.reason, trouble.message].filter { !$0.isEmpty }
      pod.reason = own?.joined(separator: ": ") ?? containerReason ?? conditionReason
    }
    let isWell = pod.ready && trouble.containers.isEmpty && trouble.reason.isEmpty
    return isWell || pod.phase == "Succeeded" ? nil : trouble
  }

  private func podCondition(
    _ condition: JSONValue, _ pod: inout Pod, _ trouble: inout PodTrouble, _ reason: inout String
  ) {
    guard let type = condition["type"]?.text else { return }
    let isTrue = condition["status"]?.text.map { $0 == "True" } ?? false
    if type == "Ready" { pod.ready = isTrue }
    guard !isTrue else { return }
    switch type {
    case "PodScheduled":
      trouble.unschedulable = condition["message"]?.string ?? ""
      if condition["reason"]?.text.map({ $0 == "SchedulingGated" }) ?? false { trouble.isGated = true }
      reason = Self.joined(condition)
    case "Ready": if reason.isEmpty { reason = Self.joined(condition) }
    case "ContainersReady", "Initialized", "PodReadyToStartContainers", "DisruptionTarget": break
    default: trouble.closedGates.append(type.string)
    }
  }

  private static func joined(_ value: JSONValue) -> String {
    [value["reason"]?.string, value["message"]?.string].compactMap { $0 }.joined(separator: ": ")
  }

  /// `ImagePullBackOff: …`, `OOMKilled (exit 137)`.
  private static func containerReason(_ container: JSONValue) -> String? {
    if let last = container["lastState"]?["terminated"], last["reason"]?.text.map({ $0 == "OOMKilled" }) ?? false {
      return "OOMKilled (exit \(last["exitCode"]?.int ?? 137))"
    }
    if let waiting = container["state"]?["waiting"], waiting["reason"]?.isString ?? false { return joined(waiting) }
    if let ended = container["state"]?["terminated"], let reason = ended["reason"]?.string {
      return "\(reason) (exit \(ended["exitCode"]?.int ?? 0))"
    }
    return nil
  }

  /// It is ready and was started once: what most are, told without a closer look.
  private static func isWell(_ value: JSONValue) -> Bool {
    var isReady = false
    for (key, member) in value.members {
      switch key {
      case "ready": isReady = member.bool ?? false
      case "restartCount": if member.int != 0 { return false }
      default: break
      }
    }
    return isReady
  }

  /// Nil: it runs, is ready and was started once; or it did what it was there for before the others.
  private static func container(_ value: JSONValue, isInit: Bool) -> ContainerTrouble? {
    var result = ContainerTrouble(name: "")
    result.isInit = isInit
    for (key, member) in value.members {
      switch key {
      case "name": result.name = member.string ?? ""
      case "ready": result.ready = member.bool ?? false
      case "restartCount": result.restarts = member.int ?? 0
      case "state":
        for (state, details) in member.members {
          switch state {
          case "running": result.running = true
          case "waiting":
            result.waiting = details["reason"]?.string ?? ""
            result.waitingMessage = details["message"]?.string ?? ""
          case "terminated": result.ended = end(details)
          default: break
          }
        }
      case "lastState": if let ended = member["terminated"] { result.last = end(ended) }
      default: break
      }
    }
    if isInit, result.ended?.exitCode == 0 || result.ready { return nil }
    return result.ready && result.restarts == 0 ? nil : result
  }

  private static func end(_ value: JSONValue) -> ContainerTrouble.End {
    var end = ContainerTrouble.End()
    for (key, member) in value.members {
      switch key {
      case "reason": end.reason = member.string ?? ""
      case "message": end.message = member.string ?? ""
      case "exitCode": end.exitCode = member.int ?? 0
      default: break
      }
    }
    return end
  }
}
