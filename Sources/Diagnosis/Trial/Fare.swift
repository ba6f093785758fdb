import Findings

/// How a flow fares, as far as trials compare it.
public struct Fare: Sendable, Hashable {
  public var kind: Answer
  /// One clause: by what.
  public var why: String

  public var isGood: Bool { kind.isGood }

  public init(_ judgement: Judgement) {
    kind = judgement.answer
    why = judgement.why
  }
}
