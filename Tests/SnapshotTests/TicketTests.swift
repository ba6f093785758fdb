import Input
import Testing

@testable import Snapshot

/// Whole tickets: issue bodies, chats, mails and logs with the outputs of several commands in them. The node in each is the same,
/// unless it says that something is missing.
@Suite struct TicketTests {
  static let rules =
    PasteTests.nat + """

      *filter
      :INPUT ACCEPT [100:6000]
      :FORWARD ACCEPT [5:300]
      :OUTPUT ACCEPT [100:6000]
      -A FORWARD -s 10.42.1.7/32 -d 192.0.2.11/32 -p tcp -m tcp --dport 6443 -j DROP
      COMMIT

      """
  static let addresses = """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
        link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
        inet 127.0.0.1/8 scope host lo
           valid_lft forever preferred_lft forever
    2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP group default qlen 1000
        link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
        inet 192.0.2.10/24 brd 192.0.2.255 scope global dynamic eth0
           valid_lft 86000sec preferred_lft 86000sec

    """
  static let routes = """
    default via 192.0.2.1 dev eth0 proto dhcp src 192.0.2.10 metric 100
    10.42.1.0/24 dev cni0 proto kernel scope link src 10.42.1.1

    """
  /// What a Pod's own commands print.
  static let podAddresses = addresses.replacing("eth0", with: "eth0@if17").replacing("192.0.2.10", with: "10.42.1.7")
  static let podRoutes = "default via 10.42.1.1 dev eth0\n10.42.1.0/24 dev eth0 proto kernel scope link src 10.42.1.7\n"

  /// The three outputs, each behind its command.
  static func session(_ prompt: String, _ prefix: String = "") -> String {
    "\(prompt)\(prefix)iptables-save\n\(rules)\(prompt)\(prefix)ip addr\n\(addresses)\(prompt)\(prefix)ip route\n\(routes)"
  }
  static let plain = session("root@node-a:~# ")

  static func eachLine(_ text: String, _ change: (Int, Substring) -> String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().enumerated().map { change($0, $1) + "\n" }
      .joined()
  }

