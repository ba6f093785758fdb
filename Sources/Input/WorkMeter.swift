import Synchronization

/// How far the work that takes long has got, for whoever shows it: units done, and units known to be there. Counted where the work
/// is done, from any thread; one piece of work at a time.
public enum WorkMeter {
  private static let done = Atomic<Int>(0)
  private static let all = Atomic<Int>(0)

  public static func reset() {
    done.store(0, ordering: .relaxed)
    all.store(0, ordering: .relaxed)
  }

  /// There are so many units more.
  public static func expect(_ units: Int) { all.add(units, ordering: .relaxed) }

  public static func advance(_ units: Int) { done.add(units, ordering: .relaxed) }

  /// Nil: nobody counts.
  public static var share: (done: Int, all: Int)? {
    let all = all.load(ordering: .relaxed)
    return all > 0 ? (min(done.load(ordering: .relaxed), all), all) : nil
  }
}
