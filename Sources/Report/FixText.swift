import Findings
import Input
import Snapshot

/// Fixes for people. Commands stay whole, however long: people copy them.
struct FixText {
  private let style: Style
  init(_ style: Style) { self.style = style }

  /// `headings`: what stands before a command and before an advice, of one length.
  func lines(_ fix: Fix, headings: (command: String, advice: String)) -> [String] {
    let lines =
      switch fix.action {
      case .command(let command): [headings.command + printable(command.text, limit: .max)]
      case .advice(let text): advice(printable(text, limit: .max), headings.advice)
      }
    let indent = String(repeating: " ", count: headings.advice.count)
    return lines + (fix.why.map { style.paragraph(indent, "(\(printable($0, limit: .max)))") } ?? [])
  }

  /// `its log: kubectl -n shop logs web-0`: a command that ends an advice stands on a line of its own where both do not fit.
  private func advice(_ text: String, _ heading: String) -> [String] {
    guard let width = style.width, columnWidth(heading + text) > width, let at = Self.command(in: text) else {
      return style.paragraph(heading, text)
    }
    let indent = String(repeating: " ", count: heading.count)
    return style.paragraph(heading, String(text[..<at])) + [indent + "  " + text[at...]]
  }

  /// Programs whose names begin the commands of advices.
  private static let programs: Set<Substring> = [
    "kubectl", "kubepath", "kubeadm", "ip", "bridge", "nft", "iptables", "iptables-save", "ip6tables", "ipset",
    "ipvsadm",
    "sysctl", "conntrack", "journalctl", "systemctl", "crictl", "tcpdump", "curl", "ss", "ethtool", "calicoctl",
    "cilium",
    "cilium-dbg", "dig", "openssl", "etcdctl", "aws", "df", "grep", "cat", "ls", "ping",
  ]

  private static func command(in text: String) -> String.Index? {
    var last: String.Index?
    var rest = text.startIndex
    while let colon = text[rest...].firstIndex(of: ":") {
      rest = text.index(after: colon)
      guard rest < text.endIndex, text[rest] == " " else { continue }
      let start = text.index(after: rest)
      if programs.contains(text[start...].prefix { $0 != " " }) { last = start }
    }
    return last
  }
}
