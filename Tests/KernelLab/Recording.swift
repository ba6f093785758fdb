import Glibc
import Wire

/// A situation as the kernel played it: the dumps of the node in a folder, and what became of each flow.
public struct Recording: Sendable {
  public struct Answer: Sendable {
    public var probe: Probe
    /// How often each outcome was seen. Source ports that translation picked by chance are nil.
    public var outcomes: [Observation: Int]
  }

  public var situation: Situation
  public var backend: Backend
  public var folder: String
  public var rules: SavedRules
  public var answers: [Answer]
}

extension Situation {
  /// The node with its rules.
  public func build(_ backend: Backend) throws -> LabNode {
    let worlds = versions.map(World.init)
    let four = World(.v4)
    // Lines without a name of the world speak of one family only and are taken as they are.
    let setups = worlds.map { world in
      (world, setup.filter { $0.contains("@") || world.version == worlds[0].version }.map(world.render))
    }
    let node = try LabNode(
      bridge: bridge, pod: pod, setup: setups.first { $0.0.version == .v4 }?.1 ?? [],
      setup6: setups.first { $0.0.version == .v6 }?.1 ?? [], sysctls: sysctls.mapValues(four.render))
    for world in worlds {
      try node.load(sets: world.render(sets))
      let text = backend == .native ? world.render(rules) : restore(world)
      if !text.isEmpty { try node.load(text, backend: backend, version: world.version) }
      if !linkRules.isEmpty { try node.load(nft: world.render(linkRules)) }
    }
    for world in worlds { for listener in listeners { try node.listen(world.listener(listener)) } }
    if !program.isEmpty { try node.run(program: program) }
    return node
  }

  /// Builds the node, loads it, takes its dumps and sends every flow. The folder must exist.
  /// `prepare` may change the node before the dumps are taken; `inspect` is called before the first flow, with the node as
  /// they show it.
  public func record(
    _ backend: Backend, into folder: String, inspect: (LabNode) throws -> Void = { _ in },
    prepare: (LabNode) throws -> Void = { _ in }
  ) throws -> Recording {
    try onOneProcessor {
      let node = try build(backend)
      let worlds = versions.map(World.init)
      try prepare(node)
      let rules = try node.snapshot(
        into: folder, backends: [backend], versions: versions, linkRules: !linkRules.isEmpty)
      var probes: [Probe] = []
      for world in worlds {
        for (number, flow) in flows.enumerated() {
          var probe = try world.probe(flow)
          probe.id = "\(world.family)-\(number + 1)"
          probes.append(probe)
        }
      }
      guard writeText("\(folder)/flows.ndjson", probes.map { $0.json + "\n" }.joined()) else {
        throw LabError.system(folder)
      }
      try inspect(node)
      let prober = try Prober(node, backend: backend, rules: rules)
      let answers = try probes.map { probe in
        var outcomes: [Observation: Int] = [:]
        for _ in 0..<repeats {
          var observation = try prober.send(probe)
          if observation.sourcePort != nil, observation.sourcePort != probe.sourcePort, repeats > 1 {
            observation.sourcePort = nil
          }
          outcomes[observation, default: 0] += 1
        }
        return Recording.Answer(probe: probe, outcomes: outcomes)
      }
      return Recording(situation: self, backend: backend, folder: folder, rules: rules, answers: answers)
    }
  }
}

/// Whether this process may make namespaces and the tools that the lab needs are there.
public enum LabAccess {
  /// Nil, or why the kernel lab cannot run here.
  public static let obstacle: String? = {
    let missing = ["ip", "nft", "ipset", "iptables-nft-restore", "iptables-legacy-restore"].filter {
      findProgram($0) == nil
    }
    if !missing.isEmpty { return "\(missing.joined(separator: ", ")) not installed" }
    do {
      let node = try LabNode()
      try node.armTrace()
      return nil
    } catch {
      return "\(error)"
    }
  }()

  /// Prints once why the lab's tests are skipped.
  public static let permitted: Bool = {
    guard let obstacle else { return true }
    print("kernel lab skipped: \(obstacle)")
    return false
  }()
}

/// A folder under the system's temporary directory, removed with the object.
public final class TemporaryFolder: Sendable {
  public let path: String

  public init() throws(LabError) {
    var template = Array("/tmp/kernel-lab-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw .system("mkdtemp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { _ = try? runCommand(["rm", "-rf", path]) }
}
