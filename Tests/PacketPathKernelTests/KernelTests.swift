import Foundation
import KernelLab
import Testing

/// kubepath's answer must be the kernel's: verdict, packet, interface, mark and the whole list of steps.
@Suite(.enabled(if: LabAccess.permitted))
struct KernelTests {
  @Test(arguments: Situations.all, Backend.xtables)
  func kubepathAgreesWithTheKernel(_ situation: Situation, _ backend: Backend) throws {
    guard situation.backends.contains(backend) else { return }
    try compare(situation, backend)
  }

  /// `KUBEPATH_LAB_SEED` and `KUBEPATH_LAB_CASES` choose others, and more.
  @Test(arguments: RandomSituation.chosen, Backend.xtables)
  func kubepathAgreesOnRandomRules(_ situation: Situation, _ backend: Backend) throws {
    try compare(situation, backend)
  }

  @Test(arguments: RandomBridge.chosen)
  func kubepathAgreesOnRandomBridges(_ situation: Situation, _ backend: Backend) throws {
    try compare(situation, backend)
  }

  @Test(arguments: Situations.nft)
  func kubepathAgreesOnNftRules(_ situation: Situation) throws { try compare(situation, .native) }

  /// `sources`: the running kernel and nft's JSON are read as well, and must tell the same.
  func compare(_ situation: Situation, _ backend: Backend, sources: Bool = true) throws {
    let folder = try TemporaryFolder()
    let recording: Recording
    do {
      recording = try situation.record(backend, into: folder.path) { node in
        if sources, backend != .legacy {
          try compareSources(
            node, folder.path, "\(situation), \(backend.rawValue)", isNative: backend == .native)
        }
      }
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

  /// The traces of the dump, of nft's JSON and of the kernel's own answer are the same.
  private func compareSources(_ node: LabNode, _ folder: String, _ name: String, isNative: Bool) throws {
    func traces(_ arguments: [String]) throws -> [Prediction] {
      try Prediction.predictions(of: Self.kubepath, arguments + ["--flows", "\(folder)/flows.ndjson"])
        .values.sorted { $0.id < $1.id }
    }
    let dumped = try traces(["-s", folder])
    #expect(try traces(["--netns", node.namespace.path]) == dumped, "\(name): the running kernel")
    let text = "\(folder)/nft-list-ruleset.txt"
    // nft's JSON leaves out the flags of a table and the devices of chains, and lists the tables of iptables too.
    guard isNative, let listing = try? String(contentsOfFile: text, encoding: .utf8),
      !listing.contains("flags dormant"),
      !listing.contains(" device ")
    else {
      return
    }
    let other = try TemporaryFolder()
    for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file != "nft-list-ruleset.txt" {
      try FileManager.default.copyItem(atPath: "\(folder)/\(file)", toPath: "\(other.path)/\(file)")
    }
    let json = try node.namespace.run { try runCommand(["nft", "-j", "list", "ruleset"]).output }
    try json.write(toFile: "\(other.path)/nft-list-ruleset.json", atomically: true, encoding: .utf8)
    #expect(try traces(["-s", other.path]) == dumped, "\(name): JSON")
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
