/// Names as they stood in packets (DNS wire form or plain), each kept once; bounded in number and length.
struct NameTable: ~Copyable {
  static let maximum = 16_384
  private var index = HashIndex()
  /// All names one behind the other, and where each ends.
  private var bytes: [UInt8] = []
  private var ends: [Int32] = []
  private var expansions: [Bool] = []

  /// -1 when there is no room.
  mutating func intern(_ bytes: UnsafeRawBufferPointer) -> Int32 {
    guard let base = bytes.baseAddress else { return -1 }
    return intern(bytes, hash: hashBytes(base, bytes.count, seed: 0))
  }

  /// The same where the name's hash is known already: `hashBytes` with any seed, the same for all names of the table.
  mutating func intern(_ bytes: UnsafeRawBufferPointer, hash: UInt64) -> Int32 {
    guard !bytes.isEmpty, bytes.count <= 255 else { return -1 }
    let hash = hash | 1
    if let known = index.find(hash) { return Int32(truncatingIfNeeded: known) }
    let number = ends.count
    guard number < Self.maximum else { return -1 }
    self.bytes.append(contentsOf: bytes)
    ends.append(Int32(self.bytes.count))
    index.insert(hash, number)
    expansions.append(Self.looksExpanded(bytes))
    return Int32(number)
  }

  private func name(_ index: Int32) -> ArraySlice<UInt8>? {
    let number = Int(index)
    guard ends.indices.contains(number) else { return nil }
    return bytes[(number == 0 ? 0 : Int(ends[number - 1]))..<Int(ends[number])]
  }

  /// A name in DNS wire form as text, safe to print.
  func domain(_ index: Int32) -> String {
    guard let bytes = name(index).map(Array.init) else { return "(name not kept)" }
    var out: [UInt8] = []
    var at = 0
    while at < bytes.count {
      let length = Int(bytes[at])
      guard length > 0, length < 64, at + 1 + length <= bytes.count else { break }
      if !out.isEmpty { out.append(UInt8(ascii: ".")) }
      out.append(contentsOf: bytes[at + 1..<at + 1 + length])
      at += length + 1
    }
    return out.isEmpty ? "." : printable(out)
  }

  /// As it stood in the packet; empty where it was not kept.
  func bytes(_ index: Int32) -> [UInt8] { name(index).map(Array.init) ?? [] }

  /// Plain bytes as text, safe to print.
  func plain(_ index: Int32) -> String {
    name(index).map { printable(Array($0)) } ?? ""
  }

  /// `www.example.com.default.svc.cluster.local`: a cluster suffix behind a name with a dot of its own, more labels than
  /// any Service or Pod name has.
  func isSearchExpansion(_ index: Int32) -> Bool { index >= 0 && expansions[Int(index)] }

  /// Over the labels as they stand, without making text: every new name is asked.
  private static func looksExpanded(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var labels = 0
    var service = -1
    var at = 0
    while at < bytes.count {
      let length = Int(bytes[at])
      guard length > 0, length < 64, at + 1 + length <= bytes.count else { break }
      if length == 3, bytes[at + 1] | 0x20 == UInt8(ascii: "s"), bytes[at + 2] | 0x20 == UInt8(ascii: "v"),
        bytes[at + 3] | 0x20 == UInt8(ascii: "c")
      {
        service = labels
      }
      labels += 1
      at += length + 1
    }
    return labels > 3 && service > 2 && labels - service <= 3
  }
}
