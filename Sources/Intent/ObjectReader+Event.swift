import Input

extension ObjectReader {
  /// `v1` and `events.k8s.io/v1`: the same under other names.
  mutating func event(_ value: JSONValue, _ meta: Metadata) {
    var subject = ClusterEvent.Subject(kind: "", namespace: "", name: "")
    var reason: JSONText?
    var event = ClusterEvent(subject, reason: "")
    event.file = file
    for (key, member) in value.members {
      switch key {
      case "reason": reason = member.text
      case "type": event.isWarning = member.text.map { $0 == "Warning" } ?? false
      case "message", "note": event.message = member.string ?? ""
      case "involvedObject", "regarding":
        for (part, text) in member.members {
          switch part {
          case "kind": subject.kind = text.string ?? ""
          case "namespace": subject.namespace = text.string ?? ""
          case "name": subject.name = text.string ?? ""
          default: break
          }
        }
      case "count", "deprecatedCount": event.count = member.int ?? event.count
      case "lastTimestamp", "eventTime", "firstTimestamp", "deprecatedLastTimestamp":
        event.time = max(event.time, Self.time(member))
      case "series":
        event.count = member["count"]?.int ?? event.count
        event.time = max(event.time, Self.time(member["lastObservedTime"]))
      case "source", "deprecatedSource": event.host = member["host"]?.string ?? event.host
      case "reportingInstance": if event.host.isEmpty { event.host = member.string ?? "" }
      default: break
      }
    }
    guard let reason = reason?.string, !subject.kind.isEmpty,
      event.isWarning || ClusterEvent.tellingReasons.contains(reason)
    else { return }
    if subject.kind == "Node" { subject.namespace = "" }
    event.subject = subject
    event.reason = reason
    cluster.add(event)
  }
}
