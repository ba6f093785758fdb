import Foundation
import Glibc
import Testing

/// Runs the program as people do: on a terminal of some width, or in a pipe.
enum TerminalRun {
  struct Result {
    var status: Int32
    var output: String
    var errors: String
  }

  static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(path: "kubepath")

  /// `columns` nil: both streams are pipes. On a terminal both show on it, mixed in `output`.
  static func run(
    _ arguments: [String], columns: Int? = nil, folder: URL? = nil,
    environment extra: [String: String] = ["NO_COLOR": "1"]
  ) throws -> Result {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = folder }
    var environment = ["PATH": "/usr/bin:/bin", "TERM": "xterm-256color", "HOME": "/nonexistent"]
    environment.merge(extra) { $1 }
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    guard let columns else {
      let output = Pipe()
      // Into a file: a pipe that nobody reads fills up.
      let path = NSTemporaryDirectory() + "kubepath-errors-\(UUID().uuidString)"
      try #require(FileManager.default.createFile(atPath: path, contents: nil))
      defer { unlink(path) }
      process.standardOutput = output
      process.standardError = try FileHandle(forWritingTo: URL(filePath: path))
      try process.run()
      let bytes = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      let errors = try String(contentsOf: URL(filePath: path), encoding: .utf8)
      return Result(
        status: process.terminationStatus, output: String(decoding: bytes, as: UTF8.self), errors: errors)
    }
    let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    defer { close(terminal) }
    var (unlocked, number) = (Int32(0), Int32(0))
    try #require(
      terminal >= 0 && ioctl(terminal, unlock, &unlocked) == 0 && ioctl(terminal, numberOf, &number) == 0)
    let other = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    try #require(other >= 0)
    var size = winsize(ws_row: 50, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    try #require(ioctl(other, UInt(TIOCSWINSZ), &size) == 0)
    let handle = FileHandle(fileDescriptor: other, closeOnDealloc: false)
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    close(other)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(terminal, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    process.waitUntilExit()
    let text = String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "\n")
    return Result(status: process.terminationStatus, output: text, errors: "")
  }

  // TIOCSPTLCK and TIOCGPTN of asm-generic/ioctls.h, which Swift does not import: their numbers are computed there.
  private static let unlock: UInt = 0x4004_5431
  private static let numberOf: UInt = 0x8004_5430

  /// The example's files in a new folder `example` of a new folder.
  static func example() throws -> URL {
    let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "kubepath-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let result = try run(["demo", "--write", "example"], folder: folder)
    try #require(result.status == 0, "\(result.errors)")
    let captures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Captures")
      .standardized
    for name in ["drop.pcap", "pmtu-ignored.pcap", "healthy-dns.pcap"] {
      try FileManager.default.copyItem(at: captures.appending(path: name), to: folder.appending(path: name))
    }
    let files = [
      "flows.ndjson": """
      {"id": "a", "protocol": "tcp", "source": "10.244.1.10", "sourcePort": 40000, "destination": "10.96.12.34", "destinationPort": 80, "from": "cni0"}
      {"id": "b", "protocol": "tcp", "source": "10.244.1.10", "sourcePort": 40000, "destination": "10.96.30.7", "destinationPort": 80, "from": "cni0"}

      """,
      "expectations.yaml": """
      - name: the shop answers
        from: pod/shop/web-0
        to: [svc/shop/cart:http, svc/shop/search:http]
        result: allow

      """,
    ]
    for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    return folder
  }
}
