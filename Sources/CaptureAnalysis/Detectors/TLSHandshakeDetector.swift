import Findings
import Wire

/// TLS handshakes that end in an alert, a reset, an answer that is no TLS, or in silence.
struct TLSHandshakeDetector: Detector {
  private enum Ending: Hashable {
    case alert(UInt8)
    case reset
    /// The server speaks, but not TLS.
    case plain
    /// The ClientHello arrived, nothing came back for seconds.
    case silence
  }
  private struct Key: MixHashable {
    var target: Target
    var ending: Ending
  }
  private static let patience: Int64 = 3_000_000_000
  private var tally = Tally<Key>()

  mutating func examine(_ c: ConversationView) {
    guard c.isTCP else { return }
    let tcp = c.both
    guard !tcp.seen.contains(.applicationData) || tcp.alertLevel == 2 else { return }
    if tcp.alertDescription != 0xFF, tcp.alertDescription != 0, tcp.alertLevel == 2 || tcp.alertDescription != 90 {
      let sender = tcp.alertDirection == c.record.initiator ? "the client" : "the server"
      add(c, .alert(tcp.alertDescription), [tcp.alertFrame], "\(sender) sent \(TLSAlert.name(tcp.alertDescription))")
      return
    }
    guard tcp.seen.contains(.clientHello), !tcp.seen.contains(.serverHello) else { return }
    let server = c.serverPointer
    if server.pointee.resets > 0, c.record.phase.contains(.reset) {
      add(c, .reset, [server.pointee.health.firstReset], "the ClientHello was answered by a reset")
    } else if server.pointee.segments > 0 {
      guard server.pointee.tls.state == .other, !server.pointee.health.hole.exists else { return }
      add(
        c, .plain, [server.pointee.lastDataFrame, c.clientHalf.lastDataFrame],
        "the ClientHello was answered by something that is no TLS")
    } else if server.pointee.synAcks > 0, !before(server.pointee.lastAck, c.clientHalf.baseSequence &+ 2),
      c.record.lastTime &- c.clientHalf.lastData > Self.patience, !server.pointee.health.hole.exists
    {
      let waited = c.record.lastTime &- c.clientHalf.lastData
      add(
        c, .silence, [c.clientHalf.lastDataFrame, c.record.lastFrame],
        "the ClientHello was acknowledged, nothing followed in \(seconds(waited))")
    }
  }

  private mutating func add(_ c: ConversationView, _ ending: Ending, _ frames: [FrameReference], _ text: String) {
    let (ends, name) = (c.ends, c.both.serverName)
    tally.add(
      Key(target: c.target, ending: ending), client: c.client,
      example: .init(frames: frames) {
        .init(text: "\(ends.text): \(text)\u{0}\(name)", filter: ends.filter)
      })
  }

  /// Puts the server name, kept by its number while conversations are examined, into the text.
  private func named(_ evidence: Finding.Evidence, _ facts: borrowing CaptureAnalyzer) -> Finding.Evidence {
    var evidence = evidence
    let parts = evidence.text.split(separator: "\u{0}", maxSplits: 1)
    guard parts.count == 2 else { return evidence }
    let digits = parts[1].prefix { $0.isNumber || $0 == "-" }
    let name = facts.serverNames.plain(Int32(digits) ?? -1)
    evidence.text = parts[0] + (name.isEmpty ? "" : ", server name \(name)") + parts[1].dropFirst(digits.count)
    return evidence
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    tally.top(3).map { key, entry in
      let silent = key.ending == .silence
      // Who finds the name wrong says so by one of these.
      let misnamed: MisnamedCertificate? =
        switch key.ending {
        case .alert(42), .alert(46), .alert(48), .reset: facts.misnamedCertificates[key.target]
        default: nil
        }
      return Finding(
        id: key.ending == .plain ? "plaintext-to-tls" : "tls-handshake-failure", severity: silent ? .warning : .error,
        confidence: silent ? .likely : .certain,
        subject: .init(
          kind: "Endpoint", name: key.target.address.description, address: key.target.address,
          port: String(key.target.port)),
        problem: "\(plural(entry.count, "TLS handshake")) with \(key.target.text) ended in \(name(key.ending))",
        cause: misnamed.map {
          "the certificate is for \($0.names), the client asked for \(facts.serverNames.plain($0.asked)) ← it reaches another server than "
            + "it means, or the certificate lacks that name"
        } ?? cause(key.ending),
        evidence: facts.evidence([(key, entry)]).map { named($0, facts) }
          + (misnamed.map { [facts.evidence($0.frame, "the certificate: for \($0.names)")] } ?? []),
        fix: silent
          ? [
            .advice(
              """
              capture beside the server: do its large packets leave, and how often? \
              kubepath capture --live any --filter 'host \(key.target.address)'
              """)
          ]
          : [
            .advice(
              "see dates, issuer and names of what it shows: openssl s_client -connect \(key.target.text) -servername NAME "
                + "-showcerts </dev/null")
          ],
        verify: [
          "openssl s_client -connect \(key.target.text) </dev/null  # ends in: Verify return code: 0 (ok)"
        ])
    }
  }
}

extension TLSHandshakeDetector {
  private func name(_ ending: Ending) -> String {
    switch ending {
    case .alert(let code): TLSAlert.name(code)
    case .reset: "a reset"
    case .plain: "an answer without TLS"
    case .silence: "silence"
    }
  }

  private func cause(_ ending: Ending) -> String {
    switch ending {
    case .alert(let code): TLSAlert.cause(code)
    case .reset:
      "the server, or something before it, closed the connection at the ClientHello ← no TLS on this port, a policy on the "
        + "server name, or a mesh that wants mTLS"
    case .plain:
      "the port speaks another protocol, often plain HTTP ← a wrong port, or a client told to use https where TLS ends "
        + "earlier"
    case .silence:
      "the server hangs, or its certificates, the first large packets of the connection, are too large for a link on the "
        + "way here and vanish"
    }
  }
}

/// Alert descriptions of RFC 8446 6.2.
enum TLSAlert {
  static func name(_ code: UInt8) -> String {
    switch code {
    case 10: "unexpected_message"
    case 20: "bad_record_mac"
    case 40: "handshake_failure"
    case 42: "bad_certificate"
    case 43: "unsupported_certificate"
    case 44: "certificate_revoked"
    case 45: "certificate_expired"
    case 46: "certificate_unknown"
    case 47: "illegal_parameter"
    case 48: "unknown_ca"
    case 49: "access_denied"
    case 50: "decode_error"
    case 51: "decrypt_error"
    case 70: "protocol_version"
    case 71: "insufficient_security"
    case 80: "internal_error"
    case 86: "inappropriate_fallback"
    case 90: "user_canceled"
    case 109: "missing_extension"
    case 112: "unrecognized_name"
    case 116: "certificate_required"
    case 120: "no_application_protocol"
    default: "alert \(code)"
    }
  }

  static func cause(_ code: UInt8) -> String {
    switch code {
    case 10: "the sender got something that is no TLS handshake ← often plain HTTP sent to a TLS port"
    case 40, 70, 71: "the two sides have no protocol version or cipher suite in common"
    case 42, 43, 44, 46: "one side does not accept the other's certificate"
    case 45: "the certificate is out of its dates ← it was not renewed, or a clock is wrong"
    case 48:
      "the issuer is not known to the side that sent the alert ← a missing CA bundle or an intermediate certificate not sent"
    case 112: "the server has no certificate for the name asked for (SNI)"
    case 116: "the server wants a client certificate ← mTLS is required here"
    default: "one side ended the handshake"
    }
  }
}
