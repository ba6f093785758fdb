import Input
import Intent
import Testing
import Wire

/// Objects that tell of causes.
@Suite struct ObjectKindTests {
  private static func read(_ text: String) -> Cluster { ObjectReader.read([SourceFile(name: "x.yaml", text: text)]) }

  @Test func ofEventsOfOneReasonTheNewestCounts() {
    let cluster = Self.read(
      """
      kind: List
      apiVersion: v1
      items:
      - {apiVersion: v1, kind: Event, metadata: {name: a, namespace: shop}, type: Warning, reason: Failed, message: new, lastTimestamp: '2026-03-01T09:00:05Z', involvedObject: {kind: Pod, namespace: shop, name: web}}
      - {apiVersion: v1, kind: Event, metadata: {name: b, namespace: shop}, type: Warning, reason: Failed, message: old, lastTimestamp: '2026-03-01T09:00:01Z', involvedObject: {kind: Pod, namespace: shop, name: web}}
      - {apiVersion: v1, kind: Event, metadata: {name: c, namespace: shop}, type: Normal, reason: Pulled, message: dull, involvedObject: {kind: Pod, namespace: shop, name: web}}
      - {apiVersion: events.k8s.io/v1, kind: Event, metadata: {name: d, namespace: shop}, type: Warning, reason: BackOff, note: other spelling, regarding: {kind: Pod, namespace: shop, name: web}}
      """)
    #expect(cluster.events.map(\.message) == ["new", "other spelling"])
  }

  @Test func aHealthyPodHasNoTroublesToKeep() throws {
    let cluster = Self.read(
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: web, namespace: shop}
      spec: {containers: [{name: c}]}
      status: {phase: Running, conditions: [{type: Ready, status: "True"}], containerStatuses: [{name: c, ready: true, restartCount: 0, state: {running: {}}}]}
      """
    )
    #expect(try #require(cluster.pods.first).trouble == nil)
  }

  @Test func whatACorefileForwardsTo() {
    let corefile = Corefile(
      ".:53 {\n  errors\n  kubernetes cluster.local in-addr.arpa\n  forward . 192.0.2.53 tls://9.9.9.9 [2001:db8::1]:5353 /etc/resolv.conf {\n    max_concurrent 1000\n  }\n  loop # stops it\n}\n"
    )
    #expect(corefile.forwards.first?.upstreams.map(\.port) == [53, 853, 5353])
    #expect(corefile.forwards.first?.resolverFile == "/etc/resolv.conf")
    #expect(corefile.clusterZones == ["cluster.local"])
    #expect(corefile.detectsLoops)
  }

  @Test(arguments: [
    ("203.0.113.0/30", 4), ("203.0.113.5-203.0.113.9", 5), ("203.0.113.7", 1), ("203.0.113.9-203.0.113.5", nil),
  ])
  func rangesOfPools(_ text: String, _ count: Int?) { #expect(AddressRange(text)?.count == count) }

  /// Evidence names the line of the object itself, not of one that refers to it.
  @Test func theLineOfAnObject() {
    let text = """
      apiVersion: v1
      kind: Event
      metadata:
        name: web.1
      involvedObject:
        kind: Pod
        name: webs
      ---
      apiVersion: v1
      kind: Pod
      metadata:
        name: web
      """
    let cluster = Self.read(text)
    #expect(cluster.line(of: "Pod", "web", in: 0) == 12)
    #expect(cluster.line(of: "Node", "web", in: 0) == nil)
  }
}
