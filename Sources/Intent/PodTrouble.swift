/// What the status of a Pod tells of its troubles, past ones too. Pods without any have none, so that healthy clusters cost
/// nothing.
public struct PodTrouble: Sendable {
  /// `status.reason` and `status.message`: `Evicted`, `NodeLost`, `UnexpectedAdmissionError` …
  public var reason = ""
  public var message = ""
  /// What the scheduler says of a Pod that it cannot place; nil: it says nothing.
  public var unschedulable: String?
  /// Who is to place it, where it is not the default scheduler; empty: that one.
  public var scheduler = ""
  /// It waits for `schedulingGates` to be removed.
  public var isGated = false
  /// Containers that do not run, are not ready or were started again.
  public var containers: [ContainerTrouble] = []
  /// PersistentVolumeClaims that it mounts, while it does not run.
  public var claims: [String] = []
  /// Types of its readiness gates whose conditions are not true.
  public var closedGates: [String] = []

  public init() {}

  public var restarts: Int { containers.reduce(0) { $0 + $1.restarts } }
}

public struct ContainerTrouble: Sendable {
  /// How a container ended.
  public struct End: Sendable, Hashable {
    public var reason = ""
    public var message = ""
    public var exitCode = 0
    public init() {}
  }

  public var name: String
  public var image = ""
  public var isInit = false
  public var ready = false
  /// It runs now.
  public var running = false
  public var restarts = 0
  /// Why it waits: `ImagePullBackOff`, `CrashLoopBackOff`, `ContainerCreating` …
  public var waiting = ""
  public var waitingMessage = ""
  public var ended: End?
  /// How it ended the time before.
  public var last: End?
  /// `resources.limits.memory`; empty: none.
  public var memoryLimit = ""
  public var probes: [HealthProbe] = []

  public init(name: String) { self.name = name }

  /// How it ended last, now or before.
  public var lastEnd: End? { ended ?? last }
  public func probe(_ kind: HealthProbe.Kind) -> HealthProbe? { probes.first { $0.kind == kind } }
}

public struct HealthProbe: Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case readiness = "readinessProbe"
    case liveness = "livenessProbe"
    case startup = "startupProbe"
  }
  public enum Means: String, Sendable { case http, tcp, grpc, exec }

  public var kind: Kind
  public var means: Means
  /// A number or the name of a container's port; empty: a command is run.
  public var port = ""
  public var path = ""

  public init(_ kind: Kind, _ means: Means) {
    self.kind = kind
    self.means = means
  }

  /// `HTTP GET :8080/healthz`
  public var text: String {
    switch means {
    case .http: "HTTP GET :\(port)\(path)"
    case .tcp: "TCP :\(port)"
    case .grpc: "gRPC :\(port)"
    case .exec: "a command"
    }
  }
}
