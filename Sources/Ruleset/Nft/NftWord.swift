/// The words of nft's language that the reader gives a meaning to.
public enum NftWord: String, CaseIterable, Sendable {
  // Commands and containers.
  case add, create, insert, replace, delete, destroy, flush, reset, list, define, redefine, undefine, include, rename
  case table, chain, rule, set, map, element, flowtable, ruleset, counter, quota, limit, secmark, synproxy
  case ct, helper, timeout, expectation, meter
  // Declarations.
  case type, typeof, hook, priority, policy, device, devices, flags, size, elements, comment, handle, index, position
  case autoMerge = "auto-merge"
  case gcInterval = "gc-interval"
  case dormant, owner, persist, constant, interval, dynamic, offload, expires, burst, used, until, over, rate
  // Verdicts.
  case accept, drop, `continue`, jump, goto, `return`, queue, verdict
  // Statements.
  case log, reject, dnat, snat, masquerade, redirect, notrack, tproxy, dup, fwd, flow, update, vmap, xt, with, to
  case prefix, level, group, snaplen
  case queueThreshold = "queue-threshold"
  case num, bypass, fanout, match, target, name
  case packets, bytes, kbytes, mbytes, random, persistent, netmap, addr
  case fullyRandom = "fully-random"
  case mss, wscale, timestamp
  case sackPermitted = "sack-perm"
  case all
  // Key starters.
  case meta, payload, fib, numgen, jhash, symhash, rt, socket, osf, ipsec, exthdr, ip, ip6, tcp, udp, th, icmp, icmpv6
  case ether, vlan, arp, udplite, sctp, dccp, ah, esp, comp, igmp, gre, gretap, vxlan, geneve, hbh, rt0, rt2, rt4, srh
  case frag, dst, mh
  // Header fields.
  case saddr, daddr, sport, dport, `protocol`, version, hdrlength, dscp, ecn, length, id, ttl, checksum, nexthdr
  case flowlabel, hoplimit, sequence, ackseq, doff, reserved, window, urgptr, csumcov, vtag, code, gateway, mtu, mrt
  case spi, cpi, pcp, dei, cfi, htype, ptype, hlen, plen, operation, taddr, vni
  case fragOff = "frag-off"
  case parameterProblem = "parameter-problem"
  case maxDelay = "max-delay"
  // meta and ct keys.
  case nfproto, l4proto, mark, iif, oif, iifname, oifname, iiftype, oiftype, iifgroup, oifgroup, iifkind, oifkind
  case skuid, skgid, nftrace, rtclassid, ibrname, obrname, ibriport, obriport, ibrpvid, ibrvproto, pkttype, cpu, cgroup
  case secpath, sdif, sdifname, time, day, hour, broute
  case state, direction, status, l3proto, expiration, label, event, zone, count, avgpkt, original, reply
  case protoSrc = "proto-src"
  case protoDst = "proto-dst"
  // fib, numgen, hashes, options.
  case local, inc, mod, offset, seed, check, exists, missing, option, maxseg, classid, nexthop, transparent, wildcard,
    cgroupv2
  case reqid, spnum, `in`, out, chunk, loose, skip
  // Operators.
  case and, or, xor, lshift, rshift, eq, ne, lt, gt, le, ge, not
}

/// Finds the word that bytes spell: open addressing over the spellings. One table for the process, never freed, so that
/// it is read without counting references.
public struct NftWordTable: @unchecked Sendable {
  /// The spelling's bytes, sixteen a slot, zero-filled; none but one is longer.
  private let keys: UnsafeMutablePointer<UInt64>
  private let words: UnsafeMutablePointer<NftWord?>
  private static let mask = 1023

  public static let shared = NftWordTable()

  private init() {
    let size = Self.mask + 1
    keys = .allocate(capacity: size * 2)
    keys.initialize(repeating: 0, count: size * 2)
    words = .allocate(capacity: size)
    words.initialize(repeating: nil, count: size)
    for word in NftWord.allCases where word.rawValue.utf8.count <= 16 {
      let (a, b) = Array(word.rawValue.utf8).withUnsafeBytes { Self.key($0) }
      var slot = Self.hash(a, b) & Self.mask
      while words[slot] != nil { slot = (slot + 1) & Self.mask }
      words[slot] = word
      keys[slot * 2] = a
      keys[slot * 2 + 1] = b
    }
  }

  @inline(__always) private static func hash(_ a: UInt64, _ b: UInt64) -> Int {
    let mixed = (a ^ b &* 0xFF51_AFD7_ED55_8CCD) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed >> 40)
  }

  /// Up to sixteen bytes, zero-filled. No byte outside is touched: loads overlap instead.
  @inline(__always) private static func key(_ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
    let base = bytes.baseAddress!
    let count = bytes.count
    guard count < 8 else {
      let first = base.loadUnaligned(as: UInt64.self)
      // A shift by 64, where there are eight bytes, leaves nothing.
      return (first, base.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self) >> UInt64((16 - count) * 8))
    }
    if count >= 4 {
      let low = UInt64(base.loadUnaligned(as: UInt32.self))
      let high = UInt64(base.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
      return (low | high << UInt64((count - 4) * 8), 0)
    }
    let first = UInt64(bytes[0])
    let middle = UInt64(bytes[count / 2]) << UInt64(count / 2 * 8)
    return (first | middle | UInt64(bytes[count - 1]) << UInt64((count - 1) * 8), 0)
  }

  public func find(_ bytes: UnsafeRawBufferPointer) -> NftWord? {
    guard bytes.count <= 16, !bytes.isEmpty else {
      // The one word that is longer.
      return bytes.elementsEqual(NftWord.parameterProblem.rawValue.utf8) ? .parameterProblem : nil
    }
    let (a, b) = Self.key(bytes)
    var slot = Self.hash(a, b) & Self.mask
    while true {
      if keys[slot * 2] == a, keys[slot * 2 + 1] == b { return words[slot] }
      if words[slot] == nil { return nil }
      slot = (slot + 1) & Self.mask
    }
  }
}
