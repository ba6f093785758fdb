import Findings
import Intent
import Journey
import PacketPath
import Snapshot
import Wire

// How a journey ends, in words.
extension JourneyJudge {
  func sentence(_ answer: JourneyAnswer) -> String {
    if answer.answer == .unsure, !answer.undecided.isEmpty {
      return "what the snapshot does not tell decides: " + answer.undecided.joined(separator: "; ")
    }
    guard let journey = answer.deciding else { return "no packet was walked" }
    if answer.answer == .partly, let share = answer.share {
      return "\(Judge.percent(1 - share)) of new connections fail: \(journey.what)"
    }
    let endpoints = Set(answer.journeys.filter(\.answer.isGood).compactMap { $0.ending.arrival.map(endpoint) })
    guard answer.answer == .served, endpoints.count > 1 else { return journey.what }
    return "it reaches one of \(endpoints.count) endpoints"
      + (answer.service.map { " of \(printable($0))" } ?? "") + ", and the answer gets back"
  }

  /// One clause about one journey.
  func clause(_ journey: Journey) -> String {
    let ending = journey.ending
    let place = place(ending.namespace)
    let text = cause(journey, place)
    guard !journey.answer.isGood, let arrival = ending.arrival, journey.answer == .lost else { return text }
    return ending.phase == .request
      ? text : "it reaches \(endpoint(arrival)), and the answer does not get back: \(text)"
  }

  private func place(_ namespace: Int?) -> String {
    namespace.map { printable(walk.map.place($0).text) } ?? "nowhere in the bundle"
  }

  /// Where a reset or an ICMP error ends. The rule that stops it is of a leg that is not shown.
  private func refusalLost(_ cause: Ending.Cause, _ namespace: Int?) -> String {
    let place = place(namespace)
    switch cause {
    case .stopped: return "the rules of \(place) drop the refusal"
    case .unexpected, .astray: return "the refusal comes to \(place) from an address that the client did not dial"
    default: return words(cause, place) ?? "the refusal ends on \(place)"
    }
  }

  private func cause(_ journey: Journey, _ place: String) -> String {
    let (ending, parts) = (journey.ending, journey.parts)
    if journey.answer == .unserved, let service = unserved(ending, parts) { return unservedText(service, parts, place) }
    switch ending.cause {
    case .answered:
      guard let arrival = ending.arrival else { return "it gets an answer" }
      guard let at = arrival.place else {
        return "it leaves for \(endpoint(arrival)) from \(place), and an answer from there gets back"
      }
      let who = arrival.process.map { $0.isEmpty ? "a process listens" : "\(printable($0)) listens" }
      return "it reaches \(endpoint(arrival)) on \(printable(at.node))" + (who.map { " (\($0))" } ?? "")
        + ", and the answer gets back"
    case .stopped: return stopped(parts, place)
    case .speechless(let silence):
      guard let lost = silence.cause else {
        return "\(place) refuses it, and knows no way back to the client on which to say so"
      }
      return "\(place) refuses it, and the client does not hear of it: \(refusalLost(lost, silence.namespace))"
    case .notListening(let listener):
      let socket = lastSocket(parts)
      if case .only(let address, let process) = listener {
        let other = EndpointAddress(address, socket?.port ?? 0)
        let who = process.isEmpty ? "the process" : printable(process)
        return "nothing listens at \(socket.map { "\($0)" } ?? "it") in \(place): \(who) listens on \(other) only (ss)"
      }
      return "nothing listens at \(socket.map { "\($0)" } ?? "it") in \(place) (ss)"
    case .listenerUnknown:
      return "it reaches \(place); whether something listens there no dump tells: ss -lntup would"
    case .left(.outside(let address)):
      return "it leaves \(place) for \(name(address)); what comes behind that is not in the bundle"
    case .left(.node(let node)):
      return
        "it goes on to \(printable(node)), whose dumps are not in the bundle: kubepath snapshot on \(printable(node)) carries it on"
    case .left(.tunnelEnd(let address)):
      return "the tunnel leads to \(name(address)), whose dumps are not in the bundle"
    case .ownSource: return "the Pod sees its own address as the source (no masquerade for hairpin traffic)"
    case .unexpected(let source, let port):
      return "it comes from \(EndpointAddress(source, port)), and the client waits for another"
    case .astray: return "it comes to \(place), which does not wait for it"
    case .tooBig(let bytes, let limit):
      return
        "a packet of \(bytes) bytes does not get through \(place), which takes \(limit), and the sender is not told"
    case .nobodyAt, .neighbourStopped, .linkDown, .tunnel, .routerUnaware:
      return words(ending.cause, place) ?? "it ends on \(place)"
    case .circle: return "it goes round in a circle between \(place) and others"
    case .unknown(.entrance): return "nothing tells by which node it enters: \"enters\" of the flow, or --node"
    case .unknown(.podLink(let pod)):
      return "nothing tells behind which interface of its node Pod \(printable(pod)) is: ip route, ip neigh"
    case .unknown(.linkAddress(let address)):
      return
        "who is taken for \(name(address)) behind \(place), only ip neigh inside the sender tells: rules stop its neighbour discovery, or several have the address"
    case .unknown(.tunnel): return "whether the tunnel carries it no dump tells (\(place))"
    }
  }

