import Foundation
import Input
import Testing

@testable import Snapshot

/// What terminals, mail programs, editors and logs do to a dump between the node and the ticket: the same rules and facts are read,
/// of every format, and nothing is warned of.
@Suite struct TransitTests {
  static let nft = """
    table ip filter {
    \tchain FORWARD {
    \t\ttype filter hook forward priority filter; policy accept;
    \t\tip saddr 10.42.0.0/16 tcp dport 6443 counter packets 1 bytes 60 jump OUT comment "a comment that makes the line break"
    \t}

    \tchain OUT {
    \t\tip daddr 192.0.2.11 tcp dport { 443, 6443, 8443 } counter packets 1 bytes 60 drop comment "and this one drops them all"
    \t}
    }
    """
  static let addresses = """
    1: lo: <LOOPBACK,UP> mtu 65536
        inet 127.0.0.1/8 scope host lo
    2: eth0: <UP> mtu 1500
        inet 192.0.2.10/24 scope global eth0
    """
  static let routes = """
    default via 192.0.2.1 dev eth0 proto dhcp src 192.0.2.10 metric 100
    10.42.0.0/24 dev cni0 proto kernel scope link src 10.42.0.1
    """
  static let texts: [(name: String, text: String)] = [
    ("iptables-save", PasteTests.nat), ("nft", nft), ("several", "\(PasteTests.nat)\n\(addresses)\n\(routes)"),
  ]

  static func eachLine(_ text: String, _ change: (Int, String) -> String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map { change($0, String($1)) }
      .joined(separator: "\n")
  }

  /// Breaks lines at blanks, and takes the blank away.
  static func wrapped(_ text: String, at width: Int) -> String {
    eachLine(text) { _, line in
      let indentation = String(line.prefix { $0 == " " || $0 == "\t" })
      var out: [String] = []
      var current = indentation
      for word in line.dropFirst(indentation.count).split(separator: " ") {
        if current.count > indentation.count, current.count + word.count + 1 > width {
          out.append(current)
          current = ""
        }
        current += (current.isEmpty || current == indentation ? "" : " ") + word
      }
      return (out + [current]).joined(separator: "\n")
    }
  }

  static func utf16(_ text: String, isLittle: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    for unit in text.utf16 {
      let (low, high) = (UInt8(unit & 255), UInt8(unit >> 8))
      bytes += isLittle ? [low, high] : [high, low]
    }
    return bytes
  }

