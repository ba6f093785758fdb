import Input

/// `cat /proc/sys/net/ipv4/ip_forward` and `sysctl -n net.ipv4.ip_forward`: values alone, in the order in which the
/// command, or the file's own path, names their keys.
enum SysctlValueReader: DumpReader {
  static let descriptor = DumpDescriptor(
    .sysctlValue, commands: ["cat /proc/sys/net/ipv4/ip_forward", "sysctl -n net.ipv4.ip_forward"],
    isNamed: { !keys(command: nil, file: $0).isEmpty },
    isPromised: { !$0.contains("nf_conntrack_count") && !keys(command: $0, file: "").isEmpty },
    read: { read($0.section, command: $0.command, into: &$1) },
    recognises: { _ in false })

  static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    read(section, command: nil, into: &snapshot)
  }

  static func read(_ section: DumpSection, command: String?, into snapshot: inout Snapshot) {
    let keys = keys(command: command, file: section.file.name)
    var at = 0
    for line in section.lines {
      let value = line.text.trimmed
      guard !value.isEmpty else { continue }
      // `cat: /proc/sys/…: No such file or directory` is printed in the place of a value.
      if value.hasPrefix("cat: ") || value.hasPrefix("sysctl: ") {
        at += 1
        continue
      }
      guard at < keys.count, value.count <= 200 else {
        snapshot.warn(section, line.number, "“\(value.printable)” is the value of no key that the command names")
        continue
      }
      snapshot.sysctls[keys[at]] = value.string
      at += 1
    }
  }

  /// The keys whose values a command prints; none where it prints something else, or names them by a pattern.
  static func keys(command: String?, file: String) -> [String] {
    guard let command else {
      return file.range("proc/sys/").map { [key(file[$0...])].compactMap { $0 } } ?? []
    }
    var words = command.split(separator: " ").map(String.init)
    while let first = words.first, first == "sudo" || first.hasSuffix("/sudo") { words.removeFirst() }
    guard let program = words.first?.split(separator: "/").last else { return [] }
    let arguments = words.dropFirst()
    guard !arguments.contains(where: { $0.contains("*") || $0.contains("|") || $0.contains("{") }) else { return [] }
    switch program {
    case "cat":
      return arguments.compactMap { argument in argument.range("/proc/sys/").flatMap { key(argument[$0...]) } }
    case "sysctl" where arguments.first.map { $0 == "-n" || $0 == "--values" } ?? false:
      return arguments.dropFirst().compactMap { key($0) }
    default: return []
    }
  }

  private static func key(_ name: some StringProtocol) -> String? {
    var text = String(name)
    return text.withUTF8 { SysctlReader.key(ByteText(bytes: UnsafeRawBufferPointer($0))) }
  }
}

extension String {
  /// Behind the first occurrence of a text.
  fileprivate func range(_ text: String) -> String.Index? {
    var at = startIndex
    while at < endIndex {
      if self[at...].hasPrefix(text) { return index(at, offsetBy: text.count) }
      at = index(after: at)
    }
    return nil
  }
}
