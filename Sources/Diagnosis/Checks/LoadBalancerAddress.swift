import Findings
import Intent
import Wire

/// A LoadBalancer Service without an address, or with one that nobody announces.
enum LoadBalancerAddress: Check {
  static let id = "load-balancer-address"

  static func run(_ context: CheckContext) -> [Finding] {
    context.intent.services.indices.filter { context.intent.services[$0].kind == .loadBalancer }.compactMap { index in
      let service = context.intent.services[index]
      let hasNone =
        service.loadBalancerIPs.isEmpty && service.proxiedLoadBalancerIPs.isEmpty
        && service.loadBalancerHostnames.isEmpty
      return hasNone ? pending(service, context) : nil
    } + unannounced(context)
  }

  // MARK: none

  private static func pending(_ service: Service, _ context: CheckContext) -> Finding {
    let intent = context.intent
    let events = context.objects.events("Service", service.namespace, service.name, intent)
    let told = events.first { $0.isWarning }
    let known = reason(service, told, context)
    let isAlone = known == nil && lacksController(context)
    return Finding(
      id: id, severity: known == nil && !isAlone ? .warning : .error, confidence: known == nil ? .likely : .certain,
      subject: context.subject(service),
      problem: "Service \(service.fullName) has no external address yet: clients outside cannot dial it",
      cause: "status.loadBalancer is empty ← "
        + (known?.cause
          ?? (isAlone
            ? "no Pod of a load-balancer controller (a cloud's, MetalLB, kube-vip …) is in the cluster"
            : "no load-balancer controller (cloud, MetalLB) has given it one, or none runs")),
      evidence: [
        intent.evidence(service, ": type LoadBalancer, status.loadBalancer is empty")
      ]
        + (told.map { [intent.evidence($0)] } ?? []) + (known?.evidence ?? []),
      fix: known?.fix ?? [
        .look(
          service.describeCommand,
          why: "Events of the controller; without one, install it (MetalLB) or use type NodePort")
      ],
      verify: ["kubectl -n \(service.namespace) get service \(service.name)"])
  }

  /// Words in the names of Pods, or of their namespaces, that give Services addresses.
  private static let controllers = [
    "metallb", "cloud-controller", "cloud-provider", "kube-vip", "svclb", "purelb", "openelb", "loxilb", "cilium",
  ]

  /// The Pods of the whole cluster are known, and none of them gives Services addresses.
  private static func lacksController(_ context: CheckContext) -> Bool {
    let intent = context.intent
    guard !intent.isPartial, context.objects.podsOfNamespace.count > 1,
      context.objects.podsOfNamespace["kube-system"] != nil
    else { return false }
    // A cloud's own control plane gives them from outside.
    let isManaged = intent.nodes.contains { node in
      node.labels.contains {
        $0.key.hasPrefix("eks.") || $0.key.hasPrefix("cloud.google.com") || $0.key.contains("azure")
      }
    }
    return !isManaged
      && !intent.pods.contains { pod in controllers.contains { pod.name.contains($0) || pod.namespace.contains($0) } }
  }

