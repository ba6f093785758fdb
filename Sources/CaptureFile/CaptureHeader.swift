import Wire

/// What a capture file says of itself.
public struct CaptureHeader: Sendable {
  public enum Format: Sendable { case pcap, pcapng }

  public var format: Format = .pcap
  public var bigEndian = false
  public var nanoseconds = false
  public var modified = false
  public var compression: String?
  public var sections = 0

  /// `pcap-le-us`, `pcapng-be`, with `+gzip` or `+zstd`.
  public var name: String {
    let order = bigEndian ? "be" : "le"
    let plain =
      format == .pcapng ? "pcapng-\(order)" : "pcap-\(order)-\(modified ? "modified" : nanoseconds ? "ns" : "us")"
    return compression.map { "\(plain)+\($0)" } ?? plain
  }
}

/// One capturing interface.
public struct CaptureInterface: Sendable {
  public var linkType: LinkType
  /// 0: no limit.
  public var snapLength: UInt32
  /// Units of the timestamps per second.
  public var unitsPerSecond: UInt64 = 1_000_000
  /// Seconds to add to each.
  public var timeOffset: Int64 = 0
  /// Index into `CaptureReader.interfaceNames`, or -1.
  var name: Int32 = -1
}
