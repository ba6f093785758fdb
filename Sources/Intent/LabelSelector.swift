/// Which labels an object must have: `matchLabels` and `matchExpressions`. An empty one selects everything.
public struct LabelSelector: Sendable {
  public struct Requirement: Sendable {
    public enum Operator: String, Sendable {
      case `in` = "In"
      case notIn = "NotIn"
      case exists = "Exists"
      case doesNotExist = "DoesNotExist"
    }
    public var key: String
    public var comparison: Operator
    public var values: [String]

    public init(_ key: String, _ comparison: Operator, _ values: [String] = []) {
      self.key = key
      self.comparison = comparison
      self.values = values
    }

    func holds(_ value: String?) -> Bool {
      switch comparison {
      case .in: value.map(values.contains) ?? false
      case .notIn: !(value.map(values.contains) ?? false)
      case .exists: value != nil
      case .doesNotExist: value == nil
      }
    }
  }

  public var requirements: [Requirement] = []

  public init() {}

  public func matches(_ labels: [(key: String, value: String)]) -> Bool {
    requirements.allSatisfy { wanted in wanted.holds(labels.first { $0.key == wanted.key }?.value) }
  }
}
