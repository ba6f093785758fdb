import Input
import Snapshot

/// `sysctl -w`, with what the kernel changes along with a key; and `modprobe br_netfilter`, which brings keys of its own.
enum SysctlTrial {
  static func apply(_ arguments: [String], to snapshot: inout Snapshot) throws(Trial.Failure) {
    let settings = arguments.filter { !$0.hasPrefix("-") }
    guard !settings.isEmpty else { throw Trial.Failure("Expected sysctl -w KEY=VALUE.") }
    // `key = value` may come as three words.
    let text = settings.joined(separator: " ").replacing(" = ", with: "=").replacing("= ", with: "=")
    for setting in text.split(separator: " ") {
      guard let equals = setting.firstIndex(of: "="), equals > setting.startIndex else {
        throw Trial.Failure("'\(printable(String(setting)))' is no KEY=VALUE.")
      }
      let line = "\(setting[..<equals]) = \(setting[setting.index(after: equals)...])\n"
      var temporary = Snapshot(name: snapshot.name)
      SysctlReader.read(SourceFile(name: IptablesTrial.source, text: line), into: &temporary)
      guard let (key, value) = temporary.sysctls.first else {
        throw Trial.Failure("'\(printable(String(setting)))' is no KEY=VALUE.")
      }
      set(key, value, &snapshot)
    }
  }

  private static func set(_ key: String, _ value: String, _ snapshot: inout Snapshot) {
    snapshot.sysctls[key] = value
    switch key {
    // net/ipv4/devinet.c, inet_forward_change.
    case "net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding":
      snapshot.sysctls["net.ipv4.ip_forward"] = value
      spread("net.ipv4.conf.", ".forwarding", value, &snapshot)
    // net/ipv6/addrconf.c, addrconf_fixup_forwarding.
    case "net.ipv6.conf.all.forwarding": spread("net.ipv6.conf.", ".forwarding", value, &snapshot)
    default: break
    }
  }

  private static func spread(_ prefix: String, _ suffix: String, _ value: String, _ snapshot: inout Snapshot) {
    for key in snapshot.sysctls.keys where key.hasPrefix(prefix) && key.hasSuffix(suffix) {
      snapshot.sysctls[key] = value
    }
    snapshot.sysctls["\(prefix)all\(suffix)"] = value
  }

  static func load(_ arguments: [String], to snapshot: inout Snapshot) throws(Trial.Failure) {
    guard arguments.last == "br_netfilter" else {
      throw Trial.Failure("Of modules, only br_netfilter changes what is modelled.")
    }
    // net/bridge/br_netfilter_hooks.c: on, where it was not loaded.
    for name in ["iptables", "ip6tables", "arptables"] {
      let key = "net.bridge.bridge-nf-call-\(name)"
      if snapshot.sysctls[key] == nil { snapshot.sysctls[key] = "1" }
    }
  }
}
