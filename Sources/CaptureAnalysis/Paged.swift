import Glibc

/// A growing array of plain values (nothing counted inside) in pages that never move, so that pointers into it stay good
/// and growing copies nothing. Elements start on cache lines: one visited at random touches no line more than it must.
struct Paged<Element>: ~Copyable {
  /// 2^15 elements of whole cache lines: pages are multiples of 2 MiB, so that huge pages can back all of them.
  private static var pageBits: Int { 15 }
  /// So many elements of the first page may stand on small pages: short captures need no more memory than that.
  private static var small: Int { 512 }
  private static var stride: Int { (MemoryLayout<Element>.stride + 63) & ~63 }
  private var pages: [UnsafeMutableRawPointer] = []
  private(set) var count = 0

  init() {}
  deinit { for page in pages { free(page) } }

  private static func page() -> UnsafeMutableRawPointer {
    var base: UnsafeMutableRawPointer?
    guard posix_memalign(&base, 1 << 21, stride << pageBits) == 0, let base else { fatalError("out of memory") }
    return base
  }

  /// Adds an element and says where it stands.
  mutating func append(_ element: Element) -> Int {
    let index = count
    if index >> Self.pageBits == pages.count { pages.append(Self.page()) }
    // Huge pages: fewer faults, and fewer misses when elements are visited at random.
    if index == Self.small || index > 0 && index & (1 << Self.pageBits - 1) == 0 {
      madvise(pages[index >> Self.pageBits], Self.stride << Self.pageBits, MADV_HUGEPAGE)
    }
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
