import Findings
import Intent
import PacketPath
import Snapshot
import Wire

/// What becomes of one outcome of a trace, once sockets, objects and the way back are asked too.
enum Fate: Sendable, Hashable {
  case served(Arrival)
  case passes
  /// A rule, IPVS or an eBPF program refuses it.
  case rejected
  case notListening(Listening)
  /// A rule or the kernel.
  case dropped
  /// Objects forbid the connection, and the node's own rules are not what enforces them.
  case forbidden(String)
  /// The next hop does not answer ARP or neighbour solicitations: the machine is down, or its cable is.
  case nextHopSilent(IPAddress)
  /// The rules send it to an address that no Pod has.
  case endpointGone
  case unserved(ServiceAddress)
  case lost(Loss)
  case unsure(Missing)

  enum Arrival: Sendable, Hashable {
    case endpoint
    /// The process that listens; empty: `ss` does not name it.
    case listener(String)
    /// The socket to which a TPROXY rule gives it.
    case proxy(port: UInt16)
    /// The node itself answers: an ICMP echo.
    case host
  }

  /// Where something listens instead.
  enum Listening: Sendable, Hashable {
    case nowhere
    case only(IPAddress, process: String)
  }

  enum ServiceAddress: Sendable, Hashable {
    /// `namespace/name:port`.
    case port(String)
    /// An address of the Service, at a port that it does not have.
    case noSuchPort(String)
    /// A NodePort of the Service.
    case nodePort(String)
    /// No Service has the address, which lies in the range of Services.
    case unused(IPPrefix)
  }

  /// Why the answer does not get back.
  enum Loss: Sendable, Hashable {
    case bypasses
    case hairpin
    case bridge(String)
    /// The reply ends at a rule, or the kernel gives it up: what ended it is in `Judgement.reply`.
    case stopped
    /// It comes back untranslated.
    case wrongAddress
  }

  /// What would settle it.
  enum Missing: Sendable, Hashable {
    case sockets
    case rules
    case partOfRules
    /// A table of iptables that was not handed over.
    case table(String)
    case routes
    case virtualServers
    case eBPF
    /// Facts that the reply hangs on.
    case replyFacts
    /// There are too many ways that replies may take.
    case replies
  }

  var answer: Answer {
    switch self {
    case .served: .served
    case .passes: .passes
    case .rejected, .notListening: .refused
    case .dropped, .forbidden, .nextHopSilent, .endpointGone: .dropped
    case .unserved: .unserved
    case .lost: .lost
    case .unsure: .unsure
    }
  }
}
