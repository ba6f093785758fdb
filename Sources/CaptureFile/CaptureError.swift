import Input

/// Why a capture could not be read at all, or not be written.
public enum CaptureError: Error, CustomStringConvertible, Sendable {
  case cannotOpen(InputError)
  case malformed(Diagnostic)
  case cannotWrite(InputError)

  public var description: String {
    switch self {
    case .cannotOpen(let error), .cannotWrite(let error): error.description
    case .malformed(let diagnostic): diagnostic.description
    }
  }
}

func hex(_ value: UInt32) -> String { "0x" + String(value, radix: 16) }
