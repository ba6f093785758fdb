import Foundation
import KernelLab
import Testing

/// kubepath's answer must be the kernel's: verdict, packet, interface, mark and the whole list of steps.
@Suite(.enabled(if: LabAccess.permitted))
struct KernelTests {
  @Test(arguments: Situations.all, Backend.allCases)
  func kubepathAgreesWithTheKernel(_ situation: Situation, _ backend: Backend) throws {
    guard situation.backends.contains(backend) else { return }
    try compare(situation, backend)
  }

  /// `KUBEPATH_LAB_SEED` and `KUBEPATH_LAB_CASES` choose others, and more.
  @Test(arguments: RandomSituation.chosen, Backend.allCases)
  func kubepathAgreesOnRandomRules(_ situation: Situation, _ backend: Backend) throws {
    try compare(situation, backend)
  }

  private func compare(_ situation: Situation, _ backend: Backend) throws {
    let folder = try TemporaryFolder()
    let recording: Recording
    do {
      recording = try situation.record(backend, into: folder.path)
    } catch let error as LabError where error.isUnsupported {
      print("\(situation) skipped with \(backend.rawValue): \(error)")
      return
    }
    let predictions = try Prediction.predictions(of: Self.kubepath, for: folder.path)
    for answer in recording.answers {
      let fault = answer.disagreement(with: predictions[answer.probe.id], hidden: situation.hidden)
      #expect(fault == nil, "\(backend.rawValue) \(answer.probe.json)\n\(fault ?? "")")
      for observation in answer.outcomes.keys { #expect(observation.detail != "unexplained", "\(observation)") }
    }
    if let kept = ProcessInfo.processInfo.environment["KUBEPATH_LAB_KEEP"] { try keep(recording, under: kept) }
  }

  /// Copies a recorded folder, to be looked at by hand.
  private func keep(_ recording: Recording, under folder: String) throws {
    let name = String(recording.situation.name.map { $0.isLetter || $0.isNumber ? $0 : "-" })
    let target = URL(filePath: folder).appending(path: "\(name)-\(recording.backend.rawValue)")
    try? FileManager.default.removeItem(at: target)
    try FileManager.default.createDirectory(at: URL(filePath: folder), withIntermediateDirectories: true)
    try FileManager.default.copyItem(at: URL(filePath: recording.folder), to: target)
  }

  /// The executable beside the test bundle, or `KUBEPATH`.
  private static let kubepath: String =
    ProcessInfo.processInfo.environment["KUBEPATH"]
    ?? URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(path: "kubepath").path
}
