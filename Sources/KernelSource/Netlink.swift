import CMnl
import Glibc

/// Why the kernel did not answer.
struct NetlinkError: Error, CustomStringConvertible {
  var operation: String
  var code: Int32
  /// The kernel changed what it was listing; the list is asked for again.
  var interrupted = false

  var description: String {
    switch code {
    case EPERM, EACCES: "\(operation): not permitted; it needs the capability CAP_NET_ADMIN"
    case EOPNOTSUPP, EPROTONOSUPPORT, ENOENT, EINVAL: "\(operation): this kernel has no support for it"
    default: "\(operation): \(String(cString: strerror(code)))"
    }
  }
}

/// A netlink socket: dumps are walked in the buffer they arrive in.
final class NetlinkSocket {
  private let handle: OpaquePointer
  private let buffer: UnsafeMutableRawBufferPointer
  private var sequence: UInt32 = 1

  init(_ bus: Int32) throws {
    guard let handle = mnl_socket_open2(bus, Int32(SOCK_CLOEXEC.rawValue)) else {
      throw NetlinkError(operation: "netlink socket", code: errno)
    }
    guard mnl_socket_bind(handle, 0, 0) == 0 else {
      let code = errno
      mnl_socket_close(handle)
      throw NetlinkError(operation: "netlink socket", code: code)
    }
    self.handle = handle
    // The kernel fills messages of up to 32 KiB where the reader has room for them.
    buffer = .allocate(byteCount: 1 << 16, alignment: 16)
    // Attributes of requests that this kernel does not know are refused instead of ignored.
    var strict: Int32 = 1
    _ = mnl_socket_setsockopt(handle, NETLINK_GET_STRICT_CHK, &strict, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit {
    mnl_socket_close(handle)
    buffer.deallocate()
  }

  /// Sends one request, and calls `body` with the type and the payload of each message of the answer.
  func request(
    _ operation: String, type: UInt16, flags: UInt16, payload: [UInt8],
    _ body: (UInt16, UnsafeRawBufferPointer) throws -> Void
  ) throws {
    sequence += 1
    let dump = flags & UInt16(NLM_F_DUMP) == UInt16(NLM_F_DUMP)
    var message = [UInt8](repeating: 0, count: 16 + payload.count)
    message.withUnsafeMutableBytes { raw in
      raw.storeBytes(of: UInt32(raw.count), toByteOffset: 0, as: UInt32.self)
      raw.storeBytes(of: type, toByteOffset: 4, as: UInt16.self)
      raw.storeBytes(of: flags | UInt16(NLM_F_REQUEST), toByteOffset: 6, as: UInt16.self)
      raw.storeBytes(of: sequence, toByteOffset: 8, as: UInt32.self)
      raw[16...].copyBytes(from: payload)
    }
    guard mnl_socket_sendto(handle, message, message.count) >= 0 else {
      throw NetlinkError(operation: operation, code: errno)
    }
    var interrupted = false
    while true {
      let got = mnl_socket_recvfrom(handle, buffer.baseAddress, buffer.count)
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw NetlinkError(operation: operation, code: errno, interrupted: errno == ENOBUFS) }
      var at = 0
      while at + 16 <= got {
        let length = Int(buffer.load(fromByteOffset: at, as: UInt32.self))
        guard length >= 16, at + length <= got else { break }
        let kind = buffer.load(fromByteOffset: at + 4, as: UInt16.self)
        let answered = buffer.load(fromByteOffset: at + 8, as: UInt32.self)
        if buffer.load(fromByteOffset: at + 6, as: UInt16.self) & UInt16(NLM_F_DUMP_INTR) != 0 { interrupted = true }
        let content = UnsafeRawBufferPointer(rebasing: buffer[at + 16..<at + length])
        at += (length + 3) & ~3
        guard answered == sequence else { continue }
        switch Int32(kind) {
        case NLMSG_DONE, NLMSG_ERROR:
          let code = content.count >= 4 ? content.loadUnaligned(as: Int32.self) : 0
          if code != 0 { throw NetlinkError(operation: operation, code: -code, interrupted: code == -EINTR) }
          if interrupted { throw NetlinkError(operation: operation, code: EINTR, interrupted: true) }
          return
        case NLMSG_NOOP: continue
        default: try body(kind, content)
        }
        if !dump { return }
      }
    }
  }

  /// The type of the message that `dump` makes up: what was listed so far is void.
  static let restarted: UInt16 = 0

  /// A dump, asked for again while the kernel says that it changed in between.
  func dump(
    _ operation: String, type: UInt16, payload: [UInt8],
    _ body: (UInt16, UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var attempt = 0
    while true {
      do {
        return try request(operation, type: type, flags: UInt16(NLM_F_DUMP), payload: payload, body)
      } catch let error as NetlinkError where error.interrupted && attempt < 10 {
        attempt += 1
        try body(Self.restarted, UnsafeRawBufferPointer(start: nil, count: 0))
      }
    }
  }
}

/// Attributes (type, length, value) in place; finding one is a walk over the few that a message has.
struct Attributes {
  let bytes: UnsafeRawBufferPointer

  @inline(__always) init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
  /// Behind a fixed header of a message.
  init(_ message: UnsafeRawBufferPointer, after header: Int) {
    bytes = UnsafeRawBufferPointer(rebasing: message[min((header + 3) & ~3, message.count)...])
  }

  @inline(__always) func each(_ body: (Int, Attributes) -> Void) {
    var at = 0
    while at + 4 <= bytes.count {
      let length = Int(bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self))
      guard length >= 4, at + length <= bytes.count else { return }
      let type = Int(bytes.loadUnaligned(fromByteOffset: at + 2, as: UInt16.self) & 0x3FFF)
      body(type, Attributes(UnsafeRawBufferPointer(rebasing: bytes[at + 4..<at + length])))
      at += (length + 3) & ~3
    }
  }

  @inline(__always) subscript(type: Int) -> Attributes? {
    var at = 0
    while at + 4 <= bytes.count {
      let length = Int(bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self))
      guard length >= 4, at + length <= bytes.count else { return nil }
      if Int(bytes.loadUnaligned(fromByteOffset: at + 2, as: UInt16.self) & 0x3FFF) == type {
        return Attributes(UnsafeRawBufferPointer(rebasing: bytes[at + 4..<at + length]))
      }
      at += (length + 3) & ~3
    }
    return nil
  }

