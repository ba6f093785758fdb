import Glibc

/// A growing array of plain values (nothing counted inside) in pages that never move, so that pointers into it stay good
/// and growing copies nothing. Elements start on cache lines: one visited at random touches no line more than it must.
struct Paged<Element>: ~Copyable {
  private static var pageBits: Int { 12 }
  private static var stride: Int { (MemoryLayout<Element>.stride + 63) & ~63 }
  private var pages: [UnsafeMutableRawPointer] = []
  private(set) var count = 0

  init() {}
  deinit { for page in pages { free(page) } }

  /// Pages after the first ask for huge pages: fewer faults and fewer misses when conversations are visited at random.
  private static func page(large: Bool) -> UnsafeMutableRawPointer {
    let size = stride << pageBits
    var base: UnsafeMutableRawPointer?
    guard posix_memalign(&base, large ? 1 << 21 : 64, size) == 0, let base else { fatalError("out of memory") }
    if large { madvise(base, size, MADV_HUGEPAGE) }
    return base
  }

  /// Adds an element and says where it stands.
  mutating func append(_ element: Element) -> Int {
    let index = count
    if index >> Self.pageBits == pages.count { pages.append(Self.page(large: !pages.isEmpty)) }
    (pages[index >> Self.pageBits] + (index & (1 << Self.pageBits - 1)) * Self.stride)
      .initializeMemory(as: Element.self, to: element)
    count += 1
    return index
  }

  @inline(__always) func pointer(_ index: Int) -> UnsafeMutablePointer<Element> {
    (pages.withUnsafeBufferPointer { ($0.baseAddress.unsafelyUnwrapped + index >> Self.pageBits).pointee }
      + (index & (1 << Self.pageBits - 1)) &* Self.stride).assumingMemoryBound(to: Element.self)
  }

  subscript(_ index: Int) -> Element {
    get { pointer(index).pointee }
    nonmutating set { pointer(index).pointee = newValue }
  }
}
