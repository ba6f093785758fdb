import ArgumentParser
import Diagnosis
import Findings
import Glibc
import Input
import Report
import Snapshot

/// Exit statuses, as sysexits.h has them; documented in the README.
enum ExitStatus {
  static let failing = ExitCode(1)
  /// What is missing decides, or nothing could be checked.
  static let unsure = ExitCode(2)
  static let malformed = ExitCode(65)
  static let noInput = ExitCode(66)
  static let bug = ExitCode(70)
  static let noOutput = ExitCode(73)

  /// Ends with the answer's status; returns where that is 0.
  static func leave(_ answer: Answer) throws {
    if answer.exitStatus != 0 { throw ExitCode(answer.exitStatus) }
  }
}

enum ColorChoice: String, ExpressibleByArgument, CaseIterable { case auto, always, never }

/// Writing to the two output streams, whole buffers at a time.
enum Terminal {
  static func write(_ text: String) { writeAll(VisibleText.bytes(text.utf8, as: .text)) }

  /// A reader that went away has what it wanted; anything else is said.
  private static func cannotWrite() -> Never {
    if errno == EPIPE { Glibc.exit(0) }
    note("kubepath: standard output: \(String(cString: strerror(errno)))")
    Glibc.exit(ExitStatus.noOutput.rawValue)
  }

  /// A file that becomes shorter while it is read has no bytes where its mapping had some: the kernel sends SIGBUS.
  static func explainTruncatedInput() {
    signal(SIGBUS) { _ in
      let message: StaticString =
        "kubepath: an input became shorter while it was read; read it again when it is whole\n"
      _ = Glibc.write(2, message.utf8Start, message.utf8CodeUnitCount)
      _exit(ExitStatus.noInput.rawValue)
    }
  }

  /// JSON or YAML.
  static func write(_ bytes: [UInt8]) { writeAll(VisibleText.bytes(bytes, as: .json)) }

  /// All bytes to standard output; a reader that went away ends the program quietly.
  private static func writeAll(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

  static func write(_ buffer: UnsafeRawBufferPointer) {
    var at = 0
    while at < buffer.count {
      let written = Glibc.write(1, buffer.baseAddress! + at, buffer.count - at)
      if written < 0 {
        if errno == EINTR { continue }
        cannotWrite()
      }
      at += written
    }
  }

  /// The same for pieces of memory, as many at once as one call takes.
  static func write(_ pieces: [UnsafeRawBufferPointer]) {
    var rest = pieces[...]
    while !rest.isEmpty {
      let list = rest.prefix(1024).map {
        iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
      }
      var written = writev(1, list, Int32(list.count))
      if written < 0 {
        if errno == EINTR { continue }
        cannotWrite()
      }
      while let first = rest.first, written >= first.count {
        written -= first.count
        rest.removeFirst()
        if rest.isEmpty { break }
      }
      guard written > 0, let first = rest.popFirst() else { continue }
      // A piece that was written in part.
      write(UnsafeRawBufferPointer(rebasing: first[written...]))
    }
  }

  static func note(_ text: String) {
    let line = VisibleText.bytes((text + "\n").utf8, as: .text)
    line.withUnsafeBytes { _ = Glibc.write(2, $0.baseAddress, $0.count) }
  }

  static func style(_ choice: ColorChoice) -> Style {
    switch choice {
    case .always: Style(coloured: true)
    case .never: Style(coloured: false)
    case .auto:
      Style(
        coloured: isatty(1) == 1 && getenv("NO_COLOR") == nil && getenv("TERM").map { String(cString: $0) } != "dumb")
    }
  }

  /// Diagnostics on standard error, the worst first, at most `limit`.
  static func report(_ diagnostics: Diagnostics, limit: Int = 20, verbose: Bool) {
    let list = diagnostics.list.filter { verbose || $0.severity > .note }.sorted { $0.severity > $1.severity }
    for diagnostic in list.prefix(verbose ? .max : limit) {
      let word =
        switch diagnostic.severity {
        case .error: "error"
        case .warning: "warning"
        case .note: "note"
        }
      note("kubepath: \(word): \(printable(diagnostic.description, limit: 500))")
    }
    let hidden = list.count - min(list.count, verbose ? .max : limit) + diagnostics.suppressed
    if hidden > 0 { note("kubepath: \(hidden) more messages (--verbose shows them)") }
  }
}
