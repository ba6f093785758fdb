import Diagnosis
import Glibc
import Input
import Intent
import Snapshot
import Testing

/// Ten times the objects take at most thirty times as long, however labels are shared.
@Suite struct LinearObjectsTests {
  private static func pod(_ number: Int, _ labels: String) -> String {
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\(number)\",\"namespace\":\"n\",\"labels\":{\(labels)}},\"spec\":{\"nodeName\":\"a\"},\"status\":{\"phase\":\"Running\",\"podIP\":\"10.\(number >> 16).\(number >> 8 & 255).\(number & 255)\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}"
  }

  private static func service(_ number: Int, _ selector: String) -> String {
    "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s\(number)\",\"namespace\":\"n\"},\"spec\":{\"type\":\"NodePort\",\"clusterIP\":\"10.96.\(number >> 8 & 255).\(number & 255)\",\"selector\":{\(selector)},\"ports\":[{\"port\":80,\"protocol\":\"TCP\",\"nodePort\":\(30000 + number % 2767)}]}}"
  }

  private static func policy(_ number: Int, _ selector: String) -> String {
    "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\",\"metadata\":{\"name\":\"y\(number)\",\"namespace\":\"n\"},\"spec\":{\"podSelector\":{\"matchLabels\":{\(selector)}},\"policyTypes\":[\"Ingress\"],\"ingress\":[{\"from\":[{\"podSelector\":{\"matchLabels\":{\"app\":\"x\"}}}]}]}}"
  }

  private static let shapes: [(name: String, pair: @Sendable (Int) -> [String])] = [
    ("a label each", { [pod($0, "\"app\":\"a\($0)\""), service($0, "\"app\":\"a\($0)\"")] }),
    (
      "a label of all and one each",
      {
        [
          pod($0, "\"tier\":\"t\",\"app\":\"a\($0)\""), service($0, "\"tier\":\"t\",\"app\":\"a\($0)\""),
        ]
      }
    ),
    (
      "a label of all and no Pod", { [pod($0, "\"tier\":\"t\""), service($0, "\"tier\":\"t\",\"app\":\"none\($0)\"")] }
    ),
    ("no label in common", { [pod($0, "\"tier\":\"t\""), service($0, "\"app\":\"none\($0)\"")] }),
    ("policies", { [pod($0, "\"app\":\"a\($0)\""), policy($0, "\"app\":\"a\($0)\"")] }),
    (
      "policies of a label of all",
      { [pod($0, "\"tier\":\"t\",\"app\":\"a\($0)\""), policy($0, "\"tier\":\"t\",\"app\":\"a\($0)\"")] }
    ),
  ]

  private static func seconds(_ pair: (Int) -> [String], _ count: Int) -> Double {
    let items =
      (0..<count).flatMap(pair)
      + ["{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"}}"]
    let file = SourceFile(
      name: "objects.json",
      text: "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\(items.joined(separator: ",\n"))]}")
    func now() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    var bundle = Bundle()
    bundle.objectFiles = [file]
    _ = Diagnosis.run(CheckContext(bundle, intent: ObjectReader.read([file])))
    return now() - start
  }

  @Test(arguments: shapes.map(\.name)) func timeIsLinear(_ name: String) throws {
    let pair = try #require(Self.shapes.first { $0.name == name }?.pair)
    let small = Self.seconds(pair, 150)
    let large = Self.seconds(pair, 1500)
    #expect(large < max(small, 0.01) * 30, "\(small) s and \(large) s")
  }
}