  static let stamp = "2026-11-30T09:00:00.123456789Z"
  static let journeys: [(name: String, change: @Sendable (String) -> [UInt8])] = {
    func utf8(_ name: String, _ change: @escaping @Sendable (String) -> String) -> (
      name: String, change: @Sendable (String) -> [UInt8]
    ) { (name, { Array(change($0).utf8) }) }
    return [
      utf8("cat -n") { eachLine($0) { "\(String(repeating: " ", count: 6 - "\($0 + 1)".count))\($0 + 1)\t\($1)" } },
      utf8("numbers with colons") { eachLine($0) { "\($0 + 1): \($1)" } },
      utf8("numbers and bars") { eachLine($0) { "  \($0 + 10) | \($1)" } },
      utf8("added lines of a diff") { eachLine($0) { "+\($1)" } },
      utf8("added lines with a blank") { eachLine($0) { "+ \($1)" } },
      utf8("a list") { eachLine($0) { "* \($1)" } },
      utf8("kubectl logs --timestamps") { eachLine($0) { "\(stamp) \($1)" } },
      utf8("a runtime's log") { eachLine($0) { "\(stamp) stdout F \($1)" } },
      utf8("journald") { eachLine($0) { "Nov 30 09:00:00 node-a collect[12]: \($1)" } },
      utf8("stamps in brackets") { eachLine($0) { "[2026-11-30 09:00:00] \($1)" } },
      utf8("a clock") { eachLine($0) { "09:00:00 \($1)" } },
      utf8("colours") {
        eachLine($0) { "\u{1B}[32m\($1.replacing("-j", with: "\u{1B}[01;31m\u{1B}[K-j\u{1B}[m\u{1B}[K"))\u{1B}[0m" }
      },
      utf8("script(1)") {
        "Script started on 2026-11-30 09:00:00+00:00\r\n\u{1B}]0;root@a: ~\u{7}root@a:~# ipt\u{8}\u{8}\u{8}iptables-save\r\n"
          + $0.replacing("\n", with: "\r\n") + "\r\nroot@a:~# exit\r\n\nScript done on 2026-11-30\n"
      },
      ("UTF-16 of Windows", { [0xFF, 0xFE] + utf16($0, isLittle: true) }),
      ("UTF-16, big-endian", { [0xFE, 0xFF] + utf16($0, isLittle: false) }),
      ("UTF-16 without a mark", { utf16($0, isLittle: true) }),
      utf8("byte order mark and CRLF") { "\u{FEFF}" + $0.replacing("\n", with: "\r\n") },
      utf8("CR alone") { $0.replacing("\n", with: "\r") },
      utf8("zero-width spaces") {
        $0.replacing(" -j", with: "\u{200B} -j").replacing("counter", with: "\u{200B}counter")
      },
      utf8("no-break blanks for tabs") { $0.replacing("\t", with: "\u{A0}\u{A0}") },
      utf8("blanks for tabs") { $0.replacing("\t", with: "    ") },
      utf8("no indentation") { eachLine($0) { String($1.drop { $0 == " " || $0 == "\t" }) } },
      utf8("an empty line after each") { $0.replacing("\n", with: "\n\n") },
      utf8("guillemets") { $0.replacing("\"", with: "\u{BB}") },
      utf8("HTML") { $0.replacing("\"", with: "&quot;").replacing("<", with: "&lt;").replacing(">", with: "&gt;") },
      utf8("wrapped") { wrapped($0, at: 72) },
      utf8("wrapped and quoted") { eachLine(wrapped($0, at: 70)) { "> \($1)" } },
      utf8("watch") { "Every 2.0s: iptables-save          node-a: Mon Nov 30 09:00:00 2026\n\n" + $0 },
      utf8("sudo asks") { "u@node-a:~$ sudo iptables-save\n[sudo] password for u: \n" + $0 },
      utf8("kubectl exec") {
        "$ kubectl -n kube-system exec ds/kube-proxy -- iptables-save\nDefaulted container \"kube-proxy\" out of: kube-proxy, init (init)\n"
          + $0
      },
      utf8("ssh") {
        "$ ssh node-a sudo iptables-save\nWarning: Permanently added 'node-a' (ED25519) to the list of known hosts.\n"
          + $0
      },
      utf8("PowerShell") { "PS C:\\Users\\me> ssh node-a iptables-save\n" + $0 },
      utf8("cmd") { "C:\\Users\\me>ssh node-a iptables-save\n" + $0 },
      utf8("a clock in the prompt") { "[09:12:13] root@node-a:~# iptables-save\n\($0)\n[09:12:15] root@node-a:~# \n" },
      utf8("set -x, twice") { "++ iptables-save\n" + $0 },
      utf8("a virtual environment") { "(venv) me@node-a:~$ iptables-save\n" + $0 },
      utf8("Markdown") { "Hello,\n\n## node-a\n\n```\n\($0)\n```\n\nThanks\n" },
      utf8("a folded section") {
        "<details><summary>iptables-save</summary>\n\n```console\n\($0)\n```\n\n</details>\n"
      },
      utf8("Ansible") { "node-a | CHANGED | rc=0 >>\n" + $0 },
    ]
  }()

  static func facts(_ snapshot: Snapshot) -> [String] {
    var facts = PasteTests.rules(snapshot)
    for address in snapshot.addresses ?? [] { facts.append("\(address.interface) \(address.address)") }
    for route in snapshot.routes ?? [] {
      facts.append(
        "\(route.destination) \(route.nextHops.map { "\($0.gateway.map { "\($0)" } ?? "") \($0.interface ?? "")" })")
    }
    return facts
  }

  @Test(arguments: journeys.map(\.name), texts.map(\.name)) func dumpsSurvive(_ journey: String, _ name: String) throws
  {
    let change = try #require(Self.journeys.first { $0.name == journey }?.change)
    let text = try #require(Self.texts.first { $0.name == name }?.text)
    let right = SnapshotLoader.load([SourceFile(name: "a.txt", text: text)], name: "node")
    let found = SnapshotLoader.load([SourceFile(name: "a.txt", contents: change(text))], name: "node")
    #expect(Self.facts(found) == Self.facts(right))
    #expect(!found.hasUnreadRules)
    let warnings = found.diagnostics.list.filter { $0.severity > .note }
    #expect(warnings.isEmpty, "\(warnings)")
  }

  // MARK: Lines of other formats that were wrapped

  @Test func connectionsAndTablesOfKubectlAreJoined() throws {
    let connection =
      "tcp      6 431999 ESTABLISHED src=10.244.0.5 dst=10.96.0.1 sport=40000 dport=443\nsrc=192.0.2.11 dst=10.244.0.5 sport=6443 dport=40000\n[ASSURED] mark=0 use=1\n"
    let entries = try #require(PasteTests.load(connection + connection.replacing("40000", with: "40001")).connections)
    #expect(entries.map { "\($0.reply.source)" } == ["192.0.2.11", "192.0.2.11"])
    let table = """
      NAMESPACE   NAME   TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)
      AGE
      shop        web    NodePort    10.96.0.9    <none>        80:30080/TCP
      3d
      shop        api    ClusterIP   10.96.0.8    <none>        81/TCP
      3d
      """
    let restored = try #require(PastedText.restored(SourceFile(name: "t", text: table)))
    let lines = String(decoding: restored.file.bytes, as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[1].hasSuffix("80:30080/TCP 3d"))
    // A table that was not wrapped stays as it is.
    #expect(
      PastedText.restored(
        SourceFile(
          name: "t",
          text:
            "NAME   READY   STATUS    RESTARTS      AGE\nweb    1/1     Running   5 (3d ago)    9d\napi    1/1     Running   0             9d\n"
        )) == nil)
  }

  // MARK: What was left out

  @Test(arguments: [
    "...", "[...]", "…", "<snip>", "(output truncated)", "[ snipped ]", "... 200 lines omitted ...", "--More--",
  ])
  func whatWasLeftOutIsNotAbsent(_ mark: String) {
    for text in [
      "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -s 10.0.0.1 -j ACCEPT\n\(mark)\nCOMMIT\n",
      "# iptables -S\n-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n\(mark)\n",
      "table ip filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\t\(mark)\n\t}\n}\n",
      "# iptables -L -n -v\nChain FORWARD (policy ACCEPT 0 packets, 0 bytes)\n pkts bytes target     prot opt in     out     source               destination\n\(mark)\n",
    ] {
      let snapshot = PasteTests.load(text)
      #expect(snapshot.hasUnreadRules, "\(text)")
      #expect(snapshot.diagnostics.list.contains { $0.severity >= .warning }, "\(text)")
    }
  }

  @Test func aCommandAmongRulesIsNotEvaluatedAndMayMatter() {
    let snapshot = PasteTests.load("*filter\n:FORWARD ACCEPT [0:0]\n-I FORWARD -j DROP\nCOMMIT\n")
    #expect(snapshot.hasUnreadRules)
  }

  /// Named after rules, and holding an error instead.
  @Test(arguments: [
    "iptables-save v1.8.7 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n",
    "Segmentation fault (core dumped)\n", "bash: iptables-save: command not found\n",
  ]) func anErrorInPlaceOfRules(_ text: String) {
    let snapshot = SnapshotLoader.load(
      [
        SourceFile(name: "iptables-save.txt", text: text),
        SourceFile(name: "nft.txt", text: "table ip a {\n}\n"),
      ], name: "node")
    #expect(snapshot.hasUnreadRules)
  }

  // MARK: Several nodes in one text

  @Test(arguments: [
    ("root@w-1:~# iptables -S\n", "root@w-2:~# iptables -S\n"),
    ("[root@w-1 ~]# iptables -S\n", "[root@w-2 ~]# iptables -S\n"),
    ("## w-1\n", "## w-2\n"), ("### Node: w-1\n\n", "### Node: w-2\n\n"), ("==== w-1 ====\n", "==== w-2 ====\n"),
    ("w-1 | CHANGED | rc=0 >>\n", "w-2 | CHANGED | rc=0 >>\n"), ("w-1:\n", "w-2:\n"),
  ]) func nodesAreToldApart(_ first: String, _ second: String) throws {
    func rules(_ policy: String) -> String { "-P INPUT ACCEPT\n-P FORWARD \(policy)\n-P OUTPUT ACCEPT\n" }
    let text = first + rules("DROP") + "\n" + second + rules("ACCEPT")
    try SnapshotLoaderTests.folder(["ticket.txt": text]) { path in
      let bundle = try SnapshotLoader.load([path])
      #expect(bundle.snapshots.map(\.name) == ["w-1", "w-2"])
      #expect(
        bundle.snapshots.map { node in node.ruleset.bases.contains(where: \.policyDrops) } == [true, false])
    }
  }

  @Test func headingsThatNameNoNode() {
    for text in [
      "## iptables", "# Generated by x", "### Step 2", "Environment:", "--- a/b", "Output of iptables:", "spec:",
    ] {
      let bytes = Array(text.utf8)
      bytes.withUnsafeBytes { #expect(Prompt.heading(ByteText(bytes: $0)) == nil, "\(text)") }
    }
  }

  @Test func twoTimesOfOneNodeAreSaid() throws {
    func node(_ policy: String) -> String {
      "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -s 10.0.0.1/32 -j \(policy)\nCOMMIT\n"
    }
    try SnapshotLoaderTests.folder(["before-save.txt": node("DROP"), "after-save.txt": node("ACCEPT")]) { path in
      let bundle = try SnapshotLoader.load([path])
      let said = bundle.snapshots.flatMap(\.diagnostics.list).filter { $0.severity == .warning }.map(\.message)
      #expect(said.contains { $0.contains("other rules than") && $0.contains("-save.txt") })
    }
  }

  // MARK: Tools' other outputs

  @Test func aSetWithoutItsMembersIsUnknown() {
    let head =
      "Name: hosts\nType: hash:ip\nRevision: 6\nHeader: family inet hashsize 1024 maxelem 65536\nSize in memory: 456\nReferences: 2\n"
    #expect(PasteTests.load("# ipset list -terse\n\(head)Number of entries: 4\n").ipsets?.isEmpty == true)
    #expect(PasteTests.load("\(head)Number of entries: 2\nMembers:\n10.0.0.1\n").ipsets?.isEmpty == true)
    #expect(PasteTests.load("\(head)Number of entries: 1\nMembers:\n10.0.0.1\n").ipsets?.first?.elements.count == 1)
    #expect(PasteTests.load("\(head)Number of entries: 0\nMembers:\n").ipsets?.count == 1)
  }

  @Test func theAnswerOfRouteGetIsNoRoute() {
    let snapshot = PasteTests.load(
      "$ ip route\ndefault via 192.0.2.1 dev eth0\n$ ip route get 10.244.1.5\n10.244.1.5 via 10.244.1.0 dev flannel.1 src 10.244.0.0 uid 0\n    cache\n"
    )
    #expect(snapshot.routes?.count == 1)
    #expect(!snapshot.diagnostics.list.contains { $0.severity > .note })
  }

  @Test func anObjectInOneLineOfYAMLIsAnObject() {
    for text in [
      "{kind: Pod, apiVersion: v1, metadata: {name: a}}\n", "- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n",
      "[{kind: Pod, metadata: {name: a}}]\n",
    ] {
      #expect(PasteTests.load(text).objectFiles.count == 1, "\(text)")
    }
  }

  @Test func unknownOptionsOfIptablesAreWarnedOf() {
    for rule in [
      "-p tcp -m tcp --new-option 5 -j DROP", "-m newmatch --x 1 -j DROP", "--nothing 3 -j DROP", "-j NEWTARGET --x 1",
    ] {
      let snapshot = PasteTests.load("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD \(rule)\nCOMMIT\n")
      #expect(snapshot.diagnostics.list.contains { $0.severity == .warning }, "\(rule)")
    }
    // Known, and not decided: the trace says what it assumes.
    let known = PasteTests.load(
      "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m string --string x --algo bm -j DROP\nCOMMIT\n")
    #expect(!known.diagnostics.list.contains { $0.severity == .warning })
  }

  // MARK: A collector's own words

  @Test func aCollectorThatReadEverythingAndFoundNoRules() throws {
    func rulesAreKnown(_ manifest: String) throws -> Bool {
      try SnapshotLoaderTests.folder([
        "node-a/manifest.json": manifest, "node-a/ip-route.txt": "default via 192.0.2.1 dev eth0\n",
      ]) {
        try SnapshotLoader.load([$0]).snapshots[0].rulesKnown
      }
    }
    #expect(try rulesAreKnown(#"{"tool": "collect.sh of kubepath", "notRead": []}"#))
    #expect(try rulesAreKnown(#"{"tool": "kubepath", "notRead": ["kubectl is not installed: no objects"]}"#))
    #expect(
      try !rulesAreKnown(#"{"tool": "kubepath", "notRead": ["iptables-save.txt: iptables-save is not installed"]}"#))
    #expect(try !rulesAreKnown(#"{"tool": "kubepath", "files": ["iptables-save.txt"], "notRead": []}"#))
    #expect(try !rulesAreKnown(#"{"tool": "another", "notRead": []}"#))
    #expect(try !rulesAreKnown(#"{"tool": "kubepath"}"#))
  }
}
