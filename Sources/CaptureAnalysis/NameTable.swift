/// Names as they stood in packets (DNS wire form or plain), each kept once; bounded in number and length.
struct NameTable: ~Copyable {
  static let maximum = 16_384
  private var index = HashIndex()
  private var names: [[UInt8]] = []
  private var expansions: [Bool] = []

  /// -1 when there is no room.
  mutating func intern(_ bytes: UnsafeRawBufferPointer) -> Int32 {
    guard !bytes.isEmpty, bytes.count <= 255 else { return -1 }
    let hash = hashBytes(bytes.baseAddress.unsafelyUnwrapped, bytes.count, seed: 0) | 1
    if let known = index.find(hash) { return Int32(truncatingIfNeeded: known) }
    guard names.count < Self.maximum else { return -1 }
    names.append(Array(bytes))
    index.insert(hash, names.count - 1)
    expansions.append(looksExpanded(Int32(names.count - 1)))
    return Int32(names.count - 1)
  }

  /// A name in DNS wire form as text, safe to print.
  func domain(_ index: Int32) -> String {
    guard index >= 0, Int(index) < names.count else { return "(name not kept)" }
    let bytes = names[Int(index)]
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

  /// Plain bytes as text, safe to print.
  func plain(_ index: Int32) -> String {
    index >= 0 && Int(index) < names.count ? printable(names[Int(index)]) : ""
  }

  /// `www.example.com.default.svc.cluster.local`: a cluster suffix behind a name with a dot of its own, more labels than
  /// any Service or Pod name has.
  func isSearchExpansion(_ index: Int32) -> Bool { index >= 0 && expansions[Int(index)] }

  /// Over the labels as they stand, without making text: every new name is asked.
  private func looksExpanded(_ index: Int32) -> Bool {
    names[Int(index)].withUnsafeBufferPointer { bytes in
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
}
