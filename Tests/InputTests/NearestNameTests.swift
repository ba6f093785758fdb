import Input
import Testing

@Suite struct NearestNameTests {
  @Test(arguments: [
    ("frntend", ["frontend", "backend", "cart"], ["frontend"]),
    ("carts", ["cart", "card", "checkout"], ["cart"]),
    ("forward-dorp", ["forward-drop", "one-way-udp-forward-drop"], ["forward-drop"]),
    ("web", ["web-0", "web-1", "api", "web-2", "web-3"], ["web-0", "web-1", "web-2"]),
    ("chek", ["check", "why", "trace"], ["check"]), ("xyz", ["frontend"], []), ("", ["a"], []),
    ("CART", ["cart", "cart"], ["cart"]),
  ]) func find(_ text: String, _ names: [String], _ near: [String]) {
    #expect(NearestName.find(text, in: names) == near)
  }

  @Test func asked() {
    #expect(NearestName.question("crt", in: ["cart", "cert"]) == "; did you mean cart or cert?")
    #expect(NearestName.question("nothing-like-it", in: ["cart"]) == ".")
  }
}
