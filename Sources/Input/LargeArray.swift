#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

extension Array {
  /// `count` equal elements, as `reserveLarge` lays them out.
  public init(large element: Element, count: Int) {
    self = []
    reserveLarge(count)
    append(contentsOf: repeatElement(element, count: count))
  }

  /// Makes room for elements of which there will be many, and asks for huge pages behind it: filling 50 MB in pages of
  /// 4 KiB costs more in page faults than parsing what fills them (madvise(2), MADV_HUGEPAGE). Arrays that are reserved one
  /// after the other, before any is filled, share their pages. Elements are plain data.
  public mutating func reserveLarge(_ additional: Int) {
    reserveCapacity(count + additional)
    let size = capacity * MemoryLayout<Element>.stride
    guard size >= 1 << 18 else { return }
    withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      adviseHugePages(base, size)
    }
  }
}

/// Advice only: without it the pages are small.
func adviseHugePages(_ base: UnsafeMutableRawPointer, _ size: Int) {
  let start = (UInt(bitPattern: base) + 4095) & ~4095
  let end = (UInt(bitPattern: base) + UInt(size)) & ~4095
  guard start < end else { return }
  _ = madvise(UnsafeMutableRawPointer(bitPattern: start), Int(end - start), MADV_HUGEPAGE)
}
