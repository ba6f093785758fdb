import Wire

/// Follows the TLS records in one direction of a connection, keeping five bytes of a header and the length still to
/// come, never the data.
struct TLSStream {
  enum State: UInt8 { case unknown, records, other }

  /// Of the current record, as far as it was seen.
  var header: UInt64 = 0
  /// Sequence number of the next byte to look at.
  var expected: UInt32 = 0
  /// Bytes of the current record still to come.
  var remaining: UInt32 = 0
  var state: State = .unknown
  var headerBytes: UInt8 = 0
  /// Content type of the current record, counted at its end.
  var type: UInt8 = 0

  /// A whole record went by.
  struct Record {
    var type: UInt8
    var length: Int
    /// Payload as far as it is in this segment; may be empty.
    var payload: PacketBytes
  }

  /// Walks a segment's payload. `visit` is called for each record at its end, `begin` for each record of a handshake at
  /// its start, with as much of it as the segment holds.
  @inline(__always) mutating func take(
    _ payload: PacketBytes, sequence: UInt32, begin: (PacketBytes) -> Void, visit: (Record) -> Void
  ) {
    var bytes = payload
    if state == .other { return }
    if state == .unknown {
      guard Self.looksLikeRecord(bytes) else {
        state = .other
        return
      }
      state = .records
      expected = sequence
    }
    if sequence != expected {
      if before(sequence, expected) {
        let overlap = Int(expected &- sequence)
        guard overlap < bytes.count else { return }
        bytes = bytes.dropping(overlap)
      } else {
        // A hole: start again where a record plausibly begins.
        guard Self.looksLikeRecord(bytes) else { return }
        remaining = 0
        headerBytes = 0
        expected = sequence
      }
    }
    let end = expected &+ UInt32(truncatingIfNeeded: bytes.wireCount)
    var at = 0
    while at < bytes.count {
      if headerBytes < 5 {
        if headerBytes == 0, bytes.count &- at >= 5 {
          header = UInt64(bytes.u8(at)) << 32 | UInt64(bytes.u32(at &+ 1))
          headerBytes = 5
          at &+= 5
        } else {
          header = header << 8 | UInt64(bytes.u8(at))
          headerBytes += 1
          at += 1
          if headerBytes < 5 { continue }
        }
        let parsed = TLSRecordHeader(header & 0xFF_FFFF_FFFF)
        guard parsed.isPlausible else {
          state = .other
          return
        }
        type = parsed.contentType
        remaining = UInt32(parsed.payloadLength)
        header = 0
        if type == TLSRecordHeader.handshake, at < bytes.count {
          let count = min(Int(remaining), bytes.count - at)
          begin(PacketBytes(base: bytes.base + at, count: count, wireCount: Int(remaining)))
        }
      }
      let step = min(Int(remaining), bytes.count - at)
      remaining -= UInt32(step)
      if remaining == 0 {
        let whole = PacketBytes(base: bytes.base + at, count: step, wireCount: step)
        visit(Record(type: type, length: step, payload: whole))
        headerBytes = 0
      }
      at += step
    }
    if bytes.count < bytes.wireCount {
      // Snapped: skip what was not captured, when it lies inside the record.
      let missing = bytes.wireCount - bytes.count
      if headerBytes == 5, Int(remaining) >= missing {
        remaining -= UInt32(missing)
        if remaining == 0 { headerBytes = 0 }
      } else {
        remaining = 0
        headerBytes = 0
        state = .unknown
      }
    }
    expected = end
  }

  /// What most segments of an established connection are: the middle of a record, or the beginning or the whole of one of
  /// application data. Updates the stream as `take` would, which then begins no handshake; nil when it must look closer,
  /// else whether a record of application data went by whole.
  @inline(__always) mutating func carriesOn(_ payload: PacketBytes, sequence: UInt32) -> Bool? {
    guard state == .records, expected == sequence else { return nil }
    let count = payload.wireCount
    if headerBytes == 5, Int(remaining) > count {
      remaining &-= UInt32(truncatingIfNeeded: count)
    } else if headerBytes == 0, payload.count >= 5, payload.u8(0) == TLSRecordHeader.applicationData {
      let record = TLSRecordHeader(UInt64(payload.u8(0)) << 32 | UInt64(payload.u32(1)))
      let rest = record.payloadLength &+ TLSRecordHeader.length &- count
      guard record.isPlausible, rest >= 0 else { return nil }
      type = TLSRecordHeader.applicationData
      remaining = UInt32(truncatingIfNeeded: rest)
      headerBytes = rest > 0 ? 5 : 0
      expected = sequence &+ UInt32(truncatingIfNeeded: count)
      return rest == 0 && payload.isWhole
    } else {
      return nil
    }
    expected = sequence &+ UInt32(truncatingIfNeeded: count)
    return false
  }

  @inline(__always) static func looksLikeRecord(_ bytes: PacketBytes) -> Bool {
    guard bytes.count >= 5, bytes.u8(1) == 3, bytes.u8(0) >= 20, bytes.u8(0) <= 24 else { return false }
    return TLSRecordHeader(UInt64(bytes.u8(0)) << 32 | UInt64(bytes.u32(1))).isPlausible
  }
}
