extension Catalogue {
  /// Services, their endpoints, and the Pods behind them.
  static let services = #"""
    # no-endpoints
    what: A Service has no usable endpoint, so its addresses refuse connections.
    shows: "connection refused" at once (ICMP port unreachable); the rules hold a reject for the Service
    why: kube-proxy writes a reject rule for a Service port without a ready endpoint. The endpoints are missing because no Pod matches the selector, none is ready, or the named target port is not there.
    see: kubectl -n NS get endpointslices -l kubernetes.io/service-name=NAME
    see: kubectl -n NS get pods -l SELECTOR -o wide
    see: iptables-save -t filter | grep 'has no endpoints'
    fix Service's owner: make its Pods ready, or correct spec.selector and the names of the ports
    fix kube-proxy: the rule goes away by itself with the first ready endpoint; do not delete it by hand
    undo: kubectl -n NS rollout undo deployment/NAME, where a roll-out took the Pods away
    example: kubepath why svc/shop/search -s bundle/
    from: check trace why capture
    ref: https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#does-the-service-have-any-endpointslices

    # no-local-endpoints-external
    what: externalTrafficPolicy is Local and no endpoint runs on this node: clients outside that dial this node wait in vain.
    shows: SYNs without any answer on one node, fine on others
    why: With policy Local a node forwards outside clients to its own Pods only, so that their addresses are kept. kube-proxy drops what it may not forward; a load balancer is meant to leave such nodes out by their health check.
    see: kubectl -n NS get endpointslices -l kubernetes.io/service-name=NAME -o wide
    see: iptables-save -t filter | grep 'has no local endpoints'
    see: curl -s http://NODE:HEALTH_CHECK_NODE_PORT/healthz
    fix Service's owner: run a Pod on every node that clients dial (a DaemonSet), or set spec.externalTrafficPolicy to Cluster
    fix load balancer: ask the health-check port, and send to nodes that answer 200
    undo: kubectl -n NS patch service NAME -p '{"spec":{"externalTrafficPolicy":"Local"}}'
    example: kubepath check svc/shop/storefront -s bundle/ --node-ports
    from: check trace why capture
    ref: https://kubernetes.io/docs/tutorials/services/source-ip/#source-ip-for-services-with-type-nodeport

    # no-local-endpoints-internal
    what: internalTrafficPolicy is Local and no endpoint runs on the caller's node.
    shows: Pods on some nodes time out at a ClusterIP, others reach it
    why: With internalTrafficPolicy Local kube-proxy uses endpoints of the same node only, and drops where there is none. It does not fall back to other nodes.
    see: kubectl -n NS get service NAME -o jsonpath='{.spec.internalTrafficPolicy}'
    see: kubectl -n NS get pods -l SELECTOR -o wide
    fix Service's owner: a Pod on every node that calls (a DaemonSet), or spec.internalTrafficPolicy: Cluster
    undo: kubectl -n NS patch service NAME -p '{"spec":{"internalTrafficPolicy":"Local"}}'
    example: kubepath why svc/monitoring/agent -s bundle/
    from: check trace why
    ref: https://kubernetes.io/docs/concepts/services-networking/service-traffic-policy/

    # health-check-node-port
    what: The load balancer's health probe does not reach kube-proxy on a node.
    shows: the balancer shows the node down while endpoints are ready
    why: With externalTrafficPolicy Local kube-proxy answers on spec.healthCheckNodePort. A rule of the node's firewall before it, or nothing that listens, makes the balancer take the node out.
    see: ss -lnt 'sport = :HEALTH_CHECK_NODE_PORT'
    see: iptables-save -t filter | grep -E 'health check|:INPUT'
    fix node's firewall: accept the port from the balancer's addresses
    fix kube-proxy: let it run, and let its healthz bind to the node's address
    undo: take the rule out of the firewall's own configuration again
    example: kubepath check -s bundle/ --node-ports --only health-check-node-port
    from: check
    ref: https://kubernetes.io/docs/reference/networking/virtual-ips/

