import Findings

extension CheckTests {
  static let cases: [Case] =
    endpointCases + natCases + rulePlaneCases + ipvsCases + causeCases + workloadCases
    + pluginCases + nodeCases + variantCases + journeyCases
}

/// Words of the fixture's rules.
enum Chains {
  static let cart = "KUBE-SVC-I5LIAMPLWKMBJ54B"
  static let edge = "KUBE-SVC-TFCKRJ4VVZESZDQY"
  static let edgeLocal = "KUBE-SVL-TFCKRJ4VVZESZDQY"
  static let edgeExternal = "KUBE-EXT-TFCKRJ4VVZESZDQY"
}
