import Glibc
import Input
import Ruleset
import Snapshot

/// Collects a node's state as the standard tools print it; what no tool printed comes from the kernel itself where
/// kubepath can print it in the same format.
public enum NodeCollector {
  public struct File {
    public var name: String
    public let contents: SourceFile
    public var bytes: UnsafeRawBufferPointer { contents.bytes }
  }

  public struct Collected {
    public var name: String
    public var files: [File] = []
    /// What could not be read, and why.
    public var notes: [String] = []
    /// Rules may stand in the kernel that no file holds.
    public var missesRules = false
  }

  /// File names and the commands that fill them, of every format that has some.
  private static let collected = DumpFormat.allCases.flatMap(\.descriptor.collected)
  static let commands = collected.filter { !isCilium($0) }
  /// Those that hold rules of a packet filter.
  private static let ruleFiles = Set(
    DumpFormat.allCases.map(\.descriptor).filter(\.holdsRules).flatMap(\.collected).map(\.file))

  static let optionalPrograms: Set = ["kubeadm", "journalctl", "wg"]

  /// Files and programs that nodes of some kinds do not have; nothing is missing then.
  static func isAbsent(_ command: [String]) -> Bool {
    switch command[0] {
    case "cat", "find": access(command[1], F_OK) != 0
    default: optionalPrograms.contains(command[0]) && Tool.find(command[0]) == nil
    }
  }

  /// Where Cilium's agent runs on the node itself. In a cluster its tool is in the agent's container only.
  static let cilium = collected.filter(isCilium)
  private static func isCilium(_ entry: DumpDescriptor.Collected) -> Bool { entry.command[0] == "cilium-dbg" }
  static let ciliumSocket = "/var/run/cilium/cilium.sock"
  static let ciliumNote =
    "cilium-service.txt: this node runs Cilium, whose tool is in the agent's container: "
    + "kubectl -n kube-system exec CILIUM-POD -- cilium-dbg service list (and: cilium-dbg bpf lb list)"

  static let objects = [
    "nodes", "services", "endpoints", "endpointslices", "pods", "networkpolicies", "configmaps --namespace kube-system",
    "events", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "persistentvolumeclaims",
    "storageclasses",
    "leases", "ingresses", "ingressclasses", "namespaces",
  ]
  /// Of programs that a cluster may not have.
  static let optionalObjects = [
    "ipaddresspools.metallb.io", "l2advertisements.metallb.io", "bgpadvertisements.metallb.io",
    "peerauthentications.security.istio.io",
  ]

  public static func collect(netns: String?, objects wanted: Bool) throws -> Collected {
    var result = Collected(name: netns.map { String($0.map { $0 == "/" ? "-" : $0 }) } ?? KernelSource.hostName())
    let snapshot = try KernelSource.read(netns: netns)
    try Namespace.within(netns) { gather(snapshot, &result) }
    if netns == nil { gatherCilium(&result) }
    if wanted { gatherObjects(&result) }
    for diagnostic in snapshot.diagnostics.list where diagnostic.severity >= .warning {
      result.notes.append("\(diagnostic)")
    }
    result.files.append(
      File(name: "manifest.json", contents: SourceFile(name: "manifest.json", text: manifest(result, netns: netns))))
    return result
  }

  /// The namespaces of all Pods, in folders `pods/NAMESPACE_NAME`. `pod`: whose an address is, as `NAMESPACE/NAME`.
  public static func collectPods(_ pod: (Snapshot) -> String?) -> (files: [File], notes: [String]) {
    var files: [File] = []
    var notes: [String] = []
    var taken: Set<String> = []
    for found in PodNamespaces.list() {
      do {
        let snapshot = try KernelSource.read(netns: found.path)
        // Only the loopback device: nothing is connected to it.
        guard (snapshot.links ?? []).contains(where: { !$0.loopback }) else { continue }
        var folder = folder(of: pod(snapshot), found.label)
        while !taken.insert(folder).inserted { folder += "-again" }
        var part = Collected(name: folder)
        try Namespace.within(found.path) { gather(snapshot, &part) }
        files += part.files.map { File(name: "pods/\(folder)/\($0.name)", contents: $0.contents) }
        notes += part.notes.map { "pods/\(folder)/\($0)" }
      } catch {
        notes.append("network namespace \(found.label): \(error)")
      }
    }
    return (files, notes)
  }

  /// `NAMESPACE_NAME`; the namespace is `unknown` where no object tells whose it is.
  private static func folder(of pod: String?, _ label: String) -> String {
    if let pod, let slash = pod.firstIndex(of: "/") {
      return safe(String(pod[..<slash])) + "_" + safe(String(pod[pod.index(after: slash)...]))
    }
    let parts = label.split(separator: "_").map(String.init)
    return parts.count == 2 ? safe(parts[0]) + "_" + safe(parts[1]) : "unknown_" + safe(label)
  }

