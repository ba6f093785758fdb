import Glibc
import Input
import PacketPath
import Snapshot
import Wire

/// The reader to try, by the name of its format; without one every reader gets every input.
private let wanted = getenv("FORMAT").map { String(cString: $0) }
private let descriptors = DumpFormat.allCases.map(\.descriptor).filter { wanted == nil || $0.format.rawValue == wanted }

/// libFuzzer's entry: the input goes through the readers, and what they made of it is walked. A reader's target is this one
/// with its format's name: FORMAT=iptablesListing. See Package.swift for how to build; run with SWIFT_BACKTRACE=enable=no,
/// else the backtracer swallows the trap and no crash file is written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard !descriptors.isEmpty else { fatalError("FORMAT is none of \(DumpFormat.allCases.map(\.rawValue))") }
  let file = SourceFile(name: "fuzz", contents: UnsafeBufferPointer(start: bytes, count: count))
  var snapshot = Snapshot(name: "fuzz")
  for descriptor in descriptors { descriptor.read(file, into: &snapshot) }
  if wanted == nil { _ = SnapshotLoader.load([file], name: "fuzz") }
  snapshot.ruleset.finish()
  let flow = Flow(
    ipProtocol: .tcp, source: IPAddress(v4: 0x0AF4_0107), sourcePort: 40000, destination: IPAddress(v4: 0x0A60_000A),
    destinationPort: 80, from: "eth0")
  _ = PathTracer(snapshot).trace(flow)
  return 0
}
