import Testing
import Wire

@Suite struct CertificateTests {
  /// The smallest certificate with dates: serial 1, an empty algorithm and issuer.
  private static func certificate(_ from: String, _ until: String, versioned: Bool = true) -> [UInt8] {
    func value(_ tag: UInt8, _ body: [UInt8]) -> [UInt8] { [tag, UInt8(body.count)] + body }
    func time(_ text: String) -> [UInt8] { value(text.utf8.count == 13 ? 0x17 : 0x18, Array(text.utf8)) }
    let validity = value(0x30, time(from) + time(until))
    let version = versioned ? value(0xA0, value(2, [2])) : []
    return value(0x30, value(0x30, version + value(2, [1]) + value(0x30, []) + value(0x30, []) + validity))
  }

  private static func dates(_ bytes: [UInt8]) -> (Int64, Int64)? {
    bytes.withUnsafeBytes { X509Certificate(PacketBytes($0)).map { ($0.notBefore, $0.notAfter) } }
  }

  @Test func bothFormsOfTime() throws {
    let found = try #require(Self.dates(Self.certificate("240229120000Z", "20500101000000Z")))
    // date -u -d '2024-02-29 12:00' +%s; date -u -d '2050-01-01' +%s
    #expect(found.0 == 1_709_208_000)
    #expect(found.1 == 2_524_608_000)
    let old = try #require(Self.dates(Self.certificate("700101000000Z", "991231235959Z", versioned: false)))
    #expect(old.0 == 0)
    #expect(old.1 == 946_684_799)
  }

  @Test func cutOrBrokenOnesAreNone() {
    let whole = Self.certificate("240229120000Z", "250101000000Z")
    for count in 0..<whole.count { #expect(Self.dates(Array(whole[..<count])) == nil) }
    #expect(Self.dates(Self.certificate("24022912000xZ", "250101000000Z")) == nil)
    #expect(Self.dates(Self.certificate("241329120000Z", "250101000000Z")) == nil)
  }

  @Test func daysAndDatesAgree() {
    for days in stride(from: -800_000, through: 800_000, by: 97) {
      #expect(CalendarDate(daysSince1970: days).daysSince1970 == days)
    }
    #expect(CalendarDate(daysSince1970: 19_782).description == "2024-02-29")
  }
}
