import Findings
import Intent

extension PodFault {
  /// `Pod shop/web-0 on node-a: Pending, ImagePullBackOff: …`
  static func evidence(_ pod: Pod, _ intent: Cluster) -> Finding.Evidence {
    let state = pod.isTerminating ? "being deleted" : pod.reason.isEmpty ? "not ready" : Explanation.quoted(pod.reason)
    return intent.evidence(pod, " on \(pod.node.isEmpty ? "no node" : pod.node): \(pod.phase), \(state)")
  }

  func explanation(_ pod: Pod, _ objects: ObjectIndex, _ intent: Cluster) -> Explanation {
    let name = pod.name
    let place: ShellCommand = "kubectl -n \(pod.namespace)"
    var result = Explanation(
      cause: "", evidence: [Self.evidence(pod, intent)], fix: [],
      verify: ["\(place) wait --for=condition=Ready pod/\(name) --timeout=60s"])
    if let event { result.evidence.append(intent.evidence(event)) }
    let quoted = Explanation.quoted(words)
    let told = quoted.isEmpty ? "" : " (\(quoted))"
    let maker = objects.maker(of: pod, intent)
    let owner = maker.map { "\($0.kind.lowercased())/\($0.name)" } ?? "pod/\(pod.name)"
    switch kind {
    case .nodeDown:
      let node = objects.nodes[pod.node].map { intent.nodes[$0] }
      result.cause =
        node.map { $0.ready } ?? true
        ? "node \(pod.node) does not report what becomes of the Pod\(told) ← its kubelet is stopped, or the machine is down"
        : "node \(pod.node) is NotReady (\(Explanation.quoted(node?.reason ?? "")))"
      result.fix = [.look("kubectl describe node \(pod.node)")]
    case .evicted:
      result.cause = "Evicted: \(quoted.isEmpty ? "the node was low on a resource" : quoted)"
      result.fix = eviction(pod, place)
    case .image:
      let fault = ImageFault.of(words, container?.waiting ?? "")
      let image = container?.image ?? ""
      let said = quoted.isEmpty ? image.isEmpty ? "" : ": image \(image)" : ": \(quoted)"
      result.cause = "\(container?.waiting ?? "ErrImagePull")\(said)\(fault == .unknown ? "" : " ← \(fault.cause)")"
      if let secret = Self.event(objects.events(of: pod, intent), "FailedToRetrieveImagePullSecret") {
        result.cause += " ← a pull secret that the Pod names cannot be read (\(Explanation.quoted(secret.message)))"
        result.evidence.append(intent.evidence(secret))
      }
      result.fix = fault.fix(
        pod, container,
        image: words.components("image \"", "\"").first ?? words.components("https://", "/").first.map { "\($0)/" }
          ?? image, maker)
    case .configuration: configuration(&result, pod, place, quoted)
    case .crash: crash(&result, pod, place, owner)
    case .mount: mount(&result, pod, place, quoted)
    case .addresses:
      result.cause = "the Pod gets no address: \(quoted)"
      result.fix = [
        .look("ls /var/lib/cni/networks/*", why: "on \(pod.node): entries of Pods that are gone may be deleted")
      ]
    case .networkPlugin:
      result.cause = "the network plugin does not set up the Pod: \(quoted)"
      result.fix = NetworkPlugin.commands(pod.node)
    case .sandbox:
      result.cause = "the container runtime does not make the Pod's sandbox: \(quoted)"
      result.fix = [.look("journalctl -u containerd -u kubelet --since -10min", why: "on \(pod.node)")]
    case .volume:
      result.cause = "not placed: \(quoted)"
      result.fix = [.look("\(place) get pvc")]
    case .unscheduled: unscheduled(&result, pod, place, quoted)
    case .notScheduledYet:
      let scheduler = pod.trouble?.scheduler ?? ""
      result.cause =
        scheduler.isEmpty
        ? "no scheduler has looked at the Pod ← kube-scheduler does not run, or does not lead"
        : "no scheduler “\(scheduler)”, which the Pod asks for, has looked at it"
      result.fix =
        scheduler.isEmpty
        ? [.look("kubectl -n kube-system get pods -l component=kube-scheduler")]
        : [.advice("start the scheduler \(scheduler), or take spec.schedulerName out of the template of \(owner)")]
      result.confidence = .likely
    case .notReady: notReady(&result, pod, place)
    case .gate:
      result.cause = "its readiness gate \(quoted) is closed ← whoever sets that condition has not done so"
      result.fix = [.look("\(place) describe pod \(name)", why: "the controller of \(quoted)")]
    case .initialising:
      result.cause =
        "its init container \(container?.name ?? "?") still runs ← it waits for something, or does not come to an end"
      result.fix = [.look("\(place) logs \(name)\(ofContainer)")]
    case .starting:
      result.cause =
        "\(pod.reason.isEmpty ? "ContainerCreating" : Explanation.quoted(pod.reason)): its containers are being made"
      result.fix = [.look("\(place) describe pod \(name)")]
      result.confidence = .likely
    case .terminating:
      result.cause = "the Pod is being deleted"
      result.fix = [.look("\(place) get \(owner)")]
    case .failed:
      result.cause = "the Pod has failed\(told)"
      result.fix = [.command("\(place) delete pod \(name)", why: "a controller makes a new one")]
    case .unknown:
      result.cause = pod.reason.isEmpty ? "the Pod is not ready" : Explanation.quoted(pod.reason)
      result.fix = [.look("\(place) describe pod \(name)")]
    }
    return result
  }

