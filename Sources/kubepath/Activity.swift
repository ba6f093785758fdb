import Glibc
import Input
import Report
import Snapshot
import Synchronization

/// Tells on standard error what takes long, only on a terminal: what is being done, how far it is where that is known, and for how
/// long. Shown from the first second on, and gone before anything else is written there.
enum Activity {
  private struct State {
    var what = ""
    /// Done and to do; nil: not known.
    var share: (done: Int, all: Int)?
    var remark = ""
    var since: Int64 = 0
    var isActive = false
    var isShown = false
  }

  private static let state = Mutex(State())
  private static let firstShown: Int64 = 1_000_000_000
  private static let interval: UInt32 = 200_000
  private static let barWidth = 24

  /// Runs something that may take long.
  static func during<Result>(_ what: String, _ body: () throws -> Result) rethrows -> Result {
    begin(what)
    defer { end() }
    return try body()
  }

  static func begin(_ what: String) {
    guard isatty(2) == 1 else { return }
    WorkMeter.reset()
    let isNew = state.withLock { state in
      let isNew = !state.isActive
      state = State(what: printable(what, limit: 200), since: now(), isActive: true, isShown: state.isShown)
      return isNew
    }
    guard isNew else { return }
    var thread = pthread_t()
    guard
      pthread_create(
        &thread, nil,
        { _ in
          while Activity.tick() { usleep(Activity.interval) }
          return nil
        }, nil) == 0
    else { return }
    pthread_detach(thread)
  }

  static func end() {
    state.withLock { state in
      state.isActive = false
      clear(&state)
    }
  }

  /// How far it is.
  static func show(_ done: Int, of all: Int) { state.withLock { $0.share = all > 0 ? (min(done, all), all) : nil } }

  /// What else there is to say of it now.
  static func show(_ remark: String) { state.withLock { $0.remark = printable(remark, limit: 200) } }

  /// Writes something else to the terminal.
  static func pause(_ write: () -> Void) {
    state.withLock { state in
      clear(&state)
      write()
    }
  }

  private static func tick() -> Bool {
    state.withLock { state in
      guard state.isActive else { return false }
      let elapsed = now() - state.since
      guard elapsed >= firstShown else { return true }
      let width = Terminal.width(of: 2) ?? 80
      let line = clipped(line(state, elapsed), width - 1)
      put("\r\(line)\u{1B}[K")
      state.isShown = true
      return true
    }
  }

  private static func line(_ state: State, _ elapsed: Int64) -> String {
    let seconds = elapsed / 1_000_000_000
    let time = seconds < 120 ? "\(seconds) s" : "\(seconds / 60) min"
    let remark = state.remark.isEmpty ? "" : ", \(state.remark)"
    guard let (done, all) = state.share ?? WorkMeter.share else { return "\(state.what)\(remark)  \(time)" }
    let filled = done * barWidth / all
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: barWidth - filled)
    return "[\(bar)] \(done * 100 / all)%  \(state.what)\(remark)  \(time)"
  }

  private static func clipped(_ text: String, _ width: Int) -> String {
    columnWidth(text) <= width ? text : String(text.prefix(max(width - 1, 1))) + "…"
  }

  private static func clear(_ state: inout State) {
    if state.isShown { put("\r\u{1B}[K") }
    state.isShown = false
  }

  private static func put(_ text: String) {
    var text = text
    text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
  }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
