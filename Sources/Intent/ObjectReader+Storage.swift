import Input

extension ObjectReader {
  mutating func claim(_ value: JSONValue, _ meta: Metadata) {
    var claim = PersistentVolumeClaim(namespace: meta.namespace, name: meta.name)
    claim.file = file
    if let spec = value["spec"] {
      claim.storageClass = spec["storageClassName"]?.string
      claim.accessModes = spec["accessModes"]?.elements.compactMap(\.string) ?? []
      claim.request = spec["resources"]?["requests"]?["storage"]?.string ?? ""
    }
    claim.phase = value["status"]?["phase"]?.string ?? ""
    cluster.claims.append(claim)
  }

  mutating func storageClass(_ value: JSONValue, _ meta: Metadata) {
    var storage = StorageClass(name: meta.name)
    storage.provisioner = value["provisioner"]?.string ?? ""
    storage.waitsForConsumer = value["volumeBindingMode"]?.text.map { $0 == "WaitForFirstConsumer" } ?? false
    storage.isDefault =
      meta.annotations?["storageclass.kubernetes.io/is-default-class"]?.text.map { $0 == "true" } ?? false
    cluster.storageClasses.append(storage)
  }

  mutating func lease(_ value: JSONValue, _ meta: Metadata) {
    var lease = Lease(namespace: meta.namespace, name: meta.name)
    lease.file = file
    guard let spec = value["spec"] else { return }
    lease.holder = spec["holderIdentity"]?.string ?? ""
    lease.duration = spec["leaseDurationSeconds"]?.int ?? 0
    lease.renewed = Self.time(spec["renewTime"])
    cluster.leases.append(lease)
  }
}
