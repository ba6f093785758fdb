import Input
import Snapshot
import Testing
import Wire

/// Files of a node that are neither rules nor tables.
@Suite struct NodeFileTests {
  private static func files(_ name: String, _ text: String) -> NodeFiles {
    SnapshotLoader.load([SourceFile(name: name, text: text)], name: "a").files
  }

  @Test func resolvConfOfAPodIsToldByItsZones() throws {
    let file = try #require(
      Self.files("x", "nameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local\noptions ndots:5\n")
        .resolvers.first)
    #expect(file.nameservers == [IPAddress("10.96.0.10")!])
    #expect(file.isPods)
    #expect(file.place.line == 1)
    #expect(Self.files("resolv.conf", "nameserver 192.0.2.53\n").resolvers.first?.isPods == false)
  }

  @Test func anAddressFolderIsToldByItsCommand() throws {
    let text =
      "$ ls /var/lib/cni/networks/cbr0 | wc -l\n9\n$ ls /var/lib/cni/networks/cbr0\n10.244.0.2\n10.244.0.3\nlast_reserved_ip.0\nlock\n"
    let range = try #require(Self.files("notes.txt", text).localAddresses.first)
    #expect(range.network == "cbr0")
    #expect(range.count == 9)
    #expect(range.addresses == [IPAddress("10.244.0.2")!, IPAddress("10.244.0.3")!])
  }

  @Test func anAddressFolderIsToldByItsPaths() {
    let files = Self.files("list", "/var/lib/cni/networks/net/10.244.0.7\n/var/lib/cni/networks/net/lock\n")
    #expect(files.localAddresses.map(\.addresses) == [[IPAddress("10.244.0.7")!]])
  }

  @Test(arguments: [
    ("notes", "$ conntrack -L | wc -l\n65001\n", 65001),
    ("notes", "$ cat /proc/sys/net/netfilter/nf_conntrack_count\n77\n", 77),
    ("nf_conntrack_count", "123\n", 123), ("notes", "# conntrack -C\n5\n", 5),
  ])
  func theConnectionTableIsCounted(_ name: String, _ text: String, _ count: Int) {
    #expect(Self.files(name, text).connectionCount == count)
  }

  @Test func flagsOfTheKubeletAreReadAndTokensAreNot() {
    let files = Self.files(
      "x", "KUBELET_KUBEADM_ARGS=\"--cluster-dns=10.96.0.10 --node-ip=192.0.2.1 --bootstrap-token=abc\"\n")
    #expect(files.kubeletFlags == ["cluster-dns": "10.96.0.10", "node-ip": "192.0.2.1"])
  }

  @Test func certificatesThatExpiredAreTold() {
    let files = Self.files(
      "x",
      "CERTIFICATE   EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY\nadmin.conf    Mar 01, 2027 09:00 UTC   364d            ca\napiserver     Mar 01, 2026 09:00 UTC   <invalid>       ca\n"
    )
    #expect(files.certificates.map(\.hasExpired) == [false, true])
    #expect(files.certificates.map(\.place.line) == [2, 3])
  }

  @Test func pluginsAndRangesOfACNIConfiguration() {
    let files = Self.files(
      "10-x.conflist",
      #"{"cniVersion": "1.0.0", "name": "net", "plugins": [{"type": "bridge", "mtu": 1450, "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]]}}, {"type": "portmap"}]}"#
    )
    #expect(files.networkConfigurations.first?.plugins == ["bridge", "portmap"])
    #expect(files.networkConfigurations.first?.subnets == [IPPrefix("10.244.0.0/24")!])
    #expect(files.networkConfigurations.first?.mtu == 1450)
  }

  @Test(arguments: [
    (
      "[ERROR] plugin/errors: 2 a.example. A: read udp 10.0.0.2:4->192.0.2.53:53: i/o timeout",
      LogComplaint.Trouble.dnsUpstream, "coredns"
    ),
    ("[FATAL] plugin/loop: Loop (127.0.0.1:5 -> :53) detected for zone \".\"", .dnsLoop, "coredns"),
    ("E0301 09:00:00.000001    927 x.go:266] x509: certificate has expired or is not yet valid", .certificate, ""),
    (
      "Mar 01 09:00:00 a kubelet[9]: E0301 09:00:00.000001 9 k.go:1] \"Failed\" err=\"PLEG is not healthy\"", .runtime,
      "kubelet"
    ),
    (
      "2026-03-01T09:00:00.1Z stderr F E0301 09:00:00.000001 1 proxier.go:1] Failed to execute iptables-restore",
      .proxySync, ""
    ),
  ])
  func linesOfLogs(_ line: String, _ trouble: LogComplaint.Trouble, _ component: String) throws {
    let complaint = try #require(Self.files("some.log", line + "\n" + line + "\n").complaints.first)
    #expect(complaint.trouble == trouble)
    #expect(complaint.component == component)
    #expect(complaint.count == 2)
  }

  /// What a log said long before its end may be mended.
  @Test func anOldLineIsNotOfNow() throws {
    let old = "[FATAL] plugin/loop: Loop (127.0.0.1:5 -> :53) detected\n"
    let text = old + String(repeating: "[INFO] plugin/reload: Running configuration\n", count: 200)
    #expect(try #require(Self.files("coredns.log", text).complaints.first).isRecent == false)
  }
}
