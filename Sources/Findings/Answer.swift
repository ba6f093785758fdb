/// What a trace says in one word. The same question gets the same word from every command.
public enum Answer: String, Sendable, Hashable, CaseIterable {
  /// It arrives at an endpoint or at a listener, and, as far as the snapshot reaches, the reply gets back.
  case served
  /// It leaves what the snapshot covers, on a route that leads on, towards an address of which nothing more is known.
  case passes
  /// Some new connections are served and some are not: by chance, or by what came before them (a rate, an affinity).
  case partly
  /// An answer says no: a reject rule, or nothing listens.
  case refused
  /// It vanishes: a rule, rp_filter, no route, forwarding off.
  case dropped
  /// It is sent to a Service address that no rule takes.
  case unserved
  /// The request arrives and the reply does not get back to the client as what it expects.
  case lost
  /// What is missing or unread decides.
  case unsure

  /// The status that a command exits with.
  public var exitStatus: Int32 {
    switch self {
    case .served, .passes: 0
    case .partly, .refused, .dropped, .unserved, .lost: 1
    case .unsure: 2
    }
  }

  public var isGood: Bool { exitStatus == 0 }
}
