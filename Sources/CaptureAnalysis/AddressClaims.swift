import Wire

/// Which hardware addresses say that an IP address is theirs, in ARP and in neighbour advertisements.
struct AddressClaims {
  struct Key: Hashable {
    var address: IPAddress
    var scope: UInt32
  }

  struct Claim {
    var first: UInt64
    var firstFrame: FrameReference
    var second: UInt64 = 0
    var secondFrame: FrameReference = .none
    var last: UInt64
    var lastTime: Int64
    /// How often the claim went from one to the other, and back.
    var changes = 0
    var shortestChange: Int64 = .max
    var others = 0
  }

  static let maximum = 65_536
  /// What Calico gives the node's end of every Pod's link: it answers and asks there for any address.
  private static let proxied: UInt64 = 0xEEEE_EEEE_EEEE
  private(set) var claims: [Key: Claim] = [:]

  mutating func add(_ address: IPAddress, _ hardware: UInt64, scope: UInt32, frame: FrameReference, time: Int64) {
    guard !address.isUnspecified, !address.isMulticast, hardware != 0, hardware != 0xFFFF_FFFF_FFFF,
      hardware != Self.proxied
    else { return }
    let key = Key(address: address, scope: scope)
    guard var claim = claims[key] else {
      if claims.count < Self.maximum {
        claims[key] = Claim(first: hardware, firstFrame: frame, last: hardware, lastTime: time)
      }
      return
    }
    if hardware != claim.last {
      claim.changes += 1
      claim.shortestChange = min(claim.shortestChange, max(0, time - claim.lastTime))
      if hardware != claim.first {
        if claim.second == 0 {
          claim.second = hardware
          claim.secondFrame = frame
        } else if hardware != claim.second {
          claim.others += 1
        }
      }
    }
    claim.last = hardware
    claim.lastTime = time
    claims[key] = claim
  }
}
