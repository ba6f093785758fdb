import KernelLab
import Testing

/// The harness itself: the kernel does the same whichever tool loaded the rules.
@Suite(.enabled(if: LabAccess.permitted))
struct CrosscheckTests {
  /// Every third situation: the others are compared through kubepath anyhow.
  @Test(arguments: Situations.all.enumerated().filter { $0.offset % 3 == 0 && $0.element.repeats == 1 }.map(\.element))
  func bothBackendsTellTheSame(_ situation: Situation) throws { try crosscheck(situation) }

  @Test(arguments: RandomSituation.chosen)
  func bothBackendsTellTheSameOfRandomRules(_ situation: Situation) throws { try crosscheck(situation) }

  private func crosscheck(_ situation: Situation) throws {
    let folder = try TemporaryFolder()
    let recordings: [Recording]
    do {
      recordings = try Backend.xtables.map { try situation.record($0, into: folder.path) }
    } catch let error as LabError where error.isUnsupported {
      return print("\(situation) skipped: \(error)")
    }
    for (nft, legacy) in zip(recordings[0].answers, recordings[1].answers) {
      guard var first = nft.outcomes.keys.first, var second = legacy.outcomes.keys.first else { continue }
      // --random-fully picks another port each time.
      if first.sourcePort != nft.probe.sourcePort, second.sourcePort != nft.probe.sourcePort {
        (first.sourcePort, second.sourcePort) = (nil, nil)
      }
      #expect(first == second, "\(nft.probe.json)\niptables-nft: \(first)\niptables-legacy: \(second)")
      #expect(first.detail != "unexplained", "\(nft.probe.json) \(first)")
    }
  }
}
