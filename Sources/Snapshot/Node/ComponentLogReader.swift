import Input

/// Logs of the kubelet, kube-proxy, CoreDNS, etcd and the container runtime: klog's lines (`E1130 09:00:00.1 12 x.go:1] …`),
/// CoreDNS' (`[ERROR] plugin/errors: …`), logfmt and JSON ones, each also behind a time stamp of journald or of kubectl.
/// Lines that tell of no known trouble are passed over: a log is mostly that.
enum ComponentLogReader {
  private static let signs: [(trouble: LogComplaint.Trouble, all: [StaticString], any: [StaticString])] = [
    (.dnsConfiguration, ["Corefile"], ["Error during parsing", "Unknown directive"]),
    (.etcdSpace, [], ["database space exceeded", "NOSPACE"]),
    (.etcdLeader, [], ["etcdserver: no leader", "lost leader", "has no leader"]),
    (.dnsLoop, ["plugin/loop"], ["Loop", "Forwarding loop"]),
    (
      .dnsUpstream, ["plugin/errors"],
      [
        "i/o timeout", "connection refused", "no route to host", "server misbehaving", "SERVFAIL", "REFUSED",
        "unreachable",
      ]
    ),
    (.dnsUpstream, ["plugin/forward"], ["no healthy", "unreachable"]),
    (
      .dnsAPI, ["plugin/kubernetes"],
      [
        "Failed to watch", "connection failure", "Unhandled Error", "i/o timeout", "forbidden", "Unauthorized",
        "no route to host",
      ]
    ),
    (.certificate, ["x509"], ["expired", "unknown authority", "is valid for", "not yet valid"]),
    (.certificate, ["certificate"], ["has expired", "part of the existing bootstrap client certificate"]),
    (
      .networkPlugin, [],
      [
        "cni plugin not initialized", "cni config uninitialized", "NetworkPluginNotReady",
        "no networks found in /etc/cni/net.d", "failed to find plugin",
      ]
    ),
    (
      .runtime, [],
      [
        "PLEG is not healthy", "container runtime is down", "container runtime not ready",
        "failed to get sandbox image", "RuntimeReady=false", "containerd.sock: connect",
      ]
    ),
    (
      .kubeletStart, [],
      [
        "running with swap on is not supported", "failed to load kubelet config", "failed to run Kubelet",
        "misconfiguration: kubelet cgroup driver", "Failed to run kubelet", "failed to validate kubelet flags",
      ]
    ),
    (.eviction, ["eviction_manager"], ["must evict", "attempting to reclaim", "pods ranked"]),
    (
      .proxySync, [],
      [
        "Failed to execute iptables-restore", "iptables-restore failed", "Failed to ensure", "nft failed",
        "nftables sync failed", "Failed to list existing sets", "failed to run nft",
        "Can't use the IPVS proxier", "Failed to list *v1.EndpointSlice", "can't set sysctl",
      ]
    ),
    (
      .etcd, [],
      [
        "failed to connect to etcd", "etcdserver: request timed out", "error while dialing: dial tcp 127.0.0.1:2379",
        "etcd client connection", "grpc: addrConn.createTransport failed to connect",
      ]
    ),
    (.portInUse, [], ["bind: address already in use"]),
    (
      .apiUnreachable, [],
      [
        "connection to the server", "Unable to register node with API server", "failed to ensure lease exists",
        "Error updating node status", "Failed to watch", "failed to list",
      ]
    ),
  ]

  static let maximumText = 600
  /// So many lines at a log's end are of now.
  private static let recent = 100

  static func read(_ section: DumpSection, command: String?, into snapshot: inout Snapshot) {
    let named = component(command ?? section.file.name)
    let known = snapshot.files.complaints.count
    var last = 0
    for line in section.lines {
      last = line.number
      guard let trouble = trouble(line.text) else { continue }
      let own = component(of: line.text) ?? named ?? ""
      let place = FilePlace(file: snapshot.fileIndex(section.file), line: line.number)
      let text = line.text.trimmed[0..<maximumText].string
      if let at = snapshot.files.complaints.firstIndex(where: { $0.trouble == trouble && $0.component == own }) {
        snapshot.files.complaints[at].count += 1
        snapshot.files.complaints[at].text = text
        snapshot.files.complaints[at].place = place
      } else {
        var complaint = LogComplaint(trouble)
        (complaint.component, complaint.text, complaint.place) = (own, text, place)
        snapshot.files.complaints.append(complaint)
      }
    }
    for at in known..<snapshot.files.complaints.count {
      snapshot.files.complaints[at].isRecent = last - snapshot.files.complaints[at].place.line < recent
    }
  }

