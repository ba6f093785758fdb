import Findings
import Snapshot

/// A certificate of the cluster is out of date, or components say in their logs that one is.
enum CertificateExpired: Check {
  static let id = "certificate-expired"

  static func run(_ context: CheckContext) -> [Finding] {
    context.nodes.compactMap { node in
      let expired = node.snapshot.files.certificates.filter(\.hasExpired)
      let complaint = node.snapshot.files.complaints.first { $0.trouble == .certificate && $0.isRecent }
      guard !expired.isEmpty || complaint != nil else { return nil }
      let names = expired.prefix(6).map { "\(printable($0.name, limit: 60)) (\(printable($0.until, limit: 60)))" }
      let kubelet = complaint?.component == "kubelet"
      return Finding(
        id: id, severity: .error, confidence: expired.isEmpty ? .likely : .certain, subject: node.subject,
        problem: expired.isEmpty
          ? "\(complaint!.component.isEmpty ? "a component" : complaint!.component) of \(node.name) meets a certificate that it does not accept"
          : "\(expired.count) certificate\(expired.count == 1 ? "" : "s") of \(node.name) \(expired.count == 1 ? "has" : "have") expired",
        cause: expired.isEmpty
          ? Explanation.quoted(complaint!.text)
          : "\(names.joined(separator: ", ")) ← kubeadm's certificates are good for one year and are renewed by upgrades, or by hand",
        evidence: expired.prefix(6).map {
          .init(
            file: node.snapshot.fileName($0.place.file), line: $0.place.line,
            text: "\(printable($0.name, limit: 60)): \(printable($0.until, limit: 60))")
        } + (complaint.map { [LogComplaint.evidence($0, node)] } ?? []),
        fix: kubelet && expired.isEmpty
          ? [
            .advice(
              "on \(node.name): remove /var/lib/kubelet/pki/kubelet-client-current.pem, put a bootstrap-kubelet.conf with a new token there and restart the kubelet"
            )
          ]
          : [
            .command(
              "kubeadm certs renew all",
              why: "on the control plane; then restart the static Pods (move their manifests away and back)"),
            .advice("copy /etc/kubernetes/admin.conf to ~/.kube/config again"),
          ],
        verify: ["kubeadm certs check-expiration"])
    }
  }
}

extension LogComplaint {
  static func evidence(_ complaint: LogComplaint, _ node: NodeContext) -> Finding.Evidence {
    Finding.Evidence(
      file: node.snapshot.fileName(complaint.place.file), line: complaint.place.line,
      text:
        "\(complaint.component.isEmpty ? "log" : complaint.component)\(complaint.count > 1 ? " (\(complaint.count) lines like it)" : ""): \(Explanation.quoted(complaint.text))"
    )
  }
}
