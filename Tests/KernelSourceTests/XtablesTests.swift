import Foundation
import Input
import KernelSource
import PacketPath
import Ruleset
import Snapshot
import Testing
import Wire

/// Tables of iptables-nft read from the kernel's bytecode and xtables' private structures, against what
/// iptables-nft-save prints of the same tables.
@Suite(.enabled(if: Lab.isAvailable && Lab.hasXtables)) struct XtablesTests {
  static let filter = """
    -A INPUT -p tcp -m multiport --dports 80,443,8000:8010 -j ACCEPT
    -A INPUT -p tcp -m multiport ! --ports 22 -j ACCEPT
    -A INPUT -p udp -m udp --sport 53 -j ACCEPT
    -A INPUT -p udp -m udp ! --dport 1:1024 -j ACCEPT
    -A INPUT -p tcp -m tcp --sport 1024:65535 ! --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN -j REJECT --reject-with tcp-reset
    -A INPUT -p tcp -m tcp --tcp-option 7 -j ACCEPT
    -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT
    -A INPUT -m conntrack ! --ctstate INVALID,UNTRACKED -j ACCEPT
    -A INPUT -m conntrack --ctorigdstport 80:90 --ctdir REPLY -j ACCEPT
    -A INPUT -m conntrack --ctproto 6 --ctstatus EXPECTED,CONFIRMED -j ACCEPT
    -A INPUT -m state --state NEW -j ACCEPT
    -A INPUT -m limit --limit 10/min --limit-burst 7 -j LOG --log-prefix "x: " --log-level 7 --log-uid
    -A INPUT -m pkttype --pkt-type multicast -j NFLOG --nflog-prefix "a b" --nflog-group 3
    -A INPUT -m mac --mac-source 02:00:00:00:00:01 -j DROP
    -A INPUT -m length ! --length 40:1500 -j DROP
    -A INPUT -m connmark --mark 0x1/0x1 -j DROP
    -A INPUT -m mark --mark 0x8000/0x8000 -m comment --comment "kubernetes firewall \\"x\\"" -j DROP
    -A INPUT -m physdev ! --physdev-is-in -j DROP
    -A INPUT -p udp -m udp --sport 67 --dport 68 -j DROP
    -A INPUT -p tcp -m tcp --sport 1024:65535 --dport 22 -j DROP
    -A INPUT -m dscp --dscp 0x0a -j DROP
    -A INPUT -m cpu --cpu 0 -j DROP
    -A INPUT -m devgroup --src-group 0x1 -j DROP
    -A INPUT -m recent --rcheck --seconds 60 --hitcount 4 --name ssh --mask 255.255.255.255 --rsource -j DROP
    -A INPUT -m recent --set --name ssh --mask 255.255.255.255 --rsource
    -A INPUT -m set --match-set kp-test dst,src -j DROP
    -A INPUT -m set ! --match-set kp-test src,dst --return-nomatch -j SET --add-set kp-test src,src --exist --timeout 60
    -A INPUT -i eth+ -j MYCHAIN
    -A INPUT ! -i lo -g MYCHAIN
    -A FORWARD -j NFQUEUE --queue-balance 1:4 --queue-bypass
    -A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
    -A OUTPUT -m owner --uid-owner 1000-2000 -j REJECT --reject-with icmp-port-unreachable
    -A OUTPUT ! -o lo -m owner ! --gid-owner 5 -j RETURN
    """

  static let version4 = """
    *mangle
    -A PREROUTING -j MARK --set-xmark 0x4000/0xff00
    -A PREROUTING -j CONNMARK --set-xmark 0x1/0xffffffff
    -A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff
    -A PREROUTING -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff
    -A PREROUTING -j TTL --ttl-inc 1
    -A PREROUTING -m ttl --ttl-lt 5 -j DROP
    -A PREROUTING -p tcp -j TPROXY --on-port 1234 --on-ip 127.0.0.1 --tproxy-mark 0x1/0x1
    -A PREROUTING -j DSCP --set-dscp 0x0a
    *raw
    -A PREROUTING -i eth0 -j CT --notrack
    -A PREROUTING -j CT --zone 5
    -A PREROUTING -m rpfilter --validmark --invert -j DROP
    *nat
    -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
    -A PREROUTING ! -s 10.0.0.0/8 -d 10.96.0.10/32 -p tcp -m comment --comment "ns/x:dns cluster IP" -m tcp --dport 53 -j KUBE-SERVICES
    -A PREROUTING -s 10.0.0.1/32 -d 10.96.0.0/12 -j KUBE-SERVICES
    -A PREROUTING -m addrtype --dst-type LOCAL -j KUBE-SERVICES
    -A PREROUTING -m addrtype ! --src-type LOCAL,BROADCAST --limit-iface-in -j KUBE-SERVICES
    -A PREROUTING -m conntrack --ctorigdst 10.96.0.0/12 -j KUBE-SERVICES
    -A PREROUTING -m iprange --src-range 10.0.0.1-10.0.0.9 ! --dst-range 10.0.1.1-10.0.1.9 -j KUBE-SERVICES
    -A KUBE-SERVICES -m statistic --mode random --probability 0.33333333349 -j KUBE-SEP-Y
    -A KUBE-SERVICES -m statistic --mode nth --every 3 --packet 1 -j KUBE-SEP-Y
    -A KUBE-SERVICES -m mark ! --mark 0x4000/0x4000 -j RETURN
    -A KUBE-SERVICES -p icmp -m icmp --icmp-type 8 -j RETURN
    -A KUBE-SEP-Y -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080
    -A KUBE-SEP-Y -p udp -j DNAT --to-destination 10.244.1.5-10.244.1.9:8080-8090 --random --persistent
    -A POSTROUTING -o eth+ -j MASQUERADE --random-fully
    -A POSTROUTING ! -o lo -p tcp -j SNAT --to-source 1.2.3.4-1.2.3.5:1000-2000
    -A POSTROUTING -d 1.2.0.0/16 -j NETMAP --to 10.2.0.0/16
    -A OUTPUT -p tcp -j REDIRECT --to-ports 15001
    """

  /// What looks at bytes, counts, knows the time, or asks what a packet belongs to.
  static let others = #"""
    -A INPUT -m string --string "GET /x" --algo bm --to 1000 -j DROP
    -A INPUT -m string --string "a\"b\\c'd" --algo bm -j DROP
    -A INPUT -m string ! --hex-string "|0a0b616263|" --algo kmp --from 20 --icase -j DROP
    -A INPUT -m u32 --u32 "0x6&0xff=0x6&&0x4&0x1fff=0x0:0x5,0x7" -j DROP
    -A INPUT -m u32 ! --u32 "0x0>>0x16&0x3c@0x0>>0x18<<0x1=0x1" -j DROP
    -A INPUT -m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0" -j DROP
    -A INPUT -m hashlimit --hashlimit-above 10/sec --hashlimit-burst 20 --hashlimit-mode srcip,dstport --hashlimit-name x1 -j DROP
    -A INPUT -m hashlimit --hashlimit-upto 7/hour --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name x.2 --hashlimit-htable-expire 30000 --hashlimit-srcmask 24 -j DROP
    -A INPUT -m hashlimit --hashlimit-above 1mb/s --hashlimit-burst 5mb --hashlimit-mode srcport,dstip --hashlimit-name x3 --hashlimit-htable-size 100 --hashlimit-htable-max 200 --hashlimit-htable-gcinterval 5000 -j DROP
    -A INPUT -m hashlimit --hashlimit-upto 12336b/s --hashlimit-burst 24kb --hashlimit-mode dstip --hashlimit-name x4 --hashlimit-dstmask 0 -j DROP
    -A INPUT -m hashlimit --hashlimit-upto 100kb/s --hashlimit-mode srcip --hashlimit-name x5 -j DROP
    -A INPUT -m hashlimit --hashlimit-upto 3/sec --hashlimit-mode srcip --hashlimit-name x6 --hashlimit-rate-match --hashlimit-rate-interval 60 -j DROP
    -A INPUT -m quota ! --quota 5000000000 -j DROP
    -A INPUT -m connbytes --connbytes 1000:2000 --connbytes-mode bytes --connbytes-dir both -j DROP
    -A INPUT -m connbytes ! --connbytes 1000:2000 --connbytes-mode avgpkt --connbytes-dir reply -j DROP
    -A INPUT -m connbytes --connbytes 5 --connbytes-mode packets --connbytes-dir original -j DROP
    -A INPUT -m time --timestart 09:00 --timestop 18:00:05 --weekdays Mon,Tue -j DROP
    -A INPUT -m time --datestart 2024-02-29T23:59:59 --datestop 2027-12-31T10:00:00 --kerneltz -j DROP
    -A INPUT -m time --timestart 23:00 --timestop 01:00 --monthdays 1,15,31 --contiguous -j DROP
    -A INPUT -m socket -j DROP
    -A INPUT -m socket --transparent --nowildcard --restore-skmark -j DROP
    -A INPUT -m realm --realm 10 -j DROP
    -A INPUT -m realm ! --realm 0x1/0xf -j DROP
    -A OUTPUT -m cgroup --cgroup 5 -j DROP
    -A OUTPUT -m cgroup ! --path / -j DROP
    -A INPUT -m helper ! --helper "a b" -j DROP
    -A INPUT -m policy --dir in --pol none -j DROP
    -A INPUT -m policy --dir in --pol ipsec --reqid 1 --proto esp -j DROP
    -A OUTPUT -m policy --dir out --pol ipsec --strict --reqid 1 --spi 0x5 --proto esp --mode tunnel --tunnel-dst 10.0.0.0/8 ! --tunnel-src 10.0.0.1 --next --reqid 2 --mode transport -j DROP
    -A INPUT -p tcp -m tcpmss ! --mss 1:1000 -j DROP
    -A INPUT -p esp -m esp --espspi 1:5 -j DROP
    -A INPUT -p ah -m ah ! --ahspi 3 -j DROP
    -A INPUT -p sctp -m sctp --sport 1 ! --dport 80:90 -j DROP
    -A INPUT -p dccp -m dccp ! --dport 80 -j DROP
    -A INPUT -p tcp -m ecn --ecn-tcp-cwr ! --ecn-tcp-ece -j DROP
    -A INPUT -m ecn ! --ecn-ip-ect 1 -j DROP
    -A INPUT -j TEE --gateway 10.0.0.1 --oif eth0
    -A INPUT -p tcp -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460
    -A INPUT -j AUDIT --type reject
    """#

  static let version6 = """
    *nat
    -A PREROUTING ! -s fd00::/16 -d fd00:96::a/128 -p tcp -m tcp --dport 53 -j KUBE-SERVICES
    -A PREROUTING -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j KUBE-SERVICES
    -A PREROUTING -m conntrack --ctorigdst fd00:96::/112 -j KUBE-SERVICES
    -A KUBE-SERVICES -p tcp -m tcp -j DNAT --to-destination [fd00::5]:8080
    -A KUBE-SERVICES -j DNAT --to-destination fd00::5-fd00::9
    -A POSTROUTING -j MASQUERADE --random-fully
    -A POSTROUTING -p udp -j SNAT --to-source fd00::1
    *filter
    -A INPUT -m hl --hl-lt 5 -j REJECT --reject-with icmp6-adm-prohibited
    -A INPUT -s fd00::1/128 -j REJECT --reject-with icmp6-port-unreachable
    """

  /// Loads rules one by one, so that one that this kernel refuses costs only itself; returns their number.
  private func load(_ text: String, _ tool: String, in space: borrowing Lab.Namespace) throws -> Int {
    var loaded = 0
    var table = "filter"
    var chains: Set<String> = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("*") {
        table = String(line.dropFirst())
        continue
      }
      var words = try Self.words(line)
      for name in ["MYCHAIN", "KUBE-SERVICES", "KUBE-SEP-Y"]
      where words.contains(name) && chains.insert("\(table) \(name)").inserted {
        try space.run(tool, "-t", table, "-N", name)
      }
      words.insert(contentsOf: [tool, "-t", table], at: 0)
      do {
        try space.run(words)
        loaded += 1
      } catch {
        print("skipped: \(line): \(error)")
      }
    }
    return loaded
  }

  /// Words with double quotes, as a shell cuts them.
  private static func words(_ line: Substring) throws -> [String] {
    var words: [String] = []
    var word = ""
    var quoted = false
    var escaped = false
    for character in line {
      if escaped {
        word.append(character)
        escaped = false
      } else if character == "\\" {
        escaped = true
      } else if character == "\"" {
        quoted.toggle()
      } else if character == " ", !quoted {
        words.append(word)
        word = ""
      } else {
        word.append(character)
      }
    }
    return words + [word]
  }

  @Test(arguments: [
    ("iptables-nft", filter), ("iptables-nft", version4), ("iptables-nft", others), ("ip6tables-nft", version6),
  ])
  func spelledAsSaved(_ tool: String, _ rules: String) throws {
    let space = try Lab.Namespace("xt")
    _ = try? space.run("ipset", "create", "kp-test", "hash:ip,port", "timeout", "0")
    let loaded = try load(rules, tool, in: space)
    #expect(loaded > rules.split(separator: "\n").count / 2)
    let saved = try space.run("\(tool)-save")
    var dump = Snapshot(name: "save")
    IptablesSaveReader.read(
      saved, version: tool == "iptables-nft" ? .v4 : .v6, backend: .iptablesNft, into: &dump)
    dump.ruleset.finish()
    let kernel = try KernelSource.read(netns: space.name)
    #expect(lines(dump) == lines(kernel))
    #expect(dump.diagnostics.list.filter { $0.severity >= .warning }.isEmpty, "\(dump.diagnostics.list)")
    #expect(kernel.diagnostics.list.filter { $0.severity >= .warning }.isEmpty, "\(kernel.diagnostics.list)")
    // What was read lazily is the same, once everything is asked for.
    var lazy = try KernelSource.read(netns: space.name, lazily: true)
    var parts = UnreadParts()
    for chain in lazy.ruleset.chains.indices where lazy.ruleset.chains[chain].isUnread {
      parts.chains.insert(ChainID(chain))
    }
    try lazy.unreadRules?.read(parts, into: &lazy)
    #expect(lines(dump) == lines(lazy))
  }

  /// An extension that is not decoded must be named, and its rule must not match as if it were not there.
  @Test func whatIsNotDecodedIsNamed() throws {
    let space = try Lab.Namespace("opaque")
    try space.run(
      "iptables-nft", "-A", "INPUT", "-p", "sctp", "-m", "sctp", "--chunk-types", "any", "INIT", "-j", "DROP")
    let kernel = try KernelSource.read(netns: space.name)
    #expect(
      kernel.diagnostics.list.contains { $0.severity >= .warning && "\($0)".contains("match sctp of xtables") }
        || lines(kernel).contains { $0.contains("--chunk-types any INIT") },
      "\(kernel.diagnostics.list) \(lines(kernel))")
    let ruleset = kernel.ruleset
    let unknown = ruleset.rules.indices.filter { index in
      ruleset.clauses(of: ruleset.rules[index]).contains {
        if case .match(let match) = $0, case .unknown = match.test { true } else { false }
      }
    }
    #expect(unknown.count == 1)
  }

  /// Rules by table and chain.
  private func lines(_ snapshot: Snapshot) -> [String] {
    let ruleset = snapshot.ruleset
    return ruleset.chains.indices.flatMap { index in
      let chain = ruleset.chains[index]
      return ruleset.rules(of: ChainID(index)).map {
        "\(ruleset[chain.table].name): \(ruleset.sourceText(of: ruleset[$0]))"
      }
    }.sorted()
  }
}
