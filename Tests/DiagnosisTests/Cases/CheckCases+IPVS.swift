import Findings

/// Section “IPVS” of the catalogue.
extension CheckTests {
  static let ipvsCases: [Case] = [
    Case("ipvs-weight-zero", .ipvs, "1 client of 10.96.0.20:80", "10.244.0.9 → 10.244.1.5:8080 for 9000 seconds") {
      $0.replace("ipvsadm-Sn", "-r 10.244.1.5:8080 -m -w 1", "-r 10.244.1.5:8080 -m -w 0")
      $0.files["ipvsadm-Lnc"] = """
        IPVS connection entries
        pro expire state       source             virtual            destination
        TCP 14:59  ESTABLISHED 10.244.0.9:41234   10.96.0.20:80      10.244.1.5:8080
        TCP 150:00 NONE        10.244.0.9:0       10.96.0.20:80      10.244.1.5:8080
        TCP nonsense

        """
    },
    Case("session-affinity", .ipvs, "shop/cart:http keeps no clients", "10800 seconds") {
      $0.replace("ipvsadm-Sn", "10.96.0.20:80 -s rr -p 10800", "10.96.0.20:80 -s rr")
    },
    Case("session-affinity", .ipvs, "shop/edge:https keeps clients for 60 seconds") {
      $0.replace("ipvsadm-Sn", "192.0.2.1:30443 -s rr", "192.0.2.1:30443 -s rr -p 60")
    },
    Case("stale-rules", .ipvs, "method Route", severity: .error) {
      $0.replace("ipvsadm-Sn", "-r 10.244.1.5:8080 -m", "-r 10.244.1.5:8080 -g")
    },
    Case("ipvs-strict-arp", .ipvs, "203.0.113.7", severity: .info) {
      $0.replace("sysctl", "arp_ignore = 1", "arp_ignore = 0")
    },
    Case("ipvs-strict-arp", .ipvs, "192.0.2.77") {
      $0.replace("sysctl", "arp_ignore = 1", "arp_ignore = 0")
      $0.replace("objects.yaml", "[{ip: 203.0.113.7}]", "[{ip: 192.0.2.77}]")
      $0.replace("ip-addr", "inet 203.0.113.7/32", "inet 192.0.2.77/32")
    },
    Case("ipvs-weight-zero", .ipvs, "10.96.0.20:80", severity: .error) {
      for _ in 0..<2 { $0.replace("ipvsadm-Sn", ":8080 -m -w 1", ":8080 -m -w 0") }
    },
    Case("ipvs-connection-reuse", .ipvs, "conn_reuse_mode is 0", "4.19") {
      $0.replace("sysctl", "6.1.0-18-amd64", "4.19.0-1")
    },
    Case("ipvs-connection-reuse", .ipvs, "wait one second") {
      $0.replace("sysctl", "6.1.0-18-amd64", "4.19.0-1")
      $0.replace("sysctl", "conn_reuse_mode = 0", "conn_reuse_mode = 1")
    },
    Case("ipvs-input-policy", .ipvs, "policy drop of chain INPUT", severity: .error) {
      $0.replace("iptables-save", ":INPUT ACCEPT", ":INPUT DROP")
    },
    Case("ipvs-local-source", .ipvs, "covers the Service's own address", severity: .error) {
      $0.replace("iptables-save", "! -s 10.244.0.0/16", "! -s 10.0.0.0/8")
    },
    Case("ipvs-local-source", .ipvs, "no rule marks packets", severity: .error) {
      $0.remove("iptables-save", "! -s 10.244.0.0/16")
    },
    Case("ipvs-address-missing", .ipvs, "10.96.0.20", severity: .error) { $0.remove("ip-addr", "10.96.0.20/32") },
    Case("ipvs-stale-virtual-server", .ipvs, "10.96.0.20:81", "no Service") {
      $0.append("ipvsadm-Sn", "-A -t 10.96.0.20:81 -s rr\n-a -t 10.96.0.20:81 -r 10.244.0.3:80 -m -w 1\n")
    },
    Case("ipvs-conntrack-off", .ipvs, "net.ipv4.vs.conntrack", severity: .error) {
      $0.replace("sysctl", "vs.conntrack = 1", "vs.conntrack = 0")
    },
    Case("ipvs-set-mismatch", .ipvs, "KUBE-CLUSTER-IP", "10.96.0.20", severity: .error) {
      $0.remove("ipset-save", "KUBE-CLUSTER-IP", "10.96.0.20")
    },
    Case("ipvs-table-missing", .ipvs, "not in the snapshot") { $0.files["ipvsadm-Sn"] = nil },
    Case("ipvs-node-ports", .ipvs, "198.18.0.1:30080", "no virtual server", severity: .error) {
      $0.append(
        "ip-addr", "10: eth1: <UP> mtu 1500 qdisc noqueue state UP\n    inet 198.18.0.1/24 scope global eth1\n")
      $0.append("ipvsadm-Sn", "-A -t 198.18.0.1:30090 -s rr\n-a -t 198.18.0.1:30090 -r 10.244.1.7:8080 -m -w 1\n")
    },
  ]
}
