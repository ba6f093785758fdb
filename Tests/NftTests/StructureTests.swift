import Input
import Ruleset
import Snapshot
import Testing
import Wire

@Suite("nft: tables, chains, sets")
struct NftStructureTests {
  static let dump = """
    table ip kube-proxy { # handle 1
    	comment "rules for kube-proxy"
    	set cluster-ips {
    		type ipv4_addr
    		comment "Active ClusterIPs"
    		elements = { 10.96.0.1, 10.96.0.10,
    			     10.96.0.11 }
    	}

    	map service-ips {
    		type ipv4_addr . inet_proto . inet_service : verdict
    		elements = { 10.96.0.1 . tcp . 443 comment "default/kubernetes:https" : goto service-AB-default/kubernetes/tcp/https,
    			     10.96.0.10 . udp . 53 : drop }
    	}

    	set affinity {
    		type ipv4_addr
    		size 65535
    		flags dynamic,timeout
    		timeout 3h
    		elements = { 10.0.0.7 timeout 3h expires 2h59m }
    	}

    	chain nat-prerouting { # handle 5
    		type nat hook prerouting priority dstnat - 10; policy accept;
    		jump services
    	}

    	chain services {
    		ip daddr . meta l4proto . th dport vmap @service-ips # handle 9
    	}

    	chain service-AB-default/kubernetes/tcp/https {
    		ip daddr 10.96.0.1 tcp dport 443 ip saddr != 10.128.0.0/10 jump services
    		ip saddr @affinity drop
    	}
    }
    table inet sleeping {
    	flags dormant
    	chain in {
    		type filter hook ingress device "eth0" priority filter; policy drop;
    	}
    }

    """

