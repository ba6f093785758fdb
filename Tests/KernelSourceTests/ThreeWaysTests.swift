import Foundation
import Input
import KernelSource
import PacketPath
import Ruleset
import Snapshot
import Testing
import Wire

/// The same ruleset read from text, from JSON and from the kernel's bytecode.
@Suite(.enabled(if: Lab.isAvailable)) struct ThreeWaysTests {
  static func printed(_ snapshot: Snapshot) -> [String] {
    var ruleset = snapshot.ruleset
    ruleset.finish()
    return NftPrinter.print(ruleset, fromClauses: true).split(separator: "\n").map(String.init)
  }

  @Test(arguments: NftSituations.all) func agree(_ situation: NftSituation) throws {
    let space = try Lab.Namespace("nft")
    try space.run("ip", "link", "add", "eth7", "type", "veth", "peer", "name", "eth8")
    do {
      try space.load(situation.text, with: "nft", "-f")
    } catch  where "\(error)".contains("not supported") || "\(error)".contains("No such file") {
      return print("skipped: \(situation.name): \(error)")
    }
    var text = Snapshot(name: "text")
    let listing = try space.run("nft", "list", "ruleset")
    NftTextReader.read(listing, range: 0..<listing.bytes.count, into: &text)
    var json = Snapshot(name: "json")
    let document = try space.run("nft", "-j", "list", "ruleset")
    NftJSONReader.read(document, range: 0..<document.bytes.count, into: &json)
    let kernel = try KernelSource.read(netns: space.name)
    let expected = Self.printed(text)
    let found = Self.printed(kernel)
    for (line, other) in zip(expected, found) where line != other {
      Issue.record("\(situation.name): text has \(line), the kernel \(other)")
    }
    #expect(expected.count == found.count, "\(situation.name): \(expected) \(found)")
    #expect(clauses(text) == clauses(kernel), "\(situation.name)")
    // JSON spells rates and durations otherwise.
    #expect(clauses(text, spelled: false) == clauses(json, spelled: false), "\(situation.name), JSON")
  }

  /// What each rule asks and does, operands spelled out; sets by their content.
  private func clauses(_ snapshot: Snapshot, spelled: Bool = true) -> [[String]] {
    var ruleset = snapshot.ruleset
    ruleset.finish()
    func text(_ id: TextID) -> String { spelled ? ruleset[id] : "text" }
    return ruleset.chains.indices.flatMap { chain in
      ruleset.rules(of: ChainID(chain)).map { rule in
        ruleset.clauses(of: ruleset[rule]).map { clause in
          switch clause {
          case .match(let match):
            let test: String =
              switch match.test {
              case .equalWide(let field, let id): "\(field) == \(ruleset.wide[Int(id.index)])"
              case .rangeWide(let field, let id): "\(field) in \(ruleset.wide[Int(id.index)])"
              case .addressType(let id): "\(ruleset.addressTypeTests[Int(id.index)])"
              case .reversePath(let id): "\(ruleset.reversePathTests[Int(id.index)])"
              case .comparison, .lookup: "computed"
              case .timeDependent(let id), .note(let id), .unknown(let id): text(id)
              default: "\(match.test)"
              }
            return "\(match.negated) \(test)"
          case .statement(let statement):
            switch statement {
            case .jump(let chain), .goto(let chain): return ruleset.name(of: chain)
            case .translate, .verdictMap, .restoreMark, .saveMark, .setField, .transparentProxy: return "computed"
            case .note(let id), .timeDependent(let id), .handOff(let id), .unknown(let id): return text(id)
            case .updateSet: return "set"
            default: return "\(statement)"
            }
          }
        }
      }
    }
  }
}
