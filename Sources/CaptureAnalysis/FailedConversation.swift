import Wire

/// A conversation that did not come about, as far as packets tell: what the rules of a node can be asked about.
public struct FailedConversation: Sendable, Hashable {
  public enum Failure: Sendable, Hashable {
    /// Nothing came back.
    case unanswered
    /// Answered by a reset.
    case refused
    /// Answered by an ICMP unreachable message of this name.
    case rejected(by: IPAddress, message: String)
    /// The answer came from an address and port that were never dialled.
    case answeredBy(IPAddress, UInt16)
  }

  public var proto: IPProtocol
  public var client: IPAddress
  public var clientPort: UInt16
  public var server: IPAddress
  public var serverPort: UInt16
  /// Seen inside a tunnel.
  public var isTunnelled: Bool
  public var failure: Failure
  public var frame: FrameReference
  /// Bytes of its first packet's IP layer.
  public var length: Int
}

extension CaptureAnalyzer {
  /// Conversations that failed, in order of their first frames: at most `perTarget` of each server, port and way of
  /// failing, `limit` in all. Call after `finish`.
  public func failedConversations(perTarget: Int = 3, limit: Int = 256) -> [FailedConversation] {
    struct Kind: Hashable {
      var server: Bits128
      var port: UInt16
      var proto: UInt8
      var failure: UInt8
    }
    var taken: [Kind: Int] = [:]
    var list: [FailedConversation] = []
    let strangers = strangers(limit: limit)
    for index in 0..<conversations.records.count where list.count < limit {
      let c = view(conversations.records.pointer(index))
      guard let failure = failure(c, strangers) else { continue }
      let number: UInt8 =
        switch failure {
        case .unanswered: 0
        case .refused: 1
        case .rejected: 2
        case .answeredBy: 3
        }
      let kind = Kind(
        server: c.target.address.bits, port: c.target.port, proto: c.record.proto, failure: number)
      guard taken[kind, default: 0] < perTarget, taken.count < limit || taken[kind] != nil else { continue }
      taken[kind, default: 0] += 1
      list.append(
        FailedConversation(
          proto: IPProtocol(rawValue: c.record.proto), client: c.client, clientPort: c.record.clientPort,
          server: c.target.address, serverPort: c.target.port, isTunnelled: c.isTunnelled, failure: failure,
          frame: c.record.firstFrame, length: Int(c.record.largest[Int(c.record.initiator)])))
    }
    for event in icmpEvents where event.conversation < 0 && event.isUnreachable && list.count < limit {
      // The capture shows the packet under other addresses, or not at all.
      guard event.quotedProtocol == 6 || event.quotedProtocol == 17 else { continue }
      let kind = Kind(
        server: event.quotedDestination, port: event.quotedDestinationPort, proto: event.quotedProtocol, failure: 2)
      guard taken[kind, default: 0] < perTarget else { continue }
      taken[kind, default: 0] += 1
      list.append(
        FailedConversation(
          proto: IPProtocol(rawValue: event.quotedProtocol), client: event.address(event.quotedSource),
          clientPort: event.quotedSourcePort, server: event.address(event.quotedDestination),
          serverPort: event.quotedDestinationPort, isTunnelled: event.scope != 0,
          failure: .rejected(
            by: event.address(event.reporter),
            message: ICMPEvent.name(event.version, type: event.type, code: event.code)),
          frame: event.frame, length: event.quotedLength))
    }
    return list.sorted { $0.frame < $1.frame }
  }

  private struct Socket: Hashable {
    var address: IPAddress
    var port: UInt16
  }

  /// SYN-ACKs to sockets whose SYN went elsewhere, by the client's socket.
  private func strangers(limit: Int) -> [Socket: Socket] {
    var found: [Socket: Socket] = [:]
    for index in 0..<conversations.records.count where found.count < limit {
      let c = view(conversations.records.pointer(index))
      guard c.isTCP, c.clientHalf.syns == 0, c.server.synAcks > 0 else { continue }
      found[Socket(address: c.client, port: c.record.clientPort)] = Socket(
        address: c.target.address, port: c.target.port)
    }
    return found
  }

  private func failure(_ c: ConversationView, _ strangers: [Socket: Socket]) -> FailedConversation.Failure? {
    if c.remarks.icmpError != 0xFFFF, c.remarks.icmpEvent >= 0, Int(c.remarks.icmpEvent) < icmpEvents.count {
      let event = icmpEvents[Int(c.remarks.icmpEvent)]
      if event.isUnreachable {
        return .rejected(
          by: event.address(event.reporter),
          message: ICMPEvent.name(event.version, type: event.type, code: event.code))
      }
    }
    if c.isTCP {
      guard c.clientHalf.syns > 0, c.server.synAcks == 0 else { return nil }
      if c.server.resets > 0 { return .refused }
      guard c.isUnansweredSyn else { return nil }
      if let other = strangers[Socket(address: c.client, port: c.record.clientPort)] {
        return .answeredBy(other.address, other.port)
      }
      return .unanswered
    }
    // Other datagrams need no answer; a question does.
    guard c.record.proto == 17, c.target.port == 53, c.serverPackets == 0 else { return nil }
    return .unanswered
  }
}
