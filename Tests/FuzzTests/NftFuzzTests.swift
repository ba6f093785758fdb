import FuzzSupport
import Input
import PacketPath
import Snapshot
import Testing
import Wire

/// Damaged nft dumps, text and JSON, read and walked: no trap, no hang, whatever they say.
struct NftFuzzTests {
  static let text = """
    table ip kube-proxy { # handle 1
    	set nodeport-ips { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.1-192.0.2.9 }; }
    	map service-ips {
    		type ipv4_addr . inet_proto . inet_service : verdict
    		elements = { 10.96.0.10 . tcp . 80 comment "a/b:c" : goto service-A, 10.96.0.11 . udp . 53 : drop }
    	}
    	set affinity { type ipv4_addr; size 65535; flags dynamic,timeout; timeout 3h; }
    	chain services {
    		ip daddr . meta l4proto . th dport vmap @service-ips
    		ip saddr != { 10.244.0.0/16 } meta mark set meta mark | 0x4000
    	}
    	chain service-A {
    		ip saddr @affinity goto endpoint-A
    		numgen random mod 2 vmap { 0 : goto endpoint-A, 1 : goto endpoint-B }
    	}
    	chain endpoint-A {
    		update @affinity { ip saddr }
    		meta l4proto tcp dnat to 10.244.1.2:8080
    	}
    	chain endpoint-B {
    		dnat ip addr . port to jhash ip saddr . tcp sport mod 2 seed 0x1 map { 0 : 10.244.1.3 . 80, 1 : 10.244.1.4 . 80 }
    	}
    	chain nat-prerouting {
    		type nat hook prerouting priority dstnat - 10; policy accept;
    		ct state new,untracked jump services
    	}
    }
    table inet filter {
    	chain forward {
    		type filter hook forward priority filter + 5; policy drop;
    		iifname "veth*" fib daddr . iif type local limit rate over 5/second burst 10 packets log prefix "x " reject with icmpx no-route
    		tcp flags & (syn | ack) == syn @th,16,16 & 0xff 80 counter packets 1 bytes 60 accept comment "y"
    	}
    }
    """

  static let json = #"""
    {"nftables": [{"metainfo": {"version": "1.0.9", "json_schema_version": 1}},
    {"table": {"family": "inet", "name": "t", "handle": 1}},
    {"set": {"family": "inet", "name": "s", "table": "t", "type": ["ipv4_addr", "inet_service"], "flags": ["interval"],
     "elem": [{"concat": [{"prefix": {"addr": "10.0.0.0", "len": 8}}, {"range": [80, 90]}]}]}},
    {"map": {"family": "inet", "name": "m", "table": "t", "type": "inet_service", "map": "verdict",
     "elem": [[80, {"goto": {"target": "c"}}], [{"elem": {"val": 81, "timeout": 60, "comment": "z"}}, {"drop": null}]]}},
    {"chain": {"family": "inet", "table": "t", "name": "c", "handle": 2}},
    {"chain": {"family": "inet", "table": "t", "name": "in", "type": "nat", "hook": "prerouting", "prio": -100, "policy": "accept"}},
    {"rule": {"family": "inet", "table": "t", "chain": "in", "expr": [{"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": "@m"}}]}},
    {"rule": {"family": "inet", "table": "t", "chain": "in", "expr": [{"match": {"op": "in", "left": {"concat": [{"payload": {"protocol": "ip", "field": "daddr"}}, {"payload": {"protocol": "tcp", "field": "dport"}}]}, "right": "@s"}}, {"mangle": {"key": {"meta": {"key": "mark"}}, "value": {"|": [{"meta": {"key": "mark"}}, 16384]}}}]}},
    {"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [{"dnat": {"family": "ip", "addr": {"map": {"key": {"numgen": {"mode": "random", "mod": 2, "offset": 0}}, "data": {"set": [[0, "10.244.1.2"], [1, "10.244.1.3"]]}}}, "port": 80}}]}},
    {"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [{"jump": {"target": "c"}}, {"reject": {"type": "icmpx", "expr": "port-unreachable"}}]}}]}
    """#

  static let tokens = [
    "{", "}", "[", "]", "(", "\"", ",", ":", ";", "\n", "\\", "null", "-1", "\\u0000", "@", " . ", " map { ",
    " vmap { ", "jump ",
    "{\"set\": [", "{\"concat\": [", "{\"elem\": {\"val\": ", "\"rule\"", "table ip t {", "elements = { ", "0x", "/33",
    "*",
  ]

  @Test(arguments: [text, json], [1, 2, 3] as [UInt64])
  func mutations(_ dump: String, _ seed: UInt64) {
    let destination = IPAddress("10.96.0.10") ?? IPAddress(v4: 1)
    let flow = Flow(
      ipProtocol: .tcp, source: IPAddress(v4: 0x0AF4_0107), sourcePort: 4000, destination: destination,
      destinationPort: 80, from: "eth0")
    var readable: [Snapshot] = []
    let isJSON = dump.hasPrefix("{")
    let run = FuzzRun(Mutator(seed: seed, tokens: Self.tokens).mutations(of: dump, count: 400)) { input in
      var snapshot = Snapshot(name: "fuzz")
      let file = SourceFile(name: "dump", contents: input)
      if isJSON {
        NftJSONReader.read(file, range: 0..<file.bytes.count, into: &snapshot)
      } else {
        NftTextReader.read(file, range: 0..<file.bytes.count, into: &snapshot)
      }
      snapshot.ruleset.finish()
      readable.append(snapshot)
    }
    // Walks are sampled: a jump loop under unknown matches forks up to the engine's limit, seconds in a debug build.
    let clock = ContinuousClock()
    let start = clock.now
    for index in stride(from: 0, to: readable.count, by: 20) where start.duration(to: clock.now) < .seconds(4) {
      let sum = PathTracer(readable[index]).trace(flow).outcomes.map(\.probability).reduce(0, +)
      #expect(abs(sum - 1) < 1e-6, "probabilities add up to \(sum)")
    }
    #expect(run.inputs > 0)
    #expect(run.slowest < .seconds(2), "\(String(decoding: run.slowestInput, as: UTF8.self))")
  }
}
