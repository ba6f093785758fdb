import Glibc

/// What one child process cost.
struct Measurement {
  /// User and system time together.
  var processorSeconds: Double
  var wallSeconds: Double
  var peakMegabytes: Double
  var status: Int32

  /// Runs a program to its end, its output thrown away; nil where it cannot be started.
  static func run(_ arguments: [String], input: String? = nil) -> Measurement? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input ?? "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var list: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for text in list { free(text) } }
    var child: pid_t = 0
    let clock = ContinuousClock()
    let start = clock.now
    guard posix_spawnp(&child, arguments[0], &actions, nil, &list, environ) == 0 else { return nil }
    var status: Int32 = 0
    var usage = rusage()
    while wait4(child, &status, 0, &usage) < 0 && errno == EINTR {}
    let wall = start.duration(to: clock.now)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return Measurement(
      processorSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
      wallSeconds: Double(wall.components.seconds) + Double(wall.components.attoseconds) / 1e18,
      peakMegabytes: Double(usage.ru_maxrss) / 1024, status: status >> 8 & 0xFF)
  }

  /// The run with the least processor time.
  static func best(of runs: Int, _ arguments: [String], input: String? = nil) -> Measurement? {
    (0..<max(1, runs)).compactMap { _ in run(arguments, input: input) }
      .min { $0.processorSeconds < $1.processorSeconds }
  }
}
