import Diagnosis
import Findings
import Glibc
import Input
import Intent
import Snapshot

/// Recorded clusters beside the package; nil where they are not present.
enum Corpus {
  static let folder: String? = {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    for path in ["/\(root)/../shared/corpus/kube-proxy", "/\(root)/../../shared/corpus/kube-proxy"]
      + (getenv("KUBEPATH_CORPUS").map { [String(cString: $0)] } ?? []) where access(path, R_OK) == 0
    {
      return path
    }
    return nil
  }()

  static let scenarios: [String] = {
    guard let folder, let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let item = readdir(directory) {
      let name = withUnsafePointer(to: &item.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.contains("--v") { names.append(name) }
    }
    return names.sorted()
  }()

  static let ruleFiles = ["iptables-save.txt", "ip6tables-save.txt", "nft-list-ruleset.txt"]
  static let factFiles = [
    "ip-addr.txt", "ip-route.txt", "ip-6-route.txt", "ip-rule.txt", "ip-link.txt", "sysctl.txt", "ipset-save.txt",
    "ipvsadm-Sn.txt",
  ]

  static func text(_ scenario: String, _ name: String) -> String? {
    guard let folder, let file = try? SourceFile.open(path: "\(folder)/\(scenario)/\(name)") else { return nil }
    return file.text(0..<file.bytes.count)
  }

  /// The files of a scenario as text, rules of the mode only.
  static func files(_ scenario: String) -> [String: String] {
    let rules = scenario.hasSuffix("nftables") ? ["nft-list-ruleset.txt"] : ["iptables-save.txt", "ip6tables-save.txt"]
    var files: [String: String] = [:]
    for name in rules + factFiles + ["objects.json"] { files[name] = text(scenario, name) }
    return files
  }

  /// Findings for files as given, of error and warning unless told otherwise.
  static func findings(_ files: [String: String], from severity: Finding.Severity = .warning) throws -> [Finding] {
    var template = Array("/tmp/kubepath-check-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { return [] }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
      for name in files.keys { unlink("\(path)/\(name)") }
      rmdir(path)
    }
    for (name, text) in files {
      guard let handle = fopen("\(path)/\(name)", "w") else { continue }
      _ = Array(text.utf8).withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, handle) }
      fclose(handle)
    }
    let bundle = try SnapshotLoader.load([path])
    return Diagnosis.run(CheckContext(bundle, intent: ObjectReader.read(bundle.objectFiles))).filter {
      $0.severity >= severity
    }
  }
}
