import Diagnosis
import Findings
import Input
import PacketPath
import Wire

/// What is written of a trace, made once for all flows that fare the same: text with places for what is each flow's
/// own, and for the steps, whose text stands in a `StepTexts`.
struct TraceTemplate {
  struct Mark {
    /// What stands before the mark: the text up to here.
    var offset: UInt32
    /// A flow's source address or port, or a step's number + 2.
    var kind: UInt32

    static let source: UInt32 = 0
    static let sourcePort: UInt32 = 1
    static let firstStep: UInt32 = 2
  }

  var text: [UInt8]
  var marks: [Mark]
  var answer: Answer

  /// The memory that it takes.
  var size: Int { text.count + marks.count * MemoryLayout<Mark>.stride + 64 }

  func write(_ flow: Flow, _ steps: StepTexts, to out: inout TextBuffer) {
    text.withUnsafeBytes { text in
      var from = 0
      for mark in marks {
        out.raw(UnsafeRawBufferPointer(rebasing: text[from..<Int(mark.offset)]))
        from = Int(mark.offset)
        switch mark.kind {
        case Mark.source: out.address(flow.source)
        case Mark.sourcePort: out.decimal(UInt64(flow.sourcePort))
        default: steps.write(Int(mark.kind - Mark.firstStep), to: &out)
        }
      }
      out.raw(UnsafeRawBufferPointer(rebasing: text[from...]))
    }
  }
}
