import Findings
import Intent
import PacketPath
import Snapshot
import Wire

/// Pods do not reach the API server through default/kubernetes: controllers, CNI and DNS fail next.
enum APIServerUnreachable: Check {
  static let id = "apiserver-unreachable"

  static func run(_ context: CheckContext) -> [Finding] {
    guard let index = context.intent.serviceIndex["default/kubernetes"] else { return [] }
    let service = context.intent.services[index]
    var findings = listening(service, context)
    findings += complaints(service, context)
    findings += configured(service, context)
    if findings.isEmpty { findings += dialling(service, context) }
    // What the control plane itself shows needs no trace.
    if !findings.isEmpty { return findings }
    if context.withoutEndpoints.contains(where: { $0.service == index }) {
      findings.append(
        finding(
          service, context, nil, "no API server is announced to the cluster",
          "Service default/kubernetes has no endpoint ← no kube-apiserver runs, or none renews its lease", []))
    }
    let faults: Observation.Faults = [.ignored, .partlyIgnored, .wrongEndpoints, .refused, .lostBehind]
    // Pods and nodes must reach it; that the ClusterIP leads nowhere from outside the cluster is no fault.
    for group in context.groups(faults, where: { observation, _ in observation.origin != .outside })
    where group.first.service == index {
      // Where no Service works, findings of the node say so.
      if group.observations.allSatisfy({ context.programsNothing(group.node, from: $0.origin) }) { continue }
      let loss = group.first.reach.losses.first
      findings.append(
        finding(
          service, context, group.node,
          "\(group.node.name) does not lead every connection to the API server (\(group.places))",
          loss?.reason.map { "\($0)" }
            ?? (loss == nil
              ? "its rules do not translate \(group.first.frontend) to the API server's endpoints"
              : "\(loss?.step?.rule == nil ? "the policy of" : "a rule of") chain \(context.chainName(loss?.step, group.node)) \(loss?.verdict == .reject ? "rejects" : "drops") it"),
          loss?.reason == nil ? context.evidence(loss?.step, group.node) : [], fix: fix(group, context),
          occurrences: group.occurrences(context),
          confidence: group.observations.allSatisfy { $0.reach.isUncertain } ? .likely : .certain))
    }
    return findings
  }

  /// A kubeconfig dials a node on which no API server runs, as far as Nodes and the announced endpoints tell. An address that
  /// is no node's may be a load balancer's.
  private static func configured(_ service: Service, _ context: CheckContext) -> [Finding] {
    let intent = context.intent
    let endpoints = Set(service.slices.flatMap { intent.slices[$0].endpoints.map(\.address) })
    guard !endpoints.isEmpty else { return [] }
    return intent.dialledServers.compactMap { server in
      guard !endpoints.contains(server.address), !server.address.isLoopback,
        let node = intent.nodes.first(where: { $0.internalIPs.contains(server.address) })
      else { return nil }
      let list = endpoints.sorted().prefix(3).map(\.description).joined(separator: ", ")
      return Finding(
        id: id, severity: .error, confidence: .likely, subject: context.subject(service),
        problem: "a kubeconfig dials \(printable(server.url)), and no API server runs on node \(node.name)",
        cause: "the API server is announced at \(list) ← server: in that file is out of date",
        evidence: [
          intent.evidence(
            server.file, "server: \(printable(server.url))", line: intent.line(holding: server.url, in: server.file))
        ],
        fix: [.advice("correct server: in it (kubelet: /etc/kubernetes/kubelet.conf), then systemctl restart kubelet")],
        verify: ["curl -k \(server.url)/livez"])
    }
  }

  /// Sockets that still wait for the first answer of the API server, or of etcd.
  private static func dialling(_ service: Service, _ context: CheckContext) -> [Finding] {
    let servers = Set(
      service.slices.flatMap { context.intent.slices[$0].endpoints.map(\.address) } + service.clusterIPs)
    return context.nodes.compactMap { node in
      let waiting = (node.snapshot.sockets ?? []).filter { socket in
        guard socket.state == "SYN-SENT", let peer = socket.peerAddress else { return false }
        return isEtcd(socket.peerPort) ? socket.process?.hasPrefix("kube-apiserver") ?? true : servers.contains(peer)
      }
      guard let first = waiting.first, let peer = first.peerAddress else { return nil }
      // A connection that stands proves that others get through.
      let stands = (node.snapshot.sockets ?? []).contains {
        $0.state == "ESTAB" && $0.peerAddress == peer && $0.peerPort == first.peerPort
      }
      guard !stands else { return nil }
      let what = isEtcd(first.peerPort) ? "etcd" : "the API server"
      let place = EndpointAddress(peer, first.peerPort)
      return Finding(
        id: id, severity: .error, confidence: .likely, subject: context.subject(service, node: node.name),
        problem: "\(printable(first.process ?? "a process")) of \(node.name) gets no answer from \(what) at \(place)",
        cause:
          "\(waiting.count == 1 ? "a connection waits" : "\(waiting.count) connections wait") in SYN-SENT, and none stands ← a firewall on the way, or the machine of \(place.address) is down",
        evidence: [node.snapshot.evidence("ss of \(node.name): SYN-SENT to \(place)", at: first.place)],
        fix: [
          .advice(
            "see whether \(place.address) is up, and whether its firewall lets \(node.name) in at port \(place.port)")
        ]
          + whenKubectlFails,
        verify: ["nc -zv \(place.address) \(place.port)  # on \(node.name)"])
    }
  }

