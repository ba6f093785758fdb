import Findings

/// What makes Pods, places them and keeps them running.
extension CheckTests {

  static func event(_ kind: String, _ namespace: String, _ name: String, _ reason: String, _ message: String) -> String
  {
    "- {apiVersion: v1, kind: Event, metadata: {name: \(name).1, namespace: \(namespace.isEmpty ? "default" : namespace)}, type: Warning, reason: \(reason), message: '\(message)', involvedObject: {kind: \(kind), namespace: \(namespace.isEmpty ? "default" : namespace), name: \(name)}}\n"
  }

  static func deployment(_ name: String, replicas: Int, _ status: String) -> String {
    "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: \(name), namespace: shop, generation: 3}, spec: {replicas: \(replicas), selector: {matchLabels: {app: \(name)}}, template: {metadata: {labels: {app: \(name)}}}}, status: {observedGeneration: 3, \(status)}}\n"
  }

  /// The state of the only Pod of shop/empty.
  private static func state(
    _ fixture: inout ClusterFixture, _ state: String, phase: String = "Pending", more: String = ""
  ) {
    fixture.replace(
      "objects.yaml",
      "phase: Pending, podIP: 10.244.0.9, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff}}}]",
      "phase: \(phase)\(more), containerStatuses: [{name: app, restartCount: 4, \(state)}]")
  }

  private static func removePod(_ fixture: inout ClusterFixture) {
    fixture.replace(
      "objects.yaml", "labels: {app: empty}}, spec: {nodeName: a}", "labels: {app: other}}, spec: {nodeName: a}")
  }