  @Test func kubeProxy() throws {
    let reading = Reading(Self.dump)
    #expect(reading.messages == [])
    let ruleset = reading.ruleset
    #expect(ruleset.tables.map(\.name) == ["kube-proxy", "sleeping"])
    #expect(ruleset.tables.map(\.backend) == [.nft, .nft])
    #expect(ruleset.tables[0].comment == "rules for kube-proxy")
    #expect(ruleset.tables[1].dormant)
    let base = try #require(reading.chain("nat-prerouting").flatMap { ruleset.base(of: $0) })
    #expect(base == BaseChain(type: .nat, hook: .prerouting, priority: -110, policyDrops: false))
    let ingress = try #require(reading.chain("in").flatMap { ruleset.base(of: $0) })
    #expect(ingress == BaseChain(type: .filter, hook: .ingress, priority: 0, policyDrops: true, devices: ["eth0"]))
    let ips = try #require(reading.set("cluster-ips"))
    #expect(ips.lows == [0x0A60_0001, 0x0A60_000A, 0x0A60_000B].map { Bits128(UInt32($0)) })
    #expect(ips.highs.isEmpty && ips.properties == ["comment \"Active ClusterIPs\""])
    let map = try #require(reading.set("service-ips"))
    #expect(map.components == 3 && map.count == 2 && map.comments == [0: "default/kubernetes:https"])
    let service = try #require(reading.chain("service-AB-default/kubernetes/tcp/https"))
    guard case .verdicts(let verdicts) = map.data else {
      Issue.record("no verdicts")
      return
    }
    #expect(verdicts == [.goto(service), .drop])
    let affinity = try #require(reading.set("affinity"))
    #expect(affinity.flags == [.dynamic, .timeout, .volatile])
    #expect(affinity.annotations == [0: "timeout 3h expires 2h59m"])
    #expect(reading.rules("services").map(\.line) == [30])
    #expect(
      reading.rules("services").map { ruleset.sourceText(of: $0) } == [
        "ip daddr . meta l4proto . th dport vmap @service-ips"
      ])
  }

  @Test func printedAgain() {
    let printed = NftPrinter.print(Reading(Self.dump).ruleset)
    let again = NftPrinter.print(Reading(printed).ruleset)
    #expect(printed == again)
    let spelled = NftPrinter.print(Reading(Self.dump).ruleset, fromClauses: true)
    #expect(spelled == NftPrinter.print(Reading(spelled).ruleset, fromClauses: true))
    #expect(spelled.contains("ip daddr 10.96.0.1 tcp dport 443 ip saddr != 10.128.0.0/10 jump services"))
  }

  @Test func ownership() {
    let reading = Reading(
      """
      table ip filter {
      	chain FORWARD {
      		type filter hook forward priority filter; policy accept;
      		xt match "conntrack" counter packets 0 bytes 0 accept
      		xt match "comment" accept
      	}
      }
      table ip mangle {
      	chain PREROUTING {
      		type filter hook prerouting priority mangle; policy accept;
      	}
      }
      table ip nat {
      	chain mine {
      		type nat hook prerouting priority dstnat; policy accept;
      	}
      }
      """)
    #expect(reading.ruleset.tables.map(\.backend) == [.iptablesNft, .iptablesNft, .nft])
    #expect(Unmodelled(reading.ruleset).texts == ["xt match \"conntrack\""])
    let warned = Reading(
      "# Warning: table ip nat is managed by iptables-nft, do not touch!\ntable ip nat {\n\tchain OUTPUT {\n"
        + "\t\ttype nat hook output priority -100; policy accept;\n\t}\n}\n")
    #expect(warned.ruleset.tables.map(\.backend) == [.iptablesNft])
    // A target and a comment that nft 1.0 leaves out.
    let hidden = Reading(
      "table ip nat {\n\tchain KUBE-SEP {\n\t\tmeta l4proto tcp   counter packets 0 bytes 0 \n\t}\n}\n")
    #expect(hidden.ruleset.tables.map(\.backend) == [.iptablesNft])
    #expect(
      Unmodelled(hidden.ruleset).texts == ["xt match (not printed by nft)", "xt target (not printed by nft)"])
  }

  @Test func inputFiles() {
    let reading = Reading(
      """
      flush ruleset
      define lan = { 10.0.0.0/8, \\
        192.168.0.0/16 }
      define port = 80
      add table ip t
      add chain ip t c { type filter hook input priority 0 ; policy drop ; }
      add set ip t s { type ipv4_addr ; }
      add element ip t s { 1.1.1.1, 2.2.2.2 }
      add rule ip t c tcp dport $port accept
      add rule ip t c ip saddr $lan accept
      insert rule ip t c ip saddr @s drop
      delete chain ip t nothing
      include "other.nft"
      """)
    #expect(
      reading.messages == [
        "nft.txt:12: 'delete' is not followed: delete chain ip t nothing",
        "nft.txt:13: include is not followed; give the file itself",
      ])
    #expect(
      reading.spelled() == [
        "ip saddr @s drop", "tcp dport 80 accept", "ip saddr { 10.0.0.0/8, 192.168.0.0/16 } accept",
      ])
    #expect(reading.set("s")?.count == 2)
    #expect(reading.chain("c").flatMap { reading.ruleset.base(of: $0) }?.policyDrops == true)
  }

  @Test func mapsWithWildcards() {
    let reading = Reading(
      .ip, rule: "snat to ip saddr . ip daddr map { 10.141.0.0/24 . 10.0.0.0/8 : 192.168.0.2, * : 192.168.0.3 }")
    #expect(reading.messages == [])
    #expect(reading.ruleset.sets.last?.catchAll == 1)
  }

  @Test func objects() {
    let reading = Reading(
      """
      table inet t {
      	flowtable f {
      		hook ingress priority filter
      		devices = { eth0, eth1 }
      	}
      	ct helper ftp {
      		type "ftp" protocol tcp
      		l3proto ip
      	}
      	counter hits {
      		packets 12 bytes 1433
      	}
      }
      """)
    #expect(reading.messages == [])
    #expect(reading.ruleset.objects.map(\.kind) == ["flowtable", "ct helper", "counter"])
    #expect(reading.ruleset.objects.map(\.text)[1] == "type \"ftp\" protocol tcp\nl3proto ip")
  }
}

