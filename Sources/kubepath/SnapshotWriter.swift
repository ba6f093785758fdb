import CZlib
import Glibc
import Input
import KernelSource

/// Writes collected files: a folder, or a tar archive compressed with gzip. Others cannot read them; they are written aside
/// and take their name when they are whole; nothing that was there is overwritten but an empty folder or an earlier archive.
enum SnapshotWriter {
  typealias Failure = OutputFailure

  static func writeFolder(_ files: [NodeCollector.File], to path: String) throws(Failure) {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    var status = stat()
    if lstat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else { throw Failure(path, "is there already and no folder") }
      guard isEmpty(path) else { throw Failure(path, "is a folder that is not empty; name a new one") }
    }
    let aside = path + ".partial-\(getpid())"
    guard mkdir(aside, 0o700) == 0 else { throw Failure(aside, errno: errno) }
    do throws(Failure) {
      for folder in folders(files) {
        guard mkdir(aside + "/" + folder, 0o700) == 0 else { throw Failure(aside + "/" + folder, errno: errno) }
      }
      for file in files { try write(file.bytes, to: aside + "/" + file.name) }
      guard rename(aside, path) == 0 else { throw Failure(path, errno: errno) }
    } catch {
      for file in files { unlink(aside + "/" + file.name) }
      for folder in folders(files).reversed() { rmdir(aside + "/" + folder) }
      rmdir(aside)
      throw error
    }
  }

  /// The folders that the files lie in, each behind the one above it.
  private static func folders(_ files: [NodeCollector.File]) -> [String] {
    var folders: [String] = []
    for file in files {
      let parts = file.name.split(separator: "/").dropLast()
      for count in parts.indices {
        let folder = parts[...count].joined(separator: "/")
        if !folders.contains(folder) { folders.append(folder) }
      }
    }
    return folders
  }

  private static func isEmpty(_ path: String) -> Bool {
    guard let directory = opendir(path) else { return false }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    // Itself and its parent.
    return count <= 2
  }

  /// A new file that only its owner can read; a link that somebody put there is not followed.
  private static func create(_ path: String) throws(Failure) -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Failure(path, errno: errno) }
    return descriptor
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(Failure) {
    let descriptor = try create(path)
    defer { close(descriptor) }
    var at = 0
    while at < bytes.count {
      let done = Glibc.write(descriptor, bytes.baseAddress! + at, bytes.count - at)
      if done < 0 && errno == EINTR { continue }
      guard done > 0 else { throw Failure(path, errno: errno) }
      at += done
    }
  }

  static func writeArchive(_ files: [NodeCollector.File], name: String, to path: String) throws(Failure) {
    var status = stat()
    if lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw Failure(path, "is there already and no file")
    }
    let aside = path + ".partial-\(getpid())"
    let descriptor = try create(aside)
    do throws(Failure) {
      try writeArchive(files, name: name, aside, descriptor)
      guard rename(aside, path) == 0 else { throw Failure(path, errno: errno) }
    } catch {
      unlink(aside)
      throw error
    }
  }

  private static func writeArchive(
    _ files: [NodeCollector.File], name: String, _ path: String, _ descriptor: Int32
  ) throws(Failure) {
    guard let out = gzdopen(descriptor, "wb6") else {
      close(descriptor)
      throw Failure(path, errno: errno)
    }
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
    guard gzclose(out) == Z_OK, good else { throw Failure(path, "cannot be written completely") }
  }

  /// Of a name that is too long for its field the beginning stands in another: up to some slash.
  private static func split(_ name: String) -> (folder: String, last: String) {
    guard name.utf8.count > 99 else { return ("", name) }
    var at = name.startIndex
    while let slash = name[at...].firstIndex(of: "/") {
      let rest = name[name.index(after: slash)...]
      if rest.utf8.count <= 99 { return (String(name[..<slash].prefix(154)), String(rest)) }
      at = name.index(after: slash)
    }
    return ("", String(name.prefix(99)))
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
    let (folder, last) = split(name)
    put(last, at: 0)
    put(folder, at: 345)
    put(octal(0o600, digits: 7), at: 100)
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

extension OutputFailure {
  init(_ path: String, errno code: Int32) { self.init(path, String(cString: strerror(code))) }
}
