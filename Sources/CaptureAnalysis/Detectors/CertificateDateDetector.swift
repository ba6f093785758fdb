import Findings
import Wire

/// Server certificates that are out of their dates by the capture's own clock.
struct CertificateDateDetector: Detector {
  private struct Key: MixHashable {
    var target: Target
    var expired: Bool
  }

  mutating func findings(_ facts: borrowing CaptureAnalyzer) -> [Finding] {
    guard !facts.staleCertificates.isEmpty else { return [] }
    var tally = Tally<Key>()
    var failed: Set<Target> = []
    for index in 0..<facts.conversations.records.count {
      let c = facts.view(facts.conversations.records.pointer(index))
      guard c.isTCP, c.both.certificate >= 0 else { continue }
      let certificate = facts.staleCertificates[Int(c.both.certificate)]
      if !c.both.seen.contains(.applicationData) { failed.insert(c.target) }
      tally.add(
        Key(target: c.target, expired: certificate.isExpired), client: c.client,
        example: .init(
          frames: [certificate.frame, c.both.alertFrame],
          text: "\(c.endpoints): the certificate is valid from \(Self.date(certificate.notBefore)) to "
            + "\(Self.date(certificate.notAfter)), the capture is of \(Self.date(certificate.seen))",
          filter: c.filter + " && tls.handshake.type==11"))
    }
    return tally.top(3).map { key, entry in
      Finding(
        id: "tls-handshake-failure", severity: failed.contains(key.target) ? .error : .warning, confidence: .certain,
        subject: .init(
          kind: "Endpoint", name: key.target.address.description, address: key.target.address,
          port: String(key.target.port)),
        problem: "\(key.target.text) shows a certificate that \(key.expired ? "has expired" : "is not valid yet") "
          + "(\(plural(entry.count, "handshake")))",
        cause: key.expired
          ? "the certificate was not renewed, or the server still holds the old one"
          : "the certificate's start lies in the future ← a clock that is wrong, on the issuer's side or here",
        evidence: facts.evidence([(key, entry)]),
        fix: [
          .advice("renew it and reload the server (cert-manager: kubectl get certificates -A; kubeadm certs renew all)")
        ],
        verify: ["openssl s_client -connect \(key.target.text) </dev/null | openssl x509 -noout -dates"])
    }
  }

  private static func date(_ seconds: Int64) -> CalendarDate {
    CalendarDate(daysSince1970: Int((seconds >= 0 ? seconds : seconds - 86_399) / 86_400))
  }
}