  /// What is wrong with a link or the network, whatever packet meets it; nil: it is the packet's.
  private func words(_ cause: Ending.Cause, _ place: String) -> String? {
    switch cause {
    case .nobodyAt(let address): return "nobody answers for \(name(address)) behind \(place)"
    case .neighbourStopped(let address, let rule):
      return
        "\(words(rule)) in \(place) keeps neighbour advertisements (ICMPv6) from it: it never learns who has \(name(address))"
    case .linkDown(let interface): return "\(printable(interface)) of \(place) is down"
    case .tunnel(let fault): return tunnel(fault, place)
    case .routerUnaware(let address):
      return
        "a router outside gets it for \(name(address)), a Pod's address, which the network between the nodes does not know"
    default: return nil
    }
  }

  private func stopped(_ parts: [Journey.Part], _ place: String) -> String {
    guard case .leg(let fork, let number)? = parts.last else { return "it is stopped on \(place)" }
    let outcome = fork.trace.outcomes[number]
    let ruleset = walk.map.snapshot(of: fork.namespace).ruleset
    let packet = fork.phase.isFurther ? "a later packet: " : ""
    if let reason = outcome.reason, outcome.verdict == .noroute { return "\(packet)\(reason) (\(place))" }
    if case .bridge(let refusal) = outcome.reason { return "\(packet)\(refusal) (\(place))" }
    let ender = Judge.ender(outcome, ruleset)
    if outcome.verdict == .reject {
      return "\(packet)\(ender) on \(place) rejects it with \(outcome.rejectWith ?? "an ICMP error")"
    }
    return "\(packet)\(ender) on \(place) drops it" + (outcome.reason.map { ": \($0)" } ?? "")
  }

  private func words(_ rule: RuleText) -> String {
    rule.position == 0 ? "the policy of \(printable(rule.chain))" : "rule \(rule.position) of \(printable(rule.chain))"
  }

  private func tunnel(_ fault: TunnelFault, _ place: String) -> String {
    switch fault {
    case .noNeighbour(let address, let device):
      return
        "\(place) has no neighbour entry for \(address) on \(printable(device)): it does not know the tunnel's far end"
    case .noForwardingEntry(let mac, let device):
      return
        "\(place) has no forwarding entry for \(printable(mac)) on \(printable(device)): it does not know to which node the tunnel leads"
    case .outerStopped(let verdict, let rule, let reason):
      if let reason { return "the tunnel's own packet ends on \(place): \(reason)" }
      return
        "\(rule.map(words) ?? "the kernel") on \(place) \(verdict == .reject ? "rejects" : "drops") the tunnel's own packet"
    case .portDiffers(let sent, let there):
      return
        "the tunnel's packet is for port \(sent), and \(place) listens on \(there.map(String.init).joined(separator: ", "))"
    case .idDiffers(let sent, let there):
      return "the tunnel's packet bears VNI \(sent), and the device on \(place) is of \(there)"
    case .linkAddressDiffers(let sent, let there):
      return "the packet in the tunnel is for \(printable(sent)), and the device on \(place) has \(printable(there))"
    case .deviceDown(let device): return "the tunnel's device \(printable(device)) on \(place) is down"
    case .noDevice(let kind): return "\(place) has no device of kind \(kind) that takes the tunnel's packet"
    }
  }

  private func unservedText(_ service: Fate.ServiceAddress, _ parts: [Journey.Part], _ place: String) -> String {
    switch service {
    case .port(let name):
      return
        "no rule on \(place) takes it for Service \(printable(name)): it leaves for the Service's own address, where nobody answers"
    case .noSuchPort(let name): return "Service \(printable(name)) has no such port: no rule on \(place) takes it"
    case .nodePort(let name): return "no rule on \(place) takes it for the NodePort of Service \(printable(name))"
    case .unused(let range): return "no Service has its address, which is of the Services' range \(range)"
    }
  }

  private func endpoint(_ arrival: Arrival) -> String {
    let socket = arrival.port == 0 ? "\(arrival.address)" : "\(EndpointAddress(arrival.address, arrival.port))"
    return names?.name(of: arrival.address).map { "\(socket) (\(printable($0)))" } ?? socket
  }

  private func name(_ address: IPAddress) -> String {
    names?.name(of: address).map { "\(address) (\(printable($0)))" } ?? "\(address)"
  }

  private func lastSocket(_ parts: [Journey.Part]) -> EndpointAddress? {
    guard case .leg(let fork, let number)? = parts.last else { return nil }
    return EndpointAddress(fork.trace.outcomes[number].destination, fork.trace.outcomes[number].destinationPort)
  }
}
