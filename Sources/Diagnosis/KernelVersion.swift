import Snapshot

/// Release of a kernel, as `kernel.osrelease` tells.
struct KernelVersion: Comparable, CustomStringConvertible {
  var major: Int
  var minor: Int

  init(major: Int, minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// Nil: the snapshot does not tell.
  init?(_ snapshot: Snapshot) {
    let parts = (snapshot.sysctl("kernel.osrelease") ?? "").split { $0 == "." || $0 == "-" }
    guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
    self.init(major: major, minor: minor)
  }

  static func < (a: KernelVersion, b: KernelVersion) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
  var description: String { "\(major).\(minor)" }
}
