import Findings
import Journey
import PacketPath

/// What becomes of a flow on all its ways through a bundle.
public struct JourneyAnswer: Sendable {
  public var flow: Flow
  public var answer: Answer
  /// One sentence, escaped for output.
  public var why = ""
  /// Of new connections, the share that arrives, where chance alone decides.
  public var share: Double?
  /// `namespace/name:port`, where rules or objects name it.
  public var service: String?
  /// The likeliest first.
  public var journeys: [Journey] = []
  /// More ways than were kept.
  public var cut = 0
  /// What is not known and decides, each as an either/or in one clause.
  public var undecided: [String] = []
  /// Commands whose output would settle it.
  public var wanted: [String] = []

  /// The journey that the answer is about.
  public var deciding: Journey? {
    switch answer {
    case .partly: journeys.first { !$0.answer.isGood }
    default: journeys.first { $0.answer == answer } ?? journeys.first
    }
  }
}

/// One way from the client's socket to the endpoint's and back, as far as it goes.
public struct Journey: Sendable {
  public enum Part: Sendable {
    case leg(LegFork, outcome: Int)
    case crossing(Crossing)
  }

  public var answer: Answer
  public var probability: Double
  public var ending: Ending
  /// Legs and crossings in order; those of later packets only where the journey ends there.
  public var parts: [Part]
  /// One clause, escaped for output: how it ends.
  public var what: String
  public var failedAt: Place?
}