    # port-not-served
    what: A port of a ClusterIP is dialled that no Service has.
    shows: refused at once, or no answer, at one port of an address that answers at another
    why: A ClusterIP is no host: only the ports of the Service are translated. In nftables mode kube-proxy rejects other ports, in iptables mode the packet leaves by the default route.
    see: kubectl get services -A -o wide | grep ADDRESS
    fix client's owner: dial a port of the Service
    fix Service's owner: add the port to spec.ports
    undo: kubectl -n NS edit service NAME, and take the port out of spec.ports
    example: kubepath trace 10.96.0.10:81 --from 10.244.1.7 -s node1/
    from: trace why
    ref: https://kubernetes.io/docs/concepts/services-networking/service/#multi-port-services

    # source-ranges
    what: loadBalancerSourceRanges are ignored, or deny a client that should pass.
    shows: drops of one client network only, or strangers get in
    why: kube-proxy accepts the ranges' clients at the load balancer's address and drops all others, in newer releases Pods of the cluster too. A node whose rules lag behind keeps the old ranges.
    see: kubectl -n NS get service NAME -o jsonpath='{.spec.loadBalancerSourceRanges}'
    see: iptables-save -t filter | grep KUBE-PROXY-FIREWALL
    fix Service's owner: list the client's network in spec.loadBalancerSourceRanges
    fix kube-proxy: restart it on the node whose rules lag behind
    undo: kubectl -n NS edit service NAME, with the ranges of before
    example: kubepath trace 203.0.113.80:443 --from 198.51.100.7 -s node1/
    from: check trace why
    ref: https://github.com/kubernetes/kubernetes/issues/109575

    # session-affinity
    what: All clients behind one address stay on one Pod, or stickiness outlives the Pod.
    shows: uneven load; clients that stay at one Pod for hours
    why: ClientIP affinity keeps a client's address at one endpoint for timeoutSeconds (3 hours unless set). Clients that a proxy or a masquerading node hides behind one address count as one client.
    see: kubectl -n NS get service NAME -o jsonpath='{.spec.sessionAffinity} {.spec.sessionAffinityConfig}'
    see: iptables-save -t nat | grep -- '--rcheck'
    fix Service's owner: sessionAffinity: None, or a shorter timeoutSeconds
    fix cluster's owner: keep the clients' addresses (externalTrafficPolicy Local), so that they are told apart
    undo: kubectl -n NS patch service NAME -p '{"spec":{"sessionAffinity":"ClientIP"}}'
    example: kubepath services svc/shop/cart -s node1/ -o wide
    from: check
    ref: https://kubernetes.io/docs/reference/networking/virtual-ips/#session-affinity

    # dual-stack-family-missing
    what: A Service answers in one address family and not in the other.
    shows: one of A and AAAA works, the other does not
    why: A frontend of a family needs endpoints of that family. Pods without an address of it, or a kube-proxy without that family's Pod range, leave it empty.
    see: kubectl -n NS get service NAME -o jsonpath='{.spec.ipFamilyPolicy} {.spec.clusterIPs}'
    see: kubectl -n NS get endpointslices -l kubernetes.io/service-name=NAME
    fix Service's owner: ipFamilyPolicy: SingleStack, where the Pods have one family
    fix cluster's owner: Pod ranges of both families for the network plugin and kube-proxy's clusterCIDR
    undo: kubectl -n NS patch service NAME -p '{"spec":{"ipFamilyPolicy":"PreferDualStack"}}'
    example: kubepath why svc/shop/cart -s bundle/
    from: check
    ref: https://kubernetes.io/docs/concepts/services-networking/dual-stack/

    # topology-hints
    what: A node uses the endpoints of its zone only.
    shows: fewer endpoints in the rules than the cluster has
    why: EndpointSlices carry hints for zones, and kube-proxy keeps to them (trafficDistribution, topology aware routing). It is no fault.
    see: kubectl -n NS get endpointslices -l kubernetes.io/service-name=NAME -o jsonpath='{.items[*].endpoints[*].hints}'
    fix Service's owner: nothing, or take out spec.trafficDistribution if all zones are wanted
    undo: kubectl -n NS patch service NAME -p '{"spec":{"trafficDistribution":"PreferClose"}}'
    example: kubepath services svc/shop/cart -s node1/ -o wide
    from: check
    ref: https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/

