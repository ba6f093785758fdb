import Glibc

/// The attributes of a netlink message, by number.
struct NetlinkAttributes {
  private var values: [UInt16: ArraySlice<UInt8>] = [:]

  init(_ bytes: ArraySlice<UInt8>) {
    var at = bytes.startIndex
    while at + 4 <= bytes.endIndex {
      let size = Int(bytes[at]) | Int(bytes[at + 1]) << 8
      let kind = (UInt16(bytes[at + 2]) | UInt16(bytes[at + 3]) << 8) & 0x3FFF
      guard size >= 4, at + size <= bytes.endIndex else { break }
      values[kind] = bytes[(at + 4)..<(at + size)]
      at += (size + 3) & ~3
    }
  }

  subscript(kind: UInt16) -> ArraySlice<UInt8>? { values[kind] }

  func text(_ kind: UInt16) -> String? {
    values[kind].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
  /// Big-endian numbers, as nfnetlink has them.
  func number(_ kind: UInt16) -> UInt64? { values[kind].map { $0.reduce(0) { $0 << 8 | UInt64($1) } } }
  func nested(_ kind: UInt16) -> NetlinkAttributes? { values[kind].map(NetlinkAttributes.init) }
}

func netlinkAttribute(_ kind: UInt16, _ payload: [UInt8]) -> [UInt8] {
  let size = 4 + payload.count
  var bytes = [UInt8(size & 0xFF), UInt8(size >> 8), UInt8(kind & 0xFF), UInt8(kind >> 8)] + payload
  while bytes.count % 4 != 0 { bytes.append(0) }
  return bytes
}

struct NetlinkMessage {
  var kind: UInt16
  var family: UInt8
  /// What follows the netlink header.
  var body: ArraySlice<UInt8>
  /// The attributes behind the four bytes of the nfnetlink header.
  var attributes: NetlinkAttributes { NetlinkAttributes(body.dropFirst(4)) }
}

/// A NETLINK_NETFILTER socket, opened in the namespace of the thread that makes it.
final class NetlinkSocket {
  static let request: UInt16 = 1
  static let acknowledge: UInt16 = 4
  static let dump: UInt16 = 0x300

  let descriptor: Int32
  private var sequence: UInt32 = 0
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)

  init() throws(LabError) {
    descriptor = socket(16, 3 | 0o2000000, 12)  // AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER
    guard descriptor >= 0 else { throw .system("netlink socket") }
    var size: Int32 = 8 << 20
    setsockopt(descriptor, SOL_SOCKET, 33, &size, 4)  // SO_RCVBUFFORCE
    let address: [UInt8] = [16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    guard bindRaw(descriptor, address) else { throw .system("netlink bind") }
  }

  deinit { close(descriptor) }

  func join(group: Int32) throws(LabError) {
    var group = group
    guard setsockopt(descriptor, 270, 1, &group, 4) == 0 else { throw .system("netlink group") }
  }

  func send(_ kind: UInt16, flags: UInt16, family: UInt8 = 0, body: [UInt8] = [], resource: UInt16 = 0) throws(LabError)
  {
    sequence += 1
    let size = UInt32(20 + body.count)
    var bytes: [UInt8] = []
    appendNative(size, to: &bytes)
    appendNative(kind, to: &bytes)
    appendNative(flags | Self.request, to: &bytes)
    appendNative(sequence, to: &bytes)
    appendNative(UInt32(0), to: &bytes)
    bytes += [family, 0, UInt8(resource >> 8), UInt8(resource & 0xFF)] + body
    guard Glibc.send(descriptor, bytes, bytes.count, 0) == bytes.count else { throw .system("netlink send") }
  }

  /// The messages of one datagram; nil when none waits and `wait` is false.
  func receive(wait: Bool) -> [NetlinkMessage]? {
    let count = recv(descriptor, &buffer, buffer.count, wait ? 0 : Int32(MSG_DONTWAIT))
    guard count > 0 else { return nil }
    let data = buffer[..<count]
    var found: [NetlinkMessage] = []
    var at = 0
    while at + 16 <= count {
      let size = Int(data[at]) | Int(data[at + 1]) << 8 | Int(data[at + 2]) << 16
      guard size >= 16, at + size <= count else { break }
      let kind = UInt16(data[at + 4]) | UInt16(data[at + 5]) << 8
      found.append(
        NetlinkMessage(kind: kind, family: size >= 20 ? data[at + 16] : 0, body: data[(at + 16)..<(at + size)]))
      at += (size + 3) & ~3
    }
    return found
  }

  /// Everything that waits.
  func pending() -> [NetlinkMessage] {
    var all: [NetlinkMessage] = []
    while let messages = receive(wait: false) { all += messages }
    return all
  }

  /// Sends a request and waits for its acknowledgement.
  func command(_ kind: UInt16, family: UInt8 = 0, body: [UInt8] = [], resource: UInt16 = 0) throws(LabError) {
    try send(kind, flags: Self.acknowledge, family: family, body: body, resource: resource)
    while let messages = receive(wait: true) {
      for message in messages where message.kind == 2 {  // NLMSG_ERROR
        let code = message.body.prefix(4).reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
        if code != 0 { throw LabError("netlink: \(String(cString: strerror(-Int32(truncatingIfNeeded: code))))") }
        return
      }
    }
  }

  func dump(_ kind: UInt16) throws(LabError) -> [NetlinkMessage] {
    try send(kind, flags: Self.dump)
    var all: [NetlinkMessage] = []
    while let messages = receive(wait: true) {
      for message in messages {
        if message.kind == 3 { return all }  // NLMSG_DONE
        if message.kind == 2 { throw LabError("netlink: dump refused") }
        all.append(message)
      }
    }
    return all
  }
}

func appendNative<T: FixedWidthInteger>(_ value: T, to bytes: inout [UInt8]) {
  withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
}

func appendBig<T: FixedWidthInteger>(_ value: T, to bytes: inout [UInt8]) {
  withUnsafeBytes(of: value.bigEndian) { bytes += $0 }
}

/// bind(2) with the address structure given as bytes: the module maps of glibc lack the netlink and packet families.
func bindRaw(_ descriptor: Int32, _ address: [UInt8]) -> Bool {
  address.withUnsafeBytes {
    bind(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count)) == 0
  }
}
