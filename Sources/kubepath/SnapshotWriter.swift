import CZlib
import Glibc
import Input
import KernelSource

/// Writes collected files: a folder, or a tar archive compressed with gzip.
enum SnapshotWriter {
  static func writeFolder(_ files: [NodeCollector.File], to path: String) throws(InputError) {
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw InputError(path: path, errno: errno) }
    for file in files {
      try write(file.bytes, to: path.hasSuffix("/") ? path + file.name : path + "/" + file.name)
    }
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(InputError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw InputError(path: path, errno: errno) }
    defer { close(descriptor) }
    var at = 0
    while at < bytes.count {
      let done = Glibc.write(descriptor, bytes.baseAddress! + at, bytes.count - at)
      if done < 0 && errno == EINTR { continue }
      guard done > 0 else { throw InputError(path: path, errno: errno) }
      at += done
    }
  }

  static func writeArchive(_ files: [NodeCollector.File], name: String, to path: String) throws(InputError) {
    guard let out = gzopen(path, "wb6") else { throw InputError(path: path, errno: errno) }
    var good = true
    func put(_ bytes: UnsafeRawBufferPointer) {
      var at = 0
      while at < bytes.count, good {
        // gzwrite takes at most four gigabytes at once.
        let part = min(bytes.count - at, 1 << 30)
        good = gzwrite(out, bytes.baseAddress! + at, UInt32(part)) == Int32(part)
        at += part
      }
    }
    let padding = [UInt8](repeating: 0, count: 1024)
    for file in files {
      header(name + "/" + file.name, size: file.bytes.count).withUnsafeBytes { put($0) }
      put(file.bytes)
      let rest = -file.bytes.count & 511
      padding.withUnsafeBytes { put(UnsafeRawBufferPointer(rebasing: $0[..<rest])) }
    }
    padding.withUnsafeBytes { put($0) }
    guard gzclose(out) == Z_OK, good else { throw InputError(path: path, reason: "cannot be written completely") }
  }

  /// A ustar header (POSIX.1-1988) of a plain file.
  private static func header(_ name: String, size: Int) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at offset: Int) {
      for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
    }
    func octal(_ value: Int, digits: Int) -> String {
      let text = String(value, radix: 8)
      return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
    put(String(name.prefix(99)), at: 0)
    put(octal(0o644, digits: 7), at: 100)
    put(octal(0, digits: 7), at: 108)
    put(octal(0, digits: 7), at: 116)
    put(octal(size, digits: 11), at: 124)
    put(octal(time(nil), digits: 11), at: 136)
    put("        ", at: 148)
    put("0", at: 156)
    put("ustar", at: 257)
    put("00", at: 263)
    put(octal(block.reduce(0) { $0 + Int($1) }, digits: 6), at: 148)
    block[154] = 0
    block[155] = 32
    return block
  }
}
