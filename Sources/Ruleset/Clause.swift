/// One element of a rule. Clauses run in order: a match that does not hold ends the rule, a statement acts. An
/// iptables rule is its matches and one target; an nft rule may mix them.
public enum Clause: Sendable, Hashable {
  case match(Match)
  case statement(Statement)
}

/// A test, perhaps inverted. Inversion is of the whole test, after everything it implies.
public struct Match: Sendable, Hashable {
  public var test: Test
  public var negated: Bool

  @inlinable public init(_ test: Test, negated: Bool = false) {
    self.test = test
    self.negated = negated
  }
}

/// What a match asks. Operands that do not fit in eight bytes stand in the ruleset's tables.
public enum Test: Sendable, Hashable {
  /// `(field & mask) == value`.
  case equal(Field, value: UInt32, mask: UInt32)
  /// `low <= field <= high`.
  case range(Field, low: UInt32, high: UInt32)
  /// `(field & mask) != 0`.
  case anyBit(Field, mask: UInt32)
  /// `(field & wide.b) == wide.a`: IPv6 prefixes, interface names with a wildcard.
  case equalWide(Field, WideID)
  /// `wide.a <= field <= wide.b`.
  case rangeWide(Field, WideID)
  /// xt_multiport: a port in `portLists[list]`.
  case ports(PortSide, list: OperandID)
  /// xt_set; `ipsetTests[…]`.
  case ipset(OperandID)
  /// xt_addrtype, nft `fib … type`: `addressTypeTests[…]`.
  case addressType(OperandID)
  /// xt_rpfilter and nft `fib saddr … oif missing/exists`: `reversePathTests[…]`.
  case reversePath(OperandID)
  /// xt_socket: a socket of this node takes the packet.
  case socket(SocketTest)
  /// xt_ipvs: `virtualServerTests[…]`.
  case virtualServer(OperandID)
  /// Holds with probability threshold / 2^31 (xt_statistic random).
  case random(threshold: UInt32)
  /// Holds for every n-th packet (xt_statistic nth).
  case nth(every: UInt32, packet: UInt32)
  /// A TCP option of this kind is present.
  case tcpOption(UInt8)
  /// nft: an expression against a constant, range or mask that the plain forms above do not cover; `comparisons[…]`.
  case comparison(OperandID)
  /// nft: key expressions looked up in a set; `lookups[…]`.
  case lookup(LookupID)
  /// Depends on time or on what went before (recent, limit, quota, connlimit …); the text says what.
  case timeDependent(TextID)
  /// Always true: annotations such as comments that are kept for printing.
  case note(TextID)
  /// An extension that is not modelled; the text is what the dump says.
  case unknown(TextID)
}

public enum PortSide: UInt8, Sendable, Hashable { case source, destination, either }

/// What a rule does when its matches hold.
public enum Statement: Sendable, Hashable {
  case accept
  case drop
  case `return`
  /// nft `continue`, as in a verdict map.
  case `continue`
  case jump(ChainID)
  case goto(ChainID)
  /// nft `vmap`: the verdict that the set's element holds; no element, no verdict.
  case verdictMap(LookupID)
  case reject(RejectReason)
  /// IPv4 DNAT to one address and a port (0: unchanged); what kube-proxy writes a hundred thousand times.
  case destinationNAT4(address: UInt32, port: UInt16, persistent: Bool)
  /// Any other NAT: `translations[…]`.
  case translate(OperandID)
  /// `mark = (mark & ~clear) ^ flip`.
  case setMark(clear: UInt32, flip: UInt32)
  /// `ctmark = (ctmark & ~clear) ^ flip`.
  case setConnectionMark(clear: UInt32, flip: UInt32)
  /// `ctmark = (ctmark & ~ctmask) ^ (mark & nfmask)`; `markCopies[…]`.
  case saveMark(OperandID)
  /// `mark = (mark & ~nfmask) ^ (ctmark & ctmask)`.
  case restoreMark(OperandID)
  /// nft `FIELD set EXPRESSION`, xt TTL/HL/DSCP/TOS.
  case setField(Field, ExpressionID)
  /// xt TTL/HL --ttl-inc/--ttl-dec.
  case addTimeToLive(Int16)
  /// No connection tracking for this packet.
  case noTrack
  case setZone(UInt16, direction: ZoneDirection)
  /// xt_TPROXY, nft tproxy: `transparentProxies[…]`.
  case transparentProxy(OperandID)
  /// nft: changes an element of a set; `setUpdates[…]`.
  case updateSet(OperandID)
  /// xt_SET: adds to or deletes from ipsets; the text says how.
  case changeSet(TextID)
  /// Changes nothing that the walk models: counter, log, NFLOG, TCPMSS, CHECKSUM, CLASSIFY … The text is nft's or
  /// iptables' spelling.
  case note(TextID)
  /// Continues while within a rate or quota, otherwise ends the rule; only time decides.
  case timeDependent(TextID)
  /// The packet leaves the rules here (queue, synproxy, dup/fwd, flow offload …): the walk ends with this text.
  case handOff(TextID)
  /// A target or statement that is not modelled.
  case unknown(TextID)
}

public enum ZoneDirection: UInt8, Sendable, Hashable { case both, original, reply }

/// The answer of a reject, under the name iptables uses.
public enum RejectReason: String, Sendable, Hashable, CaseIterable {
  case icmpNetUnreachable = "icmp-net-unreachable"
  case icmpHostUnreachable = "icmp-host-unreachable"
  case icmpProtocolUnreachable = "icmp-proto-unreachable"
  case icmpPortUnreachable = "icmp-port-unreachable"
  case icmpNetProhibited = "icmp-net-prohibited"
  case icmpHostProhibited = "icmp-host-prohibited"
  case icmpAdminProhibited = "icmp-admin-prohibited"
  case tcpReset = "tcp-reset"
  case icmp6NoRoute = "icmp6-no-route"
  case icmp6AdminProhibited = "icmp6-adm-prohibited"
  case icmp6AddressUnreachable = "icmp6-addr-unreachable"
  case icmp6PortUnreachable = "icmp6-port-unreachable"
  case icmp6PolicyFail = "icmp6-policy-fail"
  case icmp6RejectRoute = "icmp6-reject-route"
  /// nft's icmpx: one word for both families.
  case icmpxPortUnreachable = "icmpx-port-unreachable"
  case icmpxAdminProhibited = "icmpx-admin-prohibited"
  case icmpxNoRoute = "icmpx-no-route"
  case icmpxHostUnreachable = "icmpx-host-unreachable"
}
