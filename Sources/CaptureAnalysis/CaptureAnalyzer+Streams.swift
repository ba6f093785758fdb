import Wire

/// What TCP streams carry: TLS records and DNS messages.
extension CaptureAnalyzer {
  static var maximumCertificates: Int { 16_384 }

  @inline(__always) mutating func tls(
    _ payload: PacketBytes, sequence: UInt32, _ c: UnsafeMutablePointer<Conversation>, _ direction: Int,
    forward: UnsafeMutablePointer<TCPHalf>
  ) {
    if let isWhole = forward.pointee.tls.carriesOn(payload, sequence: sequence) {
      if isWhole { shared.pointer(Int(c.pointee.tcp)).pointee.seen.insert(.applicationData) }
      return
    }
    records(payload, sequence: sequence, c, direction, forward: forward)
  }

  @inline(never) private mutating func records(
    _ payload: PacketBytes, sequence: UInt32, _ c: UnsafeMutablePointer<Conversation>, _ direction: Int,
    forward: UnsafeMutablePointer<TCPHalf>
  ) {
    let both = shared.pointer(Int(c.pointee.tcp))
    var alerts = 0
    var level: UInt8 = 0
    var description: UInt8 = 0xFF
    var seen: TCPShared.Seen = []
    var handshake: PacketBytes?
    let afterApplication = both.pointee.seen.contains(.applicationData)
    forward.pointee.tls.take(payload, sequence: sequence) { start in
      // The first hello or certificate of the segment; later ones are other connections' business.
      if handshake == nil, start.count > 4 { handshake = start }
      if start.u8(0) == 1 { seen.insert(.clientHello) }
      if start.u8(0) == 2 { seen.insert(.serverHello) }
      if start.u8(0) == 11 { handshake = start }
    } visit: { record in
      switch record.type {
      case TLSRecordHeader.alert:
        alerts += 1
        if record.payload.count == 2, record.payload.u8(0) <= 2 {
          level = record.payload.u8(0)
          description = record.payload.u8(1)
        }
      case TLSRecordHeader.applicationData: seen.insert(.applicationData)
      default: break
      }
    }
    if alerts > 0 {
      counts.tlsAlerts &+= alerts
      if description != 0xFF, description != 0, both.pointee.alertDescription == 0xFF, !afterApplication || level == 2 {
        both.pointee.alertLevel = level
        both.pointee.alertDescription = description
        both.pointee.alertDirection = UInt8(direction)
        both.pointee.alertFrame = frame
      }
    }
    if seen.contains(.clientHello), let handshake, handshake.u8(0) == 1, both.pointee.serverName < 0,
      let name = ClientHello.serverName(handshake)
    {
      both.pointee.serverName = serverNames.intern(name)
    }
    if let handshake, both.pointee.certificate < 0, direction != Int(c.pointee.initiator),
      let dates = ServerCertificate.dates(handshake), staleCertificates.count < Self.maximumCertificates
    {
      if both.pointee.serverName >= 0, misnamedCertificates.count < MisnamedCertificate.maximum,
        let misnamed = MisnamedCertificate(
          asked: both.pointee.serverName, name: serverNames.bytes(both.pointee.serverName), certificate: dates,
          frame: frame)
      {
        misnamedCertificates[c.pointee.target] = misnamed
      }
      let certificate = StaleCertificate(
        notBefore: dates.notBefore, notAfter: dates.notAfter, seen: now / 1_000_000_000, frame: frame)
      if now > 0, certificate.isStale {
        both.pointee.certificate = Int32(staleCertificates.count)
        staleCertificates.append(certificate)
      }
    }
    both.pointee.seen.formUnion(seen)
  }

  /// The first bytes that a side sends: whether it speaks HTTP in the clear.
  @inline(never) mutating func firstWords(
    _ payload: PacketBytes, _ c: UnsafeMutablePointer<Conversation>, _ direction: Int
  ) {
    let both = shared.pointer(Int(c.pointee.tcp))
    if direction == Int(c.pointee.initiator) {
      if HTTPText.isRequest(payload) { both.pointee.seen.insert(.plainRequest) }
    } else if both.pointee.seen.contains(.plainRequest), HTTPText.asksForTLS(payload) {
      both.pointee.seen.insert(.wantsTLS)
    }
  }

  /// DNS over TCP: two bytes of length before each message; messages that are whole in the segment are taken. The length
  /// may come in a segment of its own, which the stream's unused TLS state remembers.
  @inline(never) mutating func domainStream(
    _ payload: PacketBytes, _ layer: NetworkLayer, _ forward: UnsafeMutablePointer<TCPHalf>, _ sourcePort: UInt16,
    _ destinationPort: UInt16
  ) {
    var rest = payload
    if forward.pointee.tls.state == .other {
      let announced = Int(forward.pointee.tls.remaining)
      forward.pointee.tls.remaining = 0
      if payload.wireCount == 2, payload.isWhole {
        forward.pointee.tls.remaining = UInt32(payload.u16(0))
        return
      }
      if announced >= DNSHeader.length, announced == payload.wireCount {
        return domain(payload, layer, sourcePort, destinationPort, proto: 6)
      }
    }
    while rest.count >= 2 + DNSHeader.length {
      let length = Int(rest.u16(0))
      guard length >= DNSHeader.length, length <= rest.count - 2 else { return }
      domain(
        PacketBytes(base: rest.base + 2, count: length, wireCount: length), layer, sourcePort, destinationPort, proto: 6
      )
      rest = rest.dropping(2 + length)
    }
  }
}
