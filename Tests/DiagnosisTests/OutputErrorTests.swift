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

  /// A mapped file that becomes shorter has no bytes where it had some. Between the mapping and the reading the program waits
  /// for the second input, a pipe.
  @Test func aDumpThatIsCutWhileItIsRead() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "cut-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let rule = "-A FORWARD -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j ACCEPT\n"
    let text = "*filter\n:FORWARD ACCEPT [0:0]\n" + String(repeating: rule, count: 10_000) + "COMMIT\n"
    try Data(text.utf8).write(to: URL(filePath: "\(folder)/rules"))
    let result = try Self.shell(
      """
      cd \(folder) && mkfifo pipe && { "$KUBEPATH" services -s rules -s pipe & }
      exec 3>pipe; truncate -s 4096 rules; echo 'default via 192.0.2.1 dev eth0' >&3; exec 3>&-; wait $!
      """)
    #expect(result.status == 66, "\(result)")
    #expect(result.output.contains("an input became shorter while it was read"))
    #expect(!result.output.contains("Bus error"))
  }

  /// A record whose lengths are none: what could be read is told, and the status says that it is not all.
  @Test func aDamagedCaptureIsMalformed() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "damaged-\(UUID().uuidString).pcap").path
    defer { unlink(path) }
    let header: [UInt8] = [
      0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
    ]
    let record: [UInt8] = [1, 2, 3, 4, 0, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0x7F, 0xFE, 0xFF, 0xFF, 0x7F]
    try Data(header + record).write(to: URL(filePath: path))
    let result = try Self.shell("\"$KUBEPATH\" capture \(path)")
    #expect(result.status == 65, "\(result)")
    #expect(result.output.contains(path.split(separator: "/").last!), "\(result)")
  }

  /// A prompt, a name and a message hold what a terminal shows, whatever stands in the dump.
  @Test(arguments: ["trace 192.0.2.99:80 -i eth0", "services", "check", "graph", "why 192.0.2.99:80"])
  func terminalsAreLeftAlone(_ command: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "esc-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let code = "\u{1B}]0;x\u{7}\u{1B}[2J\u{9B}31m"
    for (name, text) in [
      (
        "ip-route-\(code)",
        "default via 192.0.2.1 dev e\(code)\nnonsense \(code)\n10.0.0.0/8 dev \(code) proto \(code)\n"
      ),
      ("ip-addr", "2: e\(code): <UP> mtu 1500\n    inet 192.0.2.10/24 scope global e\(code)\n"),
      (
        "rules",
        "*filter\n:FORWARD ACCEPT [0:0]\n:C\(code) - [0:0]\n-A FORWARD -j C\(code)\n-A FORWARD --\(code) -j DROP\nCOMMIT\n"
      ),
      ("notes-\(code)", "\(code) words of nobody \(code)\n"),
    ] {
      try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)"))
    }
    let result = try Self.shell("\"$KUBEPATH\" \(command) -v --color never -s \(folder)")
    #expect(!result.output.isEmpty)
    #expect(
      result.output.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) || $0 == "\n" },
      "\(result)")
  }
}
