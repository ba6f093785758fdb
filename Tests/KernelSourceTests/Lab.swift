import Foundation
import Input
import KernelSource
import Ruleset
import Snapshot

/// Namespaces of the kernel for tests. Where they are not permitted, or the tools are not there, tests are skipped
/// with a printed line.
enum Lab {
  static let isAvailable: Bool = {
    for tool in ["ip", "nft"] where Tool.find(tool) == nil {
      print("skipped: \(tool) is not installed")
      return false
    }
    do {
      let name = "kubepath-probe-\(getpid())"
      _ = try Tool.run(["ip", "netns", "add", name])
      _ = try Tool.run(["ip", "netns", "delete", name])
      return true
    } catch {
      print("skipped: network namespaces are not permitted here (\(error))")
      return false
    }
  }()

  static let hasXtables: Bool = {
    for tool in ["iptables-nft", "ip6tables-nft", "iptables-nft-save"] where Tool.find(tool) == nil {
      print("skipped: \(tool) is not installed")
      return false
    }
    return true
  }()

  struct Namespace: ~Copyable {
    let name: String

    init(_ label: String) throws {
      name = "kubepath-\(label)-\(getpid())-\(UInt32.random(in: 0 ..< .max))"
      _ = try Tool.run(["ip", "netns", "add", name])
      _ = try run("ip", "link", "set", "lo", "up")
    }

    deinit { _ = try? Tool.run(["ip", "netns", "delete", name]) }

    @discardableResult
    func run(_ arguments: String...) throws -> SourceFile { try run(arguments) }

    @discardableResult
    func run(_ arguments: [String]) throws -> SourceFile { try Tool.run(["ip", "netns", "exec", name] + arguments) }

    /// Runs a command that reads `text` from a file.
    func load(_ text: String, with command: String...) throws {
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(name).in").path
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      defer { try? FileManager.default.removeItem(atPath: path) }
      _ = try Tool.run(["ip", "netns", "exec", name] + command + [path])
    }
  }
}
