import Ruleset
import Wire

extension IptablesParser {
  /// `-m ipvs [--ipvs] [--vproto NUMBER] [--vaddr PREFIX] [--vport PORT] [--vdir ORIGINAL|REPLY] [--vmethod GATE|IPIP|MASQ]
  /// [--vportctl PORT]`; nil: some option is not understood.
  static func virtualServerTest(_ module: RuleState.Module) -> VirtualServerTest? {
    var test = VirtualServerTest()
    for option in module.options {
      let argument = option.arguments.first
      func part<Value>(_ value: Value?) -> VirtualServerTest.Part<Value>? {
        value.map { VirtualServerTest.Part($0, negated: option.negated) }
      }
      let isUnderstood: Bool
      switch option.name.text {
      case "--ipvs":
        test.property = part(true)
        isUnderstood = true
      case "--vproto":
        test.ipProtocol = part(argument.flatMap { IPProtocol($0.text.lowercased()) }?.rawValue)
        isUnderstood = test.ipProtocol != nil
      case "--vaddr":
        test.address = part(
          argument.flatMap { word in
            IPPrefix(word.text) ?? IPAddress(word.text).map { IPPrefix($0, length: $0.version.width) }
          })
        isUnderstood = test.address != nil
      case "--vport":
        test.port = part(argument?.number.flatMap { UInt16(exactly: $0) })
        isUnderstood = test.port != nil
      case "--vportctl":
        test.controlPort = part(argument?.number.flatMap { UInt16(exactly: $0) })
        isUnderstood = test.controlPort != nil
      case "--vdir":
        test.isReply = part(argument.map { $0.equals("REPLY") })
        isUnderstood = argument.map { $0.equals("REPLY") || $0.equals("ORIGINAL") } ?? false
      case "--vmethod":
        test.method = part(argument.flatMap { VirtualServerTest.Method(rawValue: $0.text) })
        isUnderstood = test.method != nil
      default: isUnderstood = false
      }
      if !isUnderstood { return nil }
    }
    return module.options.isEmpty ? nil : test
  }
}
