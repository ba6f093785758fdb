import Input

/// The shell prompt and command that stand before an output in a ticket.
enum Prompt {
  private static let programs: [StaticString] = [
    "ip", "iptables", "iptables-save", "iptables-legacy", "iptables-nft", "iptables-legacy-save", "iptables-nft-save",
    "ip6tables", "ip6tables-save", "ip6tables-legacy", "ip6tables-nft", "ip6tables-legacy-save", "ip6tables-nft-save",
    "xtables-nft-multi", "xtables-legacy-multi", "nft", "ipset", "ipvsadm", "conntrack", "sysctl", "ss", "netstat",
    "dmesg", "bridge", "brctl", "kubectl", "k", "oc", "microk8s", "k3s", "cilium", "cilium-dbg", "cat", "grep", "head",
    "tail", "route", "ifconfig", "arp", "ebtables", "arptables", "calicoctl", "curl", "ping", "tcpdump", "nc", "dig",
    "nslookup", "kubeadm", "openssl", "docker", "crictl", "nsenter", "journalctl", "systemctl", "ls", "uname",
    "hostname", "ebtables-save", "arptables-save", "iptables-xml", "ufw", "firewall-cmd", "lsof", "ctr", "podman",
    "virsh",
    "timeout", "watch",
  ]

  /// The command of a line like `$ ip route`, `root@node:~# ip route`, `[root@node ~]$ ip route`, `sh-4.4# ip route`,
  /// `/ # ip route`, `node% ip route`, `➜  ~ ip route`, or of a command alone; nil where the line is none. Empty for a
  /// prompt alone.
  static func command(of line: ByteText) -> String? {
    var text = line.trimmed
    guard text.count < 2000 else { return nil }
    // A clock before the prompt: `[09:12:13] root@node:~#`.
    if text.first == UInt8(ascii: "["), let (clock, rest) = text.dropFirst(1).split(at: UInt8(ascii: "]")),
      clock.count >= 8, clock.bytes[2] == UInt8(ascii: ":"), clock.bytes[5] == UInt8(ascii: ":"),
      rest.contains("@") || rest.contains("$ ") || rest.contains("# ")
    {
      text = rest.trimmed
    }
    // `set -x` marks each level with one more.
    if text.hasPrefix("++") {
      text = ByteText(bytes: UnsafeRawBufferPointer(rebasing: text.bytes.drop { $0 == UInt8(ascii: "+") })).trimmed
    }
    guard let first = text.first else { return nil }
    if let rest = arrow(text) ?? watched(text) ?? windows(text) { return rest }
    if first != UInt8(ascii: "-"), let end = sign(text) {
      let before = text[0..<end].trimmed
      let rest = text.dropFirst(end + 1).trimmed
      if isShell(before, sign: text.bytes[end]) { return rest[0..<400].string }
      // `$ date`: no output begins so.
      if end == 0, text.bytes[0] == UInt8(ascii: "$") { return rest[0..<400].string }
      if before.isEmpty || isDirectory(before), isKnown(rest) { return rest[0..<400].string }
    }
    return isCommand(text) ? text[0..<400].string : nil
  }

  /// `-t nat`, `-tnat`, `--table nat` of an iptables command; filter where it names none; nil: the command is none of iptables.
  static func table(of command: String) -> String? {
    let words = command.split(separator: " ")
    guard let program = words.first(where: { $0.contains("tables") }), !program.contains("save") else { return nil }
    for (index, word) in words.enumerated() {
      if word == "-t" || word == "--table", index + 1 < words.count { return String(words[index + 1]) }
      if word.hasPrefix("--table=") { return String(word.dropFirst(8)) }
      if word.hasPrefix("-t"), word.count > 2 { return String(word.dropFirst(2)) }
    }
    return "filter"
  }

  /// Whether a command prints rules of a packet filter.
  static func printsRules(_ command: String) -> Bool {
    for word in command.split(separator: " ").prefix(24) {
      let name = word.split(separator: "/").last ?? word
      if name.hasPrefix("iptables") || name.hasPrefix("ip6tables") || name == "nft" || name == "ebtables" {
        return true
      }
    }
    return false
  }

