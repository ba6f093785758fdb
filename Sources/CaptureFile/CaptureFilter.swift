import CPcap
import Wire

/// A tcpdump expression, compiled by libpcap once for each link type it meets.
public final class CaptureFilter {
  private let expression: String
  private var programs: [LinkType: UnsafeMutablePointer<bpf_program>?] = [:]

  /// Throws libpcap's own message when the expression does not compile for Ethernet.
  public init(_ expression: String) throws(FilterError) {
    self.expression = expression
    if case .failure(let error) = Self.compile(expression, for: .ethernet) { throw error }
  }

  deinit {
    for case let program? in programs.values {
      pcap_freecode(program)
      program.deallocate()
    }
  }

  /// Whether the frame passes. A link type for which the expression does not compile passes nothing.
  public func matches(_ frame: Frame) -> Bool {
    guard let program = program(for: frame.linkType) else { return false }
    var header = pcap_pkthdr()
    header.caplen = UInt32(clamping: frame.bytes.count)
    header.len = UInt32(clamping: frame.bytes.wireCount)
    return pcap_offline_filter(program, &header, frame.bytes.base.assumingMemoryBound(to: UInt8.self)) != 0
  }

  private func program(for linkType: LinkType) -> UnsafeMutablePointer<bpf_program>? {
    if let known = programs[linkType] { return known }
    let compiled = try? Self.compile(expression, for: linkType).get()
    programs[linkType] = .some(compiled)
    return compiled
  }

  private static func compile(
    _ expression: String, for linkType: LinkType
  ) -> Result<UnsafeMutablePointer<bpf_program>, FilterError> {
    guard let handle = pcap_open_dead(Int32(linkType.rawValue), 262_144) else {
      return .failure(FilterError(message: "libpcap does not open link type \(linkType)"))
    }
    defer { pcap_close(handle) }
    let program = UnsafeMutablePointer<bpf_program>.allocate(capacity: 1)
    program.initialize(to: bpf_program())
    guard pcap_compile(handle, program, expression, 1, 0xFFFF_FFFF) == 0 else {
      let message = String(cString: pcap_geterr(handle))
      program.deallocate()
      return .failure(FilterError(message: message))
    }
    return .success(program)
  }
}

public struct FilterError: Error, CustomStringConvertible, Sendable {
  public let message: String
  public var description: String { message }
}
