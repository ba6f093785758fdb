import Wire

/// A problem, its cause, the evidence, the smallest fix, and how to verify it. Field names are the JSON contract's.
public struct Finding: Sendable, Hashable {
  public enum Severity: String, Sendable, Comparable, CaseIterable {
    case info, warning, error

    public static func < (a: Severity, b: Severity) -> Bool {
      allCases.firstIndex(of: a)! < allCases.firstIndex(of: b)!
    }
  }

  public enum Confidence: String, Sendable { case certain, likely, possible }

  /// What the finding is about; each field empty where it does not apply.
  public struct Subject: Sendable, Hashable {
    public var kind: String
    public var namespace: String?
    public var name: String?
    public var address: IPAddress?
    /// A number, or a Service port's name.
    public var port: String?
    public var node: String?

    public init(
      kind: String, namespace: String? = nil, name: String? = nil, address: IPAddress? = nil, port: String? = nil,
      node: String? = nil
    ) {
      self.kind = kind
      self.namespace = namespace
      self.name = name
      self.address = address
      self.port = port
      self.node = node
    }
  }

  /// A line of a dump or a frame of a capture, and what it says; or what shows all the frames in question.
  public struct Evidence: Sendable, Hashable {
    public var file: String?
    public var line: Int?
    public var frame: Int?
    /// A Wireshark display filter.
    public var filter: String?
    public var text: String

    public init(file: String? = nil, line: Int? = nil, frame: Int? = nil, filter: String? = nil, text: String) {
      self.file = file
      self.line = line
      self.frame = frame
      self.filter = filter
      self.text = text
    }

    /// What shows the frames in question in Wireshark.
    public static func filter(_ filter: String) -> Evidence {
      Evidence(filter: filter, text: "Wireshark display filter")
    }

    /// With the filter behind it.
    public var fullText: String { filter.map { "\(text): \($0)" } ?? text }
  }

  /// One place where the cause does harm.
  public struct Occurrence: Sendable, Hashable {
    public var node: String?
    /// `NAMESPACE/NAME:PORT`
    public var service: String?
    /// The traffic that fails there.
    public var traffic: Traffic?

    public init(node: String? = nil, service: String? = nil, traffic: Traffic? = nil) {
      self.node = node
      self.service = service
      self.traffic = traffic
    }
  }

  /// New connections: who asks for which address and port.
  public struct Traffic: Sendable, Hashable {
    public var ipProtocol: IPProtocol
    public var source: IPAddress
    /// The node itself sends it.
    public var isLocal: Bool
    public var address: IPAddress
    public var port: UInt16

    public init(ipProtocol: IPProtocol, source: IPAddress, isLocal: Bool, address: IPAddress, port: UInt16) {
      self.ipProtocol = ipProtocol
      self.source = source
      self.isLocal = isLocal
      self.address = address
      self.port = port
    }
  }

  /// The catalogue's id, e.g. `no-endpoints`.
  public var id: String
  public var severity: Severity
  public var confidence: Confidence
  public var subject: Subject
  /// One sentence: what the user sees.
  public var problem: String
  /// One sentence: why; causes chained with " ← ".
  public var cause: String
  public var evidence: [Evidence]
  /// The smallest change first.
  public var fix: [Fix]
  public var verify: [ShellCommand]
  /// Where to read more; a URL or a document's name.
  public var reference: String?
  /// Where the cause does harm, the subject's own place first; empty: where the subject says.
  public var occurrences: [Occurrence]

  public init(
    id: String, severity: Severity, confidence: Confidence, subject: Subject, problem: String, cause: String,
    evidence: [Evidence] = [], fix: [Fix] = [], verify: [ShellCommand] = [], reference: String? = nil,
    occurrences: [Occurrence] = []
  ) {
    self.id = id
    self.severity = severity
    self.confidence = confidence
    self.subject = subject
    self.problem = problem
    self.cause = cause
    self.evidence = evidence
    self.fix = fix
    self.verify = verify
    self.reference = reference
    self.occurrences = occurrences
  }
}
