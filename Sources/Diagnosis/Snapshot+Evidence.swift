import Findings
import PacketPath
import Ruleset
import Snapshot

extension Snapshot {
  /// What stands at a place; nothing tells of a file that is not known.
  func evidence(_ text: String, at place: FilePlace) -> Finding.Evidence {
    Finding.Evidence(
      file: place.line > 0 ? fileName(place.file) : nil, line: place.line > 0 ? place.line : nil, text: text)
  }

  /// Where the rules begin that were read.
  var firstRules: FilePlace {
    guard let chain = ruleset.chains.first(where: { $0.line > 0 }) else { return FilePlace() }
    return FilePlace(file: UInt32(ruleset[chain.table].file), line: Int(chain.line))
  }

  /// `key = value`, as it was read.
  func evidence(sysctl key: String) -> Finding.Evidence {
    evidence("\(key) = \(printable(sysctl(key) ?? ""))", at: sysctlPlaces[key] ?? FilePlace())
  }

  /// Sockets as `ss` lists them, by the first of them; of an absent one, where the list begins.
  func evidence(_ found: [SocketEntry], absent: String) -> Finding.Evidence {
    guard let first = found.first else { return evidence("ss of \(name): \(absent)", at: socketsPlace) }
    let list = found.prefix(3).map {
      "\($0.localAddress.map { "\($0)" } ?? "*"):\($0.localPort) \(printable($0.process ?? ""))".trimmingBlanksBehind
    }
    return evidence("ss of \(name): \(list.joined(separator: ", "))", at: first.place)
  }

  /// The line of a rule, or of the policy that ended a chain.
  func evidence(of step: Step) -> [Finding.Evidence] {
    if let rule = step.rule { return evidence(of: rule) }
    let chain = ruleset[step.chain]
    let table = ruleset[chain.table]
    let file = Int(table.file) < ruleset.files.count ? ruleset.files[Int(table.file)].name : nil
    return [
      Finding.Evidence(
        file: file, line: chain.line > 0 ? Int(chain.line) : nil,
        text: "policy drop of chain \(ruleset.names[chain.name]) in table \(table.name)")
    ]
  }

  func evidence(of id: RuleID) -> [Finding.Evidence] {
    let rule = ruleset[id]
    let file = Int(rule.file) < ruleset.files.count ? ruleset.files[Int(rule.file)].name : nil
    return [Finding.Evidence(file: file, line: Int(rule.line), text: ruleset.text(of: rule).trimmingBlanks)]
  }
}

extension String {
  fileprivate var trimmingBlanksBehind: String {
    var text = Substring(self)
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
