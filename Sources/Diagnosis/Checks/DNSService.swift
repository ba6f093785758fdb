import Findings
import Intent
import Snapshot
import Wire

/// Pods cannot resolve names: the cluster's DNS Service has no endpoint, or they are told to ask an address that is not it.
enum DNSService: Check {
  static let id = "dns-service"

  /// The Service of the cluster's DNS; nil: the objects have none.
  static func index(_ intent: Cluster) -> Int? { intent.services.firstIndex { $0.isProxied && isDNS($0) } }

  private static func isDNS(_ service: Service) -> Bool {
    service.namespace == "kube-system" && (service.name == "kube-dns" || service.name.contains("coredns"))
  }

  static func run(_ context: CheckContext) -> [Finding] {
    withoutEndpoints(context) + astray(context) + configured(context) + zones(context) + DNSUpstreams.run(context)
  }

  private static func withoutEndpoints(_ context: CheckContext) -> [Finding] {
    var seen: Set<Int> = []
    return context.withoutEndpoints.compactMap { entry in
      let service = context.intent.services[entry.service]
      guard isDNS(service), seen.insert(entry.service).inserted else { return nil }
      let told = context.endpointCauses.ofService[entry.service].map { context.endpointCauses.entries[$0].explanation }
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(service),
        problem: "no Pod of the cluster resolves names",
        cause: "Service \(service.fullName) has no endpoint ← \(context.whyNoEndpoint(service))",
        evidence: told?.evidence ?? [],
        fix: told?.fix ?? [.command("kubectl -n kube-system rollout restart deployment coredns")],
        verify: ["kubectl -n kube-system get pods -l k8s-app=kube-dns"] + (told?.verify ?? []))
    }
  }

  // MARK: zones

  /// The zone in which Pods look for Services, where something tells it, and whether CoreDNS serves it.
  private static func zones(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    guard let corefile = intent.corefile, let index = index(intent) else { return [] }
    let searched = context.nodes.lazy.flatMap(\.snapshot.files.resolvers).filter(\.isPods).flatMap(\.searches)
      .first { $0.hasPrefix("svc.") }.map { String($0.dropFirst(4)) }
    let configured =
      intent.clusterDomain ?? intent.clusterConfiguration.flatMap { $0.dnsDomain.isEmpty ? nil : $0.dnsDomain }
    let wanted = searched ?? configured ?? "cluster.local"
    let isServed = corefile.clusterZones.contains { zone in
      let bare = zone.hasSuffix(".") ? String(zone.dropLast()) : zone
      return bare == wanted || bare.isEmpty || wanted.hasSuffix("." + bare)
    }
    // Without a zone of its own the plugin serves that of its server block.
    guard !corefile.servesCluster || !corefile.clusterZones.isEmpty && !isServed else { return [] }
    let isKnown = searched != nil || configured != nil
    let zones = corefile.clusterZones.map { printable($0) }.joined(separator: ", ")
    return [
      Finding(
        id: id, severity: isKnown || !corefile.servesCluster ? .error : .warning,
        confidence: isKnown ? .certain : .likely,
        subject: context.subject(intent.services[index]),
        problem: "names of Services do not resolve: CoreDNS does not serve the zone \(printable(wanted))",
        cause: corefile.servesCluster
          ? "plugin kubernetes of the Corefile serves \(zones), and Pods look for \(printable(wanted))"
          : "the Corefile has no plugin kubernetes",
        evidence: [
          intent.evidence(
            corefile, "kubernetes \(corefile.clusterZones.first ?? "")",
            corefile.servesCluster ? "kubernetes \(zones)" : "no line of plugin kubernetes")
        ],
        fix: [
          .look(
            "kubectl -n kube-system edit configmap coredns",
            why: "kubernetes \(printable(wanted)) in-addr.arpa ip6.arpa { … }")
        ],
        verify: ["kubectl run -it --rm dns --image=busybox --restart=Never -- nslookup kubernetes.default"])
    ]
  }

  // MARK: nameservers

  /// Nameservers that are no DNS Service of the cluster, one finding each.
  private static func astray(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    guard let index = index(intent) else { return [] }
    let dns = intent.services[index]
    var asked: [(server: IPAddress, settings: [ResolverSetting])] = []
    for setting in intent.resolvers where !setting.nameservers.contains(where: { answers($0, intent) }) {
      for server in setting.nameservers {
        if let known = asked.firstIndex(where: { $0.server == server }) {
          asked[known].settings.append(setting)
        } else {
          asked.append((server, [setting]))
        }
      }
    }
    return asked.compactMap { finding($0.server, $0.settings, dns, context) }
  }

  /// Whether names can be asked of an address: a Service with port 53, or the node's own cache (NodeLocal DNSCache listens on
  /// a link-local address).
  private static func answers(_ server: IPAddress, _ intent: Cluster) -> Bool {
    IPPrefix(IPAddress(v4: 0xA9FE_0000), length: 16).contains(server)
      || owner(server, intent).map { $0.ports.contains { $0.port == 53 } } ?? false
  }

  private static func owner(_ server: IPAddress, _ intent: Cluster) -> Service? {
    intent.services.first { $0.clusterIPs.contains(server) }
  }

  private static func finding(
    _ server: IPAddress, _ settings: [ResolverSetting], _ dns: Service, _ context: CheckContext
  ) -> Finding? {
    let intent = context.intent
    let owner = owner(server, intent)
    // ClusterIPs of one cluster stand near each other; any other address may be a nameserver outside.
    let isNear = dns.clusterIPs.contains {
      $0.version == server.version && IPPrefix($0, length: $0.version == .v4 ? 16 : 112).contains(server)
    }
    let isKubelet = settings.contains { $0.origin == .kubelet }
    guard isKubelet || isNear || owner != nil else { return nil }
    let wanted = dns.clusterIPs.map { "\($0)" }.joined(separator: ", ")
    let pods = settings.compactMap { setting -> String? in
      guard case .pod(let index) = setting.origin else { return nil }
      return "\(intent.pods[index].namespace)/\(intent.pods[index].name)"
    }
    let what = owner.map { "is Service \($0.fullName), which has no port 53" } ?? "is no Service"
    return Finding(
      id: id, severity: isNear || owner != nil ? .error : .warning, confidence: isNear ? .certain : .likely,
      subject: context.subject(dns),
      problem: isKubelet
        ? "Pods ask \(server) for names, not the cluster's DNS Service \(dns.fullName)"
        : "\(pods.count == 1 ? "Pod \(pods[0]) asks" : "\(pods.count) Pods ask") \(server) for names, which does not answer",
      cause: isKubelet
        ? "\(server) \(what) ← clusterDNS in the kubelet's configuration is not \(wanted)"
        : "\(server) \(what) ← spec.dnsConfig.nameservers of Pods with dnsPolicy None",
      evidence: settings.prefix(3).map { setting in
        intent.evidence(
          setting.file, text(setting, intent),
          line: setting.nameservers.first.flatMap { intent.line(holding: "- \($0)", in: setting.file) })
      },
      fix: isKubelet
        ? [
          .advice(
            "set clusterDNS to \(wanted) in /var/lib/kubelet/config.yaml (kubeadm: also in ConfigMap kubelet-config)"),
          .advice("systemctl restart kubelet, then recreate the Pods: they keep the resolv.conf they were made with"),
        ] : [.advice("name \(wanted) in spec.dnsConfig.nameservers, or use dnsPolicy ClusterFirst")],
      verify: ["kubectl exec POD -- cat /etc/resolv.conf  # nameserver \(wanted)"])
  }

  /// Files of a node: resolv.conf of a Pod, and the kubelet's flag.
  private static func configured(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    guard let index = index(intent) else { return [] }
    let dns = intent.services[index]
    let wanted = dns.clusterIPs.map { "\($0)" }.joined(separator: ", ")
    return context.nodes.flatMap { node -> [Finding] in
      let files = node.snapshot.files
      var findings: [Finding] = []
      for file in files.resolvers where file.isPods && !file.nameservers.contains(where: { answers($0, intent) }) {
        let list = file.nameservers.map { "\($0)" }.joined(separator: ", ")
        let holder = file.nameservers.first.flatMap { Self.owner($0, intent) }
        findings.append(
          Finding(
            id: id, severity: .error, confidence: .certain, subject: context.subject(dns, node: node.name),
            problem: "a Pod asks \(list) for names, not the cluster's DNS Service \(dns.fullName) (\(wanted))",
            cause:
              "\(list) \(holder.map { "is Service \($0.fullName), which has no port 53" } ?? "is no DNS Service of the cluster") ← its resolv.conf was written by a kubelet whose clusterDNS is another, or by dnsConfig",
            evidence: [evidence("nameserver \(list)", file.place, node)], fix: mend(wanted), verify: [looked(wanted)]))
      }
      let flag = files.kubeletFlags["cluster-dns"] ?? ""
      let servers = flag.split(separator: ",").compactMap { IPAddress(String($0)) }
      if !servers.isEmpty, !servers.contains(where: { answers($0, intent) }) {
        findings.append(
          Finding(
            id: id, severity: .error, confidence: .certain, subject: context.subject(dns, node: node.name),
            problem:
              "Pods of \(node.name) ask \(printable(flag)) for names, not the cluster's DNS Service \(dns.fullName) (\(wanted))",
            cause:
              "the kubelet is started with --cluster-dns=\(printable(flag)), which is no DNS Service of the cluster",
            evidence: [evidence("--cluster-dns=\(printable(flag))", files.kubeletFlagsPlace, node)],
            fix: [
              .advice("set --cluster-dns to \(wanted) in /var/lib/kubelet/kubeadm-flags.env (or KUBELET_EXTRA_ARGS)")
            ] + mend(wanted).suffix(1),
            verify: [looked(wanted)]))
      }
      return findings
    }
  }

  private static func evidence(_ text: String, _ place: FilePlace, _ node: NodeContext) -> Finding.Evidence {
    Finding.Evidence(file: node.snapshot.fileName(place.file), line: place.line > 0 ? place.line : nil, text: text)
  }

  private static func mend(_ wanted: String) -> [Fix] {
    [
      .advice(
        "set clusterDNS to \(wanted) in /var/lib/kubelet/config.yaml (kubeadm: also in ConfigMap kubelet-config)"),
      .advice("systemctl restart kubelet, then make the Pods anew: they keep the resolv.conf they were made with"),
    ]
  }

  private static func looked(_ wanted: String) -> ShellCommand {
    "kubectl exec POD -- cat /etc/resolv.conf  # nameserver \(wanted)"
  }

  private static func text(_ setting: ResolverSetting, _ intent: Cluster) -> String {
    let servers = setting.nameservers.map { "\($0)" }.joined(separator: ", ")
    return switch setting.origin {
    case .kubelet: "clusterDNS: \(servers)"
    case .pod(let index): "Pod \(intent.pods[index].namespace)/\(intent.pods[index].name): nameservers \(servers)"
    }
  }
}
