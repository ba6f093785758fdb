import Input
import Intent
import Snapshot

/// `kubectl patch`, `label`, `annotate`, `scale`, `set selector` and `delete` of what the objects hold. The rules that
/// kube-proxy or a network plugin would write then are not modelled: what can be told from the objects is told, as a
/// sentence, and nothing is claimed of the traces.
enum KubectlTrial {
  static func apply(_ arguments: [String], to cluster: Cluster?) throws(Trial.Failure) -> String {
    let command = try Command(arguments)
    guard let cluster, !cluster.isEmpty else {
      throw Trial.Failure("The snapshot holds no objects that kubectl could change.")
    }
    let name = "\(command.namespace)/\(command.name)"
    switch command.kind {
    case "service", "services", "svc":
      guard let service = cluster.service(name) else { throw missing("Service", name) }
      return try of(service, command, cluster)
    case "pod", "pods", "po":
      guard let pod = cluster.pods.first(where: { $0.namespace == command.namespace && $0.name == command.name }) else {
        throw missing("Pod", name)
      }
      return try of(pod, command, cluster)
    case "networkpolicy", "networkpolicies", "netpol":
      guard cluster.networkPolicies.contains(where: { $0.fullName == name }) else {
        throw missing("NetworkPolicy", name)
      }
      return "NetworkPolicy \(name) changes; the rules that the network plugin then writes are not modelled."
    case "deployment", "deployments", "deploy", "statefulset", "statefulsets", "sts", "daemonset", "daemonsets", "ds",
      "replicaset", "replicasets", "rs":
      guard command.verb == .scale || command.verb == .patch || command.verb == .delete else { return nothing(command) }
      return
        "\(command.kind) \(name) changes; Pods that are not there yet have no address, so what becomes of its Services is not modelled."
    case "node", "nodes", "no":
      guard cluster.nodes.contains(where: { $0.name == command.name }) else { throw missing("Node", command.name) }
      return nothing(command)
    default: throw Trial.Failure("kubectl of kind '\(printable(command.kind))' cannot be tried.")
    }
  }

  private static func nothing(_ command: Command) -> String {
    "'kubectl \(command.verb.rawValue)' of this object changes no rule that is modelled."
  }

  private static func missing(_ kind: String, _ name: String) -> Trial.Failure {
    Trial.Failure("\(kind) \(printable(name)) is not among the objects.")
  }

  // MARK: The command

  private enum Verb: String {
    case patch, label, annotate, scale, delete
    case setSelector = "set selector"
  }

  private struct Command {
    var verb: Verb
    var namespace = "default"
    var kind = ""
    var name = ""
    /// `key=value`, or `key-`.
    var pairs: [String] = []
    var patch: String?

    init(_ arguments: [String]) throws(Trial.Failure) {
      var words: [String] = []
      var at = 0
      while at < arguments.count {
        let word = arguments[at]
        at += 1
        guard word.hasPrefix("-"), word.count > 1 else {
          words.append(word)
          continue
        }
        let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
        let takesValue = ["-n", "--namespace", "-p", "--patch", "--type", "--replicas", "--current-replicas"]
        guard takesValue.contains(parts[0]) else { continue }
        guard let value = parts.count > 1 ? parts[1] : at < arguments.count ? arguments[at] : nil else {
          throw Trial.Failure("kubectl's \(printable(word)) lacks a value.")
        }
        if parts.count == 1 { at += 1 }
        switch parts[0] {
        case "-n", "--namespace": namespace = value
        case "-p", "--patch": patch = value
        default: break
        }
      }
      if words.prefix(2) == ["set", "selector"] { words.replaceSubrange(0..<2, with: ["set selector"]) }
      guard let first = words.first, let verb = Verb(rawValue: first) else {
        throw Trial.Failure(
          "'kubectl \(printable(words.first ?? ""))' cannot be tried: patch, label, annotate, scale, set selector and delete can."
        )
      }
      self.verb = verb
      var rest = words.dropFirst()
      guard let object = rest.popFirst() else { throw Trial.Failure("kubectl \(first) names no object.") }
      let parts = object.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      kind = parts[0].lowercased()
      if parts.count > 1 {
        name = parts[1]
      } else if let next = rest.popFirst() {
        name = next
      } else {
        throw Trial.Failure("kubectl \(first) \(printable(object)) names no object.")
      }
      pairs = rest.flatMap { $0.split(separator: ",").map(String.init) }
    }
  }

