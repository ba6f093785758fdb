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

  @Test(arguments: [("iptables-nft", filter), ("iptables-nft", version4), ("ip6tables-nft", version6)])
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
