extension ChainOwner {
  /// Where to change what it does on a node; nil: by hand.
  var configuration: String? {
    switch self {
    case .kubeProxy: "ConfigMap kube-system/kube-proxy"
    case .kubelet: "the kubelet's configuration"
    case .calico: "NetworkPolicy, GlobalNetworkPolicy, HostEndpoint, IPPool and FelixConfiguration objects"
    case .cilium: "NetworkPolicy and CiliumNetworkPolicy objects, and ConfigMap kube-system/cilium-config"
    case .kubeRouter: "NetworkPolicy objects and kube-router's arguments"
    case .weave: "NetworkPolicy objects and the environment of DaemonSet weave-net"
    case .antrea: "NetworkPolicy objects of Kubernetes and Antrea, and ConfigMap kube-system/antrea-config"
    case .awsNode: "the environment of DaemonSet kube-system/aws-node"
    case .ipMasqAgent: "ConfigMap kube-system/ip-masq-agent"
    case .flannel: "ConfigMap kube-flannel/kube-flannel-cfg"
    case .docker: "/etc/docker/daemon.json, and chain DOCKER-USER"
    case .podman: "the containers' published ports"
    case .portmap: "hostPort of the Pods"
    case .istio: "annotations of the Pod (traffic.sidecar.istio.io/…)"
    case .libvirt: "libvirt's networks (virsh net-edit)"
    case .firewalld: "firewalld's zones (firewall-cmd --permanent)"
    case .ufw: "ufw's rules (ufw route allow) and /etc/default/ufw"
    case .operators: nil
    }
  }
}
