import Findings
import Foundation
import Input
import Intent
import PacketPath
import Snapshot
import Testing
import Wire

@testable import Diagnosis

/// A printed command does what it is printed for.
@Suite struct FixTests {
  /// Applies each command of the findings to a fresh model, and judges the traffic that the finding is about.
  static func check(_ findings: [Finding], _ context: CheckContext, _ what: String) -> (tried: Int, faults: [String]) {
    let names = NameResolver(context.intent)
    var tried = 0
    var faults: [String] = []
    for finding in findings {
      for fix in finding.fix {
        guard let command = fix.command, finding.occurrences.contains(where: { $0.traffic != nil }) else { continue }
        for node in context.nodes where finding.nodes.contains(node.name) {
          var trial = Trial(node.snapshot)
          do {
            try trial.apply(command.text)
          } catch {
            faults.append("\(what): \(finding.id): \(command): \(error)")
            continue
          }
          tried += 1
          let probe = FlowProbe(NodeModel(trial.snapshot, indexed: false), names)
          for occurrence in finding.occurrences where occurrence.node == node.name {
            guard let traffic = occurrence.traffic else { continue }
            let fare = probe.fare(traffic)
            if !fare.isGood {
              faults.append("\(what): \(finding.id): \(command): \(traffic): \(fare.kind) \(fare.why)")
            }
          }
        }
        let words = command.text.split(separator: " ").map(String.init)
        for (word, next) in zip(words, words.dropFirst()) {
          let isForeign =
            next.hasPrefix("KUBE-") || next.hasPrefix("cali-") || next.hasPrefix("ufw-") || next == "DOCKER"
          if ["-I", "-A"].contains(word) && isForeign || next == "kube-proxy" {
            faults.append("\(what): \(command) stands in what \(next)'s program rewrites")
          }
        }
      }
    }
    return (tried, faults)
  }

  /// Commands of everything that the checks find in broken fixtures.
  @Test func fixturesOfAllChecks() {
    var tried = 0
    for broken in CheckTests.cases {
      var fixture = ClusterFixture(broken.mode)
      broken.breaks(&fixture)
      let context = ClusterFixture.context([("a", fixture)])
      let result = Self.check(Diagnosis.run(context), context, "\(broken.id) in \(broken.mode.rawValue)")
      tried += result.tried
      #expect(result.faults == [])
    }
    #expect(tried >= 8)
  }

  /// Recorded nodes with host firewalls, and mutations of healthy ones.
  @Test(.enabled(if: Corpus.folder != nil)) func recordedNodes() throws {
    var tried = 0
    for scenario in Corpus.scenarios {
      let isBroken =
        scenario.hasPrefix("host-firewall") || scenario.hasPrefix("coexist") || scenario.hasPrefix("no-endpoints")
      let isMutated = scenario.hasPrefix("boutique") || scenario.hasPrefix("lb-etp-local-hcnp")
      guard isBroken || isMutated else { continue }
      let files = Corpus.files(scenario)
      let rules = scenario.hasSuffix("nftables") ? "nft-list-ruleset.txt" : "iptables-save.txt"
      var variants = [MutationTests.Mutation(name: "as recorded", files: files)]
      if isMutated {
        variants += [
          MutationTests.replaced(files, rules, ":FORWARD ACCEPT", ":FORWARD DROP"),
          MutationTests.replaced(files, rules, ":INPUT ACCEPT", ":INPUT DROP"),
          MutationTests.replaced(files, rules, "-A FORWARD ", "-A FORWARD -p tcp -j REJECT\n-A FORWARD "),
          MutationTests.replaced(files, "sysctl.txt", "net.ipv4.ip_forward = 1", "net.ipv4.ip_forward = 0"),
          MutationTests.appended(files, rules, Self.guardRules(rules)),
        ].compactMap { $0 }
      }
      for variant in variants {
        let context = Self.context(variant.files)
        let result = Self.check(Diagnosis.run(context), context, "\(scenario), \(variant.name)")
        tried += result.tried
        #expect(result.faults == [])
      }
    }
    print("fixes tried on recorded nodes: \(tried)")
    #expect(tried >= 30)
  }

  /// A firewall of nft's own that drops what is forwarded.
  private static func guardRules(_ rules: String) -> String {
    rules.hasPrefix("nft")
      ? "table inet guard {\n\tchain forward {\n\t\ttype filter hook forward priority 5; policy drop;\n\t}\n}\n"
      : "*mangle\n:FORWARD DROP [0:0]\nCOMMIT\n"
  }

