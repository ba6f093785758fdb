/// The words of a match or target as iptables prints them, with what is not printable made visible.
struct Spelling {
  private var bytes: [UInt8] = []

  init(_ flag: StaticString, _ name: Token) {
    bytes.reserveCapacity(96)
    add(flag)
    add(name)
  }

  mutating func add(_ word: StaticString) {
    separate()
    bytes.append(contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
  }

  mutating func add(_ option: RuleState.Option) {
    add(option.name)
    for argument in option.arguments { add(argument) }
  }

  private mutating func add(_ token: Token) {
    separate()
    // Words of plain ASCII are what there is to see, but for those that are too long for any reader.
    if token.count <= 200, token.bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
      bytes.append(contentsOf: token.bytes)
    } else {
      bytes.append(contentsOf: printable(token.text).utf8)
    }
  }

  private mutating func separate() {
    if !bytes.isEmpty { bytes.append(0x20) }
  }

  var string: String { String(decoding: bytes, as: UTF8.self) }
}
