import Foundation
import Testing

@testable import kubepath

/// What shells complete: the names of the snapshot on the line so far, and the program's own words.
@Suite struct CompletionTests {
  @Test func namesOfTheSnapshot() throws {
    let folder = try TerminalRun.example()
    defer { try? FileManager.default.removeItem(at: folder) }
    let line = ["kubepath", "trace", "-s", folder.appending(path: "example").path]
    #expect(SnapshotNames.services(line, 4, "svc/shop/s") == ["svc/shop/search", "svc/shop/storefront"])
    #expect(SnapshotNames.sources(line, 4, "pod/shop/web-").contains("pod/shop/web-0"))
    #expect(SnapshotNames.sources(line, 4, "").contains("outside"))
    #expect(SnapshotNames.namespaces(line, 4, "") == ["default", "kube-system", "shop"])
    #expect(SnapshotNames.nodes(line, 4, "") == ["example"])
    // Without -s nothing is asked.
    #expect(SnapshotNames.services(["kubepath", "why"], 2, "") == [])
    #expect(SnapshotNames.services(["kubepath", "why", "-s", "/nonexistent"], 4, "") == [])
  }

  /// A shell runs what stands in a completion: names of strangers with anything but plain characters are left out.
  @Test func namesAreSafe() throws {
    let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "kubepath-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let object =
      #"{"apiVersion":"v1","kind":"Service","metadata":{"name":"NAME","namespace":"shop"},"spec":{"clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9"],"ports":[{"port":80}]}}"#
    let items = ["good", "$(touch x)", "a b", "`id`"].map { object.replacing("NAME", with: $0) }.joined(separator: ",")
    try Data("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\(items)]}".utf8).write(
      to: folder.appending(path: "objects.json"))
    #expect(SnapshotNames.services(["kubepath", "-s", folder.path], 3, "") == ["svc/shop/good"])
  }

  @Test(arguments: ["bash", "zsh", "fish"]) func scripts(_ shell: String) throws {
    let script = try TerminalRun.run(["--generate-completion-script", shell]).output
    for word in ["trace", "services", "--only", "--fail-on", "--namespace", "forward-drop", "---completion"] {
      #expect(script.contains(word) || script.contains(word.drop { $0 == "-" }), "\(shell): \(word)")
    }
  }
}
