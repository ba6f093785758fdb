import CZlib
import CZstd
import Glibc
import Input

/// A source of bytes that is read front to back, once.
public protocol ByteStream: AnyObject {
  /// Fills from the start of `buffer`; 0 only at the end of the input.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int
  /// Bytes taken so far from what the stream reads (compressed bytes of a compressed file), for progress.
  var consumed: Int { get }
}

/// A descriptor, closed with the object when it owns it.
public final class FileStream: ByteStream {
  private let descriptor: Int32
  private let owned: Bool
  private let name: String
  public private(set) var consumed = 0
  /// Of a regular file; nil for a pipe.
  public let size: Int?

  /// `-` is standard input.
  public init(path: String) throws(InputError) {
    name = path == "-" ? "standard input" : path
    owned = path != "-"
    descriptor = owned ? Glibc.open(path, O_RDONLY | O_CLOEXEC) : 0
    guard descriptor >= 0 else { throw InputError(path: path, errno: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw InputError(path: path, errno: errno) }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      if owned { close(descriptor) }
      throw InputError(path: path, errno: EISDIR)
    }
    size = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    if size != nil { posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL) }
  }

  deinit { if owned, descriptor >= 0 { close(descriptor) } }

  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    while true {
      let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw InputError(path: name, errno: errno) }
      consumed += got
      return got
    }
  }
}

/// Bytes in memory; tests use it.
public final class MemoryStream: ByteStream {
  private let bytes: [UInt8]
  public private(set) var consumed = 0

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    let count = min(buffer.count, bytes.count - consumed)
    bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[consumed..<consumed + count])) }
    consumed += count
    return count
  }
}

/// What a stream starts with, given back before the rest: formats are recognised by content, also on a pipe.
final class PrefixedStream: ByteStream {
  private var prefix: ArraySlice<UInt8>
  private let rest: any ByteStream
  var consumed: Int { rest.consumed }

  init(_ prefix: [UInt8], _ rest: any ByteStream) {
    self.prefix = prefix[...]
    self.rest = rest
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    guard !prefix.isEmpty else { return try rest.read(into: buffer) }
    let count = min(buffer.count, prefix.count)
    buffer.copyBytes(from: prefix.prefix(count))
    prefix = prefix.dropFirst(count)
    return count
  }
}

/// gzip (RFC 1952), several members in a row included. Holds two buffers whatever the ratio, so that a compressed bomb
/// costs time but no memory.
final class GzipStream: ByteStream {
  private let input: any ByteStream
  private var state: UnsafeMutablePointer<z_stream>
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
  private var ended = false
  private var memberOpen = false
  var consumed: Int { input.consumed }

  init(_ input: any ByteStream) {
    self.input = input
    state = .allocate(capacity: 1)
    state.initialize(to: z_stream())
    // 31: a gzip wrapper and the largest window.
    inflateInit2_(state, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  }

  deinit {
    inflateEnd(state)
    state.deallocate()
    buffer.deallocate()
  }

  func read(into output: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    state.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_out = UInt32(output.count)
    while state.pointee.avail_out == UInt32(output.count), !ended {
      if state.pointee.avail_in == 0 {
        let got = try input.read(into: buffer)
        if got == 0 {
          ended = true
          if memberOpen { throw InputError(path: "gzip", reason: "compressed data ends early") }
          break
        }
        state.pointee.next_in = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        state.pointee.avail_in = UInt32(got)
      }
      memberOpen = true
      let code = inflate(state, Z_NO_FLUSH)
      if code == Z_STREAM_END {
        memberOpen = false
        inflateReset(state)
      } else if code != Z_OK && code != Z_BUF_ERROR {
        ended = true
        // Zero bytes or a signature after the last member are no error of the data itself.
        if state.pointee.total_out == 0 && state.pointee.total_in <= 16 && consumed > 18 { break }
        throw InputError(path: "gzip", reason: "compressed data is damaged")
      }
    }
    return output.count - Int(state.pointee.avail_out)
  }
}

/// Zstandard (RFC 8878), several frames in a row included; windows up to 128 MiB as the zstd tool allows by default.
final class ZstdStream: ByteStream {
  private let input: any ByteStream
  private let context = ZSTD_createDCtx()
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
  private var pending = ZSTD_inBuffer()
  private var frameOpen = false
  var consumed: Int { input.consumed }

  init(_ input: any ByteStream) {
    self.input = input
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
  }

  deinit {
    ZSTD_freeDCtx(context)
    buffer.deallocate()
  }

  func read(into output: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    var out = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    while out.pos == 0 {
      if pending.pos == pending.size {
        let got = try input.read(into: buffer)
        if got == 0 {
          if frameOpen {
            frameOpen = false
            throw InputError(path: "zstd", reason: "compressed data ends early")
          }
          return 0
        }
        pending = ZSTD_inBuffer(src: buffer.baseAddress, size: got, pos: 0)
      }
      let code = ZSTD_decompressStream(context, &out, &pending)
      if ZSTD_isError(code) != 0 {
        throw InputError(
          path: "zstd", reason: "compressed data is damaged: \(String(cString: ZSTD_getErrorName(code)))")
      }
      frameOpen = code != 0
    }
    return out.pos
  }
}
