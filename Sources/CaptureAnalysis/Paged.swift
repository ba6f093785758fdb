/// A growing array of plain values (nothing counted inside) in pages that never move, so that pointers into it stay good and growing copies nothing.
struct Paged<Element>: ~Copyable {
  private static var pageBits: Int { 10 }
  private var pages: [UnsafeMutablePointer<Element>] = []
  private(set) var count = 0

  init() {}
  deinit { for page in pages { page.deallocate() } }

  /// Adds an element and says where it stands.
  mutating func append(_ element: Element) -> Int {
    let index = count
    if index >> Self.pageBits == pages.count { pages.append(.allocate(capacity: 1 << Self.pageBits)) }
    (pages[index >> Self.pageBits] + (index & (1 << Self.pageBits - 1))).initialize(to: element)
    count += 1
    return index
  }

  @inline(__always) func pointer(_ index: Int) -> UnsafeMutablePointer<Element> {
    pages.withUnsafeBufferPointer { ($0.baseAddress.unsafelyUnwrapped + index >> Self.pageBits).pointee }
      + (index & (1 << Self.pageBits - 1))
  }

  subscript(_ index: Int) -> Element {
    get { pointer(index).pointee }
    nonmutating set { pointer(index).pointee = newValue }
  }
}