@Suite("nft: malformed input")
struct NftMalformedTests {
  @Test func unbalanced() {
    let reading = Reading("table ip t {\n\tchain c {\n\t\tip saddr 10.0.0.1 accept\n")
    #expect(
      reading.messages == [
        "nft.txt:2: expected '}' for chain c, found the end of the file",
        "nft.txt:1: expected '}' for table, found the end of the file",
      ])
    #expect(reading.rules("c").count == 1)
    let extra = Reading("table ip t {\n}\n}\ntable ip u {\n}\n")
    #expect(extra.messages == ["nft.txt:3: expected 'table' or a command such as 'add rule', found '}'"])
    #expect(extra.ruleset.tables.count == 2)
  }

  @Test func unknownWords() {
    let reading = Reading(.ip, rule: "ip saddr 10.0.0.1 frobnicate hard accept\n\t\tip saddr 10.0.0.2 drop")
    #expect(reading.messages == ["nft.txt:6: expected a key such as ip daddr, or a statement, found 'frobnicate'"])
    // Never silently true: what was not understood is an unknown match.
    #expect(Unmodelled(reading.ruleset).texts == ["frobnicate hard accept"])
    #expect(reading.rules("c").count == 2)
  }

  @Test func missingChain() {
    let reading = Reading(.ip, rule: "jump nowhere")
    #expect(reading.messages == ["nft.txt:6: chain nowhere does not exist in table t"])
    let set = Reading(.ip, rule: "ip saddr @nothing accept")
    #expect(set.messages == ["nft.txt:6: set nothing is not declared in table t"])
    #expect(set.set("nothing")?.flags.contains(.volatile) == true)
  }

  @Test func badElements() {
    let reading = Reading(
      .ip, rule: "ip saddr @s accept", with: "set s {\n type ipv4_addr\n elements = { 1.1.1.1, bogus, 3.3.3.3 }\n }")
    #expect(reading.messages == ["nft.txt:4: expected a value of type ipv4_addr, found 'bogus'"])
    #expect(reading.set("s")?.count == 2)
  }

  /// What cannot be understood is quoted in reports, but never by the megabyte.
  @Test func longLine() {
    let word = String(repeating: "a", count: 5_000_000)
    let reading = Reading(.ip, rule: "\(word) drop\n\t\ttcp dport 80 accept")
    #expect(reading.messages.count == 1 && reading.messages[0].utf8.count < 200)
    #expect(reading.messages[0].hasPrefix("nft.txt:6: expected a key such as ip daddr, or a statement, found 'aaaa"))
    let texts = Unmodelled(reading.ruleset).texts
    #expect(texts.count == 1 && texts[0].utf8.count < 3000 && texts[0].hasSuffix("(5000005 bytes)"))
    #expect(reading.rules("c").count == 2)
    let json = Reading(
      json:
        #"{"nftables": [{"table": {"family": "ip", "name": "t"}}, {"chain": {"family": "ip", "table": "t", "name": "c"}},"#
        + #"{"rule": {"family": "ip", "table": "t", "chain": "c", "expr": [{"match": {"op": "==", "left": {"meta": {"key": ""#
        + word + #""}}, "right": 1}}, {"drop": null}]}}]}"#)
    #expect(json.messages.count == 1 && json.messages[0].utf8.count < 200)
    #expect(Unmodelled(json.ruleset).texts.allSatisfy { $0.utf8.count < 3000 })
  }

  /// The kernel refuses loops; a dump that holds one is read, and the loop kept for the walk to name.
  @Test func jumpLoop() {
    let reading = Reading("table ip t {\n\tchain a {\n\t\tjump b\n\t}\n\tchain b {\n\t\tgoto a\n\t}\n}\n")
    #expect(reading.messages == [])
    #expect(reading.spelled("a") == ["jump b"] && reading.spelled("b") == ["goto a"])
  }

  @Test func deepNesting() {
    let reading = Reading(.ip, rule: String(repeating: "(", count: 10_000) + "1")
    #expect(reading.snapshot.diagnostics.list.count >= 1)
    let blocks = Reading(.ip, rule: String(repeating: "jump { ", count: 5_000))
    #expect(blocks.snapshot.diagnostics.list.count >= 1)
  }

  @Test func hugeSet() {
    let elements = (0..<200_000).map { "10.\($0 >> 16).\($0 >> 8 & 255).\($0 & 255)" }.joined(separator: ", ")
    let reading = Reading(
      .ip, rule: "ip saddr @s accept", with: "set s {\n type ipv4_addr\n elements = { \(elements) }\n }")
    #expect(reading.messages == [])
    #expect(reading.set("s")?.count == 200_000)
  }
}
