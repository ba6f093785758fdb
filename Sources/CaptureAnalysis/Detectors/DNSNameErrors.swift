import Findings
import Wire

/// Names of the cluster that exist under none of the search list's suffixes: a Service that is not there, or is called
/// otherwise. Outside names that fail with a cluster suffix and then succeed as they are do not count.
enum DNSNameErrors {
  /// What a program asked for, as the resolver's search list (resolv.conf) made several names of it.
  private struct Question {
    var names: Set<String> = []
    var count = 0
    var frame = FrameReference.none
    var clients: Set<IPAddress> = []
    var server: IPAddress
  }

  static func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    guard !facts.dns.missing.isEmpty else { return [] }
    let existing = Set(facts.dns.existing.map { facts.dns.names.domain($0) })
    let all = facts.dns.missing.map { (entry: $0, name: facts.dns.names.domain($0.name)) }
    let domains = Set(all.compactMap { Self.split($0.name)?.domain })
    var questions: [String: Question] = [:]
    for (entry, name) in all {
      let base: String
      if let split = Self.split(name) {
        base = split.base
      } else if let domain = domains.first(where: { name.hasSuffix("." + $0) }) {
        base = String(name.dropLast(domain.count + 1))
      } else {
        base = name
      }
      guard questions[base] != nil || questions.count < 1024 else { continue }
      var question = questions[base] ?? Question(server: entry.server)
      question.names.insert(name)
      question.count += entry.count
      question.clients.insert(entry.client)
      if !question.frame.exists || entry.frame < question.frame { question.frame = entry.frame }
      questions[base] = question
    }
    return questions.filter { base, question in
      guard question.names.contains(where: { Self.split($0) != nil }) else { return false }
      // Several suffixes are a search list; one name alone was asked for as it is, unless it is what a list made of an outside
      // name of two labels (`example.org` under `svc.cluster.local`).
      if question.names.count == 1 {
        let labels = question.names.first!.split(separator: ".")
        guard !base.contains("."), labels.count > 2, questions["\(base).\(labels[1])"] == nil,
          !existing.contains("\(base).\(labels[1])")
        else { return false }
      }
      // `cart`, `cart.shop` or `cart.shop.svc`.
      let labels = base.split(separator: ".")
      guard labels.count <= 2 || labels.count == 3 && labels[2] == "svc" else { return false }
      return existing.isDisjoint(with: Self.expansions(base, domains, question.names))
    }.sorted { ($1.value.count, $0.value.frame) < ($0.value.count, $1.value.frame) }.prefix(3).map { base, question in
      Finding(
        id: "dns-failure", severity: .warning, confidence: .certain,
        subject: .init(kind: "DNS", name: base),
        problem: "\(base) does not exist under any suffix: \(plural(question.count, "NXDOMAIN answer")) to "
          + plural(question.clients.count, "client"),
        cause:
          "there is no Service of this name in the namespaces asked for ← a wrong name or namespace in the client's "
          + "configuration, or a Service that was never created or is gone",
        evidence: [
          facts.evidence(question.frame, "NXDOMAIN for \(question.names.sorted().joined(separator: ", "))"),
          facts.filterEvidence("dns.flags.rcode==3"),
        ],
        fix: [
          .advice("compare the name with what is there: kubectl get services -A   (NAME.NAMESPACE.svc.cluster.local)")
        ], verify: ["dig @\(question.server) +search \(base)  # an address"])
    }
  }

  /// `cart.shop.svc.cluster.local` as the name before the namespace, and `cluster.local`; nil for other names.
  private static func split(_ name: String) -> (base: String, domain: String)? {
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    guard let svc = labels.lastIndex(of: "svc"), svc >= 1, svc + 1 < labels.count else { return nil }
    // `cart.svc.cluster.local`: the search list's second suffix, behind a name without namespace.
    let base = svc == 1 ? labels[..<1] : labels[..<(svc - 1)]
    return (base.joined(separator: "."), labels[(svc + 1)...].joined(separator: "."))
  }

  /// All names that may stand for `base`.
  private static func expansions(_ base: String, _ domains: Set<String>, _ asked: Set<String>) -> Set<String> {
    asked.union([base]).union(domains.flatMap { ["\(base).svc.\($0)", "\(base).\($0)"] })
  }
}