  /// Names come from containers too: what is no letter or digit of a Kubernetes name is a dash.
  private static func safe(_ name: String) -> String {
    let letters = name.unicodeScalars.prefix(120).map { scalar -> Character in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "-": Character(scalar)
      default: "-"
      }
    }
    return letters.isEmpty ? "-" : String(letters)
  }

  private static func gather(_ snapshot: Snapshot, _ result: inout Collected) {
    for entry in commands {
      let (file, command) = (entry.file, entry.command)
      // Listing legacy tables creates them: only those that are in use are asked for.
      if command[0].contains("legacy"),
        (ProcSource.read("/proc/thread-self/net/\(command[0].hasPrefix("ip6") ? "ip6" : "ip")_tables_names") ?? "")
          .isEmpty
      {
        continue
      }
      // Machines that are no nodes have no kubelet.
      if isAbsent(command) { continue }
      do {
        var output = try Tool.run(command, seconds: command[0] == "nft" ? 300 : 60)
        if command[0] == "sysctl" { output = SettingRedaction.redacted(output) }
        result.files.append(File(name: file, contents: output))
      } catch {
        if let text = own(file, snapshot) {
          result.files.append(File(name: file, contents: SourceFile(name: file, text: text)))
          result.notes.append("\(file): \(error); written from the kernel's answer instead")
        } else {
          result.notes.append("\(file): \(error)")
          // One that is not installed printed nothing that another could not; one that failed, or that legacy tables need, did.
          if ruleFiles.contains(file), command[0].contains("legacy") || Tool.find(command[0]) != nil {
            result.missesRules = true
          }
        }
      }
    }
    if !result.files.contains(where: { ruleFiles.contains($0.name) }) { result.missesRules = true }
  }

  private static func gatherCilium(_ result: inout Collected) {
    guard Tool.find(cilium[0].command[0]) != nil else {
      if access(ciliumSocket, F_OK) == 0 { result.notes.append(ciliumNote) }
      return
    }
    for entry in cilium {
      let (file, command) = (entry.file, entry.command)
      do {
        result.files.append(File(name: file, contents: try Tool.run(command, seconds: 60)))
      } catch {
        result.notes.append("\(file): \(error)")
      }
    }
  }

  /// What kubepath itself prints in a tool's format.
  private static func own(_ file: String, _ snapshot: Snapshot) -> String? {
    switch file {
    case "nft-ruleset.txt":
      // An empty file would say that there are no rules.
      if snapshot.diagnostics.list.contains(where: { $0.file == "nf_tables" && $0.message.hasPrefix("cannot be read") })
      {
        return nil
      }
      return NftPrinter.print(snapshot.ruleset)
    case "sysctl.txt":
      return snapshot.sysctls.filter { !$0.key.hasSuffix("tcp_fastopen_key") }.sorted { $0.key < $1.key }.map {
        "\($0.key) = \($0.value)\n"
      }.joined()
    case "ip-addr.txt": return snapshot.links.map { FactPrinter.addresses($0, snapshot.addresses ?? []) }
    case "ip-route.txt": return snapshot.routes.map { FactPrinter.routes($0, .v4) }
    case "ip-6-route.txt": return snapshot.routes.map { FactPrinter.routes($0, .v6) }
    case "ip-rule.txt": return snapshot.routingRules.map { FactPrinter.rules($0, .v4) }
    case "ip-6-rule.txt": return snapshot.routingRules.map { FactPrinter.rules($0, .v6) }
    case "ip-neigh.txt":
      return snapshot.neighbours.map { list in
        list.map { "\($0.address) dev \($0.interface)\($0.mac.map { " lladdr \($0)" } ?? "") \($0.state)\n" }.joined()
      }
    case "bridge-fdb.txt":
      return snapshot.forwardingEntries.map { list in
        list.map {
          "\($0.mac) dev \($0.interface)\($0.destination.map { " dst \($0)" } ?? "")\($0.master.map { " master \($0)" } ?? "")\n"
        }.joined()
      }
    default: return nil
    }
  }

  private static func gatherObjects(_ result: inout Collected) {
    guard Tool.find("kubectl") != nil else {
      result.notes.append("kubectl is not installed: the cluster's objects are not collected")
      return
    }
    for object in objects {
      let words = object.split(separator: " ").map(String.init)
      let scope = words.count > 1 ? Array(words[1...]) : ["--all-namespaces"]
      do {
        let output = try Tool.run(["kubectl", "get", words[0]] + scope + ["-o", "json", "--request-timeout=30s"])
        guard let redacted = ObjectRedaction.redacted(output) else {
          result.notes.append("\(words[0]): kubectl printed no JSON")
          continue
        }
        result.files.append(File(name: "\(words[0]).json", contents: redacted))
      } catch {
        result.notes.append("\(words[0]): \(error)")
        // Without a cluster every question takes its whole time.
        return
      }
    }
    for object in optionalObjects {
      let command = ["kubectl", "get", object, "--all-namespaces", "-o", "json", "--request-timeout=30s"]
      guard let output = try? Tool.run(command), let redacted = ObjectRedaction.redacted(output) else { continue }
      result.files.append(File(name: "\(object).json", contents: redacted))
    }
  }

  private static func manifest(_ result: Collected, netns: String?) -> String {
    var uts = utsname()
    uname(&uts)
    let release = withUnsafeBytes(of: &uts.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    var buffer = [CChar](repeating: 0, count: 32)
    strftime(&buffer, 32, "%Y-%m-%dT%H:%M:%SZ", &parts)
    let when = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    func quote(_ text: String) -> String {
      var out = "\""
      for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": out += "\\" + String(scalar)
        case _ where scalar.value < 0x20: out += " "
        default: out.unicodeScalars.append(scalar)
        }
      }
      return out + "\""
    }
    let files = result.files.map { quote($0.name) }.joined(separator: ", ")
    let missing = result.notes.map { "    " + quote($0) }.joined(separator: ",\n")
    return """
      {
        "tool": "kubepath",
        "node": \(quote(result.name)),
        "time": \(quote(when)),
        "kernel": \(quote(release)),
        "namespace": \(netns.map(quote) ?? "null"),
        "files": [\(files)],
        "notRead": [
      \(missing)
        ]
      }

      """
  }
}
