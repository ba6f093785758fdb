import Glibc

/// A network namespace without a name: it lives as long as this object (or a socket opened in it) and vanishes with
/// the process, so a run that crashed leaves nothing behind.
public final class NetworkNamespace: Sendable {
  private let descriptor: Int32

  public init() throws(LabError) {
    let home = try Self.current()
    defer { close(home) }
    guard SystemCall.unshare(SystemCall.newNetwork) == 0 else { throw .system("unshare") }
    defer { Self.enter(home) }
    descriptor = try Self.current()
  }

  deinit { close(descriptor) }

  /// A path that tools of other processes can open while this object lives.
  public var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

  /// Runs the body, which must not suspend, with the calling thread inside the namespace. Sockets opened and
  /// processes started by it belong to the namespace.
  public func run<T>(_ body: () throws -> T) throws -> T {
    let home = try Self.current()
    defer { close(home) }
    guard SystemCall.setns(descriptor, SystemCall.newNetwork) == 0 else { throw LabError.system("setns") }
    defer { Self.enter(home) }
    return try body()
  }

  private static func current() throws(LabError) -> Int32 {
    let descriptor = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("/proc/thread-self/ns/net") }
    return descriptor
  }

  /// A thread that stayed in the wrong namespace would send test packets into the machine's own network.
  private static func enter(_ descriptor: Int32) {
    guard SystemCall.setns(descriptor, SystemCall.newNetwork) == 0 else { fatalError("cannot return from a namespace") }
  }
}