  private func eviction(_ pod: Pod, _ place: ShellCommand) -> [Fix] {
    let resource =
      words.contains("memory")
      ? "memory" : words.contains("pid") ? "process ids" : words.contains("inodes") ? "inodes" : "disk"
    let look: Fix =
      switch resource {
      case "memory": .look("free -m; kubectl top pods -A --sort-by=memory", why: "what uses \(pod.node)'s memory")
      case "process ids": .look("ps -eLf | wc -l", why: "on \(pod.node)")
      default:
        .look(
          "df -h /var/lib/kubelet /var/lib/containerd; crictl rmi --prune",
          why: "on \(pod.node): free \(resource), logs and unused images first")
      }
    return [
      look,
      .advice(
        "give the containers requests and limits of what they used (the message names it), so that they are placed where there is room"
      ),
      .command("\(place) delete pod \(pod.name)", why: "what is left of it"),
    ]
  }

  private func configuration(_ result: inout Explanation, _ pod: Pod, _ place: ShellCommand, _ quoted: String) {
    let waiting = container?.waiting ?? "CreateContainerConfigError"
    result.cause = "\(waiting): \(quoted.isEmpty ? "the container cannot be made" : quoted)"
    if let kind = ["configmap", "secret"].first(where: { words.lowercased().contains($0) }) {
      // `secret "db" not found`, or `couldn't find key x in Secret shop/db`.
      let name = Self.between(words, "\"", "\"") ?? words.split(separator: "/").last.map(String.init) ?? "NAME"
      let isKey = words.contains("find key") || words.contains("references non-existent")
      result.cause +=
        " ← the Pod refers to a \(kind == "secret" ? "Secret" : "ConfigMap")\(isKey ? "'s key" : "") that does not exist in its namespace"
      let create = kind == "secret" ? "create secret generic" : "create configmap"
      result.fix =
        isKey
        ? [
          .look(
            "\(place) get \(kind) \(name) -o yaml",
            why: "the key that the container's env or volume asks for is missing there")
        ]
        : [
          .look("\(place) get \(kind) \(name)", why: "is it in another namespace, or misspelt?"),
          .advice(
            "make it: \(place) \(create) \(name) --from-literal=KEY=VALUE, or correct the reference in the Pod's template"
          ),
        ]
    } else if words.contains("runAsNonRoot") {
      result.cause += " ← the image's user is root, which securityContext.runAsNonRoot forbids"
      result.fix = [
        .advice("set securityContext.runAsUser to the image's user in the Pod's template, or build the image with USER")
      ]
    } else if words.contains("executable file not found") || words.contains("no such file or directory") {
      result.cause += " ← the command is not in the image"
      result.fix = [.advice("correct command and args of container \(container?.name ?? "?") in the Pod's template")]
    } else {
      result.fix = [.look("\(place) describe pod \(pod.name)")]
    }
  }