  private static func context(_ files: [String: String]) -> CheckContext {
    var bundle = Bundle()
    bundle.snapshots = [
      SnapshotLoader.load(
        files.map { SourceFile(name: $0.key, text: $0.value) }.sorted { $0.name < $1.name }, name: "node-a")
    ]
    bundle.objectFiles = bundle.snapshots[0].objectFiles
    return CheckContext(bundle, intent: ObjectReader.read(bundle.objectFiles))
  }

  // MARK: What must not be printed

  /// kube-proxy in nftables mode refuses what has no endpoint: once, an accept rule was recommended inside its chains,
  /// which turned a refusal into a time-out.
  @Test(
    arguments: [
      ("10.77.0.5:80", "no-endpoints", "team/api:http", "no ready endpoint"),
      ("10.77.0.6:53/udp", "no-local-endpoints-external", "team/dns:udp", "no endpoint on this node"),
      ("10.77.0.9:8080", "port-not-served", nil, "port"),
      ("203.0.113.60:443", "source-ranges", "team/web:https", "refuses"),
    ] as [(String, String, String?, String)])
  func refusalsOfNftablesMode(_ target: String, _ id: String, _ service: String?, _ words: String) throws {
    var files = TrialTests.files
    files["iptables-save.txt"] = nil
    files["nft.txt"] = """
      table ip kube-proxy {
      \tset cluster-ips {
      \t\ttype ipv4_addr
      \t\telements = { 10.77.0.5, 10.77.0.6, 10.77.0.9 }
      \t}
      \tmap no-endpoint-services {
      \t\ttype ipv4_addr . inet_proto . inet_service : verdict
      \t\telements = { 10.77.0.5 . tcp . 80 comment "team/api:http" : goto reject-chain,
      \t\t\t     10.77.0.6 . udp . 53 comment "team/dns:udp" : drop }
      \t}
      \tmap firewall-ips {
      \t\ttype ipv4_addr . inet_proto . inet_service : verdict
      \t\telements = { 203.0.113.60 . tcp . 443 : goto firewall-ABCDEFGH-team/web/tcp/https }
      \t}
      \tchain filter-prerouting {
      \t\ttype filter hook prerouting priority -110; policy accept;
      \t\tct state new ip daddr . meta l4proto . th dport vmap @firewall-ips
      \t}
      \tchain filter-forward {
      \t\ttype filter hook forward priority -110; policy accept;
      \t\tct state new ip daddr . meta l4proto . th dport vmap @no-endpoint-services
      \t\tct state new jump cluster-ips-check
      \t}
      \tchain firewall-ABCDEFGH-team/web/tcp/https {
      \t\tip saddr != 198.51.100.0/24 drop
      \t}
      \tchain cluster-ips-check {
      \t\tip daddr @cluster-ips reject
      \t}
      \tchain reject-chain {
      \t\treject
      \t}
      }

      """
    let snapshot = SnapshotLoader.load(
      files.map { SourceFile(name: $0.key, text: $0.value) }.sorted { $0.name < $1.name }, name: "node-a")
    let judge = Judge(snapshot)
    let flow = try FlowText(names: nil).flow(to: target, from: "10.9.1.5", through: judge.tracer)
    let (trace, judgement) = judge.judge(flow)
    let finding = try #require(AnswerCauses.findings(judgement, trace, snapshot, nil).first)
    #expect(finding.id == id)
    #expect(finding.occurrences.first?.service == service)
    #expect(finding.problem.contains(words), "\(finding.problem)")
    #expect(finding.fix.allSatisfy { $0.command == nil } && !finding.fix.isEmpty)
  }

  /// What other programs keep is mended their way.
  @Test(arguments: [
    ("-A FORWARD -j cali-FORWARD\n-A cali-FORWARD -j DROP", "Calico writes this chain for a policy"),
    ("-A FORWARD -j KUBE-POD-FW-X\n-A KUBE-POD-FW-X -j REJECT", "kube-router writes this chain"),
    (
      "-A FORWARD -j ufw-before-forward\n-A ufw-before-input -j RETURN\n-A ufw-before-forward -j DROP",
      "ufw route allow"
    ),
    ("-A FORWARD -j FORWARD_direct\n-A FORWARD_direct -j DROP", "firewall-cmd --permanent"),
    ("-A FORWARD -j DOCKER\n-A DOCKER -j DROP", "Docker keeps this chain"),
    ("-A FORWARD -j KUBE-FORWARD\n-A KUBE-FORWARD -j DROP", "kube-proxy keeps this chain"),
  ])
  func ownersWays(_ rules: String, _ words: String) throws {
    let finding = try #require(try Self.finding(rules, policy: "ACCEPT"))
    #expect(finding.fix.allSatisfy { $0.command == nil }, "\(finding.fix)")
    #expect(finding.fix.contains { $0.text.contains(words) }, "\(finding.fix)")
  }

