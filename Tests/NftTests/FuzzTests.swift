import Input
import Ruleset
import Snapshot
import Testing
import Wire

/// Mutations of good input: reading must end, and what it yields must be sound.
@Suite("nft: mutated input")
struct NftFuzzTests {
  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      var x = state
      x ^= x >> 33
      return x &* 0xFF51_AFD7_ED55_8CCD
    }
  }

  static let pieces = [
    "{", "}", "(", ")", "\"", "\n", ";", ",", ".", ":", " map { ", " vmap { ", "@", "@nh,1,2", "$x", "!=", "==", "&",
    "|",
    "0x", "-", "/33", "*", "\\\n", "#", "table ip t {", "jump {", " . ", "set ", "ip saddr ", "tcp dport ", "ct ",
    "\u{0}", "add rule ip t c ", "999999999999999999999", "[", "]", "1.2.3.4-", "elements = { ", "define x = $x\n",
  ].map { Array($0.utf8) }

  static func mutate(_ bytes: [UInt8], _ random: inout Generator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      guard !bytes.isEmpty else { break }
      let at = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.insert(contentsOf: pieces.randomElement(using: &random)!, at: at)
      case 2: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...12, using: &random)))
      case 3: bytes.removeSubrange(at...)
      default:
        let other = Int.random(in: 0..<bytes.count, using: &random)
        bytes.insert(contentsOf: bytes[other..<min(bytes.count, other + 30)], at: at)
      }
    }
    return bytes
  }

  static func check(_ ruleset: Ruleset) {
    for rule in ruleset.rules {
      #expect(Int(rule.chain.index) < ruleset.chains.count)
      #expect(Int(rule.firstClause) + Int(rule.clauseCount) <= ruleset.clauses.count)
    }
    for set in ruleset.sets {
      #expect(set.highs.isEmpty || set.highs.count == set.lows.count)
      #expect(set.components > 0 && set.lows.count % set.components == 0)
      switch set.data {
      case .verdicts(let list): #expect(list.count == set.count)
      case .values(let lows, let highs, let components):
        #expect(lows.count == set.count * components || lows.isEmpty)
        #expect(highs.isEmpty || highs.count == lows.count)
      case .objects(let names): #expect(names.count == set.count)
      case .none: break
      }
    }
    _ = NftPrinter.print(ruleset, fromClauses: true)
  }

  static let text: [UInt8] = {
    var text = NftStructureTests.dump
    text += "table inet all {\n\tset s {\n type ipv4_addr\n flags dynamic,timeout\n }\n\tchain x {\n\t}\n\tchain c {\n"
    for (_, match, _) in NftMatchTests.plain { text += "\t\t\(match) accept\n" }
    for (_, statement, _) in NftStatementTests.plain { text += "\t\t\(statement)\n" }
    for (statement, _) in NftStatementTests.others { text += "\t\t\(statement)\n" }
    return Array((text + "\t}\n}\n").utf8)
  }()

  @Test(arguments: 0..<8)
  func text(_ seed: Int) {
    var random = Generator(state: UInt64(seed) &* 7919 &+ 3)
    for _ in 0..<50 {
      let bytes = Self.mutate(Self.text, &random)
      var snapshot = Snapshot(name: "fuzz")
      let file = SourceFile(name: "fuzz", contents: bytes)
      NftTextReader.read(file, range: 0..<bytes.count, into: &snapshot)
      snapshot.ruleset.finish()
      Self.check(snapshot.ruleset)
    }
  }

  @Test(arguments: 0..<4)
  func json(_ seed: Int) {
    var random = Generator(state: UInt64(seed) &* 104_729 &+ 11)
    let rules = NftJSONTests.rules.map {
      #"{"rule": {"family": "inet", "table": "t", "chain": "c", "expr": ["# + $0.0 + "]}}"
    }
    let whole = Array(NftJSONTests.list.replacing("RULES", with: rules.joined(separator: ",\n")).utf8)
    for _ in 0..<100 {
      let bytes = Self.mutate(whole, &random)
      var snapshot = Snapshot(name: "fuzz")
      let file = SourceFile(name: "fuzz", contents: bytes)
      NftJSONReader.read(file, range: 0..<bytes.count, into: &snapshot)
      snapshot.ruleset.finish()
      Self.check(snapshot.ruleset)
    }
  }
}
