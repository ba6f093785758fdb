import Input
import Wire

/// Reads what `kubectl get -o json` and `-o yaml` print: a List, single objects, several YAML documents. A bad object
/// costs a warning that names it; the rest is kept.
public struct ObjectReader {
  var cluster = Cluster()
  /// Endpoints objects; used only for Services without slices.
  var legacy: [EndpointSlice] = []
  var file = 0
  private var unknownKinds: Set<String> = []
  private var kinds: Set<Kind> = []

  public static func read(_ files: [SourceFile]) -> Cluster {
    var reader = ObjectReader()
    for file in files { reader.read(file) }
    let covered = Set(reader.cluster.slices.map { "\($0.namespace)/\($0.service)" })
    reader.cluster.slices += reader.legacy.filter { !covered.contains("\($0.namespace)/\($0.service)") }
    reader.cluster.kinds.formUnion(reader.kinds.map(\.rawValue))
    reader.cluster.finish()
    return reader.cluster
  }

  private mutating func read(_ source: SourceFile) {
    file = cluster.files.count
    cluster.files.append(source)
    do throws(Diagnostic) {
      if looksLikeJSON(source) {
        try document(source)
      } else if ObjectText.looksLikeOne(source) {
        try text(source)
      } else {
        try YAMLToJSON.visit(source) { part throws(Diagnostic) in try document(part) }
      }
    } catch {
      cluster.diagnostics.add(error)
      if looksLikeJSON(source) { salvage(source) }
    }
  }

  /// What kubectl prints for people. It leaves out much: what is not in it is unknown.
  private mutating func text(_ source: SourceFile) throws(Diagnostic) {
    let text = ObjectText(source)
    for (line, message) in text.problems {
      cluster.diagnostics.add(Diagnostic(.warning, file: source.name, .line(line), message))
    }
    cluster.hasTexts = cluster.hasTexts || !text.objects.isEmpty
    for object in text.objects { try document(SourceFile(name: source.name, text: object)) }
  }

