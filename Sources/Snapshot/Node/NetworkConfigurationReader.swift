import Input
import Wire

/// A configuration of /etc/cni/net.d: one plugin, or a list of them.
public enum NetworkConfigurationReader: DumpReader {
  public static func read(_ section: DumpSection, into snapshot: inout Snapshot) {
    var found = NetworkConfiguration()
    found.place = FilePlace(file: snapshot.fileIndex(section.file), line: section.firstLine)
    withJSON(section, into: &snapshot) { root, _ in
      found.name = root["name"]?.string ?? ""
      if let list = root["plugins"] {
        for plugin in list.elements { add(plugin, &found) }
      } else {
        add(root, &found)
      }
    }
    if !found.plugins.isEmpty { snapshot.files.networkConfigurations.append(found) }
  }

  private static func add(_ plugin: JSONValue, _ found: inout NetworkConfiguration) {
    guard let type = plugin["type"]?.string, found.plugins.count < 32 else { return }
    found.plugins.append(type)
    found.mtu = found.mtu ?? plugin["mtu"]?.int
    guard let ipam = plugin["ipam"] else { return }
    if let subnet = ipam["subnet"]?.text?.prefix { found.subnets.append(subnet) }
    for ranges in ipam["ranges"]?.elements ?? plugin.elements {
      for range in ranges.elements where found.subnets.count < 64 {
        if let subnet = range["subnet"]?.text?.prefix { found.subnets.append(subnet) }
      }
    }
  }
}

extension NetworkConfigurationReader {
  static let descriptor = DumpDescriptor(
    .networkConfiguration, commands: ["cat /etc/cni/net.d/10-flannel.conflist"],
    collected: [
      .init("cni.json", "find", "/etc/cni/net.d", "-maxdepth", "1", "-name", "*.conf*", "-exec", "cat", "{}", "+")
    ],
    json: { $0.contains("\"cniVersion\"") },
    read: { read($0.section, into: &$1) }, recognises: { _ in false })
}
