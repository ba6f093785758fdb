/// Something a reader could not take as it stands. The reader keeps the rest.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
  public enum Severity: UInt8, Sendable, Comparable {
    /// Read, but with something the walk does not model.
    case note
    /// A part was not understood and is left out, or kept as unknown.
    case warning
    /// The input is malformed here.
    case error

    public static func < (a: Severity, b: Severity) -> Bool { a.rawValue < b.rawValue }
  }

  public enum Position: Sendable, Hashable {
    case whole
    /// From 1.
    case line(Int)
    /// Bytes from the start of the input.
    case offset(Int)
    /// From 1, as Wireshark numbers them.
    case frame(Int)
  }

  public var severity: Severity
  public var file: String
  public var position: Position
  /// What is wrong and what was expected there; no trailing dot.
  public var message: String

  public init(_ severity: Severity, file: String, _ position: Position, _ message: String) {
    self.severity = severity
    self.file = file
    self.position = position
    self.message = message
  }

  public var description: String {
    switch position {
    case .whole: "\(file): \(message)"
    case .line(let line): "\(file):\(line): \(message)"
    case .offset(let offset): "\(file): byte \(offset): \(message)"
    case .frame(let frame): "\(file): frame \(frame): \(message)"
    }
  }
}

/// Diagnostics in order, bounded: a hostile file with a million bad lines yields `limit` messages and a count.
public struct Diagnostics: Sendable {
  public private(set) var list: [Diagnostic] = []
  public private(set) var suppressed = 0
  public let limit: Int

  public init(limit: Int = 1000) { self.limit = limit }

  public mutating func add(_ diagnostic: Diagnostic) {
    if list.count < limit { list.append(diagnostic) } else { suppressed += 1 }
  }

  public mutating func add(contentsOf other: Diagnostics) {
    for diagnostic in other.list { add(diagnostic) }
    suppressed += other.suppressed
  }

  public var worst: Diagnostic.Severity? { list.map(\.severity).max() }
}
