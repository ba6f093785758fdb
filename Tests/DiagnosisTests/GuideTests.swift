import Diagnosis
import Findings
import Foundation
import Testing

/// The failures that Kubernetes' own pages (“Debug Services”, “Debug Pods”, “Debugging DNS Resolution”) and the guides of nodes,
/// networks, load balancers and the control plane describe: each is named, mended where its cause is, and shown by a line of a
/// file. With GUIDES=print in the environment the table is printed.
@Suite struct GuideTests {
  struct Failure: CustomTestStringConvertible, Sendable {
    var page: String
    var name: String
    /// Which of the checks' cases it is: the finding, and a word that the finding says.
    var id: String
    var word: String
    /// In the fix.
    var fix: String
    var testDescription: String { "\(page): \(name)" }

    init(_ page: String, _ name: String, _ id: String, _ word: String, fix: String) {
      (self.page, self.name, self.id, self.word, self.fix) = (page, name, id, word, fix)
    }
  }

  private static let services = "Debug Services"
  private static let pods = "Debug Pods"
  private static let names = "Debug DNS"
  private static let nodes = "Nodes and CNI"
  private static let packets = "Node rules"
  private static let control = "Control plane"
  private static let outside = "Balancers and Ingress"
  private static let policies = "Policies and mesh"

  static let failures: [Failure] = [
    .init(
      services, "the Service does not exist (backend)", "ingress-path", "shop/till does not exist", fix: "edit ingress"),
    .init(
      services, "a name that stands for none", "external-name", "there is no Service till/cart", fix: "edit service"),
    .init(services, "a NetworkPolicy stops it", "network-policy-drop", "nobody reaches", fix: "edit networkpolicy"),
    .init(services, "works by no address", "kube-proxy-not-programming", "none of", fix: "kube-proxy"),
    .init(services, "targetPort, number", "target-port-mismatch", "9000", fix: "patch service"),
    .init(services, "targetPort, name", "target-port-mismatch", "“admin”", fix: "patch service"),
    .init(services, "selector matches no Pod", "selector-mismatch", "app=empt", fix: "patch service"),
    .init(services, "no endpoints, Pods not ready", "no-endpoints", "readiness probe", fix: "describe pod"),
    .init(
      services, "endpoints not written", "endpoints-not-written", "ready Pods match", fix: "kube-controller-manager"),
    .init(services, "endpoints of Pods that are gone", "stale-endpoints", "10.244.1.77", fix: "endpointslice"),
    .init(services, "headless, resolves to nothing", "no-endpoints", "resolves to no address", fix: "db"),
    .init(services, "the Pods restart", "pod-restarts", "fails now and then", fix: "logs"),
    .init(services, "nothing listens, or on 127.0.0.1", "nothing-listening", "127.0.0.1 only", fix: "0.0.0.0"),
    .init(services, "kube-proxy does not run", "kube-proxy-not-programming", "kube-proxy-x", fix: "logs kube-proxy-x"),
    .init(services, "iptables rules are missing", "rules-flushed", "reach no Service", fix: "kube-proxy"),
    .init(services, "nftables rules lack", "rules-flushed", "is masqueraded", fix: "kube-proxy"),
    .init(services, "a Pod cannot reach itself (hairpin)", "hairpin", "10.244.0.6", fix: "kube-proxy"),
    .init(pods, "pending: volume", "volume-not-bound", "StorageClass “fast”", fix: "storageclass"),
    .init(pods, "pending: no scheduler", "control-plane-down", "kube-scheduler is down", fix: "crictl ps"),
    .init(pods, "no Pod: scaled to 0", "no-pods", "scaled to 0", fix: "scale"),
    .init(pods, "no Pod: quota", "no-pods", "exceeded quota: compute", fix: "resourcequota"),
    .init(pods, "no Pod: webhook", "no-pods", "Service guard", fix: "guard"),
    .init(pods, "waiting: image", "pod-not-ready", "401 Unauthorized", fix: "secret"),
    .init(pods, "crashing: exit code", "pod-not-ready", "exit code 139", fix: "logs"),
    .init(pods, "crashing: memory", "pod-not-ready", "OOMKilled", fix: "memory"),
    .init(pods, "crashing: liveness probe", "pod-not-ready", "liveness probe", fix: "livenessProbe"),
    .init(pods, "configuration: missing Secret", "pod-not-ready", "secret \"db\"", fix: "secret"),
    .init(pods, "evicted", "pod-not-ready", "Evicted", fix: "memory"),
    .init(pods, "init container", "pod-not-ready", "still runs", fix: "logs"),
    .init(
      names, "no DNS Pod answers", "dns-service", "no Pod of the cluster resolves names", fix: "kube-controller-manager"
    ),
    .init(names, "resolv.conf names another", "dns-service", "10.96.0.99", fix: "clusterDNS"),
    .init(names, "kubelet's flag names another", "dns-service", "10.96.0.77", fix: "--cluster-dns"),
    .init(names, "upstream not reached", "dns-service", "198.51.100.53", fix: "ACCEPT"),
    .init(names, "forwarding loop", "dns-service", "forwards to itself", fix: "resolvConf"),
    .init(names, "Corefile cannot be read", "dns-service", "cannot read its Corefile", fix: "configmap coredns"),
    .init(names, "zone is not served", "dns-service", "no plugin kubernetes", fix: "configmap coredns"),
    .init(names, "a policy closes port 53", "network-policy-drop", "cannot resolve names", fix: "53"),
    .init(nodes, "node NotReady", "node-not-ready", "Kubelet stopped posting", fix: "kubelet"),
    .init(nodes, "node dead, API does not know", "node-unreachable", "does not answer ARP", fix: "192.0.2.2"),
    .init(nodes, "CNI does not set up Pods", "network-plugin-down", "plugin type=\"flannel\"", fix: "/etc/cni/net.d"),
    .init(nodes, "no address left", "ipam-exhausted", "failed to assign an IP address", fix: "networks"),
    .init(nodes, "overlay MTU", "overlay-mtu", "only 1450 fit", fix: "1450"),
    .init(nodes, "no route to a node's Pods", "no-route", "kube-flannel-ds-b", fix: "route"),
    .init(nodes, "overlay port closed", "control-plane-port", "8472/udp", fix: "8472"),
    .init(packets, "FORWARD drops", "forward-drop", "policy drop", fix: "ACCEPT"),
    .init(packets, "forwarding off", "ip-forward-off", "ip_forward is 0", fix: "ip_forward=1"),
    .init(packets, "bridge avoids iptables", "bridge-nf-call-off", "cni0", fix: "bridge-nf-call-iptables=1"),
    .init(packets, "connection table full", "conntrack-table-full", "262144 of 262144", fix: "nf_conntrack_max=524288"),
    .init(
      packets, "connection table full, by the log", "conntrack-table-full", "says so 2 times", fix: "nf_conntrack_max"),
    .init(packets, "connection table full, by counters", "conntrack-table-full", "35 packets", fix: "nf_conntrack_max"),
    .init(packets, "mode is not what is configured", "configuration-mismatch", "“ipvs”", fix: "rollout restart"),
    .init(control, "API server does not listen", "apiserver-unreachable", "192.0.2.1:6443 of a", fix: "crictl ps"),
    .init(control, "loopback announced", "apiserver-unreachable", "announces 127.0.0.1", fix: "--advertise-address"),
    .init(
      control, "no answer of the API server", "apiserver-unreachable", "kubelet of a gets no answer", fix: "firewall"),
    .init(control, "controller-manager down", "control-plane-down", "nobody has led", fix: "crictl ps"),
    .init(control, "etcd's peers cut off", "control-plane-port", "2380/tcp", fix: "2380"),
    .init(control, "etcd without room", "control-plane-down", "no room left", fix: "defrag"),
    .init(control, "etcd without leader", "control-plane-down", "no leader", fix: "etcdctl"),
    .init(
      control, "certificates expired", "certificate-expired", "apiserver-kubelet-client", fix: "kubeadm certs renew"),
    .init(outside, "pending: pool used up", "load-balancer-address", "used up", fix: "ipaddresspool"),
    .init(
      outside, "pending: nobody gives addresses", "load-balancer-address", "no Pod of a load-balancer", fix: "MetalLB"),
    .init(outside, "outside of all pools", "load-balancer-address", "no IPAddressPool", fix: "pool"),
    .init(outside, "not advertised", "load-balancer-address", "no L2Advertisement", fix: "L2Advertisement"),
    .init(outside, "speaker down", "load-balancer-address", "speaker is ready on 0", fix: "speaker"),
    .init(outside, "IngressClass missing", "ingress-path", "“fancy”", fix: "ngress"),
    .init(outside, "backend's port missing", "ingress-path", "no port “8080”", fix: "edit ingress"),
    .init(outside, "certificate's Secret missing", "ingress-path", "no certificate of its own", fix: "secret"),
    .init(
      outside, "policy Local, no endpoint here", "no-local-endpoints-external", "[UNREPLIED]",
      fix: "externalTrafficPolicy"),
    .init(outside, "source ranges", "source-ranges", "shop/office:http", fix: "kube-proxy"),
    .init(policies, "a policy stops its own clients", "network-policy-drop", "role=client", fix: "edit networkpolicy"),
    .init(
      policies, "connections hang at a policy", "network-policy-drop", "of a stopped Pod hang",
      fix: "edit networkpolicy"),
    .init(policies, "a policy closes the mesh's port", "mesh-policy", "15008", fix: "15008"),
    .init(policies, "STRICT against plaintext", "mesh-policy", "without a sidecar", fix: "sidecar"),
  ]

