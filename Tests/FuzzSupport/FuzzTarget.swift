import CaptureAnalysis
import CaptureFile
import Diagnosis
import Input
import Intent
import PacketPath
import Snapshot
import Wire

/// What reads bytes that somebody handed over. The fuzzer and the tests go over `all`: a dump format is a target by being one,
/// the rest stand here, and `FuzzTargetTests` finds a reader that is in neither.
public struct FuzzTarget: Sendable {
  public let name: String
  /// The files of `Sources` whose readers it runs, without `.swift`.
  public let readers: [String]
  /// Small inputs to begin with.
  public let seeds: [String]
  /// Bytes that it takes for any input: tables that are made before the first byte is read.
  public let allowance: Int
  public let run: @Sendable (SourceFile) -> Void

  init(
    _ name: String, readers: [String], seeds: [String] = [], allowance: Int = 24 << 20,
    run: @escaping @Sendable (SourceFile) -> Void
  ) {
    self.allowance = allowance
    self.name = name
    self.readers = readers
    self.seeds = seeds
    self.run = run
  }

  public static let all: [FuzzTarget] =
    DumpFormat.allCases.map(dump) + [load, objects, resolver, archive, json, capture, flows, expectations, trial]

  // MARK: Dumps

  /// A format's own reader, and the walk through what it made of it.
  private static func dump(_ format: DumpFormat) -> FuzzTarget {
    FuzzTarget(
      format.rawValue, readers: [format.descriptor.reader], seeds: FormatSamples.text(of: format).map { [$0] } ?? []
    ) { file in
      var snapshot = Snapshot(name: "fuzz")
      format.descriptor.read(file, into: &snapshot)
      _ = ObjectReader.read(snapshot.objectFiles)
      snapshot.ruleset.finish()
      walk(snapshot)
    }
  }

  /// The whole way of a text out of a ticket: mended, divided, recognised.
  private static let load = FuzzTarget(
    "load", readers: ["SnapshotLoader"],
    seeds: DumpFormat.allCases.compactMap { format in
      FormatSamples.text(of: format).map { "root@node:~# \(format.descriptor.commands[0])\n\($0)\n" }
    }
  ) { file in
    walk(SnapshotLoader.load([file], name: "fuzz"))
  }

  private static func walk(_ snapshot: Snapshot) {
    let flow = Flow(
      ipProtocol: .tcp, source: IPAddress(v4: 0x0AF4_0107), sourcePort: 40000, destination: IPAddress(v4: 0x0A60_000A),
      destinationPort: 80, from: "eth0")
    _ = PathTracer(snapshot).trace(flow)
  }

  // MARK: Objects

  /// One object of each kind that is read, as JSON, and all of them as YAML.
  private static let objects = FuzzTarget(
    "kinds", readers: ["ObjectReader", "YAMLToJSON", "JSONElements"],
    seeds: ObjectReader.kinds.map { kind in
      """
      {"apiVersion": "v1", "kind": "\(kind)", "metadata": {"name": "a", "namespace": "b", "labels": {"app": "a"},
       "annotations": {"x": "y"}, "ownerReferences": [{"kind": "ReplicaSet", "name": "a", "controller": true}]},
       "spec": {"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9", "fd00::9"], "type": "NodePort", "replicas": 1,
        "selector": {"matchLabels": {"app": "a"}, "app": "a"}, "podSelector": {"matchExpressions": [{"key": "a",
        "operator": "In", "values": ["b"]}]}, "ports": [{"name": "p", "port": 80, "targetPort": "http", "nodePort": 30080}],
        "policyTypes": ["Ingress"], "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
        "ports": [{"port": 80, "endPort": 90, "protocol": "TCP"}]}], "cidrs": ["10.96.0.0/12"], "podCIDR": "10.244.1.0/24",
        "addresses": ["192.0.2.1-192.0.2.9"], "priority": 10, "subject": {"namespaces": {}}, "rules": [{"host": "h"}],
        "nodeName": "n", "containers": [{"name": "c", "args": ["-f"], "ports": [{"name": "http", "containerPort": 80}],
        "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5}}]},
       "status": {"podIP": "10.244.1.2", "conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": "192.0.2.10"}]},
       "addressType": "IPv4", "endpoints": [{"addresses": ["10.244.1.2"], "conditions": {"ready": true}, "nodeName": "n",
        "hints": {"forZones": [{"name": "z"}], "forNodes": [{"name": "n"}]}}], "ports": [{"port": 80, "protocol": "TCP"}],
       "subsets": [{"addresses": [{"ip": "10.244.1.2"}], "ports": [{"port": 80}]}],
       "data": {"Corefile": ".:53 { forward . /etc/resolv.conf }"}, "reason": "BackOff", "message": "m", "count": 3}
      """
    } + [
      "apiVersion: v1\nkind: List\nitems:\n- {kind: Node, metadata: {name: n}}\n- &a\n  kind: Pod\n  metadata: {name: p}\n- *a\n"
    ]
  ) { file in
    _ = ObjectReader.read([file])
  }

