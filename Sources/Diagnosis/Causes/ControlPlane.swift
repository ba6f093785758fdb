import Findings
import Intent

/// Programs of the control plane that the objects show to be down.
struct ControlPlane: Sendable {
  enum Component: String, CaseIterable, Sendable, Hashable {
    case apiServer = "kube-apiserver"
    case controllerManager = "kube-controller-manager"
    case scheduler = "kube-scheduler"
    case etcd = "etcd"

    /// What no longer happens without it.
    var consequence: String {
      switch self {
      case .apiServer: "nobody reads or changes the cluster"
      case .controllerManager: "no Pods are made for workloads, and EndpointSlices are not written"
      case .scheduler: "new Pods are not placed on a node"
      case .etcd: "the API server neither reads nor writes"
      }
    }
  }

  /// How it shows that one is down.
  struct Fault: Sendable {
    var component: Component
    /// Index into `Cluster.pods`.
    var pod: Int?
    var explanation: Explanation
  }

  private(set) var faults: [Component: Fault] = [:]

  /// Renewals may be this late, in seconds: clocks, and a dump that is not taken in one moment.
  private static let patience = 60

  init(_ intent: Cluster, _ objects: ObjectIndex) {
    var pods: [Component: [Int]] = [:]
    for index in objects.podsOfNamespace["kube-system"] ?? [] {
      let pod = intent.pods[Int(index)]
      guard pod.hasStatus, let component = Self.component(of: pod) else { continue }
      pods[component, default: []].append(Int(index))
    }
    for component in Component.allCases {
      let own = pods[component] ?? []
      if let first = own.first {
        guard own.allSatisfy({ !intent.pods[$0].ready }) else { continue }
        faults[component] = Self.down(component, first, objects, intent)
      } else if component != .apiServer, pods[.apiServer] != nil, pods.count > 1, component != .etcd {
        faults[component] = Self.absent(component, intent.pods[pods[.apiServer]![0]].node)
      }
    }
    let newest = intent.leases.map(\.renewed).max() ?? 0
    for component in [Component.controllerManager, .scheduler] where faults[component] == nil {
      guard let lease = intent.leases.first(where: { $0.namespace == "kube-system" && $0.name == component.rawValue }),
        lease.renewed > 0, newest - lease.renewed > Self.patience
      else { continue }
      faults[component] = Self.silent(component, lease, newest - lease.renewed, intent)
    }
  }

  static func component(of pod: Pod) -> Component? {
    guard pod.namespace == "kube-system" else { return nil }
    if let label = pod.labels.first(where: { $0.key == "component" }) { return Component(rawValue: label.value) }
    return Component.allCases.first { pod.name == $0.rawValue || pod.name.hasPrefix($0.rawValue + "-") }
  }

  private static func down(
    _ component: Component, _ index: Int, _ objects: ObjectIndex, _ intent: Cluster
  ) -> Fault {
    let pod = intent.pods[index]
    let fault = PodFault.of(pod, objects, intent)
    var explanation = fault.explanation(pod, objects, intent)
    explanation.cause = "Pod \(pod.fullName) on \(pod.node) is not ready ← \(explanation.cause)"
    // The manifest makes it; the API may be of no help.
    explanation.fix =
      commands(component, pod.node) + [
        .look("kubectl -n kube-system logs \(pod.name) --previous", why: "its last words")
      ]
    explanation.verify = ["kubectl -n kube-system get pods -l component=\(component.rawValue)"]
    return Fault(component: component, pod: index, explanation: explanation)
  }

  private static func absent(_ component: Component, _ node: String) -> Fault {
    Fault(
      component: component, pod: nil,
      explanation: Explanation(
        cause:
          "no Pod of \(component.rawValue) exists, as those of other components do ← its manifest is gone from \(node)",
        fix: [.look("ls /etc/kubernetes/manifests", why: "on \(node): \(component.rawValue).yaml belongs there")],
        verify: ["kubectl -n kube-system get pods -l component=\(component.rawValue)"], confidence: .likely))
  }

