import Foundation
import Input
import Testing

@testable import Snapshot

/// Inputs that want to bring a reader down: each costs a message, and the rest is kept.
@Suite struct HostileTests {
  private static func load(_ text: String) -> Snapshot { PasteTests.load(text, name: "hostile.txt") }

  /// The thread's own time: other tests run beside this one.
  private static func seconds(_ body: () throws -> Void) rethrows -> Double {
    func now() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    try body()
    return now() - start
  }

  private static func table(_ rule: String, priority: String = "0") -> String {
    "table ip t {\n\tchain c {\n\t\ttype filter hook forward priority \(priority); policy accept;\n\t\t\(rule)\n\t}\n}\n"
  }

  /// Numbers that fit nowhere, everywhere a number may stand.
  @Test(arguments: [
    "0", "255", "256", "65535", "65536", "4294967295", "4294967296", "9223372036854775807", "18446744073709551615",
    "18446744073709551616", "99999999999999999999999999", "-1", "0x", "0xffffffffffffffffffffffffffffffffff",
  ])
  func numbersThatOverflow(_ number: String) {
    for rule in [
      "meta l4proto N tcp dport 1 accept", "ip protocol N udp sport 5 drop", "tcp dport N accept",
      "tcp dport N-N accept",
      "meta mark set meta mark << N", "meta mark & N == N accept", "ct mark set ct mark | N", "ip ttl N accept",
      "@th,N,N 1 accept",
      "@nh,0,N 1 accept", "numgen random mod N offset N vmap { N : accept }",
      "jhash ip saddr mod N seed N vmap { 0 : drop }",
      "limit rate N/second burst N packets accept", "quota N mbytes drop", "ip saddr 10.0.0.0/N accept",
      "ip6 saddr fd00::/N accept",
      "meta length N accept", "dnat to 10.0.0.1:N", "snat to 10.0.0.1:N-N", "queue num N", "ct zone N accept",
      "ip daddr 10.0.0.N accept",
      "counter packets N bytes N accept", "meta iif N accept", "tcp option N exists accept", "meta time > N accept",
      "meta hour N accept",
      "tproxy to :N", "redirect to :N", "meta pkttype N accept", "ip dscp N accept", "fib daddr . mark type N accept",
      "meta priority set N:N",
    ] {
      _ = Self.load(Self.table(rule.replacing("N", with: number)))
    }
    for priority in [
      number, "filter + \(number)", "dstnat - \(number)", "-\(number)", "filter + \(number) + \(number)",
    ] {
      _ = Self.load(Self.table("accept", priority: priority))
    }
    for options in [
      "-p N -j ACCEPT", "-m mark --mark N/N", "-m statistic --mode nth --every N --packet N", "-p tcp --dport N:N",
      "-m multiport --dports N,N:N",
      "-m length --length N:N", "-m ttl --ttl-eq N", "-j MARK --set-xmark N/N", "-j DNAT --to-destination 10.0.0.1:N",
      "-m connmark --mark N",
      "-s 10.0.0.0/N", "-m u32 --u32 N", "-m limit --limit N/sec", "-m recent --seconds N --hitcount N",
      "-j TTL --ttl-set N", "-j DSCP --set-dscp N",
      "-m owner --uid-owner N-N", "-p icmp --icmp-type N/N", "-j TPROXY --on-port N", "-j REDIRECT --to-ports N",
      "-m statistic --probability N",
    ] {
      _ = Self.load(
        "*filter\n:FORWARD ACCEPT [N:N]\n[N:N] -A FORWARD \(options)\nCOMMIT\n".replacing("N", with: number))
    }
    for text in [
      "default via 10.0.0.1 dev e metric N table N mtu N\n\tnexthop via 10.0.0.1 dev e weight N\n",
      "N:\tfrom all fwmark N/N lookup N\n",
      "N: e: <UP> mtu N\n    vxlan id N dstport N\n    inet 10.0.0.1/N scope global e\n",
      "create a hash:net hashsize N timeout N\nadd a 10.0.0.0/N timeout N\n",
      "tcp N N ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=N dport=N mark=N zone=N\n",
      "cpu=N found=N insert_failed=N\n",
      "-A -f N -s rr -p N -M N\n-a -f N -r 10.0.0.1:N -w N\n", "TCP N:N ESTABLISHED 10.0.0.1:N 10.0.0.2:N 10.0.0.3:N\n",
      "Kernel IP routing table\nDestination Gateway Genmask Flags Metric Ref Use Iface\n10.0.0.0 0.0.0.0 255.0.0.0 U N N N e\n",
      "Chain FORWARD (policy ACCEPT N packets, N bytes)\nnum pkts bytes target prot opt in out source destination\nN N N DROP N -- * * 10.0.0.0/N 0.0.0.0/0 tcp dpt:N mark match N/N\n",
      "e0: flags=N<UP>  mtu N\n        inet 10.0.0.1  netmask N  prefixlen N\n",
    ] {
      _ = Self.load(text.replacing("N", with: number))
    }
  }

