import KernelLab
import Testing

/// The harness itself: the kernel does the same whichever tool loaded the rules.
@Suite(.enabled(if: LabAccess.permitted), .serialized)
struct CrosscheckTests {
  @Test(arguments: Situations.all.filter { $0.backends.count == 2 && $0.repeats == 1 })
  func bothBackendsTellTheSame(_ situation: Situation) throws {
    let folder = try TemporaryFolder()
    let nft = try situation.record(.nft, into: folder.path)
    let legacy = try situation.record(.legacy, into: folder.path)
    for (a, b) in zip(nft.answers, legacy.answers) {
      let (first, second) = (a.outcomes.keys.first!, b.outcomes.keys.first!)
      #expect(first == second, "\(a.probe.json)\niptables-nft: \(first)\niptables-legacy: \(second)")
      #expect(first.detail != "unexplained", "\(a.probe.json) \(first)")
    }
  }
}