  private static func isEtcd(_ port: UInt16) -> Bool { port == 2379 || port == 2380 }

  /// Components say that they do not reach it, at the end of their logs.
  private static func complaints(_ service: Service, _ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let said = node.snapshot.files.complaints.first { complaint in
        (complaint.trouble == .apiUnreachable || complaint.trouble == .etcd) && complaint.isRecent
          && ["connection refused", "i/o timeout", "no route to host", "etcd", "TLS handshake timeout"].contains {
            complaint.text.contains($0)
          }
      }
      // A node that is known to be down is told of as such.
      guard let said, node.node?.ready ?? true else { return nil }
      let who = said.component.isEmpty ? "a component" : said.component
      return Finding(
        id: id, severity: .error, confidence: .likely, subject: context.subject(service, node: node.name),
        problem: said.trouble == .etcd
          ? "\(who) of \(node.name) does not reach etcd" : "\(who) of \(node.name) does not reach the API server",
        cause: "its log: \(Explanation.quoted(said.text))", evidence: [LogComplaint.evidence(said, node)],
        fix: whenKubectlFails, verify: ["curl -k https://127.0.0.1:6443/readyz?verbose  # on the control plane"])
    }
  }

  // MARK: on the control plane itself

  private static let whenKubectlFails: [Fix] = [
    .look(
      "crictl ps -a --name kube-apiserver",
      why: "kubectl is of no use now; on the control plane: is its container there, why did it end (crictl logs ID)"),
    .look(
      "journalctl -u kubelet --since -30min",
      why:
        "and /etc/kubernetes/manifests/kube-apiserver.yaml: the kubelet starts what stands there, if it is well formed"),
  ]

  /// The API server's own address: announced as loopback, or nobody or somebody else listens there.
  private static func listening(_ service: Service, _ context: CheckContext) -> [Finding] {
    let intent = context.intent
    let endpoints = Set(
      service.slices.flatMap { slice in
        intent.slices[slice].endpoints.flatMap { endpoint in
          intent.slices[slice].ports.map { EndpointAddress(endpoint.address, $0.port) }
        }
      })
    let manifest = intent.pods.first { ControlPlane.component(of: $0) == .apiServer && !$0.arguments.isEmpty }
    if let loopback = endpoints.first(where: { $0.address.isLoopback }) {
      let flag = manifest?.arguments.first { $0.hasPrefix("--advertise-address=") }
      return [
        Finding(
          id: id, severity: .error, confidence: .certain, subject: context.subject(service),
          problem: "no Pod and no other node reaches the API server: it announces \(loopback)",
          cause:
            "every node dials itself at \(loopback) ← \(flag.map { "kube-apiserver is started with \(printable($0))" } ?? "--advertise-address of kube-apiserver is a loopback address")",
          evidence: [
            service.slices.first.map {
              intent.evidence(
                "EndpointSlice", intent.slices[$0].name, "default/\(intent.slices[$0].name)",
                in: intent.slices[$0].file,
                ": endpoint \(loopback) of \(service.fullName)")
            } ?? intent.evidence(service, ": endpoint \(loopback)")
          ]
            + (flag.map { [intent.evidence(manifest!.file, printable($0))] } ?? []),
          fix: [
            .advice(
              "in /etc/kubernetes/manifests/kube-apiserver.yaml on the control plane set --advertise-address to the node's own address\(context.nodes.first?.node?.internalIPs.first.map { ", e.g. \($0)" } ?? ""); the kubelet starts it anew"
            )
          ] + whenKubectlFails,
          verify: ["kubectl -n default get endpointslices -l kubernetes.io/service-name=kubernetes"])
      ]
    }
    return context.nodes.compactMap { node in
      guard let sockets = node.snapshot.sockets, sockets.contains(where: { $0.state == "LISTEN" }) else { return nil }
      let own = Set((node.snapshot.addresses ?? []).map(\.address))
      guard let endpoint = endpoints.first(where: { own.contains($0.address) }) else { return nil }
      let found = HostSockets.listeners(sockets, .tcp, endpoint.port)
      let accepting = found.filter { NothingListening.accepts($0, endpoint.address) }
      // A command's name is cut at 15 letters.
      let other = accepting.first {
        $0.process.map { !"kube-apiserver".hasPrefix($0) && !$0.hasPrefix("kube-apiserver") } ?? false
      }
      if !accepting.isEmpty, other == nil { return etcd(manifest, node, sockets, service, context) }
      let loopback = found.first { $0.localAddress?.isLoopback ?? false }
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(service, node: node.name),
        problem:
          "the API server does not answer: \(endpoint) of \(node.name) is \(other == nil ? "closed" : "another program's")",
        cause: other.map {
          "\(printable($0.process ?? "another process")) listens on port \(endpoint.port), so kube-apiserver cannot"
        }
          ?? loopback.map {
            "\(printable($0.process ?? "kube-apiserver")) listens on \($0.localAddress!) only ← its --bind-address"
          }
          ?? "no process listens on port \(endpoint.port) ← kube-apiserver does not run: its container ends, its manifest is wrong or gone, or etcd does not answer it",
        evidence: [
          node.snapshot.evidence(found, absent: "no tcp socket on port \(endpoint.port)")
        ],
        fix: (other.map { [.advice("stop \(printable($0.process ?? "it")), or move it to another port")] } ?? [])
          + whenKubectlFails,
        verify: ["ss -lntp | grep ':\(endpoint.port) '", "curl -k https://\(endpoint)/livez"])
    }
  }

  /// The API server runs and dials etcd where that does not listen.
  private static func etcd(
    _ manifest: Pod?, _ node: NodeContext, _ sockets: [SocketEntry], _ service: Service, _ context: CheckContext
  ) -> Finding? {
    guard let flag = manifest?.arguments.first(where: { $0.hasPrefix("--etcd-servers=") }),
      sockets.contains(where: { $0.process == "etcd" })
    else { return nil }
    let own = Set((node.snapshot.addresses ?? []).map(\.address))
    for url in flag.dropFirst("--etcd-servers=".count).split(separator: ",") {
      let host = url.split(separator: "/").last.map(String.init) ?? ""
      guard let colon = host.lastIndex(of: ":"), let port = UInt16(host[host.index(after: colon)...]),
        let address = IPAddress(host[..<colon].filter { $0 != "[" && $0 != "]" }),
        own.contains(address) || address.isLoopback,
        !HostSockets.listeners(sockets, .tcp, port).contains(where: { NothingListening.accepts($0, address) })
      else { continue }
      let places = sockets.filter { $0.process == "etcd" && $0.state == "LISTEN" }.map {
        "\($0.localAddress.map { "\($0)" } ?? "*"):\($0.localPort)"
      }
      return Finding(
        id: id, severity: .error, confidence: .certain, subject: context.subject(service, node: node.name),
        problem: "the API server of \(node.name) cannot reach etcd: nothing listens on \(address):\(port)",
        cause:
          "kube-apiserver is started with \(printable(flag)), and etcd listens on \(places.joined(separator: ", "))",
        evidence: [
          context.intent.evidence(manifest!.file, printable(flag)),
          node.snapshot.evidence(sockets.filter { $0.process == "etcd" && $0.state == "LISTEN" }, absent: "no etcd"),
        ],
        fix: [
          .advice(
            "correct --etcd-servers in /etc/kubernetes/manifests/kube-apiserver.yaml, or --listen-client-urls in etcd.yaml"
          )
        ] + whenKubectlFails,
        verify: ["curl -k https://127.0.0.1:6443/readyz/etcd"])
    }
    return nil
  }

  /// kube-proxy mends its own rules. Behind their translation it has done its part, and it does not undo the
  /// filters of other programs.
  private static func fix(_ group: FaultGroup, _ context: CheckContext) -> [Fix] {
    guard let loss = group.first.reach.losses.first else { return [group.node.restartKubeProxy] }
    if loss.reason != nil {
      // No rule: the kernel gives it up, and another check tells how to mend that.
      return [.advice("see where it is lost: \(group.first.frontend.traceCommand(from: group.first.source))")]
    }
    guard let step = loss.step else { return [group.node.restartKubeProxy] }
    let ruleset = group.node.snapshot.ruleset
    if loss.translatedTo == nil, ruleset.isKubeProxys(step.chain) { return [group.node.restartKubeProxy] }
    return Remedy(at: step, group.node.snapshot, context.intent).fixes(
      for: group.observations.flatMap { observation in
        observation.reach.losses.filter { $0.step == step }.map { loss in
          let target = loss.translatedTo ?? EndpointAddress(observation.frontend.address, observation.frontend.port)
          return Remedy.Passage(
            ipProtocol: observation.frontend.ipProtocol, source: observation.source, destination: target.address,
            port: target.port)
        }
      })
  }

  private static func finding(
    _ service: Service, _ context: CheckContext, _ node: NodeContext?, _ problem: String, _ cause: String,
    _ evidence: [Finding.Evidence], fix: [Fix]? = nil, occurrences: [Finding.Occurrence] = [],
    confidence: Finding.Confidence = .certain
  ) -> Finding {
    Finding(
      id: id, severity: .error, confidence: confidence, subject: context.subject(service, node: node?.name),
      problem: problem, cause: cause, evidence: evidence,
      fix: fix ?? [
        node?.restartKubeProxy ?? .advice("start it on the control plane: crictl ps -a --name kube-apiserver")
      ],
      verify: ["curl -k https://\(service.clusterIPs.first.map { "\($0)" } ?? "10.96.0.1"):443/livez"],
      occurrences: occurrences)
  }
}
