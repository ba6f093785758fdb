import Glibc

/// Whether time and memory grow as the input does: inputs of one shape in several sizes, each read by a process of its own.
///
///     kubepath-bench --growth [PART OF A NAME]
///
/// A line an input: processor seconds by size, by how much the last step multiplied them (its input grew fourfold), and the
/// peak of memory in times of the largest input, above what the program takes for an empty one.
struct Growth {
  static let sizes = [1_000, 2_000, 5_000, 10_000, 40_000]

  let kubepath: String
  let folder: String

  func run(_ wanted: String) {
    let small = Measurement.run([kubepath, "trace", "192.0.2.10:80", "-i", "eth0", "-s", empty()])?.peakMegabytes ?? 0
    print(pad("CPU seconds", 36) + Self.sizes.map { leftPad("\($0)", 9) }.joined() + "   growth   memory")
    for input in GrowthInput.all where wanted.isEmpty || input.name.contains(wanted) {
      var seconds: [Double] = []
      var times = 0.0
      for size in Self.sizes {
        let path = "\(folder)/growth"
        _ = Measurement.run(["rm", "-rf", path])
        let bytes = input.write(size, path)
        guard let result = Measurement.run([kubepath] + input.command + ["-s", path]), result.status < 64 else {
          print("\(input.name): \(size): failed")
          break
        }
        seconds.append(result.processorSeconds)
        times = max(0, result.peakMegabytes - small) * 1_048_576 / Double(max(bytes, 1))
      }
      guard seconds.count == Self.sizes.count else { continue }
      print(
        pad(input.name, 36) + seconds.map { leftPad(decimal($0, 2), 9) }.joined()
          + leftPad(decimal(seconds[4] / max(seconds[3], 0.01), 1), 9) + leftPad(decimal(times, 1), 9))
      fflush(nil)
    }
    _ = Measurement.run(["rm", "-rf", "\(folder)/growth"])
  }

  private func empty() -> String {
    let path = "\(folder)/empty.txt"
    let out = FileWriter(path)
    out.put("*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n")
    out.close()
    return path
  }
}

/// An input of some shape, in any size.
struct GrowthInput: Sendable {
  let name: String
  /// What is asked of it.
  let command: [String]
  /// Writes it and tells its size in bytes.
  let write: @Sendable (Int, _ path: String) -> Int

  private init(_ name: String, _ command: [String], write: @escaping @Sendable (Int, String) -> Int) {
    self.name = name
    self.command = command
    self.write = write
  }

  private static let trace = ["trace", "10.96.0.1:80", "--from", "10.244.0.9", "-i", "eth0"]

  /// One file: what stands before, a piece for each number, what stands behind.
  private static func text(
    _ name: String, _ command: [String] = trace, before: String = "", after: String = "",
    _ piece: @escaping @Sendable (Int) -> String
  ) -> GrowthInput {
    GrowthInput(name, command) { count, path in
      let out = FileWriter(path)
      out.put(before)
      for number in 0..<count { out.put(piece(number)) }
      out.put(after)
      out.close()
      return size(path)
    }
  }

  /// Objects beside the rules of a node, read for the names that a trace prints.
  private static func objects(
    _ name: String, before: String = "", _ piece: @escaping @Sendable (Int) -> String
  ) -> GrowthInput {
    GrowthInput(name, trace) { count, path in
      mkdir(path, 0o755)
      let rules = FileWriter("\(path)/iptables-save")
      rules.put(filter + "COMMIT\n")
      rules.close()
      let out = FileWriter("\(path)/objects")
      out.put(before)
      for number in 0..<count { out.put(piece(number)) }
      out.close()
      return size("\(path)/objects")
    }
  }

