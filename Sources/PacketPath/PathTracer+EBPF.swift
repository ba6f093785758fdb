import Snapshot
import Wire

// Services that Cilium's eBPF programs translate: at the client's socket, or where the packet comes in, in both cases
// before netfilter. The rules are walked with the packet that the programs make of it.
extension PathTracer {
  /// The frontend of the snapshot's `ebpfFrontends` that takes a flow; nil: none does.
  func ebpfFrontend(of flow: Flow) -> Int? {
    guard let table = model.ebpf, flow.ipProtocol.hasPorts else { return nil }
    let isOwn = model.routing.isLocal(flow.destination)
    return table.find(
      flow.destination, flow.destinationPort, flow.ipProtocol, isOwnAddress: isOwn, fromInside: isInside(flow))
  }

  /// Whether Cilium takes the client for one of the cluster: the node itself, or a Pod behind one of its devices.
  private func isInside(_ flow: Flow) -> Bool {
    flow.isLocal || ["lxc", "cilium_"].contains { flow.from.hasPrefix($0) }
  }

  /// By the device of a default route.
  private func comesFromOutside(_ flow: Flow) -> Bool {
    (model.snapshot.routes ?? []).contains { route in
      route.destination.length == 0 && route.destination.address.version == flow.version
        && route.nextHops.contains { $0.interface == flow.from }
    }
  }

  /// One walk for each backend, all equally likely.
  func traceBehindEBPF(_ flow: Flow, _ position: Int) -> Trace {
    let frontend = model.snapshot.ebpfFrontends![position]
    // Taken on the devices that face outside; how a Pod's device is called elsewhere is not known.
    if frontend.kind == "ClusterIP", frontend.flags.contains("non-routable"), comesFromOutside(flow) {
      var trace = ended(
        flow, position, .drop, "Cilium serves ClusterIPs inside the cluster only (bpf.lbExternalClusterIP is off)")
      trace.outcomes[0].reason = .ebpf(.clusterIPFromOutside)
      return trace
    }
    if let port = frontend.proxyPort {
      return ended(
        flow, position, .deliver,
        "Cilium hands the connection to its proxy on port \(port), which chooses the backend")
    }
    let backends = frontend.usable.filter { $0.address.version == flow.version }
    guard !backends.isEmpty else {
      var trace = ended(
        flow, position, .reject,
        "Cilium answers for a Service without backends (service-no-backend-response reject, the default since 1.15)")
      trace.outcomes[0].rejectWith = flow.version == .v4 ? "icmp-port-unreachable" : "icmp6-port-unreachable"
      trace.outcomes[0].reason = .ebpf(.noActiveBackend)
      return trace
    }
    var outcomes: [Outcome] = []
    var worlds = Worlds()
    var truncated = 0
    for backend in backends {
      var translated = flow
      translated.destination = backend.address
      translated.destinationPort = backend.port
      var trace = walk(translated)
      for index in trace.outcomes.indices {
        trace.outcomes[index].probability /= Double(backends.count)
        trace.outcomes[index].balancer = .ebpf(position, backend: frontend.backends.firstIndex(of: backend))
        trace.outcomes[index].assume(Self.hostRouting, model)
        if !flow.isLocal, frontend.kind != "ClusterIP", !frontend.flags.contains("Local") {
          trace.outcomes[index].assume(Self.keepsSource, model)
        }
      }
      worlds.append(trace, chance: 1 / Double(backends.count), behind: outcomes)
      outcomes += trace.outcomes
      truncated += trace.truncated
    }
    // Behind the walks: they may have read on, and the model grown.
    var result = Trace(model, flow: flow, outcomes: outcomes)
    result.truncated = truncated
    if !worlds.isEmpty { result.together = worlds }
    return result
  }

  private static let hostRouting =
    "Cilium hands the translated packet to the kernel's own routing (with eBPF host routing it passes no rule)"
  private static let keepsSource =
    "Cilium keeps the client's address (mode dsr; snat, the default, uses the node's for backends elsewhere)"

  /// An end that eBPF programs decide, before any rule.
  private func ended(_ flow: Flow, _ position: Int, _ verdict: Outcome.Verdict, _ assumption: String) -> Trace {
    var outcome = Outcome(
      verdict: verdict, probability: 1, assumed: Assumptions(assumption, model), source: flow.source,
      sourcePort: flow.sourcePort,
      destination: flow.destination, destinationPort: flow.destinationPort, mark: flow.mark ?? 0,
      steps: StepPath([], leaf: -1, count: 0))
    outcome.balancer = .ebpf(position, backend: nil)
    return Trace(model, flow: flow, outcomes: [outcome])
  }
}
