import CaptureAnalysis
import CaptureFile
import Findings
import Testing
import Wire

/// Questions that stay without an answer below TCP: ARP and pings.
@Suite struct LinkQuestionTests {
  private static func ids(_ frames: [(milliseconds: Int, bytes: [UInt8])], _ link: LinkType) -> [Finding] {
    var analyzer = CaptureAnalyzer(options: CaptureOptions())
    for (index, frame) in frames.enumerated() {
      frame.bytes.withUnsafeBytes {
        analyzer.consume(
          Frame(
            bytes: PacketBytes($0), time: 1_700_000_000_000_000_000 + Int64(frame.milliseconds) * 1_000_000,
            number: index + 1, linkType: link, file: 0))
      }
    }
    return analyzer.finish()
  }

  /// `10.0.0.1` asks for `10.0.0.last`; or the answer to it.
  private static func arp(_ operation: UInt8, for last: UInt8, asker: UInt8 = 1) -> [UInt8] {
    let mine: [UInt8] = [2, 0, 0, 0, 0, operation == 1 ? asker : last]
    let ends: [[UInt8]] = [[10, 0, 0, asker], [10, 0, 0, last]]
    let (sender, target) = operation == 1 ? (ends[0], ends[1]) : (ends[1], ends[0])
    let destination: [UInt8] = operation == 1 ? Array(repeating: 255, count: 6) : [2, 0, 0, 0, 0, asker]
    return destination + mine + [8, 6, 0, 1, 8, 0, 6, 4, 0, operation] + mine + sender + [0, 0, 0, 0, 0, 0] + target
  }

  @Test func anAddressThatNobodyAnswersForIsNamed() throws {
    let found = Self.ids(
      [(0, Self.arp(1, for: 9)), (1000, Self.arp(1, for: 9)), (2000, Self.arp(1, for: 9))], .ethernet)
    let finding = try #require(found.first { $0.id == "arp-unanswered" })
    #expect(finding.subject.name == "10.0.0.9")
  }

  @Test func anAnswerLateIsAnAnswer() {
    let frames = [0, 1000, 2000].map { ($0, Self.arp(1, for: 9)) } + [(2001, Self.arp(2, for: 9))]
    #expect(!Self.ids(frames, .ethernet).contains { $0.id == "arp-unanswered" })
  }

  /// Answers go to the asker alone: a third host's capture has the questions of all and the answers of none.
  @Test func questionsOfOthersProveNothing() {
    let frames = [0, 1000, 2000].flatMap { [($0, Self.arp(1, for: 9)), ($0 + 1, Self.arp(1, for: 8, asker: 3))] }
    #expect(!Self.ids(frames, .ethernet).contains { $0.id == "arp-unanswered" })
  }

  private static func echo(_ type: UInt8, _ sequence: UInt8, size: Int) -> [UInt8] {
    let body = [type, 0, 0, 0, 0, 7, 0, sequence] + [UInt8](repeating: 65, count: size - 28)
    return type == 8
      ? AnalyzerTests.ipv4(1, from: [10, 0, 0, 1], to: [10, 0, 0, 2], id: UInt16(sequence), body)
      : AnalyzerTests.ipv4(1, from: [10, 0, 0, 2], to: [10, 0, 0, 1], id: UInt16(sequence) + 100, body)
  }

  @Test func smallPingsPassAndLargeOnesDoNot() throws {
    let frames: [(Int, [UInt8])] = [
      (0, Self.echo(8, 1, size: 84)), (1, Self.echo(0, 1, size: 84)), (1000, Self.echo(8, 2, size: 1500)),
      (2000, Self.echo(8, 3, size: 1500)), (3000, Self.echo(8, 4, size: 1450)), (3001, Self.echo(0, 4, size: 1450)),
    ]
    let finding = try #require(Self.ids(frames, .ipv4).first { $0.id == "pmtu-black-hole" })
    #expect(finding.problem.contains("up to 1450 bytes and none of 1500"))
  }

  @Test func pingsThatAreLostWhateverTheirSizeAreNoMatterOfSize() {
    let frames: [(Int, [UInt8])] = [
      (0, Self.echo(8, 1, size: 1500)), (1, Self.echo(0, 1, size: 1500)), (1000, Self.echo(8, 2, size: 84)),
      (2000, Self.echo(8, 3, size: 84)),
    ]
    #expect(!Self.ids(frames, .ipv4).contains { $0.id == "pmtu-black-hole" })
  }

  /// What stands before the IP packet on other links than Ethernet.
  @Test(arguments: [105, 117, 127, 258] as [UInt16]) func otherLinks(type: UInt16) {
    let packet = AnalyzerTests.ipv4(
      17, AnalyzerTests.udp(40_000, 53, [1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]))
    let wireless: [UInt8] = [8, 1] + [UInt8](repeating: 0, count: 22) + [0xAA, 0xAA, 3, 0, 0, 0, 8, 0] + packet
    let bytes: [UInt8] =
      switch type {
      case 105: wireless
      case 117: [61, 2, 0, 0] + [UInt8](repeating: 0, count: 60) + packet
      case 127: [0, 0, 8, 0, 0, 0, 0, 0] + wireless
      default: [12, 0, 0, 0, 1, 0, 0, 0, 101, 0, 0, 0] + packet
      }
    for cut in [bytes.count, bytes.count / 2, 9, 3, 0] {
      var analyzer = CaptureAnalyzer(options: CaptureOptions())
      Array(bytes[..<cut]).withUnsafeBytes {
        analyzer.consume(Frame(bytes: PacketBytes($0), time: 1, number: 1, linkType: LinkType(rawValue: type), file: 0))
      }
      if cut == bytes.count { #expect(analyzer.counts.dnsQueries == 1 && analyzer.counts.undecoded == 0) }
    }
  }

  /// Calico's node answers on every Pod's link with one hardware address, for any address.
  @Test func proxiedAddressesAreNotDouble() {
    var frames = [(0, Self.arp(2, for: 9)), (10, Self.arp(2, for: 9)), (20, Self.arp(2, for: 9))]
    frames[1].1.replaceSubrange(22..<28, with: [UInt8](repeating: 0xEE, count: 6))
    #expect(!Self.ids(frames, .ethernet).contains { $0.id == "duplicate-address" })
  }
}