  private static func between(_ text: String, _ open: Character, _ close: Character) -> String? {
    guard let start = text.firstIndex(of: open) else { return nil }
    let rest = text[text.index(after: start)...]
    return rest.firstIndex(of: close).map { String(rest[..<$0]) }
  }

  private func crash(_ result: inout Explanation, _ pod: Pod, _ place: ShellCommand, _ owner: String) {
    let name = pod.name
    let end = container?.lastEnd
    let which = (container?.isInit ?? false) ? "init container" : "container"
    let times = container.map { $0.restarts > 0 ? " (\($0.restarts) restarts)" : "" } ?? ""
    let logs = Fix.look("\(place) logs \(name)\(ofContainer) --previous", why: "its last words")
    let isProbe = event != nil && end?.reason != "OOMKilled"
    let code = end.map { ", exit code \($0.exitCode)" } ?? ""
    let waits = container?.waiting.isEmpty == false ? container!.waiting : "it ended"
    let head = "\(waits): \(which) \(container?.name ?? "?") ends again and again\(times)\(code)"
    result.fix = [logs]
    if let end, end.reason == "OOMKilled" {
      let limit = container?.memoryLimit ?? ""
      result.cause =
        "OOMKilled: \(which) \(container!.name) is killed\(times)\(code) ← it uses more memory than its limit\(limit.isEmpty ? "" : " of \(limit)")"
      let limits: ShellCommand = "\(place) set resources \(owner)\(ofContainer) --limits=memory=SIZE"
      result.fix = [
        .advice(
          "give it more: \(limits), more than\(limit.isEmpty ? " now" : " \(limit)"); or find the leak"
        ),
        logs,
      ]
      return
    }
    if isProbe {
      let kind: HealthProbe.Kind = event!.message.contains("tartup") ? .startup : .liveness
      let probe = container?.probe(kind)
      let label = kind == .startup ? "startup" : "liveness"
      result.cause =
        "\(head) ← the kubelet kills it, because it fails its \(label) probe\(probe.map { " (\($0.text))" } ?? "")"
      result.fix = [
        .look(
          "\(place) edit \(owner)",
          why:
            "\(label)Probe: path and port that the program answers at, initialDelaySeconds and timeoutSeconds long enough for it"
        ),
        logs,
      ]
      return
    }
    let message = end.map { Explanation.quoted($0.message) } ?? ""
    result.cause = "\(head) ← \(Self.meaning(end))\(message.isEmpty ? "" : " (\(message))")"
    if let end, end.exitCode == 0 {
      result.fix = [
        .advice("correct the command of container \(container!.name): a Pod behind a Service must go on running"), logs,
      ]
    } else if let end, end.exitCode == 126 || end.exitCode == 127 || end.exitCode == 128 {
      result.fix = [
        .advice("correct command and args of container \(container!.name) in the template of \(owner)"), logs,
      ]
    }
  }