  private static func reason(_ service: Service, _ told: ClusterEvent?, _ context: CheckContext) -> Explanation? {
    let intent = context.intent
    let pools = intent.addressPools
    let controllers = metalLB(intent, context.objects, \.isLoadBalancerController)
    if let down = controllers.first, controllers.allSatisfy({ !$0.ready }) {
      var explanation = PodFault.of(down, context.objects, intent).explanation(down, context.objects, intent)
      explanation.cause = "MetalLB's controller, Pod \(down.fullName), is not ready ← \(explanation.cause)"
      return explanation
    }
    let words = told.map { Explanation.quoted($0.message) } ?? ""
    if !pools.isEmpty {
      let used = Set(intent.services.flatMap { $0.loadBalancerIPs + $0.proxiedLoadBalancerIPs })
      let open = pools.filter(\.assignsByItself)
      let version = service.clusterIPs.first?.version ?? .v4
      let room = open.reduce(0) { sum, pool in
        sum + max(0, pool.count(version) - used.count { $0.version == version && pool.contains($0) })
      }
      let list = pools.map { "\($0.name) (\($0.ranges.map(\.description).joined(separator: ", ")))" }.joined(
        separator: "; ")
      let evidence = pools.prefix(3).map {
        intent.evidence($0)
      }
      let widen = pools.first { $0.assignsByItself } ?? pools[0]
      if open.isEmpty {
        return Explanation(
          cause: "no pool gives addresses by itself (autoAssign: false)\(words.isEmpty ? "" : ": \(words)")",
          evidence: evidence,
          fix: [
            .command(
              "kubectl -n \(widen.namespace) patch ipaddresspool \(widen.name) --type=merge -p '{\"spec\":{\"autoAssign\":true}}'"
            )
          ])
      }
      if room == 0 || words.contains("no available IPs") {
        return Explanation(
          cause: "the address pool is used up: \(list)\(words.isEmpty ? "" : " (\(words))")", evidence: evidence,
          fix: [
            .look(
              "kubectl -n \(widen.namespace) edit ipaddresspool \(widen.name)",
              why: "add a range of free addresses to spec.addresses"),
            .look("kubectl get services -A", why: "or give up a LoadBalancer Service that nobody needs"),
          ])
      }
    } else if intent.kinds.contains("IPAddressPool") || words.contains("metallb") && words.contains("pool") {
      return Explanation(
        cause: "MetalLB has no IPAddressPool\(words.isEmpty ? "" : ": \(words)")",
        fix: [
          .advice(
            "make an IPAddressPool with free addresses of the nodes' network, and an L2Advertisement or BGPAdvertisement for it"
          )
        ])
    }
    guard !words.isEmpty else { return nil }
    return Explanation(
      cause: "its controller says: \(words)", fix: [.look(service.describeCommand, why: "what the Event names")])
  }

  private static func metalLB(_ intent: Cluster, _ objects: ObjectIndex, _ is: KeyPath<Pod, Bool>) -> [Pod] {
    objects.podsOfNamespace.keys.filter { $0.hasPrefix("metallb") }.sorted().flatMap { namespace in
      (objects.podsOfNamespace[namespace] ?? []).map { intent.pods[Int($0)] }.filter {
        $0[keyPath: `is`] && !$0.isOver
      }
    }
  }

  // MARK: one that nobody announces

  /// What keeps MetalLB from making addresses known, one finding for all the Services that it hurts.
  private static func unannounced(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    guard !intent.addressPools.isEmpty || intent.workloads.contains(where: { isSpeaker($0) }) else { return [] }
    var groups: [(explanation: Explanation, services: [Int], severity: Finding.Severity)] = []
    func add(_ explanation: Explanation, _ service: Int, _ severity: Finding.Severity) {
      if let at = groups.firstIndex(where: { $0.explanation.cause == explanation.cause }) {
        groups[at].services.append(service)
      } else {
        groups.append((explanation, [service], severity))
      }
    }
    let speakers = speakers(intent, context.objects)
    for (index, service) in intent.services.enumerated() where service.kind == .loadBalancer {
      for address in service.loadBalancerIPs.prefix(1) {
        if let speakers { add(speakers.explanation, index, speakers.severity) }
        guard !intent.addressPools.isEmpty else { continue }
        guard let pool = intent.addressPools.first(where: { $0.contains(address) }) else {
          add(outsidePools(address, intent), index, .error)
          continue
        }
        if let missing = unadvertised(pool, intent) { add(missing, index, .error) }
      }
    }
    return groups.map { group in
      let first = intent.services[group.services[0]]
      let addresses = group.services.prefix(4).compactMap { intent.services[$0].loadBalancerIPs.first }.map { "\($0)" }
      return Finding(
        id: id, severity: group.severity, confidence: .certain, subject: context.subject(first),
        problem:
          "nobody announces \(addresses.joined(separator: ", ")): clients outside do not reach \(context.names(of: group.services))\(group.severity == .warning ? " by every node" : "")",
        cause: group.explanation.cause, evidence: group.explanation.evidence, fix: group.explanation.fix,
        verify: group.explanation.verify + [
          "arping -I eth0 \(addresses[0])  # from another host of the network: one MAC must answer"
        ])
    }
  }

  private static func isSpeaker(_ workload: Workload) -> Bool {
    workload.kind == .daemonSet && workload.namespace.hasPrefix("metallb") && workload.name.contains("speaker")
  }

