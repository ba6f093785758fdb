import Findings
import Wire

/// Puts the names of Services, Pods and nodes behind the addresses that findings speak of.
struct AddressNames {
  private let join: CaptureJoin

  init(_ join: CaptureJoin) { self.join = join }

  func annotate(_ finding: Finding) -> Finding {
    var finding = finding
    var told: Set<IPAddress> = []
    finding.problem = annotate(finding.problem, &told)
    finding.cause = annotate(finding.cause, &told)
    for index in finding.evidence.indices where finding.evidence[index].filter == nil {
      finding.evidence[index].text = annotate(finding.evidence[index].text, &told)
    }
    if let address = finding.subject.address, let owner = join.name(of: address) {
      let parts = owner.split(separator: "/").map(String.init)
      switch parts.first {
      case "svc": finding.subject.kind = "Service"
      case "pod": finding.subject.kind = "Pod"
      default: finding.subject.kind = "Node"
      }
      if parts.count == 3 {
        finding.subject.namespace = parts[1]
        finding.subject.name = parts[2]
      } else {
        finding.subject.name = parts.last
      }
    }
    return finding
  }

  /// The first mention of each address gets its name in brackets, behind the port if one follows.
  private func annotate(_ text: String, _ told: inout Set<IPAddress>) -> String {
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    var at = 0
    while at < bytes.count {
      guard Self.isPart(bytes[at]) else {
        out.append(bytes[at])
        at += 1
        continue
      }
      var end = at
      while end < bytes.count, Self.isPart(bytes[end]) { end += 1 }
      out += bytes[at..<end]
      guard let (address, length) = Self.address(bytes[at..<end]) else {
        at = end
        continue
      }
      // `[v6]:port` goes on behind the bracket.
      var tail = end
      if length == end - at, tail < bytes.count, bytes[tail] == UInt8(ascii: "]") {
        tail += 1
        while tail < bytes.count, Self.isPart(bytes[tail]) { tail += 1 }
        out += bytes[end..<tail]
      }
      if let name = join.name(of: address), told.insert(address).inserted { out += " (\(name))".utf8 }
      at = tail
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte) || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: ":")
  }

  /// An address that fills the word, or all of it before `:port` or a final colon; and its length in bytes.
  private static func address(_ word: ArraySlice<UInt8>) -> (IPAddress, Int)? {
    guard word.count >= 3, word.count <= 64 else { return nil }
    if let whole = IPAddress(String(decoding: word, as: UTF8.self)) { return (whole, word.count) }
    guard let colon = word.lastIndex(of: UInt8(ascii: ":")), word[..<colon].contains(UInt8(ascii: ".")) else {
      return nil
    }
    return IPAddress(String(decoding: word[..<colon], as: UTF8.self)).map { ($0, colon - word.startIndex) }
  }
}