  // Values in host order.
  var u8: UInt8 { bytes.first ?? 0 }
  var u16: UInt16 { bytes.count >= 2 ? bytes.loadUnaligned(as: UInt16.self) : 0 }
  var u32: UInt32 { bytes.count >= 4 ? bytes.loadUnaligned(as: UInt32.self) : UInt32(u8) }
  var u64: UInt64 { bytes.count >= 8 ? bytes.loadUnaligned(as: UInt64.self) : UInt64(u32) }
  // In network order, as nfnetlink has them.
  var be16: UInt16 { UInt16(bigEndian: u16) }
  var be32: UInt32 { bytes.count >= 4 ? UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)) : 0 }
  var be64: UInt64 { bytes.count >= 8 ? UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) : 0 }

  /// Without the NUL at its end.
  var stringBytes: UnsafeRawBufferPointer {
    guard let end = bytes.firstIndex(of: 0) else { return bytes }
    return UnsafeRawBufferPointer(rebasing: bytes[..<end])
  }
  var string: String { String(decoding: stringBytes, as: UTF8.self) }
}

extension Array where Element == UInt8 {
  /// Appends an attribute of a request.
  mutating func appendAttribute(_ type: UInt16, _ value: [UInt8]) {
    let length = UInt16(4 + value.count)
    append(contentsOf: [UInt8(length & 0xFF), UInt8(length >> 8), UInt8(type & 0xFF), UInt8(type >> 8)])
    append(contentsOf: value)
    while count % 4 != 0 { append(0) }
  }
  mutating func appendAttribute(_ type: UInt16, _ text: String) { appendAttribute(type, Array(text.utf8) + [0]) }
}