  private func looksLikeJSON(_ source: SourceFile) -> Bool {
    let start = source.bytes.firstIndex { $0 > 0x20 && $0 != 0xEF && $0 != 0xBB && $0 != 0xBF }
    guard let start, source.bytes[start] == UInt8(ascii: "{") || source.bytes[start] == UInt8(ascii: "[") else {
      return false
    }
    // Names in quotes; YAML in one line, `{kind: Pod}`, has them without.
    let next = source.bytes[start...].first { $0 > 0x20 && $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: "[") }
    switch next {
    case UInt8(ascii: "k"), UInt8(ascii: "a"), UInt8(ascii: "m"): return false
    default: return true
    }
  }

  private mutating func document(_ source: SourceFile) throws(Diagnostic) {
    let document = try JSONDocument(source)
    document.withRoot { root in
      if root.isArray { for item in root.elements { object(item, listKind: "") } } else { object(root, listKind: "") }
    }
  }

  /// Of a list that is cut off or broken somewhere: the objects before that.
  private mutating func salvage(_ source: SourceFile) {
    let key = Array("\"items\"".utf8)
    let head = source.bytes.prefix(1 << 16)
    guard let found = head.firstRange(of: key)?.upperBound,
      let bracket = head[found...].firstIndex(where: { $0 > 0x20 && $0 != UInt8(ascii: ":") }),
      head[bracket] == UInt8(ascii: "[")
    else { return }
    // One at a time, so that a bad one takes no other with it.
    _ = JSONElements.visit(in: source, bracket + 1..<source.bytes.count, runLength: 1) { object($0, listKind: "") }
  }

  /// `listKind` tells what the items of a `ServiceList` are, which then carry no kind of their own.
  private mutating func object(_ value: JSONValue, listKind: String) {
    guard value.isObject else { return cluster.warn(file, "expected a Kubernetes object, found a \(value.kind)") }
    var kind: JSONText?
    var version: JSONText?
    for (name, member) in value.members {
      if name == "kind" { kind = member.text } else if name == "apiVersion" { version = member.text }
    }
    // A name is made of the bytes only where nothing that is read has it: there are a million objects in a large dump.
    guard let read = kind.flatMap({ Kind($0) }) ?? Kind(rawValue: listKind) else {
      return others(value, kind?.string ?? listKind)
    }
    kinds.insert(read)
    var meta = Metadata()
    if let metadata = value["metadata"] { meta.read(metadata) }
    if meta.name.isEmpty { return cluster.warn(file, "a \(read.rawValue) has no metadata.name; left out") }
    if let version, !Self.isKnown(version, of: read) {
      cluster.warn(
        file,
        "\(read.rawValue) \(meta.fullName): apiVersion “\(version.printable)” is not known; read as the newest one")
    }
    switch read {
    case .service: service(value, meta)
    case .endpointSlice: slice(value, meta)
    case .endpoints: endpoints(value, meta)
    case .pod: pod(value, meta)
    case .node: node(value, meta)
    case .networkPolicy: networkPolicy(value, meta)
    case .namespace: namespace(value, meta)
    case .ingress: ingress(value, meta)
    case .configMap: configMap(value, meta)
    case .event: event(value, meta)
    case .deployment, .replicaSet, .statefulSet, .daemonSet, .job, .replicationController:
      workload(value, meta, read.rawValue)
    case .claim: claim(value, meta)
    case .storageClass: storageClass(value, meta)
    case .lease: lease(value, meta)
    case .ingressClass: ingressClass(value, meta)
    case .addressPool: addressPool(value, meta)
    case .layer2Advertisement: advertisement(value, meta, .layer2)
    case .bgpAdvertisement: advertisement(value, meta, .bgp)
    case .peerAuthentication: peerAuthentication(value, meta)
    case .serviceRange: serviceRange(value, meta)
    case .clusterNetworkPolicy, .adminNetworkPolicy, .baselineAdminNetworkPolicy, .ciliumClusterwidePolicy,
      .globalPolicy:
      cluster.clusterPolicies.append(ClusterPolicy(kind: read.rawValue, namespace: "", name: meta.name, file: file))
    case .ciliumPolicy:
      cluster.clusterPolicies.append(
        ClusterPolicy(kind: read.rawValue, namespace: meta.namespace, name: meta.name, file: file))
    }
  }

  /// Lists, and what is read without a name.
  private mutating func others(_ value: JSONValue, _ kind: String) {
    guard !kind.isEmpty else { return cluster.warn(file, "an object has no kind") }
    if kind == "List" || kind.hasSuffix("List"), let items = value["items"] {
      let inner = kind == "List" ? "" : String(kind.dropLast(4))
      if let known = Kind(rawValue: inner) { kinds.insert(known) }
      for item in items.elements { object(item, listKind: inner) }
      return
    }
    switch kind {
    case "KubeletConfiguration": kubeletConfiguration(value)
    case "KubeProxyConfiguration": proxyConfiguration(value)
    case "ClusterConfiguration": clusterConfiguration(value)
    case "Config": kubeconfig(value)
    default: leaveOut(kind)
    }
  }

  /// What is read, by the names that Kubernetes gives it.
  private enum Kind: String, CaseIterable {
    case pod = "Pod"
    case service = "Service"
    case endpointSlice = "EndpointSlice"
    case event = "Event"
    case endpoints = "Endpoints"
    case node = "Node"
    case networkPolicy = "NetworkPolicy"
    case namespace = "Namespace"
    case ingress = "Ingress"
    case configMap = "ConfigMap"
    case deployment = "Deployment"
    case replicaSet = "ReplicaSet"
    case statefulSet = "StatefulSet"
    case daemonSet = "DaemonSet"
    case job = "Job"
    case replicationController = "ReplicationController"
    case claim = "PersistentVolumeClaim"
    case storageClass = "StorageClass"
    case lease = "Lease"
    case ingressClass = "IngressClass"
    case addressPool = "IPAddressPool"
    case layer2Advertisement = "L2Advertisement"
    case bgpAdvertisement = "BGPAdvertisement"
    case peerAuthentication = "PeerAuthentication"
    case serviceRange = "ServiceCIDR"
    case clusterNetworkPolicy = "ClusterNetworkPolicy"
    case adminNetworkPolicy = "AdminNetworkPolicy"
    case baselineAdminNetworkPolicy = "BaselineAdminNetworkPolicy"
    case ciliumPolicy = "CiliumNetworkPolicy"
    case ciliumClusterwidePolicy = "CiliumClusterwideNetworkPolicy"
    case globalPolicy = "GlobalNetworkPolicy"

    init?(_ text: JSONText) {
      guard let found = Self.names.first(where: { text.bytes.elementsEqual($0.bytes) }) else { return nil }
      self = found.kind
    }

    /// The most frequent first.
    private static let names = allCases.map { (kind: $0, bytes: Array($0.rawValue.utf8)) }
  }

  public static let kinds = Kind.allCases.map(\.rawValue)

  /// Other objects, and files of a component's own configuration, which have no name.
  private mutating func leaveOut(_ kind: String) {
    guard unknownKinds.insert(kind).inserted, unknownKinds.count < 50 else { return }
    cluster.diagnostics.add(
      Diagnostic(.note, file: cluster.files[file].name, .whole, "objects of kind “\(escaped(kind))” are not used"))
  }

  private static func isKnown(_ version: JSONText, of kind: Kind) -> Bool {
    switch kind {
    case .service, .endpoints, .pod, .node, .namespace, .configMap: version == "v1"
    case .endpointSlice: version == "discovery.k8s.io/v1" || version == "discovery.k8s.io/v1beta1"
    case .networkPolicy: version == "networking.k8s.io/v1"
    case .ingress:
      version == "networking.k8s.io/v1" || version == "networking.k8s.io/v1beta1" || version == "extensions/v1beta1"
    default: true
    }
  }

  struct Metadata {
    var namespace = "default"
    var name = ""
    var labels: [(key: String, value: String)] = []
    var annotations: JSONValue?
    var owner: ObjectOwner?
    var isTerminating = false
    var fullName: String { "\(namespace)/\(name)" }

    mutating func read(_ value: JSONValue) {
      for (key, member) in value.members {
        switch key {
        case "name": name = member.string ?? ""
        case "namespace": namespace = member.string ?? "default"
        case "labels": labels = ObjectReader.pairs(member)
        case "annotations": annotations = member
        case "ownerReferences": owner = ObjectReader.owner(member)
        case "deletionTimestamp": isTerminating = !member.isNull
        default: break
        }
      }
    }

    func label(_ key: String) -> String? { labels.first { $0.key == key }?.value }
  }

  /// What a warning is about; spelled only where there is one.
  struct ObjectName: CustomStringConvertible {
    let kind: StaticString
    let namespace: String
    let name: String

    init(_ kind: StaticString, _ meta: Metadata) { (self.kind, namespace, name) = (kind, meta.namespace, meta.name) }
    /// One that has no namespace, or no name.
    init(_ kind: StaticString, _ name: String = "") { (self.kind, namespace, self.name) = (kind, "", name) }

    var description: String {
      namespace.isEmpty ? name.isEmpty ? "\(kind)" : "\(kind) \(name)" : "\(kind) \(namespace)/\(name)"
    }
  }

  /// The one that controls it.
  private static func owner(_ references: JSONValue) -> ObjectOwner? {
    var found: ObjectOwner?
    for reference in references.elements {
      guard let kind = reference["kind"]?.string, let name = reference["name"]?.string else { continue }
      if found == nil || reference["controller"]?.bool ?? false { found = ObjectOwner(kind: kind, name: name) }
    }
    return found
  }

  /// `2026-11-30T09:00:00Z` in seconds since 1970; 0: it is no time.
  static func time(_ value: JSONValue?) -> Int { value?.text.map { Timestamp.seconds($0) } ?? 0 }

  static func pairs(_ value: JSONValue) -> [(key: String, value: String)] {
    value.members.compactMap { name, member in member.string.map { (name.string, $0) } }
  }

  func ipProtocol(_ value: JSONValue?) -> IPProtocol {
    switch value?.text {
    case .some(let text) where text == "UDP": .udp
    case .some(let text) where text == "SCTP": .sctp
    default: .tcp
    }
  }

  /// 0 with a warning where a port is none.
  mutating func port(_ value: JSONValue?, _ what: ObjectName) -> UInt16 {
    guard let value, !value.isNull else { return 0 }
    guard let number = value.int, let port = UInt16(exactly: number) else {
      cluster.warn(file, "\(what): a port is a number from 0 to 65535")
      return 0
    }
    return port
  }

  mutating func address(_ value: JSONValue, _ what: ObjectName) -> IPAddress? {
    guard let text = value.text else {
      cluster.warn(file, "\(what): expected an IP address, found a \(value.kind)")
      return nil
    }
    if let address = text.address { return address }
    cluster.warn(file, "\(what): “\(text.printable)” is no IP address")
    return nil
  }
}
