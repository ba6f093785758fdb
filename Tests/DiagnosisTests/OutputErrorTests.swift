import Foundation
import Glibc
import Testing

/// The program's outside: output that cannot be written, input that shrinks while it is read, files that others must not read.
@Suite struct OutputErrorTests {
  private static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(
      path: "kubepath"
    ).path

  private static func shell(_ command: String) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", command]
    process.environment = ProcessInfo.processInfo.environment.merging(["KUBEPATH": program]) { $1 }
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
  }

  @Test(arguments: ["services", "check", "trace 10.96.0.10:53/udp --from 10.244.0.7", "graph"]) func aFullDisk(
    _ command: String
  ) throws {
    let path = try BundleTests.folder(["a": ClusterFixture(.iptables)])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let result = try Self.shell("\"$KUBEPATH\" \(command) -s \(path) >/dev/full")
    #expect(result.status == 73, "\(result)")
    #expect(result.output.contains("standard output: No space left on device"))
  }

  @Test func aReaderThatGoesAwayIsNoError() throws {
    let path = try BundleTests.folder(["a": ClusterFixture(.iptables)])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let result = try Self.shell("\"$KUBEPATH\" graph -s \(path) | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}")
    #expect(result.status == 0, "\(result)")
  }

  /// A mapped file that becomes shorter has no bytes where it had some.
  @Test func aDumpThatIsCutWhileItIsRead() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "cut-\(UUID().uuidString)").path
    defer { unlink(path) }
    let rule = "-A FORWARD -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j ACCEPT\n"
    let text = "*filter\n:FORWARD ACCEPT [0:0]\n" + String(repeating: rule, count: 400_000) + "COMMIT\n"
    try Data(text.utf8).write(to: URL(filePath: path))
    // It is read for seconds in a debug build; somewhere in between the file ends.
    let result = try Self.shell(
      "\"$KUBEPATH\" services -s \(path) >/dev/null & pid=$!; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.03; truncate -s 4096 \(path); done; wait $pid"
    )
    #expect(result.status == 66 || result.status == 2 || result.status == 0, "\(result)")
    #expect(result.status != 66 || result.output.contains("became shorter"))
    #expect(!result.output.contains("Bus error"))
  }
}
