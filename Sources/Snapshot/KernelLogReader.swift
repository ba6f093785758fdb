import Input

/// dmesg, in any of its time formats: the lines as they are.
public enum KernelLogReader: DumpReader {
  static let maximumLines = 1_000_000

  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var lines = snapshot.kernelLog ?? []
    for line in section.lines where !line.text.trimmed.isEmpty {
      guard lines.count < maximumLines else {
        snapshot.warn(section, line.number, "more than \(maximumLines) lines of kernel log; the rest is left out")
        break
      }
      lines.append(line.text[0..<4096].string)
    }
    snapshot.kernelLog = lines
  }
}
