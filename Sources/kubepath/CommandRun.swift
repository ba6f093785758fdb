import ArgumentParser
import CaptureFile
import Input
import Snapshot

/// What all commands do alike around their work: messages and exit statuses.
enum CommandRun {
  /// Runs a command's body, turning what it throws into messages and exit statuses.
  static func guarding(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as InputError {
      Terminal.say("\(error.path): \(error.reason)")
      throw ExitStatus.noInput
    } catch let error as Diagnostic {
      Terminal.say("error: \(error.description)")
      throw ExitStatus.malformed
    } catch let error as CaptureError {
      Terminal.say(error.description)
      switch error {
      case .cannotOpen: throw ExitStatus.noInput
      case .cannotWrite: throw ExitStatus.noOutput
      case .malformed: throw ExitStatus.malformed
      }
    } catch let error as OutputFailure {
      Terminal.say("\(error.path): \(error.reason)")
      throw ExitStatus.noOutput
    }
  }

  /// Says what the input brought up; true: something of it is malformed.
  static func report(_ bundle: Bundle, verbose: Bool) -> Bool {
    var all = bundle.diagnostics
    for snapshot in bundle.snapshots { all.add(contentsOf: snapshot.diagnostics) }
    Terminal.report(all, verbose: verbose)
    return all.worst == .error
  }
}

/// A file that cannot be written, and why.
struct OutputFailure: Error {
  let path: String
  let reason: String
  init(_ path: String, _ reason: String) {
    self.path = path
    self.reason = reason
  }
}
