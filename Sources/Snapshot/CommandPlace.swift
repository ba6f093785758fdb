import Input

/// Where the command of a prompt ran: on the node of the prompt, on one that the command names (`ssh node-b …`), or in a
/// network namespace of its own (`ip netns exec …`, `kubectl exec web-0 -- …`), whose addresses, routes and rules are not the
/// node's.
struct CommandPlace {
  /// The node that the command names; nil: it names none.
  private(set) var host: String?
  private(set) var isOtherNamespace = false

  init(_ command: String) {
    let words = command.split(separator: " ").map(String.init)
    guard let first = words.firstIndex(where: { $0 != "sudo" && !$0.hasPrefix("-") }) else { return }
    let arguments = Array(words[(first + 1)...])
    switch words[first].split(separator: "/").last ?? "" {
    case "ssh": host = Self.sshHost(arguments)
    case "docker", "podman", "nerdctl": host = Self.containerHost(arguments)
    case "kubectl", "oc", "k", "k3s", "microk8s": readKubectl(arguments)
    case "ip": isOtherNamespace = Self.isNamespaceOfIP(arguments)
    case "nsenter": isOtherNamespace = Self.isNamespaceOfNsenter(arguments)
    default: break
    }
    // `ssh node-b ip netns exec …`
    if !isOtherNamespace {
      isOtherNamespace = arguments.indices.contains { at in
        arguments[at] == "ip" && Self.isNamespaceOfIP(Array(arguments[(at + 1)...]))
          || arguments[at] == "nsenter" && Self.isNamespaceOfNsenter(Array(arguments[(at + 1)...]))
      }
    }
  }

  private static let sshOptionsWithValue: Set<String> = [
    "-i", "-p", "-l", "-o", "-F", "-J", "-b", "-c", "-E", "-L", "-R",
  ]

  private static func sshHost(_ arguments: [String]) -> String? {
    var at = 0
    while at < arguments.count, arguments[at].hasPrefix("-") {
      at += sshOptionsWithValue.contains(arguments[at]) ? 2 : 1
    }
    guard at < arguments.count else { return nil }
    return name(arguments[at].split(separator: "@").last.map(String.init) ?? "")
  }

  /// Nodes of kind and k3d are containers that are named.
  private static func containerHost(_ arguments: [String]) -> String? {
    guard let exec = arguments.firstIndex(of: "exec"),
      let container = arguments[(exec + 1)...].first(where: { !$0.hasPrefix("-") }), !container.hasPrefix("k8s_"),
      !container.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 || $0 >= 97 && $0 <= 102 })
    else { return nil }
    return name(container)
  }

  private static func name(_ text: String) -> String? {
    let isName =
      text.utf8.count >= 2 && text.utf8.count <= 253
      && text.utf8.allSatisfy {
        $0 >= 48 && $0 <= 57 || $0 | 0x20 >= 97 && $0 | 0x20 <= 122 || $0 == UInt8(ascii: "-")
          || $0 == UInt8(ascii: ".")
      }
    return isName && text.utf8.contains { $0 | 0x20 >= 97 && $0 | 0x20 <= 122 } ? text : nil
  }

  private mutating func readKubectl(_ arguments: [String]) {
    guard let verb = arguments.firstIndex(where: { ["exec", "debug", "run", "node-shell"].contains($0) }) else {
      return
    }
    let rest = arguments[(verb + 1)...]
    let target = rest.prefix { $0 != "--" }
    if let node = target.first(where: { $0.hasPrefix("node/") || $0.hasPrefix("nodes/") }) {
      host = node.split(separator: "/").last.flatMap { Self.name(String($0)) }
      return
    }
    if arguments[verb] == "node-shell" {
      host = target.first { !$0.hasPrefix("-") }.flatMap(Self.name)
      return
    }
    // A container may step out of its namespace, and some never were in one.
    let isOnNode =
      rest.contains("chroot") || rest.contains("nsenter")
      || rest.contains { word in Self.hostNetworkPods.contains { word.contains($0) } }
    isOtherNamespace = !isOnNode
  }

  /// Parts of the names of Pods that share their node's network.
  private static let hostNetworkPods = [
    "kube-proxy", "calico-node", "canal", "cilium", "flannel", "kindnet", "weave", "antrea-agent", "kube-router", "ovn",
    "sdn", "aws-node", "azure-cni", "multus", "speaker", "node-exporter", "nodelocaldns", "node-local-dns",
    "kube-apiserver",
    "kube-controller", "kube-scheduler", "etcd", "konnectivity", "debug", "shell", "hostNetwork", "hostnetwork",
    "host-network",
  ]

  /// `ip netns exec NAME …`, `ip -n NAME …`, `ip -netns NAME …`
  private static func isNamespaceOfIP(_ arguments: [String]) -> Bool {
    if arguments.first == "netns" { return arguments.dropFirst().first == "exec" }
    return arguments.prefix { $0.hasPrefix("-") }.contains { $0 == "-n" || $0 == "-net" || $0 == "-netns" }
  }

  /// `nsenter -t PID -n …`, `nsenter --net=/run/netns/NAME …`; the node's own is that of process 1.
  private static func isNamespaceOfNsenter(_ arguments: [String]) -> Bool {
    var process: String?
    var entersNetwork = false
    for (at, word) in arguments.enumerated() {
      guard word.hasPrefix("-") else {
        // The value of -t stands alone; anything else is the command.
        if at > 0, ["-t", "--target"].contains(arguments[at - 1]) { continue }
        break
      }
      if word == "-t" || word == "--target" {
        process = arguments.dropFirst(at + 1).first
      } else if word.hasPrefix("--target=") {
        process = String(word.dropFirst(9))
      } else if word.hasPrefix("--net=") || word.hasPrefix("-n/") {
        return !word.hasSuffix("/proc/1/ns/net")
      } else if word.hasPrefix("-t"), word.utf8.count > 2 {
        process = String(word.dropFirst(2))
      } else if word == "--net" || word == "--all" {
        entersNetwork = true
      } else if !word.hasPrefix("--"), word.contains("n") || word.contains("a") {
        entersNetwork = true
      }
    }
    return entersNetwork && process != nil && process != "1"
  }
}
