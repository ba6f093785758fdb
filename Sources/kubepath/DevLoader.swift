import Input
import Snapshot
import Wire
import Foundation

// Interim: by file name, until the loader that recognises content is in.
enum DevLoader {
  static func load(_ path: String) throws -> Snapshot {
    var s = Snapshot(name: path)
    var isDir: ObjCBool = false
    let files: [String]
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDir), isDir.boolValue {
      files = try FileManager.default.contentsOfDirectory(atPath: path).sorted().map { path + "/" + $0 }
    } else { files = [path] }
    for f in files {
      let name = f.split(separator: "/").last!
      let file = try SourceFile.open(path: f, name: String(name))
      if name == "iptables-save.txt" || name.hasSuffix(".rules") { IptablesSaveReader.read(file, version: .v4, into: &s) }
      else if name == "ip6tables-save.txt" { IptablesSaveReader.read(file, version: .v6, into: &s) }
      else if name == "ip-addr.txt" || name == "ip-link.txt" { IPLinkReader.read(file, into: &s) }
      else if name == "ip-route.txt" || name == "ip-6-route.txt" { IPRouteReader.read(file, into: &s) }
      else if name == "ip-rule.txt" || name == "ip-6-rule.txt" { IPRuleReader.read(DumpSection(file), version: name == "ip-rule.txt" ? .v4 : .v6, into: &s) }
      else if name == "sysctl.txt" { SysctlReader.read(file, into: &s) }
      else if name == "ipset-save.txt" { IPSetReader.read(file, into: &s) }
    }
    s.ruleset.finish()
    return s
  }
}
