import CPcap
import Glibc
import Input
import Wire

/// Frames of a running interface through libpcap; needs CAP_NET_RAW.
public struct LiveCapture: ~Copyable {
  private let handle: OpaquePointer
  public let linkType: LinkType
  /// Taken so far.
  public private(set) var frames = 0
  /// The file that frames are also written to.
  private var dump: OpaquePointer?

  public init(interface: String, filter: String?, snapLength: Int32 = 262_144) throws(CaptureError) {
    var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard let handle = pcap_create(interface, &message) else {
      throw .cannotOpen(InputError(path: interface, reason: Self.text(message)))
    }
    pcap_set_snaplen(handle, snapLength)
    pcap_set_promisc(handle, 0)
    pcap_set_timeout(handle, 200)
    pcap_set_buffer_size(handle, 16 << 20)
    pcap_set_tstamp_precision(handle, Int32(PCAP_TSTAMP_PRECISION_NANO))
    let code = pcap_activate(handle)
    guard code >= 0 else {
      var reason = String(cString: pcap_statustostr(code))
      if code == PCAP_ERROR_PERM_DENIED { reason += "; capturing needs CAP_NET_RAW" }
      pcap_close(handle)
      throw .cannotOpen(InputError(path: interface, reason: reason))
    }
    if let filter {
      var program = bpf_program()
      guard pcap_compile(handle, &program, filter, 1, 0xFFFF_FFFF) == 0, pcap_setfilter(handle, &program) == 0 else {
        let reason = "filter: " + String(cString: pcap_geterr(handle))
        pcap_close(handle)
        throw .cannotOpen(InputError(path: interface, reason: reason))
      }
      pcap_freecode(&program)
    }
    // Without this a filter that nothing passes would block beyond the timeout.
    pcap_setnonblock(handle, 1, &message)
    self.handle = handle
    linkType = LinkType(rawValue: UInt16(truncatingIfNeeded: pcap_datalink(handle)))
  }

  deinit {
    if let dump { pcap_dump_close(dump) }
    pcap_close(handle)
  }

  /// Writes all frames from now on to a pcap file as well. Throws `cannotWrite` where it cannot be made.
  public mutating func write(to path: String) throws(CaptureError) {
    guard let file = pcap_dump_open(handle, path) else {
      // libpcap puts the path in front.
      let reason = String(cString: pcap_geterr(handle))
      throw .cannotWrite(
        InputError(
          path: path, reason: reason.hasPrefix("\(path): ") ? String(reason.dropFirst(path.count + 2)) : reason))
    }
    dump = file
  }

  /// Whether all that was written reached the file.
  public func flush() -> Bool { dump.map { pcap_dump_flush($0) == 0 } ?? true }

  public enum Step { case frame, timeout, end }

  /// Waits up to 200 ms for the next frame.
  public mutating func next(_ frame: inout Frame) -> Step {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var data: UnsafePointer<UInt8>?
    switch pcap_next_ex(handle, &header, &data) {
    case 1:
      guard let header, let data else { return .timeout }
      frames += 1
      if let dump { pcap_dump(UnsafeMutableRawPointer(dump).assumingMemoryBound(to: u_char.self), header, data) }
      let captured = Int(header.pointee.caplen)
      frame.bytes = PacketBytes(
        base: UnsafeRawPointer(data), count: captured, wireCount: max(captured, Int(header.pointee.len)))
      let nano = pcap_get_tstamp_precision(handle) == PCAP_TSTAMP_PRECISION_NANO
      frame.time =
        Int64(header.pointee.ts.tv_sec) * 1_000_000_000 + Int64(header.pointee.ts.tv_usec) * (nano ? 1 : 1000)
      frame.number = frames
      frame.linkType = linkType
      return .frame
    case 0:
      var waiting = pollfd(fd: pcap_get_selectable_fd(handle), events: Int16(POLLIN), revents: 0)
      poll(&waiting, 1, 200)
      return .timeout
    default: return .end
    }
  }

  /// Packets that the kernel dropped because nobody read them in time.
  public var dropped: Int {
    var statistics = pcap_stat()
    return pcap_stats(handle, &statistics) == 0 ? Int(statistics.ps_drop) : 0
  }

  private static func text(_ bytes: [CChar]) -> String {
    String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
