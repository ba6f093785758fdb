import ServiceMap
import Testing
import Wire

@testable import Diagnosis

/// People copy the commands of findings.
@Suite struct FrontendTraceTests {
  @Test func aCommandCanBeTypedAsItStands() throws {
    let frontend = Frontend(.clusterIP, try #require(IPAddress("fd00:96::a")), 53, .udp)
    let client = try #require(IPAddress("fd00:244::7"))
    #expect(frontend.traceCommand(from: client) == "kubepath trace '[fd00:96::a]:53/udp' --from fd00:244::7")
    // A NodePort is described as one, and dialled at the node's address.
    let nodePort = Frontend(.nodePort, IPAddress(v4: 0xC000_020A), 30080, .tcp)
    #expect(
      nodePort.traceCommand(from: IPAddress(v4: 0xCB00_7109)) == "kubepath trace 192.0.2.10:30080 --from 203.0.113.9")
  }
}