  @Test func dockersUserChainIsForUsers() throws {
    let finding = try #require(
      try Self.finding(
        "-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER\n-A DOCKER-USER -j RETURN\n-A DOCKER -j RETURN", policy: "DROP"
      ))
    #expect(
      finding.fix.first?.command?.text.hasPrefix("iptables -t filter -I DOCKER-USER -s 10.9.1.5 -d 198.51.100.7")
        == true)
  }

  /// What kube-proxy writes for changed objects is not modelled: no command is promised to help.
  @Test func changesOfObjectsAreAdvice() throws {
    for broken in CheckTests.cases where broken.id.hasPrefix("no-local-endpoints") {
      var fixture = ClusterFixture(broken.mode)
      broken.breaks(&fixture)
      let finding = try #require(fixture.findings(only: [broken.id]).first)
      #expect(finding.fix.count == 1 && finding.fix[0].command == nil)
      #expect(finding.fix[0].text.contains("TrafficPolicy\":\"Cluster\""), "\(finding.fix)")
    }
  }

  /// Chance picks one of several endpoints: all of them are let through.
  @Test func everyEndpointIsLetThrough() throws {
    let rules = """
      # Generated by iptables-save v1.8.9 (nf_tables)
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      -A FORWARD -p tcp -m tcp --dport 8080 -j REJECT
      COMMIT
      *nat
      :PREROUTING ACCEPT [0:0]
      :INPUT ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :POSTROUTING ACCEPT [0:0]
      -A PREROUTING -d 10.77.0.1 -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 198.51.100.7:8080
      -A PREROUTING -d 10.77.0.1 -p tcp -j DNAT --to-destination 198.51.100.8:8080
      -A POSTROUTING -s 10.9.0.0/16 -j MASQUERADE
      COMMIT

      """
    let snapshot = TrialTests.node(["iptables-save.txt": rules, "nft.txt": "table inet x {\n}\n"])
    let judge = Judge(snapshot)
    let (trace, judgement) = judge.judge(
      Flow(
        ipProtocol: .tcp, source: IPAddress("10.9.1.5")!, sourcePort: 40000, destination: IPAddress("10.77.0.1")!,
        destinationPort: 80, from: "cni0"))
    let finding = try #require(AnswerCauses.findings(judgement, trace, snapshot, nil).first)
    let command = try #require(finding.fix.compactMap(\.command).first).text
    #expect(command.contains("-d 198.51.100.7 ") && command.contains("-d 198.51.100.8 "), "\(command)")
  }

  /// The narrowest first; where answers are dropped too, it lets them pass.
  @Test func theNarrowestThatWorks() throws {
    let alone = try #require(try Self.finding("-A FORWARD -p tcp --dport 80 -j DROP", policy: "ACCEPT"))
    #expect(
      alone.fix.compactMap(\.command).map(\.text) == [
        "iptables -t filter -I FORWARD 1 -s 10.9.1.5 -d 198.51.100.7 -p tcp --dport 80 -j ACCEPT"
      ])
    let both = try #require(try Self.finding("-A FORWARD -p udp -j ACCEPT", policy: "DROP"))
    #expect(
      both.fix.compactMap(\.command).map(\.text).first?.contains("--ctstate ESTABLISHED,RELATED -j ACCEPT") == true)
  }

  private static func finding(_ rules: String, policy: String) throws -> Finding? {
    var chains: Set<String> = []
    for line in rules.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      chains.insert(words[1])
      if let at = words.firstIndex(of: "-j"),
        words[at + 1].contains(where: \.isLowercase) || words[at + 1].contains("-")
      {
        chains.insert(words[at + 1])
      }
    }
    chains.remove("FORWARD")
    let text =
      "# Generated by iptables-save v1.8.9 (nf_tables)\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD \(policy) [0:0]\n:OUTPUT ACCEPT [0:0]\n"
      + chains.sorted().map { ":\($0) - [0:0]\n" }.joined() + rules + "\nCOMMIT\n"
    let snapshot = TrialTests.node(["iptables-save.txt": text, "nft.txt": "table inet x {\n}\n"])
    let judge = Judge(snapshot)
    let (trace, judgement) = judge.judge(
      Flow(
        ipProtocol: .tcp, source: IPAddress("10.9.1.5")!, sourcePort: 40000, destination: IPAddress("198.51.100.7")!,
        destinationPort: 80, from: "cni0"))
    return AnswerCauses.findings(judgement, trace, snapshot, nil).first
  }
}