  private static func trouble(_ text: ByteText) -> LogComplaint.Trouble? {
    signs.first { sign in
      sign.all.allSatisfy { text.contains($0) } && sign.any.contains { text.contains($0) }
    }?.trouble
  }

  private static let components = [
    "kubelet", "kube-proxy", "coredns", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd",
    "containerd",
  ]

  /// By the name of a file or a command.
  static func component(_ name: String) -> String? {
    let file = name.split(separator: "/").last.map { $0.lowercased() } ?? ""
    return components.first { file.contains($0) }
  }

  /// By what journald writes before a line: `Nov 30 09:00:00 node-a kubelet[927]: …`; CoreDNS names its plugins.
  private static func component(of text: ByteText) -> String? {
    if text.contains("plugin/") || text.contains("Corefile:") { return "coredns" }
    var words = Words(text)
    for _ in 0..<5 {
      guard let word = words.next() else { return nil }
      guard word.last == UInt8(ascii: ":"), let (name, _) = word.split(at: UInt8(ascii: "[")) else { continue }
      return components.first { name.bytes.elementsEqual($0.utf8) }
    }
    return nil
  }

  /// Whether a line has the form of a component's log.
  static func isLine(_ line: ByteText) -> Bool {
    if line.hasPrefix("[INFO] ") || line.hasPrefix("[ERROR] ") || line.hasPrefix("[WARNING] ")
      || line.hasPrefix("[FATAL] ")
    {
      return true
    }
    if isKlog(line) { return true }
    // CoreDNS, before it has a logger.
    if line.hasPrefix("/etc/coredns/Corefile:") || line.hasPrefix("Corefile:") { return true }
    if line.hasPrefix("time=\""), line.contains(" level=") { return true }
    if line.hasPrefix("{\"level\":"), line.contains("\"ts\":") { return true }
    // `Nov 30 09:00:00 node-a kubelet[927]: …`, and kubectl's or the runtime's `2026-11-30T09:00:00.1Z stderr F E1130 …`
    var words = Words(line)
    guard let first = words.next() else { return false }
    if first.count >= 20, first.bytes[4] == UInt8(ascii: "-"), first.bytes[10] == UInt8(ascii: "T"),
      let second = words.next()
    {
      let rest =
        second == "stderr" || second == "stdout"
        ? line.dropFirst(first.count + second.count + 4) : line.dropFirst(first.count + 1)
      return isKlog(rest) || rest.hasPrefix("[")
    }
    guard first.count == 3, words.next()?.int != nil, let time = words.next(), time.count >= 8,
      time.bytes[2] == UInt8(ascii: ":"), words.next() != nil, let program = words.next()
    else { return false }
    let name = program.split(at: UInt8(ascii: "["))?.before ?? program
    return components.contains { name.bytes.elementsEqual($0.utf8) }
  }

  /// `E1130 09:00:00.000000   12345 server.go:123] …`
  private static func isKlog(_ line: ByteText) -> Bool {
    guard line.count > 14, let first = line.first, "IWEF".utf8.contains(first), line.bytes[5] == 0x20,
      line.bytes[8] == UInt8(ascii: ":")
    else { return false }
    return line[1..<5].int != nil
  }
}

extension ComponentLogReader {
  static let descriptor = DumpDescriptor(
    .componentLog, commands: ["journalctl -u kubelet", "kubectl -n kube-system logs ds/kube-proxy"],
    collected: [
      .init("kubelet.log", "journalctl", "--unit", "kubelet", "--lines", "5000", "--no-pager"),
      .init("containerd.log", "journalctl", "--unit", "containerd", "--lines", "2000", "--no-pager"),
    ],
    read: { read($0.section, command: $0.command, into: &$1) }, recognises: { isLine($0.text) })
}
