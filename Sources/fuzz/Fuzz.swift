import CMemoryPeak
import FuzzSupport
import Glibc
import Input

/// The reader to try. See Package.swift for how to build; run with SWIFT_BACKTRACE=enable=no, else the backtracer swallows
/// the trap and no crash file is written.
private let target: FuzzTarget = {
  let name = getenv("TARGET").map { String(cString: $0) } ?? ""
  guard let found = FuzzTarget.all.first(where: { $0.name == name }) else {
    fatalError("TARGET is none of \(FuzzTarget.all.map(\.name).joined(separator: " "))")
  }
  return found
}()

/// Reading may take so many times the input's size, above what the reader and the walk take for any input.
private let factor = 50
/// Seconds of the processor for any input, and for each byte: 1 s for 100 KB.
private let patience = 1.0
private let secondsPerByte = 1e-5

private func processorTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Prints what each input took, for measuring it.
private let isMeasuring = getenv("MEMORY") != nil

/// SEEDS=FOLDER: writes the seeds of every target below it, and that is all.
@_cdecl("LLVMFuzzerInitialize")
public func fuzzInitialize(_ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer) -> CInt {
  guard let folder = getenv("SEEDS").map({ String(cString: $0) }) else { return 0 }
  for target in FuzzTarget.all {
    mkdir("\(folder)/\(target.name)", 0o755)
    for (index, seed) in target.seeds.enumerated() {
      guard let file = fopen("\(folder)/\(target.name)/seed\(index)", "w") else { exit(73) }
      fwrite(seed, 1, seed.utf8.count, file)
      fclose(file)
    }
  }
  exit(0)
}

/// libFuzzer's entry.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  memory_peak_reset()
  let before = memory_now()
  let start = processorTime()
  target.run(SourceFile(name: "fuzz", contents: UnsafeBufferPointer(start: bytes, count: count)))
  let taken = memory_peak() - before
  let seconds = processorTime() - start
  if isMeasuring { print("\(target.name): \(count) bytes took \(taken), \(taken / max(count, 1)) times, \(seconds) s") }
  precondition(taken <= factor * count + target.allowance, "\(count) bytes took \(taken) of memory")
  precondition(seconds <= patience + secondsPerByte * Double(count), "\(count) bytes took \(seconds) s")
  return 0
}