  static let readable: [(name: String, text: String)] = [
    (
      "an issue with details",
      """
      ### What happened?

      Pods on node-a cannot reach the API since the upgrade. `kubectl get nodes` is fine.

      ### Environment

      - Kubernetes version: v1.30.2
      - OS: Ubuntu 22.04

      <details>
      <summary>iptables-save</summary>

      ```
      \(rules)```

      </details>
      <details><summary><code>ip addr</code></summary>
      <p>

      ```console
      $ ip addr
      \(addresses)```

      </p>
      </details>
      <details>
      <summary>ip route</summary>
      <pre>
      \(routes)</pre>
      </details>

      Any idea what drops the packets? /sig network

      """
    ),
    (
      "a chat",
      "Jane Doe  9:41 AM\nhey, pods on node-a can't reach 10.43.0.1, here is what I see:\n```root@node-a:~# iptables-save\n\(rules)```\n"
        + "[9:42 AM]\n```root@node-a:~# ip addr\n\(addresses)root@node-a:~# ip route\n\(routes)```\n"
        + "John Roe  9:44 AM\ndoes it work from the node itself?\n"
    ),
    (
      "a quoted mail",
      "On Mon, 30 Nov 2026 at 09:12, Jane Doe <jane@example.com> wrote:\n>\n> Hi,\n> here you go:\n>\n"
        + eachLine(plain) { "> \($1)" } + ">\n> Regards\n> Jane\n\nThanks, looking at it.\n--\nJohn\n"
    ),
    (
      "a chat whose fences stand beside the text",
      "Jane  9:41 AM\n```root@node-a:~# iptables -t nat -S\n\(listed("nat").dropLast())```\nand\n"
        + "```root@node-a:~# iptables -S\n\(listed("filter").dropLast())```\n```root@node-a:~# ip addr\n\(addresses)"
        + "root@node-a:~# ip route\n\(routes.dropLast())```\n"
    ),
    ("kube-proxy's Pod", session("$ ", "kubectl -n kube-system exec kube-proxy-x7k2p -- ")),
    ("a DaemonSet's Pod", session("$ ", "kubectl -n kube-system exec ds/calico-node -c calico-node -- ")),
    ("nsenter to the node", session("/ # ", "nsenter -t 1 -m -u -n -i -- ")),
    ("a node of kind", session("$ ", "docker exec kind-worker ")),
    ("a container of kube-proxy", session("[root@node-a ~]# ", "crictl exec 3f2c1a9b8e7d6 ")),
    ("ssh", session("jane@laptop:~$ ", "ssh core@node-a -- sudo ")),
    ("PowerShell", session("PS C:\\Users\\jane> ", "ssh node-a ")),
    (
      "a debug Pod",
      "$ oc debug node/node-a\nStarting pod/node-a-debug-x7k2p ...\nTo use host binaries, run `chroot /host`\nPod IP: 192.0.2.10\nIf you don't see a command prompt, try pressing enter.\nsh-4.4# chroot /host\n"
        + session("sh-5.1# ") + "sh-5.1# exit\nexit\nsh-4.4# exit\n\nRemoving debug pod ...\n"
    ),
    ("journalctl -o short-iso", eachLine(plain) { "2026-11-30T09:00:00+0000 node-a collect.sh[4711]: \($1)" }),
    ("journalctl -o short-precise", eachLine(plain) { "Nov 30 09:00:00.123456 node-a collect.sh[4711]: \($1)" }),
    ("ts", eachLine(plain) { "Nov 30 09:00:\($0 % 50 + 10) \($1)" }),
    ("less -N", eachLine(plain) { String(repeating: " ", count: 7 - "\($0 + 1)".count) + "\($0 + 1) \($1)" }),
    ("numbers and colons without blanks", eachLine(plain) { "\($0 + 1):\($1)" }),
    ("kubectl logs --prefix", eachLine(plain) { "[pod/collector-x7k2p/collector] \($1)" }),
    ("docker compose logs", eachLine(plain) { "collector-1  | \($1)" }),
    ("pdsh", eachLine(rules + addresses + routes) { "node-a: \($1)" }),
    (
      "grep -r",
      eachLine(addresses) { "node-a/ip-addr.txt:\($1)" } + eachLine(rules) { "node-a/iptables-save.txt:\($1)" }
        + eachLine(routes) { "node-a/ip-route.txt:\($1)" }
    ),
    ("tail of several files", "==> a.txt <==\n\(addresses)\n==> i.txt <==\n\(rules)\n==> r.txt <==\n\(routes)"),
    (
      "more of several files",
      ["a.txt\n|\(addresses)", "i.txt\n|\(rules)", "r.txt\n|\(routes)"].map {
        "::::::::::::::\n" + $0.replacing("|", with: "::::::::::::::\n")
      }.joined()
    ),
    ("a line of code each", "Rules:\n\n" + eachLine(rules + addresses + routes) { $1.isEmpty ? "" : "`\($1)`" }),
    ("a forum's quotation", "[quote=\"jane, post:3, topic:1234\"]\n\(plain)[/quote]\n\nLooks fine to me?\n"),
    (
      "a list of Ansible",
      "node-a | CHANGED => {\n    \"changed\": true,\n    \"cmd\": \"iptables-save\",\n    \"rc\": 0,\n    \"stdout_lines\": [\n"
        + eachLine(rules) { "        \"\($1.replacing("\"", with: "\\\""))\"," } + "    ]\n}\n"
        + session("root@node-a:~# ").split(separator: "COMMIT\n").last!
    ),
    ("a list's item", "1. On the node:\n\n   ```\n\(eachLine(plain) { "   \($1)" })   ```\n\n2. Then nothing works.\n"),
    ("reStructuredText", "Output of the tools on node-a::\n\n\(eachLine(plain) { "    \($1)" })\nThat is all.\n"),
    ("Kali's prompt", session("┌──(root㉿node-a)-[~]\n└─# ")),
    ("a prompt of two lines", session("node-a in ~ took 2s\n❯ ")),
    (
      "a loop over the tables",
      "root@node-a:~# for t in nat filter; do echo \"== $t ==\"; iptables -t $t -S; done\n== nat ==\n\(listed("nat"))== filter ==\n\(listed("filter"))"
        + "root@node-a:~# ip addr\n\(addresses)root@node-a:~# ip route\n\(routes)"
    ),
  ]

  /// `iptables -t TABLE -S`
  static func listed(_ table: String) -> String {
    let lines = rules.split(separator: "\n").drop { $0 != "*\(table)" }.prefix { $0 != "COMMIT" }
    return lines.compactMap { line -> String? in
      if line.hasPrefix("-A") { return line + "\n" }
      guard line.hasPrefix(":") else { return nil }
      let words = line.dropFirst().split(separator: " ")
      return words[1] == "-" ? "-N \(words[0])\n" : "-P \(words[0]) \(words[1])\n"
    }.joined()
  }

  @Test(arguments: readable.map(\.name)) func everythingIsRead(_ name: String) throws {
    let text = try #require(Self.readable.first { $0.name == name }?.text)
    let found = PasteTests.load(text)
    #expect(TransitTests.facts(found) == TransitTests.facts(PasteTests.load(Self.plain)))
    #expect(!found.hasUnreadRules, "\(found.unread)")
  }

  // MARK: Other namespaces

  @Test(arguments: [
    "kubectl exec -it web-0 -- ", "kubectl exec -n shop deploy/web -c app -- ", "ip netns exec cni-1234abcd-0 ",
    "nsenter -t 22113 -n ", "nsenter --target=22113 --net -- ", "nsenter --net=/run/netns/cni-1 ",
    "ssh node-a sudo ip netns exec cni-1 ", "kubectl debug web-0 --image=busybox -- ",
  ]) func aPodsFactsAreNotTheNodes(_ command: String) {
    let text =
      Self.plain + "root@node-a:~# \(command)ip addr\n\(Self.podAddresses)"
      + "root@node-a:~# \(command)ip route\n\(Self.podRoutes)"
      + "root@node-a:~# \(command)iptables -S\n-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT DROP\n"
      + "root@node-a:~# kubectl get svc\nNAME   TYPE       CLUSTER-IP   EXTERNAL-IP   PORT(S)        AGE\nweb    NodePort   10.43.0.20   <none>        80:30080/TCP   3d\n"
    let found = PasteTests.load(text)
    #expect(TransitTests.facts(found) == TransitTests.facts(PasteTests.load(Self.plain)))
    #expect(found.unread.map(\.reason) == [.otherNamespace, .otherNamespace, .otherNamespace])
    #expect(!found.hasUnreadRules)
    #expect(found.objectFiles.count == 1)
  }

  /// A rules file that somebody wrote has comments; they are no headings.
  @Test func commentsInTablesAreComments() {
    let commented = Self.rules.replacing("*filter\n", with: "*filter\n# filter rules\n").replacing(
      "-A FORWARD -s", with: "# nat\n-A FORWARD -s")
    #expect(PasteTests.rules(commented) == PasteTests.rules(Self.rules))
  }

  @Test func sshNamesTheNode() throws {
    let text = ["w-1", "w-2"].map { Self.session("jane@laptop:~$ ", "ssh \($0) ") }.joined()
    try SnapshotLoaderTests.folder(["ticket.txt": text]) { path in
      let bundle = try SnapshotLoader.load([path])
      #expect(bundle.snapshots.map(\.name) == ["w-1", "w-2"])
    }
  }

  // MARK: What is known and not read

  /// Each with what is said of it, and whether packets may fare by it.
  static let unread: [(text: String, output: KnownOutput, words: String, decides: Bool)] = [
    (
      "# ebtables -L\nBridge table: filter\n\nBridge chain: FORWARD, entries: 1, policy: ACCEPT\n-p IPv4 --ip-dst 10.42.1.9 -j DROP\n",
      .ebtables, "rules of ebtables", true
    ),
    (
      "Bridge table: filter\n\nBridge chain: INPUT, entries: 0, policy: ACCEPT\n\nBridge chain: FORWARD, entries: 0, policy: DROP\n",
      .ebtables, "nft list ruleset", true
    ),
    (
      "# arptables -L -n\nChain INPUT (policy ACCEPT)\n-j DROP -i eth0 -o any -s 192.0.2.9\n", .arptables,
      "rules of arptables", true
    ),
    (
      "# ipset list -o xml\n<ipsets>\n<ipset name=\"hosts\">\n<type>hash:ip</type>\n<members>\n<member><elem>10.0.0.1</elem></member>\n</members>\n</ipset>\n</ipsets>\n",
      .ipsetXML, "ipset save", false
    ),
    (
      "$ sudo ufw status verbose\nStatus: active\nLogging: on (low)\nDefault: deny (incoming), allow (outgoing), deny (routed)\n\nTo                         Action      From\n--                         ------      ----\n22/tcp                     ALLOW IN    Anywhere\n",
      .ufw, "iptables-save", false
    ),
    (
      "[root@node-a ~]# firewall-cmd --list-all-zones\nblock\n  target: %%REJECT%%\n  interfaces: \n\npublic (active)\n  target: default\n  interfaces: eth0\n  ports: 6443/tcp\n",
      .firewalld, "nft list ruleset", false
    ),
    (
      "$ calicoctl get globalnetworkpolicy -o wide\nNAME             ORDER   SELECTOR\ndefault-deny     100     all()\n",
      .calicoctl, "kubectl get networkpolicies", false
    ),
  ]

  @Test(arguments: unread.map(\.text)) func whatIsKnownAndNotReadIsSaidByName(_ text: String) throws {
    let known = try #require(Self.unread.first { $0.text == text })
    let found = PasteTests.load(Self.plain + text)
    let first = Self.plain.split(separator: "\n", omittingEmptySubsequences: false).count
    #expect(TransitTests.facts(found) == TransitTests.facts(PasteTests.load(Self.plain)))
    #expect(found.unread.map(\.reason) == [.known(known.output)])
    #expect(found.unread.allSatisfy { $0.lines.lowerBound >= first })
    #expect(found.hasUnreadRules == known.decides)
    #expect(
      found.diagnostics.list.contains { $0.severity == .warning && $0.message.contains(known.words) },
      "\(found.diagnostics.list)")
  }

  @Test func bridgeTablesWithoutRulesStopNothing() {
    let found = PasteTests.load(
      Self.plain
        + "# ebtables -L\nBridge table: filter\n\nBridge chain: INPUT, entries: 0, policy: ACCEPT\n\nBridge chain: FORWARD, entries: 0, policy: ACCEPT\n"
    )
    #expect(found.unread.isEmpty)
  }

  /// What `lsof` lists listens; what it does not list may belong to somebody else.
  @Test func lsofTellsOfListeners() throws {
    let found = PasteTests.load(
      """
      root@node-a:~# lsof -i -n -P
      COMMAND     PID            USER   FD   TYPE  DEVICE SIZE/OFF NODE NAME
      systemd-r   612 systemd-resolve   13u  IPv4   19884      0t0  UDP 127.0.0.53:53
      sshd       1206            root    3u  IPv4   23456      0t0  TCP *:22 (LISTEN)
      kubelet    1842            root   21u  IPv6   31337      0t0  TCP [::1]:10250 (LISTEN)
      kubelet    1842            root   12u  IPv4   31340      0t0  TCP 192.0.2.10:51234->192.0.2.11:6443 (ESTABLISHED)
      java       1900   1901 main      user   12u  IPv4   31341      0t0  TCP *:8080 (LISTEN)
      """)
    let sockets = try #require(found.sockets)
    #expect(
      sockets.map { "\($0.process ?? "") \($0.protocol) \($0.state) \($0.localPort)" } == [
        "systemd-r udp UNCONN 53", "sshd tcp LISTEN 22", "kubelet tcp LISTEN 10250", "kubelet tcp ESTAB 51234",
        "java tcp LISTEN 8080",
      ])
    #expect(
      sockets.map { $0.localAddress.map { "\($0)" } ?? "any" } == ["127.0.0.53", "any", "::1", "192.0.2.10", "any"])
    #expect(sockets[3].peerPort == 6443)
    #expect(found.socketProtocols.isEmpty)
    #expect(found.unread.isEmpty)
    // Without its heading.
    #expect(PasteTests.load("sshd 1206 root 3u IPv4 23456 0t0 TCP *:22 (LISTEN)\n").sockets?.first?.localPort == 22)
  }

  // MARK: What cannot be read

  /// Two hosts' lines among each other, panes beside each other, a dump that ends in the middle.
  @Test func whatIsMixedOrCutIsUnread() {
    let lines = Self.rules.split(separator: "\n").map(String.init)
    let mixed = lines.flatMap { ["node-a: \($0)", "node-b: \($0)"] }.joined(separator: "\n")
    let panes = lines.map { line in
      String(line.prefix(60)) + String(repeating: " ", count: max(0, 60 - line.count)) + "│ 12:00:01 load 0.1\n"
    }.joined()
    let cut = Self.plain.prefix(Self.plain.utf8.count / 2)
    for text in [mixed, panes, "root@node-a:~# iptables-save\n" + Self.rules.dropLast(40), String(cut)] {
      let found = PasteTests.load(text)
      #expect(found.hasUnreadRules || found.ruleset.tables.contains(where: \.isCut), "\(text.prefix(300))")
    }
  }
}
