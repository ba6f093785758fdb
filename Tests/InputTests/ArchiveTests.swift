import CZlib
import CZstd
import Testing

@testable import Input

@Suite struct ArchiveTests {
  /// A ustar archive of one file.
  static func tar(_ name: String, _ content: String, type: Character = "0") -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at: Int) { for (index, byte) in text.utf8.enumerated() { header[at + index] = byte } }
    put(name, at: 0)
    put("0000644\0", at: 100)
    put(String(content.utf8.count, radix: 8).leftPadded(11), at: 124)
    put("        ", at: 148)
    put(String(type), at: 156)
    put("ustar\u{0}00", at: 257)
    put(String(header.reduce(0) { $0 + Int($1) }, radix: 8).leftPadded(6) + "\0 ", at: 148)
    let padding = [UInt8](repeating: 0, count: (512 - content.utf8.count % 512) % 512)
    return header + Array(content.utf8) + padding
  }

  static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(
      &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    var input = bytes
    var output = [UInt8](repeating: 0, count: bytes.count + 1000)
    input.withUnsafeMutableBufferPointer { source in
      output.withUnsafeMutableBufferPointer { target in
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(target.count)
        deflate(&stream, Z_FINISH)
      }
    }
    deflateEnd(&stream)
    return Array(output.prefix(Int(stream.total_out)))
  }

  static let two = tar("node/a.txt", "alpha") + tar("node/b.txt", "beta") + [UInt8](repeating: 0, count: 1024)

  static func members(_ bytes: [UInt8], name: String = "x.tar.gz", budget: Archive.Budget = .init()) throws -> [String]
  {
    try Archive.members(of: SourceFile(name: name, contents: bytes), budget: budget).map {
      $0.name + "=" + $0.text(0..<$0.bytes.count)
    }
  }

  @Test func tarPlainAndCompressed() throws {
    let expected = ["node/a.txt=alpha", "node/b.txt=beta"]
    #expect(try Self.members(Self.two, name: "x.tar") == expected)
    #expect(try Self.members(Self.gzip(Self.two)) == expected)
    var compressed = [UInt8](repeating: 0, count: 10_000)
    let size = ZSTD_compress(&compressed, compressed.count, Self.two, Self.two.count, 3)
    #expect(try Self.members(Array(compressed.prefix(size)), name: "x.tar.zst") == expected)
  }

  /// What the library still reads of zstd's early years has windows that nothing bounds.
  @Test func framesOfOldZstandardAreRefused() throws {
    // One segment of one raw block, "a".
    let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 1, 0x09, 0, 0, 0x61]
    #expect(try Self.members(frame + frame, name: "x.txt.zst") == ["x.txt=aa"])
    let skippable: [UInt8] = [0x51, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 1, 2]
    #expect(try Self.members(frame + skippable + frame, name: "x.txt.zst") == ["x.txt=aa"])
    let error = #expect(throws: InputError.self) {
      _ = try Self.members(frame + [0x26, 0xB5, 0x2F, 0xFD, 0x1F, 0x8B, 0x08, 0x08, 0x31], name: "x.txt.zst")
    }
    #expect(error?.reason.contains("byte 10") == true)
  }

  @Test func oneCompressedFile() throws {
    #expect(try Self.members(Self.gzip(Array("hello".utf8)), name: "d/dump.txt.gz") == ["d/dump.txt=hello"])
    // gzip members may follow one another.
    let both = Self.gzip(Array("one ".utf8)) + Self.gzip(Array("two".utf8))
    #expect(try Self.members(both, name: "a.gz") == ["a=one two"])
  }

  @Test func longNames() throws {
    let long = String(repeating: "d/", count: 80) + "f.txt"
    #expect(try Self.members(Self.tar("././@LongLink", long, type: "L") + Self.tar("short", "x")) == [long + "=x"])
    let record = "path=\(long)\n"
    let pax = "\(record.utf8.count + 4) \(record)"
    #expect(try Self.members(Self.tar("PaxHeader", pax, type: "x") + Self.tar("short", "x")) == [long + "=x"])
    #expect(try Self.members(Self.tar("a\u{1B}[31m", "x")) == ["a\\u{1b}[31m=x"])
  }

  @Test func damageAndBombs() {
    let packed = Self.gzip(Self.two)
    #expect(throws: InputError.self) { try Self.members(Array(packed.dropLast(9))) }
    #expect(throws: InputError.self) { try Self.members(Array(Self.two.prefix(1300)), name: "x.tar") }
    let limits = Archive.Budget(bytes: 1 << 20)
    let bomb = Self.gzip([UInt8](repeating: 0, count: 3 << 20))
    #expect(throws: InputError.self) { try Self.members(bomb, budget: limits) }
  }

  /// Bombs in an archive take from one budget, and the message says so.
  @Test func oneBudgetForAll() throws {
    let budget = Archive.Budget(bytes: 5 << 20)
    let bomb = Self.gzip([UInt8](repeating: 0, count: 2 << 20))
    _ = try Self.members(bomb, budget: budget)
    _ = try Self.members(bomb, budget: budget)
    let error = #expect(throws: InputError.self) { _ = try Self.members(bomb, budget: budget) }
    #expect(error?.isBudget == true)
    #expect(error?.reason.contains("with what was unpacked before") == true)
  }

  /// Files that are read as they are share a bound of their own, and members of an archive take nothing of it.
  @Test func plainFilesHaveABudget() throws {
    let budget = Archive.Budget(plain: 100)
    let file = SourceFile(name: "rules.txt", contents: [UInt8](repeating: 65, count: 60))
    try budget.admit(file)
    try budget.admit(SourceFile(name: "member", partOf: file, range: 0..<60))
    let error = #expect(throws: InputError.self) { try budget.admit(file) }
    #expect(error?.isBudget == true)
    #expect(error?.path == "rules.txt")
    #expect(error?.reason.contains("hand over fewer files") == true)
  }

  /// Output that fills the room for it exactly is all there is.
  @Test(arguments: [1 << 14, 65_535, 65_536, 65_537, 131_072, 1 << 20]) func sizesThatFillTheRoom(_ size: Int) throws {
    let content = [UInt8](repeating: 65, count: size)
    var compressed = [UInt8](repeating: 0, count: 10_000)
    let written = ZSTD_compress(&compressed, compressed.count, content, content.count, 3)
    for bytes in [Array(compressed.prefix(written)), Self.gzip(content)] {
      let found = try Archive.members(of: SourceFile(name: "x", contents: bytes))
      #expect(found.map(\.bytes.count) == [size])
    }
  }

  @Test func mutations() {
    var random = SplitMix(state: 11)
    let seeds = [Self.two, Self.gzip(Self.two)]
    for round in 0..<2000 {
      var bytes = seeds[round & 1]
      for _ in 0...Int(random.next() % 4) {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      if random.next() % 4 == 0 { bytes.removeLast(Int(random.next() % UInt64(bytes.count))) }
      _ = try? Self.members(bytes, budget: Archive.Budget(bytes: 1 << 20))
    }
  }
}

extension String {
  fileprivate func leftPadded(_ width: Int) -> String { String(repeating: "0", count: max(0, width - count)) + self }
}