  /// What an exit code tells.
  static func meaning(_ end: ContainerTrouble.End?) -> String {
    guard let end else { return "its program does not stay alive" }
    switch end.exitCode {
    case 0: return "its program comes to its end, as if its work were done"
    case 126: return "its command cannot be executed"
    case 127: return "its command is not found in the image"
    case 128 where end.reason == "StartError" || end.reason == "ContainerCannotRun":
      return "its command cannot be started"
    case 134: return "its program aborts itself (SIGABRT)"
    case 137: return "it was killed (SIGKILL): by a failed probe, by the node's memory running out, or by hand"
    case 139:
      return "its program crashes (SIGSEGV, segmentation fault): a fault of the program or of a library it loads"
    case 143: return "it was asked to end (SIGTERM)"
    case 129...165: return "its program was ended by signal \(end.exitCode - 128)"
    default: return "its program ends with an error of its own; its log says which"
    }
  }

  private func mount(_ result: inout Explanation, _ pod: Pod, _ place: ShellCommand, _ quoted: String) {
    result.cause = "\(event?.reason ?? "FailedMount"): \(quoted)"
    let name = Self.between(words, "\"", "\"") ?? ""
    if words.contains("configmap") || words.contains("secret"), words.contains("not found") {
      let kind = words.contains("configmap") ? "ConfigMap" : "Secret"
      let missing = words.components("\(kind.lowercased()) \"", "\"").first
      result.cause += " ← the \(kind) of a volume does not exist"
      result.fix = [
        .look(
          "\(place) get \(kind.lowercased()) \(missing ?? "NAME")",
          why: "make it, or correct the volume in the Pod's template")
      ]
    } else if words.contains("Multi-Attach") || words.contains("already exclusively attached")
      || words.contains("already used by")
    {
      result.cause += " ← another node still holds the volume"
      result.fix = [
        .look("kubectl get volumeattachments", why: "delete the Pod that holds it, or wait until its node lets go")
      ]
    } else if ["mount.nfs", "timed out", "Connection refused", "no route"].contains(where: { words.contains($0) }) {
      result.cause += " ← \(pod.node) does not reach the storage"
      result.fix = [
        .look(
          "\(place) describe pod \(pod.name); kubectl describe pv \(name.isEmpty ? "NAME" : name)",
          why: "server and path of the volume"),
        .advice("from \(pod.node), try the volume's server (NFS: showmount -e SERVER, port 2049) and its firewall"),
      ]
    } else {
      result.fix = [.look("\(place) describe pod \(pod.name)"), .look("kubectl get pv,volumeattachments")]
    }
  }

  /// A table of Pods does not tell its name.
  private var ofContainer: ShellCommand {
    guard let name = container?.name, !name.isEmpty else { return "" }
    return " -c \(name)"
  }

