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

/// Writing to the two output streams, whole buffers at a time.
enum Terminal {
  static func write(_ text: String) { writeAll(VisibleText.bytes(text.utf8, as: .text)) }

  /// A reader that went away has what it wanted; anything else is said.
  private static func cannotWrite() -> Never {
    if errno == EPIPE { Glibc.exit(0) }
    say("standard output: \(String(cString: strerror(errno)))")
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

  /// A line on standard error.
  static func note(_ text: String) {
    Activity.pause {
      let line = VisibleText.bytes((text + "\n").utf8, as: .text)
      line.withUnsafeBytes { _ = Glibc.write(2, $0.baseAddress, $0.count) }
    }
  }

  /// The same behind the program's name, broken to the width of the terminal it is on. A command that helps stands whole on a
  /// line of its own.
  static func say(_ message: String, as heading: String = "kubepath: ", command: String? = nil) {
    let text = printable(message, limit: 4000)
    note(Style(coloured: false, width: width(of: 2)).paragraph(heading, text, hanging: 2).joined(separator: "\n"))
    if let command { note("  \(printable(command))") }
  }

  static func style(_ choice: ColorChoice) -> Style {
    let isColoured =
      switch choice {
      case .always: true
      case .never: false
      case .auto: isatty(1) == 1 && variable("NO_COLOR") == nil && variable("TERM") != "dumb"
      }
    return Style(coloured: isColoured, width: width(of: 1))
  }

  /// An environment variable that is set and not empty.
  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The columns of the terminal behind a descriptor: what COLUMNS says, else the terminal itself; nil: it is none.
  static func width(of descriptor: Int32) -> Int? {
    guard isatty(descriptor) == 1 else { return nil }
    if let columns = variable("COLUMNS").flatMap({ Int($0) }), columns > 0 { return columns }
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return usualWidth }
    return Int(size.ws_col)
  }

  /// Of a terminal that does not tell.
  private static let usualWidth = 80

  /// Diagnostics on standard error, the worst first, at most `limit`.
  static func report(_ diagnostics: Diagnostics, limit: Int = 20, verbose: Bool) {
    let list = diagnostics.list.filter { verbose || $0.severity > .note }.sorted { $0.severity > $1.severity }
    for diagnostic in list.prefix(verbose ? .max : limit) {
      let word =
        switch diagnostic.severity {
        case .error: "error"
        case .warning: "warning"
        case .note: "info"
        }
      say("\(word): \(printable(diagnostic.description, limit: 500))")
    }
    let hidden = list.count - min(list.count, verbose ? .max : limit) + diagnostics.suppressed
    if hidden > 0 { say("\(hidden) more messages (-v shows them)") }
  }
}
