import Diagnosis
import Findings
import Foundation
import KernelLab
import PacketPath
import Snapshot
import Testing
import Wire

/// What kubepath prints as a fix is typed into the node, and the kernel is asked again.
@Suite(.enabled(if: LabAccess.permitted), .serialized)
struct FixKernelTests {
  /// A node on which the first flow fails; the others work, and must go on working.
  struct Broken: Sendable, CustomTestStringConvertible {
    var situation: Situation
    var testDescription: String { situation.name }

    init(
      _ name: String, _ rules: String, flows: [String], setup: [String] = [], sysctls: [String: String] = [:],
      sets: String = "", versions: [IPVersion] = [.v4, .v6], backends: [Backend] = [.nft]
    ) {
      situation = Situation(
        name, rules, flows: flows, setup: setup, sysctls: sysctls, sets: sets, versions: versions, backends: backends)
    }
  }

  private static let web = "eth0 tcp @client:40000 > @pod1:80"
  private static let other = "eth0 tcp @client2:40001 > @pod2:443"

  static let iptables: [Broken] = [
    Broken(
      "the policy of FORWARD", "*filter\n:FORWARD DROP\n-A FORWARD -p udp -j ACCEPT\n",
      flows: [web, "eth0 udp @client:5 > @pod1:53"]),
    Broken(
      "a rule for everything", "*filter\n-A FORWARD -i eth0 -j DROP\n", flows: [web, "veth1 tcp @pod1:9 > @pod2:80"]),
    Broken("a refusal", "*filter\n-A FORWARD -p tcp --dport 80 -j REJECT\n", flows: [web, other]),
    Broken(
      "a chain of its own", "*filter\n-A FORWARD -j GUARD\n-A GUARD -s @client -j DROP\n-A GUARD -j RETURN\n",
      flows: [web, other]),
    Broken(
      "a chain behind a goto", "*filter\n-A FORWARD -s @lan -g GUARD\n-A GUARD -p tcp --dport 80 -j DROP\n",
      flows: [web, other]),
    Broken("table mangle, forward", "*mangle\n-A FORWARD -d @pod1 -j DROP\n", flows: [web, other]),
    Broken("table mangle, prerouting", "*mangle\n-A PREROUTING -p tcp --dport 80 -j DROP\n", flows: [web, other]),
    Broken("table mangle, postrouting", "*mangle\n-A POSTROUTING -d @pod1 -p tcp -j DROP\n", flows: [web, other]),
    Broken("table raw", "*raw\n-A PREROUTING -s @client -j DROP\n", flows: [web, other]),
    Broken(
      "new connections only", "*filter\n-A FORWARD -m conntrack --ctstate NEW -p tcp --dport 80 -j DROP\n",
      flows: [web, other]),
    Broken(
      "a set", "*filter\n-A FORWARD -m set --match-set bad@6 src -j DROP\n", flows: [web, other],
      sets: "create bad@6 hash:ip family @inet\nadd bad@6 @client\n"),
    Broken(
      "a list of ports", "*filter\n-A FORWARD -p tcp -m multiport --dports 80,8080 -j DROP\n", flows: [web, other]),
    Broken(
      "Docker's policy",
      "*filter\n:FORWARD DROP\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER\n-A DOCKER-USER -j RETURN\n-A DOCKER -j RETURN\n",
      flows: [web]),
    Broken(
      "behind translation",
      "*nat\n-A PREROUTING -d @vip -p tcp --dport 80 -j DNAT --to-destination @pod1:8080\n*filter\n:FORWARD DROP\n-A FORWARD -p udp -j ACCEPT\n",
      flows: ["eth0 tcp @client:40000 > @vip:80", "eth0 udp @client:5 > @pod1:53"]),
    Broken(
      "a datagram", "*filter\n-A FORWARD -p udp --dport 53 -j DROP\n", flows: ["eth0 udp @client:5000 > @pod1:53", web]),
    Broken(
      "the node's own", "*filter\n-A OUTPUT -d @outside -p tcp -j REJECT\n",
      flows: ["local tcp @node:40000 > @outside:443", "local tcp @node:40000 > @outside2:443"]),
    Broken(
      "several filters of one table",
      "*filter\n:FORWARD DROP\n-A FORWARD -s @client2 -j ACCEPT\n-A FORWARD -d @client2 -j ACCEPT\n",
      flows: [web, other]),
  ]

