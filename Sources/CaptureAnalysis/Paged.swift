import Glibc

/// A growing array of plain values (nothing counted inside) in pages that never move, so that pointers into it stay good
/// and growing copies nothing. Elements start on cache lines: one visited at random touches no line more than it must.
struct Paged<Element>: ~Copyable {
  /// 2^15 elements of whole cache lines: pages are multiples of 2 MiB, so that huge pages can back all of them.
  private static var pageBits: Int { 15 }
  private static var pageMask: Int { 1 << pageBits - 1 }
  private static var stride: Int { (MemoryLayout<Element>.stride + 63) & ~63 }
  /// So many elements of the first page may stand on small pages: short captures need no more memory than that.
  private static var small: Int { 512 }

  // Not an array: finding an element must not count references to one.
  private var pages: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private var capacity = 8
  private(set) var count = 0

  init() { pages = .allocate(capacity: capacity) }

  deinit {
    for index in 0..<(count + Self.pageMask) >> Self.pageBits { free(pages[index]) }
    pages.deallocate()
  }

  /// Adds an element and says where it stands.
  mutating func append(_ element: Element) -> Int {
    add().initialize(to: element)
    return count &- 1
  }

  /// Adds an element, which the caller is to initialize at once.
  @inline(__always) mutating func add() -> UnsafeMutablePointer<Element> {
    let index = count
    if index & Self.pageMask == 0 || index == Self.small { prepare(index) }
    count &+= 1
    return pointer(index)
  }

  @inline(never) private mutating func prepare(_ index: Int) {
    let page = index >> Self.pageBits
    if index & Self.pageMask == 0 { addPage(page) }
    if page > 0 {
      HugePages.back(pages[page], Self.stride << Self.pageBits)
    } else if index == Self.small {
      HugePages.gather(pages[0], Self.stride << Self.pageBits)
    }
  }

  private mutating func addPage(_ page: Int) {
    if page == capacity {
      let larger = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: capacity * 2)
      larger.update(from: pages, count: capacity)
      pages.deallocate()
      pages = larger
      capacity *= 2
    }
    var base: UnsafeMutableRawPointer?
    guard posix_memalign(&base, HugePages.size, Self.stride << Self.pageBits) == 0, let base else {
      fatalError("out of memory")
    }
    pages[page] = base
  }

  @inline(__always) func pointer(_ index: Int) -> UnsafeMutablePointer<Element> {
    (pages[index >> Self.pageBits] + (index & Self.pageMask) &* Self.stride).assumingMemoryBound(to: Element.self)
  }

  /// Two neighbours, the first of them at an even index: that at `index + first`, and the other.
  @inline(__always) func pair(
    _ index: Int, first: Int
  ) -> (UnsafeMutablePointer<Element>, UnsafeMutablePointer<Element>) {
    let base = UnsafeMutableRawPointer(pointer(index))
    return (
      (base + first &* Self.stride).assumingMemoryBound(to: Element.self),
      (base + (1 &- first) &* Self.stride).assumingMemoryBound(to: Element.self)
    )
  }

  subscript(_ index: Int) -> Element {
    get { pointer(index).pointee }
    nonmutating set { pointer(index).pointee = newValue }
  }
}
