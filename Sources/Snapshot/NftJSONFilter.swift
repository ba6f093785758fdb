import Input
import Ruleset

/// `nft -j list ruleset` without some of its tables: those that iptables-nft-save tells better.
enum NftJSONFilter {
  /// Nil where the JSON is not what nft prints; its reader says why.
  static func without(_ tables: Set<TableName>, _ section: DumpSection) -> SourceFile? {
    let bytes = section.file.bytes
    let text = ByteText(bytes: UnsafeRawBufferPointer(rebasing: bytes[section.range]))
    guard let colon = text.bytes.firstIndex(of: UInt8(ascii: ":")),
      let bracket = text.bytes[colon...].firstIndex(of: UInt8(ascii: "["))
    else { return nil }
    var out = Array("{\"nftables\": [".utf8)
    var at = section.range.lowerBound + bracket + 1
    var first = true
    while let extent = JSONValidator.extent(in: bytes, from: at, end: section.range.upperBound) {
      if !isOf(tables, section.file, extent) {
        out += first ? [10] : [44, 10]
        out += bytes[extent]
        first = false
      }
      guard let comma = bytes[extent.upperBound..<section.range.upperBound].first(where: { $0 > 0x20 }),
        comma == UInt8(ascii: ","),
        let next = bytes[extent.upperBound..<section.range.upperBound].firstIndex(of: UInt8(ascii: ","))
      else { break }
      at = next + 1
    }
    out += Array("]}\n".utf8)
    return SourceFile(name: section.file.name, contents: out)
  }

  private static func isOf(_ tables: Set<TableName>, _ file: SourceFile, _ extent: Range<Int>) -> Bool {
    guard let document = try? JSONDocument(file, range: extent) else { return false }
    return document.withRoot { root in
      for member in root.members {
        guard let family = member.value["family"]?.string.flatMap({ Family(rawValue: $0) }),
          let name = (member.name == "table" ? member.value["name"] : member.value["table"])?.string
        else { continue }
        return tables.contains(TableName(family: family, name: name))
      }
      return false
    }
  }
}
