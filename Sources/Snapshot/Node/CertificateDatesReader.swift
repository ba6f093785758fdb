import Input

/// `kubeadm certs check-expiration`, and the dates that `openssl x509` prints.
public enum CertificateDatesReader: DumpReader {
  static let maximumCertificates = 1000

  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    for line in section.lines {
      let text = line.text.trimmed
      guard snapshot.files.certificates.count < maximumCertificates else { return }
      let place = FilePlace(file: snapshot.fileIndex(section.file), line: line.number)
      if text.hasPrefix("notAfter=") || text.hasPrefix("Not After :") || text.hasPrefix("Not After:") {
        var dates = CertificateDates()
        dates.until =
          (text.split(at: text.hasPrefix("notAfter=") ? UInt8(ascii: "=") : UInt8(ascii: ":"))?.after ?? text).trimmed
          .string
        dates.place = place
        snapshot.files.certificates.append(dates)
        continue
      }
      // `apiserver   Nov 30, 2025 09:00 UTC   <invalid>   ca   no`
      var words = line.words
      guard let name = words.next(), let month = words.next(), let day = words.next(), let year = words.next(),
        let time = words.next(), let zone = words.next(), let left = words.next(), time.contains(":"),
        day.last == UInt8(ascii: ","), year.int != nil
      else { continue }
      var dates = CertificateDates()
      dates.name = name.string
      dates.until = [month, day, year, time, zone].map(\.string).joined(separator: " ")
      dates.hasExpired = left == "<invalid>" || left.first == UInt8(ascii: "-")
      dates.place = place
      snapshot.files.certificates.append(dates)
    }
  }
}

extension CertificateDatesReader {
  static let descriptor = DumpDescriptor(
    .certificates, commands: ["kubeadm certs check-expiration", "openssl x509 -enddate -noout"],
    collected: [.init("kubeadm-certs.txt", "kubeadm", "certs", "check-expiration")],
    read: { read($0.section, into: &$1) },
    recognises: { $0.first == "CERTIFICATE" && $0.second == "EXPIRES" || $0.first.hasPrefix("notAfter=") })
}
