/// What to do about a finding: a command that can be pasted, or an advice for people.
public struct Fix: Sendable, Hashable {
  public enum Action: Sendable, Hashable {
    case command(ShellCommand)
    case advice(String)
  }

  public var action: Action
  /// What it does, or when it is the right one; one clause.
  public var why: String?

  public static func command(_ command: ShellCommand, why: String? = nil) -> Fix {
    Fix(action: .command(command), why: why)
  }

  public static func advice(_ text: String, why: String? = nil) -> Fix { Fix(action: .advice(text), why: why) }

  public var command: ShellCommand? {
    if case .command(let command) = action { return command }
    return nil
  }

  /// The command, or the advice, without its reason.
  public var text: String {
    switch action {
    case .command(let command): command.text
    case .advice(let text): text
    }
  }
}
