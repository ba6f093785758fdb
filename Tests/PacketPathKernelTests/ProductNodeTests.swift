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
    try KernelTests().compare(product.situation, product.backend, sources: false)
  }

  @Test(arguments: ProductNodes.all)
  func aHealthyNodeIsSilentAndBreaksAreNamed(_ product: ProductNode) throws {
    let healthy = try findings(product, try product.situation.build(product.backend)).filter { $0.severity > .info }
    for finding in healthy { Issue.record("healthy \(product): \(finding.text)") }
    for damage in product.breaks {
      let node = try product.situation.build(product.backend)
      try node.run(program: damage.command)
      let found = try findings(product, node).filter { $0.severity > .info }
      let right = found.filter { finding in
        finding.id == damage.id && damage.words.allSatisfy { "\(finding.problem) \(finding.cause)".contains($0) }
      }
      #expect(
        !right.isEmpty,
        "\(product), \(damage.name): \(found.isEmpty ? "nothing" : found.map(\.text).joined(separator: "\n"))")
      // Where the fix is a command, the node is as it was.
      guard let fix = right.first?.fix.compactMap(\.command).first else { continue }
      // On such a node the plain name is that of the other backend; modules are the machine's.
      try node.run(
        program: "modprobe() { true; }\n"
          + (product.backend == .legacy ? fix.text.replacing("iptables ", with: "iptables-legacy ") : fix.text))
      let left = try findings(product, node).filter { $0.severity > .info && $0.id == damage.id }
      #expect(left.isEmpty, "\(product), \(damage.name), after \(fix.text): \(left.map(\.text))")
    }
  }

  private func findings(_ product: ProductNode, _ node: LabNode) throws -> [Finding] {
    let folder = try TemporaryFolder()
    _ = try node.snapshot(into: folder.path, backends: [product.backend], versions: product.situation.versions)
    try ProductNode.objects(product.objects, product.situation.versions).write(
      toFile: "\(folder.path)/objects.yaml", atomically: true, encoding: .utf8)
    let bundle = try SnapshotLoader.load([folder.path])
    return Diagnosis.run(CheckContext(bundle, intent: ObjectReader.read(bundle.objectFiles)))
  }
}

extension Finding {
  fileprivate var text: String { "\(severity) \(id): \(problem) ← \(cause)" }
}
