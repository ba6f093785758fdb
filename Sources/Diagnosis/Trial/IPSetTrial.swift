import Input
import Snapshot

/// `ipset add`, `del` and `flush`.
enum IPSetTrial {
  static func apply(_ arguments: [String], to snapshot: inout Snapshot) throws(Trial.Failure) {
    var words = arguments[...]
    while let first = words.first, ["-!", "-exist", "-q", "-quiet"].contains(first) { words = words.dropFirst() }
    guard let verb = words.first, words.count > 1 else {
      throw Trial.Failure("Expected ipset add SET ELEMENT, ipset del SET ELEMENT or ipset flush SET.")
    }
    let name = words[words.startIndex + 1]
    guard let index = snapshot.ipsets?.firstIndex(where: { $0.name == name }) else {
      throw Trial.Failure(
        snapshot.ipsets == nil
          ? "The snapshot holds no ipsets (ipset save)." : "There is no ipset \(printable(name)).")
    }
    var set = snapshot.ipsets![index]
    switch verb {
    case "add", "-A", "--add", "del", "-D", "--del":
      let options = words.dropFirst(3).filter { !$0.hasPrefix("-") }
      guard words.count > 2, var element = element(words[words.startIndex + 2], of: set) else {
        throw Trial.Failure("Expected an element of a \(printable(set.type)) set behind \(printable(name)).")
      }
      element.noMatch = options.contains("nomatch")
      if let at = options.firstIndex(of: "timeout"), at + 1 < options.endIndex {
        element.timeout = UInt32(options[at + 1])
      }
      let known = set.elements.firstIndex { $0.parts == element.parts }
      if verb.lowercased().hasSuffix("del") || verb == "-D" {
        guard let known else { throw Trial.Failure("Set \(printable(name)) has no such element.") }
        set.elements.remove(at: known)
      } else if let known {
        set.elements[known] = element
      } else {
        set.elements.append(element)
      }
    case "flush", "-F": set.elements = []
    default: throw Trial.Failure("'ipset \(printable(verb))' cannot be tried: add, del and flush can.")
    }
    snapshot.ipsets![index] = set
  }

  private static func element(_ text: String, of set: IPSet) -> IPSet.Element? {
    var text = text
    return text.withUTF8 { IPSet.element(ByteText(bytes: UnsafeRawBufferPointer($0)), of: set.dimensions) }
  }
}
