import CMnl
import Glibc
import Input

/// Runs work inside another network namespace. Namespaces belong to threads: the calling one enters and comes back.
enum Namespace {
  /// CLONE_NEWNET of <linux/sched.h>.
  private static let cloneNewNetwork: Int32 = 0x4000_0000

  static func within<T>(_ name: String?, _ body: () throws -> T) throws -> T {
    guard let name else { return try body() }
    let path =
      name.contains("/") ? name : Int(name) != nil ? "/proc/\(name)/ns/net" : "/run/netns/\(name)"
    let target = open(path, O_RDONLY | O_CLOEXEC)
    guard target >= 0 else {
      let code = errno
      throw InputError(
        path: name,
        reason: code == ENOENT
          ? "no network namespace of this name (ip netns list) and no process of this number"
          : "cannot be opened (\(String(cString: strerror(code)))); it needs the capabilities CAP_SYS_ADMIN and CAP_SYS_PTRACE"
      )
    }
    defer { close(target) }
    let own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
    guard own >= 0 else { throw InputError(path: "/proc/thread-self/ns/net", errno: errno) }
    defer { close(own) }
    guard setns(target, cloneNewNetwork) == 0 else {
      let code = errno
      throw InputError(
        path: name,
        reason: code == EPERM
          ? "cannot be entered: it needs the capability CAP_SYS_ADMIN (run as root)" : String(cString: strerror(code)))
    }
    // Not to come back would let later work look at the wrong node.
    defer { if setns(own, cloneNewNetwork) != 0 { fatalError("cannot return to the own network namespace") } }
    return try body()
  }
}
