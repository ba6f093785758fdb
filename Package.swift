// swift-tools-version: 6.2
import PackageDescription

// Floors, bottom up; a target imports only targets below it.
let package = Package(
  name: "kubepath",
  products: [
    .library(name: "Kubepath", targets: ["Wire", "Input", "Findings", "Ruleset", "Snapshot", "PacketPath", "Report"]),
    .executable(name: "kubepath", targets: ["kubepath"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
  ],
  targets: [
    // 0
    .target(name: "Wire"),
    .target(name: "CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
    // 1
    .target(name: "Input", dependencies: ["Wire", "CSimdjson", "CZlib", "CZstd", "CLibYAML"]),
    .target(name: "Findings", dependencies: ["Wire"]),
    .target(name: "Ruleset", dependencies: ["Wire", "Input"]),
    // 2
    .target(name: "Snapshot", dependencies: ["Wire", "Input", "Ruleset"]),
    .target(name: "CaptureFile", dependencies: ["Wire", "Input", "CPcap", "CZlib", "CZstd"]),
    .target(name: "Intent", dependencies: ["Wire", "Input"]),
    // 3
    .target(name: "PacketPath", dependencies: ["Wire", "Input", "Ruleset", "Snapshot"]),
    .target(name: "ServiceMap", dependencies: ["Wire", "Ruleset", "Snapshot", "Intent", "PacketPath"]),
    .target(name: "CaptureAnalysis", dependencies: ["Wire", "Input", "Findings", "CaptureFile"]),
    // 4
    .target(
      name: "Diagnosis", dependencies: ["Wire", "Input", "Findings", "Ruleset", "Snapshot", "Intent", "PacketPath", "ServiceMap"]),
    // 5
    .target(
      name: "Report",
      dependencies: ["Wire", "Input", "Findings", "Ruleset", "Snapshot", "PacketPath", "CaptureAnalysis", "ServiceMap"]),
    // 6
    .executableTarget(
      name: "kubepath",
      dependencies: [
        "Wire", "Input", "Findings", "Ruleset", "Snapshot", "PacketPath", "Report", "CaptureFile", "CaptureAnalysis",
        "Intent", "ServiceMap", "Diagnosis",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    // Times whole processes beside their peers; nothing depends on it.
    .executableTarget(name: "kubepath-bench"),
    // The kernel as the judge: makes nodes in network namespaces and records what becomes of packets.
    .target(name: "KernelLab", dependencies: ["Wire"], path: "Tests/KernelLab"),
    .target(name: "FuzzSupport", path: "Tests/FuzzSupport"),
    .testTarget(
      name: "FuzzTests", dependencies: ["FuzzSupport", "Wire", "Input", "Ruleset", "Snapshot", "PacketPath"]),
    .testTarget(name: "PacketPathKernelTests", dependencies: ["KernelLab", "Wire", "kubepath"]),
    // Tests
    .testTarget(name: "WireTests", dependencies: ["Wire"]),
    .testTarget(name: "InputTests", dependencies: ["Input", "CZlib", "CZstd"]),
    .testTarget(name: "SnapshotTests", dependencies: ["Input", "Ruleset", "Snapshot", "Wire"]),
    .testTarget(name: "PacketPathTests", dependencies: ["Wire", "Input", "Ruleset", "Snapshot", "PacketPath"]),
    .testTarget(name: "ReportTests", dependencies: ["Wire", "Input", "Snapshot", "PacketPath", "Report"]),
    .testTarget(name: "NftTests", dependencies: ["Wire", "Input", "Ruleset", "Snapshot"]),
    .testTarget(name: "IntentTests", dependencies: ["Intent", "Input", "Wire"]),
    .testTarget(
      name: "DiagnosisTests",
      dependencies: ["Diagnosis", "ServiceMap", "Intent", "PacketPath", "Snapshot", "Ruleset", "Findings", "Input", "Wire"]),
    .testTarget(name: "CaptureFileTests", dependencies: ["CaptureFile", "Wire"]),
    .testTarget(name: "CaptureAnalysisTests", dependencies: ["CaptureAnalysis", "CaptureFile", "Findings", "Wire"]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)

// FUZZ=1 swift build -c release --product fuzz --scratch-path .build-fuzz --sanitize fuzzer
// SWIFT_BACKTRACE=enable=no .build-fuzz/release/fuzz CORPUS -max_total_time=60
if Context.environment["FUZZ"] != nil {
  package.targets.append(
    .executableTarget(name: "fuzz", dependencies: ["Wire", "Input", "Ruleset", "Snapshot", "PacketPath"]))
}
