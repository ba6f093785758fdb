import Glibc

/// An AF_PACKET socket: every frame of one interface, or of all.
final class PacketSocket {
  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 2048)

  /// To be made by a thread inside the namespace.
  init(interface: String?) throws(LabError) {
    descriptor = socket(17, Int32(SOCK_RAW.rawValue) | 0o2000000, Int32(UInt16(3).bigEndian))  // AF_PACKET, ETH_P_ALL
    guard descriptor >= 0 else { throw .system("packet socket") }
    guard let interface else { return }
    var address: [UInt8] = [17, 0, 0, 3]
    appendNative(UInt32(if_nametoindex(interface)), to: &address)
    address += [UInt8](repeating: 0, count: 12)
    guard bindRaw(descriptor, address) else { throw .system("bind to \(interface)") }
    discard()
  }

  deinit { close(descriptor) }

  func send(_ frame: [UInt8]) { _ = Glibc.send(descriptor, frame, frame.count, 0) }

  /// A waiting frame and its kind: 0 for this host, 4 for the copy of one that goes out.
  func receive() -> (frame: ArraySlice<UInt8>, kind: UInt8)? {
    var address = [UInt8](repeating: 0, count: 20)
    var size = socklen_t(20)
    let count = address.withUnsafeMutableBytes {
      recvfrom(
        descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT),
        $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &size)
    }
    return count < 0 ? nil : (buffer[..<count], address[10])
  }

  func wait(milliseconds: Int32) -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&waiting, 1, milliseconds) > 0
  }

  func discard() { while receive() != nil {} }
}