  /// Whether a command prints a part of the rules only: `| grep`, `iptables -S CHAIN`, `nft list chain`.
  static func printsExcerpt(_ command: String) -> Bool {
    guard printsRules(command) else { return false }
    for filter in ["grep", "head", "tail", "awk", "sed", "egrep"]
    where command.contains("| \(filter)") || command.contains("|\(filter)") {
      return true
    }
    return ["list chain ", "list set ", "list map ", "list table "].contains { command.contains($0) }
  }

  // MARK: -

  /// `Every 2.0s: iptables -L -n     node-a: Mon Nov 30 09:00:00 2026`
  private static func watched(_ text: ByteText) -> String? {
    guard text.hasPrefix("Every "), let (interval, rest) = text.split(at: UInt8(ascii: ":")),
      interval.last == UInt8(ascii: "s")
    else { return nil }
    let command = rest.trimmed
    for at in 0..<command.count
    where command.bytes[at] == 0x20 && at + 1 < command.count && command.bytes[at + 1] == 0x20 {
      return command[0..<min(at, 400)].string
    }
    return command[0..<400].string
  }

  /// `PS C:\Users\me> kubectl get svc`, `C:\Users\me>kubectl get svc`
  private static func windows(_ text: ByteText) -> String? {
    let path = text.hasPrefix("PS ") ? text.dropFirst(3) : text
    guard path.count > 3, path.bytes[1] == UInt8(ascii: ":"), path.bytes[2] == UInt8(ascii: "\\"),
      let (_, rest) = path.split(at: UInt8(ascii: ">"))
    else { return nil }
    return rest.trimmed[0..<400].string
  }

  /// What people and pagers write where they left something out: `...`, `[...]`, `<snip>`, `(output truncated)`, `--More--`.
  static func isElision(_ text: ByteText) -> Bool {
    guard text.count >= 3, text.count < 60, let first = text.first else { return false }
    if text.bytes.allSatisfy({ $0 == UInt8(ascii: ".") || $0 == 0x20 }) || text.bytes.elementsEqual("…".utf8)
      || text.hasPrefix("--More--")
    {
      return true
    }
    let isBracketed =
      first == UInt8(ascii: "[") || first == UInt8(ascii: "<") || first == UInt8(ascii: "(")
      || first == UInt8(ascii: ".")
      || first == UInt8(ascii: "#") || first == UInt8(ascii: "-")
    guard isBracketed else { return false }
    let plain = text.bytes.filter { $0 | 0x20 >= 97 && $0 | 0x20 <= 122 || $0 == 0x20 }
    let words = String(decoding: plain, as: UTF8.self).lowercased().split(separator: " ")
    if words.isEmpty { return text.contains("...") || text.contains("…") }
    return text.first != UInt8(ascii: "-")
      && words.contains {
        ["snip", "snipped", "cut", "truncated", "omitted", "skipped", "trimmed", "redacted", "elided"].contains($0)
      }
  }

  /// The node of `root@node-a:~# ip route` and `[root@node-a ~]# ip route`; nil: the prompt does not tell.
  static func host(of line: ByteText) -> String? {
    let text = line.trimmed
    guard let at = text.bytes.prefix(80).firstIndex(of: UInt8(ascii: "@")), at > 0, at + 1 < text.count,
      !text[0..<at].contains(" ") || text.first == UInt8(ascii: "[") || text.first == UInt8(ascii: "(")
    else { return nil }
    return name(text.dropFirst(at + 1))
  }

