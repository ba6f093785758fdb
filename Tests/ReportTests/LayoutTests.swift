import Foundation
import Testing

@testable import Report

/// Text for the terminal it is on: widths counted as a terminal counts them, nothing lost where there is no limit.
@Suite struct LayoutTests {
  @Test(arguments: [
    ("plain", 5), ("→ 10.0.0.1", 10), ("日本", 4), ("e\u{301}", 1), ("👍", 2), ("한글", 4), ("ｆ", 2), ("", 0),
  ]) func width(_ text: String, _ width: Int) {
    #expect(columnWidth(text) == width)
    #expect(columnWidth(Style(coloured: true).bad(text)) == width)
  }

  private static func table() -> Columns {
    var table = Columns(
      ["SERVICE", "FRONTEND", "PODS", "ENDPOINTS"], [.name, .whole, .whole, .list])
    table.add(
      "shop/a-very-long-name-of-a-service:http", "ClusterIP 10.96.0.1:80/tcp", "served",
      "10.244.1.10:8080,10.244.1.11:8080")
    table.add(
      "日本/サービス:http", "NodePort [2001:db8:ffff::1234]:30080/tcp", "refused",
      "[fd00:10:244:1::1234]:8080,[fd00:10:244:2::1234]:8080")
    return table
  }

  /// Whatever the width, an address stands whole, and no line is longer than the terminal (but for one address).
  @Test(arguments: [40, 60, 80, 100, 120, 200]) func tablesFit(width: Int) {
    let lines = Self.table().lines(width)
    let text = lines.joined(separator: "\n")
    for address in [
      "10.96.0.1:80/tcp", "[2001:db8:ffff::1234]:30080/tcp", "10.244.1.10:8080", "10.244.1.11:8080",
      "[fd00:10:244:1::1234]:8080", "[fd00:10:244:2::1234]:8080",
    ] { #expect(text.contains(address), "\(width): \(text)") }
    for line in lines { #expect(columnWidth(line) <= max(width, 52), "\(width): \(line)") }
  }

  @Test func withoutALimitNothingIsCut() {
    let lines = Self.table().lines()
    #expect(lines.count == 3)
    #expect(!lines.joined().contains("…"))
    #expect(lines[1].contains("shop/a-very-long-name-of-a-service:http"))
    // Columns stand under each other, wide characters counted.
    #expect(
      Set(lines.map { columnWidth(String($0.prefix(upTo: $0.range(of: "  ", options: .backwards)!.lowerBound))) }).count
        <= 3)
    #expect(Style(coloured: false).paragraph("x: ", String(repeating: "word ", count: 100)).count == 1)
  }

  @Test func namesGiveWayInTheirMiddleAddressesNever() {
    var table = Columns([], [.name, .whole])
    table.add("pod/shop/checkout-7d9f8b6c5-x2k4z", "served")
    table.add("[2001:db8:0:1:2:3:4:5]:8080", "served")
    let lines = table.lines(38)
    #expect(lines[0].contains("…") && lines[0].hasPrefix("pod/shop/"))
    #expect(lines[1].contains("[2001:db8:0:1:2:3:4:5]:8080"))
  }

  @Test func paragraphsKeepWordsWhole() {
    let style = Style(coloured: false, width: 40)
    let lines = style.paragraph(
      "  cause: ", "the longest match is unreachable 2001:db8:1111:2222:3333:4444::/96 for it")
    #expect(lines.contains { $0.contains("2001:db8:1111:2222:3333:4444::/96") })
    #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("         ") })
  }

  // MARK: rules

  @Test(
    arguments: [
      (
        "-A KUBE-SVC-A -d 10.96.0.1/32 -m comment --comment \"shop/cart:http \\\"x\\\" cluster IP\" -j KUBE-SEP-B",
        "-A KUBE-SVC-A -d 10.96.0.1/32 -j KUBE-SEP-B", "shop/cart:http \\\"x\\\" cluster IP"
      ),
      ("-A X -m comment --comment word -j DROP", "-A X -j DROP", "word"),
      ("ip daddr 10.96.0.1 drop comment \"why\"", "ip daddr 10.96.0.1 drop", "why"),
      ("DROP tcp -- 0.0.0.0/0 0.0.0.0/0 /* note */ tcp dpt:80", "DROP tcp -- 0.0.0.0/0 0.0.0.0/0 tcp dpt:80", "note"),
      ("-A X -m comment --comment \"not closed", "-A X -m comment --comment \"not closed", nil),
    ] as [(String, String, String?)]) func commentsAreTold(_ text: String, _ rule: String, _ comment: String?)
  {
    let parted = RuleText.parted(text)
    #expect(parted.rule == rule)
    #expect(parted.comment == comment)
  }

  /// The comment gives way before the address does.
  @Test func theCommentIsShortenedFirst() {
    let text =
      "-A K -d 10.96.123.123/32 -m comment --comment \"a comment that is long, and longer still\" -j DNAT --to-destination 10.244.1.10:8080"
    let rule = "-A K -d 10.96.123.123/32 -j DNAT --to-destination 10.244.1.10:8080"
    let narrow = RuleText(style: Style(coloured: false, width: 80)).lines(text, indent: 0)
    #expect(narrow.count == 1 && narrow[0].hasPrefix(rule + "  # a") && narrow[0].hasSuffix("…"))
    let pipe = RuleText(style: Style(coloured: false)).lines(text, indent: 0)
    #expect(pipe == [rule + "  # a comment that is long, and longer still"])
    let tiny = RuleText(style: Style(coloured: false, width: 48)).lines(text, indent: 0)
    #expect(tiny.contains { $0.contains("10.244.1.10:8080") } && !tiny.joined().contains("comment"))
  }

  // MARK: colours

  /// Each colour is 3.5 times as bright or as dark as black and as white (WCAG's contrast), so that it holds on both.
  @Test(arguments: [Style.goodColour, Style.badColour, Style.warnColour]) func coloursHoldOnLightAndDark(_ index: UInt8)
  {
    let steps: [Double] = [0, 95, 135, 175, 215, 255]
    let cube = Int(index) - 16
    let channels = [cube / 36, cube / 6 % 6, cube % 6].map { step -> Double in
      let value = steps[step] / 255
      return value <= 0.03928 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }
    let light = 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    #expect((light + 0.05) / 0.05 >= 3.5, "on black")
    #expect(1.05 / (light + 0.05) >= 3.5, "on white")
  }
}
