import Findings
import Wire

/// DNS: questions without an answer, the race of A and AAAA with its 5 s retry, answers that are errors.
struct DNSDetector: Detector {
  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    var late = Tally<IPAddress>()
    var silent = Tally<IPAddress>()
    var refused = Tally<IPAddress>()
    var slow = Tally<IPAddress>()
    var lost = Tally<IPAddress>()
    for index in 0..<facts.dns.queries.count {
      let q = facts.dns.queries.pointer(index).pointee
      let delay = (q.answerTime < 0 ? q.lastTime : q.answerTime) &- q.firstTime
      if facts.dns.askedInVain.contains(index) {
        let (client, server) = (facts.dns.client(of: q), facts.dns.server(of: q))
        lost.add(
          server, client: client, amount: Int64(q.repeats),
          example: .init(
            frames: [q.firstFrame, q.answerFrame, q.repeatFrame],
            text: "\(client) asked for \(facts.dns.names.domain(q.name)) \(Self.type(q)), \(server) answered after "
              + "\(seconds(q.answerTime &- q.firstTime)), and the same question came again", filter: Self.filter(q)))
        continue
      }
      // A server that answers nobody is no race: resolvers repeat after 5 s then as well.
      if q.repeats > 0, q.lastTime &- q.firstTime > 4_500_000_000, q.lastTime &- q.firstTime < 16_000_000_000,
        q.answerTime >= 0 || facts.dns.asked[Int(q.server)].answers > 0
      {
        let (client, server) = (facts.dns.client(of: q), facts.dns.server(of: q))
        late.add(
          server, client: client, amount: delay,
          example: .init(
            frames: [q.firstFrame, q.repeatFrame, q.answerFrame],
            text:
              "\(client) port \(q.clientPort) asked for \(facts.dns.names.domain(q.name)) \(Self.type(q)), again after "
              + "\(seconds(q.lastTime &- q.firstTime))" + (q.answerTime < 0 ? ", no answer" : ", answered then"),
            filter: Self.filter(q)))
      } else if q.answerTime < 0, q.lastTime < facts.end &- 2_000_000_000 || q.repeats > 0 {
        let (client, server) = (facts.dns.client(of: q), facts.dns.server(of: q))
        silent.add(
          server, client: client, amount: Int64(q.repeats) + 1,
          example: .init(
            frames: [q.firstFrame, q.repeatFrame],
            text: "\(client) asked \(server) for \(facts.dns.names.domain(q.name)) \(Self.type(q))"
              + (q.repeats > 0 ? ", \(q.repeats + 1) times" : ""),
            filter: Self.filter(q)))
      } else if q.answerTime >= 0, delay > 1_000_000_000 {
        let (client, server) = (facts.dns.client(of: q), facts.dns.server(of: q))
        slow.add(
          server, client: client, amount: delay,
          example: .init(
            frames: [q.firstFrame, q.answerFrame],
            text:
              "\(facts.dns.names.domain(q.name)) \(Self.type(q)): answered by \(server) after \(seconds(delay))",
            filter: Self.filter(q)))
      } else if q.responseCode == 2 || q.responseCode == 5 {
        let (client, server) = (facts.dns.client(of: q), facts.dns.server(of: q))
        refused.add(
          server, client: client,
          example: .init(
            frames: [q.answerFrame, q.firstFrame],
            text:
              "\(facts.dns.names.domain(q.name)) \(Self.type(q)): \(q.responseCode == 2 ? "SERVFAIL" : "REFUSED") from \(server)",
            filter: Self.filter(q)))
      }
    }
    var list: [Finding] = lost.top(2).map { Self.lostAnswers($0, $1, facts) }
    list += DNSNameErrors.findings(facts)
    for (server, entry) in late.top(2) {
      list.append(
        Finding(
          id: "dns-five-second-delay", severity: entry.count > 1 ? .error : .warning,
          confidence: entry.count > 1 ? .likely : .possible,
          subject: .init(kind: "DNS", name: server.description, address: server, port: "53"),
          problem:
            "\(plural(entry.count, "DNS question")) to \(server) \(entry.count == 1 ? "was" : "were") repeated after 5 s: "
            + "lookups hang that long",
          cause:
            "one of two questions sent at once from one socket (A and AAAA) is lost ← a race in conntrack when both get "
            + "their NAT binding (insert_failed)",
          evidence: facts.evidence([(server, entry)]),
          fix: [
            .advice(
              "NodeLocal DNSCache, or resolv.conf \"options single-request-reopen\" (glibc); a kernel with the fixes of 5.0"
            )
          ], verify: ["conntrack -S | grep -o 'insert_failed=[0-9]*'  # must not grow"],
          reference: "kubernetes/kubernetes#56903"))
    }
    for (server, entry) in silent.top(3) {
      let all = facts.dns.servers.firstIndex(of: server).map { facts.dns.asked[$0].questions } ?? entry.count
      // No answer anywhere and nobody who asks again: more likely a capture of one direction.
      let believed = facts.counts.dnsResponses > 0 || entry.total > Int64(entry.count)
      list.append(
        Finding(
          id: "dns-unanswered", severity: believed ? .error : .warning,
          confidence: believed && entry.count == all ? .likely : .possible,
          subject: .init(kind: "DNS", name: server.description, address: server, port: "53"),
          problem: "\(entry.count) of \(plural(all, "DNS question")) to \(server) got no answer",
          cause: entry.count == all
            ? "\(server) does not answer at all ← CoreDNS is down, its Service has no endpoints, or UDP 53 is dropped"
            : "some questions or answers are lost ← conntrack races or a full table, an overloaded CoreDNS, lost fragments",
          evidence: facts.evidence(
            [(server, entry)],
            filter:
              "dns.flags.response==0 && !dns.response_in && \(server.version == .v4 ? "ip" : "ipv6").dst==\(server)"),
          fix: [
            .advice(
              "see whether CoreDNS runs and is ready: kubectl -n kube-system get pods,endpointslices -l k8s-app=kube-dns"
            )
          ],
          verify: ["dig @\(server) kubernetes.default.svc.cluster.local +tries=1"]))
    }
    for (server, entry) in refused.top(2) {
      list.append(
        Finding(
          id: "dns-failure", severity: .warning, confidence: .certain,
          subject: .init(kind: "DNS", name: server.description, address: server, port: "53"),
          problem: "\(plural(entry.count, "DNS question")) to \(server) answered by SERVFAIL or REFUSED",
          cause: "the resolver cannot ask further ← its upstream is unreachable, or it does not serve these clients",
          evidence: facts.evidence([(server, entry)]),
          fix: [.advice("look at forward in the Corefile, and at kubectl -n kube-system logs -l k8s-app=kube-dns")],
          verify: ["dig @\(server) kubernetes.default.svc.cluster.local"]))
    }
    for (server, entry) in slow.top(2) {
      list.append(
        Finding(
          id: "dns-service", severity: .warning, confidence: .certain,
          subject: .init(kind: "DNS", name: server.description, address: server, port: "53"),
          problem:
            "\(plural(entry.count, "DNS answer")) from \(server) came later than 1 s, at most after \(seconds(entry.worst))",
          cause:
            "the resolver waits for its own upstream, or is overloaded ← CoreDNS' CPU limit, a forwarder that is slow",
          evidence: facts.evidence([(server, entry)]),
          fix: [
            .advice(
              "look at forward and cache in the Corefile, and at kubectl -n kube-system top pods -l k8s-app=kube-dns")
          ],
          verify: ["dig @\(server) kubernetes.default.svc.cluster.local  # Query time"]))
    }
    if facts.dns.searchExpansions >= 5 {
      list.append(
        Finding(
          id: "dns-service", severity: .info, confidence: .certain, subject: .init(kind: "DNS"),
          problem: "\(facts.dns.searchExpansions) NXDOMAIN answers for outside names with a cluster suffix",
          cause: "each outside name is first tried with every search domain ← ndots:5 in the Pods' resolv.conf",
          evidence: [
            facts.evidence(facts.dns.searchFrame, facts.dns.names.domain(facts.dns.searchName)),
            facts.filterEvidence("dns.flags.rcode==3"),
          ],
          fix: [.advice("end outside names with a dot, or set dnsConfig options ndots:2 in the Pod")],
          verify: ["kubepath capture --live any --filter 'udp port 53'  # fewer NXDOMAIN answers"]))
    }
    return list
  }

  private static func lostAnswers(
    _ server: IPAddress, _ entry: Tally<IPAddress>.Entry, _ facts: borrowing CaptureAnalyzer
  ) -> Finding {
    let client = entry.clients.keys.first.map(\.description) ?? "CLIENT"
    return Finding(
      id: "dns-answers-lost", severity: .error, confidence: .likely,
      subject: .init(kind: "DNS", name: server.description, address: server, port: "53"),
      problem:
        "\(server) answers \(plural(entry.count, "DNS question")) and the client asks again: the answers do not arrive",
      cause:
        "what leaves \(server) is dropped on its way to the client ← a policy or firewall that lets questions through and no "
        + "answers, a return path that differs, a conntrack entry that is missing where NAT is undone",
      evidence: facts.evidence([(server, entry)]),
      fix: [
        .advice(
          "follow the answer: kubepath trace \(client) --from \(server) -p udp --source-port 53 -s NODE/ on each node of the way back"
        ),
        .advice("capture on the client's side too, and give both files: kubepath capture CLIENT.pcap SERVER.pcap"),
      ], verify: ["dig @\(server) kubernetes.default.svc.cluster.local +tries=1  # on the client"])
  }

  private static func filter(_ query: DNSQuery) -> String { "dns.id==0x" + String(query.identifier, radix: 16) }

  private static func type(_ query: DNSQuery) -> String {
    switch query.type {
    case 1: "A"
    case 28: "AAAA"
    default: "type \(query.type)"
    }
  }
}
