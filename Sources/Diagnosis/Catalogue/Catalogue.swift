/// The catalogue of findings: of each a page that a person can learn from.
public enum Catalogue {
  public struct Entry: Sendable {
    public var id: String
    /// One sentence.
    public var summary: String
    /// How it shows.
    public var signs: String
    /// What goes on.
    public var why: String
    /// Commands that show it, with names in capitals to be replaced.
    public var see: [String]
    /// What to do, for each who owns what is wrong.
    public var fixes: [Remedy]
    /// How to take the fix back.
    public var undo: String
    /// A command of kubepath's that meets it.
    public var example: String
    /// The commands that emit it.
    public var sources: [Source]
    /// Where to read more.
    public var references: [String]
  }

  public struct Remedy: Sendable {
    public var owner: String
    public var text: String
  }

  public enum Source: String, Sendable, CaseIterable { case check, trace, why, capture }

  public static let entries: [Entry] = [services, rules, nodes, captures].flatMap { page($0) }

  public static func entry(_ id: String) -> Entry? { entries.first { $0.id == id } }

  /// Entries stand as text, `key: value` a line, parted by empty lines and each begun by `# id`.
  private static func page(_ text: String) -> [Entry] {
    var entries: [Entry] = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("# ") {
        entries.append(
          Entry(
            id: String(line.dropFirst(2)), summary: "", signs: "", why: "", see: [], fixes: [], undo: "", example: "",
            sources: [], references: []))
        continue
      }
      guard let colon = line.firstIndex(of: ":"), !entries.isEmpty else { continue }
      let value = String(line[line.index(after: colon)...].drop { $0 == " " })
      entries[entries.count - 1].set(line[..<colon], value)
    }
    return entries
  }
}

extension Catalogue.Entry {
  fileprivate mutating func set(_ key: Substring, _ value: String) {
    switch key {
    case "what": summary = value
    case "shows": signs = value
    case "why": why = value
    case "see": see.append(value)
    case "undo": undo = value
    case "example": example = value
    case "from": sources = value.split(separator: " ").compactMap { Catalogue.Source(rawValue: String($0)) }
    case "ref": references.append(value)
    default:
      guard key.hasPrefix("fix ") else { return }
      fixes.append(Catalogue.Remedy(owner: String(key.dropFirst(4)), text: value))
    }
  }
}