  private func unscheduled(_ result: inout Explanation, _ pod: Pod, _ place: ShellCommand, _ quoted: String) {
    let trouble = pod.trouble ?? PodTrouble()
    result.verify = ["\(place) get pod \(pod.name) -o wide"]
    if trouble.isGated {
      result.cause = "not placed: a scheduling gate keeps it back\(quoted.isEmpty ? "" : " (\(quoted))")"
      result.fix = [
        .look(
          "\(place) get pod \(pod.name) -o jsonpath='{.spec.schedulingGates}'",
          why: "who set the gate must take it away")
      ]
      return
    }
    if words.isEmpty {
      result.cause = "it is not placed on a node"
      result.fix = [.look("\(place) describe pod \(pod.name)", why: "FailedScheduling among its Events tells why")]
      result.confidence = .likely
      return
    }
    var why: [String] = []
    if words.contains("Insufficient ") {
      let what = ["cpu", "memory", "ephemeral-storage", "pods", "nvidia.com/gpu"].filter {
        words.contains("Insufficient \($0)")
      }
      why.append(
        "the nodes have not enough \(what.isEmpty ? "of what it requests" : what.joined(separator: ", ")) left")
      result.fix.append(
        .look(
          "kubectl describe nodes | grep -A8 'Allocated resources'",
          why: "lower the requests, scale something else down, or add a node"))
    }
    if words.contains("Too many pods") {
      why.append("the nodes run as many Pods as they may")
      result.fix.append(.advice("add a node, or raise maxPods of the kubelets"))
    }
    let taints = words.components("untolerated taint {", "}").compactMap {
      $0.split(separator: ":").first.map(String.init)
    }
    for taint in Set(taints).sorted() {
      why.append("a taint, \(taint), that it does not tolerate")
      if taint.hasPrefix("node.kubernetes.io/") {
        result.fix.append(
          .look("kubectl describe nodes | grep -A3 Taints", why: "\(taint) goes when the node is well again"))
      } else {
        result.fix.append(
          .advice(
            "kubectl taint nodes NODE \(String(taint.prefix { $0 != "=" }))-, or a toleration in the Pod's template"))
      }
    }
    if words.contains("node affinity/selector") || words.contains("didn't match node selector")
      || words.contains("match Pod's node affinity")
    {
      why.append("its nodeSelector or node affinity fits no other node")
      result.fix.append(
        .look(
          "kubectl get nodes --show-labels",
          why: "label a node, or correct nodeSelector and affinity in the Pod's template"))
    }
    if words.contains("pod affinity") || words.contains("pod anti-affinity") || words.contains("topology spread") {
      why.append("its affinity to other Pods, or the spread it asks for, leaves no node")
      result.fix.append(
        .look(
          "\(place) get pod \(pod.name) -o yaml",
          why: "affinity and topologySpreadConstraints: preferred instead of required"))
    }
    if words.contains("free ports") {
      why.append("its hostPort is taken on the nodes")
      result.fix.append(.advice("another hostPort, or fewer replicas than nodes"))
    }
    if words.contains("unschedulable") {
      why.append("nodes are cordoned")
      result.fix.append(.advice("let Pods on them again: kubectl uncordon NODE"))
    }
    result.cause = "not placed (Unschedulable: \(quoted))" + (why.isEmpty ? "" : " ← " + why.joined(separator: "; "))
    if result.fix.isEmpty { result.fix = [.look("\(place) describe pod \(pod.name)")] }
  }

  private func notReady(_ result: inout Explanation, _ pod: Pod, _ place: ShellCommand) {
    let isStartup = event?.message.hasPrefix("Startup") ?? false
    let probe = container?.probe(isStartup ? .startup : .readiness)
    let label = isStartup ? "startup" : "readiness"
    let said = Explanation.quoted(words)
    result.cause =
      "\(container.map { "container \($0.name)" } ?? "it") does not pass its \(label) probe\(probe.map { " (\($0.text))" } ?? "")\(said.isEmpty ? "" : ": \(said)")"
    let declared = pod.ports.map { $0.port }
    if let probe, let number = UInt16(probe.port), !declared.isEmpty, !declared.contains(number) {
      result.cause +=
        " ← the probe asks port \(number), the containers declare \(declared.map { "\($0)" }.joined(separator: ", "))"
    } else if words.contains("connection refused") {
      result.cause += " ← nothing listens where the probe asks, or not yet"
    } else if words.contains("statuscode: 5") || words.contains("statuscode: 4") {
      result.cause += " ← the program answers, and says that it is not ready"
    } else if words.contains("deadline exceeded") || words.contains("Timeout") || words.contains("timed out") {
      result.cause += " ← the program does not answer in time"
    }
    result.fix = [
      .look("\(place) logs \(pod.name)\(ofContainer)", why: "its log"),
      .look("\(place) describe pod \(pod.name)", why: "\(label)Probe: port, path and timeoutSeconds"),
    ]
  }
}

extension String {
  /// What stands between each pair of marks; ten at most.
  func components(_ open: String, _ close: Character) -> [String] {
    var found: [String] = []
    var rest = self[...]
    while found.count < 10, let start = rest.firstRange(of: open),
      let end = rest[start.upperBound...].firstIndex(of: close)
    {
      found.append(String(rest[start.upperBound..<end]))
      rest = rest[end...]
    }
    return found
  }
}