  /// The node that a line between dumps names: `## node-a`, `### Node: worker-1`, `==== worker-1 ====`, `worker-1:`,
  /// Ansible's `worker-1 | CHANGED | rc=0 >>`. Nil: it is no such line.
  static func heading(_ text: ByteText) -> String? {
    guard text.count < 100, let first = text.first else { return nil }
    if text.contains(" | CHANGED | rc=") || text.contains(" | SUCCESS | rc=") { return name(text) }
    let marks: [UInt8] = [
      UInt8(ascii: "#"), UInt8(ascii: "="), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "_"), 0x20,
      UInt8(ascii: ":"),
    ]
    let isMarked =
      first == UInt8(ascii: "#") || first == UInt8(ascii: "=") || text.hasPrefix("--") || text.hasPrefix("**")
    guard isMarked || text.last == UInt8(ascii: ":") else { return nil }
    var inner = text
    while let byte = inner.first, marks.contains(byte) { inner = inner.dropFirst(1) }
    while let byte = inner.last, marks.contains(byte) { inner = inner.dropLast(1) }
    var words = Words(inner)
    guard var word = words.next() else { return nil }
    let label = word.last == UInt8(ascii: ":") ? word.dropLast(1) : word
    let isLabelled = ["node", "Node", "NODE", "host", "Host", "on", "On", "from", "From"].contains {
      label.bytes.elementsEqual($0.utf8)
    }
    if isLabelled {
      guard let next = words.next() else { return nil }
      word = next
    }
    // One word, and no program's name.
    guard words.next() == nil, isLabelled || !isKnown(word) else { return nil }
    guard isLabelled || word.bytes.contains(UInt8(ascii: "-")) || word.bytes.contains(where: { $0 >= 48 && $0 <= 57 })
    else {
      return nil
    }
    // All of the word is one.
    return name(word).flatMap { $0.utf8.count == word.count ? $0 : nil }
  }

  /// The table that a line between listings names: `== nat ==`, `# table mangle`, `filter:`. Nil: it is no such line.
  static func tableHeading(_ text: ByteText) -> String? {
    guard text.count < 40 else { return nil }
    let isLetter: (UInt8) -> Bool = { $0 | 0x20 >= 97 && $0 | 0x20 <= 122 }
    // Marked as one.
    guard let first = text.first, !isLetter(first) || text.last == UInt8(ascii: ":") || text.hasPrefix("table ") else {
      return nil
    }
    var table: String?
    for word in text.bytes.split(whereSeparator: { !isLetter($0) }) {
      let name = String(decoding: word, as: UTF8.self)
      switch name.lowercased() {
      case "raw", "mangle", "nat", "filter", "security":
        guard table == nil else { return nil }
        table = name.lowercased()
      case "table", "iptables", "rules", "chain", "chains": continue
      default: return nil
      }
    }
    return table
  }

  /// A host's name at a text's beginning.
  private static func name(_ text: ByteText) -> String? {
    let end = text.bytes.firstIndex { byte in
      !(byte >= 48 && byte <= 57 || byte | 0x20 >= 97 && byte | 0x20 <= 122 || byte == UInt8(ascii: "-")
        || byte == UInt8(ascii: "."))
    }
    let name = text[0..<(end ?? text.count)]
    guard name.count >= 2, name.count <= 253, name.bytes.contains(where: { $0 | 0x20 >= 97 && $0 | 0x20 <= 122 }) else {
      return nil
    }
    return name.string
  }

  /// What a shell prints between a command and its output.
  static func isNoise(_ text: ByteText) -> Bool {
    text.hasPrefix("[sudo] password for ") || text.hasPrefix("Script started on ") || text.hasPrefix("Script done on ")
      || text.hasPrefix("# Warning: iptables-legacy tables present") || text.hasPrefix("Defaulted container ")
      || text.hasPrefix("-- Logs begin at ") || text.hasPrefix("-- Journal begins at ") || text.hasPrefix("-- Boot ")
      || text.hasPrefix("Warning: Permanently added ") || text.hasPrefix("Unable to use a TTY")
      || text.hasPrefix("Starting pod/") || text.hasPrefix("To use host binaries, ") || text.hasPrefix("Pod IP: ")
      || text.hasPrefix("If you don't see a command prompt") || text.hasPrefix("Removing debug pod")
      || text.hasPrefix("Creating debugging pod ") || text == "exit" || text == "logout"
      // The first line of a prompt of two, and the name that `head` and `tail` print above a file.
      || text.hasPrefix("┌─") || text.hasPrefix("╭─") || text.hasPrefix("==> ") && text.contains(" <==")
  }

  /// `➜  ~ cmd`, `❯ cmd`, `λ cmd`: the command begins at the first known program.
  private static func arrow(_ text: ByteText) -> String? {
    guard
      text.hasPrefix("➜") || text.hasPrefix("❯") || text.hasPrefix("λ") || text.hasPrefix("»") || text.hasPrefix("└─")
        || text.hasPrefix("╰─")
    else { return nil }
    var words = Words(text)
    _ = words.next()
    for _ in 0..<4 {
      let rest = words.rest
      if isKnown(rest) { return rest[0..<400].string }
      guard words.next() != nil else { return "" }
    }
    return ""
  }

  /// Where the sign stands that ends a prompt: `$`, `#`, `%` or `>`, with a blank or nothing behind it.
  private static func sign(_ text: ByteText) -> Int? {
    for index in 0..<min(text.count, 100) {
      let byte = text.bytes[index]
      switch byte {
      case UInt8(ascii: "$"), UInt8(ascii: "#"), UInt8(ascii: "%"), UInt8(ascii: ">"):
        if index + 1 == text.count || text.bytes[index + 1] == 0x20 { return index }
      case UInt8(ascii: "{"), UInt8(ascii: "\""), UInt8(ascii: "="): return nil
      default: if byte < 0x20 { return nil }
      }
    }
    return nil
  }

  /// What no output begins with: `user@host …`, `[user@host dir]`, `sh-4.4`, `bash-5.1`.
  private static func isShell(_ before: ByteText, sign: UInt8) -> Bool {
    var words = Words(before)
    guard let first = words.next() else { return false }
    var count = 1
    while words.next() != nil { count += 1 }
    guard count <= 4 else { return false }
    if first.hasPrefix("sh-") || first.hasPrefix("bash-") || first.hasPrefix("ash-") {
      return count == 1 && (first.last.map { $0 >= 48 && $0 <= 57 } ?? false)
    }
    guard let at = first.bytes.firstIndex(of: UInt8(ascii: "@")), at > 0, at + 1 < first.count else { return false }
    return !first.contains(":/") || first.first == UInt8(ascii: "[") || !first.contains("//")
  }

  /// `~`, `/`, `/home/x`, `node1:~`, `node1 ~`, `[node]`, `node1`: with a known program behind the sign.
  private static func isDirectory(_ before: ByteText) -> Bool {
    var words = Words(before)
    guard let first = words.next() else { return true }
    let second = words.next()
    guard words.next() == nil else { return false }
    let last = second ?? first
    if last == "~" || last.first == UInt8(ascii: "/") || last.hasPrefix("~/") { return true }
    if before.last == UInt8(ascii: "]") || before.last == UInt8(ascii: "~") || before.last == UInt8(ascii: ")") {
      return true
    }
    return second == nil && first.bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ",") }
  }

  /// Whether a text begins with a program's name, `sudo` and paths aside.
  private static func isKnown(_ text: ByteText) -> Bool {
    var words = Words(text)
    for _ in 0..<4 {
      guard let word = words.next() else { return false }
      let name = word.splitLast(at: UInt8(ascii: "/"))?.after ?? word
      if name == "sudo" || name.first == UInt8(ascii: "-") { continue }
      return programs.contains { name == $0 }
    }
    return false
  }

  /// A command alone on its line, as people write above what it printed.
  private static func isCommand(_ text: ByteText) -> Bool {
    guard text.count < 200, text.last != UInt8(ascii: "."), text.last != UInt8(ascii: "?") else { return false }
    var words = Words(text)
    guard var first = words.next() else { return false }
    if first == "sudo", let next = words.next() { first = next }
    first = first.splitLast(at: UInt8(ascii: "/"))?.after ?? first
    let second = words.next() ?? text[0..<0]
    let isOption = second.first == UInt8(ascii: "-") && second.count > 1
    switch first {
    case "iptables", "ip6tables", "iptables-legacy", "iptables-nft", "ip6tables-legacy", "ip6tables-nft", "ipvsadm",
      "conntrack", "arp", "route", "netstat", "ss", "ebtables", "arptables", "firewall-cmd", "lsof":
      return isOption
    case "iptables-save", "ip6tables-save", "iptables-legacy-save", "iptables-nft-save", "ip6tables-legacy-save",
      "ip6tables-nft-save", "ebtables-save", "arptables-save":
      return second.isEmpty || isOption || second == "|" || second == ">"
    case "ifconfig": return second.isEmpty || isOption
    case "ip":
      switch second {
      case "a", "addr", "address", "r", "route", "ru", "rule", "l", "link", "n", "neigh", "-br", "-4", "-6", "-d", "-j":
        return true
      default: return false
      }
    case "nft": return second == "list" || isOption
    case "ipset": return second == "list" || second == "save"
    case "sysctl": return isOption || second.contains(".")
    case "cat": return second.hasPrefix("/proc/")
    case "brctl": return second == "show"
    case "ufw": return second == "status"
    case "calicoctl": return second == "get"
    case "bridge": return second == "fdb"
    case "kubectl", "oc", "k":
      return second == "get" || second == "describe" || isOption
    default: return false
    }
  }
}
