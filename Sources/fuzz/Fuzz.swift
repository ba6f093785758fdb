import Input
import PacketPath
import Snapshot
import Wire

/// libFuzzer's entry: the input goes through every reader, and what they made of it is walked. See Package.swift for how to
/// build; run with SWIFT_BACKTRACE=enable=no, else the backtracer swallows the trap and no crash file is written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let file = SourceFile(name: "fuzz", contents: UnsafeBufferPointer(start: bytes, count: count))
  var snapshot = Snapshot(name: "fuzz")
  IptablesSaveReader.read(file, into: &snapshot)
  NftTextReader.read(file, range: 0..<file.bytes.count, into: &snapshot)
  NftJSONReader.read(file, range: 0..<file.bytes.count, into: &snapshot)
  IPLinkReader.read(file, into: &snapshot)
  IPRouteReader.read(file, into: &snapshot)
  IPRuleReader.read(file, into: &snapshot)
  IPSetReader.read(file, into: &snapshot)
  SysctlReader.read(file, into: &snapshot)
  ConntrackReader.read(file, into: &snapshot)
  snapshot.ruleset.finish()
  let flow = Flow(
    ipProtocol: .tcp, source: IPAddress(v4: 0x0AF4_0107), sourcePort: 40000, destination: IPAddress(v4: 0x0A60_000A),
    destinationPort: 80, from: "eth0")
  _ = PathTracer(snapshot).trace(flow)
  return 0
}
