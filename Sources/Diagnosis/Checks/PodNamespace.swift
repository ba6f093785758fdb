import Findings
import Intent
import Snapshot
import Wire

/// The snapshot is of a Pod's network namespace, and that is not set up: no default route, no address, an interface that is
/// down.
enum PodNamespace: Check {
  static let id = "pod-namespace"

  /// Which Pod's namespace a snapshot shows; nil: a node's, or nobody's.
  static func pod(_ snapshot: Snapshot, _ intent: Cluster) -> Int? {
    guard isPods(snapshot) else { return nil }
    for address in snapshot.addresses ?? [] where address.interface == "eth0" {
      if let pod = intent.podOfAddress[address.address] { return pod }
    }
    return nil
  }

  /// One eth0 with its other end in another namespace, none of the devices of a node, and no rules of kube-proxy.
  static func isPods(_ snapshot: Snapshot) -> Bool {
    let links = (snapshot.links ?? []).filter { !$0.loopback && $0.name != "lo" }
    let real = links.filter {
      !["tunl0", "ip6tnl0", "sit0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0"].contains($0.name)
    }
    guard let only = real.first, real.count <= 2, only.name == "eth0", only.peerIndex != nil else { return false }
    return !snapshot.ruleset.chains.indices.contains { snapshot.ruleset.name(of: .init($0)).hasPrefix("KUBE-") }
  }

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      guard let index = node.pod else { return nil }
      return check(context.intent.pods[index], node, context)
    }
  }

  private static func check(_ pod: Pod, _ node: NodeContext, _ context: CheckContext) -> Finding? {
    guard let routes = node.snapshot.routes else { return nil }
    let version = pod.addresses.first?.version ?? .v4
    if routes.contains(where: {
      $0.destination.length == 0 && $0.destination.address.version == version && !$0.nextHops.isEmpty
    }) {
      return nil
    }
    // A gateway that is told of already, as Calico's 169.254.1.1.
    let gateway = routes.first {
      $0.destination.length == version.width && $0.destination.address.isLinkLocal
        && $0.nextHops.first?.interface == "eth0"
    }?.destination.address
    let route = gateway.map { "default via \($0) dev eth0" } ?? "default dev eth0"
    let list = routes.prefix(4).map { "\($0.destination)" }.joined(separator: ", ")
    return Finding(
      id: id, severity: .error, confidence: .certain,
      subject: Finding.Subject(kind: "Pod", namespace: pod.namespace, name: pod.name, node: pod.node),
      problem: "Pod \(pod.fullName) reaches nothing beyond its own interface: its namespace has no default route",
      cause:
        "its routing table has only \(list.isEmpty ? "nothing" : list) ← the network plugin's set-up of the Pod was broken off, or somebody removed the route",
      evidence: routes.prefix(2).map {
        .init(
          file: node.snapshot.fileName($0.file), line: $0.line > 0 ? $0.line : nil, text: "\($0.type) \($0.destination)"
        )
      },
      fix: [
        .command(
          "kubectl -n \(pod.namespace) delete pod \(pod.name)",
          why: "made anew, it gets its interface, address and routes from the network plugin"),
        .advice("or by hand, in the Pod's namespace (nsenter -t PID -n, on \(pod.node)): ip route add \(route)"),
      ],
      verify: ["kubectl -n \(pod.namespace) exec \(pod.name) -- ip route"])
  }
}
