import Wire

/// Who asks for the hardware address of an IP address, in ARP requests and neighbour solicitations, and how often. Whether
/// somebody answers, `AddressClaims` knows.
struct AddressQuestions {
  struct Question {
    var asker: IPAddress
    var first: FrameReference
    var last: FrameReference
    var firstTime: Int64
    var lastTime: Int64
    var count = 1
  }

  static let maximum = 16_384
  private(set) var questions: [AddressClaims.Key: Question] = [:]
  /// Those to whom an answer was seen to go: the capture shows what is sent to them alone.
  private var heard: Set<IPAddress> = []
  private var askers: Set<IPAddress> = []

  mutating func answered(_ asker: IPAddress) {
    if heard.count < Self.maximum { heard.insert(asker) }
  }

  /// Whether an answer to somebody would be in the capture: questions are sent to all, answers to one.
  func hears(_ asker: IPAddress) -> Bool { heard.contains(asker) || askers.count == 1 }

  mutating func add(_ target: IPAddress, from asker: IPAddress, scope: UInt32, frame: FrameReference, time: Int64) {
    // A probe of one's own address, and an announcement, want no answer.
    guard !asker.isUnspecified, asker != target, !target.isUnspecified else { return }
    if askers.count < Self.maximum { askers.insert(asker) }
    let key = AddressClaims.Key(address: target, scope: scope)
    if var known = questions[key] {
      known.count += 1
      known.last = frame
      known.lastTime = time
      questions[key] = known
    } else if questions.count < Self.maximum {
      questions[key] = Question(asker: asker, first: frame, last: frame, firstTime: time, lastTime: time)
    }
  }
}
