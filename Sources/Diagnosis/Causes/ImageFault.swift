import Findings
import Intent

/// Why an image is not pulled, told by the words of the registry and of the runtime.
enum ImageFault {
  case missing, forbidden, unreachable, untrusted, limited, badName, neverPulled, wrongPlatform, noSpace, unknown

  private static let signs: [(fault: ImageFault, words: [String])] = [
    (.badName, ["InvalidImageName", "invalid reference format", "couldn't parse image"]),
    (.neverPulled, ["ErrImageNeverPull", "imagePullPolicy Never", "pull policy of Never"]),
    (.noSpace, ["no space left on device"]),
    (.limited, ["toomanyrequests", "429 Too Many Requests", "rate limit"]),
    (.wrongPlatform, ["no match for platform", "no matching manifest", "exec format error"]),
    (.untrusted, ["x509:", "certificate signed by unknown authority", "server gave HTTP response to HTTPS client"]),
    (
      .forbidden,
      [
        "401 Unauthorized", "403 Forbidden", "unauthorized", "authentication required", "authorization failed",
        "no basic auth credentials", "pull access denied", "failed to authorize", "denied", "insufficient_scope",
      ]
    ),
    (.missing, ["manifest unknown", "not found", "NotFound", "404", "manifest for", "name unknown"]),
    (
      .unreachable,
      [
        "no such host", "i/o timeout", "connection refused", "dial tcp", "TLS handshake timeout",
        "Temporary failure in name",
        "network is unreachable", "no route to host", "context deadline exceeded", "connection reset", "EOF",
        "Client.Timeout", "server misbehaving",
      ]
    ),
  ]

  static func of(_ words: String, _ waiting: String) -> ImageFault {
    // Docker names a missing repository and missing rights in one sentence; the rights are what can be mended.
    signs.first { sign in sign.words.contains { words.contains($0) || waiting == $0 } }?.fault ?? .unknown
  }

  var cause: String {
    switch self {
    case .missing: "the registry has no such image or tag"
    case .forbidden: "the registry wants credentials that the Pod does not have (or that are wrong)"
    case .unreachable: "the node does not reach the registry: name resolution, route, firewall or proxy"
    case .untrusted: "the node does not trust the registry's certificate"
    case .limited: "the registry limits how often images are pulled"
    case .badName: "the image's name is not well formed"
    case .neverPulled: "imagePullPolicy is Never and the node does not have the image"
    case .wrongPlatform: "the image is not made for the node's architecture"
    case .noSpace: "the node has no room for it"
    case .unknown: "the image is not pulled"
    }
  }

  /// Commands and advice for a Pod and the container whose image it is.
  func fix(_ pod: Pod, _ container: ContainerTrouble?, image: String, _ maker: ObjectOwner?) -> [Fix] {
    let place: ShellCommand = "kubectl -n \(pod.namespace)"
    let target = maker.map { "\($0.kind.lowercased())/\($0.name)" } ?? "pod/\(pod.name)"
    let setImage = Fix.advice(
      "\(place) set image \(target) \(container?.name ?? "CONTAINER")=NAME:TAG, one that exists; now \(image)")
    let registry = image.isEmpty ? "REGISTRY" : Self.registry(image)
    switch self {
    case .missing, .badName: return [setImage]
    case .forbidden:
      return [
        .advice(
          "give it credentials: \(place) create secret docker-registry regcred --docker-server=\(registry) --docker-username=USER --docker-password=PASSWORD"
        ),
        .command(
          "\(place) patch serviceaccount default -p '{\"imagePullSecrets\":[{\"name\":\"regcred\"}]}'",
          why: "or imagePullSecrets in the Pod's template; then make the Pods anew"),
      ]
    case .unreachable:
      return [
        .look(
          "curl -v \("https://\(registry)/v2/")",
          why: "on \(pod.node.isEmpty ? "the node" : pod.node): what fails, the name, the route or the answer"),
        .advice(
          "the node's resolver, route, firewall or the runtime's proxy settings (containerd: HTTPS_PROXY in its unit)"),
      ]
    case .untrusted:
      return [
        .advice(
          "put the registry's CA into /etc/containerd/certs.d/\(registry)/ on every node, or into the system's trust store; then systemctl restart containerd"
        )
      ]
    case .limited:
      return [
        .advice(
          "pull with credentials (imagePullSecrets) or from a mirror of your own; it goes on by itself after a while")
      ]
    case .neverPulled:
      return [
        .advice(
          "set imagePullPolicy: IfNotPresent, or load the image on \(pod.node.isEmpty ? "the node" : pod.node) (ctr -n k8s.io images import FILE)"
        )
      ]
    case .wrongPlatform:
      return [
        .advice(
          "build the image for the node's architecture too (docker buildx), or place the Pods by nodeSelector kubernetes.io/arch"
        )
      ]
    case .noSpace: return [.command("crictl rmi --prune", why: "on \(pod.node): images that nothing uses")]
    case .unknown: return [.look("\(place) describe pod \(pod.name)", why: "image name, tag and pull secret")]
    }
  }

  /// `registry.example.com/shop/cart:1` is at registry.example.com; names without a host are Docker Hub's.
  static func registry(_ image: String) -> String {
    guard let first = image.split(separator: "/").first, image.contains("/"),
      first.contains(".") || first.contains(":") || first == "localhost"
    else { return "registry-1.docker.io" }
    return String(first)
  }
}
