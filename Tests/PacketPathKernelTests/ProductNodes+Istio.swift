// swift-format-ignore-file
import KernelLab

/// Istio in the Pod: what its rules do in the Pod's own namespace.
extension ProductNodes {
  /// Both modes let out what the sidecar sends and lead the rest of the application's to it.
  private static let outbound = """
    *nat
    -A OUTPUT -j ISTIO_OUTPUT
    -A ISTIO_OUTPUT -s @proxy/@host -o lo -j RETURN
    -A ISTIO_OUTPUT ! -d @loop/@host -o lo -p tcp -m tcp ! --dport 53 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT
    -A ISTIO_OUTPUT -o lo -p tcp -m tcp ! --dport 53 -m owner ! --uid-owner 1337 -j RETURN
    -A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
    -A ISTIO_OUTPUT ! -d @loop/@host -o lo -p tcp -m tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT
    -A ISTIO_OUTPUT -o lo -p tcp -m tcp ! --dport 53 -m owner ! --gid-owner 1337 -j RETURN
    -A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN
    -A ISTIO_OUTPUT -d @vip3/@host -p tcp -m tcp --dport 53 -j REDIRECT --to-ports 15053
    -A ISTIO_OUTPUT -d @loop/@host -j RETURN
    -A ISTIO_OUTPUT -p tcp -j ISTIO_REDIRECT
    -A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
    -A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
    -A OUTPUT -p udp -m udp --dport 53 -m owner --uid-owner 1337 -j RETURN
    -A OUTPUT -p udp -m udp --dport 53 -m owner --gid-owner 1337 -j RETURN
    -A OUTPUT -d @vip3/@host -p udp -m udp --dport 53 -j REDIRECT --to-ports 15053

    """

  private static let sidecarsSockets = [
    "tcp @any:8080", "tcp @any:15001", "tcp @any:15021", "tcp @any:15090", "tcp @loop:15053", "udp @loop:15053",
  ]

  static let istio = ProductNode(
    pod: "Istio in the Pod: redirect, and DNS captured",
    """
    *raw
    -A PREROUTING -s @vip3/@host -p udp -m udp --sport 53 -j CT --zone 1
    -A OUTPUT -p udp -m udp --dport 53 -m owner --uid-owner 1337 -j CT --zone 1
    -A OUTPUT -p udp -m udp --sport 15053 -m owner --uid-owner 1337 -j CT --zone 2
    -A OUTPUT -p udp -m udp --dport 53 -m owner --gid-owner 1337 -j CT --zone 1
    -A OUTPUT -p udp -m udp --sport 15053 -m owner --gid-owner 1337 -j CT --zone 2
    -A OUTPUT -d @vip3/@host -p udp -m udp --dport 53 -j CT --zone 2
    *nat
    -A PREROUTING -p tcp -j ISTIO_INBOUND
    -A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN
    -A ISTIO_INBOUND -p tcp -m tcp --dport 15090 -j RETURN
    -A ISTIO_INBOUND -p tcp -m tcp --dport 15021 -j RETURN
    -A ISTIO_INBOUND -p tcp -m tcp --dport 15020 -j RETURN
    -A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT

    """ + outbound.split(separator: "\n").dropFirst().joined(separator: "\n") + "\n",
    listeners: sidecarsSockets + ["tcp @any:15006"],
    breaks: [
      .init("the proxy does not listen", closed: ["tcp @any:15006", "tcp @any:15001"], "sidecar-redirect", "nobody reaches Pod shop/web-0", "nothing listens"),
      .init("the proxy takes nothing from the application", closed: ["tcp @any:15001"], "sidecar-redirect", "reaches nothing by TCP", "nothing listens"),
      .init("the proxy is not let out", "for tool in iptables-nft ip6tables-nft; do $tool -t nat -D ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN; $tool -t nat -D ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN; done", "sidecar-redirect", "led back to the sidecar", "1337"),
      .init("nobody answers captured queries", closed: ["udp @loop:15053"], "sidecar-redirect", "cannot resolve names", "port 15053"),
    ])

  static let istioTransparent = ProductNode(
    pod: "Istio in the Pod: TPROXY",
    """
    *mangle
    -A PREROUTING -p tcp -j ISTIO_INBOUND
    -A PREROUTING -p tcp -m mark --mark 0x539 -j CONNMARK --save-mark
    -A OUTPUT -p tcp -m connmark --mark 0x539 -j CONNMARK --restore-mark
    -A ISTIO_INBOUND -s @proxy/@host -i lo -p tcp -j RETURN
    -A ISTIO_INBOUND -i lo -p tcp -m mark ! --mark 0x539 -j RETURN
    -A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN
    -A ISTIO_INBOUND -p tcp -m tcp --dport 15090 -j RETURN
    -A ISTIO_INBOUND -p tcp -m tcp --dport 15021 -j RETURN
    -A ISTIO_INBOUND -p tcp -m tcp --dport 15020 -j RETURN
    -A ISTIO_INBOUND -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j ISTIO_DIVERT
    -A ISTIO_INBOUND -p tcp -j ISTIO_TPROXY
    -A ISTIO_DIVERT -j MARK --set-xmark 0x539/0xffffffff
    -A ISTIO_DIVERT -j ACCEPT
    -A ISTIO_TPROXY ! -d @loop/@host -p tcp -j TPROXY --on-port 15006 --tproxy-mark 0x539/0xffffffff

    """ + outbound,
    setup: ["rule add from @all fwmark 1337 lookup 133", "route add local @all dev lo table 133"],
    listeners: sidecarsSockets + ["tcp @any:15006 transparent"],
    breaks: [
      .init("the proxy does not listen", closed: ["tcp @any:15006 transparent"], "sidecar-redirect", "nobody reaches Pod shop/web-0", "nothing listens"),
      .init("the rule for the mark is gone", "ip rule del fwmark 1337; ip -6 rule del fwmark 1337", "proxy-route", "mark 0x539", "Istio"),
      .init("its table is empty", "ip route flush table 133", "proxy-route", "table 133", "Istio"),
    ])
}
