import Input
import Intent
import Testing
import Wire

/// What NetworkPolicies allow, as the API's documentation tells it.
@Suite struct NetworkPolicyTests {
  private static let pods = """
    apiVersion: v1
    kind: Pod
    metadata: {name: cart-0, namespace: shop, labels: {app: cart}}
    spec: {containers: [{ports: [{name: web, containerPort: 8080}]}]}
    status: {podIP: 10.244.0.5}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: web-0, namespace: shop, labels: {app: web, tier: front}}
    status: {podIP: 10.244.0.6}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: probe-0, namespace: watch, labels: {app: probe}}
    status: {podIP: 10.244.1.7}
    ---
    apiVersion: v1
    kind: Node
    metadata: {name: a}
    status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}

    """

  private static func cluster(_ specs: String..., more: String = "") -> Cluster {
    let policies = specs.enumerated().map {
      "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p\($0), namespace: shop}\nspec: {\($1)}\n"
    }
    return ObjectReader.read([SourceFile(name: "objects", text: pods + policies.joined() + more)])
  }

  /// Whether a client reaches cart-0 at TCP 8080.
  private static func passes(_ client: String, _ cluster: Cluster, port: UInt16 = 8080) -> Bool {
    let endpoint = EndpointAddress(IPAddress("10.244.0.5")!, port)
    return cluster.policyDenial(from: IPAddress(client)!, to: endpoint, .tcp) == nil
  }

  private static let web = "10.244.0.6"
  private static let probe = "10.244.1.7"
  private static let outside = "198.51.100.9"

  @Test func withoutPolicyEverythingPasses() {
    #expect(Self.passes(Self.web, Self.cluster()) && Self.passes(Self.outside, Self.cluster()))
  }

  @Test func aPolicyWithoutRulesIsolatesOnlyWhatItSelects() {
    let closed = Self.cluster("podSelector: {matchLabels: {app: cart}}")
    #expect(!Self.passes(Self.web, closed) && !Self.passes(Self.outside, closed))
    // The kubelet's probes come from the node, and a Pod's own connections through a Service from itself.
    #expect(Self.passes("192.0.2.1", closed) && Self.passes("10.244.0.5", closed))
    #expect(Self.passes(Self.web, Self.cluster("podSelector: {matchLabels: {app: other}}")))
    #expect(Self.passes(Self.web, Self.cluster("podSelector: {}, policyTypes: [Egress], egress: [{}]")))
  }

  @Test func rulesAddUp() {
    let cluster = Self.cluster(
      "podSelector: {}",
      "podSelector: {matchLabels: {app: cart}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]")
    #expect(Self.passes(Self.web, cluster) && !Self.passes(Self.probe, cluster))
  }

  /// Without namespaceSelector: the policy's own namespace. Labels of other namespaces must be known; each has its name.
  @Test func peersAreChosenByNamespaceAndLabels() {
    let named = Self.cluster(
      "podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: watch}}}]}]")
    #expect(Self.passes(Self.probe, named) && !Self.passes(Self.web, named))
    let labelled =
      "podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: ops}}, podSelector: {}}]}]"
    // Not known: not called denied.
    #expect(Self.passes(Self.probe, Self.cluster(labelled)))
    let other = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: watch, labels: {team: dev}}\n"
    #expect(!Self.passes(Self.probe, Self.cluster(labelled, more: other)))
    let expressed = Self.cluster(
      "podSelector: {matchExpressions: [{key: app, operator: In, values: [cart, web]}]}, ingress: [{from: [{podSelector: {matchExpressions: [{key: tier, operator: Exists}, {key: app, operator: NotIn, values: [cart]}]}}]}]"
    )
    #expect(Self.passes(Self.web, expressed) && !Self.passes(Self.probe, expressed))
  }

  @Test func addressBlocksLeaveOutTheirExceptions() {
    let block = Self.cluster(
      "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.128/25]}}]}]")
    #expect(Self.passes(Self.outside, block) && !Self.passes("198.51.100.200", block))
    let bad = Self.cluster("podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 198.51.100.0/33}}]}]")
    #expect(bad.diagnostics.list.contains { $0.message.contains("is no address range") })
  }

  /// By number, range and a container's name, at the Pod and not at the Service.
  @Test(arguments: [
    ("{port: 8080}", true), ("{port: 8081}", false), ("{port: 8000, endPort: 8100}", true), ("{port: web}", true),
    ("{port: admin}", false), ("{protocol: UDP, port: 8080}", false), ("{protocol: TCP}", true),
  ])
  func portsAreThoseOfThePod(_ port: String, _ passes: Bool) {
    let cluster = Self.cluster("podSelector: {}, ingress: [{ports: [\(port)]}]")
    #expect(Self.passes(Self.web, cluster) == passes)
  }

  @Test func egressIsAskedOfTheClient() throws {
    let cluster = Self.cluster("podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]")
    let endpoint = EndpointAddress(IPAddress("10.244.0.5")!, 8080)
    let denial = try #require(cluster.policyDenial(from: IPAddress(Self.web)!, to: endpoint, .tcp))
    #expect(denial.contains("NetworkPolicy shop/p0 isolates Pod shop/web-0 for egress"))
    #expect(Self.passes(Self.probe, cluster))
  }
}
