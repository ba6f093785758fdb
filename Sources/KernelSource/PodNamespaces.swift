import Glibc

/// The network namespaces of this machine other than the own one: those of Pods.
public enum PodNamespaces {
  public struct Found: Sendable {
    /// What `NodeCollector` and `KernelSource` take as `netns`.
    public var path: String
    /// What tells a person whose it is where no object does: a container's host name, or the namespace's own name.
    public var label: String
    fileprivate var inode: UInt
  }

  /// Each once, whichever way it is held: by a name of `ip netns` or by a process.
  public static func list() -> [Found] {
    guard let own = inode("/proc/thread-self/ns/net") else { return [] }
    var known: Set<UInt> = [own]
    var found: [Found] = []
    for process in ProcSource.entries("/proc") where process.allSatisfy(\.isNumber) {
      let path = "/proc/\(process)/ns/net"
      guard let inode = inode(path), known.insert(inode).inserted else { continue }
      let host = ProcSource.read("/proc/\(process)/environ")?.split(separator: "\0").first { $0.hasPrefix("HOSTNAME=") }
        .map { String($0.dropFirst("HOSTNAME=".count)) }
      found.append(Found(path: path, label: host ?? process, inode: inode))
    }
    for name in ProcSource.entries("/run/netns") {
      guard let inode = inode("/run/netns/\(name)") else { continue }
      if known.insert(inode).inserted {
        found.append(Found(path: "/run/netns/\(name)", label: name, inode: inode))
      } else if let at = found.firstIndex(where: { $0.inode == inode }) {
        found[at].path = "/run/netns/\(name)"
        // A name that somebody gave says more than a process does; runtimes give none that tells.
        if name.contains("_") { found[at].label = name }
      }
    }
    return found
  }

  private static func inode(_ path: String) -> UInt? {
    var status = stat()
    return stat(path, &status) == 0 ? UInt(status.st_ino) : nil
  }
}
