import Glibc

/// Writes the iptables-save dump of a node whose kube-proxy serves `services` ClusterIPs with `endpoints` endpoints
/// each: what kube-proxy's own generator would have written, chain declarations first.
struct ServiceRules {
  var services: Int
  var endpoints: Int

  func vip(_ service: Int) -> String { "10.\(96 + service >> 16).\(service >> 8 & 0xFF).\(service & 0xFF)" }

  func endpoint(_ service: Int, _ number: Int) -> String {
    let index = service * endpoints + number
    return "10.\(128 + index >> 16 & 0x7F).\(index >> 8 & 0xFF).\(index & 0xFF)"
  }

  /// Sixteen letters as kube-proxy's hashes have.
  private func hash(_ number: Int) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
    var state = UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15
    state ^= state >> 29
    state = state &* 0xBF58_476D_1CE4_E5B9
    var name: [UInt8] = []
    for _ in 0..<16 {
      name.append(letters[Int(state >> 59)])
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    }
    return String(decoding: name, as: UTF8.self)
  }

  private func name(_ service: Int) -> String { "shop-\(service % 50)/service-\(service):http" }

  func write(to path: String) {
    let out = FileWriter(path)
    out.put("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:KUBE-FORWARD - [0:0]\n")
    out.put("-A FORWARD -m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD\n")
    out.put("-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP\n")
    out.put("-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT\nCOMMIT\n")
    out.put("*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n")
    out.put(":KUBE-MARK-MASQ - [0:0]\n:KUBE-POSTROUTING - [0:0]\n:KUBE-SERVICES - [0:0]\n")
    for service in 0..<services {
      out.put(":KUBE-SVC-\(hash(service)) - [0:0]\n")
      for number in 0..<endpoints { out.put(":KUBE-SEP-\(hash(separate(service, number))) - [0:0]\n") }
    }
    out.put("-A PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES\n")
    out.put("-A OUTPUT -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES\n")
    out.put("-A POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING\n")
    out.put("-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\n")
    out.put("-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN\n")
    out.put("-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0\n")
    out.put("-A KUBE-POSTROUTING -j MASQUERADE --random-fully\n")
    for service in 0..<services {
      out.put("-A KUBE-SERVICES -d \(vip(service))/32 -p tcp -m comment --comment \"\(name(service)) cluster IP\"")
      out.put(" -m tcp --dport 80 -j KUBE-SVC-\(hash(service))\n")
    }
    for service in 0..<services { write(service, to: out) }
    out.put("COMMIT\n")
    out.close()
  }

  private func separate(_ service: Int, _ number: Int) -> Int { 0x1000_0000 + service * endpoints + number }

  private func write(_ service: Int, to out: FileWriter) {
    let chain = "KUBE-SVC-\(hash(service))"
    out.put(
      "-A \(chain) ! -s 10.128.0.0/9 -d \(vip(service))/32 -p tcp -m comment --comment \"\(name(service)) cluster IP\"")
    out.put(" -m tcp --dport 80 -j KUBE-MARK-MASQ\n")
    for number in 0..<endpoints {
      let address = endpoint(service, number)
      let target = "KUBE-SEP-\(hash(separate(service, number)))"
      out.put("-A \(chain) -m comment --comment \"\(name(service)) -> \(address):8080\"")
      let left = endpoints - number
      if left > 1 { out.put(" -m statistic --mode random --probability \(1 / Double(left))") }
      out.put(
        " -j \(target)\n-A \(target) -s \(address)/32 -m comment --comment \"\(name(service))\" -j KUBE-MARK-MASQ\n")
      out.put("-A \(target) -p tcp -m comment --comment \"\(name(service))\" -m tcp")
      out.put(" -j DNAT --to-destination \(address):8080\n")
    }
  }

  /// Flows to services chosen one after the other, as `--flows` reads them.
  func writeFlows(_ count: Int, to path: String) {
    let out = FileWriter(path)
    for number in 0..<count {
      let service = number &* 7919 % services
      out.put(
        #"{"id": "\#(number)", "protocol": "tcp", "source": "10.128.0.9", "sourcePort": \#(1024 + number % 60000), "#)
      out.put(#""destination": "\#(vip(service))", "destinationPort": 80, "from": "cni0"}"# + "\n")
    }
    out.close()
  }
}

/// A file written in pieces, so that this process stays small: a child's peak memory, as the kernel counts it, starts
/// at what its parent had.
final class FileWriter {
  private let descriptor: Int32
  private var buffer: [UInt8] = []

  init(_ path: String) {
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else { fail("\(path): \(String(cString: strerror(errno)))") }
    buffer.reserveCapacity(1 << 16)
  }

  func put(_ text: String) {
    buffer += text.utf8
    if buffer.count > 60000 { flush() }
  }

  private func flush() {
    var at = 0
    while at < buffer.count {
      let count = buffer[at...].withUnsafeBytes { write(descriptor, $0.baseAddress!, $0.count) }
      guard count > 0 else { fail("write: \(String(cString: strerror(errno)))") }
      at += count
    }
    buffer.removeAll(keepingCapacity: true)
  }

  func close() {
    flush()
    Glibc.close(descriptor)
  }
}

func fail(_ message: String) -> Never {
  let line = "kubepath-bench: \(message)\n"
  _ = line.withCString { write(2, $0, strlen($0)) }
  exit(1)
}
