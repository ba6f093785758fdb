import Input

/// `sysctl -a` and sysctl.conf: `key = value`, also `key: value`, `key=value`, and keys written as paths.
public enum SysctlReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    let file = snapshot.fileIndex(section.file)
    for line in section.lines {
      let text = line.text.trimmed
      guard let first = text.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else { continue }
      // `sysctl: permission denied on key 'net…'` is printed among the lines.
      if text.hasPrefix("sysctl: ") { continue }
      let parts = text.split(at: UInt8(ascii: "=")) ?? text.split(at: UInt8(ascii: ":"))
      guard let (name, value) = parts, let key = key(name.trimmed) else {
        snapshot.warn(section, line.number, "expected `key = value` of sysctl, found “\(text.printable)”")
        continue
      }
      snapshot.sysctls[key] = value.trimmed.string
      snapshot.sysctlPlaces[key] = FilePlace(file: file, line: line.number)
    }
  }

  /// Dots; a path's slashes become dots and its dots (as in `eth0.5`) slashes, as sysctl itself prints them.
  static func key(_ name: ByteText) -> String? {
    var name = name
    if name.first == UInt8(ascii: "-") { name = name.dropFirst(1) }
    if name.hasPrefix("/proc/sys/") { name = name.dropFirst(10) }
    guard !name.isEmpty, name.count < 256,
      name.bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    let firstDivider = name.bytes.first { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }
    guard firstDivider == UInt8(ascii: "/") else { return name.string }
    return String(
      decoding: name.bytes.map { byte -> UInt8 in
        switch byte {
        case UInt8(ascii: "/"): UInt8(ascii: ".")
        case UInt8(ascii: "."): UInt8(ascii: "/")
        default: byte
        }
      }, as: UTF8.self)
  }
}

extension SysctlReader {
  static let descriptor = DumpDescriptor(
    .sysctl, commands: ["sysctl -a", "grep . /proc/sys/net/ipv4/conf/*/rp_filter"],
    collected: [.init("sysctl.txt", "sysctl", "-a")],
    read: { read($0.section, into: &$1) }, recognises: { isOne($0) })

  /// `net.ipv4.ip_forward = 1`, `net/ipv4/ip_forward: 1`, `net.ipv4.ip_forward=1`, `/proc/sys/net/ipv4/ip_forward:1`
  private static func isOne(_ line: DumpLine) -> Bool {
    var name = line.first
    if name.hasPrefix("/proc/sys/") {
      guard let (path, _) = name.split(at: UInt8(ascii: ":")) ?? name.split(at: UInt8(ascii: "=")) else {
        return line.second == "="
      }
      return path.count > 10
    }
    if let (before, _) = name.split(at: UInt8(ascii: "=")) {
      name = before
    } else if name.last == UInt8(ascii: ":") {
      name = name.dropLast(1)
    } else if !(line.second == "=") {
      return false
    }
    guard let divider = name.bytes.first(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }) else {
      return false
    }
    switch name.split(at: divider)?.before ?? name {
    case "net", "kernel", "fs", "vm", "abi", "crypto", "debug", "dev", "user", "sunrpc": return true
    default: return false
    }
  }
}