  /// Why nobody at all announces a Service's address, as far as MetalLB's objects tell; nil: somebody may.
  static func unannounced(_ service: Service, _ intent: Cluster, _ objects: ObjectIndex) -> Explanation? {
    guard let address = service.loadBalancerIPs.first,
      !intent.addressPools.isEmpty || intent.workloads.contains(where: isSpeaker)
    else { return nil }
    if let speakers = speakers(intent, objects), speakers.severity == .error { return speakers.explanation }
    guard !intent.addressPools.isEmpty else { return nil }
    guard let pool = intent.addressPools.first(where: { $0.contains(address) }) else {
      return outsidePools(address, intent)
    }
    return unadvertised(pool, intent)
  }

  private static func outsidePools(_ address: IPAddress, _ intent: Cluster) -> Explanation {
    Explanation(
      cause: "its address is in no IPAddressPool, so no speaker announces it",
      evidence: intent.addressPools.prefix(3).map {
        intent.evidence($0)
      },
      fix: [
        .advice(
          "put \(address) into a pool, or let the Service be given an address of one (remove spec.loadBalancerIP and the annotation that asks for it)"
        )
      ])
  }

  private static func speakers(
    _ intent: Cluster, _ objects: ObjectIndex
  ) -> (explanation: Explanation, severity: Finding.Severity)? {
    let pods = metalLB(intent, objects, \.isLoadBalancerSpeaker)
    let set = intent.workloads.first(where: isSpeaker)
    let down = pods.filter { !$0.ready }
    let isDown = set.map { $0.ready == 0 } ?? (!pods.isEmpty && down.count == pods.count)
    guard isDown || !down.isEmpty else { return nil }
    var explanation: Explanation
    if let pod = down.first {
      explanation = PodFault.of(pod, objects, intent).explanation(pod, objects, intent)
      explanation.cause = "MetalLB's speaker, Pod \(pod.fullName) on \(pod.node), is not ready ← \(explanation.cause)"
    } else {
      explanation = Explanation(
        cause: "MetalLB's speaker runs on no node",
        fix: [
          .look(
            "kubectl -n \(set!.namespace) describe daemonset \(set!.name)",
            why: "its Events, nodeSelector and tolerations")
        ],
        verify: ["kubectl -n \(set!.namespace) rollout status daemonset \(set!.name)"])
    }
    if let set {
      explanation.cause =
        "DaemonSet \(set.fullName) is ready on \(set.ready) of \(set.wanted) nodes ← \(explanation.cause)"
      explanation.evidence.append(
        intent.evidence(set, ": \(set.ready) of \(set.wanted) ready"))
    }
    return (explanation, isDown ? .error : .warning)
  }

  private static func unadvertised(_ pool: AddressPool, _ intent: Cluster) -> Explanation? {
    let covering = intent.advertisements.map { ($0, $0.covers(pool)) }
    if covering.contains(where: { $0.1 == nil }) { return nil }
    let own = covering.filter { $0.1 == true }.map(\.0)
    let evidence = [intent.evidence(pool)]
    guard let first = own.first else {
      return Explanation(
        cause: "no L2Advertisement or BGPAdvertisement is for pool \(pool.name)", evidence: evidence,
        fix: [
          .advice(
            "make an L2Advertisement in \(pool.namespace) with spec.ipAddressPools: [\(pool.name)] (or a BGPAdvertisement, where routers peer with the speakers)"
          )
        ],
        verify: ["kubectl -n \(pool.namespace) get l2advertisements,bgpadvertisements"])
    }
    let isNowhere = own.allSatisfy { advertisement in
      !advertisement.nodeSelectors.isEmpty
        && !intent.nodes.contains { node in advertisement.nodeSelectors.contains { $0.matches(node.labels) } }
    }
    guard isNowhere, !intent.nodes.isEmpty else { return nil }
    return Explanation(
      cause:
        "\(first.kind.rawValue) \(first.name) may announce pool \(pool.name) from no node: its nodeSelectors fit none",
      evidence: evidence,
      fix: [
        .look(
          "kubectl -n \(first.namespace) edit \(first.kind.rawValue.lowercased()) \(first.name)",
          why: "correct spec.nodeSelectors")
      ],
      verify: ["kubectl get nodes --show-labels"])
  }
}
