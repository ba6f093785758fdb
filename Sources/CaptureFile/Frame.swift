import Wire

/// One record of a capture. The bytes live in the reader's buffer and are good until the next record is asked for.
public struct Frame {
  /// `count` captured, `wireCount` on the wire.
  public var bytes: PacketBytes
  /// Nanoseconds since 1970; 0 where the record carries no time (pcapng's simple packets).
  public var time: Int64
  /// From 1, as Wireshark counts.
  public var number: Int
  public var linkType: LinkType
  /// Index of the capturing interface inside the file; 0 in a pcap file.
  public var interface: UInt32
  /// Index of the file among those read together.
  public var file: Int

  @inlinable public init(
    bytes: PacketBytes, time: Int64 = 0, number: Int = 1, linkType: LinkType = .ethernet, interface: UInt32 = 0,
    file: Int = 0
  ) {
    self.bytes = bytes
    self.time = time
    self.number = number
    self.linkType = linkType
    self.interface = interface
    self.file = file
  }

  public static var empty: Frame { Frame(bytes: PacketBytes(UnsafeRawBufferPointer(start: nil, count: 0))) }
}