  private static func size(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  private static func address(_ number: Int, _ first: Int = 10) -> String {
    "\(first).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
  }

  static let all: [GrowthInput] = nodes + cluster + formats

  // MARK: Whole nodes

  private static let nodes: [GrowthInput] = [
    services("services, 10 endpoints each, rules", ["services"], endpoints: 10, withFacts: false),
    services("services, 10 endpoints each, a node", ["services"], endpoints: 10, withFacts: true),
    services("trace, 10 endpoints each, rules", trace, endpoints: 10, withFacts: false),
    GrowthInput("check, rules and objects", ["check"]) { count, path in
      mkdir(path, 0o755)
      let rules = ServiceRules(services: count, endpoints: 2)
      rules.write(to: "\(path)/iptables-save.txt")
      ServiceObjects(rules: rules).write(to: "\(path)/objects.json")
      ServiceObjects.writeFacts(to: path)
      return size("\(path)/iptables-save.txt") + size("\(path)/objects.json")
    },
    archive("folders of an archive", trace, "notes.txt", "nothing\n"),
    archive("nodes of an archive", ["check"], "iptables-save", "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n"),
  ]

  /// A folder each with one file, and beside them a node's routes where these are of one node.
  private static func archive(_ name: String, _ command: [String], _ file: String, _ text: String) -> GrowthInput {
    GrowthInput(name, command) { count, path in
      let tree = "\(path).d"
      mkdir(tree, 0o755)
      for number in 0..<count {
        mkdir("\(tree)/d\(number)", 0o755)
        let out = FileWriter("\(tree)/d\(number)/\(file)")
        out.put(text)
        out.close()
      }
      if command[0] == "trace" {
        let out = FileWriter("\(tree)/ip-route.txt")
        out.put("default via 192.0.2.1 dev eth0\n")
        out.close()
      }
      _ = Measurement.run(["tar", "-cf", path, "-C", tree, "."])
      _ = Measurement.run(["rm", "-rf", tree])
      return size(path)
    }
  }

  private static func services(_ name: String, _ command: [String], endpoints: Int, withFacts: Bool) -> GrowthInput {
    GrowthInput(name, command) { count, path in
      let rules = ServiceRules(services: count, endpoints: endpoints)
      guard withFacts else {
        rules.write(to: path)
        return size(path)
      }
      mkdir(path, 0o755)
      rules.write(to: "\(path)/iptables-save.txt")
      ServiceObjects.writeFacts(to: path)
      return size("\(path)/iptables-save.txt")
    }
  }

  // MARK: The cluster's objects

  private static func pod(_ number: Int, labels: String) -> String {
    #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p\#(number)","namespace":"n","labels":{\#(labels)}},"#
      + #""spec":{"nodeName":"node","containers":[{"name":"c","ports":[{"containerPort":80}]}]},"#
      + #""status":{"phase":"Running","podIP":"\#(address(number, 11))","conditions":[{"type":"Ready","status":"True"}]}},"#
      + "\n"
  }

  private static func service(_ number: Int, selector: String) -> String {
    #"{"apiVersion":"v1","kind":"Service","metadata":{"name":"s\#(number)","namespace":"n"},"spec":{"clusterIP":"#
      + #""\#(address(number, 12))","selector":{\#(selector)},"ports":[{"port":80,"protocol":"TCP"}]}},"# + "\n"
  }

  private static func policy(_ number: Int, selector: String) -> String {
    #"{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"y\#(number)","namespace":"n"},"#
      + #""spec":{"podSelector":{"matchLabels":{\#(selector)}},"policyTypes":["Ingress"],"ingress":[{"from":["#
      + #"{"podSelector":{"matchLabels":{"app":"x"}}}]}]}},"# + "\n"
  }

  private static let listEnd = #"{"apiVersion":"v1","kind":"Node","metadata":{"name":"node"}}]}"# + "\n"
  private static func list(_ name: String, _ piece: @escaping @Sendable (Int) -> String) -> GrowthInput {
    text(
      name, ["check"], before: #"{"apiVersion":"v1","kind":"List","items":["# + "\n", after: listEnd, piece)
  }

  private static let cluster: [GrowthInput] = [
    list("Pods x Services, a label each") {
      pod($0, labels: #""app":"a\#($0)""#) + service($0, selector: #""app":"a\#($0)""#)
    },
    list("Pods x Services, a label of all") {
      pod($0, labels: #""tier":"t","app":"a\#($0)""#) + service($0, selector: #""tier":"t","app":"a\#($0)""#)
    },
    list("Pods x Services that select none") {
      pod($0, labels: #""tier":"t""#) + service($0, selector: #""tier":"t","app":"none\#($0)""#)
    },
    list("Pods x policies") { pod($0, labels: #""app":"a\#($0)""#) + policy($0, selector: #""app":"a\#($0)""#) },
    objects(
      "keys of a YAML mapping", before: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
    ) { "  key\($0): \"\($0)\"\n" },
    objects("YAML documents") {
      "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: s\($0)\n  namespace: n\nspec:\n  clusterIP: \(address($0, 12))\n  ports:\n  - port: 80\n"
    },
    objects(
      "rows of kubectl get", before: "NAMESPACE   NAME   TYPE   CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\n"
    ) { "n   s\($0)   ClusterIP   \(address($0, 12))   <none>   80/TCP   3d\n" },
  ]

  // MARK: One dump of each format

  private static let filter = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
  private static func chain(_ rule: String, _ number: Int) -> String {
    "table ip t\(number) {\n\tchain c {\n\t\ttype filter hook forward priority 0; policy accept;\n\t\t\(rule)\n\t}\n}\n"
  }

  private static let formats: [GrowthInput] = [
    text("rules of iptables-save", before: filter, after: "COMMIT\n") {
      "-A FORWARD -s \(address($0))/32 -p tcp -m tcp --dport 80 -j DROP\n"
    },
    text("unmodelled matches", before: filter, after: "COMMIT\n") { "-A FORWARD -m ndpi --proto p\($0) -j DROP\n" },
    text("unknown sets", before: filter, after: "COMMIT\n") { "-A FORWARD -m set --match-set s\($0) src -j DROP\n" },
    text("chains of iptables -S", before: "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n") {
      "-N C\($0)\n-A C\($0) -j DROP\n"
    },
    text("chains of iptables -L") {
      "Chain C\($0) (1 references)\n pkts bytes target prot opt in out source destination\n 0 0 DROP all -- * * 0.0.0.0/0 \(address($0))\n\n"
    },
    text("tables of nft") { chain("ip saddr \(address($0)) drop", $0) },
    text(
      "rules of nft", before: "table ip t {\n\tchain c {\n\t\ttype filter hook forward priority 0; policy accept;\n",
      after: "\t}\n}\n"
    ) { "\t\tip saddr \(address($0)) tcp dport 80 drop\n" },
    text(
      "elements of an nft set",
      before: "table ip t {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { 192.0.2.1", after: " }\n\t}\n}\n"
    ) { ",\n\t\t\t     \(address($0))" },
    text(
      "rules of nft -j",
      before:
        #"{"nftables":[{"table":{"family":"ip","name":"t"}},{"chain":{"family":"ip","table":"t","name":"c","type":"filter","hook":"forward","prio":0,"policy":"accept"}}"#,
      after: "]}\n"
    ) {
      #",{"rule":{"family":"ip","table":"t","chain":"c","expr":[{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":"\#(address($0))"}},{"drop":null}]}}"#
    },
    text("ip addr") { "\($0 + 2): v\($0): <UP> mtu 1500\n    inet \(address($0))/32 scope global v\($0)\n" },
    text("ip -br addr") { "v\($0)             UP             \(address($0))/32\n" },
    text("ifconfig") { "v\($0): flags=4163<UP>  mtu 1500\n        inet \(address($0))  netmask 255.255.255.255\n\n" },
    text("ip route") { "\(address($0)) dev v\($0) scope link\n" },
    text(
      "route -n",
      before: "Kernel IP routing table\nDestination Gateway Genmask Flags Metric Ref Use Iface\n"
    ) { "\(address($0)) 0.0.0.0 255.255.255.255 UH 0 0 0 v\($0)\n" },
    text("ip rule") { "\($0 + 1):\tfrom \(address($0)) lookup \($0 + 1000)\n" },
    text("ip neigh") { "\(address($0)) dev v\($0) lladdr 02:00:00:00:00:01 REACHABLE\n" },
    text("arp -n", before: "Address HWtype HWaddress Flags Mask Iface\n") {
      "\(address($0)) ether 02:00:00:00:00:01 C v\($0)\n"
    },
    text("bridge fdb") { "02:00:\(hex($0 >> 8)):\(hex($0)):00:01 dev vxlan dst \(address($0)) self permanent\n" },
    text("brctl show", before: "bridge name\tbridge id\tSTP enabled\tinterfaces\nbr0\t8000.1\tno\tv\n") {
      "\t\t\tveth\($0)\n"
    },
    text("wg show", before: "interface: wg0\n  listening port: 51820\n\n") {
      "peer: K\($0)=\n  endpoint: 192.0.2.2:51820\n  allowed ips: \(address($0))/32\n\n"
    },
    text("sysctl") { "net.ipv4.conf.v\($0).rp_filter = 0\n" },
    text("ipset save", before: "create s hash:ip family inet hashsize 1024 maxelem 65536\n") {
      "add s \(address($0))\n"
    },
    text("sets of ipset") { "create s\($0) hash:ip family inet hashsize 1024 maxelem 65536\nadd s\($0) 192.0.2.1\n" },
    text("conntrack -L") {
      "tcp 6 118 ESTABLISHED src=\(address($0)) dst=192.0.2.4 sport=1 dport=2 src=192.0.2.4 dst=\(address($0)) sport=2 dport=1 [ASSURED] mark=0 use=1\n"
    },
    text("conntrack -S") { "cpu=\($0) found=1 insert_failed=2 drop=0\n" },
    text("ss", before: "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n") {
      "tcp LISTEN 0 128 \(address($0)):80 0.0.0.0:* users:((\"p\($0)\",pid=\($0),fd=3))\n"
    },
    text("lsof -i", before: "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n") {
      "p\($0) \($0) root 3u IPv4 \($0) 0t0 TCP \(address($0)):80 (LISTEN)\n"
    },
    text("dmesg") { "[    \($0).100000] nf_conntrack: something happened \($0)\n" },
    text("ipvsadm -Sn") { "-A -t \(address($0)):80 -s rr\n-a -t \(address($0)):80 -r 192.0.2.1:80 -m -w 1\n" },
    text("real servers of ipvsadm", before: "-A -t 10.96.0.1:80 -s rr\n") {
      "-a -t 10.96.0.1:80 -r \(address($0, 11)):80 -m -w 1\n"
    },
    text(
      "ipvsadm -Lnc",
      before: "IPVS connection entries\npro expire state       source             virtual            destination\n"
    ) { "TCP 14:59  ESTABLISHED \(address($0)):4000 10.96.0.9:80 192.0.2.1:80\n" },
    text("cilium service list", before: "ID   Frontend            Service Type   Backend\n") {
      "\($0 + 1)    \(address($0)):80/TCP    ClusterIP      1 => 192.0.2.1:80/TCP (active)\n"
    },
    text("kubelet's log") { "E1130 09:00:00.123456   12 kubelet.go:2345] \"something failed\" number=\"\($0)\"\n" },
    text("resolv.conf", before: "nameserver 10.96.0.10\n") { "nameserver \(address($0))\n" },
    text("quoted text", before: "> *filter\n") { "> :C\($0) - [0:0]\n" },
    text("lines of nothing") { "some words that are nothing \($0)\n" },
  ]

  private static func hex(_ number: Int) -> String {
    let digits = String(number & 255, radix: 16)
    return digits.utf8.count == 1 ? "0\(digits)" : digits
  }
}
