import Input

/// The cluster's objects, which the Intent reader reads.
enum ObjectDumps {
  static let descriptor = DumpDescriptor(
    .objects, role: .objects, commands: ["kubectl get services,endpointslices,pods,nodes -A -o json"],
    collected: [.init("kubelet-config.yaml", "cat", "/var/lib/kubelet/config.yaml")],
    json: { $0.contains("\"apiVersion\"") || $0.contains("\"kind\"") && $0.contains("\"metadata\"") },
    read: { add($0, to: &$1) },
    recognises: { line in
      switch line.first {
      case "apiVersion:": true
      case "kind:": line.text.count < 80
      case "-": line.second == "apiVersion:" || isFlow(line.text.dropFirst(1).trimmed)
      default: isFlow(line.text)
      }
    })

  /// What `kubectl get` and `kubectl describe` print for people.
  static let textDescriptor = DumpDescriptor(
    .objectText, role: .objects,
    commands: [
      "kubectl get services -A -o wide", "kubectl describe service", "kubectl get pods -A -o wide",
      "kubectl get events -A", "kubectl get deployments,replicasets,statefulsets,daemonsets -A -o wide",
    ],
    read: { add($0, to: &$1) },
    recognises: { line in
      // A table's head is in capitals, and the columns that tell something of the network are known.
      if line.first == "NAME" || line.first == "NAMESPACE" && line.second == "NAME" {
        return columns.contains { line.text.contains($0) }
      }
      if line.first == "LAST" && line.second == "SEEN" || line.first == "NAMESPACE" && line.second == "LAST" {
        return line.text.contains("REASON") && line.text.contains("OBJECT")
      }
      // The first line of a description; others begin so, too, and ipset's has its own form.
      return line.text.hasPrefix("Name:  ") && line.rest.peek == nil && line.second.count <= 253
    })

  private static let columns: [StaticString] = [
    "CLUSTER-IP", "ENDPOINTS", "READY", "STATUS", "DESIRED", "PROVISIONER", "CONTROLLER", "HOSTS",
  ]

  /// `{kind: Pod, metadata: {name: a}}`: YAML, as people write it on one line.
  private static func isFlow(_ text: ByteText) -> Bool {
    guard text.first == UInt8(ascii: "{") || text.hasPrefix("[{") else { return false }
    let inner = text.dropFirst(text.hasPrefix("[{") ? 2 : 1).trimmed
    return (inner.hasPrefix("kind:") || inner.hasPrefix("apiVersion:")) && text.contains("kind: ")
  }

  private static func add(_ dump: RecognisedDump, to snapshot: inout Snapshot) {
    snapshot.objectFiles.append(
      SourceFile(
        name: dump.section.file.name, partOf: dump.section.file, range: dump.section.range,
        firstLine: dump.section.firstLine))
  }
}
