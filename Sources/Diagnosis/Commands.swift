import Findings
import Intent

/// The commands that several findings give.
extension NodeContext {
  var servicesCommand: ShellCommand { "kubepath services  # on \(name)" }

  func checkCommand(_ id: String) -> ShellCommand { "kubepath check --only \(id)  # on \(name)" }

  /// What makes kube-proxy, or Cilium in its place, write all its rules again.
  var restartKubeProxy: Fix {
    let command: ShellCommand =
      "kubectl -n kube-system delete pod -l k8s-app=\(proxy.lowercased()) --field-selector spec.nodeName=\(name)"
    return .advice("let \(proxy) write its rules again: \(command)")
  }
}

extension Service {
  var describeCommand: ShellCommand { "kubectl -n \(namespace) describe service \(name)" }
  var editCommand: ShellCommand { "kubectl -n \(namespace) edit service \(name)" }
  var slicesCommand: ShellCommand {
    "kubectl -n \(namespace) get endpointslices -l \("kubernetes.io/service-name=\(name)")"
  }
}

extension NetworkPolicy {
  var editCommand: ShellCommand { "kubectl -n \(namespace) edit networkpolicy \(name)" }
}
