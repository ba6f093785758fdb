import Input
import KernelSource
import Ruleset
import Testing

@testable import Snapshot

/// What iptables itself prints of the same rules in its several forms, read.
@Suite(.enabled(if: Lab.isAvailable && Tool.find("iptables") != nil)) struct ListingTests {
  private static let rules = [
    "-t filter -N OWN", "-t filter -P FORWARD DROP", "-A INPUT -p tcp --dport 22 -j ACCEPT",
    "-A INPUT -p tcp --dport 80:90 --sport 1024: -j ACCEPT", "-A INPUT ! -i lo -s 10.0.0.0/8 ! -d 192.0.2.1 -j DROP",
    "-A INPUT -p tcp -m multiport --dports 80,443 -j OWN", "-A INPUT -p udp -m multiport ! --sports 53 -j OWN",
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A INPUT -m conntrack ! --ctstate INVALID -j RETURN",
    "-A INPUT -m state --state NEW -j RETURN", "-A FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT",
    "-A FORWARD -m mark ! --mark 0x1 -j ACCEPT", "-A FORWARD -m addrtype --dst-type LOCAL -j DROP",
    "-A FORWARD -m addrtype ! --src-type LOCAL --limit-iface-in -j DROP",
    "-A FORWARD -m iprange --src-range 10.0.0.1-10.0.0.9 -j DROP",
    "-A FORWARD -m iprange ! --dst-range 10.0.0.1-10.0.0.9 -j DROP",
    "-A FORWARD -p icmp --icmp-type 8 -j ACCEPT", "-A FORWARD -p icmp --icmp-type 3/1 -j ACCEPT",
    "-A FORWARD -p tcp --tcp-flags SYN,RST SYN -j ACCEPT", "-A FORWARD -p tcp ! --syn -j ACCEPT",
    "-A FORWARD -m statistic --mode random --probability 0.5 -j OWN",
    "-A FORWARD -m statistic --mode nth --every 3 --packet 1 -j OWN",
    "-A FORWARD -m comment --comment 'a b' -j REJECT --reject-with tcp-reset -p tcp",
    "-A FORWARD -m physdev --physdev-is-bridged -j ACCEPT",
    "-A FORWARD -m length --length 100:200 -j DROP", "-A FORWARD -g OWN", "-A FORWARD -p 132 -j DROP",
    "-A FORWARD -s 10.0.0.1",
    "-A FORWARD -m limit --limit 3/min --limit-burst 7 -j LOG --log-prefix 'x y '",
    "-A OUTPUT -m owner --uid-owner 0 -j ACCEPT",
    "-A OUTPUT -p all -f -j DROP", "-t nat -N SVC", "-t nat -A PREROUTING -j SVC",
    "-t nat -A SVC -p tcp --dport 80 -j DNAT --to-destination 10.244.1.5:8080",
    "-t nat -A SVC -p tcp --dport 81 -j DNAT --to-destination 10.244.1.5-10.244.1.9 --persistent",
    "-t nat -A OUTPUT -p tcp -j REDIRECT --to-ports 15001",
    "-t nat -A POSTROUTING -o eth0 -j MASQUERADE --random-fully",
    "-t nat -A POSTROUTING -s 10.0.0.1 -j SNAT --to-source 192.0.2.1",
    "-t mangle -A PREROUTING -j MARK --set-xmark 0x4000/0x4000", "-t mangle -A PREROUTING -j MARK --or-mark 0x8",
    "-t mangle -A PREROUTING -j CONNMARK --save-mark", "-t mangle -A PREROUTING -j CONNMARK --restore-mark --mask 0xf",
    "-t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
    "-t raw -A PREROUTING -d 169.254.20.10 -j CT --notrack",
  ]

  @Test(arguments: ["-S", "-L -n -v", "-L -n -v --line-numbers", "-L -v -n -x"]) func everyFormSaysTheSame(
    _ form: String
  ) throws {
    let space = try Lab.Namespace("listing")
    for line in Self.rules { try space.run(["sh", "-c", "iptables \(line)"]) }
    let save = try space.run("iptables-save")
    var text = ""
    for table in ["filter", "nat", "mangle", "raw"] {
      let file = try space.run(["iptables", "-t", table] + form.split(separator: " ").map(String.init))
      text += "root@node-a:~# iptables -t \(table) \(form)\n" + file.text(0..<file.bytes.count) + "\n"
    }
    let expected = spelled(SnapshotLoader.load([save], name: "save"))
    let found = SnapshotLoader.load([SourceFile(name: "ticket", text: text)], name: "ticket")
    let own = spelled(found)
    #expect(own.count == expected.count)
    for (a, b) in zip(own, expected) { #expect(a == b) }
    #expect(!found.hasUnreadRules, "\(found.unread)")
  }

  /// What LOG and TCPMSS write decides nothing and is not read out of a listing.
  private static let undecided: Set<Substring> = ["--log-prefix", "x", "y", "--clamp-mss-to-pmtu"]

  /// Each rule's clauses in words, in any order: a listing prints a rule's parts in an order of its own.
  private func spelled(_ snapshot: Snapshot) -> [String] {
    let ruleset = snapshot.ruleset
    var printer = NftPrinter(ruleset)
    printer.spellsFromClauses = true
    return ruleset.chains.indices.flatMap { index -> [String] in
      let chain = ChainID(index)
      let name =
        "\(ruleset[ruleset[chain].table].name) \(ruleset.name(of: chain)) \(ruleset.base(of: chain)?.policyDrops ?? false)"
      return [name]
        + ruleset.rules(of: chain).enumerated().map { position, rule in
          "\(name) \(position + 1): "
            + printer.text(of: ruleset[rule]).split(separator: " ")
            .filter { !Self.undecided.contains($0) }.sorted().joined(separator: " ")
        }
    }.sorted()
  }
}