  /// A Corefile, which stands in a ConfigMap.
  private static let resolver = FuzzTarget(
    "corefile", readers: [],
    seeds: [
      ".:53 {\n    errors\n    kubernetes cluster.local in-addr.arpa {\n       pods insecure\n    }\n    forward . /etc/resolv.conf\n    cache 30\n}\n"
    ]
  ) { file in
    var text = Array(
      #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"coredns","namespace":"kube-system"},"data":{"Corefile":""#
        .utf8)
    for byte in file.bytes {
      // Bytes become characters, so that any input is a string of JSON.
      let digits = String(byte, radix: 16)
      text += Array("\\u\(String(repeating: "0", count: 4 - digits.utf8.count))\(digits)".utf8)
    }
    text += Array("\"}}".utf8)
    _ = ObjectReader.read([SourceFile(name: file.name, contents: text)])
  }

  // MARK: Containers and captures

  /// So much may an input of the fuzzer unpack to.
  private static let unpacked = 8 << 20

  private static let archive = FuzzTarget("archive", readers: ["Archive"]) { file in
    _ = try? Archive.members(of: file, budget: Archive.Budget(bytes: unpacked, members: 1000))
  }

  private static let json = FuzzTarget(
    "json", readers: ["JSONDocument", "JSONValidator"],
    seeds: [#"{"a": [1, -2.5e3, "x\u00e9\n", true, null, {}], "b": {"c": []}}"#]
  ) { file in
    _ = JSONValidator.extent(in: file.bytes, from: 0, end: file.bytes.count)
    _ = try? JSONDocument(file)
  }

  private static let capture = FuzzTarget("capture", readers: ["CaptureReader"], allowance: 256 << 20) { file in
    guard var reader = try? CaptureReader.open(stream: MemoryStream(Array(file.bytes)), name: file.name) else { return }
    var options = CaptureOptions()
    options.maximumConversations = 64
    var analyzer = CaptureAnalyzer(options: options)
    CaptureSession.read(&reader, nil, &analyzer, nil)
    let summary = CaptureSession.summary(reader)
    let findings = analyzer.finish(captures: [summary])
    _ = analyzer.report(captures: [summary], findings: findings, top: 5)
  }

  // MARK: What is asked

  private static let flows = FuzzTarget(
    "flows", readers: ["FlowReader"],
    seeds: [
      #"{"id": "f1", "protocol": "tcp", "source": "192.0.2.2", "sourcePort": 41000, "destination": "10.96.0.10", "destinationPort": 80, "from": "eth0"}"#
        + "\n"
        + #"{"protocol": "icmp", "source": "fd00::1", "destination": "fd00::2", "icmpType": 8, "mark": 1, "tcpFlags": "syn", "uid": 0}"#
    ]
  ) { file in
    var reader = FlowReader(file)
    var diagnostics = Diagnostics()
    while reader.next(&diagnostics) != nil {}
  }

  private static let expectations = FuzzTarget(
    "expectations", readers: ["AssertionReader", "YAMLNode"],
    seeds: [
      "expectations:\n- from: {pod: shop/web}\n  to: svc/shop/cart:80\n  result: served\n- from: outside\n  to: 192.0.2.1:30080/udp\n  result: [dropped, refused]\n"
    ]
  ) { file in
    var diagnostics = Diagnostics()
    _ = AssertionReader.read(file, &diagnostics)
  }

  /// `--try`: the commands of a shell.
  private static let trial = FuzzTarget(
    "trial", readers: [],
    seeds: [
      "iptables -t nat -I PREROUTING 1 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1:80; iptables -P FORWARD ACCEPT",
      "nft add rule ip filter FORWARD tcp dport 80 accept && nft delete chain ip filter X",
      "sysctl -w net.ipv4.ip_forward=1",
      "ip route add 10.0.0.0/8 via 192.0.2.1 dev eth0 table 5", "ip rule add fwmark 1 lookup 5",
      "ipset add hosts 10.0.0.1",
      "ip addr add 10.0.0.1/24 dev eth0", "bridge link set dev veth1 isolated off", "conntrack -D -p udp --dport 53",
      "kubectl -n a patch svc b -p '{\"spec\":{}}'", "ip link set eth0 mtu 1450",
    ]
  ) { file in
    var trial = Trial(node)
    try? trial.apply(String(decoding: file.bytes, as: UTF8.self))
  }

  private static let node = SnapshotLoader.load(
    [
      SourceFile(
        name: "node",
        text: """
          *filter
          :INPUT ACCEPT [0:0]
          :FORWARD DROP [0:0]
          :OUTPUT ACCEPT [0:0]
          :X - [0:0]
          -A FORWARD -j X
          COMMIT
          *nat
          :PREROUTING ACCEPT [0:0]
          COMMIT
          1: lo: <LOOPBACK,UP> mtu 65536
              inet 127.0.0.1/8 scope host lo
          2: eth0: <UP> mtu 1500
              inet 192.0.2.10/24 scope global eth0
          """)
    ], name: "node")
}
