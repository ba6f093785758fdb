/// Endpoints, each once and in order. Services mostly have a handful, so it is a sorted array: membership takes
/// O(log n), everything else O(n).
public struct EndpointSet: Sendable, Hashable {
  private var sorted: [EndpointAddress] = []

  public init() {}

  /// In any order, repeated or not.
  public init(_ endpoints: [EndpointAddress]) {
    // Mostly they come in order, and the array is taken as it is.
    var at = 1
    while at < endpoints.count, endpoints[at - 1] < endpoints[at] { at += 1 }
    guard at < endpoints.count else {
      sorted = endpoints
      return
    }
    sorted.reserveCapacity(endpoints.count)
    for endpoint in endpoints.sorted() where sorted.last != endpoint { sorted.append(endpoint) }
  }

  public func contains(_ endpoint: EndpointAddress) -> Bool { position(of: endpoint) != nil }

  /// Index of an endpoint; nil: it is none of these.
  public func position(of endpoint: EndpointAddress) -> Int? {
    var low = 0
    var high = sorted.count
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < endpoint { low = middle + 1 } else { high = middle }
    }
    return low < sorted.count && sorted[low] == endpoint ? low : nil
  }

  public func subtracting(_ other: EndpointSet) -> EndpointSet {
    guard !isEmpty, !other.isEmpty else { return self }
    var rest = EndpointSet()
    rest.sorted = sorted.filter { !other.contains($0) }
    return rest
  }

  public func union(_ other: EndpointSet) -> EndpointSet {
    if other.isEmpty { return self }
    return isEmpty ? other : EndpointSet(sorted + other.sorted)
  }
}

extension EndpointSet: RandomAccessCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { sorted.count }
  public subscript(index: Int) -> EndpointAddress { sorted[index] }
}

extension EndpointSet: ExpressibleByArrayLiteral {
  public init(arrayLiteral endpoints: EndpointAddress...) { self.init(endpoints) }
}
