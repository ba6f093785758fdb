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
    public var port: String?
    public var node: String?

    public init(kind: String, namespace: String? = nil, name: String? = nil, port: String? = nil, node: String? = nil) {
      self.kind = kind
      self.namespace = namespace
      self.name = name
      self.port = port
      self.node = node
    }
  }

  /// A line of a dump or a frame of a capture, and what it says.
  public struct Evidence: Sendable, Hashable {
    public var file: String?
    public var line: Int?
    public var frame: Int?
    public var text: String

    public init(file: String? = nil, line: Int? = nil, frame: Int? = nil, text: String) {
      self.file = file
      self.line = line
      self.frame = frame
      self.text = text
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
  /// Commands, the smallest change first.
  public var fix: [String]
  public var verify: [String]
  /// Where to read more; a URL or a document's name.
  public var reference: String?

  public init(
    id: String, severity: Severity, confidence: Confidence, subject: Subject, problem: String, cause: String,
    evidence: [Evidence] = [], fix: [String] = [], verify: [String] = [], reference: String? = nil
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
  }
}
