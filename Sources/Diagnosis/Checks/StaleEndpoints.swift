import Findings
import Intent
import Wire

/// A Service has endpoints in a node's Pod range at addresses that no Pod has: the Pods were made anew, and who writes the
/// endpoints has not followed.
enum StaleEndpoints: Check {
  static let id = "stale-endpoints"

  static func run(_ context: CheckContext) -> [Finding] {
    let intent = context.intent
    // Only where all namespaces were asked for their Pods does an absent one prove anything.
    guard !intent.isPartial, context.objects.podsOfNamespace.count > 1 else { return [] }
    let ranges = intent.nodes.flatMap(\.podCIDRs)
    guard !ranges.isEmpty else { return [] }
    return intent.services.indices.compactMap { finding($0, ranges, context) }
  }

  private static func finding(_ index: Int, _ ranges: [IPPrefix], _ context: CheckContext) -> Finding? {
    let intent = context.intent
    let service = intent.services[index]
    guard service.kind != .externalName else { return nil }
    var gone: [(address: IPAddress, slice: Int)] = []
    var count = 0
    for slice in service.slices {
      for endpoint in intent.slices[slice].endpoints where endpoint.ready {
        count += 1
        if intent.owner(of: endpoint.address) == nil, ranges.contains(where: { $0.contains(endpoint.address) }) {
          gone.append((endpoint.address, slice))
        }
      }
    }
    guard let first = gone.first else { return nil }
    let addresses = Set(gone.map(\.address)).sorted()
    let list =
      addresses.prefix(3).map(\.description).joined(separator: ", ")
      + (addresses.count > 3 ? " and \(addresses.count - 3) more" : "")
    let isByHand = service.selector.isEmpty
    let slice = intent.slices[first.slice]
    let kind = slice.name.isEmpty ? "Endpoints" : "EndpointSlice"
    let name = slice.name.isEmpty ? service.name : slice.name
    return Finding(
      id: id, severity: .error, confidence: .likely, subject: context.subject(service),
      problem:
        "\(gone.count == count ? "every connection" : "a share of the connections") to \(service.fullName) is sent to \(list), which no Pod has",
      cause: isByHand
        ? "its endpoints are written by hand (it has no selector), and the Pod that had \(addresses.count == 1 ? "this address" : "these addresses") is gone"
        : "its EndpointSlices are behind the Pods ← the EndpointSlice controller (kube-controller-manager) does not run or does not keep up, or somebody else writes them",
      evidence: [
        intent.evidence(
          kind, name, "\(service.namespace)/\(name)", in: slice.file, ": \(list), in a node's Pod range")
      ],
      fix: isByHand
        ? [
          .look(service.editCommand, why: "give it spec.selector, so that its endpoints follow its Pods"),
          .look(
            "kubectl -n \(service.namespace) edit \(kind.lowercased()) \(name)",
            why: "else write the addresses that the servers have now"),
        ]
        : [
          .look(
            "kubectl -n kube-system get pods -l component=kube-controller-manager", why: "does it run, does it lead?"),
          .command(
            "kubectl -n \(service.namespace) delete \(kind.lowercased()) \(name)", why: "the controller writes it anew"),
        ],
      verify: [service.slicesCommand])
  }
}