    # no-pods
    what: The workload behind a Service has no Pod.
    shows: scaled to 0, or FailedCreate: Pod Security, quota, webhook
    why: The selector's labels are those of a workload that makes no Pods: it is scaled down, or its controller may not create them; the Events of the ReplicaSet say why.
    see: kubectl -n NS get deployments,replicasets,statefulsets -o wide
    see: kubectl -n NS get events --field-selector reason=FailedCreate
    fix workload's owner: kubectl -n NS scale deployment NAME --replicas=N, or mend what forbids the Pods
    fix cluster's owner: the quota, the Pod Security level or the webhook that the Event names
    undo: kubectl -n NS scale deployment NAME --replicas=0
    example: kubepath why svc/shop/cart -s bundle/
    from: check why
    ref: https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/

    # pod-not-ready
    what: Pods match a Service, but none is ready.
    shows: the Service has no endpoints though Pods are there
    why: Only ready Pods become endpoints. The status of the Pod tells what it waits for: a node, an image, a volume, its start, its readiness probe.
    see: kubectl -n NS get pods -l SELECTOR -o wide
    see: kubectl -n NS describe pod POD
    see: kubectl -n NS logs POD --previous
    fix workload's owner: what the Pod's status names: image, command, probe, resources
    undo: kubectl -n NS rollout undo deployment/NAME
    example: kubepath check svc/shop/search -s bundle/
    from: check why
    ref: https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/

    # pod-restarts
    what: Pods are started again and again, and are ready between.
    shows: a Service fails now and then; restarts that rise
    why: A container that ends takes its endpoint away until it is ready again. Its last state says why it ended: an exit code, OOMKilled, a liveness probe.
    see: kubectl -n NS get pods -l SELECTOR
    see: kubectl -n NS describe pod POD | grep -A5 'Last State'
    see: kubectl -n NS logs POD --previous
    fix workload's owner: the program's fault, its memory limit, or a liveness probe that is too strict
    undo: kubectl -n NS rollout undo deployment/NAME
    example: kubepath check -n shop -s bundle/ --only pod-restarts
    from: check
    ref: https://kubernetes.io/docs/tasks/debug/debug-application/debug-running-pod/

    # volume-not-bound
    what: A Pod waits for a PersistentVolumeClaim.
    shows: Pending, "unbound immediate PersistentVolumeClaims"
    why: The claim finds no volume: no StorageClass of its name, no provisioner that works, or a volume in another zone.
    see: kubectl -n NS get pvc
    see: kubectl -n NS describe pvc NAME
    fix workload's owner: a storageClassName that exists
    fix cluster's owner: the provisioner's Pods and log
    undo: a claim's class cannot be changed: delete the claim and make it with the class of before
    example: kubepath check -n shop -s bundle/
    from: check
    ref: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding

    # selector-mismatch
    what: A Service's selector matches no Pod.
    shows: no endpoints, and Pods with almost the same labels
    why: Endpoints are the Pods that carry every label of the selector. One label that differs, or labels that a chart renamed, and none is left.
    see: kubectl -n NS get service NAME -o jsonpath='{.spec.selector}'
    see: kubectl -n NS get pods --show-labels
    fix Service's owner: kubectl -n NS patch service NAME, with the labels that the Pods have
    fix workload's owner: the labels of the Pod template
    undo: kubectl -n NS edit service NAME, with the selector of before
    example: kubepath why svc/shop/cart -s bundle/
    from: check why
    ref: https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/

    # target-port-mismatch
    what: targetPort is none of the containers' ports.
    shows: refused connections, or no endpoints for a name
    why: A number is taken as it stands, and nobody listens there; a name that no container port has gives no endpoint at all.
    see: kubectl -n NS get service NAME -o jsonpath='{.spec.ports}'
    see: kubectl -n NS get pods -l SELECTOR -o jsonpath='{.items[*].spec.containers[*].ports}'
    fix Service's owner: spec.ports[].targetPort as the container has it
    fix workload's owner: the name or number of the container port
    undo: kubectl -n NS edit service NAME, with the port of before
    example: kubepath check svc/shop/cart -s bundle/
    from: check why
    ref: https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports

