import Findings

/// A LoadBalancer Service that no controller has given an address.
enum LoadBalancerAddress: Check {
  static let id = "load-balancer-address"

  static func run(_ context: CheckContext) -> [Finding] {
    context.intent.services.filter {
      $0.kind == .loadBalancer && $0.loadBalancerIPs.isEmpty && $0.proxiedLoadBalancerIPs.isEmpty
        && $0.loadBalancerHostnames.isEmpty
    }.map { service in
      Finding(
        id: id, severity: .info, confidence: .certain, subject: context.subject(service),
        problem: "Service \(service.fullName) has no external address yet",
        cause:
          "status.loadBalancer is empty ← no load-balancer controller (cloud, MetalLB), or its address pool is used up",
        fix: [.advice("read the controller's events: \(service.describeCommand)")],
        verify: ["kubectl -n \(service.namespace) get service \(service.name)"])
    }
  }
}