  private static func silent(_ component: Component, _ lease: Lease, _ seconds: Int, _ intent: Cluster) -> Fault {
    Fault(
      component: component, pod: nil,
      explanation: Explanation(
        cause: "nobody has led for \(seconds) seconds: Lease kube-system/\(lease.name) is not renewed",
        evidence: [
          intent.evidence(
            "Lease", lease.name, "kube-system/\(lease.name)", in: lease.file,
            ": held by \(lease.holder), renewed \(seconds) s before the newest Lease")
        ],
        fix: commands(component, String(lease.holder.split(separator: "_").first ?? "the control plane")),
        verify: ["kubectl -n kube-system get lease \(lease.name)"], confidence: .likely))
  }

  static func commands(_ component: Component, _ node: String) -> [Fix] {
    let place = node.isEmpty ? "the control plane" : node
    return [
      .look(
        "crictl ps -a --name \(component.rawValue)", why: "on \(place); then crictl logs of the newest: why it ends"),
      .look(
        "journalctl -u kubelet",
        why: "on \(place); and /etc/kubernetes/manifests/\(component.rawValue).yaml: its flags, files and certificates"),
    ]
  }
}

extension Cluster {
  func evidence(_ file: Int, _ text: String, line: Int? = nil) -> Finding.Evidence {
    Finding.Evidence(file: files.indices.contains(file) ? files[file].name : nil, line: line, text: text)
  }

  /// `text` follows the object's name; `name` is that of its metadata, `place` with its namespace.
  func evidence(_ kind: String, _ name: String, _ place: String, in file: Int, _ text: String) -> Finding.Evidence {
    evidence(file, "\(kind) \(place)\(text)", line: line(of: kind, name, in: file))
  }

  func evidence(_ pool: AddressPool) -> Finding.Evidence {
    evidence(
      "IPAddressPool", pool.name, "\(pool.namespace)/\(pool.name)", in: pool.file,
      ": \(pool.ranges.map(\.description).joined(separator: ", "))")
  }

  /// A line of the Corefile, where the file has it as a line of its own; else its ConfigMap.
  func evidence(_ corefile: Corefile, _ line: String, _ text: String) -> Finding.Evidence {
    evidence(
      corefile.file, "Corefile: \(text)",
      line: self.line(holding: line, in: corefile.file) ?? self.line(of: "ConfigMap", "coredns", in: corefile.file))
  }

  /// `text` follows the object's name.
  func evidence(_ pod: Pod, _ text: String) -> Finding.Evidence {
    let line = line(of: "Pod", pod.name, in: pod.file)
    return evidence(pod.file, "Pod \(pod.fullName)" + text, line: line)
  }

  func evidence(_ node: Node, _ text: String) -> Finding.Evidence {
    let line = line(of: "Node", node.name, in: node.file)
    return evidence(node.file, "Node \(node.name)" + text, line: line)
  }

  func evidence(_ service: Service, _ text: String) -> Finding.Evidence {
    let line = line(of: "Service", service.name, in: service.file)
    return evidence(service.file, "Service \(service.fullName)" + text, line: line)
  }

  func evidence(_ ingress: Ingress, _ text: String) -> Finding.Evidence {
    evidence("Ingress", ingress.name, ingress.fullName, in: ingress.file, text)
  }

  func evidence(_ workload: Workload, _ text: String) -> Finding.Evidence {
    let line = line(of: workload.kind.rawValue, workload.name, in: workload.file)
    return evidence(workload.file, "\(workload.kind.rawValue) \(workload.fullName)" + text, line: line)
  }

  func evidence(_ event: ClusterEvent) -> Finding.Evidence {
    let times = event.count > 1 ? " (\(event.count) times)" : ""
    let place =
      event.subject.namespace.isEmpty ? event.subject.name : "\(event.subject.namespace)/\(event.subject.name)"
    return evidence(
      event.file,
      "Event \(event.reason) of \(event.subject.kind) \(place)\(times): \(Explanation.quoted(event.message))",
      line: line(holding: event.message, in: event.file))
  }
}
