import CMnl
import Glibc
import Input

/// Runs a standard tool and reads what it prints, within a time limit. It runs in the calling thread's namespaces.
public enum Tool {
  public struct Failure: Error, CustomStringConvertible {
    public var description: String
  }

  /// Where a tool is, by PATH and the folders of system tools.
  public static func find(_ name: String) -> String? {
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
    return folders.lazy.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }

  /// What `arguments[0]` prints to its standard output; it is ended after `seconds`.
  public static func run(_ arguments: [String], seconds: Int = 60, limit: Int = 4 << 30) throws -> SourceFile {
    guard let name = arguments.first, let path = find(name) else {
      throw Failure(description: "\(arguments.first ?? "") is not installed")
    }
    var output: [Int32] = [0, 0]
    var errors: [Int32] = [0, 0]
    guard pipe2(&output, O_CLOEXEC) == 0 else { throw Failure(description: String(cString: strerror(errno))) }
    guard pipe2(&errors, O_CLOEXEC) == 0 else {
      close(output[0])
      close(output[1])
      throw Failure(description: String(cString: strerror(errno)))
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output[1], 1)
    posix_spawn_file_actions_adddup2(&actions, errors[1], 2)
    var pid: pid_t = 0
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    let code = posix_spawn(&pid, path, &actions, nil, &argv, environ)
    for argument in argv { free(argument) }
    posix_spawn_file_actions_destroy(&actions)
    close(output[1])
    close(errors[1])
    defer {
      close(output[0])
      close(errors[0])
    }
    guard code == 0 else { throw Failure(description: "\(name): \(String(cString: strerror(code)))") }
    var bytes: [UInt8] = []
    var message: [UInt8] = []
    let inTime = drain(output[0], errors[0], seconds: seconds, limit: limit, &bytes, &message)
    if !inTime { kill(pid, SIGKILL) }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    guard inTime else { throw Failure(description: "\(name) did not end within \(seconds) s") }
    guard status == 0 else {
      let text = String(decoding: message.prefix { $0 != 10 }.prefix(300), as: UTF8.self)
      throw Failure(description: "\(name) failed\(text.isEmpty ? "" : ": " + text)")
    }
    return SourceFile(name: arguments.joined(separator: " "), contents: bytes)
  }

  /// Reads both pipes to their ends. False: out of time, or too much.
  private static func drain(
    _ output: Int32, _ errors: Int32, seconds: Int, limit: Int, _ bytes: inout [UInt8], _ message: inout [UInt8]
  ) -> Bool {
    var polled = [
      pollfd(fd: output, events: Int16(POLLIN), revents: 0), pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
    ]
    var open = 2
    var start = timespec()
    clock_gettime(CLOCK_MONOTONIC, &start)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while open > 0 {
      var now = timespec()
      clock_gettime(CLOCK_MONOTONIC, &now)
      let left = seconds - (now.tv_sec - start.tv_sec)
      guard left > 0, bytes.count < limit else { return false }
      guard poll(&polled, 2, Int32(left * 1000)) >= 0 || errno == EINTR else { return false }
      for index in polled.indices where polled[index].fd >= 0 && polled[index].revents != 0 {
        let got = read(polled[index].fd, &chunk, chunk.count)
        if got <= 0 {
          polled[index].fd = -1
          open -= 1
        } else if index == 0 {
          bytes += chunk[..<got]
        } else if message.count < 1 << 16 {
          message += chunk[..<got]
        }
      }
    }
    return true
  }
}