  // MARK: Objects

  private static func of(_ service: Service, _ command: Command, _ cluster: Cluster) throws(Trial.Failure) -> String {
    let behind = "What kube-proxy then writes is not modelled: the answers are those of the rules as they are."
    switch command.verb {
    case .delete: return "Service \(service.fullName) goes, and kube-proxy takes its rules away. \(behind)"
    case .setSelector: return selects(selector(of: command.pairs), service, cluster) + " " + behind
    case .patch:
      let changes = try changes(command.patch, service)
      var text = changes.selector.map { selects($0, service, cluster) } ?? ""
      if !changes.others.isEmpty {
        text +=
          (text.isEmpty ? "" : " ") + "Service \(service.fullName) gets \(changes.others.joined(separator: ", "))."
      }
      return text + " " + behind
    case .label, .annotate, .scale: return nothing(command)
    }
  }

  private static func selector(of pairs: [String]) -> [(key: String, value: String)] {
    pairs.compactMap { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      return parts.count == 2 ? (parts[0], parts[1]) : nil
    }
  }

  private static func selects(
    _ selector: [(key: String, value: String)], _ service: Service, _ cluster: Cluster
  ) -> String {
    let pods = cluster.pods.filter { $0.namespace == service.namespace && $0.matches(selector) }
    let ready = pods.count { $0.ready && !$0.isTerminating }
    return
      "Service \(service.fullName) then selects \(pods.count) Pod\(pods.count == 1 ? "" : "s"), \(ready) of them ready."
  }

  private static func changes(
    _ patch: String?, _ service: Service
  ) throws(Trial.Failure) -> (selector: [(key: String, value: String)]?, others: [String]) {
    guard let patch else { throw Trial.Failure("kubectl patch needs -p with JSON.") }
    do {
      let document = try JSONDocument(SourceFile(name: "kubectl patch", text: patch))
      return document.withRoot { root in
        var selector: [(key: String, value: String)]?
        var others: [String] = []
        guard let spec = root["spec"], spec.isObject else { return (nil, []) }
        for (key, value) in spec.members {
          guard key == "selector", value.isObject else {
            others.append("\(key.printable): \(value.string.map { printable($0) } ?? "another value")")
            continue
          }
          var merged = service.selector
          for (label, text) in value.members {
            merged.removeAll { $0.key == label.string }
            if let text = text.string { merged.append((label.string, text)) }
          }
          selector = merged
        }
        return (selector, others)
      }
    } catch {
      throw Trial.Failure("The patch is no JSON: \(error.message).")
    }
  }

  private static func of(_ pod: Pod, _ command: Command, _ cluster: Cluster) throws(Trial.Failure) -> String {
    let name = "\(pod.namespace)/\(pod.name)"
    let selecting = { (labels: [(key: String, value: String)]) -> [String] in
      var changed = pod
      changed.labels = labels
      return cluster.services.filter { $0.namespace == pod.namespace && changed.matches($0.selector) }.map(\.fullName)
    }
    switch command.verb {
    case .delete:
      return
        "Pod \(name) goes, and its Services (\(list(selecting(pod.labels)))) lose an endpoint until another takes its place; what kube-proxy then writes is not modelled."
    case .label:
      var labels = pod.labels
      for pair in command.pairs {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let key = parts.count == 1 && pair.hasSuffix("-") ? String(pair.dropLast()) : parts[0]
        labels.removeAll { $0.key == key }
        if parts.count == 2 { labels.append((key, parts[1])) }
      }
      return
        "Pod \(name) is then selected by \(list(selecting(labels))) (before: \(list(selecting(pod.labels)))); what kube-proxy then writes is not modelled."
    case .patch, .annotate, .scale, .setSelector: return nothing(command)
    }
  }

  private static func list(_ names: [String]) -> String {
    guard !names.isEmpty else { return "no Service" }
    return names.prefix(5).joined(separator: ", ") + (names.count > 5 ? " and \(names.count - 5) more" : "")
  }
}