  static let workloadCases: [Case] = [
    Case("node-not-ready", .iptables, "takes down shop/empty", "Kubelet stopped posting", severity: .error) {
      $0.replace(
        "objects.yaml", "address: 192.0.2.1}], conditions: [{type: Ready, status: \"True\"}]",
        "address: 192.0.2.1}], conditions: [{type: Ready, status: Unknown, reason: NodeStatusUnknown, message: Kubelet stopped posting node status.}]"
      )
    },
    Case("node-not-ready", .nftables, "node b is NotReady", "PLEG is not healthy", "container runtime", severity: .info)
    {
      $0.replace(
        "objects.yaml", "address: 192.0.2.2}], conditions: [{type: Ready, status: \"True\"}]",
        "address: 192.0.2.2}], conditions: [{type: Ready, status: \"False\", reason: KubeletNotReady, message: 'PLEG is not healthy: pleg was last seen active 5m0s ago'}]"
      )
    },
    Case("node-not-ready", .iptables, "node b runs out of memory", "kubelet has insufficient memory") {
      $0.replace(
        "objects.yaml", "address: 192.0.2.2}], conditions: [{type: Ready, status: \"True\"}]",
        "address: 192.0.2.2}], conditions: [{type: Ready, status: \"True\"}, {type: MemoryPressure, status: \"True\", message: kubelet has insufficient memory available}]"
      )
    },
    Case(
      "network-plugin-down", .iptables, "plugin type=\"flannel\" failed (add)",
      "kube-flannel-ds is ready on 1 of 2 nodes",
      severity: .error
    ) {
      state(&$0, "state: {waiting: {reason: ContainerCreating}}")
      $0.append(
        "objects.yaml",
        event(
          "Pod", "shop", "empty-a", "FailedCreatePodSandBox",
          "failed to setup network for sandbox: plugin type=\"flannel\" failed (add)"))
      $0.append(
        "objects.yaml",
        "- {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: kube-flannel-ds, namespace: kube-flannel}, status: {desiredNumberScheduled: 2, numberReady: 1}}\n"
      )
    },
    Case("control-plane-down", .iptables, "kube-scheduler is down", "without endpoints: shop/empty", severity: .error) {
      $0.replace("objects.yaml", "labels: {app: empty}}, spec: {nodeName: a}", "labels: {app: empty}}, spec: {}")
      $0.replace(
        "objects.yaml",
        "phase: Pending, podIP: 10.244.0.9, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff}}}]",
        "phase: Pending")
      $0.append(
        "objects.yaml",
        "- {apiVersion: v1, kind: Pod, metadata: {name: kube-scheduler-m, namespace: kube-system, labels: {component: kube-scheduler}}, spec: {nodeName: m, hostNetwork: true}, status: {phase: Running, conditions: [{type: Ready, status: \"False\"}], containerStatuses: [{name: kube-scheduler, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1}}}]}}\n"
      )
    },
    Case("control-plane-down", .iptables, "kube-controller-manager", "nobody has led for 300 seconds", severity: .error)
    {
      for (namespace, name, time) in [
        ("kube-system", "kube-controller-manager", "2026-03-01T08:55:00.000000Z"),
        ("kube-node-lease", "a", "2026-03-01T09:00:00.000000Z"),
      ] {
        $0.append(
          "objects.yaml",
          "- {apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: \(name), namespace: \(namespace)}, spec: {holderIdentity: m_1, renewTime: '\(time)'}}\n"
        )
      }
    },
    Case("no-pods", .iptables, "shop/empty is scaled to 0", "takes down shop/empty", severity: .error) {
      removePod(&$0)
      $0.append("objects.yaml", deployment("empty", replicas: 0, "replicas: 0"))
    },
    Case("no-pods", .iptables, "exceeded quota: compute", "ResourceQuota compute is used up", severity: .error) {
      removePod(&$0)
      $0.append(
        "objects.yaml",
        deployment(
          "empty", replicas: 2,
          "replicas: 0, conditions: [{type: ReplicaFailure, status: \"True\", reason: FailedCreate, message: 'pods \"empty-1\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=9, limited: pods=9'}]"
        ))
    },
    Case("volume-not-bound", .iptables, "shop/data", "StorageClass “fast” does not exist", severity: .error) {
      $0.replace(
        "objects.yaml", "labels: {app: empty}}, spec: {nodeName: a}",
        "labels: {app: empty}}, spec: {volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]}")
      $0.replace(
        "objects.yaml",
        "phase: Pending, podIP: 10.244.0.9, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff}}}],\n     conditions: [{type: Ready, status: \"False\"}]",
        "phase: Pending, conditions: [{type: PodScheduled, status: \"False\", reason: Unschedulable, message: 'pod has unbound immediate PersistentVolumeClaims'}]"
      )
      $0.append(
        "objects.yaml",
        """
        - {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop}, spec: {storageClassName: fast}, status: {phase: Pending}}
        - {apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: slow}, provisioner: x.example}

        """)
    },
    Case("endpoints-not-written", .iptables, "ready Pods match Service shop/empty", severity: .error) {
      $0.replace(
        "objects.yaml",
        "podIP: 10.244.0.9, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff}}}],\n     conditions: [{type: Ready, status: \"False\"}]",
        "podIP: 10.244.0.9, conditions: [{type: Ready, status: \"True\"}]")
    },
    Case("pod-not-ready", .iptables, "401 Unauthorized", "wants credentials", severity: .error) {
      state(
        &$0, "image: 'reg.example/x:1', state: {waiting: {reason: ImagePullBackOff, message: 'Back-off pulling image'}}"
      )
      $0.append(
        "objects.yaml",
        event("Pod", "shop", "empty-a", "Failed", "Failed to pull image: unexpected status 401 Unauthorized"))
    },
    Case("pod-not-ready", .iptables, "exit code 139", "segmentation fault", severity: .error) {
      state(
        &$0, "state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 139}}", phase: "Running")
    },
    Case("pod-not-ready", .iptables, "OOMKilled", "memory", severity: .error) {
      state(
        &$0,
        "state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 137, reason: OOMKilled}}",
        phase: "Running")
    },
    Case("pod-not-ready", .iptables, "liveness probe", severity: .error) {
      state(
        &$0, "state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 137}}", phase: "Running")
      $0.append(
        "objects.yaml",
        event("Pod", "shop", "empty-a", "Killing", "Container app failed liveness probe, will be restarted"))
    },
    Case("pod-not-ready", .iptables, "secret \"db\" not found", "does not exist in its namespace", severity: .error) {
      state(&$0, "state: {waiting: {reason: CreateContainerConfigError, message: 'secret \"db\" not found'}}")
    },
    Case("pod-not-ready", .iptables, "Evicted", "low on resource: memory", severity: .error) {
      state(
        &$0, "ready: false", phase: "Failed",
        more: ", reason: Evicted, message: 'The node was low on resource: memory.'")
    },
    Case("pod-not-ready", .iptables, "its init container app still runs", severity: .error) {
      $0.replace(
        "objects.yaml", "containerStatuses: [{state: {waiting: {reason: ImagePullBackOff}}}]",
        "containerStatuses: [{name: web, state: {waiting: {reason: PodInitializing}}}], initContainerStatuses: [{name: app, state: {running: {}}}]"
      )
    },
    Case("target-port-mismatch", .iptables, "sends to port “9000”", "web (8080)", severity: .error) {
      $0.replace(
        "objects.yaml", "protocol: TCP, nodePort: 30080, targetPort: 8080}",
        "protocol: TCP, nodePort: 30080, targetPort: 9000}")
    },
    Case("selector-mismatch", .iptables, "all but tier=front fits", "tier=back (Pod empty-a)", severity: .error) {
      $0.replace("objects.yaml", "selector: {app: empty}", "selector: {app: empty, tier: front}")
      $0.replace(
        "objects.yaml", "labels: {app: empty}}, spec: {nodeName: a}",
        "labels: {app: empty, tier: back}}, spec: {nodeName: a}")
    },
  ]
}
