import Input
import Ruleset
import Snapshot
import Testing
import Wire

@Suite("nft: JSON")
struct NftJSONTests {
  static let list = """
    {"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
    {"table": {"family": "inet", "name": "t", "handle": 1}},
    {"map": {"family": "inet", "name": "m", "table": "t", "type": ["ipv4_addr", "inet_service"], "handle": 3,
      "map": "verdict", "elem": [[{"concat": ["10.0.0.1", 80]}, {"goto": {"target": "c"}}]]}},
    {"set": {"family": "inet", "name": "s", "table": "t", "type": "ipv4_addr", "handle": 4, "flags": ["timeout"],
      "timeout": 60, "elem": [{"elem": {"val": "10.0.0.9", "timeout": 60, "expires": 42, "comment": "x"}}]}},
    {"chain": {"family": "inet", "table": "t", "name": "in", "handle": 2, "type": "filter", "hook": "input", "prio": 0,
      "policy": "drop"}},
    {"chain": {"family": "inet", "table": "t", "name": "c", "handle": 5}},
    RULES
    ]}
    """

  /// The JSON of a statement list, and nft's text of the same.
  static let rules: [(String, String)] = [
    (
      #"{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"prefix": {"addr": "10.0.0.0", "len": 8}}}}, {"accept": null}"#,
      "ip saddr 10.0.0.0/8 accept"
    ),
    (
      #"{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}, {"counter": {"packets": 1, "bytes": 2}}"#,
      "ct state established,related counter packets 1 bytes 2"
    ),
    (
      #"{"match": {"op": "==", "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, {"|": ["syn", "ack"]}]}, "right": "syn"}}, {"drop": null}"#,
      "tcp flags & (syn | ack) == syn drop"
    ),
    (
      #"{"match": {"op": "!=", "left": {"meta": {"key": "iifname"}}, "right": "veth*"}}, {"jump": {"target": "c"}}"#,
      "meta iifname != \"veth*\" jump c"
    ),
    (
      #"{"vmap": {"key": {"concat": [{"payload": {"protocol": "ip", "field": "daddr"}}, {"payload": {"protocol": "th", "field": "dport"}}]}, "data": "@m"}}"#,
      "ip daddr . th dport vmap @m"
    ),
    (
      #"{"vmap": {"key": {"numgen": {"mode": "random", "mod": 2, "offset": 0}}, "data": {"set": [[0, {"accept": null}], [1, {"drop": null}]]}}}"#,
      "numgen random mod 2 vmap { 0 : accept, 1 : drop }"
    ),
    (
      #"{"mangle": {"key": {"meta": {"key": "mark"}}, "value": {"|": [{"meta": {"key": "mark"}}, 16384]}}}"#,
      "meta mark set meta mark | 0x00004000"
    ),
    (
      #"{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": [22, {"range": [80, 90]}]}}}, {"reject": {"type": "tcp reset"}}"#,
      "tcp dport { 22, 80-90 } reject with tcp reset"
    ),
    (#"{"dnat": {"family": "ip6", "addr": "fd00::1", "port": 80}}"#, "dnat ip6 to [fd00::1]:80"),
    (
      #"{"snat": {"family": "ip", "addr": {"range": ["10.0.0.1", "10.0.0.5"]}, "flags": ["random", "persistent"]}}"#,
      "snat ip to 10.0.0.1-10.0.0.5 random,persistent"
    ),
    (#"{"masquerade": {"flags": "fully-random"}}"#, "masquerade fully-random"),
    (
      #"{"match": {"op": "==", "left": {"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, "right": false}}, {"drop": null}"#,
      "fib saddr . iif oif missing drop"
    ),
    (
      #"{"match": {"op": "==", "left": {"payload": {"base": "nh", "offset": 72, "len": 8}}, "right": 6}}"#, "@nh,72,8 6"
    ),
    (
      #""update @s { ip saddr timeout 60s }""#, "update @s { ip saddr timeout 60s }"
    ),
    (
      #"{"limit": {"rate": 10, "burst": 5, "per": "second", "inv": true}}, {"drop": null}"#,
      "limit rate over 10/second drop"
    ),
    (
      #"{"set": {"op": "update", "elem": {"elem": {"val": {"payload": {"protocol": "ip", "field": "saddr"}}, "timeout": 60}}, "set": "@s"}}"#,
      "update @s { ip saddr timeout 60s }"
    ),
    (#"{"tproxy": {"family": "ip", "addr": "127.0.0.1", "port": 15001}}"#, "tproxy ip to 127.0.0.1:15001"),
    (#"{"xt": {"type": "match", "name": "conntrack"}}, {"accept": null}"#, "xt match \"conntrack\" accept"),
  ]

  @Test(arguments: rules)
  func sameAsText(_ json: String, _ text: String) {
    let reading = Reading(
      json: Self.list.replacing(
        "RULES",
        with: #"{"rule": {"family": "inet", "table": "t", "chain": "c", "handle": 9, "comment": "why", "expr": ["#
          + json + "]}}"))
    #expect(reading.messages == [])
    let rule = reading.rules("c").first
    #expect(rule.map { reading.ruleset.sourceText(of: $0) } == text + " comment \"why\"")
    #expect(rule?.line == 10)
    let other = Reading(
      .inet, rule: text + " comment \"why\"",
      with: "map m {\n type ipv4_addr . inet_service : verdict\n }\nset s {\n type ipv4_addr\n flags timeout\n }")
    #expect(reading.spelled() == other.spelled())
  }

  @Test func structure() throws {
    let reading = Reading(json: Self.list.replacing(",\nRULES", with: ""))
    #expect(reading.messages == [])
    let base = try #require(reading.chain("in").flatMap { reading.ruleset.base(of: $0) })
    #expect(base == BaseChain(type: .filter, hook: .input, priority: 0, policyDrops: true))
    let map = try #require(reading.set("m"))
    #expect(map.count == 1 && map.components == 2)
    let set = try #require(reading.set("s"))
    #expect(set.flags.contains(.volatile) && set.comments == [0: "x"])
    #expect(set.annotations == [0: "timeout 60s expires 42s"])
  }

  /// nft 1.0.6 leaves `dynamic` out of its JSON; what rules add to is no less changing for that.
  @Test func setsThatRulesFillAreDynamic() throws {
    let rule =
      #"{"rule": {"family": "inet", "table": "t", "chain": "c", "handle": 6, "expr": [{"set": {"op": "update", "elem": {"payload": {"protocol": "ip", "field": "saddr"}}, "set": "@s"}}]}}"#
    let reading = Reading(json: Self.list.replacing("RULES", with: rule))
    let set = try #require(reading.set("s"))
    #expect(set.flags.isSuperset(of: [.dynamic, .timeout, .volatile]))
    #expect(try !#require(reading.set("m")).flags.contains(.dynamic))
  }

  @Test func truncated() {
    let whole = Self.list.replacing(",\nRULES", with: "")
    let reading = Reading(json: String(whole.dropLast(40)))
    #expect(reading.messages.count == 1 && reading.messages[0].contains("malformed JSON"))
    // What is whole is kept.
    #expect(reading.ruleset.tables.count == 1 && reading.set("m") != nil)
  }

  /// Each is refused with its line, and what stands around it is read.
  @Test func malformed() {
    func list(_ expressions: String) -> String {
      "{\"nftables\": [\n{\"table\": {\"family\": \"ip\", \"name\": \"t\"}},\n"
        + "{\"chain\": {\"family\": \"ip\", \"table\": \"t\", \"name\": \"c\"}},\n"
        + "{\"rule\": {\"family\": \"ip\", \"table\": \"t\", \"chain\": \"c\", \"expr\": [\(expressions)]}},\n"
        + "{\"rule\": {\"family\": \"ip\", \"table\": \"t\", \"chain\": \"c\", \"expr\": [{\"drop\": null}]}}\n]}\n"
    }
    let missing = Reading(json: list(#"{"jump": {"target": "nowhere"}}"#))
    #expect(missing.messages == ["nft.json:4: chain nowhere does not exist in table t"])
    let set = Reading(
      json: list(
        #"{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@s"}}, {"drop": null}"#
      ))
    #expect(set.messages == ["nft.json:4: set s is not declared in table t"])
    let deep = Reading(json: list(String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000)))
    #expect(deep.messages.first == "nft.json:4: JSON is nested deeper than 1024 levels", "\(deep.messages)")
    #expect(deep.spelled().last == "drop")
    let types = Reading(
      json: list(
        #"{"match": 17}, {"vmap": {"key": [], "data": {"set": [1, [3]]}}}, {"dnat": {"addr": [], "port": {}}}, 5"#))
    #expect(
      types.messages.count >= 1 && types.messages.allSatisfy { $0.hasPrefix("nft.json:4: ") }, "\(types.messages)")
    #expect(!Unmodelled(types.ruleset).texts.isEmpty && types.spelled().last == "drop")
    // A line break in a name must not end the rule.
    let control = Reading(json: list(#"{"jump": {"target": "a\u0000\n\u001b[31m"}}"#))
    #expect(control.messages.count == 1 && !control.messages[0].contains("\n") && control.rules("c").count == 2)
    let comma = Reading(json: list("").replacing("}},\n{\"rule\"", with: "}}\n{\"rule\""))
    #expect(comma.messages == ["nft.json:4: malformed JSON: expected ',' or ']', found '{'"], "\(comma.messages)")
    #expect(comma.spelled().last == "drop")
  }

  @Test func hugeSet() {
    let elements = (0..<200_000).map { "\"10.\($0 >> 16).\($0 >> 8 & 255).\($0 & 255)\"" }.joined(separator: ", ")
    let reading = Reading(
      json:
        #"{"nftables": [{"table": {"family": "ip", "name": "t"}}, {"set": {"family": "ip", "name": "s", "table": "t", "#
        + #""type": "ipv4_addr", "elem": ["# + elements + "]}}]}")
    #expect(reading.messages == [])
    #expect(reading.set("s")?.count == 200_000)
  }

  @Test func unknownParts() {
    let reading = Reading(
      json: #"{"nftables": [{"table": {"family": "ip", "name": "t"}}, {"widget": {}}, {"chain": {"family": "ip", "#
        + #""table": "t", "name": "c"}}, {"rule": {"family": "ip", "table": "t", "chain": "c", "expr": [{"frob": 1}]}}]}"#
    )
    #expect(reading.messages.contains { $0.contains("widget") } && reading.messages.contains { $0.contains("frob") })
    #expect(Unmodelled(reading.ruleset).texts == ["unknown-statement"])
    #expect(Reading(json: "[]").messages.count == 1)
    #expect(Reading(json: "").messages.count == 1)
  }
}
