/// What somebody may have meant who typed a name that is not there.
public enum NearestName {
  /// The nearest of the names, at most three, the nearest first: what the text begins or stands in, and what a few slips of the
  /// keyboard away stands.
  public static func find(_ text: String, in names: some Sequence<String>) -> [String] {
    let wanted = Array(text.lowercased().utf8)
    guard !wanted.isEmpty, wanted.count <= longest else { return [] }
    var found: [(name: String, distance: Int)] = []
    for name in names where name.utf8.count <= longest {
      let other = Array(name.lowercased().utf8)
      let limit = max(1, min(wanted.count, other.count) / 3)
      var distance = distance(wanted, other, limit)
      if distance > limit, wanted.count > 2, other.starts(with: wanted) || Self.contains(other, wanted) {
        distance = limit
      }
      if distance <= limit { found.append((name, distance)) }
    }
    found.sort { $0.distance != $1.distance ? $0.distance < $1.distance : $0.name < $1.name }
    var names: [String] = []
    for (name, _) in found where names.count < shown && !names.contains(name) { names.append(name) }
    return names
  }

  /// `; did you mean a, b or c?`, or a full stop.
  public static func question(_ text: String, in names: some Sequence<String>) -> String {
    question(find(text, in: names))
  }

  public static func question(_ names: [String]) -> String {
    guard let last = names.last else { return "." }
    let head = names.dropLast().joined(separator: ", ")
    return "; did you mean \(head.isEmpty ? last : "\(head) or \(last)")?"
  }

  private static let shown = 3
  /// As long as a DNS name; the comparison takes the product of both lengths.
  private static let longest = 253

  private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    guard text.count >= part.count else { return false }
    return (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
  }

  /// Letters put in, left out, changed or swapped with their neighbour (optimal string alignment); beyond `limit`: some larger
  /// number.
  private static func distance(_ a: [UInt8], _ b: [UInt8], _ limit: Int) -> Int {
    guard abs(a.count - b.count) <= limit else { return limit + 1 }
    var before: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      row.reserveCapacity(b.count + 1)
      for j in b.indices {
        var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, before[j - 1] + 1) }
        row.append(best)
      }
      (before, last) = (last, row)
    }
    return last[b.count]
  }
}
