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
  case prefix, level, group, snaplen, queueThreshold = "queue-threshold", num, bypass, fanout, match, target, name
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
  case local, inc, mod, offset, seed, exists, missing, option, maxseg, classid, nexthop, transparent, wildcard, cgroupv2
  case reqid, spnum, `in`, out, chunk, loose, skip
  // Operators.
  case and, or, xor, lshift, rshift, eq, ne, lt, gt, le, ge, not
}

/// Finds the word that bytes spell: open addressing over the spellings.
public struct NftWordTable: Sendable {
  /// The spelling's bytes, sixteen a slot, zero-filled; none is longer.
  private var keys: [UInt64]
  private var words: [NftWord?]
  private let mask: Int

  public static let shared = NftWordTable()

  init() {
    let size = 1024
    mask = size - 1
    keys = [UInt64](repeating: 0, count: size * 2)
    words = [NftWord?](repeating: nil, count: size)
    for word in NftWord.allCases where word.rawValue.utf8.count <= 16 {
      let (a, b) = Array(word.rawValue.utf8).withUnsafeBytes { Self.key($0) }
      var slot = Self.hash(a, b) & mask
      while words[slot] != nil { slot = (slot + 1) & mask }
      words[slot] = word
      keys[slot * 2] = a
      keys[slot * 2 + 1] = b
    }
  }

  @inline(__always) private static func hash(_ a: UInt64, _ b: UInt64) -> Int {
    let mixed = (a ^ b &* 0xFF51_AFD7_ED55_8CCD) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed >> 40)
  }

  @inline(__always) private static func key(_ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
    var a: UInt64 = 0
    var b: UInt64 = 0
    for (index, byte) in bytes.enumerated() {
      if index < 8 { a |= UInt64(byte) << UInt64(8 * index) } else { b |= UInt64(byte) << UInt64(8 * (index - 8)) }
    }
    return (a, b)
  }

  @inline(__always) public func find(_ bytes: UnsafeRawBufferPointer) -> NftWord? {
    guard bytes.count <= 16, !bytes.isEmpty else {
      // The one word that is longer.
      return bytes.elementsEqual(NftWord.parameterProblem.rawValue.utf8) ? .parameterProblem : nil
    }
    let (a, b) = Self.key(bytes)
    var slot = Self.hash(a, b) & mask
    while true {
      if keys[slot * 2] == a, keys[slot * 2 + 1] == b { return words[slot] }
      if words[slot] == nil { return nil }
      slot = (slot + 1) & mask
    }
  }
}
