import Findings
import PacketPath

/// A trace's answer, and what it rests on.
public struct Judgement: Sendable {
  public var answer: Answer
  /// One sentence, escaped for output.
  public var why: String
  /// By outcome.
  var fates: [Fate]
  /// The outcome that the answer is about: the likeliest that fares so.
  public internal(set) var deciding: Int?
  /// Of new connections, the share that arrives, where chance alone decides: 1 all, 0 none. Nil: it hangs on facts.
  public internal(set) var share: Double?
  /// What is not known and decides, each as an either/or in one clause.
  public internal(set) var undecided: [String] = []
  /// Commands whose output would settle it.
  public internal(set) var wanted: [String] = []
  /// The walk of the answer that does not get back.
  public internal(set) var reply: Trace?
  /// The Service, where rules or objects name it: `namespace/name:port`.
  public internal(set) var service: String?

  /// What became of one outcome.
  public func answer(of outcome: Int) -> Answer { fates[outcome].answer }
}