    # nothing-listening
    what: No process listens on the endpoint's port.
    shows: resets from the Pod: "connection refused"
    why: The packet arrives in the Pod and its kernel has no socket for it: the program is not up, uses another port, or listens on 127.0.0.1 only.
    see: kubectl -n NS exec POD -- ss -lnt
    see: kubectl -n NS logs POD
    fix workload's owner: bind to all addresses (0.0.0.0, ::) and to the declared port
    undo: the program's listen address of before
    example: kubepath trace svc/shop/cart:http --from pod/shop/web-0 -s bundle/
    from: check trace why
    ref: https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#are-the-pods-working

    # endpoints-not-written
    what: Ready Pods match a Service, and its EndpointSlices do not have them.
    shows: no endpoints though the Pods are ready
    why: kube-controller-manager writes EndpointSlices. When it is down, has lost its lease, or may not write, they stand still.
    see: kubectl -n kube-system get lease kube-controller-manager -o yaml
    see: kubectl -n kube-system logs -l component=kube-controller-manager --tail=50
    fix cluster's owner: kube-controller-manager on the control plane
    undo: nothing to undo: the slices follow as soon as it runs
    example: kubepath check svc/shop/cart -s bundle/
    from: check
    ref: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/

    # stale-endpoints
    what: A Service leads to addresses that no Pod has.
    shows: connections hang or are refused after its Pods were made anew
    why: Endpoints that somebody wrote by hand (a Service without selector) or that nobody keeps any more stay when Pods get other addresses.
    see: kubectl -n NS get endpointslices -l kubernetes.io/service-name=NAME -o yaml
    see: kubectl get pods -A -o wide | grep ADDRESS
    fix Service's owner: give it a selector, or the addresses of now
    undo: kubectl -n NS edit endpointslice NAME, with the addresses of before
    example: kubepath check svc/shop/legacy -s bundle/
    from: check
    ref: https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors

    # external-name
    what: A Service of type ExternalName stands for a name that does not exist.
    shows: NXDOMAIN for a Service that is there
    why: Such a Service is a CNAME and nothing else; no rule serves it. A misspelt name, or an address in the place of a name, resolves to nothing.
    see: kubectl -n NS get service NAME -o jsonpath='{.spec.externalName}'
    see: kubectl run -it --rm dig --image=busybox --restart=Never -- nslookup NAME.NS.svc.cluster.local
    fix Service's owner: correct spec.externalName
    undo: kubectl -n NS patch service NAME -p '{"spec":{"externalName":"NAME.OF.BEFORE"}}'
    example: kubepath check svc/shop/mail -s bundle/
    from: check
    ref: https://kubernetes.io/docs/concepts/services-networking/service/#externalname

