/// Bytes that came from the wire as text for a terminal or a page: printable ASCII as it is, the rest as `\xNN`.
public func printable(_ bytes: some Sequence<UInt8>) -> String {
  var out: [UInt8] = []
  for byte in bytes {
    if byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\\") {
      out.append(byte)
    } else {
      let digits = Array("0123456789abcdef".utf8)
      out.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    }
  }
  return String(decoding: out, as: UTF8.self)
}

/// `aa:bb:cc:dd:ee:ff`.
func hardwareText(_ address: UInt64) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var out: [UInt8] = []
  for shift in stride(from: 40, through: 0, by: -8) {
    let byte = UInt8(truncatingIfNeeded: address >> UInt64(shift))
    out += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    if shift > 0 { out.append(UInt8(ascii: ":")) }
  }
  return String(decoding: out, as: UTF8.self)
}