  static let native: [Broken] = [
    Broken(
      "a policy of nft",
      "table inet fw { chain f { type filter hook forward priority 0; policy drop; udp dport 53 accept;\n}\n}",
      flows: [web, "eth0 udp @client:5 > @pod1:53"], versions: [.v4, .v6], backends: [.native]),
    Broken(
      "a rule of nft",
      "table @ip fw { chain f { type filter hook forward priority 0; policy accept; tcp dport 80 drop;\n}\n}",
      flows: [web, other], backends: [.native]),
    Broken(
      "a refusal of nft",
      "table @ip fw { chain f { type filter hook forward priority 0; policy accept; counter; tcp dport 80 reject;\n}\n}",
      flows: [web, other], backends: [.native]),
    Broken(
      "a chain of nft",
      "table @ip fw { chain g { @ip saddr @client drop;\n}\nchain f { type filter hook forward priority 0; policy accept; jump g;\n}\n}",
      flows: [web, other], backends: [.native]),
    Broken(
      "a set of nft",
      "table @ip fw { set bad { type @addr; elements = { @client };\n}\nchain f { type filter hook prerouting priority -150; policy accept; @ip saddr @bad drop;\n}\n}",
      flows: [web, other], versions: [.v4], backends: [.native]),
  ]

  static let settings: [Broken] = [
    Broken(
      "no forwarding", "", flows: ["eth0 tcp @client:40000 > @pod1:80"], sysctls: ["ipv4/ip_forward": "0"],
      versions: [.v4]),
    Broken(
      "no forwarding of IPv6", "", flows: ["eth0 tcp @client:40000 > @pod1:80"],
      sysctls: ["ipv6/conf/all/forwarding": "0"], versions: [.v6]),
    Broken(
      "a strict kernel", "", flows: ["eth1 tcp @client:40000 > @pod1:80"], sysctls: ["ipv4/conf/eth1/rp_filter": "1"],
      versions: [.v4]),
    Broken(
      "a strict kernel as a whole", "", flows: ["eth1 tcp @client:40000 > @pod1:80"],
      sysctls: ["ipv4/conf/all/rp_filter": "1"], versions: [.v4]),
  ]

  /// All situations in one: the sum counts.
  @Test func fixesWorkInTheKernel() throws {
    var worked = 0
    var printed = 0
    for broken in Self.iptables + Self.native + Self.settings {
      for backend in broken.situation.backends {
        for version in broken.situation.versions {
          let result = try play(broken, backend, version)
          printed += result.printed
          worked += result.worked
          // A situation of which nothing comes tests nothing.
          #expect(result.printed > 0, "\(broken.situation.name), \(backend.rawValue), \(version)")
        }
      }
    }
    print("fixes typed into the kernel: \(printed), of which \(worked) made the flow arrive")
    #expect(worked == printed)
    #expect(worked >= 30)
  }

  private func play(_ broken: Broken, _ backend: Backend, _ version: IPVersion) throws -> (printed: Int, worked: Int) {
    var situation = broken.situation
    situation.versions = [version]
    let name = "\(situation.name), \(backend.rawValue), \(version)"
    let before = try TemporaryFolder()
    var fixes: [String] = []
    let first = try situation.record(backend, into: before.path) { _ in
      fixes = try commands(before.path, situation, version)
    }
    #expect(!first.answers[0].arrives, "\(name): the flow that is to fail arrives")
    var worked = 0
    for fix in fixes {
      // On a new node: each fix must do alone.
      let folder = try TemporaryFolder()
      let after = try situation.record(
        backend, into: folder.path,
        prepare: { node in
          let done = try node.namespace.run { try runCommand(["bash", "-c", fix]) }
          #expect(done.status == 0, "\(name): \(fix): \(done.errors)")
        })
      if after.answers[0].arrives { worked += 1 }
      #expect(
        after.answers[0].arrives, "\(name): \(fix) does not help: \(after.answers[0].outcomes.keys.map { "\($0)" })")
      for (old, new) in zip(first.answers, after.answers).dropFirst() where old.arrives {
        #expect(new.arrives, "\(name): \(fix) breaks \(new.probe.json)")
      }
    }
    return (fixes.count, worked)
  }

  /// What kubepath prints for the first flow.
  private func commands(_ folder: String, _ situation: Situation, _ version: IPVersion) throws -> [String] {
    let snapshot = try #require(try SnapshotLoader.load([folder]).snapshots.first)
    let probe = try World(version).probe(situation.flows[0])
    var flow = Flow(
      ipProtocol: probe.ipProtocol, source: probe.source, sourcePort: probe.sourcePort, destination: probe.destination,
      destinationPort: probe.destinationPort, from: probe.from)
    flow.isFrame = !flow.isLocal
    let judge = Judge(snapshot)
    let (trace, judgement) = judge.judge(flow)
    #expect(!judgement.answer.isGood, "\(situation.name): \(judgement.answer) \(judgement.why)")
    return AnswerCauses.findings(judgement, trace, snapshot, nil).flatMap(\.fix).compactMap { $0.command?.text }
  }
}

extension Recording.Answer {
  /// The packet got through.
  fileprivate var arrives: Bool { outcomes.keys.allSatisfy { $0.verdict == .forward || $0.verdict == .deliver } }
}
