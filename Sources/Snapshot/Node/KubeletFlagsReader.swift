import Input

/// kubeadm-flags.env and the like: `KUBELET_KUBEADM_ARGS="--cluster-dns=10.96.0.10 --node-ip=…"`.
public enum KubeletFlagsReader: DumpReader {
  static let maximumFlags = 200

  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    for line in section.lines {
      let text = line.text.trimmed
      guard text.first != UInt8(ascii: "#"), let (_, value) = text.split(at: UInt8(ascii: "=")) else { continue }
      snapshot.files.kubeletFlagsPlace = FilePlace(file: snapshot.fileIndex(section.file), line: line.number)
      for word in Words(value) {
        var flag = word
        while let first = flag.first, first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
          flag = flag.dropFirst(1)
        }
        while let last = flag.last, last == UInt8(ascii: "\"") || last == UInt8(ascii: "'") { flag = flag.dropLast(1) }
        guard flag.hasPrefix("--"), snapshot.files.kubeletFlags.count < maximumFlags else { continue }
        let (name, setting) = flag.dropFirst(2).split(at: UInt8(ascii: "=")) ?? (flag.dropFirst(2), flag[0..<0])
        // What may be secret is not kept.
        if name.contains("token") || name.contains("password") { continue }
        snapshot.files.kubeletFlags[name.string] = setting.string
      }
    }
  }
}

extension KubeletFlagsReader {
  static let descriptor = DumpDescriptor(
    .kubeletFlags, commands: ["cat /var/lib/kubelet/kubeadm-flags.env"],
    collected: [.init("kubeadm-flags.env", "cat", "/var/lib/kubelet/kubeadm-flags.env")],
    read: { read($0.section, into: &$1) },
    recognises: { $0.first.hasPrefix("KUBELET_") && $0.first.contains("=") })
}
