import Glibc

/// One finished process.
public struct CommandResult: Sendable {
  public var status: Int32
  public var output: String
  public var errors: String
}

/// Runs a tool to its end in the namespace of the calling thread. Input and output go through unlinked files, so no
/// amount of either can block.
public func runCommand(
  _ arguments: [String], input: String = "", environment extra: [String: String] = [:]
) throws(LabError) -> CommandResult {
  let standardInput = try temporaryFile()
  let standardOutput = try temporaryFile()
  let standardError = try temporaryFile()
  let files = [standardInput, standardOutput, standardError]
  defer { for file in files { close(file) } }
  writeAll(standardInput, Array(input.utf8))
  lseek(standardInput, 0, SEEK_SET)

  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for (number, file) in files.enumerated() { posix_spawn_file_actions_adddup2(&actions, file, Int32(number)) }

  var variables = extra
  variables["LC_ALL"] = "C"
  variables["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  var argumentList: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
  var environmentList: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
  defer { for text in argumentList + environmentList { free(text) } }

  // posix_spawnp searches the caller's own PATH, which for a plain user lacks the sbin directories.
  let program = findProgram(arguments[0]) ?? arguments[0]
  var child: pid_t = 0
  let refused = posix_spawn(&child, program, &actions, nil, &argumentList, &environmentList)
  guard refused == 0 else { throw LabError("\(arguments[0]): \(String(cString: strerror(refused)))") }
  var status: Int32 = 0
  while waitpid(child, &status, 0) < 0 && errno == EINTR {}
  let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
  return CommandResult(status: code, output: contents(of: standardOutput), errors: contents(of: standardError))
}

/// Where a tool is installed, if it is.
public func findProgram(_ name: String) -> String? {
  if name.contains("/") { return name }
  return ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    .map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
}

private func temporaryFile() throws(LabError) -> Int32 {
  var template = Array("/tmp/kernel-lab-XXXXXX".utf8CString)
  let descriptor = mkstemp(&template)
  guard descriptor >= 0 else { throw .system("mkstemp") }
  _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  unlink(template)
  return descriptor
}

private func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) {
  var at = 0
  while at < bytes.count {
    let count = bytes[at...].withUnsafeBytes { write(descriptor, $0.baseAddress!, $0.count) }
    if count <= 0 { return }
    at += count
  }
}

private func contents(of descriptor: Int32) -> String {
  let size = Int(lseek(descriptor, 0, SEEK_END))
  var bytes = [UInt8](repeating: 0, count: size)
  var at = 0
  while at < size {
    let count = bytes[at...].withUnsafeMutableBytes { pread(descriptor, $0.baseAddress!, $0.count, at) }
    if count <= 0 { break }
    at += count
  }
  return String(decoding: bytes[..<at], as: UTF8.self)
}

/// Reads a small file, for example under /proc/sys, as the calling thread sees it.
func readText(_ path: String) -> String? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var all: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    if count <= 0 { break }
    all += chunk[..<count]
  }
  return String(decoding: all, as: UTF8.self)
}

@discardableResult
public func writeText(_ path: String, _ text: String) -> Bool {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { return false }
  defer { close(descriptor) }
  let bytes = Array(text.utf8)
  return write(descriptor, bytes, bytes.count) == bytes.count
}
