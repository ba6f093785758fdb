import Input

/// dmesg, in any of its time formats: the lines as they are.
public enum KernelLogReader: DumpReader {
  static let maximumLines = 1_000_000

  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var lines = snapshot.kernelLog ?? []
    let file = snapshot.fileIndex(section.file)
    for line in section.lines where !line.text.trimmed.isEmpty {
      guard lines.count < maximumLines else {
        snapshot.warn(section, line.number, "more than \(maximumLines) lines of kernel log; the rest is left out")
        break
      }
      lines.append(line.text[0..<4096].string)
      snapshot.kernelLogPlaces.append(FilePlace(file: file, line: line.number))
    }
    snapshot.kernelLog = lines
  }
}

extension KernelLogReader {
  static let descriptor = DumpDescriptor(
    .kernelLog, commands: ["dmesg"], collected: [.init("dmesg.txt", "dmesg")],
    read: { read($0.section, into: &$1) },
    recognises: { line in
      switch line.text.first {
      case UInt8(ascii: "<"):
        // `<6>[    0.000000] …`
        guard let (number, rest) = line.text.dropFirst(1).split(at: UInt8(ascii: ">")) else { return false }
        return number.int != nil && rest.first == UInt8(ascii: "[")
      case UInt8(ascii: "["):
        guard let (inside, rest) = line.text.dropFirst(1).split(at: UInt8(ascii: "]")) else { return false }
        // Seconds since boot, or a date. With addresses behind it, it is an event of conntrack.
        if rest.contains("src=") && rest.contains("dst=") { return false }
        if let (seconds, fraction) = inside.trimmed.split(at: UInt8(ascii: ".")) {
          return seconds.int != nil && fraction.int != nil
        }
        switch inside[0..<4] {
        case "Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat ", "Sun ": return true
        default: return false
        }
      // journald's form: `Nov 30 09:00:00 node-a kernel: …`
      default: return line.first.count == 3 && line.second.int != nil && line.text.contains(" kernel: ")
      }
    })
}
