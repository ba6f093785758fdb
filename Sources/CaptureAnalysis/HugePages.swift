import Glibc
import Synchronization

/// Memory on pages of 2 MiB: fewer faults, and fewer misses when it is visited at random. Where a hypervisor has to find the
/// memory first, they can cost many times what small ones do, of which some are always at hand: the first that comes late
/// is the last.
enum HugePages {
  static let size = 1 << 21
  /// Nanoseconds in which small pages would be there.
  private static let patience: Int64 = 1_200_000
  private static let areSlow = Atomic<Bool>(false)

  /// For memory from `base`, at a page's begin, in which nothing stands yet.
  static func back(_ base: UnsafeMutableRawPointer, _ count: Int) {
    take(base, count) { base.storeBytes(of: 0, as: UInt8.self) }
  }

  /// For memory whose first 2 MiB are in use already, on small pages: Linux 6.1 can gather them at once.
  static func gather(_ base: UnsafeMutableRawPointer, _ count: Int) {
    take(base, count) { _ = madvise(base, size, collapse) }
  }

  private static func take(_ base: UnsafeMutableRawPointer, _ count: Int, _ fault: () -> Void) {
    guard !areSlow.load(ordering: .relaxed) else { return }
    madvise(base, min(count, size), MADV_HUGEPAGE)
    let start = now
    fault()
    if now &- start > patience {
      areSlow.store(true, ordering: .relaxed)
    } else if count > size {
      madvise(base, count, MADV_HUGEPAGE)
    }
  }

  private static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  /// `MADV_COLLAPSE`, which older C libraries do not name; older kernels refuse it.
  private static var collapse: Int32 { 25 }
}