    # load-balancer-address
    what: A LoadBalancer Service has no address.
    shows: EXTERNAL-IP <pending>
    why: Some controller (the cloud's, MetalLB, kube-vip) gives the address. There is none, its pool is used up, or its speaker does not run.
    see: kubectl -n NS describe service NAME
    see: kubectl get pods -A | grep -E 'metallb|kube-vip|cloud-controller'
    fix cluster's owner: a controller with free addresses
    fix Service's owner: a loadBalancerClass that a controller serves
    undo: kubectl -n NS edit service NAME, with the class of before
    example: kubepath check svc/shop/front -s bundle/
    from: check
    ref: https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer

    # ingress-path
    what: An Ingress leads to nothing.
    shows: 503 or 404 from the controller
    why: The backend names a Service or a port that is not there, the class has no controller, or the controller does not run.
    see: kubectl -n NS describe ingress NAME
    see: kubectl get ingressclasses
    fix Ingress' owner: correct the names of Service and port, spec.ingressClassName
    fix cluster's owner: the controller's Pods
    undo: kubectl -n NS edit ingress NAME, with the backend of before
    example: kubepath trace http://shop.example/pay --from outside -s bundle/
    from: check trace why
    ref: https://kubernetes.io/docs/concepts/services-networking/ingress/

    # dns-service
    what: The cluster's DNS does not answer, or Pods ask another address.
    shows: no names: "Temporary failure in name resolution"
    why: CoreDNS has no ready Pod, its upstream does not answer or leads back to it, or the kubelet's clusterDNS is not the address of the Service.
    see: kubectl -n kube-system get pods,endpointslices -l k8s-app=kube-dns
    see: kubectl -n kube-system logs -l k8s-app=kube-dns --tail=50
    see: kubectl exec POD -- cat /etc/resolv.conf
    fix cluster's owner: CoreDNS' Pods and its forward line
    fix node's owner: clusterDNS in the kubelet's configuration, then new Pods
    undo: kubectl -n kube-system edit configmap coredns, with the Corefile of before
    example: kubepath why svc/kube-system/kube-dns -s bundle/
    from: check capture
    ref: https://kubernetes.io/docs/tasks/administer-cluster/dns-debugging-resolution/

    # apiserver-unreachable
    what: Pods do not reach the API server.
    shows: timeouts of 10.96.0.1:443 (the Service default/kubernetes)
    why: The Service leads to the API servers' own addresses and port. It announces an address that others cannot reach, does not run, or a firewall is before it.
    see: kubectl get endpointslices -n default -l kubernetes.io/service-name=kubernetes
    see: curl -k https://ADDRESS:6443/livez
    fix cluster's owner: --advertise-address, and the static Pod of the API server
    fix node's firewall: accept port 6443 from the nodes and the Pods' range
    undo: the flag or rule of before
    example: kubepath why svc/default/kubernetes -s bundle/
    from: check
    ref: https://kubernetes.io/docs/concepts/architecture/control-plane-node-communication/

    # expectation-failed
    what: Something that the expectations file relies on does not hold.
    shows: check --expect names the entry and the rule that decides
    why: A flow that should pass is stopped, or one that should be stopped passes, since a rule, a policy or a Service changed.
    see: kubepath check -s bundle/ --expect expectations.yaml --only expectation-failed
    fix rule's owner: undo the change that the finding names
    fix expectation's owner: change the entry if the change is wanted
    undo: the entry of before, from version control
    example: kubepath check -s bundle/ --expect expectations.yaml -o junit
    from: check
    ref: kubepath check --help

    # deprecation
    what: The cluster uses what a coming Kubernetes release takes away.
    shows: externalIPs, kube-proxy's IPVS mode
    why: Kubernetes has announced the end of these; an upgrade will break what relies on them.
    see: kubectl get services -A -o jsonpath='{range .items[?(@.spec.externalIPs)]}{.metadata.namespace}/{.metadata.name}{"\n"}{end}'
    see: kubectl -n kube-system get configmap kube-proxy -o yaml | grep mode
    fix Service's owner: a LoadBalancer address in the place of externalIPs
    fix cluster's owner: kube-proxy's nftables mode
    undo: mode: ipvs in kube-proxy's ConfigMap, and a restart
    example: kubepath check -s bundle/ --only deprecation
    from: check
    ref: https://github.com/kubernetes/enhancements/issues/5707
    ref: https://github.com/kubernetes/enhancements/issues/5495

    # certificate-expired
    what: A certificate of the cluster is out of date.
    shows: x509 errors in every log, nodes NotReady
    why: kubeadm's certificates last one year. Behind that the API server, the kubelets and etcd refuse each other.
    see: kubeadm certs check-expiration
    see: journalctl -u kubelet | grep -i x509
    fix cluster's owner: kubeadm certs renew all, and a restart of the control plane's Pods
    undo: the renewed files keep their predecessors nowhere: copy /etc/kubernetes/pki before
    example: kubepath check -s bundle/ --only certificate-expired
    from: check
    ref: https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/
    """#
}
