import Diagnosis
import Findings
import Foundation
import Input
import Intent
import KernelLab
import Snapshot
import Testing

/// Nodes as products build them: the kernel agrees with every flow, a healthy one is silent, and what breaks is named.
@Suite(.enabled(if: LabAccess.permitted))
struct ProductNodeTests {
  @Test(arguments: ProductNodes.all)
  func theKernelAgrees(_ product: ProductNode) throws {
    #expect(product.situation.flows.count >= 40)
    let bridged = product.situation.flows.count { $0.hasPrefix("veth1") && $0.contains("> @pod2") }
    #expect(!product.situation.bridge || bridged > 0)
    try KernelTests().compare(product.situation, product.backend, sources: product.backend != .legacy)
    // What programs write by themselves goes where they please.
    guard product.backend == .nft, product.situation.program.isEmpty else { return }
    try KernelTests().compare(product.situation, .legacy, sources: false)
  }

  @Test(arguments: ProductNodes.all)
  func aHealthyNodeIsSilentAndBreaksAreNamed(_ product: ProductNode) throws {
    let healthy = try findings(product, try product.situation.build(product.backend)).filter { $0.severity > .info }
    for finding in healthy { Issue.record("healthy \(product): \(finding.text)") }
    try areNamed(product.breaks, of: product)
  }

  @Test(arguments: ProductBreaks.all)
  func moreBreaksAreNamed(_ more: ProductBreaks) throws { try areNamed(more.breaks, of: more.product) }

  /// Each break has a finding with the right cause, and where its fix is a command, that mends it.
  private func areNamed(_ breaks: [ProductNode.Break], of product: ProductNode) throws {
    for damage in breaks {
      var broken = product.situation
      broken.listeners.removeAll(where: damage.closed.contains)
      let node = try broken.build(product.backend)
      if !damage.command.isEmpty { try node.run(program: damage.command) }
      let found = try findings(product, node, damage.name).filter { $0.severity > .info }
      let right = found.filter { finding in
        finding.id == damage.id && damage.words.allSatisfy { "\(finding.problem) \(finding.cause)".contains($0) }
      }
      #expect(
        !right.isEmpty,
        "\(product), \(damage.name): \(found.isEmpty ? "nothing" : found.map(\.text).joined(separator: "\n"))")
      // Where the fix is a command, the node is as it was.
      let fixes = found.filter { $0.id == damage.id }.compactMap { $0.fix.compactMap(\.command).first?.text }.filter {
        !$0.hasPrefix("kubectl")
      }
      guard !fixes.isEmpty else { continue }
      // On such a node the plain name is that of the other backend; modules are the machine's.
      let commands = fixes.map {
        product.backend == .legacy ? $0.replacing("iptables ", with: "iptables-legacy ") : $0
      }.joined(separator: "\n")
      try node.run(program: "modprobe() { true; }\n" + commands)
      let left = try findings(product, node).filter { $0.severity > .info && $0.id == damage.id }
      #expect(left.isEmpty, "\(product), \(damage.name), after \(commands): \(left.map(\.text))")
    }
  }

  private func findings(_ product: ProductNode, _ node: LabNode, _ state: String = "healthy") throws -> [Finding] {
    let folder = try TemporaryFolder()
    _ = try node.snapshot(into: folder.path, backends: [product.backend], versions: product.situation.versions)
    try ProductNode.objects(product.objects, product.situation.versions).write(
      toFile: "\(folder.path)/objects.yaml", atomically: true, encoding: .utf8)
    if let kept = ProcessInfo.processInfo.environment["KUBEPATH_LAB_KEEP"] {
      let name = String("\(product) \(state)".map { $0.isLetter || $0.isNumber ? $0 : "-" })
      let target = URL(filePath: kept).appending(path: name)
      try? FileManager.default.removeItem(at: target)
      try FileManager.default.createDirectory(at: URL(filePath: kept), withIntermediateDirectories: true)
      try FileManager.default.copyItem(at: URL(filePath: folder.path), to: target)
    }
    let bundle = try SnapshotLoader.load([folder.path])
    return Diagnosis.run(CheckContext(bundle, intent: ObjectReader.read(bundle.objectFiles)))
  }
}

extension Finding {
  fileprivate var text: String { "\(severity) \(id): \(problem) ← \(cause)" }
}
