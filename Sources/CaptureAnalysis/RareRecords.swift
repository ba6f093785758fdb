/// Records that few have need of: all others share one that is never written. Those of owners that went are used again.
struct RareRecords<Record>: ~Copyable {
  let none: UnsafeMutablePointer<Record>
  private let blank: Record
  private var records = Paged<Record>()
  private var free: [UnsafeMutablePointer<Record>] = []

  init(of blank: Record) {
    self.blank = blank
    none = .allocate(capacity: 1)
    none.initialize(to: blank)
  }

  deinit { none.deallocate() }

  /// The owner's own record, made when it has none; `record` is what it has, and then leads there.
  mutating func own(_ record: inout UnsafeMutablePointer<Record>) -> UnsafeMutablePointer<Record> {
    guard record == none else { return record }
    if let old = free.popLast() {
      record = old
      record.pointee = blank
    } else {
      record = records.pointer(records.append(blank))
    }
    return record
  }

  /// Takes back the record of an owner that goes.
  mutating func giveBack(_ record: UnsafeMutablePointer<Record>) {
    if record != none { free.append(record) }
  }
}
