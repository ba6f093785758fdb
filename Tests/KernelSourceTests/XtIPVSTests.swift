import Testing
import Wire

@testable import KernelSource

/// `-m ipvs` from literal bytes of struct xt_ipvs_mtinfo, since few test kernels have IPVS.
@Suite struct XtIPVSTests {
  private static func text(asked: UInt8, inverted: UInt8, method: UInt8 = 0, mask: [UInt8] = [255, 255, 255, 255])
    -> String?
  {
    var bytes = [UInt8](repeating: 0, count: 40)
    bytes.replaceSubrange(0..<4, with: [10, 96, 0, 10])
    bytes.replaceSubrange(16..<20, with: mask)
    bytes.replaceSubrange(32..<40, with: [0x1F, 0x90, 6, method, 0, 21, inverted, asked])
    return bytes.withUnsafeBytes {
      XtMatch.text("ipvs", revision: 0, XtBlob(bytes: $0, version: .v4), IPSetNames())
    }
  }

  @Test func everyOption() {
    #expect(Self.text(asked: 1, inverted: 0) == "-m ipvs --ipvs")
    #expect(Self.text(asked: 1, inverted: 1) == "-m ipvs ! --ipvs")
    #expect(
      Self.text(asked: 0x7F, inverted: 0)
        == "-m ipvs --vproto 6 --vaddr 10.96.0.10 --vport 8080 --vmethod MASQ --vportctl 21 --vdir ORIGINAL")
    #expect(
      Self.text(asked: 0x35, inverted: 0x14, method: 3, mask: [255, 240, 0, 0])
        == "-m ipvs ! --vaddr 10.96.0.10/12 --vmethod GATE --vdir REPLY")
  }

  @Test func anUnknownMethodIsNotDecoded() { #expect(Self.text(asked: 0x20, inverted: 0, method: 7) == nil) }
}
