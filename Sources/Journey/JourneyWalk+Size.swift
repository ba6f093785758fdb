import PacketPath
import Wire

// Whether packets of full size get through, once small ones do.
extension JourneyWalk {
  /// The end of a journey whose packets all came to where they should.
  func finish(_ passage: inout Passage, _ namespace: Int?) -> Way {
    .end(
      tooBig(.request, &passage) ?? tooBig(.reply, &passage) ?? passage.ending(.answered, namespace: namespace))
  }

  /// Where packets of the flow's length end that go one way; nil: they get through.
  func tooBig(_ phase: Phase, _ passage: inout Passage) -> Ending? {
    guard let length = passage.flow.length, passage.flow.ipProtocol == .tcp || passage.flow.dontFragment == true,
      let limits = passage.limits[phase],
      let failure = firstFailure(min(Int(length), passage.clamps[phase] ?? .max), limits, passage)
    else { return nil }
    var ending = passage.ending(
      .tooBig(bytes: failure.bytes, limit: failure.limit.bytes), namespace: failure.limit.namespace)
    ending.phase = phase
    return ending
  }

  private func firstFailure(
    _ length: Int, _ limits: [SizeLimit], _ passage: Passage
  ) -> (bytes: Int, limit: SizeLimit)? {
    guard passage.flow.ipProtocol == .tcp else {
      return limits.first { length > $0.largest }.map { (length, $0) }
    }
    // Both ends tell each other what their devices take (MSS): no segment is larger.
    var size = length
    for limits in passage.limits.values {
      for limit in limits where limit.manner == .own { size = min(size, limit.bytes) }
    }
    var again = true
    while again {
      again = false
      for limit in limits where size > limit.largest {
        guard limit.manner != .silent, limit.manner == .own || tellsSender(limit) else { return (size, limit) }
        size = limit.bytes
        again = true
        break
      }
    }
    return nil
  }

  /// Whether a router's word that a packet was too big gets out of the router.
  private func tellsSender(_ limit: SizeLimit) -> Bool {
    let word = errorMessage(about: limit.flow, from: limit.namespace, tooBig: true)
    let trace = tracer(limit.namespace).trace(word, of: Connection(relatedTo: limit.flow))
    return trace.outcomes.contains { $0.verdict == .forward || $0.verdict == .deliver }
  }

  /// Takes note of rules that tell the other side to send smaller segments.
  func clamp(_ outcome: Outcome, _ flow: Flow, mtu: Int?, _ here: Namespace, _ passage: inout Passage) {
    guard flow.ipProtocol == .tcp, (flow.tcpFlags ?? TCPFlags.syn) & TCPFlags.syn != 0 else { return }
    let heeding: Phase = passage.phase == .request ? .reply : .request
    for step in outcome.steps {
      guard let rule = step.rule, let clamp = SegmentClamp(here.snapshot.ruleset, rule) else { continue }
      let headers = flow.version == .v4 ? 40 : 60
      let bytes: Int?
      switch clamp {
      case .size(let size): bytes = size + headers
      case .pathMTU: bytes = mtu
      }
      if let bytes { passage.clamps[heeding] = min(passage.clamps[heeding] ?? .max, bytes) }
    }
  }
}