  private static func text(_ finding: Finding) -> String {
    ([finding.problem, finding.cause] + finding.evidence.map(\.text)).joined(separator: "\n")
  }

  @Test(arguments: failures) func isNamedMendedAndShown(_ failure: Failure) throws {
    let test = try #require(
      CheckTests.cases.first { test in
        test.id == failure.id && test.severity == .error && test.words.contains { $0.contains(failure.word) }
      }
        ?? CheckTests.cases.first { test in
          test.id == failure.id && test.words.contains { $0.contains(failure.word) }
        }, "no case: \(failure.id) \(failure.word)")
    var fixture = ClusterFixture(test.mode)
    let before = Set(fixture.findings(only: [failure.id]))
    test.breaks(&fixture)
    let new = fixture.findings(only: [failure.id]).filter { !before.contains($0) }
    let finding = try #require(new.first { Self.text($0).contains(failure.word) }, "not named")
    let fix = finding.fix.map { "\($0.text) \($0.why ?? "")" }.joined(separator: "\n")
    #expect(fix.contains(failure.fix), "\(fix)")
    let shown = finding.evidence.first { $0.file != nil && $0.line != nil }
    #expect(shown != nil, "no line: \(finding.evidence)")
    if ProcessInfo.processInfo.environment["GUIDES"] == "print" {
      print(
        "GUIDE | \(failure.page) | \(failure.name) | \(failure.id), \(finding.severity) | \(finding.fix.first?.text.prefix(60) ?? "") | \(shown.map { "\($0.file!):\($0.line!)" } ?? "")"
      )
    }
  }
}
