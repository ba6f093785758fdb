import Findings
import Intent
import PacketPath
import ServiceMap
import Snapshot
import Wire

/// How each node answers at each NodePort: who reaches it, whether endpoints see the client, whether the load
/// balancer's probe gets through, and what else may take the port.
public enum NodePorts {
  public static func answers(_ context: CheckContext) -> [NodePortAnswer] {
    let names = NameResolver(context.intent)
    return context.nodes.flatMap { node -> [NodePortAnswer] in
      let wanted = context.intent.services.filter { service in
        service.isProxied && service.ports.contains { $0.nodePort != 0 }
      }
      guard !wanted.isEmpty else { return [] }
      let survey = Survey(node, context.intent, names, indexed: wanted.count > 20)
      return wanted.flatMap { service in
        service.ports.filter { $0.nodePort != 0 }.flatMap { survey.answers(service, $0) }
      }
    }
  }

  /// One node's part.
  private struct Survey {
    let node: NodeContext
    let probe: Probe
    let judge: Judge
    let ephemeral: EphemeralPorts?
    let pods: [IPVersion: IPAddress]

    init(_ node: NodeContext, _ intent: Cluster, _ names: NameResolver, indexed: Bool) {
      self.node = node
      probe = Probe(NodeModel(node.snapshot, indexed: indexed))
      judge = Judge(probe.tracer, AnswerFacts(node.snapshot, names: names))
      ephemeral = EphemeralPorts(node.snapshot)
      var pods: [IPVersion: IPAddress] = [:]
      for pod in intent.pods where pod.node == node.name && !pod.hostNetwork {
        for address in pod.addresses where pods[address.version] == nil { pods[address.version] = address }
      }
      self.pods = pods
    }

    func answers(_ service: Service, _ port: Service.Port) -> [NodePortAnswer] {
      [IPVersion.v4, .v6].compactMap { version in
        guard service.clusterIPs.contains(where: { $0.version == version }),
          let address = node.node?.internalIPs.first(where: { $0.version == version })
        else { return nil }
        return answer(service, port, address)
      }
    }

    private func answer(_ service: Service, _ port: Service.Port, _ address: IPAddress) -> NodePortAnswer {
      let frontend = Frontend(.nodePort, address, port.nodePort, port.ipProtocol)
      let client = ServiceMap.outsideAddress(address.version, node.snapshot)
      let trace = probe.trace(frontend, source: client, from: nil)
      let outside = probe.reach(trace)
      let loopback = IPAddress(address.version == .v4 ? "127.0.0.1" : "::1")!
      let local = Frontend(.nodePort, loopback, port.nodePort, port.ipProtocol)
      var answer = NodePortAnswer(
        node: node.name, service: service.portName(port), address: address, port: port.nodePort,
        ipProtocol: port.ipProtocol, outside: judge.judge(trace).answer,
        localhost: answer(local, loopback, Flow.local))
      answer.fromNode = probe.tracer.sourceAddress(to: address).map {
        self.answer(frontend, $0, Flow.local)
      }
      answer.fromPod = pods[address.version].map { self.answer(frontend, $0, nil) }
      if outside.translated > 0 { answer.keepsClientAddress = outside.masqueraded == 0 }
      health(service, address, client, &answer)
      answer.sourceRangesKept = keepsRanges(service, address.version)
      answer.inEphemeralRange = ephemeral?.contains(port.nodePort)
      answer.heldBy = HostSockets.holder(of: port.nodePort, port.ipProtocol, node.snapshot)
      return answer
    }

    private func answer(_ frontend: Frontend, _ source: IPAddress, _ from: String?) -> Answer {
      judge.judge(probe.trace(frontend, source: source, from: from)).answer
    }

    private func health(_ service: Service, _ address: IPAddress, _ client: IPAddress, _ answer: inout NodePortAnswer) {
      guard service.healthCheckNodePort != 0 else { return }
      answer.healthCheckPort = service.healthCheckNodePort
      let reach = probe.reach(
        Frontend(.nodePort, address, service.healthCheckNodePort, .tcp), source: client, from: nil)
      answer.healthCheckAccepted = reach.untranslated > 0.5 && reach.untranslatedIsLocal
      answer.healthCheckListening = node.snapshot.sockets.map {
        !HostSockets.listeners($0, .tcp, service.healthCheckNodePort).isEmpty
      }
    }

    /// Asked with an address that none of the ranges holds.
    private func keepsRanges(_ service: Service, _ version: IPVersion) -> Bool? {
      let ranges = service.sourceRanges.filter { $0.address.version == version }
      let strangers = version == .v4 ? ["192.0.2.77", "198.51.100.77", "203.0.113.77"] : ["2001:db8::77", "3fff::77"]
      guard let target = service.loadBalancerIPs.first(where: { $0.version == version }), !ranges.isEmpty,
        let stranger = strangers.compactMap({ IPAddress($0) }).first(where: { address in
          !ranges.contains { $0.contains(address) }
        }), let port = service.ports.first
      else { return nil }
      let frontend = Frontend(.loadBalancer, target, port.port, port.ipProtocol)
      return probe.reach(frontend, source: stranger, from: nil).programmed.isEmpty
    }
  }
}