  /// Whatever may stand inside itself, a hundred thousand times.
  @Test func depthIsBounded() {
    let deep = 100_000
    func nest(_ open: String, _ inner: String, _ close: String) -> String {
      String(repeating: open, count: deep) + inner + String(repeating: close, count: deep)
    }
    let texts = [
      Self.table("tcp flags & \(nest("(", "syn", ")")) == syn accept"),
      Self.table("meta mark set \(nest("(", "1", ")"))"),
      Self.table("ip saddr \(nest("{", "10.0.0.1", "}")) accept"), Self.table("jump \(nest("{ jump ", "accept", "}"))"),
      Self.table("dnat to ip saddr map \(nest("{ 10.0.0.1 : ip saddr map ", "x", "}"))"),
      Self.table(nest("ip saddr . (", "ip daddr", ")")),
      nest("[", "", "]"), nest("{\"a\":", "1", "}"), nest("{\"nftables\":[", "", "]}"),
      "apiVersion: v1\nkind: \(nest("[", "x", "]"))\n",
      "{\"nftables\":[{\"rule\":{\"expr\":\(nest("[{\"&\":[", "1", "]}]"))}}]}",
      String(repeating: "> ", count: deep) + "*nat\n",
      "ct state \(nest("{", "new", "}")) accept",
    ]
    for text in texts { _ = Self.load(text) }
  }

  /// As long as the lines, ten times as long in at most thirty times the time.
  @Test(arguments: [
    "rules of ip rule", "chains of iptables -S", "rows of a listing", "tables of nft", "strange lines", "quoted lines",
    "wrapped lines", "pairs of events",
    "ports of a bridge",
  ]) func timeIsLinear(_ kind: String) {
    func text(_ count: Int) -> String {
      let lines = 0..<count
      switch kind {
      case "rules of ip rule":
        return lines.map { "\($0):\tfrom 10.\($0 >> 16 & 255).\($0 >> 8 & 255).\($0 & 255) lookup \($0 + 1000)\n" }
          .joined()
      case "chains of iptables -S":
        return "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n" + lines.map { "-N C\($0)\n" }.joined()
          + lines.map { "-A C\($0) -j DROP\n" }.joined()
      case "rows of a listing":
        return lines.map {
          "Chain C\($0) (1 references)\n pkts bytes target prot opt in out source destination\n 0 0 DROP all -- * * 0.0.0.0/0 10.0.0.1 /* x */\n"
        }.joined()
      case "tables of nft": return lines.map { "table ip t\($0) {\n\tchain c {\n\t\taccept\n\t}\n}\n" }.joined()
      case "strange lines": return lines.map { "some words that are nothing \($0)\n" }.joined()
      case "quoted lines": return "> *nat\n" + lines.map { "> :C\($0) - [0:0]\n" }.joined()
      case "wrapped lines":
        return "*nat\n" + lines.map { _ in "-A X -m comment --comment \"a\" -j \nDROP\n" }.joined() + "COMMIT\n"
      case "pairs of events":
        return lines.map {
          "[NEW] udp 17 30 src=10.0.0.1 dst=10.0.0.2 sport=\($0 & 65535) dport=\($0 >> 16 + 1)\n[DESTROY] udp 17 src=10.0.0.1 dst=10.0.0.2 sport=\($0 & 65535) dport=\($0 >> 16 + 1)\n"
        }.joined()
      default:
        return "bridge name\tbridge id\tSTP enabled\tinterfaces\nbr0\t8000.1\tno\tv\n"
          + lines.map { "\t\t\tveth\($0)\n" }.joined()
      }
    }
    func seconds(_ count: Int) -> Double {
      let file = SourceFile(name: "f", text: text(count))
      return (0..<2).map { _ in Self.seconds { _ = SnapshotLoader.load([file], name: "n") } }.min()!
    }
    let small = seconds(1000)
    let large = seconds(10_000)
    #expect(large < max(small, 0.002) * 30, "\(small) s and \(large) s")
  }

  @Test func twoNodesInOneFolderAreTwoNodes() throws {
    func node(_ last: Int, _ policy: String) -> String {
      "# Generated by iptables-save v1.8.9\n*filter\n:FORWARD \(policy) [0:0]\nCOMMIT\n1: lo: <LOOPBACK,UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n2: eth0: <UP> mtu 1500\n    inet 192.0.2.\(last)/24 scope global eth0\n3: docker0: <UP> mtu 1500\n    inet 172.17.0.1/16 scope global docker0\n"
    }
    try SnapshotLoaderTests.folder(["a.log": node(1, "DROP"), "b.log": node(2, "ACCEPT")]) { path in
      let bundle = try SnapshotLoader.load([path])
      #expect(bundle.snapshots.map(\.name) == ["a", "b"])
      #expect(bundle.snapshots.map { $0.ruleset.bases.map(\.policyDrops) } == [[true], [false]])
      #expect(bundle.diagnostics.list.contains { $0.message.contains("dumps of 2 nodes") })
    }
    // The same node twice is one.
    try SnapshotLoaderTests.folder(["a.log": node(1, "DROP"), "b.log": node(1, "DROP")]) { path in
      let bundle = try SnapshotLoader.load([path])
      #expect(bundle.snapshots.count == 1)
    }
  }

  @Test func namesNeedNotBeUTF8() throws {
    try SnapshotLoaderTests.folder(["ip-route": "default via 192.0.2.1 dev eth0\n"]) { path in
      let bytes = Array("\(path)/iptables-save-".utf8) + [0xFF, 0xFE, 0]
      let descriptor = bytes.withUnsafeBytes {
        open($0.baseAddress!.assumingMemoryBound(to: CChar.self), O_CREAT | O_WRONLY, 0o600)
      }
      let text = Array("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n".utf8)
      _ = text.withUnsafeBytes { write(descriptor, $0.baseAddress!, $0.count) }
      close(descriptor)
      let bundle = try SnapshotLoader.load([path])
      #expect(bundle.snapshots[0].ruleset.bases.map(\.policyDrops) == [true])
    }
  }

  @Test func foldersAreLinear() throws {
    func seconds(_ count: Int) throws -> Double {
      try SnapshotLoaderTests.folder(
        Dictionary(uniqueKeysWithValues: (0..<count).map { ("d\($0)/x.txt", "words\n") }).merging([
          "ip-route": "default via 192.0.2.1 dev eth0\n"
        ]) { $1 }
      ) { path in
        try Self.seconds { _ = try SnapshotLoader.load([path]) }
      }
    }
    let small = try seconds(300)
    let large = try seconds(3000)
    #expect(large < max(small, 0.01) * 30, "\(small) s and \(large) s")
  }
}
