import Glibc

/// What a system call or a tool refused.
public struct LabError: Error, CustomStringConvertible {
  public var description: String
  public init(_ description: String) { self.description = description }

  /// The kernel or the tool lacks a feature: no fault of what was asked.
  public var isUnsupported: Bool { description.contains("not supported") || description.contains("Couldn't load") }

  static func system(_ what: String) -> LabError { LabError("\(what): \(String(cString: strerror(errno)))") }
}

/// Linux calls that glibc's module does not show to Swift because they stand behind _GNU_SOURCE.
enum SystemCall {
  typealias OneInt = @convention(c) (Int32) -> Int32
  typealias TwoInts = @convention(c) (Int32, Int32) -> Int32
  typealias Affinity = @convention(c) (Int32, Int, UnsafeMutableRawPointer) -> Int32

  static let newNetwork: Int32 = 0x4000_0000

  private static func find<T>(_ name: String, as type: T.Type) -> T {
    guard let symbol = dlsym(nil, name) else { fatalError("libc has no \(name)") }
    return unsafeBitCast(symbol, to: type)
  }

  static func thread() -> Int { Int(find("gettid", as: (@convention(c) () -> Int32).self)()) }
  static func unshare(_ flags: Int32) -> Int32 { find("unshare", as: OneInt.self)(flags) }
  static func setns(_ descriptor: Int32, _ kind: Int32) -> Int32 {
    find("setns", as: TwoInts.self)(descriptor, kind)
  }

  /// What the body opens belongs to the user and the group: it asks with the thread's file system identity, which leaves
  /// its other rights alone.
  static func owned<T>(by user: UInt32, _ group: UInt32, _ body: () throws -> T) rethrows -> T {
    typealias Change = @convention(c) (UInt32) -> Int32
    let (setUser, setGroup) = (find("setfsuid", as: Change.self), find("setfsgid", as: Change.self))
    let (oldGroup, oldUser) = (setGroup(group), setUser(user))
    defer {
      _ = setUser(UInt32(bitPattern: oldUser))
      _ = setGroup(UInt32(bitPattern: oldGroup))
    }
    return try body()
  }

  /// The processors that the calling thread may run on: 1024 bits, as cpu_set_t.
  static func affinity() -> [UInt8] {
    var bits = [UInt8](repeating: 0, count: 128)
    _ = bits.withUnsafeMutableBytes { find("sched_getaffinity", as: Affinity.self)(0, 128, $0.baseAddress!) }
    return bits
  }

  static func setAffinity(_ bits: [UInt8]) {
    var copy = bits
    _ = copy.withUnsafeMutableBytes { find("sched_setaffinity", as: Affinity.self)(0, 128, $0.baseAddress!) }
  }
}

/// Runs the body on one processor only. Frames then keep their order on the way through the kernel: what was sent
/// first has been worked off first, so a marker frame that arrives says that everything before it is done.
public func onOneProcessor<T>(_ body: () throws -> T) rethrows -> T {
  let before = SystemCall.affinity()
  let usable = (0..<before.count * 8).filter { before[$0 / 8] >> ($0 % 8) & 1 != 0 }
  guard !usable.isEmpty else { return try body() }
  // Labs that run side by side spread over the processors.
  let chosen = usable[SystemCall.thread() % usable.count]
  var one = [UInt8](repeating: 0, count: before.count)
  one[chosen / 8] = 1 << (chosen % 8)
  SystemCall.setAffinity(one)
  defer { SystemCall.setAffinity(before) }
  return try body()
}
